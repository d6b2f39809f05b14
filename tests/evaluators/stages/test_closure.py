"""Whether a stage's version can be forgotten: a small checkout, and what is changed in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluators.stages.closure import Sources
from evaluators.stages.record import ROOT, moved_stages, said_of, write_record

GRADES = "evaluators.grading.grades"
SCORES = "evaluators.scores.scores"
FILES = {
    "pyproject.toml": '[project]\nname = "x"\ndependencies = ["sympy==1.14.0", "numpy"]\n',
    "evaluators/__init__.py": "",
    "evaluators/answers.py": '''"""Compares answers."""
import sympy
from pathlib import Path

UNITS = Path(__file__).with_name("units.tsv")
SAME = {"half": "1/2"}

def check(reference: str, prediction: str) -> bool:
    """Whether they are the same."""
    return sympy.sympify(_read(reference)) == _read(prediction)

def _read(text: str) -> str:
    UNITS.read_text()
    return SAME.get(text, text)

def describe(text):
    return text.title()
''',
    "evaluators/units.tsv": "cm\tcentimetre\n",
    "evaluators/grading.py": """from evaluators import answers
from evaluators.stages import Stage

def write_grades(folder, settings):
    from evaluators.registry import found
    return {"grades": answers.check("1", "2"), "found": found()}

GRADES = Stage(
    name="grades",
    version="1",
    write=write_grades,
    description="Grades.",
)
""",
    "evaluators/scores.py": """import subprocess, sys
from evaluators.stages import Stage

def write_scores(folder, settings):
    subprocess.run([sys.executable, "-m", "evaluators.trainer"])
    subprocess.run([sys.executable, Path(__file__).with_name("keeper.py")])
    return {}

SCORES = Stage(
    name="scores",
    version="4",
    write=write_scores,
    description="Scores.",
)
""",
    "evaluators/keeper.py": "LIMIT = 8\n",
    "evaluators/trainer.py": "STEPS = 3\nprint(STEPS)\n",
    "evaluators/registry/__init__.py": """import importlib
import pkgutil

def found():
    return [importlib.import_module(one.name) for one in pkgutil.iter_modules(__path__)]
""",
    "evaluators/registry/gsm8k.py": "NAME = 'gsm8k'\n",
    "pipelines/__init__.py": "",
    "evaluators/stages/__init__.py": "",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    write_record(tmp_path)
    return tmp_path


def change(checkout: Path, name: str, before: str, after: str) -> None:
    path = checkout / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def moved(checkout: Path) -> list[str]:
    return [one.name for one in moved_stages(checkout)]


def test_a_new_record_knows_every_stage_one_line_each(checkout: Path) -> None:
    lines = (checkout / "evaluators" / "stages" / "recorded.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split()[:2] for line in lines] == [[GRADES, "1"], [SCORES, "4"]]
    assert moved(checkout) == []


@pytest.mark.parametrize(
    ("name", "before", "after", "stages"),
    [
        ("evaluators/answers.py", "return SAME.get(text, text)", "return SAME.get(text)", [GRADES]),
        ("evaluators/answers.py", '{"half": "1/2"}', '{"half": "0.5"}', [GRADES]),
        ("evaluators/units.tsv", "centimetre", "centimeter", [GRADES]),
        ("evaluators/registry/gsm8k.py", "'gsm8k'", "'gsm'", [GRADES]),
        ("pyproject.toml", "sympy==1.14.0", "sympy==1.15.0", [GRADES]),
        ("evaluators/trainer.py", "print(STEPS)", "print(STEPS, STEPS)", [SCORES]),
        ("evaluators/keeper.py", "LIMIT = 8", "LIMIT = 9", [SCORES]),
    ],
    ids=[
        "function",
        "constant",
        "data file",
        "found by its folder",
        "pinned library",
        "started by name",
        "started by file",
    ],
)
def test_a_change_that_a_stage_can_reach_is_told(
    checkout: Path, name: str, before: str, after: str, stages: list[str]
) -> None:
    change(checkout, name, before, after)
    assert moved(checkout) == stages


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("evaluators/answers.py", "Whether they are the same.", "True for answers that are equal."),
        ("evaluators/answers.py", "def _read(text: str) -> str:", "def _read(\n    text: object,  # why\n) -> object:"),
        ("evaluators/answers.py", "return text.title()", "return text.upper()"),
        ("evaluators/grading.py", 'description="Grades."', 'description="All grades."'),
        ("pyproject.toml", '"numpy"', '"numpy>=2"'),
    ],
    ids=["docstring", "format, comment, annotation", "function that no stage calls", "description", "free library"],
)
def test_a_change_that_no_result_can_feel_is_not_told(checkout: Path, name: str, before: str, after: str) -> None:
    change(checkout, name, before, after)
    assert moved(checkout) == []


def test_same_output_is_recorded_for_the_named_stage_alone(checkout: Path) -> None:
    change(checkout, "evaluators/answers.py", "get(text, text)", "get(text)")
    change(checkout, "evaluators/trainer.py", "STEPS = 3", "STEPS = 4")
    assert write_record(checkout, [GRADES]) == [GRADES]
    assert moved(checkout) == [SCORES]
    assert write_record(checkout) == [SCORES]
    assert moved(checkout) == []


def test_a_raised_version_is_recorded_too_so_that_the_next_change_is_seen(checkout: Path) -> None:
    change(checkout, "evaluators/answers.py", "get(text, text)", "get(text)")
    change(checkout, "evaluators/grading.py", 'version="1"', 'version="2"')
    (one,) = moved_stages(checkout)
    assert one.is_raised
    assert "its version went from 1 to 2" in said_of(one, checkout)
    write_record(checkout)
    change(checkout, "evaluators/answers.py", "get(text)", "get(text, None)")
    assert moved(checkout) == [GRADES]


def test_the_message_names_what_moved_since_the_record_was_committed(checkout: Path) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(checkout), *who, *words], check=True, capture_output=True)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    change(checkout, "evaluators/answers.py", "get(text, text)", "get(text)")
    change(checkout, "evaluators/answers.py", "SAME = {", "MORE = 1\nSAME = {")
    (one,) = moved_stages(checkout)
    assert said_of(one, checkout) == (
        "evaluators.grading.grades: its code moved (evaluators.answers._read) and its version is 1 still. If it gives other "
        "results now, raise the version in its Stage; if the same: python -m evaluators.stages same-output "
        "evaluators.grading.grades"
    )


def test_a_line_that_a_merge_left_twice_is_told(checkout: Path) -> None:
    record = checkout / "evaluators" / "stages" / "recorded.txt"
    record.write_text(record.read_text(encoding="utf-8") + f"{GRADES} 1 0123456789abcdef\n", encoding="utf-8")
    assert moved(checkout) == [GRADES]


def reaches(stage: str) -> Callable[[str], bool]:
    sources = Sources(ROOT)
    units = next(sources.closure(one) for one in sources.stages() if one.name == stage)
    return lambda place: any(unit.startswith(place) for unit in units)


def test_of_this_project_grades_reach_the_checker_and_its_library() -> None:
    grades = reaches(GRADES)
    assert grades("evaluators.answers.")
    assert grades("library.sympy==")
    assert not grades("pipelines.")
    assert not grades("evaluators.models.sampling")


def test_of_this_project_near_duplicates_reach_little() -> None:
    near = reaches("pipelines.corpus.near_duplicates.near_duplicates")
    assert near("pipelines.corpus.shingles.shingle_hashes")
    assert not near("evaluators.answers")
    assert not near("pipelines.extraction")


def test_the_command_knows_its_stages() -> None:
    words = [sys.executable, "-m", "evaluators.stages", "same-output", "no.such.stage"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "found no.such.stage" in done.stderr

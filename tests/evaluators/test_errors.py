"""One base error: what was expected, what was found, and the remedy; caught once, told in one message."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest

import assets.command_line
from assets.command_line import main
from evaluators.errors import MathsieveError, UnusableArguments

ROOT = Path(assets.command_line.__file__).parent.parent
INTERNAL = {"Unevaluable", "Uncanonical", "ParseError", "OverBudget", "Refused", "ContextOverflow", "Missing"}
INTERNAL |= {"Damaged", "UnreadableBody", "ArchiveError", "RemoteTraceback"}
INTERNAL |= {"UnusableReply", "ErrorReply", "Failed", "Overloaded"}
"""What never leaves its own part: a parse that fails, a record that is damaged, an attempt that is made again."""


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"where": "a.yaml", "expected": "x", "found": "y", "remedy": "Do z."}, "a.yaml: expected x; found y. Do z."),
        ({"where": "a.yaml", "found": "y"}, "a.yaml: found y"),
        ({"expected": "x", "remedy": "Do z."}, "expected x. Do z."),
        ({"where": Path("a"), "expected": "x", "found": 3}, "a: expected x; found 3"),
        ({"where": "a", "expected": "x", "found": "it said so.", "remedy": "Do z."}, "a: expected x; found it said so. Do z."),
        ({"message": "whole"}, "whole"),
    ],
)  # fmt: skip
def test_the_parts_make_one_message(parts: dict[str, object], message: str) -> None:
    assert str(MathsieveError(**parts)) == message  # type: ignore[arg-type]


def test_an_error_comes_back_from_a_worker_as_it_was_raised_there() -> None:
    error = pickle.loads(pickle.dumps(UnusableArguments(where="--k", expected="1", found="2", remedy="Give 1.")))
    assert (type(error), str(error)) == (UnusableArguments, "--k: expected 1; found 2. Give 1.")
    assert (error.where, error.expected, error.found, error.remedy) == ("--k", "1", "2", "Give 1.")


def test_every_error_of_the_project_derives_from_the_one_that_is_caught() -> None:
    strangers = []
    for path in sorted(p for part in ("assets", "pipelines", "evaluators") for p in (ROOT / part).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name not in INTERNAL:
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                if "Exception" in bases and node.name != "MathsieveError":
                    strangers.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert strangers == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MathsieveError(where="x", expected="y", found="z"), "x: expected y; found z\n"),
        (
            FileNotFoundError(2, "No such file or directory", "/none/at/all"),
            "/none/at/all: expected a file or folder that can be used; found: No such file or directory. Check the path "
            "and its permissions.\n",
        ),
        (
            OSError(28, "No space left on device"),
            "the disk is full: No space left on device. Free some space and run again: what was finished is kept.\n",
        ),
    ],
)
def test_a_command_ends_with_one_message_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, told: str
) -> None:
    def fails(_: object) -> int:
        raise error

    monkeypatch.setattr("evaluators.answers.command.run", fails)
    assert main(["check", "1", "1"]) == 2
    assert capsys.readouterr().err == told


def test_a_fault_of_the_code_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("evaluators.answers.command.run", fails)
    with pytest.raises(OSError, match="Input/output"):
        main(["check", "1", "1"])

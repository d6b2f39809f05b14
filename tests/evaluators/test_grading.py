"""Every completion gets one grade a profile; problems judged by tests run in the sandbox."""

import asyncio
from dataclasses import asdict
from pathlib import Path

import pytest

from evaluators.benchmarks import benchmark
from evaluators.grading import grade_all, grade_by_tests, program_with_tests
from evaluators.leaks.contained import ContaminationSettings, write_contamination
from evaluators.leaks.shares import QuestionIndex
from evaluators.models.trajectory import EvaluationError
from evaluators.records import Completion, Grade, Problem, Program
from evaluators.sandbox import Sandbox, SandboxSettings
from evaluators.scores import ScoreSettings, scores_of
from evaluators.tables import write_table

PROBLEM = Problem(id="t/0", benchmark="t", question="What is 6 times 7?", reference="42")


def completed(text: str, problem_id: str = "t/0", **more: object) -> Completion:
    given = {"problem_id": problem_id, "sample": 0, "form": "cot", "text": text, "finish": "stop", **more}
    return Completion(**given)  # type: ignore[arg-type]  # spelt out in each test


@pytest.mark.parametrize(
    ("text", "outcome"),
    [("So it is $\\boxed{42}$.", "correct"), ("So it is $\\boxed{41}$.", "incorrect"), ("", "no_answer")],
)
def test_a_text_is_graded_by_its_answer(text: str, outcome: str) -> None:
    (graded,) = grade_all([PROBLEM], [completed(text)], ["strict"])
    assert graded.outcome == outcome


def test_a_failed_completion_is_an_error_of_sampling_and_not_an_answer() -> None:
    (graded,) = grade_all([PROBLEM], [completed("42", finish="error", error="HTTP 500")], ["strict"])
    assert (graded.outcome, graded.stage, graded.reason, graded.prediction) == ("error", "sampling", "HTTP 500", None)


def test_the_last_program_output_is_judged_on_its_own() -> None:
    programs = tuple(Program(code="", status="ok", output=output, seconds=0.0) for output in ("7", "working\n42"))
    right_program = completed("so \\boxed{41}", programs=programs)
    (graded,) = grade_all([PROBLEM], [right_program], ["strict"])
    assert (graded.outcome, graded.program_correct) == ("incorrect", True)
    (without,) = grade_all([PROBLEM], [completed("\\boxed{42}")], ["strict"])
    assert without.program_correct is None


def test_a_foreign_completion_is_refused() -> None:
    with pytest.raises(EvaluationError, match="found one of 't/9'"):
        grade_all([PROBLEM], [completed("42", problem_id="t/9")], ["strict"])


def test_many_completions_are_graded_in_processes_in_the_same_order() -> None:
    problems = [Problem(id=f"t/{n}", benchmark="t", question="?", reference=str(n)) for n in range(2100)]
    completions = [completed(f"\\boxed{{{n % 2 * n}}}", problem_id=f"t/{n}") for n in range(2100)]
    grades = grade_all(problems, completions, ["strict"])
    assert [g.problem_id for g in grades] == [p.id for p in problems]
    assert [g.correct for g in grades] == [n % 2 == 1 or n == 0 for n in range(2100)]


HUMANEVAL = benchmark("humaneval").parse(benchmark("humaneval").example, 0, "test")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("```python\ndef twice(x: int) -> int:\n    return x + x\n```", "correct"),
        ("Just the body:\n```python\n    return 2 * x\n```", "correct"),
        ("    return 2 * x\n", "correct"),
        ("```python\ndef twice(x):\n    return x\n```", "incorrect"),
        ("```python\ndef twice(x):\n    return 2 *\n```", "incorrect"),
        ("```python\nimport sys\ndef twice(x):\n    sys.exit(0)\n```", "incorrect"),
        (
            "```python\ndef twice(x):\n    return 2 * x\nimport os\nos._exit(0)\n```",
            "incorrect",
        ),
        ("```python\ndef twice(x):\n    while True: pass\n```", "timeout"),
        ("I cannot.", "no_answer"),
    ],
)
def test_code_is_judged_by_its_tests(text: str, outcome: str, sandbox: Sandbox) -> None:
    graded = asyncio.run(grade_by_tests(HUMANEVAL, completed(text, problem_id=HUMANEVAL.id), sandbox))
    assert graded.outcome == outcome


@pytest.fixture(scope="module")
def sandbox():  # type: ignore[no-untyped-def]  # a fixture
    with Sandbox(SandboxSettings(wall_seconds=2.0)) as opened:
        yield opened


def test_the_questions_imports_are_kept_for_a_whole_function() -> None:
    question = "```python\nfrom typing import List\n\ndef first(x: List[int]) -> int:\n    ...\n```"
    problem = Problem(id="humaneval/test/0", benchmark="humaneval", question=question, reference="check(first)")
    program = program_with_tests(problem, "```python\ndef first(x: List[int]) -> int:\n    return x[0]\n```")
    assert program is not None
    assert program.startswith("from typing import List\ndef first")


TEXT = "A train of twelve cars leaves the old station at 7 in the morning and stops at 3 small villages on its way."


def contained(text: str, question: str = TEXT, **changes: float) -> dict[str, float]:
    return {f"t/{n}": one.share for n, one in QuestionIndex([question], **changes).contained_in(text).items()}


@pytest.mark.parametrize(
    "text",
    [TEXT, f"Before.\n{TEXT}\nAfter.", TEXT.upper().replace(" ", "\n"), TEXT.replace(" ", ", ")],
    ids=["itself", "within more", "other case and spacing", "other punctuation"],
)
def test_a_text_that_holds_the_question_is_found(text: str) -> None:
    assert contained(text) == {"t/0": 1.0}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Another problem altogether.",
        " ".join(reversed(TEXT.split())),
        TEXT[:60],
        TEXT.replace("7", "8").replace("3", "4"),
    ],
    ids=["nothing", "another", "its words in another order", "its beginning", "other numbers"],
)
def test_a_text_that_does_not_hold_it_is_not(text: str) -> None:
    assert contained(text) == {}


def test_one_shared_phrase_counts_only_under_the_papers_rule() -> None:
    phrase = " ".join(TEXT.split()[:10])
    assert contained(phrase) == {}
    assert contained(phrase, minimum_share=0.001) == {"t/0": pytest.approx(1 / 14)}  # 23 words hold 14 10-grams


def test_short_and_chinese_questions_match_whole() -> None:
    assert contained("so what is two plus two then", "What is two plus two?") == {"t/0": 1.0}
    assert contained("两个苹果和三个梨一共几个？", "三个梨一共几个") == {"t/0": 1.0}


def test_contamination_reads_whatever_text_columns_a_table_has(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    problems = [
        Problem(id=f"t/{n}", benchmark="t", question=q, reference="1") for n, q in enumerate((TEXT, "Name a prime!"))
    ]
    write_table(tmp_path / "problems.parquet", [asdict(p) for p in problems], Problem)
    pq.write_table(pa.table({"prompt": [f"User: {TEXT}"], "response": ["x"]}), tmp_path / "mixture.parquet")
    pq.write_table(
        pa.table({"url": ["https://a.org/x"], "text": ["First, name a prime."]}), tmp_path / "corpus.parquet"
    )
    tables = {"mixture": [tmp_path / "mixture.parquet"], "corpus": [tmp_path / "corpus.parquet"]}
    facts = write_contamination(
        tmp_path, ContaminationSettings(), problems=tmp_path / "problems.parquet", tables=tables
    )
    assert facts == {"mixture": 1, "corpus": 1}
    places = pq.read_table(tmp_path / "places.parquet").to_pylist()
    assert [(row["problem_id"], row["table"], row["place"], row["match"]) for row in places] == [
        ("t/1", "corpus", "https://a.org/x", "grams"),
        ("t/0", "mixture", "mixture.parquet, row 0", "grams"),
    ]
    assert (places[0]["span"], places[1]["share"]) == ("name a prime", 1.0)


def test_scores_give_a_second_accuracy_without_contaminated_problems() -> None:
    problems = [Problem(id=f"t/{n}", benchmark="t", question="?", reference="1") for n in range(4)]
    completions = [completed("", problem_id=p.id) for p in problems]
    grades = [
        Grade(problem_id=p.id, sample=0, profile=profile, outcome=outcome, prediction="1", reason="", stage="text")  # type: ignore[arg-type]  # two outcomes
        for n, p in enumerate(problems)
        for profile, outcome in (
            ("strict", "correct" if n < 2 else "incorrect"),
            ("deepseek", "correct" if n < 3 else "incorrect"),
        )
    ]
    scores = scores_of(problems, completions, grades, {"mixture": {"t/0": 1.0}, "corpus": {}}, ScoreSettings())
    strict = scores["profiles"]["strict"]
    assert (strict["accuracy"], strict["correct"]) == (50.0, 2)
    assert (strict["clean"]["problems"], strict["clean"]["accuracy"]) == (3, pytest.approx(33.3333))
    assert [d["problem_id"] for d in scores["disagreements"]] == ["t/2"]


def test_cost_is_told_only_where_prices_are() -> None:
    done = completed("x", prompt_tokens=1_000_000, completion_tokens=500_000)
    grades = grade_all([PROBLEM], [done], ["strict"])
    priced = ScoreSettings(prompt_price=1.0, completion_price=4.0)
    assert scores_of([PROBLEM], [done], grades, {}, priced)["sampling"]["cost"] == 3.0
    assert scores_of([PROBLEM], [done], grades, {}, ScoreSettings())["sampling"]["cost"] is None

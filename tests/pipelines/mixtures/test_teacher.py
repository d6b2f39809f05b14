"""Rejection sampling from a teacher: scripted here, through the loop that evaluation uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from evaluators.models.sampling import SMALLEST_CALL, Generation, Request, SamplingError
from pipelines.example_text import example_text
from pipelines.mixtures.teacher import TeacherError, TeacherSettings, write_annotated
from tests.scripted_server import Said, scripted_servers


class Teacher:
    """Answers by a function of (question's text, how often it was asked)."""

    identity = "scripted teacher"

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.asked: list[Request] = []

    async def generate(self, request: Request) -> Generation:
        self.asked.append(request)
        text = self._answer(request)
        if isinstance(text, Exception):
            raise text
        return Generation(text=text, finish="stop", prompt_tokens=1, completion_tokens=1, seconds=0.0)


QUESTIONS = [
    {"id": "p/0", "question": "6 times 7?", "reference": "42"},
    {"id": "p/1", "question": "2 times 4?", "reference": "8"},
    {"id": "p/2", "question": "no reference", "reference": ""},
]


def annotate(folder: Path, examples: Any, answer: Any, **settings: Any) -> tuple[Any, Any, Teacher]:
    folder.mkdir(exist_ok=True)
    teacher = Teacher(answer)
    facts = write_annotated(
        folder,
        TeacherSettings(**{"form": "cot", "samples": 3, **settings}),
        problems={"school": examples("school", [{}], QUESTIONS)},
        sampler=teacher,
    )
    return facts, pq.read_table(folder / "examples-00000.parquet").to_pylist(), teacher


def test_only_right_answers_are_kept_and_the_first_of_them(tmp_path: Path, examples: Any) -> None:
    def answer(request: Request) -> str:
        if "6 times" in request.prompt:
            return f" Sample {request.seed}: $\\boxed{{{42 if request.seed >= 1 else 41}}}$."
        return " It is $\\boxed{9}$."

    facts, rows, teacher = annotate(tmp_path / "out", examples, answer)
    assert [example_text(row).response for row in rows] == [" Sample 1: $\\boxed{42}$."]
    assert rows[0]["verification"] == "answer" and rows[0]["source"] == "school" and rows[0]["id"] == "p/0/cot/1"
    assert len(teacher.asked) == 6  # two problems have references
    assert facts["rejected"] == {"enough": 1, "wrong_answer": 4}
    assert (facts["problems"], facts["problems_solved"], facts["samples"]) == (2, 1, 6)


def test_equal_solutions_are_kept_once(tmp_path: Path, examples: Any) -> None:
    facts, rows, _ = annotate(
        tmp_path / "out", examples, lambda request: " $\\boxed{42}$" if "6 t" in request.prompt else "?", keep=3
    )
    assert len(rows) == 1
    assert facts["rejected"]["duplicate"] == 2


def test_tool_integrated_solutions_carry_what_the_sandbox_printed(tmp_path: Path, examples: Any) -> None:
    def answer(request: Request) -> str:
        if "```output" in request.continues:
            return "The answer is $\\boxed{42}$."
        return "" if request.continues else " Multiply.\n```python\nprint(6 * 7)\n```\n"

    facts, rows, _ = annotate(tmp_path / "out", examples, answer, form="tir", samples=1)
    (row,) = rows
    assert row["form"] == "tir"
    response = example_text(row).response
    assert "```python\nprint(6 * 7)\n```" in response
    assert "```output\n42\n```" in response
    assert facts["rejected"] == {"wrong_answer": 1}


def test_a_failing_endpoint_stops_the_stage_and_is_asked_again_for_the_rest(tmp_path: Path, examples: Any) -> None:
    def failing(request: Request) -> Any:
        return SamplingError("gone") if "2 times" in request.prompt else " $\\boxed{42}$"

    with pytest.raises(TeacherError, match="3 of 6 answers failed after every retry, for example: gone"):
        annotate(tmp_path / "out", examples, failing)
    _, rows, teacher = annotate(tmp_path / "out", examples, lambda request: " $\\boxed{8}$")
    assert len(teacher.asked) == 3  # what was generated before is not asked for again
    assert [row["problem_id"] for row in rows] == ["p/0", "p/1"]
    assert not list((tmp_path / "out").glob("*.tmp*"))


def test_problems_without_references_cannot_be_taught(tmp_path: Path, examples: Any) -> None:
    with pytest.raises(TeacherError, match="expected problems with references"):
        write_annotated(tmp_path, TeacherSettings(), problems={"x": examples("x", [{}], [QUESTIONS[2]])})


def taught_by(url: str, folder: Path, examples: Any, **settings: Any) -> Any:
    endpoint = {"base_url": url, "kind": "chat", "attempts": 2, "first_delay": 0.001}
    asked = TeacherSettings.model_validate(
        {"endpoint": endpoint, "form": "cot", "prompt": "chat", "samples": 1, **settings}
    )
    folder.mkdir(exist_ok=True)
    return write_annotated(folder, asked, problems={"school": examples("school", [{}], QUESTIONS)})


def test_a_teacher_that_applies_its_own_template_is_given_the_question_as_a_turn(tmp_path: Path, examples: Any) -> None:
    answer = {"choices": [{"message": {"content": "$\\boxed{42}$"}, "finish_reason": "stop"}]}
    with scripted_servers() as start:
        server = start(Said(answer))
        facts = taught_by(server.base_url, tmp_path / "out", examples)
    assert (facts["rows"], facts["rejected"]) == (1, {"wrong_answer": 1})
    assert {body["messages"][0]["content"].splitlines()[0] for body in server.asked} == {"6 times 7?", "2 times 4?"}


def test_what_a_teacher_does_not_take_is_told_at_the_first_request(tmp_path: Path, examples: Any) -> None:
    refusal = {"error": {"message": "Unsupported value: 'temperature' does not support 0.7 with this model."}}
    with scripted_servers() as start:
        server = start(Said(refusal, 400))
        with pytest.raises(SamplingError, match=r"expected a server that takes temperature=0\.7"):
            taught_by(server.base_url, tmp_path / "out", examples)
    assert [body["max_tokens"] for body in server.asked] == [SMALLEST_CALL]


def test_a_missing_key_is_named(tmp_path: Path, examples: Any) -> None:
    settings = TeacherSettings.model_validate({"endpoint": {"api_key_variable": "NO_SUCH_KEY_HERE"}, "form": "cot"})
    with pytest.raises(SamplingError, match="expected an API key in the environment variable NO_SUCH_KEY_HERE"):
        write_annotated(tmp_path, settings, problems={"x": examples("x", [{}], QUESTIONS)})

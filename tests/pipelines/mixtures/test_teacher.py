"""Rejection sampling from a teacher: scripted here, through the loop that evaluation uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from evaluators.models.sampling import SMALLEST_CALL, Generation, Request, SamplingError
from pipelines.example_text import example_text
from pipelines.mixtures.problem_fields import PROBLEM_FIELDS
from pipelines.mixtures.teacher import TeacherError, TeacherSettings, write_annotated
from pipelines.storage import Store
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
        return Generation(text=text, finish="stop", prompt_tokens=1, completion_tokens=1, seconds=0.5)


QUESTIONS = [
    {"id": "p/0", "question": "6 times 7?", "reference": "42", "subject": "arithmetic"},
    {"id": "p/1", "question": "2 times 4?", "reference": "8"},
    {"id": "p/2", "question": "no reference", "reference": ""},
]


def annotate(folder: Path, examples: Any, answer: Any, **settings: Any) -> tuple[Any, Any, Teacher]:
    folder.mkdir(exist_ok=True)
    teacher, fields = Teacher(answer), settings.pop("problem_fields", None)
    facts = write_annotated(
        folder,
        TeacherSettings(**{"form": "cot", "samples": 3, **settings}),
        problems={"school": examples("school", [{}], QUESTIONS)},
        problem_fields=fields,
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
    assert len(teacher.asked) == 5  # two problems have references, and one needs no third sample
    assert facts["rejected"] == {"wrong_answer": 4}
    assert (facts["problems"], facts["problems_solved"], facts["samples"]) == (2, 1, 5)


def test_acceptance_tokens_and_money_are_told_by_source_subject_and_level(tmp_path: Path, examples: Any) -> None:
    def answer(request: Request) -> str:
        return " $\\boxed{42}$" if "6 times" in request.prompt else " $\\boxed{9}$"

    facts, _, _ = annotate(tmp_path / "out", examples, answer, prompt_price=100, completion_price=300)
    assert facts["acceptance"]["source"] == {"school": {"asked": 4, "kept": 1, "problems": 2, "solved": 1}}
    assert facts["acceptance"]["subject"] == {
        "arithmetic": {"asked": 1, "kept": 1, "problems": 1, "solved": 1},
        "not given": {"asked": 3, "kept": 0, "problems": 1, "solved": 0},
    }
    assert facts["acceptance"]["level"].keys() == {"not given"}
    assert (facts["prompt_tokens"], facts["completion_tokens"]) == (4, 4)  # a token each, of four answers
    assert facts["cost"] == pytest.approx(4 * (100 + 300) / 1e6)
    assert facts["seconds"] == 4 * 0.5


def test_acceptance_is_told_by_field_and_topic_whoever_says_them(tmp_path: Path, examples: Any) -> None:
    row = {"source": "school", "problem_id": "p/0", "field": "other", "field_from": "classifier", "topic": "averages"}

    def write(folder: Path) -> dict[str, int]:
        pq.write_table(pa.Table.from_pylist([row], schema=PROBLEM_FIELDS), folder / "fields-00000.parquet")
        return {}

    fields = Store(tmp_path / "fields").build({"name": "problem_fields"}, write)
    facts, _, _ = annotate(
        tmp_path / "out", examples, lambda request: " $\\boxed{42}$", problem_fields=fields, samples=1
    )
    assert {name: told["asked"] for name, told in facts["acceptance"]["field"].items()} == {"other": 1, "unknown": 1}
    assert facts["acceptance"]["topic"]["averages"] == {"asked": 1, "kept": 1, "problems": 1, "solved": 1}


def test_equal_solutions_are_kept_once(tmp_path: Path, examples: Any) -> None:
    facts, rows, _ = annotate(
        tmp_path / "out", examples, lambda request: " $\\boxed{42}$" if "6 t" in request.prompt else "?", keep=3
    )
    assert len(rows) == 1
    assert facts["rejected"]["duplicate"] == 2


def test_programs_that_differ_in_names_and_constants_alone_are_one_solution(tmp_path: Path, examples: Any) -> None:
    programs = ["a = 6\nprint(a * 7)", "number = 7\nprint(number * 6)", "print(sum([6] * 7))", "print(7 * 6)"]

    def answer(request: Request) -> str:
        if "```output" in request.continues:
            return "The answer is $\\boxed{42}$."
        return "" if request.continues else f" So.\n```python\n{programs[request.seed % 4]}\n```\n"

    facts, rows, _ = annotate(tmp_path / "out", examples, answer, form="tir", samples=4, keep=2, problems=1)
    assert [row["id"] for row in rows] == ["p/0/tir/0", "p/0/tir/2"]
    assert facts["rejected"] == {"duplicate": 1}
    assert facts["samples"] == 3  # two are kept: the fourth is not asked for


def test_a_refusal_with_a_right_box_is_rejected(tmp_path: Path, examples: Any) -> None:
    refusal = " I'm sorry, but I can't solve that. $\\boxed{42}$"
    facts, rows, _ = annotate(tmp_path / "out", examples, lambda _: refusal, samples=1)
    assert (rows, facts["rejected"]) == ([], {"refusal": 2})
    facts, rows, _ = annotate(tmp_path / "kept", examples, lambda _: refusal, samples=1, flaws={"refusal": "keep"})
    assert [row["flaws"] for row in rows] == [["refusal"]]


def test_a_resumed_run_gives_the_bytes_of_one_that_was_never_stopped(tmp_path: Path, examples: Any) -> None:
    def answer(request: Request) -> str:
        return f" Sample {request.seed}. $\\boxed{{{42 if request.seed == 1 else 8}}}$"

    def dying(request: Request) -> Any:
        return RuntimeError("killed") if request.seed == 2 else answer(request)

    annotate(tmp_path / "whole", examples, answer)
    with pytest.raises(RuntimeError, match="killed"):
        annotate(tmp_path / "resumed", examples, dying, keep=2)
    annotate(tmp_path / "resumed", examples, answer)
    for name in ("examples", "rejected", "problems"):
        one, other = (tmp_path / run / f"{name}-00000.parquet" for run in ("whole", "resumed"))
        assert one.read_bytes() == other.read_bytes()
    assert sorted(path.suffix for path in (tmp_path / "resumed").iterdir()) == [".parquet"] * 3


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

    with pytest.raises(TeacherError, match="3 of 4 answers failed after every retry, for example: gone"):
        annotate(tmp_path / "out", examples, failing)
    _, rows, teacher = annotate(tmp_path / "out", examples, lambda request: " $\\boxed{8}$")
    assert len(teacher.asked) == 1  # what was generated before is not asked for again, nor what nobody needs
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


def first_turns(server: Any) -> list[str]:
    return [body["messages"][0]["content"] for body in server.asked if "times" in body["messages"][0]["content"]]


WORKED = [
    {"question": "2 plus 2?", "solution": "Two and two are $\\boxed{4}$.", "reference": "4"},
    {"question": "一加一？", "solution": "是$\\boxed{2}$。", "reference": "2", "language": "zh"},
]


def test_worked_examples_are_shown_before_each_problem_of_their_language(tmp_path: Path, examples: Any) -> None:
    file = tmp_path / "worked.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in WORKED), encoding="utf-8")
    answer = {"choices": [{"message": {"content": "$\\boxed{42}$"}, "finish_reason": "stop"}]}
    with scripted_servers() as start:
        server = start(Said(answer))
        taught_by(server.base_url, tmp_path / "out", examples, worked=file)
    shown = "Problem:\n2 plus 2?\n\nSolution:\nTwo and two are $\\boxed{4}$.\n\nProblem:\n6 times 7?\nPlease reason"
    assert any(turn.startswith(shown) for turn in first_turns(server))
    _, _, teacher = annotate(tmp_path / "completed", examples, lambda _: " $\\boxed{42}$", worked=file, samples=1)
    asked = next(request for request in teacher.asked if "6 times" in request.prompt)
    assert asked.prompt.startswith("User: 2 plus 2?\n")
    assert " Two and two are $\\boxed{4}$.\n\nUser: 6 times 7?\n" in asked.prompt
    assert asked.prompt.endswith("\n\nAssistant:")
    assert "\n\nUser:" in asked.stop


def test_worked_examples_that_cannot_be_read_are_named(tmp_path: Path, examples: Any) -> None:
    file = tmp_path / "worked.jsonl"
    file.write_text('{"question": "x"}', encoding="utf-8")
    with pytest.raises(TeacherError, match=r"worked\.jsonl: expected JSON Lines of question, solution and reference"):
        annotate(tmp_path / "out", examples, lambda _: "", worked=file)


def test_an_endpoint_asked_in_turns_gets_no_template_of_ours_unless_the_recipe_wants_it(
    tmp_path: Path, examples: Any
) -> None:
    answer = {"choices": [{"message": {"content": "$\\boxed{42}$"}, "finish_reason": "stop"}]}
    with scripted_servers() as start:
        server = start(Said(answer))
        taught_by(server.base_url, tmp_path / "out", examples, prompt=None)
        assert not any("Assistant:" in turn for turn in first_turns(server))
        taught_by(server.base_url, tmp_path / "ours", examples, prompt="deepseek")
        assert any(turn.startswith("User: 6 times 7?") for turn in first_turns(server))


def test_a_chat_prompt_for_an_endpoint_without_a_template_is_refused_before_the_run() -> None:
    with pytest.raises(ValidationError, match="expected deepseek for an endpoint of kind completions"):
        TeacherSettings.model_validate({"prompt": "chat", "endpoint": {"kind": "completions"}})


def test_an_endpoint_that_completes_is_asked_with_the_prompt_that_is_trained_on(tmp_path: Path, examples: Any) -> None:
    answer = {"choices": [{"text": " $\\boxed{42}$", "finish_reason": "stop", "index": 0}]}
    with scripted_servers() as start:
        server = start(Said(answer))
        endpoint = {"base_url": server.base_url, "attempts": 2, "first_delay": 0.001}
        settings = TeacherSettings.model_validate({"endpoint": endpoint, "form": "cot", "samples": 1})
        problems = {"school": examples("school", [{}], QUESTIONS)}
        (tmp_path / "out").mkdir()
        facts = write_annotated(tmp_path / "out", settings, problems=problems)
    assert (facts["rows"], facts["rejected"]) == (1, {"wrong_answer": 1})
    asked = [body["prompt"] for body in server.asked]
    assert any("User: 6 times 7?\n" in str(prompt) for prompt in asked)

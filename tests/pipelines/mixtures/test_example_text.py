"""Messages become the text that training has always read, to the byte, and trajectories become turns that are true to it."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluators.models.prompting import deepseek_prompt
from evaluators.records import Problem
from pipelines.example_text import Message, example_messages, example_text
from pipelines.mixtures.source import Origin, example_row
from pipelines.mixtures.verification import Solution, Verdict
from pipelines.records import EXAMPLES

TIR = "We add.\n```python\nx = 2\nprint(x + 2)\n```\n```output\n4\n```\nAgain:\n```python\nprint(x)\n```\n```output\n2\n```\nThe answer is $\\boxed{4}$."
CHINESE_COT = "请通过逐步推理来解答问题，并把最终答案放置于\\boxed{}中。"


def text_of(question: str, response: str, form: Any, language: str = "en", earlier: Any = ()) -> tuple[str, str]:
    messages = example_messages(question, response, form, earlier)
    table = pa.Table.from_pylist([{"messages": messages, "form": form, "language": language}], schema=EXAMPLES)
    text = example_text(table.to_pylist()[0])  # as it is read back from a file
    return text.prompt, text.response


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("form", "asked"), [("cot", "cot"), ("pot", "tir"), ("tir", "tir")])
@pytest.mark.parametrize(
    "response",
    [
        TIR,
        "The answer is $\\boxed{4}$.",
        "```python\nprint(4)\n```",
        "```python\nprint(4)\n```\n```output\n4\n```",  # ends with what was printed
        "```python \nprint(4)\n```\n\n```output\n4\n```\nSo 4.",  # other white space than ours
        "```python\nprint(4)\n```\n```output\n\n```\nNothing.",
        "```python\nprint(4)\n```\n```output\n4\n```\n```python\nprint(5)\n```\nDone.",  # a program that was not run
        "A list:\n```\n1\n```\n```python\nprint(4)\n```\n```output\n4\n```\nSo 4.",
        '```python\nprint("中\\n\\u4e2d", \'"\')\n```\n```output\n中\n```\n  So.',
    ],
)
def test_the_text_is_the_papers_prompt_and_the_response_as_it_was(
    response: str, form: Any, asked: Any, language: Any
) -> None:
    prompt, said = text_of("2 + 2?\nExplain.", f"  {response}\n", form, language)
    assert prompt == deepseek_prompt("2 + 2?\nExplain.", form=asked, language=language)
    assert said == " " + response.strip()


def test_a_trajectory_is_a_turn_for_each_program_and_each_output() -> None:
    messages = example_messages("2 + 2?", TIR, "tir")
    assert [(one["role"], one["content"]) for one in messages] == [
        ("user", "2 + 2?"),
        ("assistant", "We add.\n"),
        ("tool", "4"),
        ("assistant", "Again:\n"),
        ("tool", "2"),
        ("assistant", "The answer is $\\boxed{4}$."),
    ]
    called = [(call["name"], json.loads(call["arguments"])) for one in messages for call in one["tool_calls"] or ()]
    assert called == [("python", {"code": "x = 2\nprint(x + 2)"}), ("python", {"code": "print(x)"})]


@pytest.mark.parametrize(
    "response",
    [
        "```python\nprint(4)\n```\n```output\n4\n```",
        "```python \nprint(4)\n```\n```output\n4\n```\nSo 4.",
        "```python\nprint(4)\n```\n```output\n4\n```\n```python\nprint(5)\n```\nDone.",
    ],
)
def test_a_trajectory_that_turns_cannot_tell_is_one_message(response: str) -> None:
    assert [one["content"] for one in example_messages("q", response, "tir")] == ["q", response]


def test_a_conversation_asks_for_no_boxed_answer_and_keeps_what_was_said_before() -> None:
    earlier = (
        Message(role="system", content="Be brief."),
        Message(role="user", content="Hello?"),
        Message(role="assistant", content="Hello."),
    )
    prompt, said = text_of("And now?", "Nothing new.", "chat", earlier=earlier)
    assert prompt == "Be brief.\n\nUser: Hello?\n\nAssistant: Hello.\n\nUser: And now?\n\nAssistant:"
    assert said == " Nothing new."
    assert text_of("二加二？", "四", "cot", "zh")[0] == f"User: 二加二？\n{CHINESE_COT}\n\nAssistant:"


def row(form: Any = "cot", reference: str = "4", verified: bool = True, **more: Any) -> dict[str, Any]:
    problem = Problem(id="s/train/1", benchmark="s", question="2 + 2?", reference=reference, subject="sums", level="1")
    solution = Solution(problem=problem, form=form, response="4", **more)
    origin = Origin(licence="MIT", dataset="owner/name", revision="abc")
    return example_row(solution, Verdict(kept=True, reason="", verified=verified), origin)


def test_a_row_says_how_its_solution_was_verified() -> None:
    assert row("cot")["verification"] == "answer"
    assert row("pot")["verification"] == row("tir")["verification"] == "executed"
    assert row("cot", verified=False)["verification"] is None  # nobody looked
    assert row("pot", reference="", verified=False)["verification"] == "no_reference"


def test_a_row_says_where_it_and_its_reference_came_from() -> None:
    made = row(reference_from="solution", pass_rate=0.25, tokens=7, field="algebra", topic="一元一次方程")
    kept = pa.Table.from_pylist([made], schema=EXAMPLES).to_pylist()[0]
    assert set(made) == set(EXAMPLES.names)
    assert {name: kept[name] for name in ("dataset", "revision", "licence", "reference_from", "subject", "level")} == {
        "dataset": "owner/name",
        "revision": "abc",
        "licence": "MIT",
        "reference_from": "solution",
        "subject": "sums",
        "level": "1",
    }
    assert (kept["field"], kept["field_from"]) == ("algebra", "source")
    assert (kept["topic"], kept["topic_from"]) == ("linear_equations", "source")  # 一元一次方程 by its fixed name
    assert (kept["tokens"], kept["pass_rate"]) == (7, 0.25)
    assert row(licence="CC0")["licence"] == "CC0"
    assert row(reference="")["reference_from"] is None


def test_a_conversation_is_searched_for_leaks_as_its_text_is(tmp_path: Any) -> None:
    from evaluators.leaks.contained import _texts

    messages = example_messages("2 + 2?", TIR, "tir")
    made = {**dict.fromkeys(EXAMPLES.names), "id": "a", "messages": messages, "problem": "2 + 2?"}
    pq.write_table(pa.Table.from_pylist([made], schema=EXAMPLES), tmp_path / "examples.parquet")
    ((place, text),) = _texts(tmp_path / "examples.parquet")
    assert place == "a"
    assert text.splitlines()[:4] == ["2 + 2?", "We add.", "", "x = 2"]
    assert text.endswith("The answer is $\\boxed{4}$.")

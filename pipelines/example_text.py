"""An example as messages, and as the text that a model is trained on: the one place where one becomes the other.

    user       the question, without any instruction
    assistant  what the model writes; `tool_calls` holds the program that it asks to be run
    tool       what running it printed

The text is that of DeepSeekMath's evaluation (evaluators.models.prompting), so that what is asked is what was learned: the
instruction of the example's form after its last question, programs and their outputs in fences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evaluators.models.bodies import TOOL
from evaluators.models.prompting import deepseek_prompt
from evaluators.records import Form

ExampleForm = Literal["cot", "pot", "tir", "chat"]
"""Chain of thought, a program alone, both in turn; `chat` is what no answer is asked of: general conversation, code."""
PROMPT_FORMS: Mapping[str, Form] = {"cot": "cot", "pot": "tir", "tir": "tir"}
"""A program alone answers the tool-integrated prompt: evaluation runs it and takes its output for the answer."""
TEXT_COLUMNS = ("messages", "form", "language")
"""The columns of EXAMPLES that decide an example's text."""
VERIFIED = ("executed", "repaired", "answer")
"""Values of the column `verification` that say right; see pipelines.records.EXAMPLES."""
CALL = re.compile(r"```python\n(?P<code>.*?)\n```\n```output\n(?P<output>.*?)\n```\n", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn before the question: a system prompt, or what was said earlier."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleText:
    """What is asked, up to `Assistant:`, and what is answered, with a leading space and no end-of-sequence marker."""

    prompt: str
    response: str


def example_messages(
    question: str, response: str, form: ExampleForm, earlier: Sequence[Message] = ()
) -> list[dict[str, Any]]:
    """The value of the column `messages`."""
    before = [_message(one.role, one.content) for one in earlier]
    return [*before, _message("user", question), *_answer(response.strip(), form)]


def example_text(row: Mapping[str, Any]) -> ExampleText:
    """The text of a row of EXAMPLES, of which it needs TEXT_COLUMNS."""
    messages = row["messages"]
    asked = max(place for place, one in enumerate(messages) if one["role"] == "user")
    question, form = messages[asked]["content"], PROMPT_FORMS.get(row["form"])
    if form is None:
        prompt = f"User: {question}\n\nAssistant:"
    else:
        prompt = deepseek_prompt(question, form=form, language=row["language"])
    return ExampleText(
        prompt="".join(_earlier(messages[:asked])) + prompt,
        response=" " + "".join(_said(one) for one in messages[asked + 1 :]),
    )


def _message(role: str, content: str, code: str | None = None) -> dict[str, Any]:
    calls = [{"name": TOOL["name"], "arguments": json.dumps({"code": code}, ensure_ascii=False)}]
    return {"role": role, "content": content, "tool_calls": None if code is None else calls}


def _answer(response: str, form: ExampleForm) -> list[dict[str, Any]]:
    """One message; or, of a trajectory whose programs all stand in plain fences, a message a turn."""
    parts = CALL.split(response) if form == "tir" else [response]
    if not parts[-1] or any("```" in text for text in parts[::3]):
        return [_message("assistant", response)]  # turns would say something else
    messages = []
    for text, code, output in zip(parts[:-1:3], parts[1::3], parts[2::3], strict=True):
        messages += [_message("assistant", text, code), _message("tool", output)]
    return [*messages, _message("assistant", parts[-1])]


def _earlier(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    said = {"system": "{}\n\n", "user": "User: {}\n\n", "assistant": "Assistant: {}\n\n"}
    return (said[one["role"]].format(one["content"]) for one in messages)


def _said(message: Mapping[str, Any]) -> str:
    content: str = message["content"]
    if message["role"] == "tool":
        return f"```output\n{content}\n```\n"
    programs = (json.loads(call["arguments"])["code"] for call in message["tool_calls"] or ())
    return content + "".join(f"```python\n{code}\n```\n" for code in programs)

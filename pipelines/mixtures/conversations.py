"""Conversations as data sets write them: role and content, ShareGPT's from and value, tool calls, pairs of a history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from pipelines.example_text import Message
from pipelines.mixtures.response_text import code_in, fenced, output_block

Role = Literal["system", "user", "assistant", "tool"]
ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "function_call": "assistant",  # ShareGPT with tools
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "ipython": "tool",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation that ends with an answer: what was said before, the last question, all that answers it."""

    earlier: tuple[Message, ...]
    question: str
    response: str


def is_conversation(value: object) -> bool:
    """Whether a value is a list of messages."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, Mapping) and ("role" in one or "from" in one) for one in value)
    )


def ends_with_question(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last message is a user's."""
    return bool(messages) and _role_of(messages[-1]) == "user"


def read_conversation(messages: Sequence[Mapping[str, Any]]) -> Conversation:
    """Raises ValueError where nobody asks, nobody answers, or a message is no text."""
    said = [(_role_of(one), _text_of(one)) for one in messages]
    asked = max((place for place, (role, _) in enumerate(said) if role == "user"), default=None)
    if asked is None:
        raise ValueError(f"expected a conversation with a question; found the roles {_roles(messages)}")
    response = "".join(_joined(said[asked + 1 :]))
    if not response.strip():
        raise ValueError("expected a conversation that ends with an answer; found one that ends with a question")
    return Conversation(earlier=_turns(said[:asked]), question=said[asked][1].strip(), response=response)


def last_question(messages: Sequence[Mapping[str, Any]]) -> tuple[tuple[Message, ...], str]:
    """(what was said before, the question) of a prompt that is a list of messages. Raises ValueError."""
    said = [(_role_of(one), _text_of(one)) for one in messages]
    if not said or said[-1][0] != "user":
        raise ValueError(f"expected a prompt that ends with a question; found the roles {_roles(messages)}")
    return _turns(said[:-1]), said[-1][1].strip()


def read_history(pairs: object) -> Iterator[Message]:
    """The earlier turns of a `history`: pairs of question and answer. Raises ValueError."""
    if not isinstance(pairs, list):
        raise ValueError(f"expected history to be a list of [question, answer]; found {type(pairs).__name__}")
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):
            raise ValueError(f"expected history to be a list of [question, answer]; found {str(pair)[:60]}")
        yield Message(role="user", content=pair[0].strip())
        yield Message(role="assistant", content=pair[1].strip())


def _roles(messages: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(str(one.get("role", one.get("from"))) for one in messages) or "of nobody"


def _role_of(message: Mapping[str, Any]) -> Role:
    name = str(message.get("role", message.get("from", ""))).lower()
    if name not in ROLES:
        raise ValueError(f"expected a role like user, assistant, system or tool; found {name!r}")
    return ROLES[name]


def _text_of(message: Mapping[str, Any]) -> str:
    """Its text, with what it calls in fences, and what it thought where that has a field of its own."""
    text = _content(message.get("content", message.get("value")))
    thought = message.get("reasoning_content") or message.get("thinking")
    if isinstance(thought, str) and thought:
        text = f"<think>\n{thought}\n</think>\n{text}"
    if str(message.get("from", "")) == "function_call":
        text, calls = "", [{"arguments": text}]
    else:
        calls = list(message.get("tool_calls") or ())
    for call in calls:
        text = f"{text}\n" if text and not text.endswith("\n") else text
        text += fenced(_program(call))
    return text


def _program(call: Mapping[str, Any]) -> str:
    inner = call.get("function", call)
    arguments = inner.get("arguments", inner.get("input")) if isinstance(inner, Mapping) else None
    code = code_in(arguments)
    if code is None:
        raise ValueError(f"expected a tool call that holds one program; found {str(arguments)[:60]}")
    return code


def _content(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and all(isinstance(part, (str, Mapping)) for part in value):
        return "".join(part if isinstance(part, str) else _part(part) for part in value)
    raise ValueError(f"expected a message's content to be text; found {type(value).__name__}")


def _part(part: Mapping[str, Any]) -> str:
    if part.get("type", "text") not in ("text", "input_text", "output_text") or not isinstance(part.get("text"), str):
        raise ValueError(f"expected text alone in a message; found a part of type {part.get('type')!r}")
    return cast(str, part["text"])


def _joined(said: Sequence[tuple[Role, str]]) -> Iterator[str]:
    """An answer of several messages as one text, programs and outputs in fences."""
    before = ""
    for role, text in said:
        piece = output_block(text) if role == "tool" and "```output" not in text else text
        if before and not before.endswith("\n"):
            yield "\n"
        yield piece
        before = piece or before


def _turns(said: Sequence[tuple[Role, str]]) -> tuple[Message, ...]:
    """Earlier turns; what tools said belongs to the answer it was said in."""
    turns: list[Message] = []
    for role, text in said:
        plain = output_block(text) if role == "tool" else text
        spoken: Literal["system", "user", "assistant"] = "assistant" if role == "tool" else role
        if turns and turns[-1].role == spoken == "assistant":
            turns[-1] = Message(role=spoken, content=f"{turns[-1].content}\n{plain.strip()}")
        elif plain.strip():
            turns.append(Message(role=spoken, content=plain.strip()))
    return tuple(turns)

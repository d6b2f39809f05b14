"""Conversations in every dialect: who asked what, and what the model said to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TOOLS = ("tool", "output", "function", "ipython")
USERS = ("user", "human", "")


def is_conversation(value: Any) -> bool:
    """Whether a value is a list of messages."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, Mapping) and ("role" in one or "from" in one) for one in value)
    )


def role_of(message: Mapping[str, Any]) -> str:
    return str(message.get("role", message.get("from", ""))).lower()


def content_of(message: Mapping[str, Any]) -> str:
    """The text of a message, whose content may be parts; what a model thought to itself is none of it."""
    content = message.get("content", message.get("value", message.get("prompt", message.get("text"))))
    if isinstance(content, list):
        return "".join(_part(part) for part in content)
    return "" if content is None else str(content)


def _part(part: Any) -> str:
    if not isinstance(part, Mapping):
        return str(part)
    return str(part.get("text", "")) if part.get("type") not in ("reasoning", "thinking") else ""


def asked_of(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the user said, the last first."""
    said = [content_of(one) for one in messages if role_of(one) in USERS]
    return [text for text in reversed(said) if text]


def said_in(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """All that the model wrote after the last question, with what its tools answered between."""
    asked = max((n for n, one in enumerate(messages) if role_of(one) in ("user", "human")), default=-1)
    said = []
    for message in messages[asked + 1 :]:
        if role_of(message) in TOOLS:
            said.append(f"```output\n{content_of(message).strip()}\n```")
        elif role_of(message) not in ("system", "developer"):
            said.append(content_of(message))
    return "\n".join(said) if said else None


def is_response_output(value: Any) -> bool:
    """Whether a value is the `output` of OpenAI's Responses API: items, each with a type."""
    return isinstance(value, list) and any(isinstance(one, Mapping) and one.get("type") == "message" for one in value)


def response_output(items: Sequence[Any]) -> str | None:
    """The text of the `output` of OpenAI's Responses API: its messages and what tools gave, not its reasoning."""
    said: list[str] = []
    for item in items:
        if not isinstance(item, Mapping):
            continue
        if item.get("type") == "message" and item.get("role", "assistant") == "assistant":
            said.append(content_of(item))
        elif item.get("type") == "function_call_output":
            said.append(f"```output\n{str(item.get('output', '')).strip()}\n```")
    return "\n".join(said) if said else None


def chat_texts(body: Any) -> list[str | None]:
    """The texts of a body of OpenAI's APIs: a chat completion, a completion or a response."""
    if not isinstance(body, Mapping):
        return [None]
    if isinstance(body.get("output"), list):
        return [response_output(body["output"])]
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        return [None]
    return [_choice(one) for one in choices if isinstance(one, Mapping)]


def _choice(choice: Mapping[str, Any]) -> str | None:
    message = choice.get("message")
    if isinstance(message, Mapping):
        return content_of(message) if message.get("content") is not None else None
    return None if choice.get("text") is None else str(choice["text"])


def strings_in(value: Any) -> Iterator[str]:
    """Every text within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)

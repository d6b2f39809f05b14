"""Where text comes from: one protocol that every source of text speaks, its records, and a scripted fake.

A source is not trusted: an answer that is not what was promised is a failure of this attempt, retried, and in the end
recorded as a failure. It is never turned into an empty answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Literal, Protocol, runtime_checkable

from evaluators.errors import MathsieveError

SMALLEST_CALL = 16
"""Tokens; a context with less room than this is full. The least that every API takes as a limit."""


class SamplingError(MathsieveError):
    """A generation could not be had after every retry; the message says what came instead."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final
        """Whether no other request can succeed either: a wrong key, an unknown model, a server that died for good."""


class ContextOverflow(Exception):
    """The prompt, with what was written so far, leaves no room for an answer in the model's context."""

    def __init__(self, message: str, *, context: int | None = None, prompt_tokens: int | None = None) -> None:
        super().__init__(message)
        self.context = context
        self.prompt_tokens = prompt_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a tool, as the model wrote it."""

    id: str
    name: str
    arguments: str
    """JSON, or what should have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a conversation after its first question."""

    role: Literal["assistant", "tool", "user"]
    content: str
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers: str = ""
    """Of a tool's turn: the id of the call that it answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One generation call: everything that decides what comes back, and so the key of the cache.

    A sampling parameter that is None was set by nobody: `unset` says whether its neutral value is sent, or nothing, so
    that the server or the model's generation_config.json decides.
    """

    prompt: str
    max_tokens: int
    temperature: float | None
    top_p: float | None
    seed: int
    stop: tuple[str, ...] = ()
    special_tokens: bool = True
    """Whether the server puts the beginning-of-sequence token before the prompt."""
    continues: str = ""
    """What the model has written of this answer already; `prompt` does not hold it."""
    turns: tuple[Turn, ...] = ()
    """What was said since the prompt, where the answer calls tools; `continues` is empty then."""
    system: str = ""
    tools: bool = False
    """Whether the tool `python` is offered."""
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    unset: Literal["neutral", "model"] = "neutral"
    thinking_budget: int | None = None
    reasoning_effort: str | None = None
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    def values(self) -> tuple[Any, ...]:
        """Every field, in order, of JSON's types once turns are written out."""
        found: tuple[Any, ...] = _VALUES(self)
        return found


_VALUES = attrgetter(*(one.name for one in fields(Request)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What one call gave. `text` ends before the stop string."""

    text: str
    finish: Literal["stop", "length", "content_filter", "refusal", "tool_call"]
    prompt_tokens: int
    completion_tokens: int
    """Of thinking and answer together."""
    seconds: float
    reasoning: str = ""
    """Thinking that the server gives beside the text."""
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt, those that the server had in its prefix cache."""
    discarded_tokens: int = 0
    """Generated in attempts that were thrown away; paid for all the same."""
    calls: tuple[ToolCall, ...] = ()
    said: str = ""
    """The words of a refusal or of a filter."""
    token_ids: tuple[int, ...] = ()
    """As sampled, with the one that ended the answer; of a request whose `extra_body` asks for `return_token_ids`."""


class Sampler(Protocol):
    """Anything that continues a prompt."""

    @property
    def identity(self) -> str:
        """What the text depends on besides the request: a hash of the model. Part of every cache key."""
        ...

    async def generate(self, request: Request) -> Generation:
        """Raises SamplingError after every retry, ContextOverflow where the request can never fit."""
        ...


@runtime_checkable
class GroupSampler(Protocol):
    """A sampler that draws several samples of one prompt in one request."""

    @property
    def group_size(self) -> int:
        """The most samples it takes in one request; 1 where the server does not."""
        ...

    async def generate_group(self, request: Request, count: int) -> Sequence[Generation]:
        """At most `count` samples, whose seeds are `request.seed`, + 1, + 2 ...; raises as `generate` does."""
        ...


@dataclass(slots=True)
class ScriptedSampler:
    """A first-class fake: answers from a function of the request; keeps what it was asked."""

    script: Callable[[Request], str | Generation | Exception]
    identity: str = "scripted"
    delay: Callable[[Request], float] | None = None
    """Seconds each call takes."""
    requests: list[Request] = field(default_factory=list)

    async def generate(self, request: Request) -> Generation:
        self.requests.append(request)
        await asyncio.sleep(self.delay(request) if self.delay is not None else 0)
        answer = self.script(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Generation):
            return answer
        words: Sequence[str] = answer.split()
        return Generation(
            text=answer,
            finish="stop",
            prompt_tokens=len(request.prompt.split()),
            completion_tokens=len(words),
            seconds=0.0,
        )

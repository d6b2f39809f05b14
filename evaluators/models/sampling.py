"""Where text comes from: one protocol, an OpenAI-compatible endpoint that speaks it, and a scripted fake.

An endpoint is not trusted: an answer that is not what the protocol promises is a failure of this attempt, retried,
and in the end recorded as a failure. It is never turned into an empty answer.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Protocol

import httpx
from pydantic import Field

from evaluators.errors import MathsieveError
from evaluators.records import Settings
from evaluators.stages.fields import HowItRuns


class SamplingError(MathsieveError):
    """A generation could not be had after every retry; the message says what came instead."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final
        """Whether no other request can succeed either: a wrong key, an unknown model, a server that died for good."""


class ContextOverflow(Exception):
    """The prompt and the tokens asked for do not fit the model's context."""


class _Retry(Exception):
    """This attempt failed in a way that another one may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One generation call: everything that decides what comes back, and so the key of the cache."""

    prompt: str
    max_tokens: int
    temperature: float
    top_p: float
    seed: int
    stop: tuple[str, ...] = ()
    special_tokens: bool = True
    """Whether the server puts the beginning-of-sequence token before the prompt."""
    continues: str = ""
    """What the model has written of this answer already; `prompt` does not hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What one call gave. `text` ends before the stop string."""

    text: str
    finish: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int
    seconds: float


class Sampler(Protocol):
    """Anything that continues a prompt."""

    @property
    def identity(self) -> str:
        """What the text depends on besides the request: a hash of the model. Part of every cache key."""
        ...

    async def generate(self, request: Request) -> Generation:
        """Raises SamplingError after every retry, ContextOverflow where the request can never fit."""
        ...


class EndpointSettings(Settings):
    """An OpenAI-compatible server that somebody else runs, or the manners towards our own."""

    base_url: str = "http://127.0.0.1:8000/v1"
    model: str = "model"
    """The name the server knows it by; with `base_url` and `revision`, its identity in the cache."""
    revision: str = ""
    kind: Literal["completions", "chat"] = "completions"
    """`chat`: the server applies its own template; the answer is continued as the assistant's unfinished turn."""
    api_key_variable: HowItRuns[str | None] = None
    """Name of the environment variable that holds the key, so that no recipe holds one."""
    vllm_extensions: bool = False
    """Whether `add_special_tokens` and the like may be sent; other servers refuse unknown fields."""
    request_timeout: HowItRuns[float] = Field(default=600.0, gt=0)  # ours: 1,024 tokens at 2 tokens/s
    connect_timeout: HowItRuns[float] = Field(default=10.0, gt=0)
    attempts: HowItRuns[int] = Field(default=6, ge=1)  # ours: with the delays below, some 40 s of an endpoint's absence
    first_delay: HowItRuns[float] = Field(default=0.5, ge=0)
    """Seconds before the second attempt; doubled, with jitter, up to `longest_delay`."""
    longest_delay: HowItRuns[float] = Field(default=20.0, ge=0)


@dataclass(slots=True)
class Endpoint:
    """A sampler over HTTP. Use it as an asynchronous context manager.

    `alive` is asked after a failed attempt. It tells how to speak to the server now, which another port may have after a
    restart, and may raise SamplingError: a server of ours that has died for good.
    """

    settings: EndpointSettings
    identity: str
    api_key: str | None = field(default=None, repr=False)
    alive: Callable[[], EndpointSettings] | None = None
    retries: int = 0
    """Attempts that failed and were made again, over all requests."""
    _client: httpx.AsyncClient | None = None
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    async def __aenter__(self) -> Endpoint:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        self._client = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(self.settings.request_timeout, connect=self.settings.connect_timeout, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
            trust_env=False,  # a proxy of the environment must not see 127.0.0.1
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def generate(self, request: Request) -> Generation:
        delay = self.settings.first_delay
        cut_short = False
        for attempt in range(1, self.settings.attempts + 1):
            started = time.monotonic()
            try:
                # httpx limits each read; a server that sends a byte a minute needs a limit on the whole
                async with asyncio.timeout(self.settings.request_timeout):
                    answer = await self._ask(request)
                generation = parse_answer(answer, request, self.settings.kind, time.monotonic() - started)
                if not _cut_short(generation, request) or cut_short:
                    return generation
                cut_short = True  # a server at its context's end says so twice; one that dropped the rest does not
                raise _Retry(f"cut off after {generation.completion_tokens} of {request.max_tokens} tokens")
            except (_Retry, TimeoutError, httpx.TransportError, httpx.DecodingError) as error:
                failure = f"{type(error).__name__.strip('_')}: {error}"
            if attempt == self.settings.attempts:
                break
            if self.alive is not None:
                self.settings = await asyncio.to_thread(self.alive)
            self.retries += 1
            await asyncio.sleep(delay * self._random.uniform(0.5, 1.5))
            delay = min(2 * delay, self.settings.longest_delay)
        raise SamplingError(
            f"{self.settings.base_url}: no usable answer in {self.settings.attempts} attempts; the last: {failure}"
        )

    async def _ask(self, request: Request) -> Any:
        assert self._client is not None, "use the endpoint as an asynchronous context manager"
        path = "/completions" if self.settings.kind == "completions" else "/chat/completions"
        response = await self._client.post(self.settings.base_url.rstrip("/") + path, json=self._body(request))
        if response.status_code in (408, 409, 425, 429) or response.status_code >= 500:
            raise _Retry(f"HTTP {response.status_code}: {response.text[:200]}")
        if response.status_code >= 400:
            if any(
                word in response.text
                for word in ("context length", "max_model_len", "maximum model length", "max_tokens")
            ):
                raise ContextOverflow(response.text[:300])
            raise SamplingError(
                f"{self.settings.base_url}: the endpoint refused the request with HTTP {response.status_code}: "
                f"{response.text[:300]}. Check model, kind and api_key_variable of the endpoint.",
                final=response.status_code in (401, 403, 404),
            )
        try:
            return response.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise _Retry(f"expected JSON; found {response.text[:80]!r}") from error

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.settings.model,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            "n": 1,
        }
        if request.stop:
            body["stop"] = list(request.stop)
        if self.settings.kind == "completions":
            body["prompt"] = request.prompt + request.continues
            if self.settings.vllm_extensions:
                body["add_special_tokens"] = request.special_tokens
            return body
        body["messages"] = [{"role": "user", "content": request.prompt}]
        if request.continues:
            body["messages"].append({"role": "assistant", "content": request.continues})
            if self.settings.vllm_extensions:
                body |= {"continue_final_message": True, "add_generation_prompt": False}
        return body


def _cut_short(generation: Generation, request: Request) -> bool:
    """Whether it says `length` with fewer tokens than were asked for."""
    return generation.finish == "length" and 0 < generation.completion_tokens < request.max_tokens


def parse_answer(answer: Any, request: Request, kind: str, seconds: float) -> Generation:
    """The one generation in an endpoint's answer. Raises `_Retry` where it is not what was asked for."""
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], Mapping):
        raise _Retry(f"expected one choice; found {str(answer)[:120]}")
    message = choices[0].get("message")
    text = (
        choices[0].get("text")
        if kind == "completions"
        else (message.get("content") if isinstance(message, Mapping) else None)
    )
    finish: Any = choices[0].get("finish_reason")
    if not isinstance(text, str) or finish not in ("stop", "length"):
        raise _Retry(f"expected text and a finish_reason of stop or length; found {str(choices[0])[:120]}")
    usage = answer.get("usage")
    prompt_tokens, completion_tokens = _counts(usage, text, finish, request)
    if not text.isascii():  # a lone surrogate could be neither stored nor hashed
        text = text.encode("utf-8", "replace").decode("utf-8")
    cut = min((position for stop in request.stop if (position := text.find(stop)) >= 0), default=None)
    if cut is not None:  # the server ignored `stop`: what follows it was never asked for
        text, finish = text[:cut], "stop"
    return Generation(
        text=text, finish=finish, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, seconds=seconds
    )


def _counts(usage: Any, text: str, finish: str, request: Request) -> tuple[int, int]:
    """Token counts that can be true; a server that reports none gives 0, one that reports nonsense is asked again."""
    if usage is None:
        return 0, 0
    counts = [usage.get(key, 0) for key in ("prompt_tokens", "completion_tokens")] if isinstance(usage, Mapping) else []
    if len(counts) != 2 or not all(isinstance(count, int) and count >= 0 for count in counts):
        raise _Retry(f"expected token counts; found usage {str(usage)[:120]}")
    if counts[1] > request.max_tokens:
        raise _Retry(f"expected at most {request.max_tokens} new tokens; found {counts[1]}")
    if text and counts[1] == 0:
        raise _Retry(f"expected tokens for {len(text)} characters of text; found none")
    return counts[0], counts[1]


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

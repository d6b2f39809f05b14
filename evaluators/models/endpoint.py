"""An OpenAI-compatible endpoint as a sampler: one server or several replicas, asked over HTTP, and not trusted."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import random
import re
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import aiohttp
from pydantic import Field, field_validator

from evaluators.models.bodies import PATHS, Kind, body_of
from evaluators.models.capabilities import Capabilities
from evaluators.models.gate import Gate
from evaluators.models.probe import Listing, Probe, look_at, suggest_base_url
from evaluators.models.refusals import Refusal, read_refusal
from evaluators.models.replies import ErrorReply, UnusableReply, generations, read_reply
from evaluators.models.sampling import SMALLEST_CALL, ContextOverflow, Generation, Request, SamplingError
from evaluators.records import Settings
from evaluators.stages.fields import HowItRuns

LARGEST_REPLY = 64 << 20
"""Bytes; ours: 16 samples of 128,000 tokens are 8 MiB, and no endpoint may fill our memory."""
MOST_LESSONS = 16
"""Refusals that one request learns from; a server that refuses something else each time is broken."""
IMBALANCE = 1.25
"""A prompt goes to the replica that knows it unless that has so many times the requests of the least busy one."""


AS_JSON = json.JSONEncoder(ensure_ascii=False).encode


def usable_base_url(text: str) -> str:
    """The address of an API, as it is to be written. Raises ValueError that names the remedy where it cannot be one."""
    url = text.strip().rstrip("/")
    if not re.match(r"^https?://", url):
        scheme = "http" if _is_local(url) else "https"
        raise ValueError(f"expected an address with http:// or https://; found {text!r}. Write {scheme}://{url}")
    if not re.match(r"^https?://[^/\s?#]+", url):
        raise ValueError(f"expected the name of a host after the scheme; found {text!r}. Write http://host:port/v1")
    for path in PATHS.values():
        if url.endswith(path):
            raise ValueError(f"expected the address of the API; found {text!r}. Write {url.removesuffix(path)}")
    return url


class EndpointSettings(Settings):
    """An OpenAI-compatible server that somebody else runs, or the manners towards our own."""

    base_url: str = "http://127.0.0.1:8000/v1"
    replicas: HowItRuns[tuple[str, ...]] = ()
    """Addresses of further servers of the same model: requests are shared out among all."""
    model: str = "model"
    """The name the server knows it by, that of a LoRA adapter too; with `base_url` and `revision`, its identity in the cache."""
    revision: str = ""
    kind: Kind = "completions"
    """`chat`: the server applies its own template; the answer is continued as the assistant's unfinished turn.
    `responses`: the same over /responses, whose answers hold the thinking of more models."""
    api_key_variable: HowItRuns[str | None] = None
    """Name of the environment variable that holds the key, so that no recipe holds one."""
    vllm_extensions: bool = False
    """Whether `add_special_tokens` and the like may be sent; other servers refuse unknown fields."""
    context: int | None = Field(default=None, gt=0)
    """Tokens of prompt and answer together, where the server does not tell."""
    stream: HowItRuns[bool] = False
    """Ask for answers in pieces: for gateways that end a connection which is silent while a model thinks."""
    samples_per_request: HowItRuns[int] = Field(default=16, ge=1)  # ours: §4's 64 samples are four requests
    """Of one problem, where the server allows it: the prompt is then read, and paid for, once."""
    request_timeout: HowItRuns[float] = Field(default=600.0, gt=0)  # ours: 1,024 tokens at 2 tokens/s
    connect_timeout: HowItRuns[float] = Field(default=10.0, gt=0)
    attempts: HowItRuns[int] = Field(default=6, ge=1)  # ours: with the delays below, some 40 s of an endpoint's absence
    first_delay: HowItRuns[float] = Field(default=0.5, ge=0)
    """Seconds before the second attempt; doubled, with jitter, up to `longest_delay`."""
    longest_delay: HowItRuns[float] = Field(default=20.0, ge=0)
    overload_patience: HowItRuns[float] = Field(default=300.0, ge=0)  # ours: limits on requests a minute pass in that
    """Seconds for which a request waits in all while the server says that it is asked too much; no attempt is lost by it."""

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return usable_base_url(url)

    @field_validator("replicas")
    @classmethod
    def _are_addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(usable_base_url(url) for url in urls)


@dataclass(slots=True)
class _Replica:
    """One of the servers that answer."""

    base_url: str
    gate: Gate = field(default_factory=Gate)
    active: int = 0


class _Failed(Exception):
    """An attempt failed in a way that another one may not."""

    def __init__(self, message: str, *, tokens: int = 0) -> None:
        super().__init__(message)
        self.tokens = tokens


class _Overloaded(Exception):
    """The server asked for patience."""

    def __init__(self, message: str, seconds: float | None) -> None:
        super().__init__(message)
        self.seconds = seconds


class _Unreachable(_Failed):
    """Nobody listens, or no such host."""


class _Refused(Exception):
    """The server answered with a refusal."""

    def __init__(self, refusal: Refusal, body: dict[str, Any]) -> None:
        super().__init__(refusal.message)
        self.refusal, self.body = refusal, body


@dataclass(slots=True)
class _Efforts:
    """What one request has cost so far."""

    attempts: int = 0
    lessons: int = 0
    waited: float = 0.0
    delay: float = 0.0
    discarded: int = 0
    cut_short: bool = False
    unreachable: bool = False
    avoid: _Replica | None = None


@dataclass(slots=True)
class Endpoint:
    """A sampler over HTTP. Use it as an asynchronous context manager.

    `alive` is asked after a failed attempt. It tells how to speak to the server now, which another port may have after a
    restart, and may raise SamplingError: a server of ours that has died for good. With `probes`, a small request goes
    before the first one of each sort, so that what the server does not take is known, and told, at once.
    """

    settings: EndpointSettings
    identity: str
    api_key: str | None = field(default=None, repr=False)
    alive: Callable[[], EndpointSettings] | None = None
    probes: bool = False
    retries: int = 0
    """Attempts that failed and were made again, over all requests."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    _listing: Listing | None = None
    _client: aiohttp.ClientSession | None = None
    _replicas: list[_Replica] = field(default_factory=list)
    _probed: dict[tuple[Any, ...], asyncio.Task[None]] = field(default_factory=dict)
    _cut_at: set[tuple[int, int]] = field(default_factory=set)
    """(tokens of the prompt, of the answer) of answers that ended early, to be known again."""
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    async def __aenter__(self) -> Endpoint:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        self._client = aiohttp.ClientSession(
            headers=headers | {"Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(
                total=self.settings.request_timeout, sock_connect=self.settings.connect_timeout
            ),
            connector=aiohttp.TCPConnector(limit=0),  # the loop limits, not the client
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # a proxy of the environment must not see 127.0.0.1
        )
        self.capabilities.stream = self.settings.stream
        self.capabilities.context = self.settings.context
        self._take(self.settings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for probe in self._probed.values():
            probe.cancel()
        await asyncio.gather(*self._probed.values(), return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    @property
    def group_size(self) -> int:
        """The most samples it takes in one request."""
        return (
            self.settings.samples_per_request if self.capabilities.groups and self.settings.kind != "responses" else 1
        )

    @property
    def replicas(self) -> int:
        return 1 + len(self.settings.replicas)

    async def generate(self, request: Request) -> Generation:
        """Raises SamplingError after every attempt, ContextOverflow where the prompt leaves no room."""
        return (await self.generate_group(request, 1))[0]

    async def generate_group(self, request: Request, count: int) -> Sequence[Generation]:
        """At most `count` samples of one prompt; raises as `generate` does."""
        if self.probes:
            await self._probe(request, count)
        return await self._ask(request, count)

    def probe_result(self) -> Probe:
        """What is known of the server by now."""
        listing = self._listing or Listing()
        return Probe(
            model=self.settings.model,
            kind=self.settings.kind,
            server=listing.server,
            version=listing.version,
            context=self.capabilities.context,
            dropped=dict(self.capabilities.dropped),
            renamed=dict(self.capabilities.renamed),
            notes=tuple(self.capabilities.notes()),
        )

    async def _probe(self, request: Request, count: int) -> None:
        """Wait for the small request before the first of its sort, whoever makes it. Raises SamplingError."""
        if request.continues or request.turns:
            return
        sort = (*(value is None or value == () for value in request.values()), request.tools, request.stop, count > 1)
        if sort not in self._probed:
            self._probed[sort] = asyncio.create_task(self._ask_little(request, count))
        await asyncio.shield(self._probed[sort])

    async def _ask_little(self, request: Request, count: int) -> None:
        if self._listing is None:
            assert self._client is not None, "use the endpoint as an asynchronous context manager"
            self._listing = await look_at(self._client, self.settings.base_url, self.settings.model)
            if self.capabilities.context is None:
                self.capabilities.context = self._listing.context
        efforts, few = _Efforts(), min(2, count)
        try:
            little = replace(request, max_tokens=min(SMALLEST_CALL, request.max_tokens))
            if len(await self._ask(little, few, efforts)) < few:
                self.capabilities.dropped["n"] = f"asked for {few} samples, it gave one"
        except ContextOverflow:
            pass  # of this prompt; the real request says it where it belongs
        except SamplingError as error:
            if error.final or efforts.unreachable:
                raise SamplingError(str(error), final=True) from error

    async def _ask(self, request: Request, count: int, efforts: _Efforts | None = None) -> Sequence[Generation]:
        efforts = efforts or _Efforts()
        efforts.delay = self.settings.first_delay
        while True:
            replica = self._choose(request.prompt, efforts.avoid)
            replica.active += 1
            try:
                async with replica.gate:
                    found = await self._attempt(replica, request, count)
                replica.gate.served()
                self._believe(found, request, efforts)
                return (
                    [replace(found[0], discarded_tokens=efforts.discarded), *found[1:]] if efforts.discarded else found
                )
            except _Refused as refused:
                read = await self._heed(refused, request, efforts)
                if isinstance(read, Generation):
                    return [read] * count
                request = read
            except _Overloaded as overload:
                replica.gate.overloaded()
                await self._wait(overload, efforts)
            except _Failed as failure:
                efforts.avoid = replica
                await self._again(failure, efforts)
            finally:
                replica.active -= 1

    def _choose(self, prompt: str, avoid: _Replica | None) -> _Replica:
        """The replica that has this prompt in its prefix cache, unless it is busier than others, or failed just now."""
        if len(self._replicas) == 1:
            return self._replicas[0]
        free = [one for one in self._replicas if one is not avoid]
        known = free[zlib.crc32(prompt.encode()) % len(free)]
        least = min(free, key=lambda one: one.active)
        return known if known.active <= IMBALANCE * least.active + 4 else least

    async def _attempt(self, replica: _Replica, request: Request, count: int) -> list[Generation]:
        """One request over HTTP. Raises _Failed, _Overloaded, _Refused, SamplingError."""
        assert self._client is not None, "use the endpoint as an asynchronous context manager"
        settings = self.settings
        body = self.capabilities.fit(
            body_of(
                request,
                settings.kind,
                settings.model,
                count=count,
                vllm=settings.vllm_extensions,
                unfinished=self.capabilities.unfinished,
            )
        )
        started = time.monotonic()
        raw = AS_JSON(body).encode("utf-8", "replace")
        try:
            async with self._client.post(
                replica.base_url + PATHS[settings.kind], data=raw, allow_redirects=False
            ) as response:
                content = await _read(response)
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise _Unreachable(f"nobody answers at {replica.base_url}: {error}") from error
        except TimeoutError as error:
            raise _Failed(
                f"TimeoutError: no whole answer within {settings.request_timeout:g} s (endpoint.request_timeout)"
            ) from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise _Failed(f"{type(error).__name__}: {error or 'the connection broke'}") from error
        try:
            if response.status >= 300:
                raise ErrorReply(response.status, content.decode("utf-8", "replace"))
            answer = read_reply(content, response.content_type)
            return generations(answer, request, settings.kind, count, time.monotonic() - started)
        except ErrorReply as error:
            refusal = read_refusal(error.status, error.text, body, response.headers.get("Retry-After"))
            raise self._raised(refusal, body) from error
        except UnusableReply as complaint:
            raise _Failed(f"{complaint}", tokens=complaint.tokens) from complaint

    def _raised(self, refusal: Refusal, body: dict[str, Any]) -> Exception:
        if refusal.kind == "rate":
            return _Overloaded(refusal.message, refusal.retry_after)
        return _Failed(refusal.message) if refusal.kind == "again" else _Refused(refusal, body)

    async def _heed(self, refused: _Refused, request: Request, efforts: _Efforts) -> Request | Generation:
        """The request as it is to be made after a refusal, or what it comes to. Raises SamplingError, ContextOverflow."""
        refusal, where = refused.refusal, self.settings.base_url
        efforts.lessons += 1
        if refusal.kind == "filter":
            return Generation(
                text="",
                finish="content_filter",
                prompt_tokens=0,
                completion_tokens=0,
                seconds=0.0,
                said=refusal.message,
            )
        if efforts.lessons <= MOST_LESSONS:
            if refusal.kind == "overflow":
                return self._shortened(refusal, request)
            if refusal.kind in ("parameter", "stream", "continue") and self.capabilities.learn(
                refusal, refused.body, where
            ):
                return request
        remedy = refusal.remedy or "Check model, kind and what sampling sends."
        if refusal.kind == "final" and "HTTP 40" in refusal.message:
            remedy += await suggest_base_url(self._client, where) if self._client is not None else ""
            if self._listing is not None and self._listing.models and "name of the model" in remedy:
                remedy += f" It has: {', '.join(self._listing.models[:10])}."
        raise SamplingError(
            f"{where}: the endpoint refused the request with {refusal.message}. {remedy}", final=refusal.kind == "final"
        )

    def _shortened(self, refusal: Refusal, request: Request) -> Request:
        """The request with what room the context leaves. Raises ContextOverflow where it leaves none."""
        context, prompt = refusal.context or self.capabilities.context, refusal.prompt_tokens
        if refusal.context is not None and prompt is not None:
            self.capabilities.context = refusal.context
        if context is not None and prompt is not None and context - prompt < request.max_tokens:
            room = context - prompt
        elif context is not None and request.max_tokens > context:
            room = context
        else:
            room = request.max_tokens // 2  # the server says nothing to go by
        if room < SMALLEST_CALL:
            raise ContextOverflow(refusal.message, context=context, prompt_tokens=prompt)
        return replace(request, max_tokens=room)

    def _believe(self, found: Sequence[Generation], request: Request, efforts: _Efforts) -> None:
        """Raises _Failed where an answer ends before its limit for no reason that is known; a second time it is believed.
        Raises ContextOverflow where the prompt left no room for a word."""
        if len(found) == 1 and _says_nothing(found[0]):
            context = self.capabilities.context
            raise ContextOverflow("cut before its first token", context=context, prompt_tokens=found[0].prompt_tokens)
        if len(found) > 1 or found[0].finish != "length" or not 0 < found[0].completion_tokens < request.max_tokens:
            return
        prompt, answer = found[0].prompt_tokens, found[0].completion_tokens
        knows = self.capabilities
        at_the_end = knows.context is not None and prompt + answer >= knows.context - 1
        if at_the_end or answer == knows.longest_answer or efforts.cut_short:
            if not at_the_end and (prompt, answer) in self._cut_at and prompt:
                self._remember_cut(prompt, answer)
            return
        efforts.cut_short = True
        self._cut_at.add((prompt, answer))
        raise _Failed(f"cut off after {answer} of {request.max_tokens} tokens", tokens=answer)

    def _remember_cut(self, prompt: int, answer: int) -> None:
        """Two prompts tell whether it is the context that ends answers, or a limit on answers."""
        others = {one for one in self._cut_at if one[0] != prompt}
        if any(one[0] + one[1] == prompt + answer for one in others):
            self.capabilities.context = prompt + answer
        elif any(one[1] == answer for one in others):
            self.capabilities.longest_answer = answer

    async def _wait(self, overload: _Overloaded, efforts: _Efforts) -> None:
        told = overload.seconds if overload.seconds is not None else efforts.delay
        seconds = max(told, 0.01) * self._random.uniform(1.0, 1.5)
        efforts.waited += seconds
        if efforts.waited > self.settings.overload_patience:
            raise SamplingError(
                f"{self.settings.base_url}: asked too much for {efforts.waited:.0f} s, whatever was waited: {overload}. Lower "
                "sampling.concurrency, or raise endpoint.overload_patience."
            )
        efforts.delay = min(2 * efforts.delay, self.settings.longest_delay)
        await asyncio.sleep(seconds)

    async def _again(self, failure: _Failed, efforts: _Efforts) -> None:
        """Wait before the next attempt. Raises SamplingError after the last."""
        efforts.attempts += 1
        efforts.discarded += failure.tokens
        efforts.unreachable = isinstance(failure, _Unreachable)
        if efforts.attempts >= self.settings.attempts:
            remedy = " Is the server up, and base_url its address?" if efforts.unreachable else ""
            raise SamplingError(
                f"{self.settings.base_url}: no usable answer in {efforts.attempts} attempts; the last: {failure}.{remedy}"
            )
        if self.alive is not None:
            self._take(await asyncio.to_thread(self.alive))
        self.retries += 1
        await asyncio.sleep(efforts.delay * self._random.uniform(0.5, 1.5))
        efforts.delay = min(2 * efforts.delay, self.settings.longest_delay)

    def _take(self, settings: EndpointSettings) -> None:
        """Speak to the servers that these settings name; what is under way counts for those that are the same."""
        self.settings = settings
        known = {one.base_url: one for one in self._replicas}
        urls = dict.fromkeys((settings.base_url, *settings.replicas))
        self._replicas = [known.get(url) or _Replica(base_url=url) for url in urls]


def open_endpoint(settings: EndpointSettings, identity: str) -> Endpoint:
    """Somebody's endpoint, with the key that the environment holds. Raises SamplingError where it holds none."""
    key = None
    if settings.api_key_variable is not None:
        key = os.environ.get(settings.api_key_variable)
        if not key:
            raise SamplingError(
                f"endpoint: expected an API key in the environment variable {settings.api_key_variable}; it is not set",
                final=True,
            )
    return Endpoint(settings, identity, api_key=key, probes=True)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body. Raises _Failed where it is larger than any answer."""
    if response.content_length is not None and response.content_length <= LARGEST_REPLY:
        return await response.read()
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > LARGEST_REPLY:
            raise _Failed(f"expected an answer of at most {LARGEST_REPLY >> 20} MiB; found more")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _says_nothing(found: Generation) -> bool:
    """Whether an answer was cut before it began: with a prompt that was counted, and without a token."""
    nothing = not (found.completion_tokens or found.text or found.reasoning)
    return nothing and found.finish == "length" and found.prompt_tokens > 0


def _is_local(url: str) -> bool:
    host = re.split(r"[:/]", url, maxsplit=1)[0]
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host

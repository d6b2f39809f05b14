"""An OpenAI-compatible endpoint as a sampler: one server or several replicas, asked over HTTP, and not trusted."""

from __future__ import annotations

import asyncio
import os
import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import aiohttp

from evaluators.models.bodies import body_of
from evaluators.models.capabilities import Capabilities
from evaluators.models.early_ends import EarlyEnds
from evaluators.models.endpoint_settings import EndpointSettings
from evaluators.models.gate import Gate
from evaluators.models.probe import Listing, Probe, look_at, suggest_base_url
from evaluators.models.refusals import Refusal
from evaluators.models.sampling import SMALLEST_CALL, ContextOverflow, Generation, Request, SamplingError
from evaluators.models.transport import Failed, Overloaded, Refused, Unreachable, open_session, post

__all__ = ["Endpoint", "EndpointSettings", "open_endpoint"]

MOST_LESSONS = 16
"""Refusals that one request learns from; a server that refuses something else each time is broken."""
IMBALANCE = 1.25
"""A prompt goes to the replica that knows it unless that has so many times the requests of the least busy one."""


@dataclass(slots=True)
class _Replica:
    """One of the servers that answer."""

    base_url: str
    gate: Gate = field(default_factory=Gate)
    active: int = 0


@dataclass(slots=True)
class _Efforts:
    """What one request has cost so far."""

    probing: bool = False
    """The first request of its sort: a server that was never there is told at once."""
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
    _session: aiohttp.ClientSession | None = None
    _replicas: list[_Replica] = field(default_factory=list)
    _probed: dict[tuple[Any, ...], asyncio.Task[None]] = field(default_factory=dict)
    _early_ends: EarlyEnds | None = None
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    async def __aenter__(self) -> Endpoint:
        self._session = open_session(self.settings, self.api_key)
        self.capabilities.stream = self.settings.stream
        self.capabilities.context = self.settings.context
        self._early_ends = EarlyEnds(self.capabilities)
        self._take(self.settings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for probe in self._probed.values():
            probe.cancel()
        await asyncio.gather(*self._probed.values(), return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    @property
    def group_size(self) -> int:
        """The most samples it takes in one request."""
        together = self.capabilities.groups and self.settings.kind != "responses"
        return self.settings.samples_per_request if together else 1

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
            assert self._session is not None, "use the endpoint as an asynchronous context manager"
            self._listing = await look_at(self._session, self.settings.base_url, self.settings.model)
            if self.capabilities.context is None:
                self.capabilities.context = self._listing.context
        efforts, few = _Efforts(probing=True), min(2, count)
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
                found = await self._attempt(replica, request, count, efforts)
                if not efforts.discarded:
                    return found
                return [replace(found[0], discarded_tokens=efforts.discarded), *found[1:]]
            except Refused as refused:
                read = await self._heed(refused, request, efforts)
                if isinstance(read, Generation):
                    return [read] * count
                request = read
            except Overloaded as overload:
                replica.gate.overloaded()
                await self._wait(overload, efforts)
            except Failed as failure:
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

    async def _attempt(self, replica: _Replica, request: Request, count: int, efforts: _Efforts) -> list[Generation]:
        """One request over HTTP. Raises Failed, Overloaded, Refused, ContextOverflow."""
        assert self._session is not None and self._early_ends is not None, (
            "use the endpoint as an asynchronous context manager"
        )
        settings = self.settings
        async with replica.gate:
            body = self._body(request, count)  # not before: while it waits, others learn what the server takes
            found = await post(self._session, replica.base_url, body, request, count, settings)
        replica.gate.served()
        if self._early_ends.is_doubtful(found, request, again=efforts.cut_short):
            efforts.cut_short, tokens = True, found[0].completion_tokens
            raise Failed(f"cut off after {tokens} of {request.max_tokens} tokens", tokens=tokens)
        return found

    def _body(self, request: Request, count: int) -> dict[str, Any]:
        """The request as this server takes it, as far as that is known by now."""
        settings, knows = self.settings, self.capabilities
        vllm, unfinished = settings.vllm_extensions, knows.unfinished
        return knows.fit(body_of(request, settings.kind, settings.model, count=count, vllm=vllm, unfinished=unfinished))

    async def _heed(self, refused: Refused, request: Request, efforts: _Efforts) -> Request | Generation:
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
            remedy += await suggest_base_url(self._session, where) if self._session is not None else ""
            if self._listing is not None and self._listing.models and "name of the model" in remedy:
                remedy += f" It has: {', '.join(self._listing.models[:10])}."
        raise SamplingError(
            f"{where}: the endpoint refused the request with {refusal.message.rstrip('.')}. {remedy}",
            final=refusal.kind == "final",
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

    async def _wait(self, overload: Overloaded, efforts: _Efforts) -> None:
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

    async def _again(self, failure: Failed, efforts: _Efforts) -> None:
        """Wait before the next attempt. Raises SamplingError after the last."""
        efforts.attempts += 1
        efforts.discarded += failure.tokens
        efforts.unreachable = isinstance(failure, Unreachable)
        never_there = efforts.probing and efforts.unreachable and self.alive is None
        allowed = min(self.settings.attempts, 1 + len(self._replicas)) if never_there else self.settings.attempts
        if efforts.attempts >= allowed:
            remedy = " Is the server up, and base_url its address?" if efforts.unreachable else ""
            raise SamplingError(
                f"{self.settings.base_url}: no usable answer in {efforts.attempts} attempts; the last: {str(failure).rstrip('.')}.{remedy}"
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

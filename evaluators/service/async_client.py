"""The client for event loops: rollouts by the hundred each await a verdict; what they ask together goes out together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, TypeVar

import aiohttp

from evaluators.answers import Verdict
from evaluators.sandbox.records import ProtocolName
from evaluators.service import calls
from evaluators.service.calls import Call, Retries
from evaluators.service.errors import Busy, NotFound, ServiceError, Unreachable
from evaluators.service.records import (
    Code,
    CodeWithReference,
    ExecutedAnswer,
    Limits,
    Output,
    Pair,
    ProfileName,
    ProgramRun,
    SessionBlock,
    SessionStart,
    Trajectory,
    TrajectoryVerdict,
)

Answer = TypeVar("Answer")


class AsyncClient:
    """A judge behind a URL, for one event loop. `async with AsyncClient(url) as judge: await judge.check(...)`."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        patience: float = 60.0,
        timeout: float = 600.0,
        connections: int = 64,
    ) -> None:
        """As Client; `connections` is how many requests are under way at once."""
        self._url = url.rstrip("/")
        self._token = token or os.environ.get("MATHSIEVE_SERVE_TOKEN")
        self._patience = patience
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=timeout)
        self._connections = connections
        self._http: aiohttp.ClientSession | None = None
        self._pairs = Gathered(calls.check_many, self._ask)
        self._outputs = Gathered(calls.judge_outputs, self._ask)

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._connections)
        self._http = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def check(
        self, reference: str, prediction: str, *, profile: ProfileName = "strict", problem: str | None = None
    ) -> Verdict:
        """One verdict. Calls that are made while the event loop is busy go out as one request."""
        return await self._pairs.ask(Pair(reference=reference, prediction=prediction, profile=profile, problem=problem))

    async def judge_output(self, asked: Output) -> Verdict:
        """As `check`, for a whole output."""
        return await self._outputs.ask(asked)

    async def check_many(self, pairs: Sequence[Pair]) -> list[Verdict]:
        return await self._all(calls.check_many, calls.batches(pairs, calls.BATCH))

    async def judge_outputs(self, outputs: Sequence[Output]) -> list[Verdict]:
        return await self._all(calls.judge_outputs, calls.batches(outputs, calls.BATCH))

    async def run(self, code: str, *, protocol: ProtocolName = "notebook", limits: Limits | None = None) -> ProgramRun:
        return await self._ask(calls.run(Code(code=code, protocol=protocol, limits=limits or Limits())))

    async def run_many(self, programs: Sequence[Code]) -> list[ProgramRun]:
        return await self._all(calls.run_many, calls.batches(programs, calls.PROGRAMS))

    async def judge_trajectory(self, asked: Trajectory) -> TrajectoryVerdict:
        return await self._ask(calls.judge_trajectory(asked))

    async def execute_and_check(self, asked: CodeWithReference) -> ExecutedAnswer:
        return await self._ask(calls.execute_and_check(asked))

    async def info(self) -> dict[str, Any]:
        return await self._ask(calls.info())

    @asynccontextmanager
    async def session(
        self, *, protocol: ProtocolName = "notebook", limits: Limits | None = None, ttl_seconds: float = 300.0
    ) -> AsyncIterator[AsyncClientSession]:
        """A session on the server; it ends with the block, or after `ttl_seconds` without use."""
        asked = SessionStart(protocol=protocol, limits=limits or Limits(), ttl_seconds=ttl_seconds)
        name = await self._ask(calls.open_session(asked))
        try:
            yield AsyncClientSession(self, name)
        finally:
            with suppress(NotFound, Busy, Unreachable):  # it is gone, or will run out
                calls.close_session(name).answer(*await self._exchange(calls.close_session(name)))

    async def _all(
        self, call: Callable[[Sequence[Any]], Call[list[Answer]]], parts: Sequence[Sequence[Any]]
    ) -> list[Answer]:
        answers = await asyncio.gather(*[self._ask(call(part)) for part in parts])
        return [answer for part in answers for answer in part]

    async def _ask(self, call: Call[Answer]) -> Answer:
        retries = Retries(self._patience)
        while True:
            try:
                return call.answer(*await self._exchange(call))
            except ServiceError as error:
                await asyncio.sleep(retries.pause_after(error))

    async def _exchange(self, call: Call[Any]) -> tuple[int, bytes]:
        if self._http is None:
            raise RuntimeError("expected an entered client: `async with AsyncClient(url) as judge:`")
        try:
            async with self._http.request(
                call.method, self._url + call.path, data=call.body or None, headers=call.headers(self._token)
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(
                f"{self._url}: no answer ({type(error).__name__}: {error})",
                remedy="Is `mathsieve serve` running there?",
            ) from error


class AsyncClientSession:
    """A session on the server."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self._client = client
        self.name = name

    async def run(self, code: str | None = None, *, text: str | None = None) -> ProgramRun:
        """Run a block, or the program at the end of a model's text. Raises NotFound where the session has ended."""
        return await self._client._ask(calls.run_block(self.name, SessionBlock(code=code, text=text)))


class Gathered:
    """Single questions, sent together: those of one turn of the event loop are one request."""

    def __init__(self, call: Callable[[Sequence[Any]], Call[list[Verdict]]], ask: Callable[[Any], Any]) -> None:
        self._call = call
        self._ask = ask
        self._waiting: list[tuple[Any, asyncio.Future[Verdict]]] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def ask(self, one: Any) -> Verdict:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Verdict] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._send)
        self._waiting.append((one, answer))
        return await answer

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for part in calls.batches(waiting, calls.BATCH):
            task = asyncio.get_running_loop().create_task(self._answer(part))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _answer(self, part: Sequence[tuple[Any, asyncio.Future[Verdict]]]) -> None:
        try:
            verdicts = await self._ask(self._call([one for one, _ in part]))
        except ServiceError as error:
            for _, answer in part:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), verdict in zip(part, verdicts, strict=True):
            if not answer.done():
                answer.set_result(verdict)

"""The client for scripts and trainers: synchronous, on the standard library alone. See async_client.py for event loops."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

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
RESPONSE_SECONDS = 600.0  # ours: a full queue of the server's, and a block at its limit behind it


class Client:
    """A judge behind a URL. Thread-safe; connections are kept open between calls, and a forked child makes its own."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        patience: float = 60.0,
        timeout: float = RESPONSE_SECONDS,
        concurrency: int = 8,
    ) -> None:
        """`patience`: seconds spent waiting for a server that is busy or restarting; `timeout`: for one response;
        `concurrency`: requests that one call has under way. `token` is also read from MATHSIEVE_SERVE_TOKEN."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"url: expected http://HOST:PORT; found {url!r}")
        self._host, self._port = parts.hostname, parts.port or 80
        self._prefix = parts.path.rstrip("/")
        self._token = token or os.environ.get("MATHSIEVE_SERVE_TOKEN")
        self._patience, self._timeout, self._concurrency = patience, timeout, concurrency
        self._guard = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._owner = os.getpid()
        self._keep = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; those that calls are using close with them."""
        with self._guard:
            idle, self._idle, self._keep = self._idle, [], False
        for connection in idle:
            connection.close()

    def check(
        self, reference: str, prediction: str, *, profile: ProfileName = "strict", problem: str | None = None
    ) -> Verdict:
        return self._ask(
            calls.check(Pair(reference=reference, prediction=prediction, profile=profile, problem=problem))
        )

    def check_many(self, pairs: Sequence[Pair]) -> list[Verdict]:
        return self._all(calls.check_many, calls.batches(pairs, calls.BATCH))

    def judge_outputs(self, outputs: Sequence[Output]) -> list[Verdict]:
        return self._all(calls.judge_outputs, calls.batches(outputs, calls.BATCH))

    def run(self, code: str, *, protocol: ProtocolName = "notebook", limits: Limits | None = None) -> ProgramRun:
        return self._ask(calls.run(Code(code=code, protocol=protocol, limits=limits or Limits())))

    def run_many(self, programs: Sequence[Code]) -> list[ProgramRun]:
        return self._all(calls.run_many, calls.batches(programs, calls.PROGRAMS))

    def judge_trajectories(self, trajectories: Sequence[Trajectory]) -> list[TrajectoryVerdict]:
        return self._all(lambda one: _single(calls.judge_trajectory(one[0])), calls.batches(trajectories, 1))

    def execute_and_check(self, asked: CodeWithReference) -> ExecutedAnswer:
        return self._ask(calls.execute_and_check(asked))

    def info(self) -> dict[str, Any]:
        """Version, tier and limits of the server."""
        return self._ask(calls.info())

    @contextmanager
    def session(
        self, *, protocol: ProtocolName = "notebook", limits: Limits | None = None, ttl_seconds: float = 300.0
    ) -> Iterator[ClientSession]:
        """A session on the server; it ends with the block, or after `ttl_seconds` without use."""
        asked = SessionStart(protocol=protocol, limits=limits or Limits(), ttl_seconds=ttl_seconds)
        name = self._ask(calls.open_session(asked))
        try:
            yield ClientSession(self, name)
        finally:
            with suppress(NotFound, Busy, Unreachable):  # it is gone, or will run out
                calls.close_session(name).answer(*self._exchange(calls.close_session(name)))

    def _all(self, call: Callable[[Sequence[Any]], Call[list[Answer]]], parts: Sequence[Sequence[Any]]) -> list[Answer]:
        """The answers of several requests, some at once, in the order of what was asked."""
        if len(parts) <= 1:
            return [answer for part in parts for answer in self._ask(call(part))]

        def ask(part: Sequence[Any]) -> list[Answer]:
            return self._ask(call(part))

        with ThreadPoolExecutor(min(self._concurrency, len(parts))) as pool:
            return [answer for part in pool.map(ask, parts) for answer in part]

    def _ask(self, call: Call[Answer]) -> Answer:
        retries = Retries(self._patience)
        while True:
            try:
                return call.answer(*self._exchange(call))
            except ServiceError as error:
                time.sleep(retries.pause_after(error))

    def _exchange(self, call: Call[Any]) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request(call.method, self._prefix + call.path, call.body or None, call.headers(self._token))
            response = connection.getresponse()
            status, content = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(
                f"http://{self._host}:{self._port}: no answer ({type(error).__name__}: {error})",
                remedy="Is `mathsieve serve` running there?",
            ) from error
        with self._guard:
            if self._keep:
                self._idle.append(connection)
        if not self._keep:
            connection.close()
        return status, content

    def _connection(self) -> http.client.HTTPConnection:
        with self._guard:
            if self._owner != os.getpid():  # a forked child must not speak on its parent's connections
                self._owner, self._idle = os.getpid(), []
            if self._idle:
                return self._idle.pop()
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)


class ClientSession:
    """A session on the server."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self.name = name

    def run(self, code: str | None = None, *, text: str | None = None) -> ProgramRun:
        """Run a block, or the program at the end of a model's text. Raises NotFound where the session has ended."""
        return self._client._ask(calls.run_block(self.name, SessionBlock(code=code, text=text)))


def _single(call: Call[Answer]) -> Call[list[Answer]]:
    return Call(call.method, call.path, call.body, lambda told: [call.read(told)], call.key)

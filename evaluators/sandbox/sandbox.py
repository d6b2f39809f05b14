"""The sandbox: one warm server, any number of sessions, from any event loop or thread.

    async with Sandbox(SandboxSettings()) as sandbox:
        result = await sandbox.run("print(6 * 7)")            # stateless: a fresh session
        async with sandbox.session() as session:              # stateful: one trajectory
            await session.run("x = 6")
            result = await session.run("x * 7")

Blocks run on `concurrency` threads, which do nothing but wait on descriptors; whoever asks for more waits. Nothing here
is bound to one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
import resource
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

from evaluators.sandbox.interpreter import Interpreter
from evaluators.sandbox.machine import affordable, free_memory_mb
from evaluators.sandbox.packages import package_versions
from evaluators.sandbox.protocols import PROTOCOLS
from evaluators.sandbox.records import ExecutorFault, Result, SandboxError, SandboxSettings, Tier, TierRefused
from evaluators.sandbox.routing import is_plain
from evaluators.sandbox.servers import Servers
from evaluators.sandbox.session import SessionProcess

_log = logging.getLogger(__name__)

DESCRIPTORS_PER_SESSION, DESCRIPTORS_SPARED = 4, 256
"""Descriptors of the caller's that a session holds, and those left to the caller."""


class Sandbox:
    """Runs foreign code. An async and an ordinary context manager; raises TierRefused on entry."""

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings or SandboxSettings()
        self.protocol = PROTOCOLS[self.settings.protocol]
        self._servers = Servers(self.settings)
        self._plain: Servers | None = None
        self._starting = threading.Lock()
        self.interpreter: Interpreter | None = None
        """The interpreter tier, where the settings ask for it and this machine can have it."""
        self._slots = _Slots(_affordable_sessions(self.settings.sessions))
        self._threads: ThreadPoolExecutor | None = None
        self._open: set[Session] = set()

    @property
    def tier(self) -> Tier:
        """The tier that passed its self-test."""
        return self._servers.tier

    @property
    def refused(self) -> dict[Tier, str]:
        """Tiers that `auto` passed over, and why."""
        return dict(self._servers.refused)

    def __enter__(self) -> Self:
        self._bound_memory()
        self._servers.start()
        self.interpreter = self._interpreter_tier()
        self._threads = ThreadPoolExecutor(self.settings.concurrency, thread_name_prefix="sandbox")
        return self

    def _bound_memory(self) -> None:
        """Let sessions together never have more memory than this machine and its cgroups can give; say so where that
        is less than was asked for."""
        asked, free = self.settings, free_memory_mb()
        concurrency, memory_mb = affordable(asked.concurrency, asked.memory_mb, free)
        if (concurrency, memory_mb) == (asked.concurrency, asked.memory_mb):
            return
        _log.warning(
            "sandbox: %d MiB of memory are free here: %d blocks of %d MiB run at once, not %d of %d. Give it more memory, "
            "or set memory_mb and concurrency.",
            *(free, concurrency, memory_mb, asked.concurrency, asked.memory_mb),
        )
        self.settings = asked.model_copy(update={"concurrency": concurrency, "memory_mb": memory_mb})
        self._servers = Servers(self.settings)

    def _interpreter_tier(self) -> Interpreter | None:
        if self.settings.interpreter == "off":
            return None
        try:
            if self.tier != "strict":
                raise TierRefused(f"interpreter tier: expected the walls of the strict tier; found {self.tier}")
            return Interpreter(self.settings).__enter__()
        except TierRefused as refusal:
            _log.warning("every program runs in a process session. %s", refusal)
            return None

    def conditions(self) -> dict[str, Any]:
        """What, beside the settings, decides how a program's run ends here."""
        return {
            "tier": self.tier,
            "memory_mb": self.settings.memory_mb,
            "python": platform.python_version(),
            "interpreter": self.settings.interpreter if self.interpreter is not None else "off",
            **package_versions(self.settings.preload),
        }

    def conditions_line(self) -> str:
        """The conditions as records keep them."""
        return ", ".join(f"{name} {value}" for name, value in self.conditions().items())

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """End every session and the server. Blocks still running end as executor faults."""
        threads, self._threads = self._threads, None
        for session in list(self._open):
            session.cancel()
        if threads is not None:
            threads.shutdown(cancel_futures=True)
        for session in list(self._open):
            session.close()
        with self._starting:
            plain, self._plain = self._plain, None
        if plain is not None:
            plain.close()
        if self.interpreter is not None:
            self.interpreter.close()
            self.interpreter = None
        self._servers.close()

    async def run(
        self, code: str, *, wall_seconds: float | None = None, limits: SandboxSettings | None = None
    ) -> Result:
        """Run a whole program in a fresh session. Raises ExecutorFault after every retry."""
        async with self._session(limits or self.settings, whole=True) as session:
            return await session.run(code, wall_seconds=wall_seconds)

    def session(self, limits: SandboxSettings | None = None) -> contextlib.AbstractAsyncContextManager[Session]:
        """A session whose variables last from block to block. Waits while as many as may be are open.

        `limits` are this session's own; what belongs to the server, such as tier and preload, stays as it is.
        """
        return self._session(limits or self.settings, whole=False)

    @contextlib.asynccontextmanager
    async def _session(self, limits: SandboxSettings, *, whole: bool) -> AsyncIterator[Session]:
        await self._slots.take()
        session = Session(self, limits, whole=whole)
        self._open.add(session)
        try:
            yield session
        finally:
            self._open.discard(session)
            session.close()
            self._slots.give()

    def submit(self, code: str) -> Future[Result]:
        """Run a program in a fresh session, for callers without an event loop."""

        def run_and_close() -> Result:
            session = Session(self, self.settings, whole=True)
            self._open.add(session)
            try:
                return session.run_here(code, None)
            finally:
                self._open.discard(session)
                session.close()

        return self.enqueue(run_and_close)

    def servers_for(self, code: str, *, whole: bool) -> Servers:
        """Where the sessions of a program come from: a `whole` one that needs no preloaded package from a lighter server."""
        if not (whole and self.settings.preload and is_plain(code, self.settings.preload)):
            return self._servers
        with self._starting:
            if self._plain is None and self._threads is not None:
                plain = Servers(self.settings.model_copy(update={"preload": (), "tier": self.tier}))
                try:
                    plain.start()
                except TierRefused as refusal:
                    raise ExecutorFault(f"no second server: {refusal}") from refusal
                self._plain = plain
            return self._plain or self._servers

    def enqueue(self, job: Callable[[], Result]) -> Future[Result]:
        """Have a block run on one of the sandbox's threads, in turn."""
        if self._threads is None:
            raise SandboxError("expected an entered sandbox; found a closed one. Use `async with Sandbox(settings)`.")
        return self._threads.submit(job)


class Session:
    """One trajectory's interpreter. Where a block ends the process, the next one starts from nothing."""

    def __init__(self, sandbox: Sandbox, limits: SandboxSettings, *, whole: bool) -> None:
        """`whole`: its one block is a program, and nothing comes after it."""
        self._sandbox = sandbox
        self._whole = whole
        self._servers = sandbox._servers
        self._limits = limits
        self._process: SessionProcess | None = None
        self._has_state = False
        self._fault: ExecutorFault | None = None
        self._cancelled = False
        self._turn = threading.Lock()

    async def run(self, code: str, *, wall_seconds: float | None = None) -> Result:
        """Run a block. Raises ExecutorFault where the sandbox failed and earlier variables are gone with it."""
        running = self._sandbox.enqueue(lambda: self.run_here(code, wall_seconds))
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            self.cancel()
            raise

    def run_here(self, code: str, wall_seconds: float | None) -> Result:
        """Run a block on the calling thread."""
        limits = (
            self._limits if wall_seconds is None else self._limits.model_copy(update={"wall_seconds": wall_seconds})
        )
        interpreter = self._sandbox.interpreter if self._whole else None
        if interpreter is None or not interpreter.takes(limits):
            return self._in_process(code, limits.wall_seconds)
        answer = interpreter.answer(code)
        if isinstance(answer, Result) and self._sandbox.settings.interpreter == "on":
            return answer
        result = self._in_process(code, limits.wall_seconds)
        interpreter.hold_against(code, answer, result)
        return result

    def _in_process(self, code: str, seconds: float) -> Result:
        with self._turn:
            if self._fault is not None:
                raise ExecutorFault(f"this session failed earlier: {self._fault}")
            for _ in range(self._sandbox.settings.retries):
                with contextlib.suppress(ExecutorFault):
                    return self._attempt(code, seconds)
                if self._has_state or self._cancelled:
                    break
            else:
                return self._attempt(code, seconds)
            assert self._fault is not None  # a suppressed fault above set it
            raise self._fault

    def cancel(self) -> None:
        """End the block that runs now, from another thread; it raises ExecutorFault there."""
        self._cancelled = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the session's process."""
        self.cancel()
        with self._turn:
            self._drop()

    def _attempt(self, code: str, seconds: float) -> Result:
        try:
            if self._cancelled:
                raise ExecutorFault("this session is closed")
            if self._process is None:
                self._servers = self._sandbox.servers_for(code, whole=self._whole)
                self._process = self._servers.open_session(self._limits)
                if self._cancelled:  # closed while it was opened: cancel() could not see it
                    raise ExecutorFault("this session is closed")
            result = self._process.run(code, seconds, last=self._whole)
        except ExecutorFault as fault:
            self._drop()
            if self._has_state or self._cancelled:
                self._fault = fault
            raise
        self._has_state = not result.state_lost
        if result.state_lost:
            self._drop()
        return result

    def _drop(self) -> None:
        if self._process is not None:
            self._servers.close_session(self._process)
            self._process = None


class _Slots:
    """A counting semaphore whose waiters may belong to different event loops."""

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self._free = count
        self._waiting: deque[Future[None]] = deque()

    async def take(self) -> None:
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            turn: Future[None] = Future()
            self._waiting.append(turn)
        try:
            await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the slot came just as the waiter left
                self.give()
            raise

    def give(self) -> None:
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self._free += 1


def run_code(code: str, settings: SandboxSettings | None = None) -> Result:
    """Run one program in a sandbox of its own. For many, `run_many` starts the server once."""
    return run_many([code], settings)[0]


def run_many(codes: Sequence[str], settings: SandboxSettings | None = None, *, progress: bool = False) -> list[Result]:
    """Run programs, each in a fresh session; results in the order given. Raises ExecutorFault after every retry."""
    from evaluators.progress import report_progress

    with Sandbox(settings) as sandbox:
        futures = [sandbox.submit(code) for code in codes]
        shown = report_progress(futures, desc="programs", unit="program", disable=not progress)
        return [future.result() for future in shown]


def _affordable_sessions(wanted: int) -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, (soft - DESCRIPTORS_SPARED) // DESCRIPTORS_PER_SESSION))

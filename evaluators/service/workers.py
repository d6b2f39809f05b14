"""The server's side of its workers: queues with a bound, and processes that are replaced when they end or hang.

A task whose worker ended is given to another one, once, alone; so a request that ends processes costs no other request
its answer. A task is answered exactly once: its future is.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from evaluators.service.errors import Busy, NotFound, WorkerLost
from evaluators.service.frames import Frame, Frames, pack

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0  # ours: sympy is imported and the sandbox tests itself; ten times what a quiet machine takes
READY, ALIVE = 100, 102
"""Frames that answer no task, by the HTTP statuses of such meaning: continue, processing."""
LONGEST_WAIT = 60.0  # seconds told in Retry-After at most
RESTART_PAUSE = 1.0  # seconds before a worker that did not come up is started again
RATE_WEIGHT = 0.05  # of the last task in the mean of seconds a task: some twenty tasks are remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """One kind of worker."""

    name: str
    module: str
    """Its `main()` is the worker."""
    arguments: tuple[str, ...] = ()
    size: int
    depth: int
    """Tasks given to a worker at once."""
    in_order: bool
    """Whether a worker finishes its tasks one after the other, so that the first is the one that ended it."""
    waiting: int
    """Tasks that may wait; further ones are refused."""
    patience: float
    """Seconds that a worker with work may be silent before it is replaced."""


@dataclass(slots=True, eq=False)
class Task:
    number: int
    head: dict[str, Any]
    body: bytes
    answer: asyncio.Future[Frame]
    lost: int = 0
    """Workers that ended on it."""


class Worker(asyncio.Protocol):
    """One process and the socket to it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._frames = Frames()
        self._transport: asyncio.WriteTransport | None = None
        self._outgoing: list[bytes] = []
        self.tasks: dict[int, Task] = {}
        self.alone = False
        self.ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.ended = False
        self.heard = time.monotonic()
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self, settings: PoolSettings) -> None:
        """Start the process and wait until it is ready. Raises WorkerLost."""
        ours, theirs = socket.socketpair()
        code = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); from {settings.module} import main; main()"
        command = [sys.executable, "-P", "-c", code, str(theirs.fileno()), *settings.arguments]
        with theirs:
            self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, sock=ours)
            await asyncio.wait_for(asyncio.shield(self.ready), START_SECONDS)
        except TimeoutError:
            raise WorkerLost(f"a {settings.name} was not ready after {START_SECONDS:.0f} s") from None
        finally:
            if not self.ready.done() or self.ready.exception() is not None:
                await asyncio.to_thread(self.reap)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one, but no subclass

    def data_received(self, data: bytes) -> None:
        self.heard = time.monotonic()
        for frame in self._frames.feed(data):
            status = frame.head["status"]
            if status == READY:
                self.ready.set_result(frame.head)
            elif status != ALIVE:
                self._pool.finish(self, frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        if not self.ready.done():
            self.ready.set_exception(WorkerLost(f"a {self._pool.settings.name} ended at its start; see what it said"))
            self.ready.exception()  # whoever waited for it may be gone
        self._pool.bury(self)

    def send(self, task: Task) -> None:
        if not self.tasks:
            self.heard = time.monotonic()
        self.tasks[task.number] = task
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outgoing.append(pack(task.number, task.head, task.body))

    def _flush(self) -> None:
        """Tasks of one turn of the event loop go out together: a write costs more than a check."""
        frames, self._outgoing = b"".join(self._outgoing), []
        if self._transport is not None and not self.ended:
            self._transport.write(frames)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def reap(self) -> int | None:
        """Its exit status, once it has ended; ends it where only its socket did."""
        if self.process is None:
            return None
        self.process.kill()
        return self.process.wait()


@dataclass(slots=True, eq=False)
class Pool:
    """Workers of one kind behind one queue."""

    settings: PoolSettings
    workers: list[Worker] = field(default_factory=list)
    restarts: int = 0
    seconds_each: float = 0.001
    """Mean time between two answers while there was work: what a place in the queue costs."""
    _queue: deque[Task] = field(default_factory=deque)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _pinned: int = 0
    _closing: bool = False
    _background: set[asyncio.Task[None]] = field(default_factory=set)
    _answered: float = field(default_factory=time.monotonic)

    async def start(self) -> None:
        """Start every worker. Raises WorkerLost where one does not come up."""
        self.workers = [Worker(self) for _ in range(self.settings.size)]
        await asyncio.gather(*[worker.start(self.settings) for worker in self.workers])
        self._watch()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def in_flight(self) -> int:
        return sum(len(worker.tasks) for worker in self.workers)

    @property
    def is_ready(self) -> bool:
        return any(worker.ready.done() and not worker.ended for worker in self.workers)

    async def submit(self, head: dict[str, Any], body: bytes, *, pinned: Worker | None = None) -> Frame:
        """The answer of a worker; of `pinned`, where only that one can give it.

        Raises Busy where too many wait, WorkerLost where workers end on it, NotFound where `pinned` has ended.
        """
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        task = Task(next(self._numbers), head, body, future)
        if pinned is not None:
            if pinned.ended:
                raise NotFound(
                    "the process that held this session ended, its variables with it", remedy="Open another."
                )
            pinned.send(task)
        else:
            self.admit(1)
            if not self._queue and not self.in_flight:
                self._answered = time.monotonic()
            self._queue.append(task)
            self._dispatch()
        return await future

    def admit(self, tasks: int) -> None:
        """Raises Busy where so many more tasks may not wait."""
        if self._queue and len(self._queue) + tasks > self.settings.waiting:
            raise Busy(
                f"{len(self._queue)} tasks wait for a {self.settings.name}",
                remedy="Send it again later, or start the server with a larger --queue.",
                retry_after=self.retry_after(),
            )

    def retry_after(self) -> float:
        """Seconds in which what waits now is done, as fast as of late."""
        return min(LONGEST_WAIT, max(1.0, round(len(self._queue) * self.seconds_each, 1)))

    def finish(self, worker: Worker, frame: Frame) -> None:
        """Take a worker's answer."""
        task = worker.tasks.pop(frame.number, None)
        worker.alone = worker.alone and bool(worker.tasks)
        now = time.monotonic()
        self.seconds_each += RATE_WEIGHT * (now - self._answered - self.seconds_each)
        self._answered = now
        if task is not None and not task.answer.done():
            task.answer.set_result(frame)
        self._dispatch()

    def bury(self, worker: Worker) -> None:
        """A worker ended: give its tasks to others, and start one in its place."""
        tasks = list(worker.tasks.values())
        worker.tasks.clear()
        for position, task in reversed(list(enumerate(tasks))):
            task.lost += position == 0 or not self.settings.in_order
            self._again(task)
        if worker in self.workers:
            self.workers.remove(worker)
        worker.reap()  # here, since a replacement that is cancelled before it begins would leave it a zombie
        if not self._closing:
            if worker.ready.done() and worker.ready.exception() is None:
                self.restarts += 1
                self._in_background(self._replace())
            self._dispatch()

    async def close(self) -> None:
        """End every worker; what still waits is refused."""
        self._closing = True
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        for worker in list(self.workers):
            worker.kill()
            await asyncio.to_thread(worker.reap)
        for waiting in self._queue:
            if not waiting.answer.done():
                waiting.answer.set_exception(WorkerLost("the server closed before this request was answered"))
        self._queue.clear()

    def _again(self, task: Task) -> None:
        if task.answer.done():
            return
        if self._closing or task.lost >= 2 or "session" in task.head:
            told = NotFound if "session" in task.head else WorkerLost
            task.answer.set_exception(told("the process that worked on this request ended"))
        else:
            self._queue.appendleft(task)

    def _dispatch(self) -> None:
        while self._queue:
            worker = min(
                (one for one in self.workers if not one.ended and not one.alone),
                key=lambda one: len(one.tasks),
                default=None,
            )
            alone = self.settings.in_order and self._queue[0].lost > 0
            if worker is None or len(worker.tasks) >= (1 if alone else self.settings.depth):
                return
            task = self._queue.popleft()
            if task.answer.done():  # its caller is gone
                continue
            worker.alone = alone
            worker.send(task)

    async def _replace(self) -> None:
        while not self._closing:
            worker = Worker(self)
            try:
                await worker.start(self.settings)
            except WorkerLost as error:
                print(f"mathsieve serve: {error}; trying again", file=sys.stderr)
                await asyncio.sleep(RESTART_PAUSE)
                continue
            self.workers.append(worker)
            self._dispatch()
            return

    def _watch(self) -> None:
        async def look() -> None:
            while True:
                await asyncio.sleep(1.0)
                for worker in self.workers:
                    if worker.tasks and time.monotonic() - worker.heard > self.settings.patience:
                        worker.kill()

        self._in_background(look())

    def _in_background(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def start_all(pools: list[Pool]) -> None:
    """Start several pools; ends them all where one fails."""
    try:
        await asyncio.gather(*[pool.start() for pool in pools])
    except BaseException:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*[pool.close() for pool in pools], return_exceptions=True)
        raise

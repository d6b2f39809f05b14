"""Shards by processes of this machine.

Each worker is one process with a pipe of its own: when it is killed nobody waits for it, which shard it had is known,
and so is the signal. (A shared ProcessPoolExecutor calls every shard lost where one process was killed.)
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from evaluators.executors.outcomes import Job, Outcome, Work, attempt, describe_excess, describe_exit
from evaluators.executors.settings import LocalExecutor

LOOK = 0.5  # seconds between looks at the workers' memory
GRACE = 5.0  # seconds between SIGTERM and SIGKILL
PAGE = os.sysconf("SC_PAGE_SIZE")


def run_local(job: Job, executor: LocalExecutor) -> Generator[tuple[int, Outcome]]:
    """The outcome of each shard, as they end. Closed early, it ends its workers."""
    waiting = list(job.shards.items())[::-1]
    workers = [_Worker(job.work) for _ in range(min(executor.width, len(waiting)))]
    try:
        while True:
            for number, worker in enumerate(workers):
                if worker.number is None and waiting:
                    if not worker.process.is_alive():
                        workers[number] = worker = worker.replaced()
                    worker.begin(*waiting.pop())
            busy = [worker for worker in workers if worker.number is not None]
            if not busy:
                return
            for worker in busy:
                worker.hold_to(executor.memory)
            ready = wait([worker.pipe for worker in busy], timeout=LOOK)
            for worker in busy:
                if worker.pipe in ready:
                    yield worker.ended()
    finally:
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()


class _Worker:
    """A process that is given one shard after the other."""

    def __init__(self, work: Work) -> None:
        # spawn: a fork would copy whatever threads and locks the caller has
        context = get_context("spawn")
        self.work = work
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        self.process.start()
        theirs.close()
        self.number: int | None = None
        self.over = ""

    def replaced(self) -> _Worker:
        self.stop()
        self.join()
        return _Worker(self.work)

    def begin(self, number: int, shard: Any) -> None:
        self.number = number
        with suppress(BrokenPipeError):  # it is gone: told by `ended`
            self.pipe.send(shard)

    def ended(self) -> tuple[int, Outcome]:
        """What became of its shard, when the pipe has something to read: an outcome, or its end."""
        assert self.number is not None, "only a worker that has a shard is asked"
        number, self.number = self.number, None
        try:
            outcome: Outcome = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join(GRACE)
            if self.over:
                return number, Outcome(kind="refused", said=self.over)
            return number, Outcome(kind="lost", said=describe_exit(self.process.exitcode))
        return number, outcome

    def hold_to(self, gib: float | None) -> None:
        """End it where it uses more memory than it was given."""
        if gib is not None and (used := resident_bytes(self.process.pid)) > gib * 2**30:
            self.over = describe_excess(used, gib)
            self.process.kill()

    def stop(self) -> None:
        self.pipe.close()
        if self.number is not None:
            self.process.terminate()

    def join(self) -> None:
        self.process.join(GRACE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(pipe: Connection, work: Work) -> None:
    """A worker's whole life: it ends when nobody holds the other end of the pipe any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C reaches the caller, who ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(EOFError, BrokenPipeError):
        while True:
            pipe.send(attempt(work, pipe.recv()))


def resident_bytes(pid: int | None) -> int:
    """Bytes of memory of a process; 0 where it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0

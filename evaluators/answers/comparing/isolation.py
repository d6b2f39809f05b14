"""The last stage's own process: a parent of sympy, forked before it is needed, that forks a child for each question.

    this process --pipe--> keeper (sympy imported, idle) --fork--> child (limits on CPU and memory, one question)

A child that computes too long is killed by the keeper, a keeper that does not answer by this process; neither leaves
anything behind for the next question. Trees cross the pipe as JSON, never as code.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from evaluators.answers.values import Node

PATIENCE = 1.7
"""Wall time of one question to a keeper that is ready; and of the wait for the lock before it."""
MARGIN = 0.2
"""Of that, what is left for the keeper to kill a child that computes too long and to say so."""
START_PATIENCE = 10.0
"""Wall time for a fresh keeper to import sympy, half a second on a free core: no part of a question's time."""
_KEEPER = Path(__file__).with_name("symbolic.py")


class Keeper:
    """One keeper process and the lock around its pipe. Never shared over a fork: see `_forget`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.ready = False

    def ask(self, question: list[object]) -> bool | None:
        """The child's answer to whether two trees are equal; None where there is none in time.

        A fresh keeper imports sympy first, which the first question waits for; its own time begins then. Where that
        takes too long, the question has no answer and the keeper goes on starting, for the next one.
        """
        if not self.lock.acquire(timeout=PATIENCE if self.ready else PATIENCE + START_PATIENCE):
            return None
        try:
            if self.process is None or self.process.poll() is not None:
                self._kill()  # closes the pipes of one that died
                self.process, self.ready = _started(), False
            assert self.process.stdin is not None and self.process.stdout is not None
            if not self.ready and not self._became_ready(self.process.stdout, time.monotonic() + START_PATIENCE):
                return None
            deadline = time.monotonic() + PATIENCE
            seconds = deadline - MARGIN - time.monotonic()
            if seconds < MARGIN:
                return None
            try:
                self.process.stdin.write(json.dumps([*question, seconds]).encode() + b"\n")
                self.process.stdin.flush()
                line = _line(self.process.stdout, deadline)
            except (BrokenPipeError, OSError):
                line = b""
            if line is None or not line.endswith(b"\n"):
                self._kill()
                return None
            return {b"equal": True, b"different": False}.get(line.strip())
        finally:
            self.lock.release()

    def _became_ready(self, stream: IO[bytes], deadline: float) -> bool:
        self.ready = _line(stream, deadline) == b"ready\n"
        return self.ready

    def _kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()
            self.process = None

    def close(self) -> None:
        with self.lock:
            self._kill()


def _started() -> subprocess.Popen[bytes]:
    """A keeper that will say `ready` when it has imported sympy."""
    # -P: the folder of symbolic.py must not shadow modules. Bytes unbuffered, so that select sees what there is.
    return subprocess.Popen(
        [sys.executable, "-P", str(_KEEPER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
        env={**os.environ, "SYMPY_USE_CACHE": "no", "PYTHONWARNINGS": "ignore"},
    )


def _line(stream: IO[bytes], deadline: float) -> bytes | None:
    received = b""
    while not received.endswith(b"\n"):
        left = deadline - time.monotonic()
        ready, _, _ = select.select([stream], [], [], max(0.0, left))
        if not ready:
            return None
        piece = os.read(stream.fileno(), 4096)
        if not piece:
            return received
        received += piece
    return received


_keeper = Keeper()
_abandoned: list[Keeper] = []


def _forget() -> None:
    """In a forked child: the parent's keeper is the parent's; its pipe must not be shared."""
    global _keeper
    _abandoned.append(_keeper)  # kept, so that nothing waits for, or warns about, a process that is the parent's
    _keeper = Keeper()


os.register_at_fork(after_in_child=_forget)
atexit.register(lambda: _keeper.close())


def symbolic_equal(a: Node, b: Node) -> bool | None:
    """Whether sympy finds two trees equal; None where it cannot tell in its time."""
    return _keeper.ask([_plain(a), _plain(b)])


def _plain(node: Node) -> list[object]:
    """A tree as JSON: [op, value, arguments]; fractions as strings."""
    value = node.value
    if node.op in ("num", "dec"):
        value = str(value if node.op == "num" else value[0])
    elif node.op == "qty":
        value = dict(value.dims).get("degree") == 1 and "degree"
    return [node.op, value, [_plain(arg) for arg in node.args]]

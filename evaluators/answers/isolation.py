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

SECONDS = 1.2
"""Wall time of one question in a child, and its CPU limit; a check must end within 2 seconds."""
PATIENCE = 1.7
"""Wall time this process waits for the lock and the answer together."""
STARTING = 10.0
"""Wall time a fresh keeper may take to import sympy: half a second on a free core, once in a process's life. Counted
apart, so that a loaded machine does not turn the first verdict into a timeout."""
_KEEPER = Path(__file__).with_name("symbolic.py")


class Keeper:
    """One keeper process and the lock around its pipe. Never shared over a fork: see `_forget`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, question: bytes) -> bool | None:
        """The child's answer; None where there is none in time."""
        if not self.lock.acquire(timeout=STARTING + PATIENCE):
            return None
        try:
            if self.process is None or self.process.poll() is not None:
                self._kill()  # closes the pipes of one that died
                self.process = _started()
            assert self.process.stdin is not None and self.process.stdout is not None
            deadline = time.monotonic() + PATIENCE
            try:
                self.process.stdin.write(question + b"\n")
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
    """A keeper that has said `ready`, or has died or stalled: then the question finds its pipe closed or silent."""
    # -P: the folder of symbolic.py must not shadow modules. Bytes unbuffered, so that select sees what there is.
    process = subprocess.Popen(
        [sys.executable, "-P", str(_KEEPER), str(SECONDS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
        env={**os.environ, "SYMPY_USE_CACHE": "no", "PYTHONWARNINGS": "ignore"},
    )
    assert process.stdout is not None
    _line(process.stdout, time.monotonic() + STARTING)
    return process


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
    question = json.dumps([_plain(a), _plain(b)]).encode()
    return _keeper.ask(question)


def _plain(node: Node) -> list[object]:
    """A tree as JSON: [op, value, arguments]; fractions as strings."""
    value = node.value
    if node.op in ("num", "dec"):
        value = str(value if node.op == "num" else value[0])
    elif node.op == "qty":
        value = dict(value.dims).get("degree") == 1 and "degree"
    return [node.op, value, [_plain(arg) for arg in node.args]]

"""The loop inside a session: read a block of code, run it in the session's namespace, send back one frame.

What a block does to the interpreter (patched builtins, closed descriptors, broken sys.stdout) must not keep its result
from being told, so the loop holds its own references to the C functions it needs and reaches nothing by module name.
What the frame says is still only the program's word: time, exit and signals are judged outside (sandbox/session.py).
"""

from __future__ import annotations

import ast
import builtins
import io
import linecache
import random
import sys
import types
from _thread import _count as thread_count
from _thread import stack_size
from atexit import _run_exitfuncs as run_exit_functions
from dataclasses import dataclass
from errno import ENOMEM
from fcntl import ioctl
from inspect import CO_COROUTINE
from mmap import mmap
from os import _exit, read, write
from resource import RLIMIT_AS, setrlimit
from signal import ITIMER_REAL, SIG_IGN, SIGINT, SIGPIPE, setitimer, signal
from struct import Struct
from termios import FIONREAD
from threading import _shutdown as shut_down_threads  # type: ignore[attr-defined]
from threading import current_thread
from threading import enumerate as all_threads
from time import sleep
from traceback import format_exception
from typing import Any, cast

# The functions below keep these built-ins whatever a program does to the shared ones.
globals()["__builtins__"] = dict(vars(builtins))

NONCE_BYTES = 16
REQUEST = Struct(f">{NONCE_BYTES}s?I")
"""nonce of this block, whether it is the session's last, length of the code that follows (UTF-8, lone surrogates passed
through)."""
REPLY = Struct(f">{NONCE_BYTES}sBiI")
"""nonce, status, length of the value (-1: none), length of the error; then both as UTF-8."""
OK, ERROR, MEMORY, STARVED, EXIT, READY, SETUP_FAILED = range(7)
"""STARVED: an error that want of memory may have caused; only outside can it be seen whether it did."""

ERROR_CHARS = 8000
SHORTEST_WAIT, LONGEST_WAIT, WAITS = 1e-4, 1e-2, 200
"""Seconds between looks at whether the owner has read the other stream, and how many looks a block may spend. An owner
that has a core needs the shortest wait or two; one that has none is waited for, two seconds in all."""
THREAD_STACK = 8 << 20
"""Bytes of a thread's stack, where the program sets no other: what the usual soft RLIMIT_STACK gives."""
UNMAPPED = ("failed to map segment", "annot allocate memory")
"""What the dynamic linker says where there is no room for a library (elf/dl-map-segments.h, elf/dl-load.c)."""
SPARE_ADDRESS_SPACE = 64 << 20
"""Bytes above the memory limit that only the loop uses, to tell of a MemoryError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What running one block gave."""

    status: int
    value: str | None = None
    error: str = ""


class Agent:
    """One session's interpreter state and the channel to its owner."""

    def __init__(self, channel: int, *, value_chars: int, address_space: int, seed: int | None, digits: int) -> None:
        self._channel = channel
        self._value_chars = value_chars
        hard = address_space + SPARE_ADDRESS_SPACE
        self._narrow, self._roomy = (address_space, hard), (hard, hard)
        self._running = False
        self._blocks = 0
        self._turns = _Turns()
        self._stdout = _text_stream(1, self._turns)
        sys.stdout = sys.__stdout__ = self._stdout  # type: ignore[misc]  # Final in typeshed only
        sys.stderr = sys.__stderr__ = _text_stream(2, self._turns)  # type: ignore[misc]
        self._stdin = _input()
        sys.set_int_max_str_digits(digits)
        stack_size(THREAD_STACK)
        module = types.ModuleType("__main__")
        self._namespace: dict[str, Any] = module.__dict__
        self._namespace["__builtins__"] = builtins
        sys.modules["__main__"] = module
        sys.argv = [""]
        _seed(seed)

    def serve(self) -> None:
        """Run blocks until the owner closes the channel. Never returns."""
        limit = sys.getrecursionlimit()
        while True:
            try:
                nonce, last, length = REQUEST.unpack(self._receive(REQUEST.size))
                code = self._receive(length).decode("utf-8", "surrogatepass")
                outcome = self._run(code, last)
                _calm(limit)
                send_frame(self._channel, nonce, outcome)
            except BaseException:  # noqa: BLE001 - a late signal handler or a broken interpreter: the owner sees the exit
                _exit(70)

    def _run(self, code: str, last: bool) -> Outcome:
        signal(SIGINT, self._interrupted)
        try:
            self._running = True
            _limit_memory(self._narrow)
            try:
                try:
                    value = self._execute(code)
                finally:
                    _finish(last)
                return Outcome(status=OK, value=value)
            finally:
                self._running = False
                _flush(self._stdout)
        except BaseException as error:  # noqa: BLE001 - whatever a program raises is its outcome
            status = _status(error)
            _limit_memory(self._roomy)
            return Outcome(status=status, error=_shown(error))
        finally:
            _limit_memory(self._roomy)  # telling of a MemoryError, and taking the next block, need memory too

    def _execute(self, code: str) -> str | None:
        self._blocks += 1
        self._turns.waits = WAITS
        if self._stdin.closed:  # exit() does that
            self._stdin = _input()
        name = f"<block {self._blocks}>"
        tree = ast.parse(code.removeprefix("\ufeff"), name)
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        parts = [compile(tree, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)]
        if isinstance(last, ast.Expr):
            last_value = ast.Expression(last.value)
            parts.append(compile(last_value, name, "eval", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True))
        value = self._evaluate(parts)
        if value is None:
            return None
        self._namespace["_"] = value
        return _shortened(str(repr(value)), self._value_chars)

    def _evaluate(self, parts: list[types.CodeType]) -> Any:
        """The value of the last part; as in a notebook, `await` may stand outside of any function."""

        async def in_a_loop() -> Any:
            value = None
            for part in parts:
                value = eval(part, self._namespace)
                if part.co_flags & CO_COROUTINE:
                    value = await value
            return value

        if any(part.co_flags & CO_COROUTINE for part in parts):
            import asyncio

            return asyncio.run(in_a_loop())
        value = None
        for part in parts:
            value = eval(part, self._namespace)
        return value

    def _interrupted(self, _number: int, _frame: object) -> None:
        if self._running:
            raise KeyboardInterrupt

    def _receive(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = read(self._channel, min(size - len(parts), 1 << 20))
            if not part:
                _exit(0)
            parts += part
        return bytes(parts)

    def ready(self, nonce: bytes) -> None:
        signal(SIGPIPE, SIG_IGN)
        _limit_memory(self._roomy)
        send_frame(self._channel, nonce, Outcome(status=READY))


def send_frame(channel: int, nonce: bytes, outcome: Outcome) -> None:
    """One reply, whole. `nonce` is that of the request it answers."""
    value = b"" if outcome.value is None else outcome.value.encode("utf-8", "backslashreplace")
    error = outcome.error.encode("utf-8", "backslashreplace")
    length = -1 if outcome.value is None else len(value)
    data = REPLY.pack(nonce, outcome.status, length, len(error)) + value + error
    while data:
        data = data[write(channel, data) :]


def _input() -> io.TextIOWrapper:
    """Standard input of the session, which is empty."""
    stream = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdin = sys.__stdin__ = stream  # type: ignore[misc]
    return stream


class _Turns:
    """Which of the two streams was written to last, and how many more waits the block may spend on their order."""

    last = 1
    waits = WAITS


class _Stream(io.FileIO):
    """One of the two pipes that the owner reads: what went into the other one is let out first, to keep the order."""

    def __init__(self, descriptor: int, turns: _Turns) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._descriptor, self._turns = descriptor, turns

    def write(self, data: Any) -> int | None:  # type: ignore[override]  # Any buffer
        turns, waiting, pause = self._turns, bytearray(4), SHORTEST_WAIT
        if turns.last != self._descriptor:
            try:
                while ioctl(turns.last, FIONREAD, waiting) == 0 and any(waiting) and turns.waits > 0:
                    turns.waits -= 1
                    sleep(pause)
                    pause = min(2 * pause, LONGEST_WAIT)
            except OSError:  # closed, or no pipe any more: its order is nobody's concern
                turns.waits = 0
            turns.last = self._descriptor
        return super().write(data)


def _text_stream(descriptor: int, turns: _Turns) -> io.TextIOWrapper:
    raw = _Stream(descriptor, turns)
    # By lines: what was printed before a kill is then already outside.
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=True
    )


def _status(error: BaseException) -> int:
    """What an exception means for its block. To be asked before the limit on memory is lifted.

    Want of memory shows in more ways than MemoryError. CPython gives up without an exception where it finds none for
    the frame of a call (SystemError), and the linker tells of it in the text of an ImportError or OSError only.
    """
    kind = type(error)  # not isinstance, which asks the object's own __class__
    try:
        if issubclass(kind, SystemExit):
            return EXIT
        if issubclass(kind, MemoryError) or (issubclass(kind, OSError) and cast(OSError, error).errno == ENOMEM):
            return MEMORY
        if kind is RuntimeError and error.args == ("can't start new thread",):
            return ERROR if _can_map(stack_size() or THREAD_STACK) else MEMORY
        unmapped = issubclass(kind, ImportError | OSError) and any(word in str(error) for word in UNMAPPED)
    except BaseException:  # noqa: BLE001 - attributes that the program's own class redefines
        return ERROR
    return STARVED if unmapped or kind is SystemError else ERROR


def _limit_memory(limits: tuple[int, int]) -> None:
    try:
        setrlimit(RLIMIT_AS, limits)
    except ValueError:  # the program lowered its hard limit: tighter than asked for, and its own doing
        return


def _can_map(size: int) -> bool:
    try:
        mmap(-1, size).close()
    except OSError:
        return False
    return True


def _shown(error: BaseException) -> str:
    try:
        return _shortened(_own_traceback(error), ERROR_CHARS)
    except BaseException:  # noqa: BLE001 - an exception whose own repr or formatting raises
        return f"{type(error).__name__}: <exception that cannot be shown>\n"


def _own_traceback(error: BaseException) -> str:
    """The traceback from the program's first frame on, without the loop's own frames."""
    trace = error.__traceback__
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<block"):
        trace = trace.tb_next
    return "".join(format_exception(type(error), error, trace, limit=-10))


def _shortened(text: str, limit: int) -> str:
    """Both ends are kept: the protocols show the first and the last characters of a long result."""
    half = limit // 2
    return text if len(text) <= limit else text[:half] + "..." + text[-half:]


def _flush(stdout: io.TextIOWrapper) -> None:
    for stream in (stdout, vars(sys).get("stdout"), vars(sys).get("stderr")):
        try:
            if stream is not None:
                stream.flush()
        except Exception:  # noqa: BLE001 - a closed or replaced stream is the program's own doing, and no error
            continue


def _finish(last: bool) -> None:
    """Wait for the threads that a script would wait for at its end, and with the last block do what an exit does.

    The threads of a pool wait for more work; they end with the last block only.
    """
    if thread_count():
        if last:
            shut_down_threads()
        pools = sys.modules.get("concurrent.futures.thread")
        pooled = list(vars(pools)["_threads_queues"]) if pools is not None else []
        for thread in all_threads():
            if thread is not current_thread() and not thread.daemon and thread not in pooled:
                thread.join()
    if last:
        run_exit_functions()


def _calm(recursion_limit: int) -> None:
    """Undo what a block may have left to strike between blocks: timers, tracing, a tiny recursion limit."""
    setitimer(ITIMER_REAL, 0)
    sys.settrace(None)
    sys.setprofile(None)
    sys.setrecursionlimit(max(recursion_limit, sys.getrecursionlimit()))


def _seed(seed: int | None) -> None:
    """Give every session the same random numbers, or (None) fresh ones rather than the server's, which all share."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed)
    if "sympy.core.random" in sys.modules:
        sys.modules["sympy.core.random"].rng.seed(seed)

"""The inside of the interpreter tier: a host behind the walls of a session that feeds programs to pydantic-monty.

It parses a program, refuses what is not known to run there as in CPython, and answers with what was printed, or that the
program has to run in a process session. The interpreter itself is a process of its own below this one, in the same walls.
"""

from __future__ import annotations

import re
from typing import Any

from evaluators.sandbox.server.agent import ERROR, OK, Agent, Outcome
from evaluators.sandbox.server.supported import unsupported

SECONDS = 0.1
"""Of one program: a hundredth of the published limit, since some of what is done here in no time, such as dividing by long
integers, takes CPython a hundred times as long. What takes longer gains nothing from a quick start anyway."""
MEMORY_BYTES = 64 << 20
WORKER_PROGRAMS = 1000
"""After which the interpreter's process is replaced."""
FLOAT = re.compile(r"\d+\.\d+(?:e[+-]?\d+)?|\d+e[+-]?\d+")
"""Where two shortest decimals are equally near to a float, CPython shows the even one and the interpreter the larger."""
COMPLEX = re.compile(r"\dj")
"""A root of a negative number may be one; zeros in it have other signs there."""
LONGEST = 10_000
"""Characters printed: longer output, and integers of more digits than str() may print, are judged elsewhere."""
SHOWN_TYPES = (int, float, str, bool, type(None))


class InterpreterHost(Agent):
    """An agent whose programs run in an interpreter of its own."""

    def start(self, binary: str) -> None:
        """Start the interpreter's process, once the walls stand."""
        import pydantic_monty

        self._monty = pydantic_monty
        self._pool = pydantic_monty.Monty(
            binary_path=binary, min_processes=1, max_processes=1, max_checkouts_per_worker=WORKER_PROGRAMS
        )
        self._pool.__enter__()

    def _run(self, code: str, last: bool) -> Outcome:
        reason = unsupported(code)
        if reason is not None:
            return Outcome(status=ERROR, error=reason)
        printed = self._monty.CollectStreams()
        limits: Any = {"max_feed_duration_secs": SECONDS, "max_memory": MEMORY_BYTES}
        try:
            with self._pool.checkout(limits=limits) as session:
                value = session.feed_run(code, print_callback=printed)
        except (self._monty.MontyError, ValueError, TypeError, TimeoutError, RuntimeError) as error:
            return Outcome(status=ERROR, error=type(error).__name__)
        if not _is_plain(value) or any(stream != "stdout" for stream, _ in printed.output):
            return Outcome(status=ERROR, error="value")
        text = "".join(part for _, part in printed.output)
        if (
            len(text) > LONGEST
            or COMPLEX.search(text)
            or any(repr(float(number)) != number for number in FLOAT.findall(text))
        ):
            return Outcome(status=ERROR, error="output")
        self._stdout.write(text)
        self._stdout.flush()
        return Outcome(status=OK, value=None if value is None else repr(value))


def _is_plain(value: Any) -> bool:
    """Whether CPython's own repr() of the value is what a process session would show."""
    if isinstance(value, list | tuple):
        return type(value) in (list, tuple) and all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return type(value) is dict and all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    return type(value) in SHOWN_TYPES

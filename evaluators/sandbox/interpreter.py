"""The interpreter tier: programs of plain arithmetic in pydantic-monty, inside the walls of the strict tier.

It is never trusted alone: its hosts are sessions of a server of their own, with their own namespaces, Landlock, filter
and limits, and the only program that they may start is the interpreter. It answers for a program only where that runs to
its end and holds nothing in which the interpreter is not known to do as CPython does; everything else falls through.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Self

from evaluators.sandbox.records import ExecutorFault, Result, SandboxSettings, TierRefused
from evaluators.sandbox.servers import Servers
from evaluators.sandbox.session import SessionProcess

HOST_SECONDS = 3.0
"""Of a host's own time for one program: the interpreter itself ends it after a tenth of a second."""
HOST_PROGRAMS = 5000
"""After which a host is replaced."""
LEAST_MEMORY_MB = 128
"""Twice what the interpreter allows a program."""
PACKAGE = "pydantic_monty"


_log = logging.getLogger(__name__)


class Interpreter:
    """A stock of hosts. A context manager; thread-safe. Raises TierRefused on entry where it cannot be had."""

    def __init__(self, settings: SandboxSettings) -> None:
        own = {"tier": "strict", "preload": (), "ahead": 0, "cpu_seconds": 86_400, "protocol": "notebook"}
        self._settings = settings.model_copy(update=own)
        self._servers = Servers(self._settings, binary=interpreter_binary())
        self._lock = threading.Lock()
        self._idle: list[SessionProcess] = []
        self.compared = self.different = 0
        """Programs that ran in both, and those of them that ended differently."""

    def __enter__(self) -> Self:
        self._servers.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for host in idle:
            self._servers.close_session(host)
        self._servers.close()

    def takes(self, limits: SandboxSettings) -> bool:
        """Whether a program that ends here would have ended within these limits in a process session, too."""
        return limits.wall_seconds > 2 * HOST_SECONDS / 3 and limits.memory_mb >= LEAST_MEMORY_MB

    def hold_against(self, code: str, answer: Result | str, result: Result) -> None:
        """Note whether a process session, whose `result` counts, ended the same program in the same way."""
        if isinstance(answer, str):
            return
        with self._lock:
            self.compared += 1
        if (result.status, result.output, result.value) != (answer.status, answer.output, answer.value):
            with self._lock:
                self.different += 1
            _log.warning(
                "interpreter tier: a program ended differently\n%s\ninterpreter: %r %r\nprocess: %s %r %r\n%s",
                *(code, answer.output, answer.value, result.status, result.output, result.value, result.error),
            )

    def answer(self, code: str) -> Result | str:
        """The result of a program, or why it has to run in a process session."""
        try:
            host = self._take()
        except ExecutorFault as fault:
            return f"no host: {fault}"
        try:
            result = host.run(code, HOST_SECONDS)
        except ExecutorFault as fault:
            self._servers.close_session(host)
            return f"host: {fault}"
        if result.state_lost or host.blocks >= HOST_PROGRAMS:
            self._servers.close_session(host)
        else:
            with self._lock:
                self._idle.append(host)
        return replace(result, interpreter="monty") if result.status == "ok" else result.error or result.status

    def _take(self) -> SessionProcess:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._servers.open_session(self._settings.model_copy(update={"seed": None}))


def interpreter_binary() -> str:
    """The interpreter's own program, which its package installs beside this Python. Raises TierRefused."""
    places = [Path(sys.executable).parent / "monty", Path(sys.prefix) / "bin" / "monty"]
    found = next((str(place) for place in places if place.is_file()), None)
    if found is None or importlib.util.find_spec(PACKAGE) is None:
        raise TierRefused(
            "interpreter tier: expected pydantic-monty beside this Python; found none. pip install 'mathsieve[interpreter]', "
            "or set `interpreter: off`."
        )
    return found

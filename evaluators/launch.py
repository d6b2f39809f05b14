"""Runs a command so that the whole of it can be stopped, and stops when whoever asked for it is gone.

torchrun and vLLM start processes of their own, in groups and sessions of their own; killing the first one leaves the
rest holding ports and memory. Here a small supervisor stands between: it adopts every orphan below it (Linux: child
subreaper), and when it is told to stop, or its caller has died, even by SIGKILL, it ends all of them.

    with Launched.start(["python", "-m", "something"], log=Path("something.log")) as running:
        status = running.wait()

Run as a program, `launch.py CALLER_PID GRACE COMMAND...`, this file is that supervisor; it imports nothing outside
the standard library, so that it starts in a few milliseconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO

GRACE = 10.0  # seconds between SIGTERM and SIGKILL; vLLM's engine needs a few to release its GPU memory
POLL = 0.05  # seconds; how soon an exit or the caller's death is noticed
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>


@dataclass(slots=True)
class Launched:
    """A running command. Leaving the `with` block stops it and everything it started."""

    process: subprocess.Popen[bytes]
    command: tuple[str, ...]
    log: Path | None
    grace: float = GRACE
    _handle: IO[bytes] | None = field(default=None, repr=False)

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        log: Path | None = None,
        grace: float = GRACE,
    ) -> Launched:
        """Start it. `env` is added to this process's own; `log` takes its output and errors, or they are inherited.

        Raises FileNotFoundError where the command does not exist.
        """
        handle = log.open("ab") if log is not None else None
        supervisor = [sys.executable, "-I", "-S", str(Path(__file__).absolute()), str(os.getpid()), str(grace)]
        _must_exist(command[0], env)
        try:
            process = subprocess.Popen(
                [*supervisor, *command],
                env={**os.environ, **(env or {})},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT if handle is not None else None,
                start_new_session=True,  # a Ctrl-C at the terminal reaches the caller, who then stops us in order
            )
        except OSError:
            if handle is not None:
                handle.close()
            raise
        return cls(process=process, command=tuple(command), log=log, grace=grace, _handle=handle)

    @property
    def pid(self) -> int:
        """The supervisor's process id; SIGTERM to it stops everything."""
        return self.process.pid

    def poll(self) -> int | None:
        """Exit status, negative for a signal as in `subprocess`; None while it runs."""
        return self.process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the command's own end. Raises subprocess.TimeoutExpired."""
        return self.process.wait(timeout)

    def stop(self) -> int:
        """End the command and everything it started, and wait until that is done. Returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self.grace + 10)  # the supervisor needs the grace and a moment to reap
            except subprocess.TimeoutExpired:  # it was stopped or starved: do its work from here
                end_all(descendants(self.process.pid), signal.SIGKILL)
                self.process.kill()
                self.process.wait()
        if self._handle is not None:
            self._handle.close()
        return self.process.returncode

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of its log, for an error message."""
        if self.log is None or not self.log.exists():
            return ""
        with self.log.open("rb") as handle:
            handle.seek(max(0, self.log.stat().st_size - 200 * lines - 16_384))
            text = handle.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])

    def __enter__(self) -> Launched:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def descendants(root: int) -> list[int]:
    """Process ids below `root`, from /proc; empty where there is no /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = entry.read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        children.setdefault(int(after_name[1]), []).append(int(entry.parent.name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def end_all(pids: Sequence[int], number: int) -> None:
    """Send a signal to each; those that are gone already do not matter."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _must_exist(program: str, env: Mapping[str, str] | None) -> None:
    if shutil.which(program, path=(env or {}).get("PATH")) is None:
        raise FileNotFoundError(
            f"expected an executable {program!r}; found none on PATH. Install it, or give its path."
        )


class _Asked(Exception):
    """The supervisor was asked to stop."""


def _supervise(caller: int, grace: float, command: Sequence[str]) -> int:
    """Run the command until it ends or the caller does; leave nothing of it behind. Returns its wait status."""

    def asked(number: int, frame: FrameType | None) -> None:
        raise _Asked

    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # or a stop between here and `suppress` would leave the child
    for number in STOPPING:
        signal.signal(number, asked)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.posix_spawnp(command[0], list(command), os.environ, setpgroup=0, setsigmask=[], setsigdef=STOPPING)
    status: int = signal.SIGTERM  # what is reported where the command never ended by itself
    with contextlib.suppress(_Asked):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        status = _wait_for(child, caller)
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    _end_everything(child, grace)
    return status


def _wait_for(child: int, caller: int) -> int:
    while True:
        ended, status = _reap(child)
        if ended:
            return status
        if os.getppid() != caller:  # polled: PDEATHSIG would follow the calling *thread*, a pipe would leak into forks
            return signal.SIGTERM
        time.sleep(POLL)


def _reap(child: int) -> tuple[bool, int]:
    """Reap whatever has ended, adopted orphans too: (did the child itself end, its wait status)."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False, 0
        if pid == child:
            return True, status
        if pid == 0:
            return False, 0


def _end_everything(child: int, grace: float) -> None:
    """SIGTERM to all that is left, `grace` seconds to obey, then SIGKILL until nothing is left."""
    end_all([child, *descendants(os.getpid())], signal.SIGTERM)
    deadline = time.monotonic() + grace
    while True:
        _reap(child)
        left = descendants(os.getpid())
        if not left:
            return
        if time.monotonic() > deadline:
            end_all(left, signal.SIGKILL)
        time.sleep(POLL)


def _exit_like(status: int) -> None:
    """End as the command ended, by the same signal or with the same code."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:  # which has no handler to reset
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    sys.exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    _exit_like(_supervise(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))

"""Runs a command so that the whole of it can be stopped, and stops when whoever asked for it is gone.

torchrun and vLLM start processes of their own, in groups and sessions of their own; killing the first one leaves the
rest holding ports and memory. Here a small supervisor stands between: it adopts every orphan below it (Linux: child
subreaper), and when it is told to stop, or its caller has died, even by SIGKILL, it ends all of them. Their temporary
files lie in a folder of its own, which goes with them. It is two processes that watch each other, so that neither, when
it alone is killed, leaves anything running.

    with Launched.start(["python", "-m", "something"], log=Path("something.log")) as running:
        status = running.wait()

Run as a program, `launch.py CALLER_PID PATIENCE GRACE ORPHANS COMMAND...`, this file is that supervisor; it imports nothing
outside the standard library, so that it starts in a few milliseconds.
"""

from __future__ import annotations

import ctypes
import fcntl
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

GRACE = 10.0  # seconds between SIGTERM and SIGKILL; vLLM's engine needs a few to release its GPU memory
POLL = 0.05  # seconds; how soon an exit or the caller's death is noticed
LOOK = 1.0  # seconds between looks for orphans, which go through all of /proc: 1 ms for each hundred processes
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
TEMPORARY = re.compile("mathsieve-[0-9a-f]{8}")
"""The names of temporary folders of ours; whoever is at work in one holds a lock on it."""


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
        patience: float = 0.0,
        orphans: Literal["kept", "ended"] = "kept",
        stdin: int | None = subprocess.DEVNULL,
    ) -> Launched:
        """Start it. `env` is added to this process's own; `log` takes its output and errors, or they are inherited.

        `patience` is for how many seconds a command that was asked to stop may end in its own order, before all that
        it started is told so as well: SIGINT reaches its process group, as from a terminal, SIGTERM it alone.
        Orphans below it, whose parent has ended, are "ended" at once where a command of ours never leaves one on
        purpose: one of its processes was killed, and its workers wait for ever. `stdin` is as in `subprocess`. Raises FileNotFoundError where the command does not exist.
        """
        handle = log.open("ab") if log is not None else None
        supervisor = [sys.executable, "-I", "-S", str(Path(__file__).absolute()), str(os.getpid())]
        supervisor += [str(patience), str(grace), orphans]
        _must_exist(command[0], env)
        try:
            process = subprocess.Popen(
                [*supervisor, *command],
                env={**os.environ, **(env or {})},
                cwd=cwd,
                stdin=stdin,
                close_fds=stdin
                is not None,  # whoever reads our standard input reads what a shell opened for us, as <(...)
                stdout=handle,
                stderr=subprocess.STDOUT if handle is not None else None,
                start_new_session=True,  # a Ctrl-C at the terminal reaches the caller, who then stops us in order
            )
        except OSError:
            if handle is not None:
                handle.close()
            raise
        return cls(process=process, command=tuple(command), log=log, grace=grace + patience, _handle=handle)

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
    children = _children()
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _children() -> dict[int, list[int]]:
    """Process id -> those of its children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = entry.read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        children.setdefault(int(after_name[1]), []).append(int(entry.parent.name))
    return children


def end_all(pids: Sequence[int], number: int) -> None:
    """Send a signal to each; those that are gone already do not matter."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for files that nobody needs once the block is left; removed then, with those of processes that were killed.

    Raises OSError where the machine's folder for temporary files cannot be written.
    """
    root = _temporary_root()
    folder, lock = _claim(root)
    owner = os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == owner:  # a forked child that drops what it inherited comes here, too
            remove_tree(folder)
            os.close(lock)
            _remove_abandoned(root)


def _temporary_root() -> Path:
    """The machine's folder for temporary files, as `tempfile` finds it, but never one of ours.

    Within ours it would be the one around it: sockets lie in such folders, and their paths are 107 bytes at most.
    """
    named = next((os.environ[name] for name in ("TMPDIR", "TEMP", "TMP") if os.environ.get(name)), "/tmp")
    root = Path(named).absolute()
    return root.parent if TEMPORARY.fullmatch(root.name) else root


def _claim(root: Path) -> tuple[Path, int]:
    """A new folder and the descriptor that holds its lock, which ends with this process, however that dies."""
    _remove_abandoned(root)
    while True:
        folder = root / f"mathsieve-{os.urandom(4).hex()}"
        folder.mkdir(mode=0o700)
        with suppress(FileNotFoundError):  # somebody took it for abandoned before it was locked: make another
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            with suppress(OSError):  # a filesystem without locks; nobody else gets one there either
                fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _remove_abandoned(root: Path) -> None:
    """Remove the folders of ours that nobody holds a lock on."""
    for folder in root.glob("mathsieve-*"):
        if not TEMPORARY.fullmatch(folder.name):
            continue
        with suppress(OSError):  # gone by now, another user's, or in use
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(folder)
            finally:
                os.close(lock)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all it holds, as deep and as closed as programs make them; what cannot be removed stays.

    Folders within folders are moved up one by one: neither recursion nor the length of a path ends before they do.
    """
    waiting, moved, mark = [folder], 0, os.urandom(8).hex()
    while waiting:
        place = waiting.pop()
        with suppress(OSError):
            place.chmod(0o700)
            with os.scandir(place) as entries:
                found = list(entries)
            for entry in found:
                path = Path(entry.path)
                if not entry.is_dir(follow_symlinks=False):
                    path.unlink(missing_ok=True)
                    continue
                moved += 1
                with suppress(OSError):
                    path.chmod(0o700)  # its own entry `..` changes with a move
                    waiting.append(path if place == folder else path.rename(folder / f"{mark}.{moved}"))
            if place != folder:
                place.rmdir()
    with suppress(OSError):
        folder.rmdir()


def _must_exist(program: str, env: Mapping[str, str] | None) -> None:
    if shutil.which(program, path=(env or {}).get("PATH")) is None:
        raise FileNotFoundError(
            f"expected an executable {program!r}; found none on PATH. Install it, or give its path."
        )


def adopt_orphans() -> None:
    """From now on processes whose parent ends before them become this process's children (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _guard(caller: int, patience: float, grace: float, orphans: str, command: Sequence[str]) -> int:
    """Supervise in a child, and end all that it leaves where it alone is killed. Returns its wait status."""
    asked: list[int] = []
    for number in STOPPING:
        signal.signal(number, lambda number, frame: asked.append(number))
    adopt_orphans()
    ours = os.getpid()
    supervisor = os.fork()
    if supervisor == 0:
        _exit_like(_supervise(ours, patience, grace, orphans, command))
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == supervisor:
            break
        if os.getppid() != caller:
            os._exit(0)  # the supervisor sees that, and ends everything
        while asked:
            os.kill(supervisor, asked.pop(0))
        if pid == 0:
            time.sleep(POLL)
    if descendants(ours):  # it ends with them, if it is not killed
        _end_everything(supervisor, grace)
        _remove_abandoned(_temporary_root())
    return status


def _supervise(caller: int, patience: float, grace: float, orphans: str, command: Sequence[str]) -> int:
    """Run the command until it ends or the caller does; leave nothing of it behind. Returns its wait status."""
    asked: list[int] = []
    for number in STOPPING:
        signal.signal(number, lambda number, frame: asked.append(number))
    adopt_orphans()
    with ExitStack() as stack:
        environment = _environment(stack)
        child = os.posix_spawnp(command[0], list(command), environment, setpgroup=0, setsigmask=[], setsigdef=STOPPING)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])  # what our caller held back while it started us
        bereft = Orphans(child, grace) if orphans == "ended" else None
        status = _wait_for(child, caller, asked, patience, bereft)
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
        late = _end_everything(child, grace)
    return next((known for known in (status, late) if known is not None), signal.SIGTERM)


def _environment(stack: ExitStack) -> dict[str, str]:
    """Our variables, with a folder for the temporary files of whatever sees them."""
    try:
        folder = stack.enter_context(temporary_folder())
    except OSError:  # the command will tell, if it needs one
        return dict(os.environ)
    kept = folder.parent / f"torchinductor_{os.getuid()}"  # torch's cache of compiled kernels is to outlive a command
    return {"TORCHINDUCTOR_CACHE_DIR": str(kept), **os.environ, "TMPDIR": str(folder)}


class Orphans:
    """The processes that this one adopted: SIGTERM at first sight to each and all below it, SIGKILL `grace` seconds later."""

    def __init__(self, child: int, grace: float) -> None:
        self.child, self.grace = child, grace
        self.seen: dict[int, float] = {}
        self.next_look = 0.0

    def end(self) -> None:
        now = time.monotonic()
        if now < self.next_look:
            return
        self.next_look = now + LOOK
        adopted = [pid for pid in _children().get(os.getpid(), []) if pid != self.child]
        self.seen = {pid: self.seen.get(pid, now) for pid in adopted}
        for pid, since in self.seen.items():
            if since == now:
                end_all([pid, *descendants(pid)], signal.SIGTERM)
            elif now - since > self.grace:
                end_all([pid, *descendants(pid)], signal.SIGKILL)


def _wait_for(child: int, caller: int, asked: list[int], patience: float, orphans: Orphans | None) -> int | None:
    """The child's wait status; None where it has not ended and has to be ended."""
    deadline = math.inf
    while True:
        ended, status = _reap(child)
        if ended:
            return status
        if os.getppid() != caller:  # polled: PDEATHSIG would follow the calling *thread*, a pipe would leak into forks
            return None
        while asked:
            if not patience:
                return None
            _relay(child, asked.pop(0))
            deadline = min(deadline, time.monotonic() + patience)
        if time.monotonic() >= deadline:
            return None
        if orphans is not None:
            orphans.end()
        time.sleep(POLL)


def _relay(child: int, number: int) -> None:
    """Pass a wish to stop on: Ctrl-C to the child's process group, as a terminal would; others to the child."""
    if number == signal.SIGINT:
        os.killpg(child, number)  # not reaped yet, so that the group's number is still its own
    else:
        os.kill(child, number)


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


def _end_everything(child: int, grace: float) -> int | None:
    """SIGTERM to all that is left, `grace` seconds to obey, then SIGKILL until nothing is left.

    Returns the wait status of the child where it ended only now.
    """
    end_all(descendants(os.getpid()), signal.SIGTERM)
    deadline = time.monotonic() + grace
    status = None
    while True:
        ended, last = _reap(child)
        status = last if ended else status
        left = descendants(os.getpid())
        if not left:
            return status
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
    _exit_like(_guard(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4], sys.argv[5:]))

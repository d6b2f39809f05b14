"""The owner's end of the warm server: start it, ask it for sessions, learn how each ended."""

from __future__ import annotations

import array
import contextlib
import errno
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from evaluators.sandbox.layout import library_folders
from evaluators.sandbox.own_time import OwnTime
from evaluators.sandbox.records import ExecutorFault, SandboxSettings, Tier, TierRefused
from evaluators.sandbox.scratch import Scratch

START_SECONDS = 120.0
"""Importing SymPy and SciPy from a cold disk on a loaded machine has been seen to take half a minute."""
HUNG_SECONDS, FAR_SECONDS = 5.0, 60.0
"""Of the server's own time until it answers: milliseconds where it is well. Waiting for a core does not count, up to a
bound on the wall clock."""
LOOK_SECONDS = 0.25
MESSAGE_BYTES = 1 << 16
NEWEST_ABI = 7
"""The newest version of Landlock that is made use of; an older kernel's is enough."""
ENVIRONMENT = {
    "PATH": "/nonexistent",
    "HOME": "/sandbox",
    "USER": "sandbox",
    "LOGNAME": "sandbox",
    "TMPDIR": "/sandbox",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",  # sets of strings print in one order, run after run
    "OPENBLAS_NUM_THREADS": "1",  # a server with more than one thread may not fork
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/sandbox",  # or Matplotlib, preloaded, makes a folder in the machine's /tmp and leaves it there
}
"""All that the server, and so every session, knows of the environment."""

_KERNEL = "Use a kernel >= 5.4, or a container whose seccomp profile permits the call."
LIMITS = ("cpu_seconds", "memory_mb", "file_mb", "files", "threads", "value_chars", "int_digits")
"""Settings that a session obeys from inside."""
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What the kernel told of a session's end."""

    status: int
    """As wait(2) gives it."""
    cpu: float
    peak_kib: int
    """Most memory that was resident at once, beyond the server's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawned:
    """A session that the server has forked."""

    pidfd: int
    ended: Future[Ended]
    """What will be told of its end."""
    folder: Path | None
    """Its writable folder on this machine's disk, to be removed after it; None where it has none there."""


_identities = itertools.count()
_slots = itertools.count(os.getpid() * 64)


class ServerProcess:
    """One server. Thread-safe; used by the process that started it only."""

    def __init__(self, settings: SandboxSettings, tier: Tier, binary: str | None = None) -> None:
        """Start it and wait until it is warm. Raises TierRefused where its walls cannot be built."""
        self.tier: Tier = tier
        self.spawned = 0
        self.open_sessions = 0
        self.dead = False
        self._settings = settings
        self._binary = binary
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[int]] = {}
        self._exits: dict[int, Future[Ended]] = {}
        self._slot = next(_slots)
        self.scratch = Scratch() if tier != "strict" else None
        self._control, self._process, self._complaints = _launch()
        try:
            self._configure()
        except BaseException:
            self.close()
            raise
        self._reader = threading.Thread(target=self._read, name="sandbox server reader", daemon=True)
        self._reader.start()

    def spawn(self, settings: SandboxSettings, nonce: bytes, descriptors: list[int], *, hosts: bool = False) -> Spawned:
        """Fork a session onto [socket, stdout, stderr]."""
        pending: Future[int] = Future()
        ended: Future[Ended] = Future()
        request = {
            "nonce": nonce.hex(),
            "seed": settings.seed,
            "slot": self._slot,
            "hosts": hosts,
            "limits": dict(zip(LIMITS, spawn_limits(settings), strict=False)),
        }
        with self._lock:
            if self.dead:
                raise ExecutorFault("the sandbox server is gone")
            self.spawned += 1
            identity = next(_identities)
            self._waiting[identity], self._exits[identity] = pending, ended
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors).tobytes())]
            try:
                self._control.sendmsg([json.dumps({**request, "spawn": identity}).encode()], rights)
            except OSError as error:
                self.dead = True  # a retry must find that out at once, not when the reader has come round to it
                raise ExecutorFault(f"the sandbox server is gone: {error}") from error
        folder = self.scratch.of_session(identity) if self.scratch is not None else None
        return Spawned(pidfd=self.answer(pending), ended=ended, folder=folder)

    def answer(self, pending: Future[Answer]) -> Answer:
        """What the server tells. Raises ExecutorFault, and ends the server, where it hangs."""
        clock = OwnTime(self._inner_pid)
        while True:
            try:
                return pending.result(LOOK_SECONDS)
            except TimeoutError:
                if clock.own() >= HUNG_SECONDS or clock.elapsed() >= FAR_SECONDS:
                    break
        self.dead = True
        self._process.kill()
        raise ExecutorFault(
            f"the sandbox server did not answer within {clock.own():.1f} s of its own time ({clock.elapsed():.1f} s passed): "
            "it hangs and is replaced, or the machine is overloaded"
        )

    def close(self) -> None:
        """End the server and every session of it."""
        self.dead = True
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        reader = getattr(self, "_reader", None)
        if reader is not None and reader is not threading.current_thread():
            reader.join(5.0)
        self._control.close()
        with contextlib.suppress(OSError):
            os.close(self._complaints)
        self._complaints = -1
        if self.scratch is not None:
            self.scratch.close()

    def _configure(self) -> None:
        preload = (*self._settings.preload, *(("typing_extensions", "pydantic_monty") if self._binary else ()))
        config = {
            "tier": self.tier,
            "directories": library_folders(preload),
            "preload": preload,
            "slot": self._slot,
            "abi": NEWEST_ABI,
            "binary": self._binary,
            "scratch": str(self.scratch.path) if self.scratch is not None and self.scratch.path else None,
        }
        self._control.settimeout(START_SECONDS)
        try:
            self._control.send(json.dumps(config).encode())
            answer = self._control.recv(MESSAGE_BYTES)
        except TimeoutError as error:
            raise ExecutorFault(f"the sandbox server was not ready after {START_SECONDS:.0f} s") from error
        except OSError as error:
            raise TierRefused(f"{self.tier}: the server ended at its start: {self._said() or error}") from error
        self._control.settimeout(None)
        self._inner_pid = _innermost(self._process.pid)
        message = json.loads(answer) if answer else {"refused": f"the server ended at its start: {self._said()}"}
        if "refused" in message:
            raise TierRefused(f"{self.tier}: {message['refused']}")

    def _said(self) -> str:
        """The tail of what the server wrote to standard error."""
        size = os.fstat(self._complaints).st_size
        return os.pread(self._complaints, 2000, max(0, size - 2000)).decode(errors="replace").strip()

    def _read(self) -> None:
        while True:
            try:
                message, ancillary, _, _ = self._control.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(4))
            except OSError:
                message = b""
            if not message:
                break
            descriptors = array.array("i")
            for _, _, data in ancillary:
                descriptors.frombytes(data)
            try:
                self._take(json.loads(message), list(descriptors))
            except (ValueError, LookupError, TypeError, InvalidStateError):
                break  # no server of ours says such a thing: whoever waits for this one must not wait for ever
        self._bury()

    def _take(self, message: dict[str, Any], descriptors: list[int]) -> None:
        with self._lock:
            if "spawned" in message:
                self._waiting.pop(message["spawned"]).set_result(descriptors[0])
            elif "failed" in message:
                self._exits.pop(message["failed"], None)
                self._waiting.pop(message["failed"]).set_exception(ExecutorFault(f"no session: {message['why']}"))
            elif "exited" in message:
                ended = self._exits.pop(message["exited"], None)
                if ended is not None:
                    ended.set_result(Ended(status=message["status"], cpu=message["cpu"], peak_kib=message["peak_kib"]))

    def _bury(self) -> None:
        with self._lock:
            self.dead = True
            fault = ExecutorFault("the sandbox server died")
            for waiting in self._waiting.values():
                waiting.set_exception(fault)
            for ending in self._exits.values():
                ending.set_exception(fault)
            self._waiting.clear()
            self._exits.clear()


def spawn_limits(settings: SandboxSettings) -> tuple[int | None, ...]:
    """What tells sessions of one server apart: LIMITS, and then what else of the settings is fixed at their start."""
    return (*[getattr(settings, name) for name in LIMITS], settings.output_bytes, settings.seed)


def _launch() -> tuple[socket.socket, subprocess.Popen[bytes], int]:
    """A fresh exec, not a fork of the caller: its threads, locks and CUDA contexts are no concern of the server's.

    Gives the control socket, the process, and a memory file that takes its standard error.
    """
    try:
        complaints = os.memfd_create("sandbox-stderr", os.MFD_CLOEXEC)
    except OSError as error:
        raise TierRefused(f"memory files: memfd_create: {error}. {_KERNEL}") from error
    try:
        owner = os.pidfd_open(os.getpid())
    except OSError as error:
        os.close(complaints)
        raise TierRefused(f"process descriptors: pidfd_open: {error}. {_KERNEL}") from error
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    folder = Path(__file__).parent / "server"
    command = [sys.executable, "-P", "-s", "-S", "-B", str(folder), str(theirs.fileno()), str(owner)]
    try:
        process = subprocess.Popen(
            command,
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            pass_fds=(theirs.fileno(), owner),
            start_new_session=True,
        )
    except OSError as error:
        ours.close()
        os.close(complaints)
        remedy = ""
        if error.errno == errno.EAGAIN:
            remedy = ". Raise the number of processes: the cgroup's pids.max (a pod's pid limit), or ulimit -u"
        raise TierRefused(f"expected to start {sys.executable}; found: {error}{remedy}") from error
    finally:
        theirs.close()
        os.close(owner)
    return ours, process, complaints


def _innermost(pid: int) -> int:
    """The process that serves: in a pid namespace of its own it is the only child of the one that was started."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else pid
    return pid

"""The warm server: imports once, builds the walls, then forks one process for each session and tells of its end.

It speaks with its owner over one SEQPACKET socket, JSON both ways, and never sees a program: code and results go
directly between owner and session, over a socket that the owner makes and the server only passes on.

    owner -> server   {"tier", "directories", "preload", "slot", "abi", "scratch", "binary"}     once
    server -> owner   {"ready": true} or {"refused": "..."}                            once
    owner -> server   {"spawn": id, "limits": {...}, "nonce": hex, "hosts"} + [socket, stdout, stderr]
    server -> owner   {"spawned": id, "pid": n} + [pidfd]   or {"failed": id, "why": "..."}
    server -> owner   {"exited": id, "status": wait status, "cpu": seconds, "peak_kib": n}
"""

from __future__ import annotations

import array
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from os import fork  # by name: programs find another one in its place
from pathlib import Path
from typing import Any

from evaluators.launch import remove_tree
from evaluators.sandbox.server import heap, isolation, syscalls, warm
from evaluators.sandbox.server.agent import SETUP_FAILED, Agent, Outcome, send_frame
from evaluators.sandbox.server.interpreter import InterpreterHost
from evaluators.sandbox.server.namespaces import Refused

MESSAGE_BYTES = 1 << 16
SESSION_ENDED_BADLY = 71
"""Exit status of a session that could not be set up (sysexits.h EX_OSERR)."""


def main(arguments: Sequence[str]) -> None:
    """Serve until the owner is gone. `arguments`: descriptors of the control socket and of the owner's pidfd."""
    control = socket.socket(fileno=int(arguments[0]))
    owner = int(arguments[1])
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # an owner in the background ignores some of them, and hands that down
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the owner's to handle
    try:
        config = json.loads(control.recv(MESSAGE_BYTES))
        syscalls.single_malloc_arena()
        walls = isolation.build(
            config["tier"], config["directories"], config["slot"], abi=config["abi"], binary=config["binary"]
        )
        _set_paths(config["directories"], walls)
        if config["scratch"] is not None:
            _take_home(f"{config['scratch']}/warm")
        _warm_up(config["preload"])
    except (Refused, OSError) as refusal:
        control.send(json.dumps({"refused": str(refusal)}).encode())
        return
    server = Server(control, owner, walls, config["scratch"])
    heap.collapse(walls.proc)
    control.send(json.dumps({"ready": True}).encode())
    server.serve()


def _set_paths(directories: list[str], walls: isolation.Walls) -> None:
    """Import from these directories alone, and through their aliases, where modules already loaded included."""

    def seen_from_inside(path: str) -> str:
        real = os.path.realpath(path)
        for directory, alias in walls.aliases.items():
            if real == directory or real.startswith(directory + "/"):
                return alias + real[len(directory) :]
        return path

    sys.path[:] = [seen_from_inside(path) for path in directories]
    sys.path_importer_cache.clear()
    for module in list(sys.modules.values()) if walls.aliases else ():
        names = vars(module)
        if names.get("__path__"):
            names["__path__"] = [seen_from_inside(path) for path in names["__path__"]]
        if names.get("__file__"):
            names["__file__"] = seen_from_inside(names["__file__"])


def _take_home(folder: str) -> None:
    """A writable folder for the server itself: packages that are preloaded write there, and nowhere else."""
    Path(folder).mkdir()
    _call_home(folder)


def _call_home(folder: str) -> None:
    os.environ.update(dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR"), folder))


def _warm_up(preload: list[str]) -> None:
    try:
        warm.warm_up(preload)
    except ImportError as error:
        raise Refused(
            "preloaded modules",
            error,
            "Install them beside this interpreter, readable for the sessions' user, or set `preload` to what is there.",
        ) from error
    threads = len(sys._current_frames())
    if threads != 1:
        raise Refused("a single thread", f"importing {preload} left {threads}", "Take the module that starts them out.")
    for name in [name for name in sys.modules if name.partition(".")[0] == "evaluators"]:
        del sys.modules[
            name
        ]  # no program's business. Once, here: a walk over all names in each session copies their pages
    gc.collect()
    gc.freeze()  # no collection touches, and so copies, the pages that sessions share


class Server:
    """Forks sessions, reaps them, and ends when its owner does."""

    def __init__(self, control: socket.socket, owner: int, walls: isolation.Walls, scratch: str | None) -> None:
        """`scratch`: where sessions get a writable folder each, in a tier without a file system of their own."""
        self._control = control
        self._scratch = scratch
        self._walls = walls
        self._mapped, self._resident = isolation.memory_bytes(walls.proc)
        self._sessions: dict[int, int] = {}
        self._spawned = 0
        self._woken, waker = os.pipe()
        for descriptor in (self._woken, waker):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._owner = owner

    def serve(self) -> None:
        poll = select.poll()
        for descriptor in (self._control.fileno(), self._woken, self._owner):
            poll.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._woken:
                    self._reap()
                elif descriptor == self._owner or not self._answer():
                    self._leave()

    def _leave(self) -> None:
        """Sessions die with this process: PR_SET_PDEATHSIG, and in strict the pid namespace. Their files must, too."""
        if self._scratch is not None:
            for child in self._sessions:
                os.kill(child, signal.SIGKILL)
            remove_tree(Path(self._scratch))
        os._exit(0)

    def _tell(self, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors).tobytes())]
        try:
            self._control.sendmsg([json.dumps(message).encode()], rights if descriptors else [])
        except (BrokenPipeError, ConnectionResetError):
            self._leave()

    def _answer(self) -> bool:
        """Take one request. False where the owner closed the socket."""
        message, ancillary, _, _ = self._control.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(3 * 4))
        descriptors = array.array("i")
        for _, _, data in ancillary:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
        try:
            if not message:
                return False
            self._spawn(json.loads(message), list(descriptors))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _spawn(self, request: Mapping[str, Any], descriptors: list[int]) -> None:
        self._spawned += 1
        server = os.getpid()
        try:
            child = fork()
        except OSError as error:
            remedy = "Raise the cgroup's pids.max (a pod's pid limit) or ulimit -u, or lower `sessions`."
            self._tell({"failed": request["spawn"], "why": f"fork: {error}. {remedy}"})
            return
        if child == 0:
            self._become_session(request, descriptors, server)
        self._sessions[child] = request["spawn"]
        pidfd = os.pidfd_open(child)
        self._tell({"spawned": request["spawn"]}, [pidfd])
        os.close(pidfd)

    def _become_session(self, request: Mapping[str, Any], descriptors: list[int], server: int) -> None:
        channel, stdout, stderr = descriptors
        nonce = bytes.fromhex(request["nonce"])
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for source, target in ((stdout, 1), (stderr, 2), (os.open(os.devnull, os.O_RDONLY), 0)):
                os.dup2(source, target)
            limits = {**request["limits"], "address_space": self._mapped + (request["limits"]["memory_mb"] << 20)}
            uid = isolation.FIRST_UID + (request["slot"] + self._spawned) % isolation.UID_SLOTS
            folder = f"{self._scratch}/{request['spawn']}" if self._scratch is not None else None
            hosts = request["hosts"]
            isolation.enclose(
                self._walls,
                limits,
                isolation.Place(uid=uid, keep=channel, server=server, folder=folder, hosts=hosts),
            )
            if folder is not None:
                _call_home(folder)
            if self._walls.tier == "strict" or folder is not None:
                sys.path.insert(0, "")  # a program may import what it wrote, as any may from its working folder
            agent = (InterpreterHost if hosts else Agent)(
                channel,
                value_chars=limits["value_chars"],
                address_space=limits["address_space"],
                seed=request["seed"],
                digits=limits["int_digits"],
            )
            if isinstance(agent, InterpreterHost):
                agent.start(self._walls.binary or "")
            agent.ready(nonce)
        except BaseException as error:  # noqa: BLE001 - told to the owner, who raises it as an executor fault
            with contextlib.suppress(OSError):
                send_frame(channel, nonce, Outcome(status=SETUP_FAILED, error=f"{type(error).__name__}: {error}"))
            os._exit(SESSION_ENDED_BADLY)
        agent.serve()

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)
        while self._sessions:
            child, status, usage = os.wait4(-1, os.WNOHANG)
            if child == 0:
                return
            identity = self._sessions.pop(child, None)
            if identity is not None:
                told = {"exited": identity, "status": status, "cpu": usage.ru_utime + usage.ru_stime}
                self._tell({**told, "peak_kib": max(0, usage.ru_maxrss - (self._resident >> 10))})

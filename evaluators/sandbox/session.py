"""One session from its owner's side: send a block, gather output, and judge how it ended.

Nothing the session says decides about time, exit or signals: the clock and the wait status do. Its frames are parsed
strictly and must carry the nonce of the block; anything else ends the session. Whatever goes wrong here beyond that is
a fault of this session alone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import socket
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from evaluators.launch import remove_tree
from evaluators.sandbox import scratch
from evaluators.sandbox.frames import SETUP, STATUSES, Frames, Reply
from evaluators.sandbox.output import FLOOD, Output
from evaluators.sandbox.own_time import OwnTime, cpu_seconds
from evaluators.sandbox.records import ExecutorFault, Result, SandboxSettings, Status
from evaluators.sandbox.server.agent import MEMORY, NONCE_BYTES, READY, REQUEST, SPARE_ADDRESS_SPACE, STARVED
from evaluators.sandbox.server_process import Ended, ServerProcess

SETUP_SECONDS = 10.0
"""A session's own time until it is ready: tens of milliseconds where it has a core."""
GRACE_SECONDS = 0.3
"""Between SIGINT, after which a well-behaved program keeps its state, and SIGKILL."""
FAR_FACTOR, FAR_SECONDS = 15.0, 60.0
"""A block is given up, without a verdict, that for so many times its limit, and so long, mostly waited for a core."""
LONGEST_GRACE_SECONDS = 5.0
"""The grace may pass whole before a busy machine runs the program's handler even once; then it lasts up to this long."""
LOOK_SECONDS = 0.25
"""Between looks at how much of the time was the program's own."""
STARVED_BYTES = 16 << 20
"""Address space left below which an error counts as want of memory: no single request that fails silently is larger."""
OWN_CAUSE = 0.5
"""Share of its memory limit that a session had in use whom the kernel killed for want of memory by its own doing."""

_Breach = Literal["timeout", "starved", "output_limit", "files", "protocol", "died"]
"""Why no frame came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """Why a block ended without a frame of its own."""

    status: Status
    error: str
    signal: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wait:
    """A frame that is waited for: whose, which, on which clock, and until when of its own time and of the wall clock."""

    nonce: bytes
    expected: frozenset[int]
    clock: OwnTime
    own_seconds: float
    far_seconds: float


class SessionProcess:
    """A forked session and its descriptors. Used by one thread at a time; `kill` from any."""

    def __init__(self, server: ServerProcess, settings: SandboxSettings, *, hosts: bool = False) -> None:
        """`hosts`: a host of the interpreter tier. Raises ExecutorFault where the session does not come up."""
        self.server = server
        self._settings = settings
        self._tier = server.tier
        self._frames = Frames(settings.value_chars)
        self._closing = threading.Lock()
        self._resting = False
        self.alive = True
        self.blocks = 0
        nonce = secrets.token_bytes(NONCE_BYTES)
        self._socket, theirs = socket.socketpair()
        (self._stdout, stdout), (self._stderr, stderr) = os.pipe(), os.pipe()
        self._pidfd = -1
        self._folder: Path | None = None
        try:
            spawned = server.spawn(settings, nonce, [theirs.fileno(), stdout, stderr], hosts=hosts)
            self._pidfd, self._ended, self._folder = spawned.pidfd, spawned.ended, spawned.folder
        except BaseException:
            self.close()
            raise
        finally:
            theirs.close()
            os.close(stdout)
            os.close(stderr)
        try:
            self._set_up(nonce)
        except ExecutorFault:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise ExecutorFault(f"a session could not be set up: {type(error).__name__}: {error}") from error

    def _set_up(self, nonce: bytes) -> None:
        self._poll = select.poll()
        for descriptor in (self._socket.fileno(), self._stdout, self._stderr):
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN)
        self._poll.register(self._pidfd, select.POLLIN)
        self._pid = _pid(self._pidfd)
        wait = _Wait(
            nonce=nonce, expected=SETUP, clock=OwnTime(self._pid), own_seconds=SETUP_SECONDS, far_seconds=FAR_SECONDS
        )
        reply = self._await(wait, Output(limit=1 << 16))
        if not isinstance(reply, Reply) or reply.status != READY:
            raise ExecutorFault(f"a session could not be set up: {getattr(reply, 'error', reply)}")

    def is_waiting(self) -> bool:
        """Whether the session is alive and waits for its next block."""
        return self.alive and not self.server.dead and not self._poll.poll(0)

    def run(self, code: str, wall_seconds: float, *, last: bool = False) -> Result:
        """Run one block; with the `last` a program's exit functions run, too. Raises ExecutorFault, and nothing else, where its outcome cannot be known."""
        if not self.alive:
            raise ExecutorFault("this session has ended; its variables are gone. Open another.")
        try:
            return self._run(code, wall_seconds, last)
        except ExecutorFault:
            raise
        except Exception as error:  # what no program may cause, and one odd program might: it must not end a run
            self._end()
            raise ExecutorFault(f"a block could not be judged: {type(error).__name__}: {error}") from error

    def _run(self, code: str, wall_seconds: float, last: bool) -> Result:
        self.blocks += 1
        self._resume()
        cpu, clock = self._cpu(), OwnTime(self._pid)
        output = Output(limit=self._settings.output_bytes)
        data = code.encode("utf-8", "surrogatepass")
        wait = _Wait(
            nonce=secrets.token_bytes(NONCE_BYTES),
            expected=frozenset(STATUSES),
            clock=clock,
            own_seconds=wall_seconds,
            far_seconds=max(FAR_SECONDS, FAR_FACTOR * wall_seconds),
        )
        outcome = self._outcome(REQUEST.pack(wait.nonce, last, len(data)) + data, wait, output)
        seconds, waited = clock.elapsed(), clock.waited()
        self._rest()
        spent = self._cpu() - cpu if self.alive else self._cpu_at_end() - cpu
        both, stdout = output.texts()
        return Result(
            status=STATUSES[outcome.status] if isinstance(outcome, Reply) else outcome.status,
            state_lost=not self.alive,
            output=both,
            stdout=stdout,
            value=outcome.value if isinstance(outcome, Reply) else None,
            error=outcome.error,
            seconds=seconds,
            cpu_seconds=max(0.0, spent),
            waited_seconds=waited,
            tier=self._tier,
            signal=None if isinstance(outcome, Reply) else outcome.signal,
        )

    def kill(self) -> None:
        """End the session's process now; a block that runs in it ends as an executor fault."""
        with self._closing:
            self._signal(signal.SIGKILL)

    def close(self) -> None:
        """End the session and give back every descriptor. Harmless when done twice."""
        self.alive = False
        self.kill()
        folder, self._folder = self._folder, None
        if folder is not None:
            self._gone(1000)
            remove_tree(folder)
        with self._closing:
            self._socket.close()
            for descriptor in (self._stdout, self._stderr, self._pidfd):
                if descriptor >= 0:
                    os.close(descriptor)
            self._stdout = self._stderr = self._pidfd = -1

    def _gone(self, milliseconds: float) -> bool:
        """Whether the process ends within this time."""
        waiting = select.poll()
        waiting.register(self._pidfd, select.POLLIN)
        return bool(waiting.poll(milliseconds))

    def _fills_folder(self) -> bool:
        """Whether its files, where no file system bounds them, are more than they may be."""
        limits = self._settings
        if self._folder is None:
            return False
        if scratch.holds_more(self._folder, limits.file_mb, limits.files):
            return True
        return scratch.bytes_without_name(self._pid) > limits.file_mb << 20

    def _rest(self) -> None:
        """Stop the session until its next block: threads that the last one left may take no time from others."""
        if self.alive:
            self._signal(signal.SIGSTOP)
            self._resting = True

    def _resume(self) -> None:
        if self._resting:
            self._signal(signal.SIGCONT)
            self._resting = False

    def _signal(self, number: int) -> None:
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def _outcome(self, request: bytes, wait: _Wait, output: Output) -> Reply | _Ending:
        reply = self._send(request, wait) or self._await(wait, output)
        if isinstance(reply, Reply):
            self._drain(output)
            if self._fills_folder():
                reply = "files"
            elif output.over_limit:
                return _Ending(status="output_limit", error=_over_limit(output))
        if isinstance(reply, Reply):
            starved = reply.status == STARVED and self._was_starved()
            return replace(reply, status=MEMORY) if starved else reply
        if reply == "files":
            self._end()
            allowed = f"{self._settings.file_mb} MiB or {self._settings.files} files"
            return _Ending(status="output_limit", error=f"OSError: more than {allowed} in the program's folder")
        if reply == "timeout":
            self._interrupt(wait.nonce, output)
            return _Ending(
                status="timeout", error=f"TimeoutError: the time limit of {wait.own_seconds:g} s was reached"
            )
        if reply == "output_limit":
            self._interrupt(wait.nonce, output)
            return _Ending(status="output_limit", error=_over_limit(output))
        if reply == "starved":
            self._end()
            raise ExecutorFault(
                f"a program had a core for {wait.clock.own():.1f} of {wait.clock.elapsed():.0f} s, and its limit is {wait.own_seconds:g} s: "
                "the machine is overloaded. Lower `concurrency`, or run less beside it."
            )
        return self._death(reply, output)

    def _interrupt(self, nonce: bytes, output: Output) -> None:
        """Ask the program to end; where it does not, though it had a core to do so on, end its session."""
        self._signal(signal.SIGINT)
        reply = self._await(
            _Wait(
                nonce=nonce,
                expected=frozenset(STATUSES),
                clock=OwnTime(self._pid),
                own_seconds=GRACE_SECONDS,
                far_seconds=LONGEST_GRACE_SECONDS,
            ),
            Output(limit=output.limit),  # what it prints now is no part of the block, nor counts as a flood
        )
        if not isinstance(reply, Reply):
            self._end()

    def _death(self, reason: _Breach, output: Output) -> _Ending:
        """Judge a session that ended, or broke the rules of the channel and is ended here."""
        if reason == "protocol":
            self._end()
            return _Ending(status="died", error="the program wrote to its result channel", signal=int(signal.SIGKILL))
        self.alive = False
        self._drain(output)
        ended = self._wait_status()
        if os.WIFEXITED(ended.status):
            return _Ending(status="exit", error=f"SystemExit: the process exited with {os.WEXITSTATUS(ended.status)}")
        number = os.WTERMSIG(ended.status)
        # The kernel's limit counts by ticks, its usage more finely: they may differ by some tenths of a second.
        share = {int(signal.SIGXCPU): 0.5, int(signal.SIGKILL): 0.9}.get(number)
        if share is not None and ended.cpu >= share * self._settings.cpu_seconds:
            return _Ending(
                status="timeout", error=f"TimeoutError: {self._settings.cpu_seconds} s of CPU time were used"
            )
        if number == signal.SIGKILL and self._tier != "unsafe":
            return self._killed_from_outside(ended)
        if number == signal.SIGSYS:
            number = int(signal.SIGKILL)
        return _Ending(status="died", error=f"died of {_signal_name(number)}", signal=number)

    def _killed_from_outside(self, ended: Ended) -> _Ending:
        """No session can send itself SIGKILL (the filter turns that into SIGSYS), and nobody here sent one.

        Raises ExecutorFault where the session's own use of memory was not the cause.
        """
        used, allowed = ended.peak_kib >> 10, self._settings.memory_mb
        if used >= OWN_CAUSE * allowed:
            return _Ending(
                status="memory",
                error=f"MemoryError: killed by the kernel for want of memory, with {used} MiB of its own in use",
                signal=int(signal.SIGKILL),
            )
        raise ExecutorFault(
            f"a session was killed from outside, with {used} of the {allowed} MiB in use that it may have: by the kernel "
            "for want of memory, or by a person. Lower `concurrency` or `memory_mb`, or run less beside it."
        )

    def _end(self) -> None:
        self.alive = False
        self.kill()

    def _wait_status(self) -> Ended:
        return self.server.answer(self._ended)

    def _cpu_at_end(self) -> float:
        with contextlib.suppress(ExecutorFault):
            return self._wait_status().cpu
        return 0.0

    def _send(self, data: bytes, wait: _Wait) -> _Breach | None:
        """Send a request without ever waiting on a session that does not read. A string tells what went wrong."""
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                waiting = select.poll()
                waiting.register(self._socket.fileno(), select.POLLOUT)
                waiting.register(self._pidfd, select.POLLIN)
                if not waiting.poll(LOOK_SECONDS * 1000) and (over := _over(wait)):
                    return over
            except (BrokenPipeError, ConnectionResetError):
                return self._closed_channel(wait)
        return None

    def _await(self, wait: _Wait, output: Output) -> Reply | _Breach:
        """The frame that is waited for, or why there is none."""
        look = wait.clock.elapsed() + min(LOOK_SECONDS, wait.own_seconds)
        while True:
            reply = self._frames.reply(wait.nonce, wait.expected)
            if reply is not None:
                return reply
            if output.flooded:
                return "output_limit"
            events = dict(self._poll.poll(max(0.0, look - wait.clock.elapsed()) * 1000))
            self._drain(output)
            if self._socket.fileno() in events:
                try:
                    data = self._socket.recv(1 << 16)
                except ConnectionResetError:
                    data = b""
                self._frames.feed(data)
                if not data:
                    return self._frames.reply(wait.nonce, wait.expected) or self._closed_channel(wait)
            elif self._pidfd in events:
                return "died"
            elif wait.clock.elapsed() >= look:  # what had come by now was looked at, had this thread itself no core
                over = _over(wait)
                if over:
                    return over
                if self._fills_folder():
                    return "files"
                look = wait.clock.elapsed() + min(LOOK_SECONDS, max(0.001, wait.own_seconds - wait.clock.own()))

    def _closed_channel(self, wait: _Wait) -> _Breach:
        """The session closed its channel: it is dying, or its program closed every descriptor and runs on."""
        while not self._gone(min(LOOK_SECONDS, max(0.001, wait.own_seconds)) * 1000):
            over = _over(wait)
            if over:
                return over
        return "died"

    def _drain(self, output: Output) -> None:
        for descriptor in (self._stdout, self._stderr):
            while descriptor >= 0 and not output.flooded:
                try:
                    data = os.read(descriptor, 1 << 16)
                except BlockingIOError:
                    break
                if not data:  # closed: not to be polled again, or it would be ready for ever
                    with contextlib.suppress(KeyError):
                        self._poll.unregister(descriptor)
                    break
                output.add(data, stdout=descriptor == self._stdout)

    def _cpu(self) -> float:
        """CPU seconds of the session so far."""
        seconds = cpu_seconds(self._pid)
        return self._cpu_at_end() if seconds is None else seconds

    def _was_starved(self) -> bool:
        """Whether the session's address space reached its limit at some time; False where the kernel does not say."""
        try:
            limits = Path(f"/proc/{self._pid}/limits").read_bytes()
            status = Path(f"/proc/{self._pid}/status").read_bytes()  # bytes: a program gives itself any name
            allowed = int(limits.partition(b"Max address space")[2].split()[1]) - SPARE_ADDRESS_SPACE  # the hard limit
            peak = next(line for line in status.splitlines() if line.startswith(b"VmPeak:"))
            return int(peak.split()[1]) * 1024 >= allowed - STARVED_BYTES
        except (OSError, IndexError, ValueError, StopIteration):
            return False


def _over(wait: _Wait) -> Literal["timeout", "starved"] | None:
    """Whether the program's own time is up, or the bound beyond which nothing is known of it."""
    if wait.clock.own() >= wait.own_seconds:
        return "timeout"
    return "starved" if wait.clock.elapsed() >= wait.far_seconds else None


def _over_limit(output: Output) -> str:
    ended = f"; ended at {FLOOD} times that" if output.flooded else ""
    return f"more than {output.limit} bytes of output{ended}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals between SIGRTMIN and SIGRTMAX
        return f"signal {number}"


def _pid(pidfd: int) -> int:
    """The pid behind a pidfd, as this process sees it."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    raise ExecutorFault(f"/proc/self/fdinfo/{pidfd} names no process")

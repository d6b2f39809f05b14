"""One session from its owner's side: send a block, gather output, and judge how it ended.

Nothing the session says decides about time, exit or signals: the clock and the wait status do. Its frames are parsed
strictly and must carry the nonce of the block; anything else ends the session.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import socket
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from evaluators.sandbox.records import ExecutorFault, Result, SandboxSettings, Status
from evaluators.sandbox.server.agent import (
    ERROR,
    ERROR_CHARS,
    EXIT,
    MEMORY,
    NONCE_BYTES,
    OK,
    READY,
    REPLY,
    REQUEST,
    SPARE_ADDRESS_SPACE,
    STARVED,
)
from evaluators.sandbox.server_process import ServerProcess

SETUP_SECONDS = 60.0
GRACE_SECONDS = 0.3
"""Between SIGINT, after which a well-behaved program keeps its state, and SIGKILL."""
QUEUE_FACTOR = 2.0
"""Time spent waiting for a core extends the wall-clock limit, by at most this many times the limit."""
LONGEST_GRACE_SECONDS = 5.0
"""The grace may pass whole before a busy machine runs the program's handler even once; then it lasts up to this long."""
STARVED_BYTES = 16 << 20
"""Address space left below which an error counts as want of memory: no single request that fails silently is larger."""
_FRAME_STATUS: dict[int, Status] = {OK: "ok", ERROR: "error", MEMORY: "memory", STARVED: "error", EXIT: "exit"}


@dataclass(slots=True)
class _Output:
    """What a block printed so far, in the order it arrived."""

    limit: int
    both: bytearray = field(default_factory=bytearray)
    stdout: bytearray = field(default_factory=bytearray)

    def full(self) -> bool:
        return len(self.both) > self.limit

    def texts(self) -> tuple[str, str]:
        both, stdout = bytes(self.both[: self.limit]), bytes(self.stdout[: self.limit])
        return both.decode("utf-8", "backslashreplace"), stdout.decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """A frame: what the session says became of the block."""

    status: int
    value: str | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """Why a block ended without a frame of its own."""

    status: Status
    error: str
    signal: int | None = None


class SessionProcess:
    """A forked session and its descriptors. Used by one thread at a time; `kill` from any."""

    def __init__(self, server: ServerProcess, settings: SandboxSettings) -> None:
        """Raises ExecutorFault where the session does not come up."""
        self.server = server
        self._settings = settings
        self._tier = server.tier
        self._frames = bytearray()
        self._closing = threading.Lock()
        self.alive = True
        self.blocks = 0
        nonce = secrets.token_bytes(NONCE_BYTES)
        self._socket, theirs = socket.socketpair()
        (self._stdout, stdout), (self._stderr, stderr) = os.pipe(), os.pipe()
        self._pidfd = -1
        try:
            self._pidfd, self._ended = server.spawn(settings, nonce, [theirs.fileno(), stdout, stderr])
        except BaseException:
            self.close()
            raise
        finally:
            theirs.close()
            os.close(stdout)
            os.close(stderr)
        for descriptor in (self._socket.fileno(), self._stdout, self._stderr):
            os.set_blocking(descriptor, False)
        self._poll = select.poll()
        for descriptor in (self._socket.fileno(), self._stdout, self._stderr, self._pidfd):
            self._poll.register(descriptor, select.POLLIN)
        self._pid = _pid(self._pidfd)
        reply = self._await(nonce, _Output(limit=1 << 16), time.monotonic() + SETUP_SECONDS)
        if not isinstance(reply, _Reply) or reply.status != READY:
            self.close()
            raise ExecutorFault(f"a session could not be set up: {getattr(reply, 'error', reply)}")

    def run(self, code: str, wall_seconds: float) -> Result:
        """Run one block. Raises ExecutorFault where its outcome cannot be known."""
        if not self.alive:
            raise ExecutorFault("this session has ended; its variables are gone. Open another.")
        self.blocks += 1
        began, cpu = time.monotonic(), self._cpu()
        output = _Output(limit=self._settings.output_bytes)
        outcome = self._outcome(code, wall_seconds, output)
        seconds = time.monotonic() - began
        spent = self._cpu() - cpu if self.alive else self._cpu_at_end() - cpu
        both, stdout = output.texts()
        return Result(
            status=_FRAME_STATUS[outcome.status] if isinstance(outcome, _Reply) else outcome.status,
            state_lost=not self.alive,
            output=both,
            stdout=stdout,
            value=outcome.value if isinstance(outcome, _Reply) else None,
            error=outcome.error,
            seconds=seconds,
            cpu_seconds=max(0.0, spent),
            tier=self._tier,
            signal=None if isinstance(outcome, _Reply) else outcome.signal,
        )

    def kill(self) -> None:
        """End the session's process now; a block that runs in it ends as an executor fault."""
        with self._closing:
            if self._pidfd >= 0:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        """End the session and give back every descriptor. Harmless when done twice."""
        self.alive = False
        self.kill()
        with self._closing:
            self._socket.close()
            for descriptor in (self._stdout, self._stderr, self._pidfd):
                if descriptor >= 0:
                    os.close(descriptor)
            self._stdout = self._stderr = self._pidfd = -1

    def _outcome(self, code: str, wall_seconds: float, output: _Output) -> _Reply | _Ending:
        nonce = secrets.token_bytes(NONCE_BYTES)
        data = code.encode("utf-8", "surrogatepass")
        deadline = time.monotonic() + wall_seconds
        waited = self._queued()
        failed = self._send(REQUEST.pack(nonce, len(data)) + data, deadline)
        reply = failed or self._await_fairly(nonce, output, deadline, waited, wall_seconds)
        if isinstance(reply, _Reply):
            self._drain(output)
            if not output.full():
                starved = reply.status == STARVED and self._was_starved()
                return replace(reply, status=MEMORY) if starved else reply
            reply = "output_limit"
        if reply == "timeout":
            return self._interrupt(nonce, output, wall_seconds)
        if reply == "output_limit":
            self._end()
            return _Ending(status="output_limit", error=f"more than {output.limit} bytes of output")
        return self._death(reply, output)

    def _await_fairly(
        self, nonce: bytes, output: _Output, deadline: float, waited: float, wall_seconds: float
    ) -> _Reply | str:
        """As `_await`, but the time for which other processes had the cores does not count against the program."""
        reply = self._await(nonce, output, deadline)
        latest = deadline + QUEUE_FACTOR * wall_seconds
        while reply == "timeout" and (extra := self._queued() - waited) > 0.02 and time.monotonic() < latest:
            waited += extra
            reply = self._await(nonce, output, min(time.monotonic() + extra, latest))
        return reply

    def _interrupt(self, nonce: bytes, output: _Output, wall_seconds: float) -> _Ending:
        """Ask the program to end; where it does not, though it had a core to do so on, end its session."""
        began, cpu = time.monotonic(), self._cpu()
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGINT)
        reply = self._await(nonce, output, began + GRACE_SECONDS)
        while reply == "timeout" and self._cpu() - cpu < GRACE_SECONDS and self._is_held_up():
            if time.monotonic() > began + LONGEST_GRACE_SECONDS:
                break
            reply = self._await(nonce, output, time.monotonic() + GRACE_SECONDS / 10)
        if not isinstance(reply, _Reply):
            self._end()
        self._drain(output)
        return _Ending(status="timeout", error=f"TimeoutError: the time limit of {wall_seconds:g} s was reached")

    def _death(self, reason: str, output: _Output) -> _Ending:
        """Judge a session that ended, or broke the rules of the channel and is ended here."""
        broke_rules = reason == "protocol"
        if broke_rules:
            self._end()
            return _Ending(status="died", error="the program wrote to its result channel", signal=int(signal.SIGKILL))
        self.alive = False
        self._drain(output)
        status, cpu = self._wait_status()
        if os.WIFEXITED(status):
            return _Ending(status="exit", error=f"SystemExit: the process exited with {os.WEXITSTATUS(status)}")
        number = os.WTERMSIG(status)
        # The kernel's limit counts by ticks, its usage more finely: they may differ by some tenths of a second.
        share = {int(signal.SIGXCPU): 0.5, int(signal.SIGKILL): 0.9}.get(number)
        if share is not None and cpu >= share * self._settings.cpu_seconds:
            return _Ending(
                status="timeout", error=f"TimeoutError: {self._settings.cpu_seconds} s of CPU time were used"
            )
        if number == signal.SIGKILL and self._tier != "unsafe":
            # No session can send itself SIGKILL (the filter turns that into SIGSYS), and nobody here sent one.
            raise ExecutorFault("a session was killed from outside: by the kernel for want of memory, or by a person")
        if number == signal.SIGSYS:
            number = int(signal.SIGKILL)
        return _Ending(status="died", error=f"died of {_signal_name(number)}", signal=number)

    def _end(self) -> None:
        self.alive = False
        self.kill()

    def _wait_status(self) -> tuple[int, float]:
        try:
            return self._ended.result(SETUP_SECONDS)
        except TimeoutError as error:
            raise ExecutorFault("the sandbox server does not answer") from error

    def _cpu_at_end(self) -> float:
        with contextlib.suppress(ExecutorFault):
            return self._wait_status()[1]
        return 0.0

    def _send(self, data: bytes, deadline: float) -> str | None:
        """Send a request without ever waiting on a session that does not read. A string tells what went wrong."""
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return "timeout"
                waiting = select.poll()
                waiting.register(self._socket.fileno(), select.POLLOUT)
                waiting.register(self._pidfd, select.POLLIN)
                waiting.poll(remaining * 1000)
            except (BrokenPipeError, ConnectionResetError):
                return self._closed_channel(deadline)
        return None

    def _await(self, nonce: bytes, output: _Output, deadline: float) -> _Reply | str:
        """The frame that answers `nonce`, or one of: timeout, output_limit, protocol, died."""
        while True:
            reply = self._parse(nonce)
            if reply is not None:
                return reply
            if output.full():
                return "output_limit"
            remaining = max(0.0, deadline - time.monotonic())
            events = dict(self._poll.poll(remaining * 1000))
            self._drain(output)
            if self._socket.fileno() in events:
                try:
                    data = self._socket.recv(1 << 16)
                except ConnectionResetError:
                    data = b""
                self._frames += data
                if not data and self._parse(nonce) is None:
                    return self._closed_channel(deadline)
            elif self._pidfd in events:
                return "died"
            if remaining == 0:  # what had come by now was still looked at, should this thread itself have had no core
                return self._parse(nonce) or "timeout"

    def _closed_channel(self, deadline: float) -> str:
        """The session closed its channel: it is dying, or its program closed every descriptor and runs on."""
        waiting = select.poll()
        waiting.register(self._pidfd, select.POLLIN)
        return "died" if waiting.poll(max(0.0, deadline - time.monotonic()) * 1000) else "timeout"

    def _parse(self, nonce: bytes) -> _Reply | str | None:
        if len(self._frames) < REPLY.size:
            return None
        theirs, status, value_bytes, error_bytes = REPLY.unpack_from(self._frames)
        longest = 10 * max(self._settings.value_chars, ERROR_CHARS) + 64  # UTF-8, or \\UXXXXXXXX for what is none
        fits = -1 <= value_bytes <= longest and error_bytes <= longest
        if theirs != nonce or not fits or (status not in _FRAME_STATUS and status < READY):
            return "protocol"
        middle = REPLY.size + max(0, value_bytes)
        end = middle + error_bytes
        if len(self._frames) < end:
            return None
        value = None if value_bytes < 0 else _text(self._frames[REPLY.size : middle])
        reply = _Reply(status=status, value=value, error=_text(self._frames[middle:end]))
        rest = self._frames[end:]
        self._frames.clear()
        return "protocol" if rest else reply

    def _drain(self, output: _Output) -> None:
        for descriptor in (self._stdout, self._stderr):
            while descriptor >= 0 and not output.full():
                try:
                    data = os.read(descriptor, 1 << 16)
                except BlockingIOError:
                    break
                if not data:  # closed: not to be polled again, or it would be ready for ever
                    with contextlib.suppress(KeyError):
                        self._poll.unregister(descriptor)
                    break
                output.both += data
                if descriptor == self._stdout:
                    output.stdout += data

    def _cpu(self) -> float:
        """CPU seconds of the session so far, from the kernel's clock of that process (clock_getcpuclockid(3))."""
        try:
            return time.clock_gettime((~self._pid << 3) | 2)
        except OSError:
            return self._cpu_at_end()

    def _is_held_up(self) -> bool:
        """Whether the session's main thread waits for a core or a disk now (/proc/PID/stat)."""
        with contextlib.suppress(OSError):
            return Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0] in "RD"
        return False

    def _was_starved(self) -> bool:
        """Whether the session's address space reached its limit at some time; False where the kernel does not say."""
        try:
            limits = Path(f"/proc/{self._pid}/limits").read_text()
            status = Path(f"/proc/{self._pid}/status").read_text()
            allowed = int(limits.partition("Max address space")[2].split()[1]) - SPARE_ADDRESS_SPACE  # the hard limit
            return int(status.partition("VmPeak:")[2].split()[0]) * 1024 >= allowed - STARVED_BYTES
        except (OSError, IndexError, ValueError):
            return False

    def _queued(self) -> float:
        """Seconds the session was ready to run and had no core (/proc/PID/schedstat); 0 where the kernel does not say."""
        try:
            return int(Path(f"/proc/{self._pid}/schedstat").read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            return 0.0


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals between SIGRTMIN and SIGRTMAX
        return f"signal {number}"


def _text(data: bytearray) -> str:
    return bytes(data).decode("utf-8", "backslashreplace")


def _pid(pidfd: int) -> int:
    """The pid behind a pidfd, as this process sees it."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    raise ExecutorFault(f"/proc/self/fdinfo/{pidfd} names no process")

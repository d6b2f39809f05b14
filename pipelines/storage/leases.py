"""One writer at a time, on a folder or a bucket, with nothing but "create only where nothing is".

    <key>.lease/<n>.json     the highest n holds; who it is, and a beat that grows while it lives

Whoever finds the holder dead creates n + 1, which only one can. A holder of this machine is dead at once when its process
is. Of all others the beat is watched: no clock of two machines is compared, and a clock that is set, on either side,
changes nothing. A holder that stood still for longer than that finds a higher number, and gives way.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.storage.faults import StorageError
from pipelines.storage.roots import Root

BEAT = 15.0  # seconds between two signs of life; ours: 240 small requests an hour for each artifact being made
EXPIRY = 120.0  # seconds without one after which a holder of another machine is taken for dead; ours: 8 beats
POLL = 1.0  # seconds between two looks at another's lease
TELLING = 2.0  # seconds after which whoever waits is told for whom
HELD: set[str] = set()
"""Tokens of the leases that this process holds: one that it could not release is not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who writes."""

    token: str
    host: str
    boot: str
    """Of the kernel and the process namespace: process numbers mean something only within one."""
    pid: int
    started: str
    """When the process began, in ticks since boot: numbers are given again."""
    beat: int = 0

    @classmethod
    def here(cls) -> Holder:
        return cls(
            token=uuid.uuid4().hex,
            host=socket.gethostname(),
            boot=_boot(),
            pid=os.getpid(),
            started=_start_of(os.getpid()) or "",
        )

    def as_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @property
    def shown(self) -> str:
        return f"process {self.pid} on {self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a lease is renewed and looked at."""

    beat: float = BEAT
    expiry: float = EXPIRY
    poll: float = POLL
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Lease:
    """Held by this process until it is released, or lost."""

    def __init__(self, root: Root, key: str, number: int, holder: Holder) -> None:
        self._root, self._key, self._number, self._holder = root, key, number, holder
        self._place = _place(key, number)

    def is_ours(self) -> bool:
        """Whether nobody has taken it for expired. Raises StorageError where that cannot be asked."""
        newest = _newest(self._root, self._key)
        if newest is None or newest[0] != self._number:
            return False
        return newest[1] is not None and newest[1].token == self._holder.token

    def renew(self) -> bool:
        """One more sign of life; False where the lease is lost."""
        if not self.is_ours():
            return False
        grown = Holder(**{**asdict(self._holder), "beat": self._holder.beat + 1})
        self._root.replace(self._place, grown.as_bytes())
        self._holder = grown
        return True

    def release(self) -> None:
        HELD.discard(self._holder.token)
        self._root.remove(
            [_place(self._key, number) for number in _numbers(self._root, self._key) if number <= self._number]
        )


@contextmanager
def leased(root: Root, key: str, pace: Pace | None = None) -> Iterator[Lease]:
    """Hold the lease on a key; waits while another does."""
    pace = pace or Pace()
    lease = _acquire(root, key, pace)
    stopped = threading.Event()
    renewing = threading.Thread(target=_keep_alive, args=(lease, stopped, pace.beat), daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        stopped.set()
        renewing.join()
        _release(lease)


def _keep_alive(lease: Lease, stopped: threading.Event, beat: float) -> None:
    while not stopped.wait(beat):
        try:
            if not lease.renew():
                return
        except StorageError:  # the store does not answer: the next beat may reach it, and publishing asks again
            continue


def _release(lease: Lease) -> None:
    try:
        lease.release()
    except StorageError as error:  # it expires by itself, and what was made is published or kept
        print(f"a lease was left behind, which expires: {error}", file=sys.stderr, flush=True)


def _acquire(root: Root, key: str, pace: Pace) -> Lease:
    begun = since = pace.clock()
    seen: tuple[int, Holder | None] | None = None
    told = False
    while True:
        newest = _newest(root, key)
        if newest != seen:
            seen, since = newest, pace.clock()
        if newest is None or _is_dead(newest[1]) or pace.clock() - since >= pace.expiry:
            number = 1 if newest is None else newest[0] + 1
            holder = Holder.here()
            HELD.add(holder.token)
            if root.create(_place(key, number), holder.as_bytes()):
                return Lease(root, key, number, holder)
            HELD.discard(holder.token)
            continue
        if not told and pace.clock() - begun >= TELLING:
            told = True
            print(f"{key}: {_shown(newest[1])} is making it; waiting", file=sys.stderr, flush=True)
        pace.sleep(pace.poll)


def _newest(root: Root, key: str) -> tuple[int, Holder | None] | None:
    """The highest number and its holder; no holder where the lease cannot be read, which then expires."""
    numbers = _numbers(root, key)
    if not numbers:
        return None
    try:
        content = root.read(_place(key, numbers[-1]))
    except FileNotFoundError:  # released between the two requests
        return _newest(root, key)
    try:
        return numbers[-1], Holder(**json.loads(content))
    except (ValueError, TypeError, RecursionError):
        return numbers[-1], None


def _numbers(root: Root, key: str) -> list[int]:
    names = [name.removesuffix(".json") for name in root.sizes(f"{key}.lease") if name.endswith(".json")]
    return sorted(int(name) for name in names if name.isdecimal())


def _place(key: str, number: int) -> str:
    return f"{key}.lease/{number:05d}.json"


def _shown(holder: Holder | None) -> str:
    return "a process that cannot be named" if holder is None else holder.shown


def _is_dead(holder: Holder | None) -> bool:
    """Whether it is known to be: a process of this machine that is gone, or this one, which has given it up."""
    if holder is None or holder.boot != _boot():
        return False
    return _start_of(holder.pid) != holder.started or (holder.pid == os.getpid() and holder.token not in HELD)


def _boot() -> str:
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{kernel} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return uuid.uuid4().hex  # no Linux: nobody's, so that beats decide


def _start_of(pid: int) -> str | None:
    """The 22nd field of /proc/PID/stat (proc(5)); None where there is no such process, or it only waits to be collected."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]

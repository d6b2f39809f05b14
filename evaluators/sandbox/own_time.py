"""The time that is a program's own: what it computed and what it slept, and not what it waited for a core.

A verdict must not depend on the neighbours. The kernel counts for each thread how long it was ready to run and had no
core (Documentation/scheduler/sched-stats.rst); that is taken off the wall clock. Several threads may wait at once, so
the time taken off is at most what was not spent computing.
"""

from __future__ import annotations

import os
import time


class OwnTime:
    """The clock of one block, beginning now."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen: dict[str, int] = {}
        self._sample()
        self._before = dict(self._seen)
        self._cpu_before = self._cpu = cpu_seconds(pid) or 0.0
        self._began = time.monotonic()

    def elapsed(self) -> float:
        """Seconds on the wall clock."""
        return time.monotonic() - self._began

    def own(self) -> float:
        """Seconds that count against the limit. As last known where the process has ended."""
        elapsed = self.elapsed()
        self._cpu = cpu_seconds(self._pid) or self._cpu
        return max(elapsed - self.waited(), min(self._cpu - self._cpu_before, elapsed))

    def waited(self) -> float:
        """Seconds for which the program's threads together were ready to run and had no core."""
        self._sample()
        return sum(waited - self._before.get(thread, 0) for thread, waited in self._seen.items()) / 1e9

    def _sample(self) -> None:
        """Note each thread's waiting. A thread that has ended keeps what was last seen of it."""
        folder = f"/proc/{self._pid}/task"
        try:
            threads = os.listdir(folder)  # noqa: PTH208 - names alone are wanted, many times a second
        except OSError:
            return
        for thread in threads:
            waited = _nanoseconds_waited(f"{folder}/{thread}/schedstat")
            if waited is not None:
                self._seen[thread] = waited


def cpu_seconds(pid: int) -> float | None:
    """CPU seconds of a process so far, from the kernel's clock of that process (clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None


def _nanoseconds_waited(path: str) -> int | None:
    """None where the thread has ended, or the kernel does not say."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        return int(os.read(handle, 128).split()[1])
    except (OSError, IndexError, ValueError):
        return None
    finally:
        os.close(handle)

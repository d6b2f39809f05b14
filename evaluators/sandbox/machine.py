"""What of this machine is ours: cores by affinity and quota, memory by what is free and what the cgroups allow."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20
SHARE = 0.8
"""Of the free memory that sessions may have together; the rest is for their servers and for the caller to grow."""
LEAST_MB = 64
"""A session with less could not even import what programs import."""


def cores(root: Path = Path("/")) -> int:
    """Cores that this process may use: its affinity, and the quotas of its cgroups (cpu.max, cpu.cfs_quota_us)."""
    available = float(len(os.sched_getaffinity(0)))
    for folder in _cgroups(root, "cpu"):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        if not period:
            quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period):
            available = min(available, int(quota) / int(period))
    return max(1, math.ceil(available))


def free_memory_mb(root: Path = Path("/")) -> int | None:
    """MiB that the machine and every cgroup above this process still have; None where nobody says."""
    free = [_of_machine(root), *(_of_cgroup(folder) for folder in _cgroups(root, "memory"))]
    known = [amount for amount in free if amount is not None]
    return max(0, min(known)) // MIB if known else None


def affordable(concurrency: int, memory_mb: int, free_mb: int | None) -> tuple[int, int]:
    """How many blocks may run at once, and the MiB of each, so that all together never have more than there is."""
    if free_mb is None:
        return concurrency, memory_mb
    budget = int(SHARE * free_mb)
    if budget >= memory_mb:
        return min(concurrency, budget // memory_mb), memory_mb
    return 1, max(LEAST_MB, budget)


def _of_machine(root: Path) -> int | None:
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _of_cgroup(folder: Path) -> int | None:
    """What is left below the limit; file pages that nobody uses give way, and count as free."""
    for limit_name, used_name, idle_name in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, used = _text(folder / limit_name), _text(folder / used_name)
        if limit.isdigit() and used.isdigit():
            statistics = dict(line.split() for line in _text(folder / "memory.stat").splitlines())
            return int(limit) - int(used) + int(statistics.get(idle_name, 0))
    return None


def _cgroups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of this process's cgroup and all above it, in the second version and in the first."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            tops = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]
        elif controller in controllers.split(","):
            tops = [root / "sys/fs/cgroup" / controllers, root / "sys/fs/cgroup" / controller]
        else:
            continue
        for top in tops:
            folder = top / path.strip("/")
            yield from (place for place in (folder, *folder.parents) if place == top or top in place.parents)


def _text(path: Path) -> str:
    """ "" where there is no such file, as on a machine without that version of cgroups."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""

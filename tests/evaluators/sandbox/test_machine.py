"""Cores and memory by what affinity and cgroups leave us, and sessions bounded by them."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from evaluators.sandbox import Sandbox, SandboxSettings
from evaluators.sandbox import sandbox as sandbox_module
from evaluators.sandbox.machine import MIB, affordable, cores, free_memory_mb


def machine(root: Path, cgroup: str, **files: str) -> Path:
    """A root folder as a container shows it; `__` stands for a slash."""
    everything = {"proc__self__cgroup": cgroup, "proc__meminfo": "MemTotal: 9 kB\nMemAvailable: 8388608 kB\n", **files}
    for name, text in everything.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="ascii")
    return root


@pytest.mark.parametrize(
    ("quota", "expected"), [("100000 100000", 1), ("150000 100000", 2), ("50000 100000", 1), ("max 100000", None)]
)
def test_a_quota_of_the_second_version_bounds_the_cores(tmp_path: Path, quota: str, expected: int | None) -> None:
    root = machine(tmp_path, "0::/pod/run", **{"sys__fs__cgroup__pod__cpu.max": quota})
    assert cores(root) == min(expected or 10**6, len(os.sched_getaffinity(0)))


def test_a_quota_of_the_first_version_does_too(tmp_path: Path) -> None:
    files = {
        "sys__fs__cgroup__cpu__pod__cpu.cfs_quota_us": "100000",
        "sys__fs__cgroup__cpu__pod__cpu.cfs_period_us": "100000",
    }
    assert cores(machine(tmp_path, "3:cpu:/pod", **files)) == 1
    unlimited = {**files, "sys__fs__cgroup__cpu__pod__cpu.cfs_quota_us": "-1"}
    assert cores(machine(tmp_path / "other", "3:cpu:/pod", **unlimited)) == len(os.sched_getaffinity(0))


def test_memory_is_the_least_of_the_machine_and_all_cgroups_above(tmp_path: Path) -> None:
    files = {
        "sys__fs__cgroup__pod__memory.max": str(700 * MIB),
        "sys__fs__cgroup__pod__memory.current": str(300 * MIB),
        "sys__fs__cgroup__pod__memory.stat": f"anon 1\ninactive_file {100 * MIB}",
        "sys__fs__cgroup__pod__run__memory.max": "max",
        "sys__fs__cgroup__pod__run__memory.current": "5",
    }
    assert free_memory_mb(machine(tmp_path, "0::/pod/run", **files)) == 500
    assert free_memory_mb(machine(tmp_path / "plain", "0::/")) == 8192
    assert free_memory_mb(tmp_path / "nothing") is None


def test_memory_of_the_first_version(tmp_path: Path) -> None:
    files = {
        "sys__fs__cgroup__memory__pod__memory.limit_in_bytes": str(1024 * MIB),
        "sys__fs__cgroup__memory__pod__memory.usage_in_bytes": str(1000 * MIB),
        "sys__fs__cgroup__memory__pod__memory.stat": f"total_inactive_file {76 * MIB}",
    }
    assert free_memory_mb(machine(tmp_path, "4:memory:/pod\n1:cpu:/", **files)) == 100


@pytest.mark.parametrize(
    ("free", "expected"),
    [(None, (8, 1024)), (100_000, (8, 1024)), (4000, (3, 1024)), (1280, (1, 1024)), (700, (1, 560)), (10, (1, 64))],
)
def test_blocks_and_their_memory_fit_into_four_fifths_of_it(free: int | None, expected: tuple[int, int]) -> None:
    assert affordable(8, 1024, free) == expected


def test_a_small_pod_is_told_and_its_programs_end_for_want_of_memory(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sandbox_module, "free_memory_mb", lambda: 400)
    with caplog.at_level(logging.WARNING), Sandbox(SandboxSettings(preload=(), ahead=0)) as sandbox:
        result = sandbox.submit("x = bytes(700 << 20)").result()
        assert sandbox.conditions()["memory_mb"] == 320
    assert result.status == "memory"
    assert "400 MiB of memory are free here: 1 blocks of 320 MiB run at once" in caplog.text

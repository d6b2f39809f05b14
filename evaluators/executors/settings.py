"""Where the work of a recipe runs. None of it is part of what is made: the bytes are the same on every executor."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from evaluators.records import Settings

Memory = Annotated[float, Field(gt=0)]
"""GiB."""
LOST_ATTEMPTS = 3  # ours: a neighbour that took the memory is gone by the third
SLURM_TIME = re.compile(r"(\d+-)?\d+(:\d\d?){0,2}")


class LocalExecutor(Settings):
    """Processes of this machine."""

    kind: Literal["local"] = "local"
    workers: int | None = Field(default=None, gt=0)  # processes; none given: one for each core
    memory: Memory | None = None
    """Of one worker: one that grows larger is ended and named, before the kernel ends whatever it likes."""
    attempts: int = Field(default=LOST_ATTEMPTS, ge=1)  # at a shard whose worker is lost

    @property
    def width(self) -> int:
        return self.workers or len(os.sched_getaffinity(0))


class SlurmExecutor(Settings):
    """Array jobs of Slurm. The store and `shared` lie in folders that every node sees."""

    kind: Literal["slurm"] = "slurm"
    shared: Path
    """A folder for scripts and logs; those of work that failed stay."""
    partition: str | None = None
    time: str = "24:00:00"  # of a shard, as sbatch takes it
    memory: Memory = 4.0  # of a shard; ours: twice what the largest stage takes (docs/scale.md)
    cpus: int = Field(default=1, gt=0)  # of a shard
    concurrent: int | None = Field(default=None, gt=0)  # shards at once; none given: what the cluster gives
    environment: tuple[str, ...] = ()
    """Lines of shell before Python starts: `module load ...`, `export ...`."""
    sbatch: tuple[str, ...] = ()
    """Further arguments of sbatch: `--account=...`, `--qos=...`."""
    attempts: int = Field(default=LOST_ATTEMPTS, ge=1)

    @field_validator("time")
    @classmethod
    def _as_slurm_reads_it(cls, time: str) -> str:
        if not SLURM_TIME.fullmatch(time):
            raise ValueError(f"expected minutes, hours:minutes:seconds or days-hours:minutes:seconds; found {time!r}")
        return time


class RayExecutor(Settings):
    """Tasks of Ray. The store lies in a folder that every node sees."""

    kind: Literal["ray"] = "ray"
    address: str | None = None
    """Of a running cluster, or `auto`; none given: one is started on this machine and ends with the run."""
    workers: int | None = Field(default=None, gt=0)  # shards at once; none given: what the cluster's CPUs allow
    memory: Memory = 2.0  # of a shard
    cpus: int = Field(default=1, gt=0)  # of a shard
    attempts: int = Field(default=LOST_ATTEMPTS, ge=1)


ExecutorSettings = LocalExecutor | SlurmExecutor | RayExecutor
"""In a recipe: `executor: {kind: slurm, ...}`."""
LOCAL = LocalExecutor()

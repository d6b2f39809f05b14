"""Work that falls into shards, on this machine, on Slurm or on Ray: one function, three engines.

    run_shards(work, shards, recipe.executor, done=..., label="pages CC-MAIN-2026-05")

An engine returns nothing but how each shard ended: what a shard makes it writes itself, whole or not at all, where every
machine of the executor sees it. So a run that was stopped goes on with what is left, and the bytes do not depend on the
engine.
"""

from evaluators.executors.settings import LOCAL, ExecutorSettings, LocalExecutor, RayExecutor, SlurmExecutor
from evaluators.executors.shards import ShardError, require_engine, run_shards

__all__ = [
    "LOCAL",
    "ExecutorSettings",
    "LocalExecutor",
    "RayExecutor",
    "ShardError",
    "SlurmExecutor",
    "require_engine",
    "run_shards",
]

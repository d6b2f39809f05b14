"""Every shard made once, whatever happens to whoever is at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import TypeVar

from evaluators.errors import MathsieveError
from evaluators.executors.outcomes import Job, Outcome, attempt, raised_again
from evaluators.executors.settings import LOCAL, ExecutorSettings, LocalExecutor, SlurmExecutor
from evaluators.progress import report_progress

Shard = TypeVar("Shard")
LONGEST_NAME = 160


class ShardError(MathsieveError):
    """A shard cannot be made; the message names it, the likely cause, and where there is more to read."""


def run_shards(
    work: Callable[[Shard], object],
    shards: Sequence[Shard],
    executor: ExecutorSettings = LOCAL,
    *,
    done: Callable[[Shard], bool],
    label: str,
    unit: str = "shard",
    here: bool = False,
) -> None:
    """Make every shard that is not `done`; return when all are.

    `work` is a function of a module, or a partial of one, that writes its shard whole or not at all; `done` says whether
    it has. A shard whose worker is lost is begun again, `executor.attempts` times in all. What `work` raises ends
    everything at once: as it is where it is a MathsieveError or an OSError, in a ShardError otherwise. `here`: the
    work is so little that handing it to anybody costs more than it saves; this process does it.
    """
    left = [number for number, shard in enumerate(shards) if not done(shard)]
    if not left:
        return
    name = Job.name_of(work, label, shards) if isinstance(executor, SlurmExecutor) else ""
    attempts: Counter[int] = Counter()
    with report_progress(total=len(shards), initial=len(shards) - len(left), desc=label, unit=unit) as progress:
        while left:
            job = Job(work=work, label=label, shards={number: shards[number] for number in left}, name=name)
            lost = _round(job, executor, here, progress.update)
            attempts.update(lost.keys())
            for number, outcome in lost.items():
                if attempts[number] >= executor.attempts:
                    raise ShardError(_lost(label, shards[number], attempts[number], outcome, executor))
            if unmade := [number for number in left if number not in lost and not done(shards[number])]:
                raise ShardError(
                    f"{label}: {name_of(shards[unmade[0]])}: expected what its work writes; found nothing of it here. "
                    "Does every machine of the executor see the folder of the artifacts, MATHSIEVE_HOME, or MATHSIEVE_CACHE of a bucket's?"
                )
            left = [number for number in sorted(lost) if not done(shards[number])]


def _round(job: Job, executor: ExecutorSettings, here: bool, progress: Callable[[int], object]) -> dict[int, Outcome]:
    """One attempt at each shard; those that were lost. Raises at the first that cannot be made."""
    lost: dict[int, Outcome] = {}
    with closing(_outcomes(job, executor, here)) as outcomes:
        for number, outcome in outcomes:
            if outcome.kind == "finished":
                progress(1)
            elif outcome.kind == "lost":
                lost[number] = outcome
            elif outcome.kind == "raised":
                raise _error(job, number, outcome)
            else:
                raise ShardError(f"{job.label}: {name_of(job.shards[number])}: {outcome.said}.{_see(outcome)}")
    return lost


def require_engine(executor: ExecutorSettings) -> None:
    """Raises ShardError where this machine has nothing that could run shards so; nothing is started."""
    if isinstance(executor, SlurmExecutor):
        from evaluators.executors.slurm import require_slurm

        require_slurm(executor)
    elif not isinstance(executor, LocalExecutor):
        from evaluators.executors.ray_tasks import require_ray

        require_ray()


def _outcomes(job: Job, executor: ExecutorSettings, here: bool) -> Generator[tuple[int, Outcome]]:
    if here:
        return _run_here(job)
    if isinstance(executor, LocalExecutor):
        from evaluators.executors.local import run_local

        return _run_here(job) if executor.workers == 1 else run_local(job, executor)
    if isinstance(executor, SlurmExecutor):
        from evaluators.executors.slurm import run_slurm

        return run_slurm(job, executor)
    from evaluators.executors.ray_tasks import run_ray

    return run_ray(job, executor)


def _run_here(job: Job) -> Generator[tuple[int, Outcome]]:
    for number, shard in job.shards.items():
        yield number, attempt(job.work, shard)


def _error(job: Job, number: int, outcome: Outcome) -> Exception:
    told = f"{job.label}: {name_of(job.shards[number])}: {outcome.said}.{_see(outcome)}"
    error = raised_again(outcome) or ShardError(told)
    error.__cause__ = RemoteTraceback(outcome.trace)
    return error


class RemoteTraceback(Exception):
    """Where in a worker an exception was raised, for who reads the traceback."""

    def __init__(self, trace: str) -> None:
        super().__init__("\n" + trace)


def _lost(label: str, shard: object, attempts: int, outcome: Outcome, executor: ExecutorSettings) -> str:
    remedy = "executor.memory" if not isinstance(executor, LocalExecutor) else "fewer executor.workers"
    times = f"{attempts} times" if attempts > 1 else "once"
    return (
        f"{label}: {name_of(shard)}: its worker was lost {times}; the last time {outcome.said}.{_see(outcome)} Give it more "
        f"memory ({remedy}) and run again: finished shards are kept."
    )


def _see(outcome: Outcome) -> str:
    return f" Its log: {outcome.log}." if outcome.log else ""


def name_of(shard: object) -> str:
    """A shard in a message: the file that it is or writes, or whatever it says of itself."""
    parts: Iterable[object] = shard if isinstance(shard, tuple) else (shard,)
    shown = ", ".join(str(part) for part in parts)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 3]}..."

"""Shards as array jobs of Slurm: an element of an array makes one shard.

    <shared>/<job name>/work.pickle            the work and its shards
    <shared>/<job name>/<place>.outcome        how a shard ended, written whole
    <shared>/<job name>/<first>-<element>.out  what it printed

The folder goes when all shards are finished, and stays for who reads its logs otherwise. The name is made from what is to
be done: whoever goes on with it ends what a caller that was killed has left in the queue.
"""

from __future__ import annotations

import os
import pickle
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evaluators.executors.outcomes import Job, Outcome, Work, describe_exit
from evaluators.executors.settings import SlurmExecutor
from evaluators.executors.shards import ShardError

POLL = 1.0  # seconds between questions to the controller
SETTLE = 15.0  # seconds in which a shared file system shows what another node wrote
ANSWER = 60.0  # seconds for a controller's first word: Slurm's own MessageTimeout is 10, and it tries again
SILENCE, TELL_AGAIN = 30.0, 600.0  # seconds without an answer until it is told, and until it is told again
ROOT = Path(__file__).resolve().parents[2]
WORK, OUTCOME = "work.pickle", ".outcome"
FIELD = re.compile(r"(\w+)=(\S*)")
OVER_MEMORY = "exceeded memory limit"
"""What slurmstepd writes where it watches the memory itself; with cgroups the state says so."""
NEVER = ("PartitionTimeLimit", "PartitionNodeLimit", "PartitionConfig", "BadConstraints")
"""Reasons for which a job would wait for ever."""


@dataclass(slots=True)
class _Array:
    """An array job. Its element i makes the shard at place `first + i` of those that are left."""

    job: str
    first: int
    open: set[int]
    """Elements that nothing is known of yet."""
    waiting: bool = True
    """Whether some have not begun."""
    missing: dict[int, float] = field(default_factory=dict)
    """When an element was first found to have left the queue without a word."""
    silent_since: float | None = None
    """When the controller first did not answer; None while it does."""
    next_told: float = 0.0


def run_slurm(job: Job, executor: SlurmExecutor) -> Generator[tuple[int, Outcome]]:
    """The outcome of each shard, as they end. Closed early, it ends its jobs."""
    numbers, shards = list(job.shards), list(job.shards.values())
    folder = executor.shared.expanduser().absolute() / job.name
    require_slurm(executor)
    _cancel_earlier(job.name)
    _lay_out(folder, job.work, shards)
    size, submitted = _largest_array(), 0
    arrays: list[_Array] = []
    clean = True
    try:
        while submitted < len(shards) or arrays:
            if submitted < len(shards) and not any(array.waiting for array in arrays):
                arrays.append(_submit(folder, submitted, min(size, len(shards) - submitted), executor))
                submitted += size
            time.sleep(POLL)
            for array in arrays:
                for element, outcome in _ended(folder, array):
                    clean &= outcome.kind == "finished"
                    yield numbers[array.first + element], outcome
            arrays = [array for array in arrays if array.open]
    finally:
        for array in arrays:
            _slurm("scancel", array.job)
    if clean:
        shutil.rmtree(folder, ignore_errors=True)


def require_slurm(executor: SlurmExecutor) -> None:
    """Raises ShardError where its commands are not here, no controller answers them, or it has no such partition."""
    if shutil.which("sbatch") is None:
        raise ShardError(
            "slurm: expected Slurm's commands on this machine; found no sbatch. Run this where jobs are submitted from, or "
            "choose another executor: {kind: local}, {kind: ray}."
        )
    configured = os.environ.get("SLURM_CONF")
    if configured and not Path(configured).is_file():  # Slurm itself would look for it for a minute
        raise ShardError(
            f"slurm: {configured}: expected Slurm's configuration, as SLURM_CONF says; found no such file."
        )
    try:
        asked = _slurm("scontrol", "ping", timeout=ANSWER)
    except subprocess.TimeoutExpired as error:
        raise _no_controller(f"no answer in {ANSWER:.0f} s") from error
    if asked.returncode:
        raise _no_controller(_words(asked.stderr) if asked.stderr.strip() else asked.stdout.partition("\n")[0])
    there = {
        name.rstrip("*") for name in _slurm("sinfo", "-a", "-h", "-o", "%P").stdout.split()
    }  # the default one has a star
    if executor.partition and there and (none := sorted(set(executor.partition.split(",")) - there)):
        raise ShardError(
            f"slurm: expected a partition that is here ({', '.join(sorted(there))}); found {', '.join(none)}. Name another: "
            "executor.partition."
        )


def _no_controller(found: str) -> ShardError:
    return ShardError(
        f"slurm: expected a controller (slurmctld) that answers `scontrol ping`; found: {found}. Start it, name another "
        "configuration by SLURM_CONF, or choose another executor: {kind: local}, {kind: ray}."
    )


def _cancel_earlier(name: str) -> None:
    """End what is left of this job from a caller that was killed, and wait until it is gone."""
    while jobs := _slurm("squeue", "--me", "-h", "-n", name, "-o", "%A").stdout.split():
        _slurm("scancel", *sorted(set(jobs)))
        time.sleep(POLL)


def _lay_out(folder: Path, work: Work, shards: Sequence[Any]) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / WORK).write_bytes(pickle.dumps((work, shards)))
    except OSError as error:
        raise ShardError(
            f"{folder.parent}: expected a folder that can be written and that every node sees, as executor.shared says; "
            f"found: {error.strerror}. Name another."
        ) from error


def _submit(folder: Path, first: int, size: int, executor: SlurmExecutor) -> _Array:
    limit = f"%{executor.concurrent}" if executor.concurrent else ""
    made = _slurm(
        *("sbatch", "--parsable", "--no-requeue", f"--job-name={folder.name}", f"--time={executor.time}"),
        *(f"--array=0-{size - 1}{limit}", f"--output={folder}/{first}-%a.out"),
        *(f"--cpus-per-task={executor.cpus}", f"--mem={round(executor.memory * 1024)}M"),
        *([f"--partition={executor.partition}"] if executor.partition else []),
        *executor.sbatch,
        script=_script(folder, first, executor),
    )
    if made.returncode:
        where = f" in partition {executor.partition}" if executor.partition else ""
        raise ShardError(
            f"sbatch: expected to submit {size} shards of {executor.memory:g} GiB and {executor.cpus} CPUs each{where}; "
            f"found: {_words(made.stderr)}. Change the recipe's executor section; `sinfo` lists partitions. The job: {folder}."
        )
    return _Array(made.stdout.strip().split(";")[0], first, set(range(size)))


def _script(folder: Path, first: int, executor: SlurmExecutor) -> str:
    python = shlex.join([sys.executable, "-m", "evaluators.executors", str(folder), str(first)])
    return "\n".join(
        [
            "#!/bin/bash",
            "set -e",
            *executor.environment,
            f'export PYTHONPATH={shlex.quote(str(ROOT))}"${{PYTHONPATH:+:$PYTHONPATH}}"',
            f'exec {python} "$SLURM_ARRAY_TASK_ID"',
            "",
        ]
    )


def _ended(folder: Path, array: _Array) -> Generator[tuple[int, Outcome]]:
    """What has ended since the last look. Who is in the queue is asked first: what leaves it has written how it ended."""
    queued = _queued(array)
    told = {entry.name for entry in os.scandir(folder)}
    for element in sorted(array.open):
        log = str(folder / f"{array.first}-{element}.out")
        name = f"{array.first + element}{OUTCOME}"
        if name in told:
            outcome: Outcome | None = pickle.loads((folder / name).read_bytes())
        elif queued is None or element in queued:
            continue
        else:
            outcome = _verdict(array, element, Path(log))
        if outcome is not None:
            array.open.discard(element)
            yield element, outcome if outcome.kind == "finished" else replace(outcome, log=log)


def _queued(array: _Array) -> set[int] | None:
    """Its elements in the queue; None where the controller does not answer. Raises ShardError where they never leave it."""
    begun = time.monotonic()
    asked = _slurm("squeue", "-h", "-r", "-j", array.job, "-o", "%K %t %r")
    if asked.returncode and "Invalid job id" not in asked.stderr:
        _tell_silence(array, begun, _words(asked.stderr))
        return None
    array.silent_since = None
    lines = [line.split(maxsplit=2) for line in asked.stdout.splitlines()]
    array.waiting = any(state == "PD" for _, state, _ in lines)
    if never := next((reason for _, _, reason in lines if reason in NEVER), None):
        raise ShardError(
            f"Slurm job {array.job}: expected that it can begin; found that it never will: {never}. Lower executor.time, "
            "executor.memory or executor.cpus, or name another executor.partition; `scontrol show partition` tells its limits."
        )
    return {int(element) for element, _, _ in lines}


def _tell_silence(array: _Array, asked: float, found: str) -> None:
    """Say that the controller is gone when it has been for a while, and again while it stays so."""
    now = time.monotonic()
    if array.silent_since is None:
        array.silent_since, array.next_told = asked, asked + SILENCE
    if now >= array.next_told:
        array.next_told = now + TELL_AGAIN
        print(
            f"slurm: squeue has not been answered for {now - array.silent_since:.0f} s ({found}). Job {array.job} may go on by "
            "itself, and this waits for it; when Slurm is back nothing is made twice.",
            file=sys.stderr,
            flush=True,
        )


def _verdict(array: _Array, element: int, log: Path) -> Outcome | None:
    """Of an element that left the queue without a word; None while its word may only be late."""
    record = dict(FIELD.findall(_slurm("scontrol", "show", "job", "-o", f"{array.job}_{element}").stdout))
    state, number = record.get("JobState", ""), int(record.get("ExitCode", "0:0").partition(":")[2])
    if state == "TIMEOUT":
        return Outcome(
            kind="refused", said=f"it ran over its time, {record.get('TimeLimit', '?')}. Raise executor.time"
        )
    if state == "OUT_OF_MEMORY" or (number and OVER_MEMORY in _tail(log)):
        return Outcome(kind="refused", said="it used more memory than executor.memory gives it. Raise that")
    if state.startswith("CANCELLED"):  # somebody wants it to end: to begin again would be against their will
        return Outcome(kind="refused", said="its job was cancelled (scancel). Run again: finished shards are kept")
    if number:
        return Outcome(kind="lost", said=describe_exit(-number))
    if time.monotonic() - array.missing.setdefault(element, time.monotonic()) < SETTLE:
        return None
    return Outcome(kind="lost", said=f"Slurm says {state or 'nothing of it any more'}")


def _tail(log: Path) -> str:
    with suppress(FileNotFoundError), log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - 4_096))
        return handle.read().decode("utf-8", "replace").lower()
    return ""


def _largest_array() -> int:
    """How many elements an array may have."""
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", _slurm("scontrol", "show", "config").stdout, re.MULTILINE)
    return max(1, int(found.group(1)) - 1 if found else 1_000)


def _slurm(*command: str, script: str | None = None, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
    """One of Slurm's commands, as from a shell that is in no job: it would inherit that one's limits."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("SLURM_CONF",) or not name.startswith(("SLURM_", "SBATCH_", "SQUEUE_"))
    }
    kept.pop("TMPDIR", None)  # ours ends with us, and other machines do not have it
    return subprocess.run(command, input=script, capture_output=True, text=True, env=kept, check=False, timeout=timeout)


def _words(stderr: str) -> str:
    lines = [line.partition(": error: ")[2] or line for line in stderr.strip().splitlines()]
    return "; ".join(lines) or "no word of it"

"""Starts training in processes of its own: `accelerate launch`, one process a GPU, or one on a CPU (several by torchrun).

The parent imports no torch. A job goes over as one JSON file; a failure comes back as one sentence.
"""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from evaluators.errors import MathsieveError
from evaluators.launch import Launched, temporary_folder
from pipelines.storage import Json
from pipelines.training.run_settings import NO_SHARDS, MachineSettings

FAILURE = "failure.json"


class TrainingFailed(MathsieveError):
    """A training run ended without a model; the message names the remedy."""


class Job(BaseModel):
    """What one launched run does. Paths are absolute."""

    method: str
    settings: dict[str, Json]
    start: Path
    """The model folder that training starts from."""
    inputs: list[Path]
    """PACKED shards (SFT, continued pre-training) or PROBLEMS tables (the others)."""
    folder: Path
    """Where model, samples, log and checkpoints go."""


def launch(job: Job, machine: MachineSettings) -> None:
    """Run a job to its end. Raises TrainingFailed, or OSError(ENOSPC) where the disk was full."""
    machine = with_precision(machine)
    if machine.sharding == "fsdp" and machine.accelerate_config is None and count_processes(machine) < 2:
        raise TrainingFailed(NO_SHARDS.format(found=f"one for {count_gpus(os.environ)} GPUs"))
    job = job.model_copy(update={"settings": job.settings | {"machine": machine.model_dump(mode="json")}})
    with temporary_folder() as folder:
        path = folder / "job.json"
        path.write_text(job.model_dump_json(), encoding="utf-8")
        with Launched.start(command(path, machine), env=environment(machine)) as running:
            status = running.wait()
        failure = failure_of(folder, job, status)
    if failure is not None:
        raise failure


def failure_of(folder: Path, job: Job, status: int) -> Exception | None:
    """What went wrong, from the run's own word in `folder` or from its exit status; None where nothing did."""
    path = folder / FAILURE
    if path.exists():
        failure = json.loads(path.read_text(encoding="utf-8"))
        if failure["kind"] == "disk_full":
            return OSError(errno.ENOSPC, failure["message"])
        return TrainingFailed(failure["message"])
    return None if status == 0 else TrainingFailed(_unexplained(job, status))


def with_precision(machine: MachineSettings) -> MachineSettings:
    """`auto` replaced by the precision that is the faster one here."""
    if machine.precision != "auto":
        return machine
    gpus = machine.device != "cpu" and (machine.accelerate_config is not None or count_gpus(os.environ) > 0)
    return machine.model_copy(update={"precision": "autocast" if gpus or multiplies_bfloat16() else "float32"})


def multiplies_bfloat16(cpu_facts: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this CPU has instructions that multiply bfloat16, as Linux tells it; other systems' CPUs are taken to have none."""
    try:
        return (
            re.search(r"^flags\b.*\b(amx_bf16|avx512_bf16)\b", cpu_facts.read_text(encoding="utf-8"), re.M) is not None
        )
    except OSError:
        return False


def command(job: Path, machine: MachineSettings) -> list[str]:
    """The command line of `accelerate launch` for a job file."""
    launcher = [sys.executable, "-m", "accelerate.commands.launch"]
    if machine.accelerate_config is not None:
        launcher += ["--config_file", str(machine.accelerate_config)]
    else:
        gpus = 0 if machine.device == "cpu" else count_gpus(os.environ)
        processes = count_processes(machine)
        if gpus == 0 and processes > 1:  # accelerate starts several on a CPU through MPI alone
            torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
            return [sys.executable, *torchrun, "-m", "pipelines.training.entry", str(job)]
        launcher += ["--num_machines", "1", "--num_processes", str(processes), "--dynamo_backend", "no"]
        launcher += ["--mixed_precision", "bf16" if machine.precision == "autocast" else "no"]
        launcher += ["--cpu"] if gpus == 0 else ["--multi_gpu"] if processes > 1 else []
    return [*launcher, "-m", "pipelines.training.entry", str(job)]


def environment(machine: MachineSettings) -> dict[str, str]:
    """Variables that a run needs beyond ours."""
    variables = {
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",  # the model lies on disk: nothing may be fetched half-way through
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # cuBLAS is deterministic only with a fixed workspace
    }
    if machine.device == "cpu":
        variables |= {"CUDA_VISIBLE_DEVICES": "", "ACCELERATE_USE_CPU": "true"}
    if machine.cpu_threads is not None:
        variables["OMP_NUM_THREADS"] = str(machine.cpu_threads)
    elif "OMP_NUM_THREADS" not in os.environ:
        variables["OMP_NUM_THREADS"] = str(
            max(len(os.sched_getaffinity(0)) // count_processes(machine), 1)
        )  # accelerate would set 1
    if "OMP_WAIT_POLICY" not in os.environ:
        variables["OMP_WAIT_POLICY"] = "PASSIVE"  # threads that spin for one that has no core take it from that one
    return variables


def count_processes(machine: MachineSettings) -> int:
    """How many processes are started on this machine."""
    if machine.processes is not None:
        return machine.processes
    return 1 if machine.device == "cpu" else max(count_gpus(os.environ), 1)


def count_gpus(variables: Mapping[str, str]) -> int:
    """Visible NVIDIA GPUs, as the driver's own tool counts them; asking torch would take seconds and gigabytes."""
    visible = variables.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() and name.strip() != "-1"])
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def _unexplained(job: Job, status: int) -> str:
    if status in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return (
            f"{job.method}: expected training to end by itself; it was killed, most often because memory ran out. "
            "Lower machine.tokens_per_micro_batch, or set machine.trainable_layers. Run again to continue from the "
            "last checkpoint."
        )
    return f"{job.method}: expected training to succeed; it ended with status {status}. Its own message stands above."


def absolute(paths: Sequence[Path]) -> list[Path]:
    return [path.absolute() for path in paths]

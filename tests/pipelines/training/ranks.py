"""Groups of two training processes for test_processes, forked from one that has imported everything: imports cost more
than such runs.

    python -m tests.pipelines.training.ranks GROUPS.json      [[job, ...], ...]: a group of processes for each list
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

import torch
import transformers.models.llama.modeling_llama  # noqa: F401 - what a job would import in every process

from evaluators.records import Problem
from pipelines.training.entry import run_job
from pipelines.training.launch import Job
from pipelines.training.samples import Judgement

RANKS = 2


def even_length(problem: Problem, text: str) -> Judgement:
    """About half of what a random model writes is right."""
    right = len(text) % 2 == 0
    return Judgement(reward=float(right), outcome="correct" if right else "incorrect", reason="length")


def run_group(jobs: list[Job]) -> bool:
    """The jobs in order, in processes of their own. Where one process ends badly the others are ended: False."""
    port = free_port()
    running = {start_rank(rank, port, jobs) for rank in range(RANKS)}
    well = True
    while running:
        ended, status = os.wait()
        running.discard(ended)
        if status and well:
            well = False
            for other in running:
                os.kill(other, signal.SIGKILL)
    return well


def start_rank(rank: int, port: int, jobs: list[Job]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.environ |= {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(RANKS),
            "LOCAL_WORLD_SIZE": str(RANKS),
        }
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}
        for job in jobs:
            (job.folder / f"rank-{rank}.pid").write_text(str(os.getpid()), encoding="utf-8")
            run_job(job, even_length)
        torch.distributed.destroy_process_group()
    except BaseException:  # noqa: BLE001 - a fork must not return into its parent's code, whatever happens
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    torch.set_num_threads(1)
    groups = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    ends = [run_group([Job.model_validate(job) for job in group]) for group in groups]
    sys.exit(0 if ends[-1] else 1)

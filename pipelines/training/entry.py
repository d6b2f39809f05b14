"""What `accelerate launch` starts: reads a job file, trains, leaves a model folder.

Every process of a run executes this; the first one writes.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from pipelines.training.base_model import no_bars_in_logs
from pipelines.training.batches import PackedRows
from pipelines.training.checkpoints import remove_checkpoints
from pipelines.training.exploration import Explorer, transformers_draw
from pipelines.training.language_model import load_policy, save_policy
from pipelines.training.launch import FAILURE, Job
from pipelines.training.methods import Method, method_named
from pipelines.training.objectives import MethodObjective, PackedExamples, Reference, SampledGroups
from pipelines.training.proxy import ProxySettings
from pipelines.training.proxy_training import run_proxy
from pipelines.training.run_settings import MachineSettings, PolicySettings
from pipelines.training.samples import (
    Reward,
    checker_reward,
    count_rewards,
    explorations_of,
    read_problems,
    read_questions,
)
from pipelines.training.sharding import copy_whole, shard
from pipelines.training.trainer import Objective, Run, TrainingError, make_run, score_rows, train, whole_policy

SMALLEST_FREE = 64 * 1024**2  # bytes; with less than this left, a failed write is taken for a full disk


def main(path: Path) -> int:
    """Run the job. Returns 0, or 1 with the reason in a file beside the job."""
    job = Job.model_validate_json(path.read_text(encoding="utf-8"))
    no_bars_in_logs()
    try:
        run_job(job)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    except TrainingError as error:
        return _fail(path, "training", str(error))
    except torch.OutOfMemoryError as error:
        remedy = (
            "Lower machine.tokens_per_micro_batch, or set machine.gradient_checkpointing or machine.sharding: fsdp."
        )
        return _fail(path, "memory", f"{job.method}: the GPU's memory is full: {error}. {remedy}")
    except (OSError, RuntimeError, SafetensorError) as error:
        if "No space left" in str(error) or shutil.disk_usage(job.folder).free < SMALLEST_FREE:
            return _fail(path, "disk_full", f"{job.method}: the disk is full while writing {job.folder.name}: {error}")
        raise
    return 0


def run_job(job: Job, reward: Reward | None = None) -> None:
    """Train with the settings of a job and leave the model in its folder. `reward` takes the place of the answer checker."""
    if job.method == "proxy":
        proxy = ProxySettings.model_validate(job.settings)
        run_proxy(job, proxy, lambda: make_accelerator(proxy.machine))
        return
    method = method_named(job.method)
    settings: Any = method.settings.model_validate(job.settings)
    accelerator = make_accelerator(settings.machine)
    torch.use_deterministic_algorithms(accelerator.device.type == "cpu")
    torch.manual_seed(settings.seed)
    model = load_policy(job.start, settings.machine, temperature=scored_temperature(method, settings))
    run = make_run(accelerator, model, settings.optimiser, settings.machine, job.folder)
    train(run, make_objective(job, method, settings, run, reward))
    state = whole_policy(run)
    if accelerator.is_main_process:
        save_policy(accelerator.unwrap_model(run.policy), state, job.start, job.folder)
        remove_checkpoints(job.folder)
    accelerator.wait_for_everyone()


def scored_temperature(method: Method, settings: Any) -> float:
    """At which log-probabilities are taken. The objective of a method that draws as it learns is an expectation under what
    draws, which a temperature changes; the others learn from outputs as from any text."""
    return float(settings.sampling.temperature) if method.source == "drawn_each_step" else 1.0


def make_accelerator(machine: MachineSettings) -> Any:
    from accelerate import Accelerator, DistributedType

    # A checkpoint of tied embeddings is said to miss one of them; loading ties them again, and the tests see it.
    logging.getLogger("accelerate.utils.other").setLevel(logging.ERROR)
    accelerator = Accelerator(
        cpu=machine.device == "cpu" or not torch.cuda.is_available(),
        mixed_precision="bf16" if machine.precision == "autocast" else "no",
    )
    if accelerator.distributed_type == DistributedType.FSDP:
        raise TrainingError(
            "machine.accelerate_config: expected a configuration without FSDP, which trains tied embeddings wrong here; "
            "found distributed_type FSDP. Make it MULTI_GPU, and set machine.sharding: fsdp."
        )
    return accelerator


def make_objective(job: Job, method: Method, settings: Any, run: Run, reward: Reward | None) -> Objective:
    """The method of a job, with the data that it learns from."""
    accelerator = run.accelerator
    if method.source == "packed":
        rows = PackedRows(job.inputs)
        if len(rows) == 0:
            raise TrainingError(f"{job.method}: expected packed rows; found none. Give the mixture some examples.")
        examples = PackedExamples(
            rows,
            batch_rows=settings.batch_rows,
            seed=settings.seed,
            process=accelerator.process_index,
            processes=accelerator.num_processes,
        )
        return MethodObjective(method=method, settings=settings, source=examples)
    source = make_explorer(job, method, settings, run, reward)
    if method.source == "drawn_once":
        source.draw_all()
        _require_signal(job, settings)
    return MethodObjective(
        method=method,
        settings=settings,
        source=SampledGroups(source=source, method=method, settings=settings),
        reference=make_reference(job, method, settings, run),
        policy=lambda: accelerator.unwrap_model(run.policy),
    )


def make_reference(job: Job, method: Method, settings: Any, run: Run) -> Reference | None:
    """The frozen model that the method measures the policy against; None where it measures against none."""
    if method.measured_by == "nothing" or not method.is_measured(settings):
        return None
    folder = job.start if method.measured_by == "start" else settings.teacher
    if method.measured_by == "teacher":
        require_same_tokens(job.start, folder)
    model = load_policy(folder, settings.machine, trained=False, temperature=scored_temperature(method, settings))
    dtype = torch.bfloat16 if settings.machine.precision == "bfloat16" else torch.float32
    model = shard(model, run.accelerator) if run.sharded else model.to(run.accelerator.device, dtype)
    refreshed_every = method.reference_refreshed(settings)
    if refreshed_every is not None:  # then it is no longer the model of a folder
        run.kept["reference"] = model
    return Reference(model=model, autocast=run.accelerator.autocast, refreshed_every=refreshed_every)


def require_same_tokens(start: Path, teacher: Path) -> None:
    """Raises TrainingError where a teacher's token ids mean something else."""
    from transformers import AutoTokenizer

    mine, its = (
        AutoTokenizer.from_pretrained(folder, local_files_only=True).get_vocab() for folder in (start, teacher)
    )
    if mine != its:
        raise TrainingError(
            f"distillation: expected a teacher with the policy's own tokenizer; found {len(its)} tokens in {teacher}, of "
            f"which {len(mine.items() & its.items())} of the policy's {len(mine)} are the same. Give a teacher of its family."
        )


def make_explorer(job: Job, method: Method, settings: PolicySettings, run: Run, reward: Reward | None) -> Explorer:
    """The source of sampled outputs. Raises TrainingError where no problem is left to ask."""
    from transformers import AutoTokenizer

    accelerator = run.accelerator
    tokenizer = AutoTokenizer.from_pretrained(job.start, local_files_only=True)
    problems = read_problems(job.inputs, settings.sampling.questions_from)
    questions, left_out = read_questions(problems, tokenizer, settings.sampling.max_prompt_tokens)
    if left_out:
        accelerator.print(f"{left_out} problems are longer than {settings.sampling.max_prompt_tokens} tokens: left out")
    if not questions:
        raise TrainingError(
            f"{job.method}: expected problems of at most {settings.sampling.max_prompt_tokens} tokens; found none "
            f"({left_out} were longer). Give other problems, raise sampling.max_prompt_tokens, or see which sources "
            "sampling.questions_from names."
        )
    drawer = accelerator.unwrap_model(run.policy)
    if run.sharded:
        drawer = load_policy(job.start, settings.machine, trained=False)
        drawer.to(accelerator.device, torch.float32 if settings.machine.precision == "float32" else torch.bfloat16)
    return Explorer(
        folder=job.folder,
        questions=questions,
        questions_per_step=settings.questions_per_step,
        seed=settings.seed,
        explorations=explorations_of(settings, len(questions)) if method.source == "drawn_once" else None,
        draw=transformers_draw(
            drawer.model,
            settings.sampling,
            end=tokenizer.eos_token_id,
            autocast=accelerator.autocast,
        ),
        decode=lambda ids: str(tokenizer.decode(ids, skip_special_tokens=True)),
        before_draw=partial(copy_whole, run.policy, drawer) if run.sharded else None,
        reward=reward or checker_reward(settings.sampling.checker_profile),
        cut_outputs=settings.sampling.cut_outputs,
        steps=method.steps_rewarded(settings),
        updates=settings.updates_per_exploration,
        score=partial(score_rows, run) if settings.updates_per_exploration > 1 else None,
        accelerator=accelerator,
    )


def _require_signal(job: Job, settings: PolicySettings) -> None:
    counts = count_rewards(job.folder)
    if counts["right"] == 0:
        raise TrainingError(
            f"{job.method}: expected some of the {counts['samples']} sampled outputs to be right; found none, so there "
            "is nothing to learn from. Start from a model that was fine-tuned on such problems, give easier ones, or "
            f"raise sampling.group_size ({settings.sampling.group_size})."
        )


def _fail(job: Path, kind: str, message: str) -> int:
    print(message, file=sys.stderr, flush=True)
    (job.parent / FAILURE).write_text(json.dumps({"kind": kind, "message": message}), encoding="utf-8")
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""What `accelerate launch` starts: reads a job file, trains, leaves a model folder.

Every process of a run executes this; the first one writes.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
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
from pipelines.training.objectives import GroupRelative, PackedExamples, PreferencePairs, RightOutputs
from pipelines.training.proxy import ProxySettings
from pipelines.training.proxy_training import run_proxy
from pipelines.training.samples import checker_reward, count_rewards, read_problems, read_questions
from pipelines.training.settings import (
    SETTINGS,
    DpoSettings,
    GrpoSettings,
    MachineSettings,
    OnlineRftSettings,
    PolicySettings,
    RftSettings,
    SftSettings,
)
from pipelines.training.trainer import Objective, Run, TrainingError, make_run, train

SMALLEST_FREE = 64 * 1024**2  # bytes; with less than this left, a failed write is taken for a full disk


def main(path: Path) -> int:
    """Run the job. Returns 0, or 1 with the reason in a file beside the job."""
    job = Job.model_validate_json(path.read_text(encoding="utf-8"))
    no_bars_in_logs()
    try:
        run_job(job)
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


def run_job(job: Job) -> None:
    """Train with the settings of a job and leave the model in its folder."""
    if job.method == "proxy":
        proxy = ProxySettings.model_validate(job.settings)
        run_proxy(job, proxy, lambda: make_accelerator(proxy.machine))
        return
    settings: Any = SETTINGS[job.method].model_validate(job.settings)
    accelerator = make_accelerator(settings.machine)
    torch.use_deterministic_algorithms(accelerator.device.type == "cpu")
    torch.manual_seed(settings.seed)
    model = load_policy(job.start, settings.machine, temperature=scored_temperature(settings))
    run = make_run(accelerator, model, settings.optimiser, settings.machine, job.folder)
    train(run, make_objective(job, settings, run))
    state = accelerator.get_state_dict(run.policy)
    if accelerator.is_main_process:
        save_policy(accelerator.unwrap_model(run.policy), state, job.start, job.folder)
        remove_checkpoints(job.folder)
    accelerator.end_training()


def scored_temperature(settings: SftSettings | PolicySettings) -> float:
    """At which log-probabilities are taken. The objective of a method that draws as it learns is an expectation under what
    draws, which a temperature changes; the others learn from outputs as from any text."""
    return settings.sampling.temperature if isinstance(settings, OnlineRftSettings | GrpoSettings) else 1.0


def make_accelerator(machine: MachineSettings) -> Any:
    from accelerate import Accelerator

    # A checkpoint of tied embeddings is said to miss one of them; loading ties them again, and the tests see it.
    logging.getLogger("accelerate.utils.other").setLevel(logging.ERROR)
    return Accelerator(
        cpu=machine.device == "cpu" or not torch.cuda.is_available(),
        mixed_precision="bf16" if machine.precision == "autocast" else "no",
    )


def make_objective(job: Job, settings: Any, run: Run) -> Objective:
    """The method of a job, with the data that it learns from."""
    accelerator = run.accelerator
    if isinstance(settings, SftSettings):
        rows = PackedRows(job.inputs)
        if len(rows) == 0:
            raise TrainingError(f"{job.method}: expected packed rows; found none. Give the mixture some examples.")
        return PackedExamples(
            rows,
            batch_rows=settings.batch_rows,
            seed=settings.seed,
            process=accelerator.process_index,
            processes=accelerator.num_processes,
        )
    source = make_explorer(job, settings, run)
    if isinstance(settings, RftSettings | DpoSettings):
        source.draw_all()
        _require_signal(job, settings)
    if isinstance(settings, RftSettings | OnlineRftSettings):
        return RightOutputs(source=source, distinct=isinstance(settings, RftSettings))
    dtype = torch.bfloat16 if settings.machine.precision == "bfloat16" else torch.float32
    reference = load_policy(job.start, settings.machine, trained=False, temperature=scored_temperature(settings))
    reference = reference.to(accelerator.device, dtype)
    if isinstance(settings, GrpoSettings):
        return GroupRelative(source=source, reference=reference, beta=settings.beta, autocast=accelerator.autocast)
    return PreferencePairs(
        source=source,
        reference=reference,
        beta=settings.beta,
        length_normalised=settings.length_normalised,
        autocast=accelerator.autocast,
    )


def make_explorer(job: Job, settings: PolicySettings, run: Run) -> Explorer:
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
    drawn_before = settings.explorations(len(questions)) if isinstance(settings, RftSettings | DpoSettings) else None
    count = settings.questions_per_step
    return Explorer(
        folder=job.folder,
        questions=questions,
        questions_per_step=count,
        seed=settings.seed,
        explorations=drawn_before,
        draw=transformers_draw(
            accelerator.unwrap_model(run.policy).model,
            settings.sampling,
            end=tokenizer.eos_token_id,
            autocast=accelerator.autocast,
        ),
        decode=lambda ids: str(tokenizer.decode(ids, skip_special_tokens=True)),
        reward=checker_reward(settings.sampling.checker_profile),
        cut_outputs=settings.sampling.cut_outputs,
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

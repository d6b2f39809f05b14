"""Supervised fine-tuning on a packed mixture (DeepSeekMath §3.2), as a stage."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from evaluators.stages import Stage
from pipelines.storage import Artifact, Json
from pipelines.training.base_model import describe_model
from pipelines.training.launch import Job, absolute, launch
from pipelines.training.methods.sft import SftSettings
from pipelines.training.run_settings import PolicySettings
from pipelines.training.training_log import plot_log, read_log

__all__ = ["SftSettings", "training_facts", "write_sft_model"]


def write_sft_model(folder: Path, settings: SftSettings, *, base: Artifact | Path, packed: Artifact) -> dict[str, Json]:
    """Train the base model on the packed rows; leaves a Hugging Face folder with its log and a plot.

    A killed run goes on from its last checkpoint. Raises TrainingFailed where the loss is not finite.
    """
    rows = sum(pq.read_metadata(path).num_rows for path in packed.files()) if settings.epochs else 0
    if settings.epochs:
        steps = settings.steps_for(int(str(describe_model(model_folder(base))["parameters"])), rows)
        settings = settings.model_copy(update={"optimiser": settings.optimiser.model_copy(update={"steps": steps})})
    job = Job(
        method=settings.method,
        settings=settings.model_dump(mode="json"),
        start=model_folder(base),
        inputs=absolute(packed.files()),
        folder=folder.absolute(),
    )
    launch(job, settings.machine)
    plot_log(folder)
    return training_facts(folder, settings)


SFT_MODEL = Stage(
    name="sft_model",
    version="1",
    write=write_sft_model,
    settings=SftSettings,
    inputs=("base", "packed"),
    description="The base model after supervised fine-tuning on the packed mixture (§3.2).",
    kinds=("pytorch",),
)


def model_folder(model: Artifact | Path) -> Path:
    """The Hugging Face folder of a model that is an artifact, or lies anywhere."""
    return (model if isinstance(model, Path) else model.path).absolute()


def training_facts(folder: Path, settings: SftSettings | PolicySettings) -> dict[str, Json]:
    """Figures of a finished run, from its log: no times, so that they may be stored."""
    log = read_log(folder)
    window = max(len(log) // 10, 1)
    facts: dict[str, Json] = {
        "method": settings.method,
        "steps": len(log),
        "trained_tokens": sum(line["tokens"] for line in log),
        "first_loss": log[0]["loss"],
        "last_loss": sum(line["loss"] for line in log[-window:]) / window,
    }
    if "reward" in log[0]:
        facts["first_reward"] = sum(line["reward"] for line in log[:window]) / window
        facts["last_reward"] = sum(line["reward"] for line in log[-window:]) / window
    return facts | describe_model(folder)

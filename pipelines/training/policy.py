"""Methods of which a policy learns from its own outputs (DeepSeekMath §4, §5.2), as one stage: RFT, DPO, GRPO and others."""

from __future__ import annotations

from pathlib import Path

from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.storage import Artifact, Json
from pipelines.training.launch import Job, absolute, launch
from pipelines.training.methods import method_named
from pipelines.training.offline import draw_from_server
from pipelines.training.run_settings import PolicySettings
from pipelines.training.samples import count_rewards, read_problems
from pipelines.training.sft import model_folder, training_facts
from pipelines.training.training_log import plot_log


def write_policy_model(
    folder: Path, settings: PolicySettings, *, policy: Artifact | Path, problems: Artifact
) -> dict[str, Json]:
    """Train a policy by the method that `settings` names, on a PROBLEMS table.

    Leaves a Hugging Face folder, the log with its plot, and every sampled output with its reward in `samples/`.
    Raises TrainingFailed where the loss is not finite, or where no output of an offline method is right.
    """
    job = Job(
        method=settings.method,
        settings=settings.model_dump(mode="json"),
        start=model_folder(policy),
        inputs=absolute(problems.files()),
        folder=folder.absolute(),
    )
    if method_named(settings.method).source == "drawn_once" and settings.sampling.engine == "vllm":
        draw_from_server(folder, settings, job.start, list(read_problems(job.inputs, settings.sampling.questions_from)))
    launch(job, settings.machine)
    plot_log(folder)
    return training_facts(folder, settings) | count_rewards(folder)


POLICY_MODEL = Stage(
    name="policy_model",
    version="12",
    write=write_policy_model,
    settings=Settings,
    inputs=("policy", "problems"),
    description="A policy that learnt from its own judged outputs.",
    kinds=("pytorch",),
)

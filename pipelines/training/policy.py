"""RFT, Online RFT, DPO and GRPO (DeepSeekMath §4, §5.2): a policy that learns from its own judged outputs, as stages."""

from __future__ import annotations

from pathlib import Path

from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.storage import Artifact, Json
from pipelines.training.launch import Job, absolute, launch
from pipelines.training.offline import draw_from_server
from pipelines.training.samples import count_rewards, read_problems
from pipelines.training.settings import DpoSettings, PolicySettings, RftSettings
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
    if isinstance(settings, RftSettings | DpoSettings) and settings.sampling.engine == "vllm":
        draw_from_server(folder, settings, job.start, list(read_problems(job.inputs, settings.sampling.questions_from)))
    launch(job, settings.machine)
    plot_log(folder)
    return training_facts(folder, settings) | count_rewards(folder)


METHODS = {
    "rft": "Fine-tuned on right outputs that the SFT model gave, drawn once (rejection sampling, §5.2.1).",
    "online_rft": "Fine-tuned on right outputs of the policy as it is at each step (§5.2.1).",
    "dpo": "Taught by pairs of a right and a wrong output of the SFT model to prefer the right one (A.1.4).",
    "grpo": "Group relative policy optimisation: outputs of one question are judged against each other (§4).",
}

POLICY_MODEL = Stage(
    name="policy_model",
    version="9",
    write=write_policy_model,
    settings=Settings,
    inputs=("policy", "problems"),
    description="A policy that learnt from its own judged outputs.",
    kinds=("pytorch",),
)

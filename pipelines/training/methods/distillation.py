"""On-policy distillation (Agarwal et al. 2023, arXiv 2306.13649; reverse KL): a teacher scores what the policy wrote."""

from __future__ import annotations

from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipelines.training.methods._method import Example, Groups, Method, Table10, step_of, takes_loss, unit_of
from pipelines.training.rows import StepData
from pipelines.training.run_settings import OnlineSettings, SamplingSettings

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.training.view import View


class DistillationSettings(OnlineSettings):
    """The policy learns to give its own outputs the probabilities that the teacher gives them. No answer is needed."""

    method: Literal["distillation"] = "distillation"
    teacher: Path
    """Folder of a Hugging Face model with the policy's own tokenizer."""
    sampling: SamplingSettings = SamplingSettings(group_size=4, cut_outputs="judged")
    """Ours: four outputs a question (Thinking Machines' report of 2025 draws four); what was cut teaches as well."""


def choose(groups: Groups, settings: DistillationSettings) -> StepData:
    samples = [sample for group in groups for sample in group]
    return step_of([unit_of(sample) for sample in samples if takes_loss(sample, settings)], sequences=len(samples))


def coefficients(view: View, settings: DistillationSettings) -> Tensor:
    return view.measured() - view.log_probs


def objective(log_probs: Tensor, view: View, settings: DistillationSettings) -> Tensor:
    """-1/2 (log pi - log pi_teacher)^2, whose gradient at the policy's own outputs is that of -KL(pi || pi_teacher)."""
    return -0.5 * (log_probs - view.measured()) ** 2


METHOD = Method(
    name="distillation",
    title="On-policy distillation",
    description="Taught by a teacher's probabilities of what the policy itself wrote (on-policy distillation).",
    row=Table10(
        outputs="sampled from the current policy",
        reward="a model's probabilities",
        coefficient="log pi_teacher - log pi_theta",
    ),
    settings=DistillationSettings,
    source="drawn_each_step",
    measured_by="teacher",
    choose=choose,
    coefficients=coefficients,
    objective=objective,
    figures={"reverse_kl": lambda view, settings: view.log_probs - view.measured()},
    example=Example(
        settings={"teacher": "teacher"},
        lengths=(1, 1),
        log_probs=(log(0.5), log(0.2)),
        reference=(log(0.25), log(0.4)),
        coefficients=(-log(2), log(2)),
    ),
)

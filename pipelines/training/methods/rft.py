"""Rejection-sampling fine-tuning (§5.2.1): right outputs of the SFT model, drawn once, are what it is fine-tuned on."""

from __future__ import annotations

from typing import Literal

from pipelines.training.methods._method import (
    Example,
    Groups,
    Method,
    Table10,
    advantage,
    log_likelihood,
    step_of,
    takes_loss,
    unit_of,
)
from pipelines.training.rows import StepData
from pipelines.training.run_settings import OptimiserSettings, PolicySettings
from pipelines.training.samples import distinct


class RftSettings(PolicySettings):
    """§5.2.1: outputs of the SFT model, kept where the answer is right, fine-tuned on."""

    method: Literal["rft"] = "rft"
    optimiser: OptimiserSettings = OptimiserSettings(learning_rate=5e-5, steps=500)  # as §3.2


def choose_distinct_right(groups: Groups, settings: RftSettings) -> StepData:
    """The first of outputs of one question that say the same, where it is right; wrong ones have 0, and are only counted."""
    samples = [sample for group in groups for sample in distinct(group)]
    right = [sample for sample in samples if sample.reward > 0 and takes_loss(sample, settings)]
    return step_of([unit_of(sample) for sample in right], sequences=len(samples))


METHOD = Method(
    name="rft",
    title="Rejection-sampling fine-tuning (RFT)",
    description="Fine-tuned on distinct right outputs that the SFT model gave, drawn once (rejection sampling, §5.2.1).",
    row=Table10(outputs="sampled from the SFT model", reward="rule", coefficient="1 if the answer is right, else 0"),
    settings=RftSettings,
    source="drawn_once",
    choose=choose_distinct_right,
    coefficients=advantage,
    objective=log_likelihood,
    example=Example(lengths=(3,), log_probs=(-0.5, -2.0, -1.0), coefficients=(1, 1, 1)),
)

"""Online RFT (§5.2.1): as RFT, but the outputs come from the policy as it is at each step."""

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
from pipelines.training.run_settings import OnlineSettings


class OnlineRftSettings(OnlineSettings):
    """§5.2.1: as RFT, but the outputs come from the policy as it is at each step; the policy's values of §4.2."""

    method: Literal["online_rft"] = "online_rft"


def choose_right(groups: Groups, settings: OnlineRftSettings) -> StepData:
    """Right outputs, each draw for itself: the mean over all draws is an expectation under the policy."""
    samples = [sample for group in groups for sample in group]
    right = [sample for sample in samples if sample.reward > 0 and takes_loss(sample, settings)]
    return step_of([unit_of(sample) for sample in right], sequences=len(samples))


METHOD = Method(
    name="online_rft",
    title="Online RFT",
    description="Fine-tuned on right outputs of the policy as it is at each step (§5.2.1).",
    row=Table10(
        outputs="sampled from the current policy", reward="rule", coefficient="1 if the answer is right, else 0"
    ),
    settings=OnlineRftSettings,
    source="drawn_each_step",
    choose=choose_right,
    coefficients=advantage,
    objective=log_likelihood,
    example=Example(lengths=(1, 2), log_probs=(-0.5, -2.0, -1.0), coefficients=(1, 1, 1)),
)

"""DAPO (Yu et al. 2025, arXiv 2503.14476): a wider upper clip, no groups without signal, every token alike, cut outputs masked."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pipelines.training.methods._method import Example, Groups, Method, Table10, by_group, ratio_of, step_of
from pipelines.training.rows import StepData
from pipelines.training.run_settings import OnlineSettings, OptimiserSettings, SamplingSettings

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.training.view import View


class DapoSettings(OnlineSettings):
    """§4.1 of its paper: 16 outputs a question, learning rate 1e-6 after 20 steps of warm-up, clip 0.2 and 0.28, no KL.

    Departs from its §3.2: groups that are all right or all wrong are left out, and no others are drawn in their place.
    """

    method: Literal["dapo"] = "dapo"
    clip_low: float = Field(default=0.2, gt=0)
    clip_high: float = Field(default=0.28, gt=0)
    questions_per_step: int = Field(default=512, gt=0)  # "the prompt batch size is 512"
    optimiser: OptimiserSettings = OptimiserSettings(
        learning_rate=1e-6, steps=500, warmup_steps=20, average="token"
    )  # its §3.3: every token of a batch alike; steps ours
    sampling: SamplingSettings = SamplingSettings(group_size=16, cut_outputs="masked")  # its §3.4: overlong filtering

    HAS_RATIO: ClassVar[bool] = True


def choose(groups: Groups, settings: DapoSettings) -> StepData:
    """Groups with both right and wrong outputs (its §3.2: the others have no gradient and only thin the mean)."""
    mixed = [group for group in groups if len({sample.reward for sample in group}) > 1]
    return by_group(mixed, settings) if mixed else step_of([], sequences=0)


def coefficients(view: View, settings: DapoSettings) -> Tensor:
    from pipelines.training.gradient import clipped_coefficients

    ratio = ratio_of(view.log_probs, view)
    return clipped_coefficients(view.advantages, ratio, settings.clip_low, settings.clip_high)


def objective(log_probs: Tensor, view: View, settings: DapoSettings) -> Tensor:
    from pipelines.training.gradient import clipped_objective

    return clipped_objective(view.advantages, ratio_of(log_probs, view), settings.clip_low, settings.clip_high)


METHOD = Method(
    name="dapo",
    title="DAPO",
    description="GRPO with a wider upper clip and every token alike, on groups with right and wrong outputs (DAPO).",
    row=Table10(
        outputs="groups of G sampled from the current policy, those with right and wrong outputs",
        reward="rule",
        coefficient="(r - mean(r)) / std(r) over the group; averaged over tokens",
    ),
    settings=DapoSettings,
    source="drawn_each_step",
    choose=choose,
    coefficients=coefficients,
    objective=objective,
    example=Example(
        lengths=(1, 3),
        log_probs=(log(0.25), log(0.625), log(0.65), log(0.35)),
        drawn=(log(0.25), log(0.5), log(0.5), log(0.5)),
        advantages=(-1.0, 1.0, 1.0, -1.0),
        coefficients=(-1.0, 1.25, 0.0, 0.0),  # 1.25 is inside 1.28, which GRPO's clip is not; 1.3 and 0.7 are outside
    ),
)

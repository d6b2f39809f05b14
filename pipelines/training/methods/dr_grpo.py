"""Dr. GRPO (Liu et al. 2025, arXiv 2503.20783): GRPO without its two biases, the 1/std of a group and the 1/|o| of an output."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pipelines.training.methods._method import Example, Groups, Method, Table10, by_group, ratio_of
from pipelines.training.rows import StepData
from pipelines.training.run_settings import OnlineSettings

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.training.view import View


class DrGrpoSettings(OnlineSettings):
    """No KL term, no division by std; a sum over tokens divided by the budget of an output."""

    method: Literal["dr_grpo"] = "dr_grpo"
    clip: float = Field(default=0.2, gt=0)  # as PPO, of which it keeps the surrogate

    HAS_RATIO: ClassVar[bool] = True


def choose(groups: Groups, settings: DrGrpoSettings) -> StepData:
    return by_group(groups, settings, scaled=False)


def share_of_budget(view: View, settings: DrGrpoSettings) -> Tensor:
    """|o| / longest: the loop weighs by 1/|o|, this method by 1/longest, the same for every output."""
    return view.spread(view.lengths) / settings.sampling.max_new_tokens


def coefficients(view: View, settings: DrGrpoSettings) -> Tensor:
    from pipelines.training.gradient import clipped_coefficients

    found = clipped_coefficients(view.advantages, ratio_of(view.log_probs, view), settings.clip, settings.clip)
    return found * share_of_budget(view, settings)


def objective(log_probs: Tensor, view: View, settings: DrGrpoSettings) -> Tensor:
    from pipelines.training.gradient import clipped_objective

    found = clipped_objective(view.advantages, ratio_of(log_probs, view), settings.clip, settings.clip)
    return found * share_of_budget(view, settings)


METHOD = Method(
    name="dr_grpo",
    title="Dr. GRPO",
    description="GRPO without division by the group's deviation and the output's length (Dr. GRPO, arXiv 2503.20783).",
    row=Table10(
        outputs="groups of G sampled from the current policy",
        reward="rule",
        coefficient="r - mean(r) over the group; every token weighs 1/(G * longest)",
    ),
    settings=DrGrpoSettings,
    source="drawn_each_step",
    choose=choose,
    coefficients=coefficients,
    objective=objective,
    example=Example(
        settings={"sampling": {"max_new_tokens": 4}},
        lengths=(2, 1),
        log_probs=(-0.5, -2.0, -1.0),
        advantages=(0.5, 0.5, -0.5),
        coefficients=(0.25, 0.25, -0.125),  # 2 of 4 tokens, and 1 of 4
    ),
)

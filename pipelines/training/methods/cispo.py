"""CISPO (MiniMax-M1, arXiv 2506.13585): the importance weight is capped, and no token loses its gradient."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pipelines.training.methods._method import Example, Method, Table10, by_group, ratio_of
from pipelines.training.run_settings import OnlineSettings, OptimiserSettings

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.training.view import View


class CispoSettings(OnlineSettings):
    """Group-normalised rewards, averaged over tokens, no KL term."""

    method: Literal["cispo"] = "cispo"
    ratio_cap: float = Field(default=5.0, gt=0)  # ScaleRL (arXiv 2510.13786); MiniMax tuned it and gives no number
    optimiser: OptimiserSettings = OptimiserSettings(learning_rate=1e-6, steps=500, average="token")

    HAS_RATIO: ClassVar[bool] = True


def coefficients(view: View, settings: CispoSettings) -> Tensor:
    return view.advantages * ratio_of(view.log_probs, view).clamp(max=settings.ratio_cap)


def objective(log_probs: Tensor, view: View, settings: CispoSettings) -> Tensor:
    """sg(min(r, cap)) * A * log pi: the weight takes no gradient, so it is a constant of the view."""
    return coefficients(view, settings) * log_probs


METHOD = Method(
    name="cispo",
    title="CISPO",
    description="GRPO whose importance weights are capped, so that every token keeps its gradient (CISPO).",
    row=Table10(
        outputs="groups of G sampled from the current policy",
        reward="rule",
        coefficient="min(pi_theta/pi_old, cap) * (r - mean(r)) / std(r); averaged over tokens",
    ),
    settings=CispoSettings,
    source="drawn_each_step",
    choose=by_group,
    coefficients=coefficients,
    objective=objective,
    example=Example(
        settings={"ratio_cap": 2.0},
        lengths=(1, 2),
        log_probs=(log(0.5), log(0.9), log(0.1)),
        drawn=(log(0.5), log(0.3), log(0.2)),
        advantages=(1.0, 1.5, -1.0),
        coefficients=(1.0, 3.0, -0.5),  # a ratio of 3 capped at 2; one of 1/2
    ),
)

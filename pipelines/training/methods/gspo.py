"""GSPO (Zheng et al. 2025, arXiv 2507.18071): the ratio is of whole outputs, as their rewards are."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pipelines.training.methods._method import Example, Method, Table10, by_group
from pipelines.training.run_settings import OnlineSettings

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.training.view import View


class GspoSettings(OnlineSettings):
    """s = (pi_theta(o)/pi_old(o))^(1/|o|), clipped; no KL term."""

    method: Literal["gspo"] = "gspo"
    clip_low: float = Field(default=3e-4, gt=0)  # its §5.1: "left and right clipping ranges ... 3e-4 and 4e-4"
    clip_high: float = Field(default=4e-4, gt=0)

    HAS_RATIO: ClassVar[bool] = True

    @model_validator(mode="after")
    def _ratios_are_of_sequences(self) -> Self:
        if self.optimiser.average != "sequence":
            raise ValueError(
                f"gspo: expected optimiser.average to be sequence, since its ratio is of whole outputs; found "
                f"{self.optimiser.average}. Leave it away, or use dapo, which averages over tokens."
            )
        return self


def sequence_ratio(log_probs: Tensor, view: View) -> Tensor:
    """exp of the mean log-ratio of each output, on its tokens."""
    return view.spread(view.means(log_probs - view.drawn).exp())


def coefficients(view: View, settings: GspoSettings) -> Tensor:
    from pipelines.training.gradient import clipped_coefficients

    ratio = sequence_ratio(view.log_probs, view)
    return clipped_coefficients(view.advantages, ratio, settings.clip_low, settings.clip_high)


def objective(log_probs: Tensor, view: View, settings: GspoSettings) -> Tensor:
    """The value of an output, on each of its tokens, whose weights 1/|o| sum to 1."""
    from pipelines.training.gradient import clipped_objective

    return clipped_objective(view.advantages, sequence_ratio(log_probs, view), settings.clip_low, settings.clip_high)


METHOD = Method(
    name="gspo",
    title="GSPO",
    description="GRPO whose ratio and clip are of whole outputs, as their rewards are (GSPO).",
    row=Table10(
        outputs="groups of G sampled from the current policy",
        reward="rule",
        coefficient="(pi_theta(o)/pi_old(o))^(1/|o|) * (r - mean(r)) / std(r)",
    ),
    settings=GspoSettings,
    source="drawn_each_step",
    choose=by_group,
    coefficients=coefficients,
    objective=objective,
    example=Example(
        settings={"clip_low": 0.2, "clip_high": 0.2},
        lengths=(2, 2),
        log_probs=(log(0.605), log(0.5), log(0.5), log(0.9)),
        drawn=(log(0.5), log(0.5), log(0.25), log(0.45)),
        advantages=(1.0, 1.0, 1.0, 1.0),
        coefficients=(1.1, 1.1, 0.0, 0.0),  # sqrt(1.21 * 1) is inside; 2 is outside
    ),
)

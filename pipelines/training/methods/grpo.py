"""Group relative policy optimisation (§4.1): with outcome or process supervision, one or more updates, iterated or not."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pipelines.training.methods._method import (
    Example,
    Groups,
    Method,
    Table10,
    by_group,
    ratio_of,
    step_of,
    takes_loss,
    unit_of,
)
from pipelines.training.rows import StepData, Unit
from pipelines.training.run_settings import OnlineSettings
from pipelines.training.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pipelines.training.view import View


class GrpoSettings(OnlineSettings):
    """§4.2: policy learning rate 1e-6, KL coefficient 0.04, 64 outputs a question, batch 1024, one update."""

    method: Literal["grpo"] = "grpo"
    beta: float = Field(default=0.04, ge=0)  # §4.2: "The KL coefficient is 0.04"
    clip: float = Field(default=0.2, gt=0)  # epsilon of equation 3; Schulman et al. 2017 (PPO), as the paper gives none
    supervision: Literal["outcome", "process"] = "outcome"
    """`outcome` (§4.1.2): one reward at the end of each output. `process` (§4.1.3): one at the end of each reasoning step
    (line). Departs from §4.1.3: a rule rewards, not a model. A step earns 1 where an output of the group that begins with
    the same steps is right."""
    refresh_reference_every: int | None = Field(default=None, gt=0)
    """Iterative GRPO (§4.1.4): "we set the reference model to the policy model" after so many steps. None: never."""

    HAS_RATIO: ClassVar[bool] = True


def choose(groups: Groups, settings: GrpoSettings) -> StepData:
    if settings.supervision == "outcome":
        return by_group(groups, settings)
    units = [unit for group in groups for unit in units_by_step(group, settings)]
    return step_of(units, sequences=sum(len(group) for group in groups))


def units_by_step(group: Sequence[Sample], settings: GrpoSettings) -> list[Unit]:
    """The outputs of one question, each token with the sum of the normalised rewards of the steps that end at or after it."""
    import torch

    from pipelines.training.gradient import process_advantages, step_rewards

    outputs, ends = [list(sample.output_ids) for sample in group], [list(sample.step_ends) for sample in group]
    rewards = step_rewards(outputs, ends, [sample.reward for sample in group])
    advantages = process_advantages(
        [torch.tensor(one) for one in rewards], [torch.tensor(one) for one in ends], max(map(len, outputs))
    ).tolist()
    return [
        unit_of(sample, tuple(row[: len(sample.output_ids)]))
        for sample, row in zip(group, advantages, strict=True)
        if takes_loss(sample, settings)
    ]


def coefficients(view: View, settings: GrpoSettings) -> Tensor:
    from pipelines.training.gradient import clipped_coefficients, grpo_coefficients

    ratio = ratio_of(view.log_probs, view)
    advantages = clipped_coefficients(view.advantages, ratio, settings.clip, settings.clip)
    if settings.beta == 0:
        return advantages
    return grpo_coefficients(advantages, view.log_probs, view.measured(), settings.beta)


def objective(log_probs: Tensor, view: View, settings: GrpoSettings) -> Tensor:
    """Equation 3: the clipped ratio times the advantage, less beta * KL."""
    from pipelines.training.gradient import clipped_objective, kl_estimate

    found = clipped_objective(view.advantages, ratio_of(log_probs, view), settings.clip, settings.clip)
    return found if settings.beta == 0 else found - settings.beta * kl_estimate(log_probs, view.measured())


def kl(view: View, settings: GrpoSettings) -> Tensor:
    from pipelines.training.gradient import kl_estimate

    return view.log_probs * 0 if view.reference is None else kl_estimate(view.log_probs, view.reference)


def clip_share(view: View, settings: GrpoSettings) -> Tensor:
    from pipelines.training.gradient import is_clipped

    clipped = is_clipped(view.advantages, ratio_of(view.log_probs, view), settings.clip, settings.clip)
    return clipped.to(view.log_probs.dtype)


METHOD = Method(
    name="grpo",
    title="Group relative policy optimisation (GRPO)",
    description="Group relative policy optimisation: outputs of one question are judged against each other (§4).",
    row=Table10(
        outputs="groups of G sampled from the current policy",
        reward="rule",
        coefficient="(r - mean(r)) / std(r) over the group, + beta * (pi_ref/pi_theta - 1)",
    ),
    settings=GrpoSettings,
    source="drawn_each_step",
    measured_by="start",
    is_measured=lambda settings: settings.beta > 0,
    choose=choose,
    coefficients=coefficients,
    objective=objective,
    figures={"kl": kl, "clip_share": clip_share},
    steps_rewarded=lambda settings: settings.supervision == "process",
    reference_refreshed=lambda settings: settings.refresh_reference_every,
    example=Example(
        lengths=(2, 3),
        log_probs=(log(0.5), log(0.55), log(0.4), log(0.7), log(0.3)),
        drawn=(log(0.5), log(0.5), log(0.5), log(0.5), log(0.5)),  # ratios 1, 1.1, 0.8 - less, 1.4, 0.6
        reference=(log(0.5), log(0.55), log(0.8), log(0.7), log(0.3)),  # pi_ref/pi 2 at the third, 1 elsewhere
        advantages=(2.0, 2.0, 1.0, 1.0, -1.0),
        coefficients=(2.0, 2.2, 0.8 + 0.04, 0.0, 0.0),  # the last two are beyond the clip
    ),
)

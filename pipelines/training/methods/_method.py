"""What a method of training is: where its outputs come from, which of them it takes, and the coefficient of each token.

    grad J(theta) = E over (q, o) of  1/|o| * sum_t  GC(q, o, t) * grad log pi_theta(o_t | q, o_<t)      (§5.2.1, A.1)

Everything else in pipelines/training (batches, optimiser, sharding, checkpoints, log) is the same code for all of them.
These modules are read by recipes, so nothing here imports torch when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from evaluators.records import Settings
from pipelines.training.rows import StepData, Unit, row_of
from pipelines.training.samples import Sample

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.training.view import View

Groups = Sequence[Sequence[Sample]]
"""The outputs of a step, those of one question together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table10:
    """The method's row in the paper's Table 10."""

    outputs: str
    """Where the outputs o come from."""
    reward: Literal["none", "rule", "a model's probabilities"]
    coefficient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A batch with its coefficients worked by hand; the contract test also holds them against finite differences.

    Numbers are of tokens, sequence after sequence. `drawn` None: the policy as it is drew them.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the defaults."""
    lengths: Sequence[int]
    log_probs: Sequence[float]
    drawn: Sequence[float] | None = None
    reference: Sequence[float] | None = None
    advantages: Sequence[float] | None = None
    coefficients: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method. Functions take its own settings as their last argument."""

    name: str
    title: str
    description: str
    """For who looks at the graph."""
    row: Table10
    settings: type[Settings]
    source: Literal["packed", "drawn_once", "drawn_each_step"]
    """Rows of the mixture; outputs of the model that training begins with; outputs of the policy at each step."""
    measured_by: Literal["nothing", "start", "teacher"] = "nothing"
    """The frozen model whose log-probabilities a coefficient holds: the one training begins with, or `settings.teacher`."""
    is_measured: Callable[[Any], bool] = lambda settings: True
    """Whether these settings make use of that model."""
    choose: Callable[[Groups, Any], StepData] | None = None
    """What is learnt from the outputs of a step; None for packed rows."""
    coefficients: Callable[[View, Any], Tensor]
    """GC of each token. It is the gradient of `objective`, which the contract test holds."""
    objective: Callable[[Tensor, View, Any], Tensor]
    """What the method maximises, a value for each token, averaged as the coefficients are; the first argument is the
    policy's log-probabilities, of which the view holds the values alone. The log shows its negative as the loss."""
    figures: Mapping[str, Callable[[View, Any], Tensor]] = field(default_factory=dict)
    """For the log, each the mean of what its function gives."""
    steps_rewarded: Callable[[Any], bool] = lambda settings: False
    """Whether the ends of reasoning steps are needed."""
    reference_refreshed: Callable[[Any], int | None] = lambda settings: None
    """After how many steps the policy becomes the model that it is measured against; None: never."""
    example: Example


def log_likelihood(log_probs: Tensor, view: View, settings: object) -> Tensor:
    """The objective of what is fine-tuned on its outputs: log pi itself, whose coefficient is the advantage."""
    return log_probs * view.advantages


def advantage(view: View, settings: object) -> Tensor:
    return view.advantages


def unit_of(sample: Sample, advantages: float | Sequence[float] = 1.0) -> Unit:
    row = row_of(sample.prompt_ids, sample.output_ids)
    return Unit(rows=(row,), advantages=advantages, drawn=tuple(sample.log_probs))


def by_group(groups: Groups, settings: Any, *, scaled: bool = True) -> StepData:
    """Every output with its reward's advantage over its group: (r - mean) / std, or r - mean where it is not `scaled`.

    A cut output that is masked counts in its group, and in the mean over outputs, and takes no loss.
    """
    import torch

    from pipelines.training.gradient import group_advantages

    units: list[Unit] = []
    for group in groups:
        rewards = torch.tensor([[sample.reward for sample in group]])
        found = group_advantages(rewards) if scaled else rewards - rewards.mean()
        advantages: list[float] = found[0].tolist()
        units += [
            unit_of(sample, a) for sample, a in zip(group, advantages, strict=True) if takes_loss(sample, settings)
        ]
    return step_of(units, sequences=sum(len(group) for group in groups))


def takes_loss(sample: Sample, settings: Any) -> bool:
    return not (sample.finish == "length" and settings.sampling.cut_outputs == "masked")


def step_of(units: Sequence[Unit], *, sequences: int) -> StepData:
    tokens = sum(row.scored(slice(0, len(row.input_ids))) for unit in units for row in unit.rows)
    return StepData(units=units, sequences=sequences, tokens=tokens)


def ratio_of(log_probs: Tensor, view: View) -> Tensor:
    """pi_theta/pi_old of each token."""
    return (log_probs - view.drawn).exp()

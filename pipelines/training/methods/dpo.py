"""Direct preference optimisation (A.1.4) on pairs of a right and a wrong output of the SFT model."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from pipelines.training.methods._method import Example, Groups, Method, Table10, step_of, takes_loss, unit_of
from pipelines.training.rows import StepData, Unit
from pipelines.training.run_settings import OptimiserSettings, PolicySettings, SamplingSettings

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.training.view import View


class DpoSettings(PolicySettings):
    """Pairs (right, wrong) sampled from the SFT model; the optimiser of DeepSeek LLM's DPO."""

    method: Literal["dpo"] = "dpo"
    beta: float = Field(default=0.1, gt=0)  # Rafailov et al. 2023, appendix B; neither paper gives it
    length_normalised: bool = True  # A.1.4 divides each log-ratio by |o|; False is the original DPO, a plain sum
    questions_per_step: int = Field(default=512, gt=0)  # LLM §4: DPO with batch size 512; one pair per question
    optimiser: OptimiserSettings = OptimiserSettings(
        learning_rate=5e-6,
        steps=280,
        schedule="cosine",
        warmup_steps=28,  # LLM §4: 5e-6, warm-up, cosine; 1 epoch
    )
    sampling: SamplingSettings = SamplingSettings(group_size=8)  # ours: enough to find one right and one wrong

    @model_validator(mode="after")
    def _pairs_are_sequences(self) -> Self:
        if self.optimiser.average != "sequence":
            raise ValueError(
                f"dpo: expected optimiser.average to be sequence, since a pair compares whole outputs; found "
                f"{self.optimiser.average}. Use dpo.length_normalised to choose between mean and sum over tokens."
            )
        return self


def choose_pairs(groups: Groups, settings: DpoSettings) -> StepData:
    """Of each question the first right and the first wrong output; a question without both is left out."""
    units: list[Unit] = []
    for group in groups:
        known = [sample for sample in group if takes_loss(sample, settings)]
        right = next((sample for sample in known if sample.reward > 0), None)
        wrong = next((sample for sample in known if sample.reward <= 0), None)
        if right is not None and wrong is not None:
            units.append(Unit(rows=(*unit_of(right).rows, *unit_of(wrong).rows)))
    return step_of(units, sequences=len(units))


def preference_margin(log_probs: Tensor, view: View, settings: DpoSettings) -> Tensor:
    """beta * (log-ratio of the right - log-ratio of the wrong output), [pairs]: the implicit reward between them."""
    ratios = view.sums(log_probs - view.measured())
    if settings.length_normalised:
        ratios = ratios / view.lengths
    right, wrong = ratios.view(-1, 2).unbind(dim=1)
    return settings.beta * (right - wrong)


def coefficients(view: View, settings: DpoSettings) -> Tensor:
    from pipelines.training.gradient import dpo_coefficients

    found = dpo_coefficients(
        view.log_probs,
        view.measured(),
        view.sequence,
        pairs=view.sequences // 2,
        beta=settings.beta,
        length_normalised=settings.length_normalised,
    )
    # The loop weighs by 1/|o|; the original DPO sums over the tokens.
    return found if settings.length_normalised else found * view.spread(view.lengths)


def objective(log_probs: Tensor, view: View, settings: DpoSettings) -> Tensor:
    """log sigma(margin) of each pair, half of it on each output, whose weights 1/|o| sum to 1."""
    pairs = preference_margin(log_probs, view, settings).sigmoid().log()
    return view.spread(pairs.repeat_interleave(2)) / 2


METHOD = Method(
    name="dpo",
    title="Direct preference optimisation (DPO)",
    description="Taught by pairs of a right and a wrong output of the SFT model to prefer the right one (A.1.4).",
    row=Table10(
        outputs="(right, wrong) pairs sampled from the SFT model",
        reward="rule",
        coefficient="±beta * sigmoid(beta * (ratio of the wrong - ratio of the right)), ratio = log pi/pi_ref",
    ),
    settings=DpoSettings,
    source="drawn_once",
    measured_by="start",
    choose=choose_pairs,
    coefficients=coefficients,
    objective=objective,
    figures={
        "margin": lambda view, settings: preference_margin(view.log_probs, view, settings),
        "preference_accuracy": lambda view, settings: (preference_margin(view.log_probs, view, settings) > 0).to(
            view.log_probs.dtype
        ),
    },
    example=Example(
        settings={"beta": 1.0},
        lengths=(2, 1),
        log_probs=(-1.0, -1.0 + log(9), -1.0),
        reference=(-1.0, -1.0, -1.0),
        coefficients=(0.25, 0.25, -0.25),  # the right one's mean log-ratio is log 3: sigma(-log 3) = 1/4
    ),
)

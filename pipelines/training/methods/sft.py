"""Supervised fine-tuning on a packed mixture (§3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log
from typing import Literal

from pydantic import Field

from evaluators.records import Settings
from pipelines.training.methods._method import Example, Method, Table10, advantage, log_likelihood
from pipelines.training.run_settings import MachineSettings, OptimiserSettings


class SftSettings(Settings):
    """§3.2: 500 steps, batch 256, constant learning rate 5e-5, context 4K."""

    method: Literal["sft"] = "sft"
    seed: int = 42  # ours
    batch_rows: int = Field(default=256, gt=0)  # §3.2: "a batch size of 256"; a row holds packed examples (§3.1)
    optimiser: OptimiserSettings = OptimiserSettings(learning_rate=5e-5, steps=500)  # §3.2
    epochs: Mapping[float, float] = Field(default_factory=dict)
    """Passes over the mixture by the model's size in billions of parameters, of which the nearest decides, in place of
    `optimiser.steps`. LLM §5: {7: 4, 67: 2}, the 67B for fewer since it overfits."""
    machine: MachineSettings = MachineSettings()

    def steps_for(self, parameters: int, rows: int) -> int:
        """Optimiser steps of a model of that size on that many packed rows."""
        if not self.epochs:
            return self.optimiser.steps
        size = min(self.epochs, key=lambda size: abs(log(size * 1e9 / parameters)))
        return ceil(self.epochs[size] * rows / self.batch_rows)


METHOD = Method(
    name="sft",
    title="Supervised fine-tuning (SFT)",
    description="The base model after supervised fine-tuning on the packed mixture (§3.2).",
    row=Table10(outputs="the SFT set", reward="none", coefficient="1"),
    settings=SftSettings,
    source="packed",
    coefficients=advantage,
    objective=log_likelihood,
    example=Example(lengths=(2, 1), log_probs=(-0.5, -2.0, -1.0), coefficients=(1, 1, 1)),
)

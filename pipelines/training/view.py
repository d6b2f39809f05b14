"""What a method sees of a micro-batch when it gives each scored token its coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pipelines.training.gradient import sequence_sums
from pipelines.training.rows import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The scored tokens of all sequences in one line; natural logarithms; nothing here takes a gradient."""

    log_probs: Tensor  # [tokens], of the policy as it is
    drawn: Tensor  # [tokens], of the policy that drew them: the same at the first update after an exploration
    reference: Tensor | None  # [tokens], of the model that the method measures against
    advantages: Tensor  # [tokens]
    sequence: Tensor  # [tokens], the sequence of each: 0, 1, ...
    sequences: int

    @property
    def lengths(self) -> Tensor:
        """Scored tokens of each sequence, [sequences]."""
        return torch.bincount(self.sequence, minlength=self.sequences).clamp(min=1)

    def sums(self, values: Tensor) -> Tensor:
        """Of [tokens] over each sequence, [sequences]."""
        return sequence_sums(values, self.sequence, self.sequences)

    def means(self, values: Tensor) -> Tensor:
        return self.sums(values) / self.lengths

    def spread(self, values: Tensor) -> Tensor:
        """Of [sequences] to each of its tokens, [tokens]."""
        return values[self.sequence]

    def measured(self) -> Tensor:
        """`reference`, of a method that asked for one."""
        assert self.reference is not None, "the method names no model to measure against"
        return self.reference


def view_of(units: Sequence[Unit], log_probs: Tensor, reference: Tensor | None, sequence: Tensor) -> View:
    """The view of units whose scored tokens stand in `log_probs`, in their order."""
    advantages = torch.ones_like(log_probs)
    drawn = log_probs.clone()
    begin = 0
    for unit in units if any(unit.advantages != 1.0 or unit.drawn for unit in units) else ():
        end = begin + sum(row.scored(example) for row in unit.rows for example in row.examples())
        advantages[begin:end] = torch.as_tensor(unit.advantages, dtype=log_probs.dtype)
        if unit.drawn:
            drawn[begin:end] = torch.as_tensor(unit.drawn, dtype=log_probs.dtype)
        begin = end
    pairs = any(len(unit.rows) == 2 for unit in units)
    return View(
        log_probs=log_probs,
        drawn=drawn,
        reference=reference,
        advantages=advantages,
        sequence=sequence,
        sequences=2 * len(units) if pairs else int(sequence.max()) + 1 if len(sequence) else 0,
    )

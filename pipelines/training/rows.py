"""Sequences of tokens before they are tensors, and what one step learns from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

IGNORED = -100
"""The label of a token that takes no loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Token ids of one or more examples, one after the other."""

    input_ids: Sequence[int]
    labels: Sequence[int]
    position_ids: Sequence[int]

    def examples(self) -> list[slice]:
        """Where each example begins and ends."""
        starts = [i for i, position in enumerate(self.position_ids) if position == 0 or i == 0]
        return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(self.input_ids)], strict=True)]

    def scored(self, example: slice) -> int:
        """How many tokens of an example take loss: its first token follows nothing, so it never does."""
        return sum(label != IGNORED for label in self.labels[example.start + 1 : example.stop])


def row_of(prompt: Sequence[int], output: Sequence[int]) -> Row:
    """One sequence: loss on the output only."""
    ids = [*prompt, *output]
    return Row(input_ids=ids, labels=[*[IGNORED] * len(prompt), *output], position_ids=range(len(ids)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Rows that must be scored together: one row, or the right and the wrong output of a DPO pair."""

    rows: tuple[Row, ...]
    advantages: float | Sequence[float] = 1.0
    """One number for all of its scored tokens, or one for each."""
    drawn: Sequence[float] = ()
    """Log-probability of each scored token under the policy that drew it; empty where this update is the first after."""

    @property
    def joined(self) -> Row:
        """Its rows as one, to be measured."""
        if len(self.rows) == 1:
            return self.rows[0]
        return Row(
            input_ids=[i for row in self.rows for i in row.input_ids],
            labels=[i for row in self.rows for i in row.labels],
            position_ids=[i for row in self.rows for i in row.position_ids],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepData:
    """What one process does in one step. Denominators are this process's share of the whole batch's."""

    units: Sequence[Unit]
    sequences: int
    """Sequences (DPO: pairs) that the mean is over, those with a coefficient of 0 included."""
    tokens: int
    """Scored tokens."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """For the log: sums over the outputs that this process drew, of reward, length ..."""
    outputs: int = 0
    """How many those are."""

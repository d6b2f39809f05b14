"""What each method puts into the one gradient: the units of a step, and their coefficients."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from pipelines.training.batches import Batch, PackedRows, Row, row_of
from pipelines.training.gradient import dpo_coefficients, group_advantages, grpo_coefficients
from pipelines.training.samples import Sample, distinct
from pipelines.training.trainer import StepData, Unit


class SampleSource(Protocol):
    """Groups of sampled outputs, one group for each question of a step."""

    def groups(self, step: int) -> list[list[Sample]]:
        """This process's share of the groups of a step."""
        ...


class PackedExamples:
    """SFT (and continued pre-training): every scored token of the packed rows has coefficient 1."""

    def __init__(self, rows: PackedRows, *, batch_rows: int, seed: int, process: int, processes: int) -> None:
        self._rows, self._batch_rows, self._seed = rows, batch_rows, seed
        self._process, self._processes = process, processes
        self._next = 0
        self._order: Iterator[Row] | None = None

    def data(self, step: int) -> StepData:
        if self._order is None or step != self._next:  # the first step, or the first one after a checkpoint
            self._order = self._rows.order(self._seed)
            self._skip(step * self._batch_rows)
        rows = list(itertools.islice(self._order, self._batch_rows))
        self._next = step + 1
        mine = rows[self._process :: self._processes]
        lengths = [row.scored(example) for row in mine for example in row.examples()]
        return StepData(
            units=[Unit(rows=(row,)) for row in mine if any(row.scored(example) for example in row.examples())],
            sequences=sum(length > 0 for length in lengths),
            tokens=sum(lengths),
        )

    def coefficients(self, units: Sequence[Unit], batch: Batch, log_probs: Tensor) -> Tensor:
        return torch.ones_like(log_probs)

    def _skip(self, rows: int) -> None:
        assert self._order is not None
        for _ in itertools.islice(self._order, rows):
            pass


@dataclass(frozen=True, slots=True, kw_only=True)
class RightOutputs:
    """RFT and Online RFT: coefficient 1 on right outputs; wrong ones have 0, and are only counted."""

    source: SampleSource
    distinct: bool
    """RFT takes the first of outputs that say the same; to Online RFT, each is a draw of its own."""

    def data(self, step: int) -> StepData:
        groups = self.source.groups(step)
        samples = [sample for group in groups for sample in (distinct(group) if self.distinct else group)]
        right = [sample for sample in samples if sample.reward > 0]
        return StepData(
            units=[unit_of(sample) for sample in right],
            sequences=len(samples),
            tokens=sum(len(sample.output_ids) for sample in right),
            figures=mean_figures(samples),
        )

    def coefficients(self, units: Sequence[Unit], batch: Batch, log_probs: Tensor) -> Tensor:
        return torch.ones_like(log_probs)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRelative:
    """GRPO with outcome supervision: advantage over the group, and the KL term against the reference."""

    source: SampleSource
    reference: Any
    """The frozen model that training began with."""
    beta: float
    autocast: Any
    """Called for a context: the precision of the reference's forward pass, which must be the policy's."""

    def data(self, step: int) -> StepData:
        units: list[Unit] = []
        samples: list[Sample] = []
        for group in self.source.groups(step):
            advantages = group_advantages(torch.tensor([[sample.reward for sample in group]])).squeeze(0)
            units += [unit_of(sample, a) for sample, a in zip(group, advantages.tolist(), strict=True)]
            samples += group
        return StepData(
            units=units,
            sequences=len(samples),
            tokens=sum(len(sample.output_ids) for sample in samples),
            figures=mean_figures(samples),
        )

    def coefficients(self, units: Sequence[Unit], batch: Batch, log_probs: Tensor) -> Tensor:
        advantages = torch.tensor([unit.advantage for unit in units], device=log_probs.device)[batch.sequence]
        if self.beta == 0:
            return advantages
        return grpo_coefficients(advantages, log_probs, self._reference_log_probs(batch), self.beta)

    def _reference_log_probs(self, batch: Batch) -> Tensor:
        with torch.no_grad(), self.autocast():
            scores: Tensor = self.reference(batch)
        return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencePairs:
    """DPO: of each question one right and one wrong output; a question without both is left out."""

    source: SampleSource
    reference: Any
    beta: float
    length_normalised: bool
    autocast: Any

    def data(self, step: int) -> StepData:
        units: list[Unit] = []
        samples: list[Sample] = []
        for group in self.source.groups(step):
            samples += group
            right = next((sample for sample in group if sample.reward > 0), None)
            wrong = next((sample for sample in group if sample.reward <= 0), None)
            if right is not None and wrong is not None:
                units.append(Unit(rows=(*unit_of(right).rows, *unit_of(wrong).rows)))
        tokens = sum(row.scored(slice(0, len(row.input_ids))) for unit in units for row in unit.rows)
        return StepData(units=units, sequences=len(units), tokens=tokens, figures=mean_figures(samples))

    def coefficients(self, units: Sequence[Unit], batch: Batch, log_probs: Tensor) -> Tensor:
        with torch.no_grad(), self.autocast():
            reference = self.reference(batch)
        coefficients = dpo_coefficients(
            log_probs,
            reference,
            batch.sequence,
            pairs=len(units),
            beta=self.beta,
            length_normalised=self.length_normalised,
        )
        if self.length_normalised:
            return coefficients
        # The loop weighs by 1/|o|; the original DPO sums over the tokens.
        return coefficients * torch.bincount(batch.sequence)[batch.sequence]


def unit_of(sample: Sample, advantage: float = 1.0) -> Unit:
    return Unit(rows=(row_of(sample.prompt_ids, sample.output_ids),), advantage=advantage)


def mean_figures(samples: Sequence[Sample]) -> dict[str, float]:
    """For the log: the mean reward and the mean length of what was drawn."""
    if not samples:
        return {"reward": 0.0}
    return {
        "reward": sum(sample.reward for sample in samples) / len(samples),
        "output_tokens": sum(len(sample.output_ids) for sample in samples) / len(samples),
    }

"""What each method puts into the one gradient: the units of a step, and their coefficients."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from pipelines.training.batches import Batch, PackedRows
from pipelines.training.language_model import LanguageModel
from pipelines.training.methods import Method
from pipelines.training.rows import Row, StepData, Unit
from pipelines.training.samples import Sample, sum_figures
from pipelines.training.view import View, view_of


class StepSource(Protocol):
    def data(self, step: int) -> StepData:
        """The work of step 0, 1, ...; the same for the same step, however often the run was stopped."""
        ...


class SampleSource(Protocol):
    """Groups of sampled outputs, one group for each question of a step."""

    def groups(self, step: int) -> list[list[Sample]]:
        """This process's share of the groups of a step."""
        ...


class PackedExamples:
    """Rows of a packed mixture, in an order that the seed fixes (SFT and continued pre-training)."""

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

    def _skip(self, rows: int) -> None:
        assert self._order is not None
        for _ in itertools.islice(self._order, rows):
            pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledGroups:
    """What a method takes of the outputs that were drawn for a step."""

    source: SampleSource
    method: Method
    settings: Any

    def data(self, step: int) -> StepData:
        assert self.method.choose is not None, f"{self.method.name} learns from packed rows"
        groups = self.source.groups(step)
        chosen = self.method.choose(groups, self.settings)
        samples = [sample for group in groups for sample in group]
        return replace(chosen, figures=sum_figures(samples), outputs=len(samples))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The frozen model that a method measures the policy against, in the precision of the policy's forward pass."""

    model: LanguageModel
    autocast: Any
    """Called for a context."""
    refreshed_every: int | None = None
    """After so many steps the policy takes its place (§4.1.4); None: never."""

    def log_probs(self, batch: Batch) -> Tensor:
        with torch.no_grad(), self.autocast():
            scores: Tensor = self.model(batch)
        return scores

    def before_step(self, step: int, policy: LanguageModel) -> None:
        """Take the policy's weights where a step begins a new iteration."""
        if self.refreshed_every is None or step == 0 or step % self.refreshed_every:
            return
        with torch.no_grad():
            for mine, its in zip(self.model.parameters(), policy.parameters(), strict=True):
                mine.copy_(its)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodObjective:
    """A method with its data, as the training loop takes it."""

    method: Method
    settings: Any
    source: StepSource
    reference: Reference | None = None
    policy: Callable[[], LanguageModel] | None = None
    """The policy itself, for a reference that is refreshed."""

    @property
    def figure_names(self) -> Sequence[str]:
        return sorted(self.method.figures)

    def data(self, step: int) -> StepData:
        if self.reference is not None and self.policy is not None:
            self.reference.before_step(step, self.policy())
        return self.source.data(step)

    def view(self, units: Sequence[Unit], batch: Batch, log_probs: Tensor) -> View:
        reference = None if self.reference is None else self.reference.log_probs(batch)
        return view_of(units, log_probs, reference, batch.sequence)

    def coefficients(self, view: View) -> Tensor:
        return self.method.coefficients(view, self.settings)

    def objective(self, view: View) -> Tensor:
        return self.method.objective(view.log_probs, view, self.settings)

    def figures(self, view: View) -> dict[str, Tensor]:
        return {name: figure(view, self.settings) for name, figure in self.method.figures.items()}

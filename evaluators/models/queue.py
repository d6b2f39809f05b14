"""One queue for a whole evaluation: what is expected to take longest is begun first, so that nothing long is left for last.

How long an answer takes nobody knows; answers to problems of the same benchmark, form and level are the best witnesses.
Until one of them is there, sorts take turns; within a sort the longer question goes first.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from evaluators.models.prompting import Prompt, Prompter
from evaluators.models.settings import EvaluationSettings
from evaluators.records import Form, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask:
    """One benchmark in one form, under settings that hold for it."""

    name: str
    form: Form
    problems: tuple[Problem, ...]
    settings: EvaluationSettings
    """Of this benchmark and form: EvaluationSettings.for_task."""
    prompter: Prompter

    def prompt(self, problem: Problem, *, instruction: bool = True) -> Prompt:
        return self.prompter.prompt(problem, self.form, instruction=instruction)

    @property
    def completions(self) -> int:
        return len(self.problems) * self.settings.samples


@dataclass(frozen=True, slots=True)
class Unit:
    """What one worker does at a time: some samples of one problem."""

    task: int
    """Its place in the plan."""
    problem: int
    samples: range


@dataclass(slots=True)
class _Sort:
    """Units whose answers are expected to be about as long."""

    waiting: list[tuple[int, int, Unit]] = field(default_factory=list)
    taken: int = 0
    answered: int = 0
    tokens: int = 0

    def urgency(self) -> tuple[bool, float]:
        """Whether nothing is known of it, then how long its answers are, or how few were begun."""
        if not self.answered:
            return (True, -self.taken)
        return (False, self.tokens / self.answered)


class LongestFirst:
    """An iterator over the units of a plan, in the order in which they are best begun; `learn` what each took."""

    def __init__(self, plan: Iterable[PlannedTask], *, samples_together: int = 1) -> None:
        self._sorts: dict[tuple[int, str | None], _Sort] = {}
        for number, task in enumerate(plan):
            for place, problem in enumerate(task.problems):
                sort = self._sorts.setdefault((number, problem.level), _Sort())
                for start in range(0, task.settings.samples, samples_together):
                    samples = range(start, min(start + samples_together, task.settings.samples))
                    sort.waiting.append((-len(problem.question), len(sort.waiting), Unit(number, place, samples)))
        self._by_unit = {
            (unit.task, unit.problem): sort for sort in self._sorts.values() for _, _, unit in sort.waiting
        }
        for sort in self._sorts.values():
            heapq.heapify(sort.waiting)

    def __iter__(self) -> Iterator[Unit]:
        return self

    def __next__(self) -> Unit:
        ready = [sort for sort in self._sorts.values() if sort.waiting]
        if not ready:
            raise StopIteration
        sort = max(ready, key=_Sort.urgency)
        sort.taken += 1
        return heapq.heappop(sort.waiting)[2]

    def learn(self, unit: Unit, tokens: int) -> None:
        """What one answer of a unit took."""
        sort = self._by_unit[unit.task, unit.problem]
        sort.answered += 1
        sort.tokens += tokens

"""Puts problems to a model: one queue for all benchmarks, forms and samples of an evaluation.

Every trajectory advances on its own: while one waits for its program, the others generate, so the server never idles
until the slowest of a round is done. Whatever happens to a trajectory, it ends in exactly one Completion.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from evaluators.grading import judged_by_tests
from evaluators.models.cache import GenerationCache
from evaluators.models.prompting import Prompt, Prompter
from evaluators.models.queue import LongestFirst, PlannedTask, Unit
from evaluators.models.sampling import GroupSampler, Sampler
from evaluators.models.settings import EvaluationSettings
from evaluators.models.tally import UNKEPT, Tally
from evaluators.models.trajectory import EvaluationError, Failures, Trajectories
from evaluators.progress import report_progress
from evaluators.records import Completion, Problem

if TYPE_CHECKING:
    from evaluators.sandbox import Sandbox


async def evaluate(
    problems: Sequence[Problem],
    sampler: Sampler,
    settings: EvaluationSettings,
    sandbox: Sandbox | None = None,
    cache: GenerationCache | None = None,
    *,
    prompter: Prompter | None = None,
) -> list[Completion]:
    """Put every problem to the sampler `settings.samples` times: one Completion each, by problem, then sample.

    A call that fails after every retry gives a Completion with `finish="error"`; the number of Completions never
    changes. Forms with programs need `sandbox`. Raises EvaluationError where the endpoint is plainly gone.
    """
    task = PlannedTask(
        name="",
        form=settings.form,
        problems=tuple(problems),
        settings=settings,
        prompter=prompter or Prompter(settings.prompt, system=settings.system),
    )
    found: list[Completion] = []
    await run_plan([task], sampler, sandbox, cache or GenerationCache(), lambda _, __, done: found.extend(done))
    return found


async def run_plan(
    plan: Sequence[PlannedTask],
    sampler: Sampler,
    sandbox: Sandbox | None,
    cache: GenerationCache,
    finished: Callable[[PlannedTask, Tally, Iterator[Completion]], None],
    *,
    replicas: int = 1,
) -> None:
    """Answer all tasks of a plan through one queue; each is handed to `finished` as soon as it is done, its completions by
    problem, then sample. Raises EvaluationError, SamplingError."""
    if sandbox is None and any(task.form != "cot" for task in plan):
        raise EvaluationError("tool-integrated evaluation: expected a sandbox to run programs in; found none")
    failures = Failures()
    answers = [_Answers(task, Trajectories(sampler, task.settings, sandbox, cache, failures), cache) for task in plan]
    for one in answers:
        one.prompt_of_first()  # a template that forbids what is sent says so before anything is
    together = sampler.group_size if isinstance(sampler, GroupSampler) else 1
    together = min(together, max((task.settings.samples for task in plan), default=1))
    queue = LongestFirst(plan, samples_together=together)
    total = sum(task.completions for task in plan)
    forms = ", ".join(dict.fromkeys(task.form for task in plan))
    with report_progress(total=total, desc=f"completions, {forms}", unit="answer") as progress:

        async def worker() -> None:
            for unit in queue:  # shared: each worker takes the next that nobody has
                own = answers[unit.task]
                for completion in await own.answer(unit):
                    queue.learn(unit, completion.completion_tokens)
                progress.update(len(unit.samples))
                if own.left == 0:
                    finished(own.task, own.tally, own.completions())

        for one in answers:
            if not one.task.completions:
                finished(one.task, one.tally, iter(()))
        concurrency = max((task.settings.concurrency for task in plan), default=1) * replicas
        await _all([worker for _ in range(max(1, min(concurrency, total) // together))])
    if any(one.left for one in answers):
        raise EvaluationError(f"expected {total} completions; found {total - sum(one.left for one in answers)}")


class _Answers:
    """The completions of one task as they come. Those that the cache keeps are held by their keys alone, so that a hundred
    thousand need no more memory than a hundred."""

    def __init__(self, task: PlannedTask, trajectories: Trajectories, cache: GenerationCache) -> None:
        self.task = task
        self.left = task.completions
        self.tally = Tally()
        self._trajectories = trajectories
        self._cache = cache
        self._unkept: dict[tuple[int, int], Completion] = {}

    def prompt_of_first(self) -> None:
        if self.task.problems:
            self._prompt(0)

    async def answer(self, unit: Unit) -> list[Completion]:
        """The completions of a unit. Raises EvaluationError, SamplingError."""
        problem = self.task.problems[unit.problem]
        found = await self._trajectories.complete_samples(problem, unit.samples, self._prompt(unit.problem))
        for completion in found:
            self.tally.add(completion)
            if completion.finish in UNKEPT:
                self._unkept[unit.problem, completion.sample] = completion
        self.left -= len(found)
        return found

    def completions(self) -> Iterator[Completion]:
        """All of them, by problem, then sample."""
        for place, problem in enumerate(self.task.problems):
            prompt = self._prompt(place)
            for sample in range(self.task.settings.samples):
                kept = self._unkept.get((place, sample))
                if kept is None:
                    kept = self._cache.stored_completion(
                        self._trajectories.key(sample, prompt), problem.id, prompt.text
                    )
                if kept is None:
                    raise EvaluationError(f"expected a completion of {problem.id}, sample {sample}; found none")
                yield kept

    def _prompt(self, place: int) -> Prompt:
        problem = self.task.problems[place]
        return self.task.prompt(problem, instruction=not judged_by_tests(problem))


async def _all(workers: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run them together; the first failure stops the rest and is raised as itself."""
    tasks = [asyncio.ensure_future(worker()) for worker in workers]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

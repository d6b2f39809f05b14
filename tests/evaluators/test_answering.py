"""One queue over benchmarks, forms and samples, on a clock of its own: no test here waits, and none depends on the load."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from evaluators.answering import run_plan
from evaluators.models.cache import GenerationCache
from evaluators.models.gate import Gate
from evaluators.models.prompting import Prompter
from evaluators.models.queue import LongestFirst, PlannedTask
from evaluators.models.sampling import Generation, Request, ScriptedSampler
from evaluators.models.settings import EvaluationSettings
from evaluators.models.tally import Tally
from evaluators.records import Completion, Problem


class VirtualClock(asyncio.SelectorEventLoop):
    """Where nothing is left to do but wait, the time has come at once."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # asyncio's own
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def seconds_of(work: Callable[[], Coroutine[Any, Any, Any]]) -> float:
    """Virtual seconds that it takes."""
    loop = VirtualClock()
    try:
        loop.run_until_complete(work())
        return loop.time()
    finally:
        loop.close()


def plan(benchmarks: int, problems: int, **asked: Any) -> list[PlannedTask]:
    settings = EvaluationSettings.model_validate(asked)
    return [
        PlannedTask(
            name=f"b{place}",
            form="cot",
            problems=tuple(
                Problem(id=f"b{place}/{n}", benchmark=f"b{place}", question=f"b{place} q{n}", reference="1")
                for n in range(problems)
            ),
            settings=settings.for_task(f"b{place}", "cot"),
            prompter=Prompter("question"),
        )
        for place in range(benchmarks)
    ]


def long_tailed(request: Request) -> float:
    """Of most answers a second, of one in thirty six."""
    return 6.0 if " q7\n" in request.prompt else random.Random(request.prompt).uniform(0.2, 1.5)


def collect(found: dict[str, list[Completion]]) -> Callable[[PlannedTask, Tally, Any], None]:
    return lambda task, tally, completions: found.update({task.name: list(completions)})


def test_six_long_tailed_benchmarks_take_little_more_than_their_longest_answer() -> None:
    found: dict[str, list[Completion]] = {}
    sampler = ScriptedSampler(lambda request: "x", delay=long_tailed)
    took = seconds_of(lambda: run_plan(plan(6, 30), sampler, None, GenerationCache(), collect(found)))
    assert 6.0 <= took <= 1.3 * 6.0
    assert {name: len(completions) for name, completions in found.items()} == {f"b{n}": 30 for n in range(6)}


def test_a_hard_benchmark_that_comes_last_in_the_plan_is_not_left_for_last() -> None:
    """Eight at once; five easy benchmarks of answers of 1 s, then one of 30 of 8 s: 400 s of work, so 50 s at best."""
    sampler = ScriptedSampler(
        lambda request: Generation(
            text="x",
            finish="stop",
            prompt_tokens=1,
            completion_tokens=800 if request.prompt.startswith("b5") else 100,
            seconds=0.0,
        ),
        delay=lambda request: 8.0 if request.prompt.startswith("b5") else 1.0,
    )
    took = seconds_of(lambda: run_plan(plan(6, 30, concurrency=8), sampler, None, GenerationCache(), lambda *_: None))
    assert 48.0 <= took <= 54.0  # 390 s of work; in the order of the plan the last eight seconds have idle servers


def test_each_benchmark_is_written_as_soon_as_it_is_done() -> None:
    order: list[str] = []
    sampler = ScriptedSampler(
        lambda request: "x", delay=lambda request: 1.0 if request.prompt.startswith("b1") else 9.0
    )
    seconds_of(
        lambda: run_plan(plan(2, 3), sampler, None, GenerationCache(), lambda task, tally, _: order.append(task.name))
    )
    assert order == ["b1", "b0"]


def test_settings_of_one_benchmark_hold_for_it_alone() -> None:
    found: dict[str, list[Completion]] = {}
    sampler = ScriptedSampler(lambda request: str(request.max_tokens))
    asked = {"only": {"b1": {"max_new_tokens": 7, "samples": 2}, "b1|cot": {"max_new_tokens": 9}}}
    seconds_of(lambda: run_plan(plan(2, 1, **asked), sampler, None, GenerationCache(), collect(found)))
    assert {name: [one.text for one in completions] for name, completions in found.items()} == {
        "b0": ["1024"],
        "b1": ["9", "9"],
    }


def test_a_setting_that_no_benchmark_may_change_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"only\.gsm8k: expected settings of sampling that may differ; found concurrency"
    ):
        EvaluationSettings(only={"gsm8k": {"concurrency": 3}})


def test_kept_completions_are_held_by_key_and_read_back_in_order() -> None:
    found: dict[str, list[Completion]] = {}
    sampler = ScriptedSampler(lambda request: request.prompt.splitlines()[0], delay=long_tailed)
    seconds_of(lambda: run_plan(plan(1, 40), sampler, None, GenerationCache(), collect(found)))
    assert [one.text for one in found["b0"]] == [f"b0 q{n}" for n in range(40)]


def test_longer_questions_go_first_until_answers_tell_more() -> None:
    (task,) = plan(1, 0)
    problems = tuple(
        Problem(id=str(n), benchmark="b", question="q" * length, reference="1", level=level)
        for n, (length, level) in enumerate([(3, "easy"), (9, "easy"), (5, "hard"), (4, "hard")])
    )
    queue = LongestFirst([PlannedTask(name="b", form="cot", problems=problems, settings=task.settings,
                                      prompter=task.prompter)])  # fmt: skip
    first, second = next(queue), next(queue)
    assert {first.problem, second.problem} == {1, 2}  # a level each, of each the longest
    queue.learn(first, 10)
    queue.learn(second, 500)
    assert [unit.problem for unit in queue] == ([3, 0] if first.problem == 1 else [0, 3])


def test_a_gate_halves_for_an_overloaded_server_and_opens_again() -> None:
    most: list[int] = []

    async def run() -> None:
        gate = Gate()

        async def request(overloads: bool) -> None:
            async with gate:
                most.append(gate.active)
                await asyncio.sleep(1)
                if overloads:
                    gate.overloaded()
                else:
                    gate.served()

        await asyncio.gather(*[request(True) for _ in range(16)])
        assert gate.limit == 8  # once, though sixteen complained
        del most[:]
        await asyncio.gather(*[request(False) for _ in range(24)])
        assert max(most[:8]) == 8
        assert gate.limit > 10

    seconds_of(run)
    assert max(most) > 8


def tally_of(*completions: tuple[str, str]) -> Tally:
    tally = Tally()
    for number, (finish, text) in enumerate(completions):
        tally.add(
            Completion(problem_id=f"t/{number}", sample=0, form="cot", text=text, finish=finish)  # type: ignore[arg-type]
        )
    return tally


def test_a_share_of_empty_answers_that_no_score_survives_is_refused_with_examples() -> None:
    settings = EvaluationSettings()
    assert tally_of(("stop", "a"), ("stop", "b"), ("length_in_thinking", "")).complaint("b (cot)", settings) == ""
    said = tally_of(("stop", "a"), ("length_in_thinking", ""), ("length_in_thinking", "")).complaint(
        "b (cot)", settings
    )
    assert "2 of 3 completions say nothing, for example: t/1 (length_in_thinking), t/2 (length_in_thinking)" in said
    assert "turn thinking off" in said
    assert tally_of(("length_in_thinking", "")).complaint("b", EvaluationSettings(tolerated_empty_share=1.0)) == ""


def test_failures_are_told_before_silence() -> None:
    said = tally_of(("error", ""), ("stop", "")).complaint("b (cot)", EvaluationSettings())
    assert "1 of 2 completions failed after every retry" in said

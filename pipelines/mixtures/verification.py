"""Keeps only solutions that are right: programs must run, and the answer must be the reference.

    cot    the final answer of the text is the reference; so with `chat`, which has one only where its source gives it
    pot    the program runs without error and what it prints is the reference
    tir    every program runs, prints what the trajectory says it printed, and the final answer is the reference

Before anything runs, a solution is read for what else is wrong with it (flaws.py). With `repair`, outputs that a trajectory
records otherwise than its programs print are replaced by what they print.

A fault of the executor is not a fault of the solution: it is tried again, counted apart, and never called wrong.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from pydantic import Field

from evaluators.errors import MathsieveError
from evaluators.records import Problem, Settings
from evaluators.sandbox.protocols import PROTOCOLS
from evaluators.sandbox.records import ExecutorFault, ProtocolName, Result
from evaluators.stages.fields import HowItRuns
from pipelines.example_text import ExampleForm, Message
from pipelines.mixtures.flaws import FlawName, Text, find_flaws, first_dropped

ReferenceFrom = Literal["benchmark", "source", "solution"]
"""Who gives the reference: a benchmark's train split, the source beside its solution, or the source's own solution."""
WITH_PROGRAMS = ("pot", "tir")
PROGRAM = re.compile(r"```python[ \t]*\n(.*?)\n?```(?:[ \t]*\n+```output[ \t]*\n(.*?)\n?```)?", re.DOTALL)
RECORDED = re.compile(r"```output[ \t]*\n.*?```", re.DOTALL)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class VerificationError(MathsieveError):
    """Solutions cannot be verified at all; the message names the remedy."""


class VerificationSettings(Settings):
    """How solutions are held against their references."""

    execute: bool = True
    """False takes solutions unexecuted: `verified` is then false in every example."""
    flaws: Mapping[FlawName, Literal["drop", "keep"]] = Field(default_factory=dict)
    """What becomes of a solution with a flaw (flaws.py); those not named are dropped. Kept ones are counted."""
    repair: bool = False
    """Replaces outputs that are not what the programs print, unless the text after them quotes a number that is gone."""
    concurrency: HowItRuns[int] = Field(default=256, ge=1)  # sessions at once; the sandbox itself limits how many run
    attempts: HowItRuns[int] = Field(default=3, ge=1)  # for executor faults only
    protocol: ProtocolName = "deepseekmath"
    """How outputs are shown in the trajectories of the source; ToRA's have their own words for errors."""
    tolerated_fault_share: float = Field(default=0.01, ge=0, le=1)
    """Share of programs that the executor may fail to run before the stage raises instead of losing them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """One solution to one problem, as a source gives it."""

    problem: Problem
    form: ExampleForm
    response: str
    number: int = 0
    """Tells solutions of one form to one problem apart."""
    reference_from: ReferenceFrom = "source"
    """Says nothing where the problem has no reference."""
    field: str | None = None
    """In the source's own words, as is the topic."""
    topic: str | None = None
    """A name, or a route whose last step says most: `方程->一元一次方程->解方程`."""
    tokens: int | None = None
    """Of the response, as the source counts them."""
    pass_rate: float | None = None
    """Share of a model's attempts at the problem that were right, as the source says."""
    licence: str | None = None
    """Where it differs from the source's."""
    earlier: tuple[Message, ...] = ()
    """What was said before the question."""

    @property
    def id(self) -> str:
        return f"{self.problem.id}/{self.form}/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What verification found."""

    kept: bool
    reason: str
    detail: str = ""
    verified: bool = False
    """Its programs ran and its answer was found right; False too where there is no reference to hold it against."""
    flaws: tuple[FlawName, ...] = ()
    """What is wrong with it, though it is kept."""
    repaired: str | None = None
    """The solution with the outputs that its programs print, where it recorded others."""


class Session(Protocol):
    """A live interpreter: later programs see what earlier ones defined."""

    async def run(self, code: str) -> Result: ...


class Executor(Protocol):
    """Where programs run: evaluators.sandbox.Sandbox, or a fake."""

    async def run(self, code: str) -> Result:
        """A whole program, in a session that nothing comes after."""

    def session(self) -> AbstractAsyncContextManager[Session]: ...


async def verified(
    solutions: Sequence[Solution],
    settings: VerificationSettings,
    *,
    executor: Executor | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> list[Verdict]:
    """One verdict for each solution, in order. Raises VerificationError where the executor fails too often."""
    if executor is None and settings.execute and any(solution.form in WITH_PROGRAMS for solution in solutions):
        from evaluators.sandbox import Sandbox, SandboxSettings

        async with Sandbox(SandboxSettings()) as sandbox:
            return await verified(solutions, settings, executor=sandbox, progress=progress)
    verdicts: dict[int, Verdict] = {}
    positions = iter(range(len(solutions)))

    async def worker() -> None:
        for position in positions:  # shared: each worker takes the next that nobody has
            verdicts[position] = await _judge(solutions[position], executor, settings)
            progress(1)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(settings.concurrency, len(solutions))):
                group.create_task(worker())
    except ExceptionGroup as errors:  # whose words are "1 sub-exception": the first error says what happened
        raise errors.exceptions[0] from None
    found = [verdicts[position] for position in range(len(solutions))]
    _refuse_faults(solutions, found, settings)
    return found


def _refuse_faults(solutions: Sequence[Solution], verdicts: Sequence[Verdict], settings: VerificationSettings) -> None:
    faults = [verdict for verdict in verdicts if verdict.reason == "executor_fault"]
    programs = sum(solution.form in WITH_PROGRAMS for solution in solutions)
    if len(faults) > settings.tolerated_fault_share * programs:
        raise VerificationError(
            f"verification: the executor failed on {len(faults)} of {programs} solutions, {settings.attempts} times each; "
            f"the last: {faults[-1].detail}. Check `mathsieve run-code` on this machine, then run again: finished shards "
            "are kept."
        )


async def _judge(solution: Solution, executor: Executor | None, settings: VerificationSettings) -> Verdict:
    flaws = find_flaws(_text(solution))
    dropped = first_dropped(flaws, settings.flaws)
    if dropped is not None:
        return Verdict(kept=False, reason=dropped.name, detail=dropped.detail)
    verdict = Verdict(kept=True, reason="unverified")
    if settings.execute:
        verdict = await _answered(solution, executor, settings)
    return replace(verdict, flaws=tuple(flaw.name for flaw in flaws)) if verdict.kept and flaws else verdict


def _text(solution: Solution) -> Text:
    problem = solution.problem
    return Text(question=problem.question, response=solution.response, form=solution.form, language=problem.language)


async def _answered(solution: Solution, executor: Executor | None, settings: VerificationSettings) -> Verdict:
    if solution.form not in WITH_PROGRAMS:
        return await asyncio.to_thread(_answer_verdict, solution, None)
    assert executor is not None, "programs need an executor"
    blocks = list(PROGRAM.finditer(solution.response))
    if not blocks:
        return Verdict(kept=False, reason="no_program", detail=solution.response[:200])
    try:
        results = await _run(executor, [block[1] for block in blocks], settings.attempts)
    except ExecutorFault as fault:
        return Verdict(kept=False, reason="executor_fault", detail=str(fault))
    last = results[-1]
    if last.status != "ok" or len(results) < len(blocks):
        return Verdict(kept=False, reason=f"program_{last.status}", detail=last.error[-500:])
    if solution.form == "pot":
        return await asyncio.to_thread(_printed_verdict, solution, last.stdout)
    shown = [PROTOCOLS[settings.protocol].output(result).strip() for result in results]
    return await asyncio.to_thread(_trajectory_verdict, solution, blocks, shown, settings.repair)


def _trajectory_verdict(
    solution: Solution, blocks: Sequence[re.Match[str]], shown: Sequence[str], repair: bool
) -> Verdict:
    """Recorded outputs against what was printed, then the answer; `shown` is what the protocol shows of each output."""
    stale = [number for number, block in enumerate(blocks) if (block[2] or "").strip() != shown[number]]
    if not stale:
        return _answer_verdict(solution, shown[-1])
    recorded, printed = (blocks[stale[0]][2] or "").strip(), shown[stale[0]]
    detail = f"recorded {recorded[:120]!r}, printed {printed[:120]!r}"
    if not repair:
        return Verdict(kept=False, reason="output_differs", detail=detail)
    for number in stale:
        gone = set(NUMBER.findall(blocks[number][2] or "")) - set(NUMBER.findall(shown[number]))
        after = RECORDED.sub("", solution.response[blocks[number].end() :])
        quoted = gone & set(NUMBER.findall(after))
        if quoted:
            also = f"{detail}; the text after it quotes {', '.join(sorted(quoted))}"
            return Verdict(kept=False, reason="output_differs", detail=also)
    repaired = _with_outputs(solution.response, blocks, shown)
    verdict = _answer_verdict(replace(solution, response=repaired), shown[-1])
    return replace(verdict, reason="repaired", detail=detail, repaired=repaired) if verdict.kept else verdict


def _with_outputs(response: str, blocks: Sequence[re.Match[str]], shown: Sequence[str]) -> str:
    parts, end = [], 0
    for block, output in zip(blocks, shown, strict=True):
        parts += [response[end : block.start()], f"```python\n{block[1]}\n```\n```output\n{output}\n```"]
        end = block.end()
    return "".join([*parts, response[end:]])


async def _run(executor: Executor, programs: Sequence[str], attempts: int) -> list[Result]:
    """The results up to the one that ended the session; all in a new session for each attempt. Raises ExecutorFault."""
    for attempt in range(1, attempts + 1):
        try:
            if len(programs) == 1:
                return [await executor.run(programs[0])]  # twice as fast: from the server that its imports need
            return await _run_in_session(executor, programs)
        except ExecutorFault:
            if attempt == attempts:
                raise
            await asyncio.sleep(0.2 * attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _run_in_session(executor: Executor, programs: Sequence[str]) -> list[Result]:
    results: list[Result] = []
    async with executor.session() as session:
        for code in programs:
            results.append(await session.run(code))
            if results[-1].state_lost:
                break
    return results


def _printed_verdict(solution: Solution, printed: str) -> Verdict:
    """A program's last output against the reference; where the source gives none, that it printed is all we know."""
    from evaluators.answers import check

    shown = printed.strip()
    if not shown:
        return Verdict(kept=False, reason="no_answer", detail="the program prints nothing")
    if not solution.problem.reference:
        return Verdict(kept=True, reason="ran")
    verdict = check(
        solution.problem.reference, shown.splitlines()[-1], profile="strict", problem=solution.problem.question
    )
    if not verdict.correct:
        return Verdict(kept=False, reason=_wrong(verdict.verdict), detail=verdict.reason)
    return Verdict(kept=True, reason="right", verified=True)


def _answer_verdict(solution: Solution, program_output: str | None) -> Verdict:
    from evaluators.answers import check_output
    from pipelines.mixtures.sources import judged_by_source

    if not solution.problem.reference:
        return Verdict(kept=True, reason="unverified")
    verdict = check_output(
        solution.problem.reference,
        solution.response,
        profile="strict",
        problem=solution.problem.question,
        program_output=program_output,
    )
    own = judged_by_source(solution.problem.id, verdict.prediction)
    if own is False:
        return Verdict(kept=False, reason="wrong_answer", detail="by the source's own verifier")
    if own is None and not verdict.correct:
        return Verdict(kept=False, reason=_wrong(verdict.verdict), detail=verdict.reason)
    return Verdict(kept=True, reason="right", verified=True)


def _wrong(outcome: str) -> str:
    return "wrong_answer" if outcome == "incorrect" else outcome

"""Solutions that a teacher model writes to the sources' problems, kept only if they are right (rejection sampling).

DeepSeekMath annotated GSM8K and MATH with tool-integrated solutions (§3.1). The teacher is any OpenAI-compatible
endpoint; it is asked through the loop that evaluation uses, so its programs run in the same sandbox, and what it wrote
is stored with the outputs that the sandbox printed.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq
from pydantic import Field

from evaluators.errors import MathsieveError
from evaluators.evaluate import EvaluationSettings, evaluate
from evaluators.models.cache import GenerationCache
from evaluators.models.endpoint import Endpoint, EndpointSettings, open_endpoint
from evaluators.models.prompting import Prompter
from evaluators.models.sampling import Sampler
from evaluators.models.trajectory import open_sandbox
from evaluators.progress import report_progress
from evaluators.records import Completion, Form, Problem, Settings
from evaluators.stages import Stage
from evaluators.stages.fields import HowItRuns
from pipelines.mixtures.source import Origin, new_problems, write_shard
from pipelines.mixtures.verification import Solution, Verdict
from pipelines.records import PROBLEMS
from pipelines.storage import Artifact, Json

SHARD = 512
"""Problems asked and written together."""


UNFINISHED = {
    "error": "endpoint_failed",
    "length": "cut_off",
    "length_in_thinking": "cut_off",
    "calls": "no_conclusion",
    "content_filter": "filtered",
    "refusal": "refused",
    "tool_call": "no_conclusion",
}
"""How a completion ended that the model did not end itself -> the reason for which it is rejected."""


class TeacherError(MathsieveError):
    """The teacher cannot be asked, or nothing it wrote was right; the message names the remedy."""


class TeacherSettings(Settings):
    """Who teaches, and what is kept of it."""

    endpoint: EndpointSettings = EndpointSettings()
    form: Literal["cot", "tir"] = "tir"  # §3.1: "annotate GSM8K and MATH problems with tool-integrated solutions"
    samples: int = Field(default=4, ge=1)  # ToRA §2.2 samples until right; four keep the cost of hard problems bounded
    keep: int = Field(default=1, ge=1)
    """Different right solutions kept of one problem."""
    temperature: float | None = Field(default=0.7, ge=0)  # as DeepSeekMath samples for maj@k (§4)
    """None: nothing is sent, for teachers that take no other than their own; so with `top_p`."""
    top_p: float | None = Field(default=0.95, gt=0, le=1)
    max_new_tokens: int = Field(default=1024, gt=0)  # as evaluation (§4)
    max_calls: int = Field(default=4, ge=1)  # ToRA: room to correct a program
    concurrency: HowItRuns[int] = Field(default=256, ge=1)
    sources: tuple[str, ...] = ()
    """Sources of the recipe whose problems are asked; none named: all that have references."""
    problems: int | None = Field(default=None, gt=0)
    """At most this many, the first of each source."""
    prompt: Literal["deepseek", "chat"] = "deepseek"
    seed: int = 0
    tolerated_error_share: float = Field(default=0.05, ge=0, le=1)
    """Share of answers the endpoint may fail to give before the stage raises; they are never counted as wrong."""


@dataclass(frozen=True, slots=True)
class _Asked:
    problem: Problem
    completion: Completion


def write_annotated(
    folder: Path,
    settings: TeacherSettings,
    *,
    problems: Mapping[str, Artifact],
    sampler: Sampler | None = None,
) -> dict[str, Json]:
    """Problems-, examples- and rejected- shards, as a source has them. `problems` are the sources' artifacts.

    `sampler` is for tests and for servers of one's own. A killed run goes on from its last generation.
    Raises TeacherError, SamplingError, EvaluationError.
    """
    asked = list(_problems(problems, settings))
    if not asked:
        raise TeacherError(
            "teacher: expected problems with references in the sources; found none. Give it a source that states answers."
        )
    asyncio.run(_write_shards(folder, settings, asked, sampler))
    for path in folder.glob("generations.tmp*"):
        path.unlink()
    return _facts(folder, len(asked), settings)


ANNOTATED_STAGE = Stage(
    name="annotated",
    version="9",
    write=write_annotated,
    settings=TeacherSettings,
    inputs=("problems/*",),
    description="Solutions that a teacher model wrote to the problems of the sources, kept only if their answer is right.",
    kinds=("openai", "parquet"),
)


def _problems(artifacts: Mapping[str, Artifact], settings: TeacherSettings) -> Iterator[Problem]:
    for name, artifact in sorted(artifacts.items()):
        given = 0
        for path in artifact.files("problems-*.parquet"):
            for row in pq.read_table(path, schema=PROBLEMS).to_pylist():
                if row["reference"] and (settings.problems is None or given < settings.problems):
                    given += 1
                    yield Problem(**{**row, "benchmark": name})


async def _write_shards(
    folder: Path, settings: TeacherSettings, problems: Sequence[Problem], sampler: Sampler | None
) -> None:
    async with AsyncExitStack() as stack:
        cache = stack.enter_context(GenerationCache(folder / "generations.tmp"))
        if sampler is None:
            sampler = await stack.enter_async_context(_endpoint(settings))
        asking, prompter = _asking(settings), _prompter(settings)
        sandbox = None
        if settings.form == "tir":
            sandbox = await stack.enter_async_context(open_sandbox(asking))
        known: set[str] = set()
        starts = range(0, len(problems), SHARD)
        for shard, start in enumerate(report_progress(starts, desc="annotation by the teacher", unit="shard")):
            batch = problems[start : start + SHARD]
            if (folder / f"examples-{shard:05d}.parquet").exists():
                continue
            completions = await evaluate(batch, sampler, asking, sandbox, cache, prompter=prompter)
            by_id = {problem.id: problem for problem in batch}
            found = [_Asked(by_id[completion.problem_id], completion) for completion in completions]
            _refuse_failures(found, settings)
            solutions, verdicts = await asyncio.to_thread(_judged, found, settings)
            write_shard(folder, shard, solutions, verdicts, new_problems(solutions, known), Origin())


def _asking(settings: TeacherSettings) -> EvaluationSettings:
    return EvaluationSettings(
        form=settings.form,
        prompt=settings.prompt,
        samples=settings.samples,
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_new_tokens=settings.max_new_tokens,
        max_calls=settings.max_calls,
        concurrency=settings.concurrency,
        seed=settings.seed,
    )


def _endpoint(settings: TeacherSettings) -> Endpoint:
    """The teacher, which a small request goes to first: what it does not take is told before anything is paid for."""
    identity = f"endpoint:{settings.endpoint.model}@{settings.endpoint.revision}:{settings.endpoint.kind}"
    return open_endpoint(settings.endpoint, identity)


def _prompter(settings: TeacherSettings) -> Prompter:
    """An endpoint that is asked in turns applies the template itself. Raises PromptError for a template where there is none."""
    in_turns = settings.endpoint.kind != "completions"
    return Prompter("question" if in_turns and settings.prompt == "chat" else settings.prompt)


def _refuse_failures(asked: Sequence[_Asked], settings: TeacherSettings) -> None:
    failed = [one.completion for one in asked if one.completion.finish == "error"]
    if len(failed) > settings.tolerated_error_share * len(asked):
        raise TeacherError(
            f"teacher: {len(failed)} of {len(asked)} answers failed after every retry, for example: {failed[0].error}. "
            "Is the endpoint up? Run again: finished generations are kept."
        )


def _judged(asked: Sequence[_Asked], settings: TeacherSettings) -> tuple[list[Solution], list[Verdict]]:
    """A verdict for every answer; of the right ones to a problem only the first `keep` different ones stay."""
    kept: dict[str, set[str]] = defaultdict(set)
    solutions, verdicts = [], []
    for one in asked:
        form = settings.form
        response = one.completion.text.strip()
        solution = Solution(problem=one.problem, form=form, response=response, number=one.completion.sample)
        verdict = _verdict(one, settings.form)
        if verdict.kept:
            same = "".join(response.split())
            mine = kept[one.problem.id]
            if same in mine or len(mine) >= settings.keep:
                verdict = Verdict(kept=False, reason="duplicate" if same in mine else "enough")
            mine.add(same)
        solutions.append(solution)
        verdicts.append(verdict)
    return solutions, verdicts


def _verdict(one: _Asked, form: Form) -> Verdict:
    from evaluators.answers import check_output

    completion, problem = one.completion, one.problem
    if completion.finish != "stop":
        return Verdict(kept=False, reason=UNFINISHED[completion.finish], detail=completion.error or "")
    if form == "tir" and not completion.programs:
        return Verdict(kept=False, reason="no_program")
    if completion.programs and completion.programs[-1].status != "ok":
        last = completion.programs[-1]
        return Verdict(kept=False, reason=f"program_{last.status}", detail=last.output)
    verdict = check_output(problem.reference, completion.text, profile="strict", problem=problem.question)
    if not verdict.correct:
        reason = "wrong_answer" if verdict.verdict == "incorrect" else verdict.verdict
        return Verdict(kept=False, reason=reason, detail=verdict.reason)
    return Verdict(kept=True, reason="right", verified=True)


def _facts(folder: Path, problems: int, settings: TeacherSettings) -> dict[str, Json]:
    kept, solved, reasons = 0, set[str](), Counter[str]()
    for path in sorted(folder.glob("examples-*.parquet")):
        ids = pq.read_table(path, columns=["problem_id"])["problem_id"].to_pylist()
        kept += len(ids)
        solved.update(ids)
    for path in sorted(folder.glob("rejected-*.parquet")):
        reasons.update(pq.read_table(path, columns=["reason"])["reason"].to_pylist())
    return {
        "rows": kept,
        "problems": problems,
        "problems_solved": len(solved),
        "form": settings.form,
        "samples": problems * settings.samples,
        "rejected": dict(sorted(reasons.items())),
    }

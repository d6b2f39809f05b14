"""Solutions that a teacher model writes to the sources' problems, kept only if they are right (rejection sampling).

DeepSeekMath annotated GSM8K and MATH with tool-integrated solutions (§3.1). The teacher is any OpenAI-compatible
endpoint; it is asked through the loop that evaluation uses, so its programs run in the same sandbox, and what it wrote
is stored with the outputs that the sandbox printed. A problem is asked again, sample by sample, until enough solutions of it
are kept that differ in their structure (structure.py).
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pyarrow.parquet as pq
from pydantic import Field, model_validator

from evaluators.errors import MathsieveError
from evaluators.evaluate import EvaluationSettings, evaluate
from evaluators.models.cache import GenerationCache
from evaluators.models.endpoint import Endpoint, EndpointSettings, open_endpoint
from evaluators.models.prompting import Prompter
from evaluators.models.sampling import Sampler
from evaluators.models.trajectory import open_sandbox
from evaluators.progress import report_progress
from evaluators.records import Completion, Language, Problem, Settings
from evaluators.stages import Stage
from evaluators.stages.fields import HowItRuns
from pipelines.mixtures.flaws import FlawName, Text, find_flaws, first_dropped
from pipelines.mixtures.problem_fields import KnownFields, known_fields
from pipelines.mixtures.source import Origin, new_problems, write_shard
from pipelines.mixtures.structure import structure
from pipelines.mixtures.verification import Solution, Verdict
from pipelines.records import PROBLEMS
from pipelines.storage import Artifact, Json, atomic_file

if TYPE_CHECKING:
    from evaluators.sandbox import Sandbox

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
    """At most; a problem of which `keep` solutions are kept is not asked again."""
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
    prompt: Literal["deepseek", "chat"] | None = None
    """None: `chat` for an endpoint that is asked in turns and applies its own template, `deepseek` for one that completes."""
    worked: Path | None = None
    """JSON Lines of question, solution, reference and (en where it is left out) language, shown before each problem of that language."""
    flaws: Mapping[FlawName, Literal["drop", "keep"]] = Field(default_factory=dict)
    """As in the verification of a source."""
    prompt_price: float | None = Field(default=None, ge=0)
    """Of a million prompt tokens, in any one currency; without both prices no cost is told."""
    completion_price: float | None = Field(default=None, ge=0)
    seed: int = 0
    tolerated_error_share: float = Field(default=0.05, ge=0, le=1)
    """Share of answers the endpoint may fail to give before the stage raises; they are never counted as wrong."""

    @model_validator(mode="after")
    def _prompt_fits_the_endpoint(self) -> TeacherSettings:
        if self.prompt == "chat" and not self.in_turns:
            raise ValueError(
                f"teacher.prompt: expected deepseek for an endpoint of kind {self.endpoint.kind}, which has no template; found "
                "chat. Set endpoint.kind: chat, or leave `prompt` out."
            )
        return self

    @property
    def in_turns(self) -> bool:
        return self.endpoint.kind != "completions"


def write_annotated(
    folder: Path,
    settings: TeacherSettings,
    *,
    problems: Mapping[str, Artifact],
    problem_fields: Artifact | None = None,
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
    facts = _facts(folder, len(asked), settings, known_fields(problem_fields))
    for path in [*folder.glob("generations.tmp*"), *folder.glob("usage-*.tmp")]:
        path.unlink()
    return facts


ANNOTATED_STAGE = Stage(
    name="annotated",
    version="12",
    write=write_annotated,
    settings=TeacherSettings,
    inputs=("problems/*", "problem_fields?"),
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
        sandbox = None
        if settings.form == "tir":
            sandbox = await stack.enter_async_context(open_sandbox(_asking(settings, 1)))
        asking = _Asking(settings, sampler, sandbox, cache, _prompters(settings))
        known: set[str] = set()
        starts = range(0, len(problems), SHARD)
        for shard, start in enumerate(report_progress(starts, desc="annotation by the teacher", unit="shard")):
            batch = problems[start : start + SHARD]
            if (folder / f"examples-{shard:05d}.parquet").exists():
                continue
            judged = await asking.until_enough(batch)
            _refuse_failures(judged, settings)
            solutions, verdicts = [one.solution for one in judged], [one.verdict for one in judged]
            write_usage(folder, shard, judged)  # first: whose examples are there is done
            write_shard(folder, shard, solutions, verdicts, new_problems(solutions, known), Origin())


@dataclass(frozen=True, slots=True)
class _Asking:
    """Whom to ask, and with what."""

    settings: TeacherSettings
    sampler: Sampler
    sandbox: Sandbox | None
    cache: GenerationCache
    prompters: Mapping[str, Prompter]
    """By language."""

    async def until_enough(self, problems: Sequence[Problem]) -> list[Judged]:
        """Every answer that was asked for, judged, by problem, then sample."""
        kept: dict[str, set[str]] = defaultdict(set)
        found: dict[str, list[Judged]] = {problem.id: [] for problem in problems}
        for sample in range(self.settings.samples):
            left = [problem for problem in problems if len(kept[problem.id]) < self.settings.keep]
            for problem, completion in await self._asked(left, sample):
                one = await asyncio.to_thread(judge, problem, completion, self.settings, kept[problem.id])
                found[problem.id].append(one)
        return [one for judged in found.values() for one in judged]

    async def _asked(self, problems: Sequence[Problem], sample: int) -> list[tuple[Problem, Completion]]:
        """One more sample of each; those before it come from the cache."""
        answers = []
        for language, prompter in self.prompters.items():
            own = [problem for problem in problems if problem.language == language]
            asking = _asking(self.settings, sample + 1)
            completions = await evaluate(own, self.sampler, asking, self.sandbox, self.cache, prompter=prompter)
            by_id = {problem.id: problem for problem in own}
            answers += [(by_id[one.problem_id], one) for one in completions if one.sample == sample]
        return answers


def _asking(settings: TeacherSettings, samples: int) -> EvaluationSettings:
    return EvaluationSettings(
        form=settings.form,
        samples=samples,
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


def _prompters(settings: TeacherSettings) -> dict[str, Prompter]:
    """One for each language. An endpoint that is asked in turns applies the template itself. Raises TeacherError."""
    shown = _worked(settings.worked) if settings.worked is not None else []
    chat = settings.in_turns if settings.prompt is None else settings.prompt == "chat"
    prompters = {}
    for language in get_args(Language):
        own = [problem for problem in shown if problem.language == language]
        prompters[language] = Prompter("question" if chat else "deepseek", exemplars=own)
    return prompters


def _worked(path: Path) -> list[Problem]:
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [
            Problem(
                id=f"worked/{number}",
                benchmark="worked",
                language=row.get("language", "en"),
                question=row["question"],
                solution=row["solution"],
                reference=row["reference"],
            )
            for number, row in enumerate(rows)
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TeacherError(
            f"{path}: expected JSON Lines of question, solution and reference; found {type(error).__name__}: {error}. "
            "Correct teacher.worked."
        ) from error


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer of the teacher, and what becomes of it."""

    solution: Solution
    verdict: Verdict
    completion: Completion


def judge(problem: Problem, completion: Completion, settings: TeacherSettings, kept: set[str]) -> Judged:
    """Adds the structure of a solution that is kept to `kept`, which holds those of the problem before it."""
    response = completion.text.strip()
    solution = Solution(problem=problem, form=settings.form, response=response, number=completion.sample)
    verdict = _verdict(problem, completion, settings)
    if verdict.kept:
        own = structure(response, settings.form)
        if own in kept:
            verdict = Verdict(kept=False, reason="duplicate", detail="the structure of one that is kept")
        kept.add(own)
    return Judged(solution, verdict, completion)


def _refuse_failures(judged: Sequence[Judged], settings: TeacherSettings) -> None:
    failed = [one.completion for one in judged if one.completion.finish == "error"]
    if len(failed) > settings.tolerated_error_share * len(judged):
        raise TeacherError(
            f"teacher: {len(failed)} of {len(judged)} answers failed after every retry, for example: {failed[0].error}. "
            "Is the endpoint up? Run again: finished generations are kept."
        )


def _verdict(problem: Problem, completion: Completion, settings: TeacherSettings) -> Verdict:
    from evaluators.answers import check_output
    from pipelines.mixtures.sources import judged_by_source

    if completion.finish != "stop":
        return Verdict(kept=False, reason=UNFINISHED[completion.finish], detail=completion.error or "")
    if settings.form == "tir" and not completion.programs:
        return Verdict(kept=False, reason="no_program")
    if completion.programs and completion.programs[-1].status != "ok":
        last = completion.programs[-1]
        return Verdict(kept=False, reason=f"program_{last.status}", detail=last.output)
    flaws = find_flaws(
        Text(question=problem.question, response=completion.text, form=settings.form, language=problem.language)
    )
    dropped = first_dropped(flaws, settings.flaws)
    if dropped is not None:
        return Verdict(kept=False, reason=dropped.name, detail=dropped.detail)
    verdict = check_output(problem.reference, completion.text, profile="strict", problem=problem.question)
    own = judged_by_source(problem.id, verdict.prediction)
    if own is False:
        return Verdict(kept=False, reason="wrong_answer", detail="by the source's own verifier")
    if own is None and not verdict.correct:
        reason = "wrong_answer" if verdict.verdict == "incorrect" else verdict.verdict
        return Verdict(kept=False, reason=reason, detail=verdict.reason)
    return Verdict(kept=True, reason="right", verified=True, flaws=tuple(flaw.name for flaw in flaws))


def write_usage(folder: Path, shard: int, judged: Sequence[Judged]) -> None:
    """What each answer of a shard took and what became of it, beside the shard until the stage is done; never published, as
    times are no part of what a stage gives."""
    rows = [
        {
            "source": one.solution.problem.benchmark,
            "subject": one.solution.problem.subject or "not given",
            "level": one.solution.problem.level or "not given",
            "kept": one.verdict.kept,
            "problem": one.solution.problem.id,
            "reason": one.verdict.reason,
            "tokens": [one.completion.prompt_tokens, one.completion.completion_tokens, one.completion.discarded_tokens],
            "seconds": one.completion.seconds,
        }
        for one in judged
    ]
    with atomic_file(folder / f"usage-{shard:05d}.tmp") as temporary:
        temporary.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")


def _usage(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("usage-*.tmp")):
        yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def _facts(folder: Path, problems: int, settings: TeacherSettings, fields: KnownFields) -> dict[str, Json]:
    rows = [_with_field(row, fields) for row in _usage(folder)]
    solved = {row["problem"] for row in rows if row["kept"]}
    prompt, completion, discarded = (sum(row["tokens"][place] for row in rows) for place in range(3))
    cost = None
    if settings.prompt_price is not None and settings.completion_price is not None:
        cost = round((prompt * settings.prompt_price + (completion + discarded) * settings.completion_price) / 1e6, 6)
    return {
        "rows": sum(row["kept"] for row in rows),
        "problems": problems,
        "problems_solved": len(solved),
        "form": settings.form,
        "samples": len(rows),
        "rejected": dict(sorted(Counter(row["reason"] for row in rows if not row["kept"]).items())),
        "acceptance": {
            column: _acceptance(rows, column) for column in ("source", "field", "topic", "subject", "level")
        },
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "discarded_tokens": discarded,
        "seconds": round(sum(row["seconds"] for row in rows), 3),
        "cost": cost,
    }


def _with_field(row: Mapping[str, Any], fields: KnownFields) -> dict[str, Any]:
    field, topic = fields.get((row["source"], row["problem"]), (None, None))
    return {**row, "field": field or "unknown", "topic": topic or "unknown"}


def _acceptance(rows: Sequence[Mapping[str, Any]], column: str) -> dict[str, Json]:
    """Answers asked for and kept, and the problems solved of those asked, by value of a column."""
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return {
        value: {
            "asked": len(own),
            "kept": sum(row["kept"] for row in own),
            "problems": len({row["problem"] for row in own}),
            "solved": len({row["problem"] for row in own if row["kept"]}),
        }
        for value, own in sorted(groups.items())
    }

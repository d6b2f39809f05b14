"""Completions to Grades: one for every completion and profile, whatever the completion is like."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.answers import check, check_output
from evaluators.benchmarks import benchmark, names, problems_file
from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.models.settings import EvaluationSettings
from evaluators.models.trajectory import EvaluationError, completions_file, open_sandbox
from evaluators.progress import report_progress
from evaluators.records import Completion, Finish, Form, Grade, Problem, Settings
from evaluators.sandbox.packages import package_versions
from evaluators.sandbox.records import SandboxSettings
from evaluators.stages import HowItRuns, Stage, Stored
from evaluators.tables import read_table, write_table

if TYPE_CHECKING:
    from evaluators.sandbox import Sandbox

PARALLEL_FROM = 2000  # completions; below, starting processes costs more than it saves
CHUNK = 200
CODE = re.compile(r"```(?:python|py)?[^\S\n]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


UNSAID: dict[Finish, str] = {
    "length_in_thinking": "the limit of tokens cut the thinking",
    "content_filter": "the server's filter held the answer back",
    "refusal": "the model declined",
    "tool_call": "the model called a tool that it was not offered",
}
"""Why a completion without a word of an answer holds none."""


def grade(problem: Problem, completion: Completion, profile: str) -> Grade:
    """The judgement of one completion whose problem asks for an answer."""
    if completion.finish == "error":
        return _failed(completion, profile)
    if completion.finish in UNSAID and not completion.text.strip():
        return replace(
            _failed(completion, profile), outcome="no_answer", reason=UNSAID[completion.finish] + _words(completion)
        )
    program_output = completion.programs[-1].output if completion.programs else None
    verdict = check_output(
        problem.reference, completion.text, profile=profile, problem=problem.question, program_output=program_output
    )
    return Grade(
        problem_id=problem.id,
        sample=completion.sample,
        profile=profile,
        outcome=verdict.verdict,
        prediction=verdict.prediction,
        reason=verdict.reason,
        stage=verdict.stage,
        program_correct=_program_correct(problem, program_output, profile),
        conditions=completion.conditions,
    )


def grade_all(
    problems: Sequence[Problem],
    completions: Sequence[Completion],
    profiles: Sequence[str],
    *,
    executor: ExecutorSettings = LOCAL,
    scratch: Path | None = None,
) -> list[Grade]:
    """Grades by completion, then profile. Raises EvaluationError where a completion belongs to no problem.

    `scratch` keeps finished shards of a killed attempt; it lies where every machine of the executor sees it.
    """
    by_id = {problem.id: problem for problem in problems}
    foreign = sorted({completion.problem_id for completion in completions} - by_id.keys())
    if foreign:
        raise EvaluationError(f"expected completions of {len(by_id)} known problems; found one of {foreign[0]!r}")
    with tempfile.TemporaryDirectory() as own:
        folder = scratch or Path(own)
        folder.mkdir(exist_ok=True)
        shards = [
            Answers(
                graded=folder / f"graded-{start:07d}.parquet",
                pairs=tuple((by_id[one.problem_id], one) for one in completions[start : start + CHUNK]),
            )
            for start in range(0, len(completions), CHUNK)
        ]
        run_shards(
            partial(_grade_shard, tuple(profiles)),
            shards,
            executor,
            done=_is_graded,
            label="grades",
            here=len(completions) < PARALLEL_FROM,
        )
        return [grade for shard in shards for grade in read_table(shard.graded, Grade)]


def write_grades(
    folder: Path,
    settings: EvaluationSettings,
    *,
    completions: Path,
    problems: Path,
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Any]:
    """grades.parquet: a Grade for every completion under every profile of the settings. Generates nothing."""
    known = read_table(problems, Problem)
    given = read_table(completions, Completion)
    scratch = folder / "graded"
    if known and judged_by_tests(known[0]):
        grades = asyncio.run(grade_all_by_tests(known, given, settings))
    else:
        grades = grade_all(known, given, settings.profiles, executor=executor, scratch=scratch)
    expected = len(given) * len(settings.profiles)
    if len(grades) != expected:
        raise EvaluationError(f"expected {expected} grades; found {len(grades)}")
    write_table(folder / "grades.parquet", [asdict(one) for one in grades], Grade)
    shutil.rmtree(scratch, ignore_errors=True)
    return {
        "grades": len(grades),
        "correct": {name: sum(one.correct for one in grades if one.profile == name) for name in settings.profiles},
    }


class JudgedSettings(Settings):
    """What decides a grade: the profiles of the checker, and, of answers that are programs, the walls they run in."""

    profiles: tuple[str, ...]
    sandbox: SandboxSettings
    concurrency: HowItRuns[int]


def _of_artifacts(
    settings: JudgedSettings, *, completions: Stored, problems: Stored, name: str, form: Form, **others: Any
) -> dict[str, Any]:
    return {
        "settings": EvaluationSettings.model_validate(settings.model_dump()),
        "completions": completions.file(completions_file(name, form)),
        "problems": problems_file(problems),
        **others,
    }


def _of_this_machine(settings: JudgedSettings, *, name: str, **_: Any) -> dict[str, Any]:
    """What decides a grade beside the checker: of answers that are programs, the packages that they find."""
    if name not in names() or benchmark(name).judged_by != "tests":
        return {}
    return {"python": platform.python_version(), **package_versions(settings.sandbox.preload)}


GRADES = Stage(
    name="grades",
    version="9",
    write=write_grades,
    arguments=_of_artifacts,
    settings=JudgedSettings,
    inputs=("completions", "problems"),
    description="One grade for every completion and profile of the answer checker; nothing is generated.",
    kinds=("sympy",),
    by_shards=True,
    conditions=_of_this_machine,
)


def grades_file(grades: Stored) -> Path:
    return grades.file("grades.parquet")


def judged_by_tests(problem: Problem) -> bool:
    """Whether the problem's reference is a program; problems of mixtures and of unknown sources ask for answers."""
    return problem.benchmark in names() and benchmark(problem.benchmark).judged_by == "tests"


def program_with_tests(problem: Problem, text: str) -> str | None:
    """The model's code with the problem's tests after it; None where the text holds no code.

    A block that does not define what is tested goes on where the question's own code stopped. Imports of the question
    are kept: models leave them out, and no published harness counts that as a mistake.
    """
    question = CODE.search(problem.question)
    blocks = CODE.findall(text)
    if question is None or (not blocks and "def " not in text and "return" not in text):
        return None
    given = question.group(1)
    entry = re.findall(r"^\s*def\s+(\w+)", given, re.MULTILINE)[-1]
    defining = [block for block in blocks if re.search(rf"^\s*def\s+{entry}\b", block, re.MULTILINE)]
    if defining:
        code = (
            "\n".join(line for line in given.splitlines() if line.startswith(("import ", "from ")))
            + "\n"
            + defining[-1]
        )
    else:
        code = given.rstrip("\n") + "\n" + (blocks[-1] if blocks else text)
    return f"{code}\n\n{problem.reference}\n"


async def grade_by_tests(problem: Problem, completion: Completion, sandbox: Sandbox) -> Grade:
    """Run the model's code and the problem's tests; right if they end without an error."""
    program = program_with_tests(problem, completion.text) if completion.finish != "error" else None
    if completion.finish == "error":
        return _failed(completion, "")
    common: dict[str, Any] = {"problem_id": problem.id, "sample": completion.sample, "profile": "", "stage": "tests"}
    common["conditions"] = sandbox.conditions_line()
    if program is None:
        return Grade(**common, outcome="no_answer", prediction=None, reason="the text holds no code")
    async with sandbox.session() as session:
        result = await session.run(program)
    passed = result.status == "ok"  # leaving early has a status of its own, `exit`
    outcome: Any = "correct" if passed else "timeout" if result.status == "timeout" else "incorrect"
    last_line = (result.error.strip().splitlines() or [""])[-1]
    reason = "all tests passed" if passed else f"{result.status}: {last_line[:200]}"
    return Grade(**common, outcome=outcome, prediction=program, reason=reason, program_correct=passed)


async def grade_all_by_tests(
    problems: Sequence[Problem], completions: Sequence[Completion], settings: EvaluationSettings
) -> list[Grade]:
    """As grade_all, for problems judged by tests; a sandbox is opened for them."""
    by_id = {problem.id: problem for problem in problems}
    limit = asyncio.Semaphore(min(settings.concurrency, 4 * (os.cpu_count() or 1)))

    async with open_sandbox(settings) as sandbox:
        progress = report_progress(total=len(completions), desc="tests", unit="answer")

        async def one(completion: Completion) -> Grade:
            async with limit:
                graded = await grade_by_tests(by_id[completion.problem_id], completion, sandbox)
            progress.update()
            return graded

        with progress:
            grades = await asyncio.gather(*[one(completion) for completion in completions])
    return [Grade(**{**asdict(graded), "profile": profile}) for graded in grades for profile in settings.profiles]


def _words(completion: Completion) -> str:
    return f": {completion.error[:200]}" if completion.error else ""


def _failed(completion: Completion, profile: str) -> Grade:
    return Grade(
        problem_id=completion.problem_id,
        sample=completion.sample,
        profile=profile,
        outcome="error",
        prediction=None,
        reason=completion.error or "the endpoint failed",
        stage="sampling",
    )


def _program_correct(problem: Problem, output: str | None, profile: str) -> bool | None:
    if output is None:
        return None
    lines = output.strip().splitlines()
    return (
        bool(lines) and check(problem.reference, lines[-1].strip(), profile=profile, problem=problem.question).correct
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Completions that are graded together, with their problems, and where their grades go."""

    graded: Path
    pairs: tuple[tuple[Problem, Completion], ...]

    def __str__(self) -> str:
        return f"{self.graded.name}, from {self.pairs[0][1].problem_id}"


def _is_graded(shard: Answers) -> bool:
    return shard.graded.exists()


def _grade_shard(profiles: tuple[str, ...], shard: Answers) -> None:
    grades = [grade(problem, completion, profile) for problem, completion in shard.pairs for profile in profiles]
    write_table(shard.graded, [asdict(one) for one in grades], Grade)

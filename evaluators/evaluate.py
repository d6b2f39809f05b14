"""Puts problems to a model: one asynchronous loop for chain-of-thought and tool-integrated answers.

Every trajectory advances on its own: while one waits for its program, the others generate, so the server never idles
until the slowest of a round is done. Whatever happens to a trajectory, it ends in exactly one Completion.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from evaluators.conditions import served_by_us, served_identity
from evaluators.grading import judged_by_tests, write_grades
from evaluators.models.cache import GenerationCache
from evaluators.models.prompting import Prompter, Style
from evaluators.models.sampling import Endpoint, EndpointSettings, Sampler
from evaluators.models.trajectory import (
    EvaluationError,
    EvaluationSettings,
    Trajectories,
    completions_file,
    open_sandbox,
)
from evaluators.models.vllm_server import VLLM_LOG, ServerSettings, VllmServer, model_hash, on_cpu
from evaluators.models.worked_programs import with_programs
from evaluators.records import Completion, Form, Problem
from evaluators.scores import write_scores
from evaluators.tables import read_table, write_table

if TYPE_CHECKING:
    from evaluators.sandbox import Sandbox

__all__ = [
    "EvaluationError",
    "EvaluationSettings",
    "Task",
    "completions_file",
    "evaluate",
    "write_completions",
    "write_grades",
    "write_scores",
]

Task = tuple[str, Form, Path]
"""(benchmark, form, its problems.parquet). An exemplars.parquet beside that serves few-shot prompts."""


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
    changes. The tool-integrated form needs `sandbox`. Raises EvaluationError where the endpoint is plainly gone.
    """
    if settings.form == "tir" and sandbox is None:
        raise EvaluationError("tool-integrated evaluation: expected a sandbox to run programs in; found none")
    prompter = prompter or Prompter(settings.prompt)
    waiting = [(problem, sample) for problem in problems for sample in range(settings.samples)]
    finished: dict[int, Completion] = {}
    trajectories = Trajectories(sampler, settings, sandbox, cache or GenerationCache())
    positions = iter(range(len(waiting)))
    with tqdm(total=len(waiting), desc=f"completions, {settings.form}", unit="answer", disable=None) as progress:

        async def worker() -> None:
            for position in positions:  # shared: each worker takes the next that nobody has
                problem, sample = waiting[position]
                prompt = prompter.prompt(problem, settings.form, instruction=not judged_by_tests(problem))
                finished[position] = await trajectories.complete(problem, sample, prompt)
                progress.update()

        await _all([worker for _ in range(min(settings.concurrency, len(waiting)))])
    if len(finished) != len(waiting):
        raise EvaluationError(f"expected {len(waiting)} completions; found {len(finished)}")
    return [finished[position] for position in range(len(waiting))]


async def _all(workers: Sequence[Any]) -> None:
    """Run them together; the first failure stops the rest and is raised as itself."""
    tasks = [asyncio.create_task(worker()) for worker in workers]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def write_completions(
    folder: Path,
    settings: EvaluationSettings,
    *,
    model_dir: Path | None,
    server_settings: ServerSettings | EndpointSettings,
    tasks: Sequence[Task],
    cache: Path | None = None,
) -> dict[str, Any]:
    """One `<benchmark>.<form>.parquet` of Completions for each task, all from one server (or somebody's endpoint).

    A task whose file exists is done. `cache` keeps generations between runs and folders; without one they are kept
    in the folder until the stage is done. Raises EvaluationError where more completions failed than are tolerated.
    """
    left = [task for task in tasks if not (folder / completions_file(task[0], task[1])).exists()]
    kept = cache or folder / "generations.tmp"  # the store never publishes *.tmp
    kept.parent.mkdir(parents=True, exist_ok=True)
    if left:
        with GenerationCache(kept) as generations:
            if isinstance(server_settings, EndpointSettings):
                asyncio.run(_write_tasks(folder, settings, left, _endpoint(server_settings), generations, model_dir))
            else:
                if model_dir is None:
                    raise EvaluationError(
                        "a server of ours needs a model folder; found none. Give one, or an endpoint."
                    )
                with VllmServer(model_dir, server_settings, log=folder / VLLM_LOG) as server:
                    endpoint = Endpoint(
                        server.endpoint, _served_identity(model_dir, server_settings), alive=server.watch
                    )
                    asyncio.run(_write_tasks(folder, settings, left, endpoint, generations, model_dir))
    if cache is None:
        for path in folder.glob("generations.tmp*"):
            path.unlink()
    return {
        completions_file(name, form).removesuffix(".parquet"): _facts(folder, name, form) for name, form, _ in tasks
    }


async def _write_tasks(
    folder: Path,
    settings: EvaluationSettings,
    tasks: Sequence[Task],
    endpoint: Endpoint,
    cache: GenerationCache,
    model_dir: Path | None,
) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(endpoint)
        sandbox = None
        if any(form == "tir" for _, form, _ in tasks):
            sandbox = await stack.enter_async_context(open_sandbox(settings))
        for name, form, path in tasks:
            problems = read_table(path, Problem)
            exemplars = path.with_name("exemplars.parquet")
            shown = read_table(exemplars, Problem) if settings.prompt == "few_shot" and exemplars.exists() else []
            if settings.prompt == "few_shot" and form == "tir" and problems:
                shown = with_programs(shown, problems[0].language)
            templated_there = endpoint.settings.kind == "chat" and settings.prompt == "chat"
            style: Style = "question" if templated_there else settings.prompt
            prompter = Prompter(style, model_dir=model_dir, exemplars=shown)
            asked = settings.model_copy(update={"form": form})
            completions = await evaluate(problems, endpoint, asked, sandbox, cache, prompter=prompter)
            _refuse_failures(name, form, completions, settings)
            write_table(folder / completions_file(name, form), [asdict(one) for one in completions], Completion)


def _endpoint(settings: EndpointSettings) -> Endpoint:
    key = None
    if settings.api_key_variable is not None:
        key = os.environ.get(settings.api_key_variable)
        if not key:
            raise EvaluationError(
                f"endpoint: expected an API key in the environment variable {settings.api_key_variable}; it is not set"
            )
    return Endpoint(settings, f"{settings.base_url}:{settings.model}@{settings.revision}:{settings.kind}", api_key=key)


def _served_identity(model_dir: Path, settings: ServerSettings) -> str:
    """What the text depends on besides the request: the model's files, and everything about how it is served."""
    device = "cpu" if on_cpu() else "accelerator"
    return served_identity(served_by_us(settings, model_hash(model_dir), device=device))


def _refuse_failures(name: str, form: Form, completions: Sequence[Completion], settings: EvaluationSettings) -> None:
    failed = [completion for completion in completions if completion.finish == "error"]
    if len(failed) > settings.tolerated_error_share * len(completions):
        raise EvaluationError(
            f"{name} ({form}): {len(failed)} of {len(completions)} completions failed after every retry, for example: "
            f"{failed[0].error}. Run again: only those are asked for again. To score them as wrong, raise "
            "evaluation.tolerated_error_share."
        )


def _facts(folder: Path, name: str, form: Form) -> dict[str, Any]:
    completions = read_table(folder / completions_file(name, form), Completion)
    return {
        "completions": len(completions),
        "failed": sum(completion.finish == "error" for completion in completions),
        "truncated": sum(completion.finish == "length" for completion in completions),
        "completion_tokens": sum(completion.completion_tokens for completion in completions),
        "programs": sum(len(completion.programs) for completion in completions),
    }

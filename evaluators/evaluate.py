"""The completions of a model on benchmarks, as files: asked through one queue, resumed, refused where they say nothing."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from evaluators.answering import evaluate, run_plan
from evaluators.conditions import (
    Conditions,
    asked,
    conditions_file,
    served_by_others,
    served_by_us,
    served_identity,
)
from evaluators.grading import write_grades
from evaluators.models.bodies import Kind
from evaluators.models.cache import GenerationCache
from evaluators.models.endpoint import Endpoint, EndpointSettings, open_endpoint
from evaluators.models.listing import told_by
from evaluators.models.model_defaults import generation_defaults
from evaluators.models.prompting import Prompter, Style
from evaluators.models.queue import PlannedTask
from evaluators.models.settings import EvaluationSettings
from evaluators.models.tally import Tally
from evaluators.models.trajectory import EvaluationError, completions_file, open_sandbox
from evaluators.models.vllm_server import VLLM_LOG, ServerSettings, VllmServer, model_hash, on_cpu
from evaluators.models.worked_programs import with_programs
from evaluators.records import Completion, Form, Problem
from evaluators.scores import write_scores
from evaluators.tables import atomic_file, read_table, write_rows

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
                served = served_by_others(server_settings, told_by(server_settings))
                endpoint = open_endpoint(server_settings, served_identity(served))
                asked_there = _Answering(endpoint=endpoint, served=served, model_dir=model_dir)
                asyncio.run(_write_tasks(folder, settings, left, asked_there, generations))
            else:
                if model_dir is None:
                    raise EvaluationError(
                        "a server of ours needs a model folder; found none. Give one, or an endpoint."
                    )
                follows = settings.unset == "model"
                with VllmServer(model_dir, server_settings, log=folder / VLLM_LOG, follows_model=follows) as server:
                    device = "cpu" if on_cpu() else "accelerator"
                    served = served_by_us(server.settings, model_hash(model_dir), device=device)
                    endpoint = Endpoint(server.endpoint, served_identity(served), alive=server.watch, probes=True)
                    asked_here = _Answering(endpoint=endpoint, served=served, model_dir=model_dir)
                    asyncio.run(_write_tasks(folder, settings, left, asked_here, generations))
    if cache is None:
        for path in folder.glob("generations.tmp*"):
            path.unlink()
    return {
        completions_file(name, form).removesuffix(".parquet"): _facts(folder, name, form) for name, form, _ in tasks
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answering:
    """Who answers."""

    endpoint: Endpoint
    served: Mapping[str, Any]
    """How the model is served (evaluators.conditions)."""
    model_dir: Path | None


async def _write_tasks(
    folder: Path, settings: EvaluationSettings, tasks: Sequence[Task], answering: _Answering, cache: GenerationCache
) -> None:
    """Every task's completions, through one queue. Raises EvaluationError once all are written that can be."""
    complaints: list[str] = []
    endpoint, model_dir = answering.endpoint, answering.model_dir
    sandbox: Sandbox | None = None

    def write(task: PlannedTask, tally: Tally, completions: Iterator[Completion]) -> None:
        if complaint := tally.complaint(f"{task.name} ({task.form})", task.settings):
            complaints.append(complaint)
            return
        _write_conditions(folder, task, answering, sandbox)  # first: whose completions are there is done
        write_rows(folder / completions_file(task.name, task.form), (one.columns() for one in completions), Completion)

    plan = [planned(settings, task, endpoint.settings.kind, model_dir) for task in tasks]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(endpoint)
        if any(task.form != "cot" for task in plan):
            sandbox = await stack.enter_async_context(open_sandbox(settings))
        await run_plan(plan, endpoint, sandbox, cache, write, replicas=endpoint.replicas)
        _write_probe(folder, endpoint, model_dir)
    if complaints:
        raise EvaluationError("\n".join(complaints))


def planned(settings: EvaluationSettings, task: Task, kind: Kind, model_dir: Path | None) -> PlannedTask:
    """One benchmark in one form, as it is to be asked of a server of this kind. Raises EvaluationError, PromptError."""
    name, form, path = task
    own = settings.for_task(name, form)
    if form == "tools" and kind == "completions":
        raise EvaluationError(
            "the form tools: expected a server that is asked in turns; found kind `completions`. Set endpoint.kind to chat."
        )
    if own.system and kind == "completions" and own.prompt != "chat":
        raise EvaluationError(
            f"sampling.system: expected the prompt style chat, or an endpoint of kind chat; found {own.prompt}. Change one."
        )
    problems = read_table(path, Problem)
    exemplars = path.with_name("exemplars.parquet")
    shown = read_table(exemplars, Problem) if own.prompt == "few_shot" and exemplars.exists() else []
    if own.prompt == "few_shot" and form == "tir" and problems:
        shown = with_programs(shown, problems[0].language)
    style: Style = "question" if kind != "completions" and own.prompt == "chat" else own.prompt
    prompter = Prompter(
        style,
        model_dir=model_dir,
        exemplars=shown,
        system=own.system,
        template_arguments=own.chat_template_kwargs,
    )
    return PlannedTask(name=name, form=form, problems=tuple(problems), settings=own, prompter=prompter)


def _write_probe(folder: Path, endpoint: Endpoint, model_dir: Path | None) -> None:
    """endpoint.json: what the server was found to be."""
    found = endpoint.probe_result()
    if model_dir is not None:
        found = replace(found, model_defaults=generation_defaults(model_dir))
    with atomic_file(folder / "endpoint.json") as temporary:
        temporary.write_text(json.dumps(asdict(found), indent=1, ensure_ascii=False), encoding="utf-8")


def _write_conditions(folder: Path, task: PlannedTask, answering: _Answering, sandbox: Sandbox | None) -> None:
    """The conditions of one benchmark in one form, beside its completions."""
    exemplars, templated = task.prompter.exemplars, task.prompter.style == "chat"
    conditions = Conditions(
        served=answering.served,
        asked=asked(
            task.settings, task.problems, exemplars=exemplars, model_dir=answering.model_dir if templated else None
        ),
        sandbox=sandbox.conditions() if sandbox is not None and task.form != "cot" else None,
    )
    with atomic_file(folder / conditions_file(task.name, task.form)) as temporary:
        temporary.write_bytes(conditions.as_bytes())


def _facts(folder: Path, name: str, form: Form) -> dict[str, Any]:
    path = folder / completions_file(name, form)
    columns = ["finish", "text", "programs", "prompt_tokens", "completion_tokens", "discarded_tokens", "cached_tokens"]
    finishes, sums, empty, programs = Counter[str](), Counter[str](dict.fromkeys(columns[3:], 0)), 0, 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=4096, columns=columns):
            for row in batch.to_pylist():
                finishes[row["finish"]] += 1
                empty += not row["text"].strip()
                programs += len(row["programs"])
                for column in columns[3:]:
                    sums[column] += row[column]
    return {
        "completions": finishes.total(),
        "failed": finishes["error"],
        "truncated": finishes["length"] + finishes["length_in_thinking"],
        "empty": empty,
        "finishes": dict(sorted(finishes.items())),
        **sums,
        "programs": programs,
    }

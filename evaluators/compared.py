"""What a comparison compares: scores.json as they are, or outputs and logs, graded here or with their harness's verdicts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Benchmark, Split, benchmark, benchmark_of, names
from evaluators.errors import UnusableArguments
from evaluators.outputs import Outputs, read_outputs, tasks_in
from evaluators.records import Problem

Scores = dict[tuple[str, str], dict[str, Any]]
"""(benchmark or task, form) -> content of scores.json."""
BARE = str.maketrans("", "", "-_ .")
VARIANT = re.compile(r"([-_](cot|zeroshot|\d+shot|few[-_]?shot|llama|instruct|chat|greedy|main|test))+$")
"""What tasks add to a benchmark's name for their way of asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How files of outputs are turned into scores."""

    benchmark: str | None = None
    data: str | None = None
    profile: str | None = None
    cluster_by: str | None = None
    harness: bool = False
    """Take the verdicts that the files carry, not ours."""


@dataclass(slots=True)
class Side:
    """One of the two that are compared."""

    scores: Scores
    alarms: list[str] = field(default_factory=list)


def read_side(path: Path, reading: Reading) -> Side:
    """Everything that a path holds. Raises UnusableArguments, OutputsError, BenchmarkError."""
    if not path.exists():
        raise UnusableArguments(
            f"{path}: expected a scores.json, a log, outputs or a folder of them; found: No such file or directory. Check the "
            "path."
        )
    if not reading.harness and (files := _scores_files(path)):
        return Side(_scores(path, files))
    if reading.benchmark is not None:
        chosen = benchmark_of(reading.benchmark)
        return _read(path, reading, {chosen.name: (chosen, None)})
    found = tasks_in(path)
    if not found:
        raise UnusableArguments(
            f"{path}: expected a scores.json of an evaluation, a folder with some, what `mathsieve grade --json` printed, or "
            "logs of inspect or lm-eval; found none of these. For other outputs give --benchmark."
        )
    return _read(path, reading, {task: (_benchmark_of_task(task), files) for task, files in found.items()})


def _read(path: Path, reading: Reading, tasks: Mapping[str, tuple[Benchmark, Sequence[Path] | None]]) -> Side:
    side = Side({})
    for task, (chosen, files) in tasks.items():
        outputs = read_outputs(path, chosen, data=reading.data, cluster_by=reading.cluster_by, files=files)
        content = _harness_scores(path, outputs) if reading.harness else _graded(outputs, chosen, reading)
        side.scores[task, content["form"]] = content | {"benchmark": task, "title": chosen.title}
        side.alarms += outputs.alarms
    return side


def _graded(outputs: Outputs, chosen: Benchmark, reading: Reading) -> dict[str, Any]:
    from evaluators.grade_command import graded

    return graded(outputs, chosen, [reading.profile or "strict"])[1]


def _harness_scores(path: Path, outputs: Outputs) -> dict[str, Any]:
    """The harness's own verdicts in the shape of a scores.json: a profile for each of its scores."""
    by_score: dict[str, dict[str, list[float]]] = {}
    for (problem, _), origin in outputs.origins.items():
        for name, verdict in origin.verdicts.items():
            by_score.setdefault(name, {}).setdefault(problem, []).append(verdict)
    if not by_score:
        raise UnusableArguments(
            f"{path}: expected verdicts of the harness beside the outputs; found none. Compare without --harness."
        )
    return {
        "form": outputs.completions[0].form,
        "clusters": dict(outputs.clusters),
        "profiles": {
            name: {"scores": {problem: sum(own) / len(own) for problem, own in verdicts.items()}}
            for name, verdicts in by_score.items()
        },
    }


def _benchmark_of_task(task: str) -> Benchmark:
    """The benchmark whose name a task bears, or one that knows nothing but what the file says."""
    bare = VARIANT.sub("", task.rpartition("/")[2].lower()).translate(BARE)
    fitting = [name for name in names() if name.translate(BARE) == bare]
    if fitting:
        return benchmark(fitting[0])

    def parse(row: Mapping[str, Any], index: int, split: str) -> Problem:
        raise ValueError(f"{task} is not a benchmark whose rows are known")

    return Benchmark(
        name=task.replace("/", "_"),
        title=task,
        language="en",
        splits={"test": Split(rows=0, hub_split=None, files=())},
        parse=parse,
        example={},
        example_reference="",
        licence="its owner's",
    )


def _scores_files(path: Path) -> list[Path]:
    """Files of scores at a path; none where it holds something else."""
    if path.is_dir():
        return sorted(path.rglob("scores.json"))
    if path.suffix != ".json":
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return [path] if isinstance(content, dict) and {"benchmark", "form", "profiles"} <= content.keys() else []


def _scores(path: Path, files: Sequence[Path]) -> Scores:
    found: Scores = {}
    for file in files:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            key = (content["benchmark"], content["form"])
            [figures["scores"] for figures in content["profiles"].values()]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnusableArguments(
                f"{file}: expected a scores.json of an evaluation, or what `mathsieve grade --json` printed; found something "
                f"else ({type(error).__name__}: {error}). For a file of outputs give --benchmark."
            ) from error
        if key in found:
            raise UnusableArguments(
                f"{path}: expected one evaluation of {' '.join(key)}; found two. Name a folder that holds one."
            )
        found[key] = content
    return found

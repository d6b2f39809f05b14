"""MATH's train split: the published solutions, which box their answers."""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.benchmarks.math import BENCHMARK, parse
from pipelines.mixtures.source import Row, Source, SourceSettings
from pipelines.mixtures.verification import Solution


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    problem = parse(row, index, "train")
    return [Solution(problem=problem, form="cot", response=row["solution"], reference_from="benchmark")]


SOURCE = Source(
    name="math",
    title="MATH",
    licence="MIT",
    files=("train.jsonl", "train*.parquet", "train/*/*.json"),
    solutions=solutions,
    example=BENCHMARK.example,
    example_reference=BENCHMARK.example_reference,
)

"""GSM8K's train split: chain of thought, one calculation a line; calculator annotations are removed."""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.benchmarks.gsm8k import BENCHMARK, parse
from pipelines.mixtures.source import Row, Source, SourceSettings
from pipelines.mixtures.verification import Solution


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    problem = parse(row, index, "train")
    response = f"{problem.solution}\nThe answer is $\\boxed{{{problem.reference}}}$."
    return [Solution(problem=problem, form="cot", response=response, reference_from="benchmark")]


SOURCE = Source(
    name="gsm8k",
    title="GSM8K",
    licence="MIT",
    files=("train.jsonl", "train*.parquet"),
    solutions=solutions,
    example=BENCHMARK.example,
    example_reference="16",
)

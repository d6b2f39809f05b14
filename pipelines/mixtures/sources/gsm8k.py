"""GSM8K's train split: chain of thought, one calculation a line; calculator annotations are removed."""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.benchmarks.gsm8k import BENCHMARK, parse
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.source_files import Hub, Row
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
    hub=Hub(dataset="openai/gsm8k", revision=BENCHMARK.revision or "", files=("main/train-*.parquet",)),
    rows=BENCHMARK.splits["train"].rows,
    solutions=solutions,
    example=BENCHMARK.example,
    example_reference="16",
)

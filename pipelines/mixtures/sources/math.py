"""MATH's train split: the published solutions, which box their answers."""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.benchmarks.math import BENCHMARK, parse
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.source_files import Hub, Row
from pipelines.mixtures.verification import Solution


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    problem = parse(row, index, "train")
    return [Solution(problem=problem, form="cot", response=row["solution"], reference_from="benchmark")]


SOURCE = Source(
    name="math",
    title="MATH",
    licence="MIT",
    files=("train.jsonl", "train*.parquet", "train/*/*.json"),
    hub=Hub(dataset=BENCHMARK.dataset or "", revision=BENCHMARK.revision or "", files=("data/train-*.parquet",)),
    rows=BENCHMARK.splits["train"].rows,
    note="the pattern of the data set's files is from its card's usual form, not seen",
    solutions=solutions,
    example=BENCHMARK.example,
    example_reference=BENCHMARK.example_reference,
)

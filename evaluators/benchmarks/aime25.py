"""AIME 2025: the thirty problems of both papers. Answers are integers from 0 to 999."""

from __future__ import annotations

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem


def parse(row: Row, index: int, split: str) -> Problem:
    """The copies on the hub call the question `problem` or `question`, and number it or do not."""
    number = next((row[name] for name in ("problem_idx", "id", "unique_id") if row.get(name) is not None), index)
    return Problem(
        id=f"aime25/{split}/{number}",
        benchmark="aime25",
        split=split,
        question=row["problem"] if "problem" in row else row["question"],
        reference=str(int(row["answer"])),
        solution=row.get("solution"),
    )


BENCHMARK = Benchmark(
    name="aime25",
    title="AIME 2025",
    language="en",
    dataset="math-ai/aime25",
    licence="the Mathematical Association of America's",
    splits={"test": Split(rows=30, hub_split="test", files=("test.jsonl", "aime2025*.jsonl", "*.jsonl", "*.parquet"))},
    parse=parse,
    example={"problem": "Find the remainder when $11^{3}$ is divided by $100$.", "answer": "31", "id": "0"},
    example_reference="31",
)

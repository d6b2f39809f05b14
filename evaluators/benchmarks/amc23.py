"""AMC 2023 (12A and 12B): the forty problems whose answers are integers, as the AIMO validation set words them."""

from __future__ import annotations

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem


def parse(row: Row, index: int, split: str) -> Problem:
    return Problem(
        id=f"amc23/{split}/{row['id']}",
        benchmark="amc23",
        split=split,
        question=row["question"] if "question" in row else row["problem"],
        reference=str(int(float(row["answer"]))),
    )


BENCHMARK = Benchmark(
    name="amc23",
    title="AMC 2023",
    language="en",
    dataset="math-ai/amc23",
    licence="MIT",
    splits={
        "test": Split(
            rows=40,
            hub_split="test",
            sha256="272d95a9a099fee7306a133d5cff29b62d6ebeebcfb10325bc041f9f72883937",
            files=("test.jsonl", "*.jsonl", "*.parquet"),
        )
    },
    parse=parse,
    example={"id": 0, "problem": "How many diagonals does a convex hexagon have?", "answer": 9.0, "url": ""},
    example_reference="9",
)

"""AIME 2024: the thirty problems of both papers. Answers are integers from 0 to 999, written `025` in the source."""

from __future__ import annotations

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem


def parse(row: Row, index: int, split: str) -> Problem:
    return Problem(
        id=f"aime24/{split}/{row['id']}",
        benchmark="aime24",
        split=split,
        question=row["problem"],
        reference=str(int(row["answer"])),
        solution=row.get("solution"),
    )


BENCHMARK = Benchmark(
    name="aime24",
    title="AIME 2024",
    language="en",
    dataset="AI-MO/aimo-validation-aime",
    licence="MIT",
    splits={
        "test": Split(
            rows=30,
            hub_split="train",  # AIME 2022 to 2024; this year's are chosen by their URL
            sha256="fe9e4939721cc8e7525dd1a500310cf3497989799fcc5d4862d526cbcec4aa87",
            files=("test.jsonl", "*.jsonl", "*.parquet"),
            select=lambda row: "2024_AIME" in row.get("url", "2024_AIME"),
        )
    },
    parse=parse,
    example={
        "id": 1,
        "problem": "Find the remainder when $7^{3}$ is divided by $100$.",
        "answer": "043",
        "solution": "",
    },
    example_reference="43",
)

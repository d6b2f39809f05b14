"""HMMT February 2025: the thirty problems of the three individual rounds, with MathArena's answers."""

from __future__ import annotations

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem


def parse(row: Row, index: int, split: str) -> Problem:
    kinds = row.get("problem_type")
    return Problem(
        id=f"hmmt25/{split}/{row.get('problem_idx', index)}",
        benchmark="hmmt25",
        split=split,
        question=row["problem"],
        reference=str(row["answer"]).strip(),
        subject=", ".join(kinds) if isinstance(kinds, list) and kinds else None,
    )


BENCHMARK = Benchmark(
    name="hmmt25",
    title="HMMT February 2025",
    language="en",
    dataset="MathArena/hmmt_feb_2025",
    licence="CC-BY-NC-SA-4.0",
    splits={
        "test": Split(rows=30, hub_split="train", files=("test.jsonl", "hmmt*.jsonl", "train*.parquet", "*.jsonl"))
    },
    parse=parse,
    example={
        "problem_idx": 3,
        "problem": "Compute the area of a square whose diagonal is $\\sqrt{6}$.",
        "answer": "3",
        "problem_type": ["Geometry"],
    },
    example_reference="3",
)

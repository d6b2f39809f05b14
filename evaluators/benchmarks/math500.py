"""MATH-500: the 500 test problems of MATH that Lightman et al. (2023) held out."""

from __future__ import annotations

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem


def parse(row: Row, index: int, split: str) -> Problem:
    return Problem(
        id=f"math500/{split}/{index}",
        benchmark="math500",
        split=split,
        question=row["problem"],
        reference=row["answer"],
        solution=row["solution"],
        subject=row["subject"],
        level=str(row["level"]),
    )


BENCHMARK = Benchmark(
    name="math500",
    title="MATH-500",
    language="en",
    dataset="HuggingFaceH4/MATH-500",
    revision="6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be",
    licence="MIT",
    splits={
        "test": Split(
            rows=500,
            hub_split="test",
            sha256="5aefc0e805e8de8565481da3eaece8a3c35485a23ddf5dd16cd7650c6cad93b2",
            files=("test.jsonl", "test*.parquet"),
        )
    },
    parse=parse,
    example={
        "problem": "Compute $\\frac{2}{3} + \\frac{1}{6}$.",
        "solution": "With sixths, $\\frac{4}{6} + \\frac{1}{6} = \\boxed{\\frac{5}{6}}$.",
        "answer": "\\frac{5}{6}",
        "subject": "Prealgebra",
        "level": 1,
        "unique_id": "test/prealgebra/0.json",
    },
    example_reference="\\frac{5}{6}",
)

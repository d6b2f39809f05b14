"""Minerva's OCWCourses: 272 undergraduate problems of MIT's courses (Lewkowycz et al. 2022, §3.1)."""

from __future__ import annotations

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.benchmarks.math import boxed_answers
from evaluators.records import Problem


def parse(row: Row, index: int, split: str) -> Problem:
    """The answer is a column of its own, or the last box of the solution."""
    boxed = boxed_answers(row.get("solution") or "")
    reference = str(row["answer"]).strip() if row.get("answer") else boxed[-1] if boxed else ""
    if not reference:
        raise ValueError("expected an answer, or a box in the solution")
    return Problem(
        id=f"minerva_math/{split}/{row.get('idx', index)}",
        benchmark="minerva_math",
        split=split,
        question=row["problem"] if "problem" in row else row["question"],
        reference=reference,
        solution=row.get("solution"),
        subject=row.get("type"),
    )


BENCHMARK = Benchmark(
    name="minerva_math",
    title="Minerva (OCWCourses)",
    language="en",
    dataset="math-ai/minervamath",
    licence="CC-BY-NC-SA-4.0",
    splits={"test": Split(rows=272, hub_split="test", files=("test.jsonl", "minerva*.jsonl", "*.parquet"))},
    parse=parse,
    example={
        "question": "A source emits $10^3$ photons of $2$ eV each second. What is its power in eV per second?",
        "answer": "2e3",
    },
    example_reference="2e3",
)

"""CMATH: Chinese elementary-school word problems, grades 1 to 6 (Wei et al. 2023)."""

from __future__ import annotations

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem


def parse(row: Row, index: int, split: str) -> Problem:
    return Problem(
        id=f"cmath/{split}/{index}",
        benchmark="cmath",
        split=split,
        language="zh",
        question=row["question"] if "question" in row else row["input"],  # the published dev file says `input`
        reference=str(row["golden"]).strip(),
        level=f"grade {row['grade']}",
        steps=int(row["reasoning_step"]),
    )


BENCHMARK = Benchmark(
    name="cmath",
    title="CMATH",
    language="zh",
    dataset="weitianwen/cmath",
    licence="CC-BY-4.0",
    splits={
        "test": Split(
            rows=1098,
            hub_split="test",
            sha256="8688e9992b62d07bef1d10fa736587395e925f8869f51ac773e8b36151c2bd76",
            files=("test.jsonl", "cmath_test.jsonl", "test*.parquet"),
        ),
        "dev": Split(
            rows=600,
            hub_split="validation",
            sha256="2737d847315d27970a070752ddd6b1bfa398ea4a56d285b2090727d4110fd780",
            files=("dev.jsonl", "cmath_dev.jsonl", "validation*.parquet"),
        ),
    },
    parse=parse,
    example={
        "grade": 2,
        "question": "每盒有6支铅笔，小明买了4盒，送给同学5支，还剩多少支？",
        "golden": "19",
        "reasoning_step": 2,
        "num_digits": 2,
    },
    example_reference="19",
)

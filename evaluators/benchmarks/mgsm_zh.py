"""MGSM-zh: 250 problems of GSM8K's test split, translated into Chinese by people (Shi et al. 2022)."""

from __future__ import annotations

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem


def parse(row: Row, index: int, split: str) -> Problem:
    reference = row["answer"] if row.get("answer_number") is None else row["answer_number"]
    return Problem(
        id=f"mgsm_zh/{split}/{index}",
        benchmark="mgsm_zh",
        split=split,
        language="zh",
        question=row["question"],
        reference=str(reference).strip().replace(",", ""),
    )


BENCHMARK = Benchmark(
    name="mgsm_zh",
    title="MGSM-zh",
    language="zh",
    dataset="juletxara/mgsm",
    configuration="zh",
    licence="CC-BY-4.0",
    columns=("question", "answer"),
    splits={
        "test": Split(
            rows=250,
            hub_split="test",
            sha256="02c187cf3f654be7e6a3aea15ba6b1aa7d2396c338f879fcdd60e33b4286653c",
            files=("mgsm_zh.tsv", "zh/test*.parquet", "test*.parquet"),
        )
    },
    parse=parse,
    example={"question": "面包师烤了 3 盘面包，每盘 12 个，卖掉 20 个。还剩多少个？", "answer": "16"},
    example_reference="16",
)

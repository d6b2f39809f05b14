"""GSM8K: grade-school word problems (Cobbe et al. 2021). The answer stands after `####`.

Few-shot (§2.3: 8 exemplars): the first eight rows of the train split.
"""

from __future__ import annotations

import re

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem

CALCULATION = re.compile(r"<<[^<>]*>>")
"""Calculator annotations, `<<48/2=24>>`, are for a tool that no model here has: dropped from solutions."""


def parse(row: Row, index: int, split: str) -> Problem:
    solution, mark, reference = row["answer"].rpartition("####")
    if not mark:
        raise ValueError("expected `####` before the answer")
    worked = CALCULATION.sub("", solution).strip()
    return Problem(
        id=f"gsm8k/{split}/{index}",
        benchmark="gsm8k",
        split=split,
        question=row["question"],
        reference=reference.strip().replace(",", ""),
        solution=worked,
        steps=len(worked.splitlines()),
    )


BENCHMARK = Benchmark(
    name="gsm8k",
    title="GSM8K",
    language="en",
    dataset="openai/gsm8k",
    configuration="main",
    revision="cc7b047b6e5bb11b4f1af84efc572db110a51b3c",
    licence="MIT",
    splits={
        "test": Split(
            rows=1319,
            hub_split="test",
            sha256="47133806056711fd9a344cbff7a9e518e6534b21b7a4fceb061f686c3e440615",
            files=("test.jsonl", "test*.parquet"),
        ),
        "train": Split(
            rows=7473,
            hub_split="train",
            sha256="951dca4d21b21b7b151ebbd771a114481f0cf933ac179cf78d03e3ae897a273a",
            files=("train.jsonl", "train*.parquet"),
        ),
    },
    parse=parse,
    exemplars=tuple(range(8)),
    example={
        "question": "A baker fills 3 trays with 12 rolls each and sells 20 rolls. How many rolls are left?",
        "answer": "He bakes 3*12=<<3*12=36>>36 rolls.\nAfter the sale 36-20=<<36-20=16>>16 are left.\n#### 16",
    },
    example_reference="16",
)

"""Orca-Math (Mitra et al. 2024): word problems of primary school, made and solved by GPT-4.

It gives no references; some solutions announce their answer, most end with it in a sentence.
"""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.response_text import boxed_statement
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="orca_math",
    title="Orca-Math word problems",
    licence="MIT",
    files=("train-*.parquet", "data/train-*.parquet", "*.parquet", "*.jsonl"),
    hub=Hub(
        dataset="microsoft/orca-math-word-problems-200k",
        revision="f426e7b034495e2a90e8aabce1c937bbb40a0363",
        files=("data/train-*.parquet",),
    ),
    rows=200_035,
    note="the last digits of the row count are from memory",
    solutions=by_looking(
        "orca_math", Known(columns={"question": "question", "response": "answer"}, written=boxed_statement)
    ),
    example={
        "question": "Mia reads 12 pages a day. How many pages does she read in 5 days?",
        "answer": "In 5 days she reads 12 * 5 = 60 pages.\nThe answer is 60.",
    },
    example_reference="",
)

"""OpenR1-Math-220k, its default part (Hugging Face 2025): problems of NuminaMath 1.5 with lists of DeepSeek-R1 generations.

A row has two to four; those that were cut (`is_reasoning_complete`) are passed over, and thinking is left out unless a recipe keeps it.
"""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="openr1_math",
    title="OpenR1-Math-220k",
    licence="Apache-2.0",
    files=("train-*.parquet", "data/train-*.parquet", "*.parquet", "*.jsonl"),
    hub=Hub(
        dataset="open-r1/OpenR1-Math-220k",
        revision="e4e141ec9dea9f8326f4d347be56105859b2bd68",
        files=("data/train-*.parquet",),
    ),
    rows=93_733,
    note="the row count is from memory; its card gives two to four generations a row",
    solutions=by_looking(
        "openr1_math",
        Known(
            columns={
                "question": "problem",
                "response": "generations",
                "reference": "answer",
                "subject": "problem_type",
            },
            language="en",
        ),
    ),
    example={
        "problem": "How many diagonals has a heptagon?",
        "solution": "Each of 7 corners has 4: $7 \\cdot 4 / 2 = 14$.",
        "answer": "14",
        "problem_type": "Geometry",
        "question_type": "math-word-problem",
        "source": "olympiads",
        "uuid": "00000000-0000-0000-0000-000000000000",
        "is_reasoning_complete": [True, False],
        "generations": ["<think>\n7 * 4 / 2\n</think>\nIt has $\\boxed{14}$.", "<think>\n7 * 4"],
        "correctness_math_verify": [True, False],
        "messages": [{"role": "user", "content": "How many diagonals has a heptagon?"}],
    },
    example_reference="14",
)

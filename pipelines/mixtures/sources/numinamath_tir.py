"""NuminaMath-TIR (Li et al. 2024): problems of NuminaMath with numerical answers, solved by GPT-4 with programs.

It gives no references; a solution boxes its answer after the last output.
"""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="numinamath_tir",
    title="NuminaMath-TIR",
    licence="Apache-2.0",
    files=("train-*.parquet", "data/train-*.parquet", "*.parquet", "*.jsonl"),
    hub=Hub(
        dataset="AI-MO/NuminaMath-TIR",
        revision="0669f697d6b97acdfd5b8175bd53bb0bbaa00cbe",
        files=("data/train-*.parquet",),
    ),
    rows=72_441,
    note="its card gave CC-BY-NC-4.0 before",
    solutions=by_looking("numinamath_tir", Known(columns={"question": "problem", "response": "solution"})),
    example={
        "problem": "What is the remainder of $7^{10}$ on division by 13?",
        "solution": "We compute it.\n\n```python\nprint(pow(7, 10, 13))\n```\n```output\n4\n```\nThe remainder is $\\boxed{4}$.",
        "messages": [],
    },
    example_reference="",
)

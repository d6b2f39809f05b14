"""NuminaMath-CoT (Li et al. 2024): competition and school problems from nine collections, solutions rewritten by GPT-4.

It gives no references; a solution boxes its answer, or proves something. `source` says which collection a row is of.
"""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="numinamath_cot",
    title="NuminaMath-CoT",
    licence="Apache-2.0",
    files=("train-*.parquet", "data/train-*.parquet", "*.parquet", "*.jsonl"),
    hub=Hub(
        dataset="AI-MO/NuminaMath-CoT",
        revision="9d8d210c9f6a36c8f3cd84045668c9b7800ef517",
        files=("data/train-*.parquet",),
    ),
    rows=859_494,
    solutions=by_looking(
        "numinamath_cot", Known(columns={"question": "problem", "response": "solution", "subject": "source"})
    ),
    example={
        "source": "cn_k12",
        "problem": "Solve $3x + 4 = 19$.",
        "solution": "Subtract 4: $3x = 15$. So $x = \\boxed{5}$.",
        "messages": [
            {"role": "user", "content": "Solve $3x + 4 = 19$."},
            {"role": "assistant", "content": "Subtract 4: $3x = 15$. So $x = \\boxed{5}$."},
        ],
    },
    example_reference="",
)

"""OpenMathInstruct-2 (Toshniwal et al. 2024): GSM8K and MATH train problems and variations, solved by Llama 3.1 405B.

The reference of a variation is what most of its solutions say.
"""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="openmathinstruct2",
    title="OpenMathInstruct-2",
    licence="CC-BY-4.0",
    files=("train_1M-*.parquet", "data/train_1M-*.parquet", "*.parquet", "*.jsonl"),
    hub=Hub(
        dataset="nvidia/OpenMathInstruct-2",
        revision="c349f8d7d6104a85b4ee53dbdd84a89557ac471c",
        files=("data/train_1M-*.parquet",),
    ),
    rows=1_000_000,
    note="the split train_1M; the whole has 14 million",
    solutions=by_looking(
        "openmathinstruct2",
        Known(
            columns={
                "question": "problem",
                "response": "generated_solution",
                "reference": "expected_answer",
                "subject": "problem_source",
            },
            language="en",
        ),
    ),
    example={
        "problem": "A shelf holds 7 rows of 8 jars. How many jars does it hold?",
        "generated_solution": "It holds $7 \\cdot 8 = \\boxed{56}$ jars.",
        "expected_answer": "56",
        "problem_source": "augmented_gsm8k",
    },
    example_reference="56",
)

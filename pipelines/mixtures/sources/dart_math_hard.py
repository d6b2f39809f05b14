"""DART-Math-Hard (Tong et al. 2024): GSM8K and MATH train questions, the hard ones sampled more, solved by DeepSeekMath-7B-RL.

A question has many solutions, one a row; it gives no references.
"""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.response_text import boxed_statement
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="dart_math_hard",
    title="DART-Math-Hard",
    licence="MIT",
    files=("train-*.parquet", "data/train-*.parquet", "*.parquet", "*.jsonl"),
    hub=Hub(
        dataset="hkust-nlp/dart-math-hard",
        revision="0c2603fba274c2e83ec9121bee3067e286ced194",
        files=("data/train-*.parquet",),
    ),
    rows=585_392,
    note="the last digits of the row count are from memory",
    solutions=by_looking(
        "dart_math_hard",
        Known(columns={"question": "query", "response": "response"}, language="en", written=boxed_statement),
    ),
    example={
        "query": "Find the least positive multiple of 6 and 8.",
        "response": "$6 = 2 \\cdot 3$ and $8 = 2^3$, so it is $2^3 \\cdot 3 = 24$. The answer is $\\boxed{24}$.",
    },
    example_reference="",
)

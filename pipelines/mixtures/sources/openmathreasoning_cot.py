"""OpenMathReasoning's cot split (Moshkov et al. 2025): problems of AoPS forums, solved by DeepSeek-R1 and QwQ-32B.

Their thinking is left out, unless a recipe keeps it (`thinking: keep`).
Where no answer was extracted (`problem_type`), the expected one is what most solutions say.
"""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="openmathreasoning_cot",
    title="OpenMathReasoning (cot)",
    licence="CC-BY-4.0",
    files=("cot-*.parquet", "data/cot-*.parquet", "*.parquet", "*.jsonl"),
    hub=Hub(
        dataset="nvidia/OpenMathReasoning",
        revision="d3d08664755704f422af97d43a7ff0ded4bd95df",
        files=("data/cot-*.parquet",),
    ),
    rows=3_201_061,
    solutions=by_looking(
        "openmathreasoning_cot",
        Known(
            columns={
                "question": "problem",
                "response": "generated_solution",
                "reference": "expected_answer",
                "subject": "problem_type",
            },
            language="en",
        ),
    ),
    example={
        "expected_answer": "15",
        "problem_type": "has_answer_extracted",
        "problem_source": "aops_c4_high_school_math",
        "generation_model": "QwQ-32B",
        "pass_rate_72b_tir": "0.875",
        "problem": "In how many ways can two of six friends be chosen?",
        "generated_solution": "<think>\nSix choose two: 6 * 5 / 2.\n</think>\nThere are $6 \\cdot 5 / 2 = \\boxed{15}$ ways.",
        "inference_mode": "cot",
        "used_in_kaggle": False,
    },
    example_reference="15",
)

"""OpenMathReasoning's tir split (Moshkov et al. 2025): problems of AoPS forums, solved by DeepSeek-R1 and QwQ-32B.

Programs stand in `<tool_call>`, their outputs in fences; both become the fences of DeepSeekMath.
Where no answer was extracted (`problem_type`), the expected one is what most solutions say.
"""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="openmathreasoning_tir",
    title="OpenMathReasoning (tir)",
    licence="CC-BY-4.0",
    files=("tir-*.parquet", "data/tir-*.parquet", "*.parquet", "*.jsonl"),
    hub=Hub(
        dataset="nvidia/OpenMathReasoning",
        revision="d3d08664755704f422af97d43a7ff0ded4bd95df",
        files=("data/tir-*.parquet",),
    ),
    rows=1_718_466,
    solutions=by_looking(
        "openmathreasoning_tir",
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
        "generated_solution": "<think>\nI count them.\n</think>\n"
        "<tool_call>\nfrom math import comb\nprint(comb(6, 2))\n</tool_call>\n```output\n15\n```\n"
        "There are $\\boxed{15}$ ways.",
        "inference_mode": "tir",
        "used_in_kaggle": False,
    },
    example_reference="15",
)

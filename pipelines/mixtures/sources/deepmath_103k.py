"""DeepMath-103K (He et al. 2025): hard problems with a final answer, a difficulty and a topic, each solved three times by DeepSeek-R1."""

from __future__ import annotations

from pipelines.mixtures.found_solutions import Known, by_looking
from pipelines.mixtures.source_definition import Source
from pipelines.mixtures.source_files import Hub

SOURCE = Source(
    name="deepmath_103k",
    title="DeepMath-103K",
    licence="MIT",
    files=("train-*.parquet", "data/train-*.parquet", "*.parquet", "*.jsonl"),
    hub=Hub(
        dataset="zwhe99/DeepMath-103K",
        revision="5cf055d1fe3d7a2eb19719ac020211469736ae44",
        files=("data/train-*.parquet",),
    ),
    rows=103_110,
    examples=309_330,
    solutions=by_looking(
        "deepmath_103k",
        Known(
            columns={"question": "question", "reference": "final_answer", "level": "difficulty", "subject": "topic"},
            language="en",
        ),
    ),
    example={
        "question": "Find the limit of $(1 + 1/n)^{2n}$.",
        "final_answer": "e^2",
        "difficulty": 4.5,
        "topic": "Mathematics -> Calculus -> Limits",
        "r1_solution_1": "It is the square of $(1 + 1/n)^n$, so the limit is $\\boxed{e^2}$.",
        "r1_solution_2": "Its logarithm tends to 2. The limit is $\\boxed{e^2}$.",
        "r1_solution_3": "Since $(1 + 1/n)^n \\to e$, the limit is $\\boxed{e^2}$.",
    },
    example_reference="e^2",
)

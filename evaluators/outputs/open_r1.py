"""Open R1's data sets of generations: several a problem, each with Math-Verify's verdict."""

from __future__ import annotations

from evaluators.benchmarks import Row
from evaluators.outputs._format import Format, ReadRow, given, has, texts_of, verdicts_of


def recognises(row: Row) -> bool:
    return has(row, "problem", "answer", "generations") and isinstance(row["generations"], list)


def read(row: Row) -> ReadRow:
    names = ("correctness_math_verify", "correctness_llama")
    return ReadRow(
        responses=texts_of(row["generations"]) or (None,),
        questions=(str(row["problem"]),),
        reference=row["answer"],
        id=None if row.get("uuid") is None else str(row["uuid"]),
        verdicts=given({name: verdicts_of(row[name]) for name in names if isinstance(row.get(name), list)}),
    )


FORMAT = Format(
    title="Open R1",
    versions="OpenR1-Math-220k and its kin (2025)",
    source="huggingface/open-r1, the columns of open-r1/OpenR1-Math-220k",
    recognises=recognises,
    read=read,
    example={
        "problem": "What is 8 + 8?",
        "solution": "",
        "answer": "16",
        "uuid": "u-1",
        "generations": ["<think>8+8</think>\\boxed{16}", "\\boxed{88}"],
        "correctness_math_verify": [True, False],
        "finish_reasons": ["stop", "stop"],
    },
    example_row=ReadRow(
        responses=("<think>8+8</think>\\boxed{16}", "\\boxed{88}"),
        questions=("What is 8 + 8?",),
        reference="16",
        id="u-1",
        verdicts={"correctness_math_verify": (1.0, 0.0)},
    ),
)

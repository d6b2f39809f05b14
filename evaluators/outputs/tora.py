"""ToRA, MathCoder and Qwen2.5-Math's evaluation: trajectories under `code`, a row a problem."""

from __future__ import annotations

from evaluators.benchmarks import Row
from evaluators.outputs._format import Format, ReadRow, given, has, texts_of, verdicts_of


def recognises(row: Row) -> bool:
    return has(row, "question", "gt", "code") and isinstance(row["code"], list)


def read(row: Row) -> ReadRow:
    predictions = texts_of(row["pred"]) if isinstance(row.get("pred"), list) else ()
    return ReadRow(
        responses=texts_of(row["code"]),
        questions=(str(row["question"]),),
        reference=row["gt"],
        id=None if row.get("idx") is None else str(row["idx"]),
        id_is_place=True,
        verdicts=given({"score": verdicts_of(row.get("score"))}),
        extracted=predictions if len(predictions) == len(row["code"]) else (),
    )


FORMAT = Format(
    title="ToRA",
    versions="ToRA of 2023; Qwen2.5-Math's evaluation of 2024 and 2025",
    source="microsoft/ToRA, src/infer/inference_api.py; QwenLM/Qwen2.5-Math, evaluation/math_eval.py",
    recognises=recognises,
    read=read,
    example={
        "idx": 0,
        "question": "What is 12 over 4?",
        "gt_cot": "",
        "gt": "3",
        "code": ["```python\nprint(12 // 4)\n```\n```output\n3\n```\nThe answer is $\\boxed{3}$."],
        "pred": ["3"],
        "report": [None],
        "score": [True],
    },
    example_row=ReadRow(
        responses=("```python\nprint(12 // 4)\n```\n```output\n3\n```\nThe answer is $\\boxed{3}$.",),
        questions=("What is 12 over 4?",),
        reference="3",
        id="0",
        id_is_place=True,
        verdicts={"score": (1.0,)},
        extracted=("3",),
    ),
)

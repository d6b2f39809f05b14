"""verifiers' `results.jsonl`, as `vf-eval --save-results` and prime-rl write it."""

from __future__ import annotations

from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._conversations import asked_of, is_conversation, said_in
from evaluators.outputs._format import Format, ReadRow, given, has, verdict


def recognises(row: Row) -> bool:
    return has(row, "prompt", "completion", "answer", "reward") and ("example_id" in row or "task" in row)


def read(row: Row) -> ReadRow:
    prompt = row["prompt"]
    return ReadRow(
        responses=(_text(row["completion"]),),
        questions=tuple(asked_of(prompt)) if is_conversation(prompt) else (str(prompt),),
        reference=row["answer"],
        id=None if row.get("example_id") is None else str(row["example_id"]),
        verdicts=given({"reward": (verdict(row["reward"]),)}),
        failure=None if not row.get("error") else str(row["error"])[:200],
    )


def _text(completion: Any) -> str | None:
    return said_in(completion) if is_conversation(completion) else None if completion is None else str(completion)


FORMAT = Format(
    title="verifiers",
    versions="0.1.5 to 0.1.10",
    source="PrimeIntellect-ai/verifiers, verifiers/utils/eval_utils.py",
    recognises=recognises,
    read=read,
    example={
        "example_id": 5,
        "prompt": [{"role": "system", "content": "Box it."}, {"role": "user", "content": "What is 10 / 2?"}],
        "completion": [{"role": "assistant", "content": "\\boxed{5}"}],
        "task": "default",
        "answer": "5",
        "info": {},
        "reward": 1.0,
    },
    example_row=ReadRow(
        responses=("\\boxed{5}",),
        questions=("What is 10 / 2?",),
        reference="5",
        id="5",
        verdicts={"reward": (1.0,)},
    ),
)

"""verl's dumped rollouts and validations: `<step>.jsonl`, where `gts` is the ground truth."""

from __future__ import annotations

from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._format import Format, ReadRow, given, has, verdict


def recognises(row: Row) -> bool:
    return has(row, "input", "output", "gts")


def read(row: Row) -> ReadRow:
    gts = row["gts"]
    named = "acc" if "acc" in row else "score"
    return ReadRow(
        responses=(None if row["output"] is None else str(row["output"]),),
        questions=(str(row["input"]),),
        reference=gts[0] if isinstance(gts, list) and len(gts) == 1 else gts,
        verdicts=given({named: (_verdict(row.get(named)),)}),
        extracted=() if row.get("pred") is None else (str(row["pred"]),),
    )


def _verdict(value: Any) -> float | None:
    """DAPO's reward is -1 where the answer is wrong; a reward between (for a format, say) is no verdict."""
    if isinstance(value, (bool, int, float)) and value in (-1, 0, 1):
        return float(max(0, value))
    return verdict(value) if isinstance(value, str) else None


FORMAT = Format(
    title="verl",
    versions="0.3 to 0.7",
    source="verl-project/verl, verl/trainer/ppo/ray_trainer.py, _dump_generations",
    recognises=recognises,
    read=read,
    example={
        "input": "user\nWhat is 6 times 7? Think step by step.\nassistant\n",
        "output": "6 times 7 is \\boxed{42}.",
        "gts": "42",
        "score": 1.0,
        "step": 20,
        "acc": True,
        "pred": "42",
    },
    example_row=ReadRow(
        responses=("6 times 7 is \\boxed{42}.",),
        questions=("user\nWhat is 6 times 7? Think step by step.\nassistant\n",),
        reference="42",
        verdicts={"acc": (1.0,)},
        extracted=("42",),
    ),
)

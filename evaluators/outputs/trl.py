"""TRL's GRPO and RLOO with `log_completions`: `completions/completions_<step>.parquet`, a column a reward function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._conversations import asked_of, is_conversation, said_in
from evaluators.outputs._folders import one_step
from evaluators.outputs._format import Format, ReadRow, given, has, verdict
from evaluators.outputs._spellings import REFERENCES, Spelling

OWN = ("step", "prompt", "completion", "advantage")


def recognises(row: Row) -> bool:
    return has(row, *OWN)


def read(row: Row) -> ReadRow:
    """The columns besides TRL's own are rewards, and those of the data set where the trainer was told to log them."""
    prompt = row["prompt"]
    rest = {name: value for name, value in row.items() if name not in OWN}
    reference = Spelling(rest).first(REFERENCES)
    return ReadRow(
        responses=(_text(row["completion"]),),
        questions=tuple(asked_of(prompt)) if is_conversation(prompt) else (str(prompt),),
        reference=None if reference is None else reference.value,
        verdicts=given({name: (verdict(value),) for name, value in rest.items() if isinstance(value, float)}),
    )


def _text(completion: Any) -> str | None:
    return said_in(completion) if is_conversation(completion) else None if completion is None else str(completion)


def files(folder: Path, benchmark: str) -> list[Path]:
    """A step is a model of its own: one is read."""
    return one_step(sorted(folder.rglob("completions_*.parquet")))


FORMAT = Format(
    title="TRL",
    versions="0.19 to 1.16",
    source="huggingface/trl, trl/trainer/grpo_trainer.py, log",
    recognises=recognises,
    read=read,
    files=files,
    example={
        "step": 10,
        "prompt": "What is 4 plus 4?",
        "completion": "\\boxed{8}",
        "accuracy_reward": 1.0,
        "advantage": 0.7,
    },
    example_row=ReadRow(
        responses=("\\boxed{8}",), questions=("What is 4 plus 4?",), verdicts={"accuracy_reward": (1.0,)}
    ),
)

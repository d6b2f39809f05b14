"""NeMo-Skills: `output.jsonl`, or `output-rs<seed>.jsonl` for every sample."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._folders import of_one_model
from evaluators.outputs._format import Format, ReadRow, given, has, texts_of, verdict
from evaluators.outputs._spellings import key_of

SEED = re.compile(r"output-rs\d+\.jsonl")
YES = re.compile(r"judge?ment:\s*(yes|no)", re.IGNORECASE)


def recognises(row: Row) -> bool:
    return has(row, "problem", "generation", "expected_answer")


def read(row: Row) -> ReadRow:
    named = ("symbolic_correct", "is_correct", "judge_correct")
    verdicts = {name: (verdict(row.get(name)),) for name in named} | {"judgement": (_judged(row.get("judgement")),)}
    return ReadRow(
        responses=texts_of(row["generation"]),
        questions=(str(row["problem"]),),
        reference=row["expected_answer"],
        id=None if row.get("id") is None else str(row["id"]),
        verdicts=given(verdicts),
        extracted=() if row.get("predicted_answer") is None else (str(row["predicted_answer"]),),
    )


def _judged(text: Any) -> float | None:
    found = YES.search(text) if isinstance(text, str) else None
    return None if found is None else float(found.group(1).lower() == "yes")


def files(folder: Path, benchmark: str) -> list[Path]:
    """Every seed of the benchmark; the greedy `output.jsonl` only where there is none."""
    found = [path for path in sorted(folder.rglob("output*.jsonl")) if SEED.fullmatch(path.name)]
    found = found or sorted(folder.rglob("output.jsonl"))
    fitting = [path for path in found if key_of(path.parent.name).startswith(key_of(benchmark))] or found
    return of_one_model(fitting, lambda path: path.parent)


FORMAT = Format(
    title="NeMo-Skills",
    versions="0.5 to 0.8",
    source="NVIDIA-NeMo/Skills, nemo_skills/inference/generate.py",
    recognises=recognises,
    read=read,
    files=files,
    example={
        "id": "aime24-0",
        "problem": "Find $3^3$.",
        "expected_answer": "27",
        "generation": "It is $\\boxed{27}$.",
        "num_generated_tokens": 9,
        "predicted_answer": "27",
        "symbolic_correct": True,
    },
    example_row=ReadRow(
        responses=("It is $\\boxed{27}$.",),
        questions=("Find $3^3$.",),
        reference="27",
        id="aime24-0",
        verdicts={"symbolic_correct": (1.0,)},
        extracted=("27",),
    ),
)

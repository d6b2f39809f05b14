"""OLMES (oe-eval): `task-<n>-<task>-predictions.jsonl`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from evaluators.benchmarks import Row
from evaluators.outputs._folders import of_one_model
from evaluators.outputs._format import Format, Missing, ReadRow, given, verdict
from evaluators.outputs._spellings import key_of

FILE = re.compile(r"task-\d+-(?P<task>.+)-predictions\.jsonl")
COUNTS = re.compile(r"num_|len|tokens|logits|bits|uncond|char|byte|primary|model_answer|maj|pass_at")


def recognises(row: Row) -> bool:
    outputs = row.get("model_output")
    return "doc_id" in row and "native_id" in row and isinstance(outputs, list)


def read(row: Row) -> ReadRow:
    outputs = [one for one in row["model_output"] if isinstance(one, Mapping)]
    if outputs and all("continuation" not in one for one in outputs):
        raise Missing("expected generated text; found log-likelihoods of choices, which hold none")
    extracted = [one.get("model_answer") for one in outputs]
    metrics = row.get("metrics") or {}
    doc = row.get("doc")
    return ReadRow(
        responses=tuple(one.get("continuation") for one in outputs) or (None,),
        reference=row.get("label"),
        id=str(row["doc_id"]),
        id_is_place=True,
        published=doc if isinstance(doc, Mapping) else None,
        verdicts=given(
            {
                name: (verdict(value), *[None] * (len(outputs) - 1))
                for name, value in metrics.items()
                if not COUNTS.search(name)
            }
        ),
        extracted=tuple(str(one) for one in extracted) if all(one is not None for one in extracted) else (),
    )


def files(folder: Path, benchmark: str) -> list[Path]:
    """The predictions of the benchmark's tasks."""
    found = {path: match["task"] for path in sorted(folder.rglob("*.jsonl")) if (match := FILE.fullmatch(path.name))}
    wanted = key_of(benchmark)
    fitting = [path for path, task in found.items() if wanted in key_of(task)] or list(found)
    return of_one_model(fitting, lambda path: path.parent)


FORMAT = Format(
    title="OLMES",
    versions="0.1 (2024 to 2026)",
    source="allenai/olmes, oe_eval/run_eval.py",
    recognises=recognises,
    read=read,
    files=files,
    example={
        "doc_id": 11,
        "native_id": 11,
        "metrics": {"exact_match": 1.0, "exact_match_flex": 1.0, "primary_score": 1.0, "num_tokens": 9},
        "model_output": [
            {"continuation": "There are 6 left. So the answer is 6.", "num_tokens": 9, "model_answer": "6"}
        ],
        "label": "6",
        "task_hash": "a1",
        "model_hash": "b2",
    },
    example_row=ReadRow(
        responses=("There are 6 left. So the answer is 6.",),
        reference="6",
        id="11",
        id_is_place=True,
        verdicts={"exact_match": (1.0,), "exact_match_flex": (1.0,)},
        extracted=("6",),
    ),
)

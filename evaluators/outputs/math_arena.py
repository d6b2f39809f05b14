"""MathArena: `outputs/<competition>/<solver>/<problem>.json`, one problem a file, and the rows of its published data sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Row
from evaluators.outputs._conversations import said_in
from evaluators.outputs._folders import of_one_model
from evaluators.outputs._format import Format, ReadRow, Unpacked, given, has, verdict, verdicts_of
from evaluators.outputs._spellings import key_of


def recognises(row: Row) -> bool:
    return has(row, "gold_answer", "correct") and (
        has(row, "messages", "answers") or has(row, "parsed_answer", "answer")
    )


def read(row: Row) -> ReadRow:
    return _runs(row) if "messages" in row and "answers" in row else _published(row)


def _runs(row: Row) -> ReadRow:
    """All runs of one solver on one problem."""
    return ReadRow(
        responses=tuple(said_in(messages) for messages in row["messages"]),
        questions=(str(row.get("problem") or ""),),
        reference=row["gold_answer"],
        id=None if row.get("idx") is None else str(row["idx"]),
        verdicts=given({"correct": verdicts_of(row["correct"])}),
        extracted=tuple(map(str, row["answers"])),
    )


def _published(row: Row) -> ReadRow:
    """One run: a row of `MathArena/<competition>_outputs`."""
    index = row.get("problem_idx")
    return ReadRow(
        responses=(row["answer"],),
        questions=(str(row.get("problem") or ""),),
        reference=row["gold_answer"],
        id=None if index is None else str(index),
        sample=None if row.get("idx_answer") is None else str(row["idx_answer"]),
        verdicts=given({"correct": (verdict(row["correct"]),)}),
        extracted=(str(row["parsed_answer"]),),
    )


def unpack(value: Any) -> Unpacked | None:
    return Unpacked(rows=[value]) if isinstance(value, Mapping) and recognises(value) else None


def files(folder: Path, benchmark: str) -> list[Path]:
    """One file a problem, named by its number, where they lie in one folder."""
    found = [path for path in sorted(folder.rglob("*.json")) if path.stem.isdigit()]
    fitting = [path for path in found if key_of(benchmark) in key_of(str(path.parent))] or found
    return sorted(of_one_model(fitting, lambda path: path.parent), key=lambda path: int(path.stem))


FORMAT = Format(
    title="MathArena",
    versions="2025 and 2026",
    source="eth-sri/matharena, src/matharena/runs.py",
    recognises=recognises,
    read=read,
    unpack=unpack,
    files=files,
    example={
        "idx": 1,
        "problem": "Find the least prime above 10.",
        "gold_answer": "11",
        "source": "None",
        "types": [],
        "N": 2,
        "answers": ["11", "13"],
        "correct": [True, False],
        "warnings": [0, 0],
        "messages": [
            [
                {"role": "user", "content": "Find the least prime above 10."},
                {"role": "assistant", "type": "response", "content": "It is $\\boxed{11}$."},
            ],
            [
                {"role": "user", "content": "Find the least prime above 10."},
                {"role": "assistant", "type": "response", "content": "It is $\\boxed{13}$."},
            ],
        ],
    },
    example_row=ReadRow(
        responses=("It is $\\boxed{11}$.", "It is $\\boxed{13}$."),
        questions=("Find the least prime above 10.",),
        reference="11",
        id="1",
        verdicts={"correct": (1.0, 0.0)},
        extracted=("11", "13"),
    ),
)

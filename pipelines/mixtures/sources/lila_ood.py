"""Lila-OOD's train split (Mishra et al. 2022): programs whose printed answer is recorded.

Read from its JSON files (`Instances`) or from the hub's rows; rows of other splits are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.records import Problem
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.source_files import Hub, Row
from pipelines.mixtures.verification import Solution


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    if row.get("split", "train") != "train":
        return []
    question = row["Input"] if "Input" in row else row["input"]
    answers = _listed(row["Output Answer"] if "Output Answer" in row else row["output_answer"])
    programs = _listed(row["Output Program"] if "Output Program" in row else row["output_program"])
    problem = Problem(
        id=f"lila_ood/train/{index}",
        benchmark="lila_ood",
        split="train",
        question=question.strip(),
        reference=answers[0] if answers else "",
        subject=row.get("dataset", "").removesuffix(".json") or None,
    )
    return [
        Solution(problem=problem, form="pot", response=f"```python\n{program.strip()}\n```", number=number)
        for number, program in enumerate(programs)
        if program.strip()
    ]


def _listed(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


SOURCE = Source(
    name="lila_ood",
    title="Lila-OOD",
    licence="CC-BY-4.0",
    files=("train.jsonl", "*train*.json*", "*.json", "*.parquet"),
    hub=Hub(
        dataset="allenai/lila",
        revision="22b2e56dfec2bbfd0c40a71509f235156f116b4c",
        files=("ood/lila-train.parquet",),
    ),
    note="row count: not stated on its card; the commit is of its Parquet conversion",
    solutions=solutions,
    example={
        "Input": "A tray has 4 rows of 6 cups. How many cups are on it?",
        "Output Program": ["rows = 4\ncups = 6\nprint(rows * cups)"],
        "Output Answer": ["24"],
        "split": "train",
        "dataset": "example.json",
    },
    example_reference="24",
)

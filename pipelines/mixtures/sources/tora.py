"""ToRA's tool-integrated solutions to GSM8K and MATH problems: reasoning, programs and their outputs (Gou et al. 2024).

Some of its solutions do without a program: those are chains of thought.
"""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.records import Problem
from pipelines.example_text import ExampleForm
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.source_files import Row
from pipelines.mixtures.verification import Solution


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    question, response = (message["content"] for message in row["messages"][:2])
    problem = Problem(
        id=f"tora/train/{row['id']}",
        benchmark="tora",
        split="train",
        question=question,
        reference=str(row["gt"]),
        level=row.get("level"),
        subject=row["dataset"].removeprefix("tora-corpus-"),
    )
    form: ExampleForm = "tir" if "```python" in response else "cot"
    return [Solution(problem=problem, form=form, response=response, number=index)]


SOURCE = Source(
    name="tora",
    title="ToRA corpus",
    licence="MIT",
    files=("examples.jsonl", "*.jsonl"),
    rows=16_000,
    note="on no hub under its authors' name; its paper (§2.2) speaks of 16k trajectories",
    solutions=solutions,
    example={
        "dataset": "tora-corpus-gsm8k",
        "id": "gsm8k-train-0-0",
        "level": None,
        "gt": "12",
        "messages": [
            {"role": "user", "content": "Three boxes hold 4 pens each. How many pens are there?"},
            {
                "role": "assistant",
                "content": "```python\nprint(3 * 4)\n```\n```output\n12\n```\nThe answer is $\\boxed{12}$.",
            },
        ],
    },
    example_reference="12",
)

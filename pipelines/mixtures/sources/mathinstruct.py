"""MathInstruct (Yue et al. 2023): chain of thought and programs from thirteen sets, told apart by the row's `source`.

It gives no references: that of a chain of thought is what it announces itself, and a program must run and print something,
which does not verify it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from evaluators.records import Problem
from pipelines.mixtures.response_text import boxed_statement
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.source_files import Hub, Row
from pipelines.mixtures.verification import Solution

REQUEST = re.compile(r"\s*(?:Let's|Please)[^.!?]*?\b(?:program|Python|code)\b[^.!?]*[.!?]?\s*$", re.IGNORECASE)
"""What its rows add to a question to ask for a program."""


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    origin, output = row["source"], row["output"].strip()
    is_program = "/PoT/" in origin
    problem = Problem(
        id=f"mathinstruct/train/{index}",
        benchmark="mathinstruct",
        split="train",
        question=(REQUEST.sub("", row["instruction"]) if is_program else row["instruction"]).strip(),
        reference="",
        subject=origin.rsplit("/", 1)[-1].removesuffix(".json"),
    )
    if is_program:
        return [Solution(problem=problem, form="pot", response=f"```python\n{output}\n```")]
    return [Solution(problem=problem, form="cot", response=boxed_statement(output))]


SOURCE = Source(
    name="mathinstruct",
    title="MathInstruct",
    licence="MIT, and those of its parts",
    files=("MathInstruct.json", "*.json", "*.parquet"),
    hub=Hub(
        dataset="TIGER-Lab/MathInstruct",
        revision="69a7014bdacac5907a47ac32ddfa463458277ffb",
        files=("MathInstruct.json",),
    ),
    rows=262_000,
    note="its viewer gives 262k rows; the last three digits are not confirmed",
    solutions=solutions,
    example={
        "source": "data/PoT/example.json",
        "instruction": "A rope of 30 m is cut into 5 equal pieces. How long is each? Let's write a Python program.",
        "output": "length = 30 / 5\nprint(int(length))",
    },
    example_reference="",
)

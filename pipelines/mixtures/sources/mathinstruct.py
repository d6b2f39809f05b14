"""MathInstruct (Yue et al. 2023): chain of thought and programs from thirteen sets, told apart by the row's `source`.

It gives no references: a chain of thought is taken as it is, a program must run and print something, and neither counts
as verified.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from evaluators.records import Problem
from pipelines.mixtures.source import Row, Source, SourceSettings
from pipelines.mixtures.verification import Solution

REQUEST = re.compile(r"\s*(?:Let's|Please)[^.!?]*?\b(?:program|Python|code)\b[^.!?]*[.!?]?\s*$", re.IGNORECASE)
"""What its rows add to a question to ask for a program."""
STATED = re.compile(r"(?:The|the) answer is:?\s*(.+?)\.?\s*$")


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
    return [Solution(problem=problem, form="cot", response=_boxed(output))]


def _boxed(output: str) -> str:
    """Its conclusion in the box that our prompt asks for; the text stays where it states no answer."""
    if "\\boxed" in output:
        return output
    return STATED.sub(lambda found: f"The answer is $\\boxed{{{found.group(1).strip('$')}}}$.", output)


SOURCE = Source(
    name="mathinstruct",
    title="MathInstruct",
    licence="MIT, and those of its parts",
    files=("MathInstruct.json", "*.json", "*.parquet"),
    solutions=solutions,
    example={
        "source": "data/PoT/example.json",
        "instruction": "A rope of 30 m is cut into 5 equal pieces. How long is each? Let's write a Python program.",
        "output": "length = 30 / 5\nprint(int(length))",
    },
    example_reference="",
)

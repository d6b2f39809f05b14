"""Ape210K's train split (Zhao et al. 2020): Chinese word problems of primary school with an equation and its answer.

The file is JSON Lines whatever its name says. A solution is the equation as a program, which verification runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from evaluators.records import Problem
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.source_files import Row
from pipelines.mixtures.verification import Solution

MIXED = re.compile(r"(\d+)\((\d+)/(\d+)\)")
"""`5(3/4)` is five and three quarters."""
PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
ARITHMETIC = re.compile(r"[\d.+\-*/() ]+")


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    program = _program(row["equation"])
    if program is None:
        return []  # an equation with its unknown on both sides says no program
    problem = Problem(
        id=f"ape210k/train/{index}",
        benchmark="ape210k",
        split="train",
        language="zh",
        question=row["original_text"].strip(),
        reference=str(row["ans"]).strip(),
    )
    return [Solution(problem=problem, form="pot", response=f"```python\n{program}\n```")]


def _program(equation: str) -> str | None:
    """`x=150*20%` as a program that prints x; None where it is more than arithmetic."""
    left, _, right = equation.replace(" ", "").partition("=")
    if left != "x":
        return None
    right = MIXED.sub(r"(\1+\2/\3)", right.replace("^", "**").replace("[", "(").replace("]", ")"))
    right = PERCENT.sub(r"(\1/100)", right)
    return f"x = {right}\nprint(x)" if ARITHMETIC.fullmatch(right) else None


SOURCE = Source(
    name="ape210k",
    title="Ape210K",
    licence="not stated",
    files=("train.ape.json", "*train*.json*", "*.jsonl"),
    rows=200_488,
    note="on GitHub (Chenny0808/ape210k), which states no licence; the row count is that of its paper",
    solutions=solutions,
    example={
        "id": "1",
        "segmented_text": "一 条 绳 子 长 20 米 ， 用去 25% ， 用去 多少 米 ？",
        "original_text": "一条绳子长20米，用去25%，用去多少米？",
        "ans": "5",
        "equation": "x=20*25%",
    },
    example_reference="5",
)

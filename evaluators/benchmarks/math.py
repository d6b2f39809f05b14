"""MATH: competition problems in seven subjects and five levels (Hendrycks et al. 2021).

The reference is what the solution boxes. 151 test problems have several answers; they are joined with ", " as the
answer checker reads a list. Few-shot (§2.3: 4 exemplars): four rows of the train split.
"""

from __future__ import annotations

import re

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem

BOX = re.compile(r"\\(?:boxed|fbox)\s*")


def boxed_answers(solution: str) -> list[str]:
    """The contents of every `\\boxed{...}` (or `\\boxed 7`) with balanced braces, in order."""
    found = []
    for match in BOX.finditer(solution):
        start = match.end()
        if solution[start : start + 1] != "{":
            found.append(re.split(r"[$\s.,]", solution[start:], maxsplit=1)[0])
            continue
        depth = 0
        for position in range(start, len(solution)):
            depth += {"{": 1, "}": -1}.get(solution[position], 0)
            if depth == 0:
                found.append(solution[start + 1 : position].strip())
                break
    return [answer for answer in found if answer]


def parse(row: Row, index: int, split: str) -> Problem:
    answers = list(dict.fromkeys(boxed_answers(row["solution"])))
    if not answers:
        raise ValueError("expected a \\boxed answer in the solution")
    return Problem(
        id=f"math/{split}/{index}",
        benchmark="math",
        split=split,
        question=row["problem"],
        reference=", ".join(answers),
        solution=row["solution"],
        subject=row.get("type") or row.get("subject"),
        level=str(row["level"]).removeprefix("Level ").strip(),
    )


BENCHMARK = Benchmark(
    name="math",
    title="MATH",
    language="en",
    dataset="DigitalLearningGmbH/MATH-lighteval",
    configuration="default",
    revision="0530c78699ea5e8eb5530600900e1f328b48acad",
    licence="MIT",
    splits={
        "test": Split(rows=5000, hub_split="test", files=("test.jsonl", "test*.parquet", "test/*/*.json")),
        "train": Split(rows=7500, hub_split="train", files=("train.jsonl", "train*.parquet", "train/*/*.json")),
    },
    parse=parse,
    exemplars=(0, 1, 2, 3),
    example={
        "problem": "Find the positive root of $x^2 - x - 6 = 0$.",
        "level": "Level 2",
        "type": "Algebra",
        "solution": "The left side is $(x-3)(x+2)$, so the positive root is $\\boxed{3}$.",
    },
    example_reference="3",
)

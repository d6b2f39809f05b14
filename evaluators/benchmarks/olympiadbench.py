"""OlympiadBench: its 674 open-ended competition problems in English that need no image (He et al. 2024)."""

from __future__ import annotations

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem


def parse(row: Row, index: int, split: str) -> Problem:
    """References stand in dollars; several are one answer of several parts, and a unit stands in a column of its own."""
    answers = row["final_answer"]
    if not answers:
        raise ValueError("expected a final answer")
    references = [str(answer).strip().strip("$").strip() for answer in answers]
    unit = str(row.get("unit") or "").strip()
    solutions = row.get("solution") or [None]
    context = str(row.get("context") or "").strip()
    return Problem(
        id=f"olympiadbench/{split}/{row['id']}",
        benchmark="olympiadbench",
        split=split,
        question=f"{context}\n{row['question']}" if context else row["question"],
        reference=", ".join(references) + (f" {unit}" if unit and len(references) == 1 else ""),
        solution=solutions[0] if isinstance(solutions, list) else str(solutions),
        subject=row.get("subfield"),
        level=row.get("difficulty"),
    )


BENCHMARK = Benchmark(
    name="olympiadbench",
    title="OlympiadBench",
    language="en",
    dataset="Hothan/OlympiadBench",
    configuration="OE_TO_maths_en_COMP",
    licence="Apache-2.0",
    splits={
        "test": Split(
            rows=674,
            hub_split="train",
            files=("test.jsonl", "OE_TO_maths_en_COMP*.parquet", "OE_TO_maths_en_COMP*.json*"),
        )
    },
    parse=parse,
    example={
        "id": 1606,
        "question": "Solve $x^2 = 2x$ for $x \\neq 0$.",
        "solution": ["Dividing by $x$ gives $x = 2$."],
        "final_answer": ["$2$"],
        "context": None,
        "is_multiple_answer": False,
        "unit": None,
        "answer_type": "Numerical",
        "subfield": "Algebra",
        "difficulty": "Competition",
    },
    example_reference="2",
)

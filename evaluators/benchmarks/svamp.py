"""SVAMP: one-unknown word problems varied so that shallow patterns fail (Patel et al. 2021). All 1,000, as published."""

from __future__ import annotations

from evaluators.benchmarks import Benchmark, Row, Split
from evaluators.records import Problem


def parse(row: Row, index: int, split: str) -> Problem:
    body = row["Body"].strip()
    joint = " " if body.endswith((".", "?", "!", ",")) else ", "
    answer = float(row["Answer"])
    return Problem(
        id=f"svamp/{split}/{row['ID']}",
        benchmark="svamp",
        split=split,
        question=body + joint + row["Question"].strip(),
        reference=str(int(answer)) if answer.is_integer() else str(answer),
        subject=row["Type"].replace("Divison", "Division"),  # one row of the published file is misspelt
        solution=row["Equation"],
    )


BENCHMARK = Benchmark(
    name="svamp",
    title="SVAMP",
    language="en",
    dataset="ChilleD/SVAMP",
    revision="5e0bf1e5e7c0e9c4bc39180d224f41f3f801b7ef",
    licence="MIT",
    splits={
        "test": Split(
            rows=1000,
            hub_split="train+test",
            sha256="e3ee4bdeb79b40971f4b54ac894ed72ac33245db324b1f51ff11abbf53f8fb33",
            files=("SVAMP.json", "test.jsonl"),
        )
    },
    parse=parse,
    example={
        "ID": "chal-0",
        "Body": "Mia had 14 shells. She gave 5 shells to her brother",
        "Question": "How many shells does Mia have now?",
        "Equation": "( 14.0 - 5.0 )",
        "Answer": 9.0,
        "Type": "Subtraction",
    },
    example_reference="9",
)

"""Templated problems: made by this project with exact answers; 25 and more kinds in five fields (evaluators.templated).

Two benchmarks of one difficulty and two of another are one file each (templated, templated_zh, templated_easy,
templated_easy_zh); train and test cannot share a problem, since the numbers in it decide its split.
"""

from __future__ import annotations

from dataclasses import replace

from evaluators import templated
from evaluators.benchmarks._benchmark import Benchmark, Row, Split
from evaluators.records import Language, Problem

ROWS = {"train": 2000, "test": 200}


def templated_benchmark(name: str, title: str, language: Language, *, easy: bool, example: Row) -> Benchmark:
    """A benchmark over all templates, or over the easy one of each field."""

    def generate(split: str, rows: int) -> list[Problem]:
        kinds = templated.easy_templates() if easy else None
        made = templated.generate(rows, language=language, split=split, templates=kinds)
        return [_named(one.problem, name) for one in made]

    def parse(row: Row, index: int, split: str) -> Problem:
        return Problem(
            id=f"{name}/{split}/{index}",
            benchmark=name,
            split=split,
            language=language,
            question=row["question"],
            reference=row["reference"],
            subject=row.get("subject"),
        )

    return Benchmark(
        name=name,
        title=title,
        language=language,
        licence="Apache-2.0",
        splits={split: Split(rows=rows, hub_split=None, files=()) for split, rows in ROWS.items()},
        parse=parse,
        example=example,
        example_reference=str(example["reference"]),
        generate=generate,
    )


def _named(problem: Problem, benchmark: str) -> Problem:
    """The problem as a row of this benchmark: ids keep the template and its numbers."""
    return replace(problem, id=f"{benchmark}/{problem.id.split('/', 1)[1]}", benchmark=benchmark)


BENCHMARK = templated_benchmark(
    "templated",
    "Templated",
    "en",
    easy=False,
    example={"question": "Solve for $x$: $3x + 4 = 19$.", "reference": "5", "subject": "algebra"},
)

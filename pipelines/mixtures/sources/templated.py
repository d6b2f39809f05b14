"""Templated problems with exact answers, made by this project: the train split, in every form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from evaluators import templated
from evaluators.records import Problem
from pipelines.example_text import ExampleForm
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.source_files import Row, SourceError
from pipelines.mixtures.verification import Solution

ROWS = 2000  # problems where the recipe names no number: what all templates give without running dry


KINDS = {"all": templated.template_names, "easy": templated.easy_templates, "school": templated.school_templates}


def generate(settings: SourceSettings) -> Iterator[Solution]:
    kinds = KINDS[settings.templates]()
    asked, language = settings.rows or ROWS, settings.language or "en"
    try:
        made = templated.generate(asked, language=language, split="train", templates=kinds, seed=settings.seed)
    except ValueError as error:
        raise SourceError(f"source templated: {error} Lower `rows`, or set `templates: school`.") from error
    for one in made:
        # The benchmark's name would say test data; as a source both languages and levels are one.
        problem = replace(one.problem, benchmark="templated")
        responses: dict[ExampleForm, str] = {"cot": one.cot, "pot": one.pot, "tir": one.tir}
        for form, response in responses.items():
            topic = templated.topic_of(one.template)
            yield Solution(problem=problem, form=form, response=response, field=problem.subject, topic=topic)


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    """The row as `jsonl` would store it; only the contract test has any."""
    problem = Problem(
        id=f"templated/row/{index}",
        benchmark="templated",
        question=row["question"],
        reference=row["reference"],
        split="train",
    )
    return [Solution(problem=problem, form="cot", response=row["cot"])]


SOURCE = Source(
    name="templated",
    title="Templated problems",
    licence="Apache-2.0",
    solutions=solutions,
    generate=generate,
    example={
        "question": "Solve for $x$: $3x + 4 = 19$.",
        "cot": "$3x = 19 - 4 = 15$, so $x = 15 / 3 = 5$. The answer is $\\boxed{5}$.",
        "reference": "5",
    },
    example_reference="5",
)

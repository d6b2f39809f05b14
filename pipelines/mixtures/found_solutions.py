"""Solutions of a row that was read by looking: what most sources need, with what each knows better."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from evaluators.records import Language, Problem
from pipelines.example_text import ExampleForm
from pipelines.mixtures.layouts import read_row
from pipelines.mixtures.source_definition import SourceSettings
from pipelines.mixtures.source_files import Row
from pipelines.mixtures.verification import Solution


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a source knows of its rows that looking at them does not tell."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """As in a recipe; a recipe's own come first."""
    form: ExampleForm | None = None
    field: str | None = None
    language: Language | None = None
    written: Callable[[str], str] = str
    """How its responses are put into our words: `The answer is 4` into a box."""


def by_looking(name: str, known: Known | None = None) -> Callable[[Row, int, SourceSettings], Iterable[Solution]]:
    """The `solutions` of a source whose rows are read by looking."""
    known = known or Known()

    def solutions(row: Row, index: int, settings: SourceSettings) -> Iterator[Solution]:
        return _solutions(name, known, row, index, settings)

    return solutions


def _solutions(name: str, known: Known, row: Row, index: int, settings: SourceSettings) -> Iterator[Solution]:
    columns = {**known.columns, **settings.columns}
    found = read_row(row, columns, thinking=settings.thinking, language=settings.language or known.language)
    problem = Problem(
        id=f"{name}/train/{found.id if 'id' in columns else index}",
        benchmark=name,
        split="train",
        language=found.language,
        question=found.question,
        reference=found.reference,
        subject=found.subject,
        level=found.level,
    )
    for number, (looked, response) in enumerate(found.forms()):
        form = settings.form or known.form or looked
        yield Solution(
            problem=problem,
            form=form,
            response=known.written(response) if form == "cot" else response,
            number=number,
            field=found.field or known.field,
            topic=found.topic,
            tokens=found.tokens,
            pass_rate=found.pass_rate,
            licence=found.licence,
            earlier=found.earlier,
        )

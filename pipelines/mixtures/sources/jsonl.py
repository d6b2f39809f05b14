"""Any JSON Lines or Parquet file of questions and responses; the recipe's `columns` say what its columns are called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast, get_args

from evaluators.records import Language, Problem
from pipelines.example_text import ExampleForm
from pipelines.mixtures.source import Row, Source, SourceSettings
from pipelines.mixtures.verification import Solution


def solutions(row: Row, index: int, settings: SourceSettings) -> Iterable[Solution]:
    def column(name: str, default: str | None = None) -> str:
        key = settings.columns.get(name, name)
        value = row.get(key, default) if default is not None else row[key]
        return str(default or "") if value is None else str(value)

    form, language = column("form", "cot"), column("language", settings.language or "en")
    if form not in get_args(ExampleForm):
        raise ValueError(f"expected form to be one of {', '.join(get_args(ExampleForm))}; found {form!r}")
    if language not in get_args(Language):
        raise ValueError(f"expected language to be one of {', '.join(get_args(Language))}; found {language!r}")
    problem = Problem(
        id=f"jsonl/train/{column('id', str(index))}",
        benchmark="jsonl",
        split="train",
        question=column("question"),
        reference=column("reference", ""),
        language=cast(Language, language),
        subject=column("subject", "") or None,
    )
    return [Solution(problem=problem, form=cast(ExampleForm, form), response=column("response"))]


SOURCE = Source(
    name="jsonl",
    title="JSON Lines",
    licence="as the file's",
    files=("*.jsonl", "*.jsonl.gz", "*.parquet"),
    solutions=solutions,
    example={"question": "What is 2 + 2?", "response": "It is $\\boxed{4}$.", "reference": "4", "form": "cot"},
    example_reference="4",
)

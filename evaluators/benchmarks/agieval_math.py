"""AGIEval's mathematical parts (Zhong et al. 2023), against which §2.1 of the paper decontaminates.

This file holds MATH's; each other part (SAT, AQuA-RAT, the Gaokao's two) is a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from evaluators.benchmarks._benchmark import Benchmark, Row, Split
from evaluators.records import Language, Problem

LETTER = re.compile(r"^\(([A-F])\)")


def agieval_benchmark(
    part: str, title: str, *, rows: int, language: Language = "en", example: Row, example_reference: str
) -> Benchmark:
    """A part of AGIEval by its published name: `sat-math`."""
    name = f"agieval_{part.replace('-', '_')}"
    return Benchmark(
        name=name,
        title=title,
        language=language,
        dataset=f"hails/agieval-{part}",
        licence="MIT",
        splits={"test": Split(rows=rows, hub_split="test", files=(f"{part}.jsonl", "test.jsonl", "test*.parquet"))},
        parse=_parser(name, language),
        example=example,
        example_reference=example_reference,
    )


def _parser(name: str, language: Language) -> Callable[[Row, int, str], Problem]:
    def parse(row: Row, index: int, split: str) -> Problem:
        question, reference = _of_hub(row) if "query" in row else _as_published(row)
        return Problem(
            id=f"{name}/{split}/{index}",
            benchmark=name,
            split=split,
            language=language,
            question=question,
            reference=reference,
        )

    return parse


def _as_published(row: Row) -> tuple[str, str]:
    """The repository's lines: passage, question, options, label (of a choice) or answer."""
    options = row.get("options") or []
    parts = [str(row.get("passage") or "").strip(), str(row["question"]).strip(), *map(str, options)]
    label = row.get("label") if options else None
    reference = str(label or row["answer"]).strip()
    return "\n".join(part for part in parts if part), reference


def _of_hub(row: Row) -> tuple[str, str]:
    """The hub's rows: a prompt, its choices, and the place of the right one; or an answer."""
    query = str(row["query"]).strip()
    choices, gold = row.get("choices") or [], row.get("gold")
    if not choices:
        return query, str(row["answer"]).strip()
    place = gold[0] if isinstance(gold, list) else gold
    if not isinstance(place, int) or not 0 <= place < len(choices):
        raise ValueError(f"expected the place of the right choice; found {gold!r}")
    found = LETTER.match(str(choices[place]))
    return query, found.group(1) if found else "ABCDEF"[place]


BENCHMARK = agieval_benchmark(
    "math",
    "AGIEval MATH",
    rows=1000,
    example={
        "passage": None,
        "question": "What is the value of $3^2 + 4^2$?",
        "options": None,
        "label": None,
        "answer": "25",
        "other": {"level": 1, "type": "Prealgebra"},
    },
    example_reference="25",
)

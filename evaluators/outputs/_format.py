"""What a format of outputs is: how its rows are known, and what each of them says.

A format is one file of this folder that defines a `FORMAT`; being there makes it known.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Row

NO_VERDICT = re.compile(
    r"bleu|rouge|meteor|chrf|similarity|bert|perplexity|bypass|nll|bits_per|tokens|length|logprob|(^|_)f1($|_)|format",
    re.IGNORECASE,
)
"""Names of scores that are no verdicts on an answer."""


class Missing(Exception):
    """A row lacks something that every row needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """What one row says, whatever it calls it."""

    responses: tuple[str | None, ...]
    """One for every sample in the row; None where the model gave none."""
    questions: tuple[str, ...] = ()
    """Texts that hold the question, the likeliest first; a prompt may hold exemplars too."""
    reference: Any = None
    """As the file has it; `reference_text` reads it."""
    reference_is_answer: bool = False
    """Whether the reference has been read: it is the answer alone, or a program of tests."""
    id: str | None = None
    id_is_place: bool = False
    """Whether the id counts the rows of the published file, as `idx` and lm-eval's `doc_id` do."""
    sample: str | None = None
    published: Row | None = None
    """The benchmark's own row, where the row holds it."""
    answers_only: bool = False
    """Whether the responses are answers that somebody extracted, not whole outputs."""
    verdicts: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    """The harness's own: name of its score -> 0 to 1 for every response, None where it gave none."""
    extracted: tuple[str | None, ...] = ()
    """What the harness took for the answer of every response."""
    extracted_by: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    """The same by score, where its scores differ in that."""
    failure: str | None = None
    """Why there is no response, in the harness's words."""
    group: str | None = None
    """The cluster that the row's problem belongs to, where a column was named that says so."""
    place: str = ""
    """Where it stands, for a reader: `row 3`, `samples_gsm8k.jsonl, row 3`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The rows that one JSON value holds."""

    rows: Sequence[Any]
    alarms: tuple[str, ...] = ()
    """What makes a score of it doubtful, as sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A layout of outputs that some tool writes."""

    title: str
    """As messages print it."""
    versions: str
    """Of the tool, or the time, for which the layout was read from its source or its files."""
    source: str
    """Where the tool writes it."""
    recognises: Callable[[Row], bool]
    """Whether a row is of this format. No row may be of two."""
    read: Callable[[Row], ReadRow]
    """Raises Missing, KeyError or TypeError where a row of the format lacks what it must have."""
    example: Any
    """What the tool writes: a row, or the whole value where there is `unpack`; of our own making."""
    example_row: ReadRow
    """What reading the (first row of the) example gives."""
    unpack: Callable[[Any], Unpacked | None] | None = None
    """The rows within one JSON value that is the whole file; None where the value is not of this format."""
    gather: Callable[[list[tuple[str, Row]]], list[tuple[str, Row]]] | None = None
    """Joins the (place, row)s that say the same response several times."""
    files: Callable[[Path, str], list[Path]] | None = None
    """(folder, benchmark) -> the files of one evaluation in it, which together hold its samples."""
    tasks: Callable[[Path], dict[str, list[Path]]] | None = None
    """(file or folder) -> the files of every task in it, by its name, where files of the format say which task they are of."""


@cache
def formats() -> dict[str, Format]:
    """Every format by the name of its file."""
    folder = Path(__file__).parent
    names = sorted(module.name for module in pkgutil.iter_modules([str(folder)]) if not module.name.startswith("_"))
    return {name: importlib.import_module(f"evaluators.outputs.{name}").FORMAT for name in names}


def verdict(value: Any) -> float | None:
    """A harness's verdict as 0 to 1; None where the value is no verdict."""
    if isinstance(value, str):
        known = {"c": 1.0, "i": 0.0, "p": 0.5, "n": 0.0, "correct": 1.0, "incorrect": 0.0, "true": 1.0, "false": 0.0}
        return known.get(value.strip().lower())
    if isinstance(value, (bool, int, float)) and math.isfinite(value) and 0 <= value <= 1:
        return float(value)
    return None


def verdicts_of(value: Any) -> tuple[float | None, ...]:
    """A harness's verdicts on one response, or on a list of them."""
    return tuple(verdict(one) for one in value) if isinstance(value, list) else (verdict(value),)


def given(values: Mapping[str, tuple[float | None, ...]]) -> dict[str, tuple[float | None, ...]]:
    """Those verdicts that say anything; how alike two texts are, or how long, is none."""
    return {
        name: own for name, own in values.items() if any(one is not None for one in own) and not NO_VERDICT.search(name)
    }


def texts_of(value: Any) -> tuple[str | None, ...]:
    """A list of texts, or one, as strings; None stays None."""
    values = value if isinstance(value, list) else [value]
    return tuple(None if one is None else str(one) for one in values)


def has(row: Row, *names: str) -> bool:
    """Whether a row has all these columns."""
    return all(name in row for name in names)

"""What a benchmark is: where its rows come from, and how one row becomes one problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evaluators.errors import MathsieveError
from evaluators.records import Language, Problem

Row = Mapping[str, Any]
"""One row as the source stores it."""


class BenchmarkError(MathsieveError):
    """A benchmark's data is missing, or is not what was published; the message names the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One split as it was published."""

    rows: int
    hub_split: str | None
    """Its name in the hub dataset; None where the hub does not hold it."""
    files: tuple[str, ...]
    """Names (or glob patterns) under which a folder may hold it, the usual one first."""
    sha256: str | None = None
    """Of the problems (see `problems_digest`), not of a file: one value for hub, JSON Lines, TSV and Parquet."""
    select: Callable[[Row], bool] | None = None
    """Keeps the rows of this split where the hub mixes it with others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A benchmark, defined once in a file of this folder as `BENCHMARK`."""

    name: str
    title: str
    """As tables print it: `MGSM-zh`."""
    language: Language
    splits: Mapping[str, Split]
    parse: Callable[[Row, int, str], Problem]
    """(row, its index in the split, the split) -> the problem. Raises KeyError or ValueError on a foreign row."""
    example: Row
    """A row as the source writes it, which the contract test parses; of our own making where the licence is not free."""
    example_reference: str
    """The reference that parsing `example` must give."""
    licence: str
    dataset: str | None = None
    """Hub dataset, `owner/name`."""
    configuration: str | None = None
    revision: str | None = None
    """Commit of the hub dataset. Where it is None the digest pins the content instead."""
    columns: tuple[str, ...] = ()
    """Names of the columns of a file that has no header (TSV)."""
    judged_by: Literal["answer", "tests"] = "answer"
    """`tests`: the reference is a program that must run after the model's own, in the sandbox."""
    exemplars: tuple[int, ...] = ()
    """Rows of the train split shown to base models, by index."""
    generate: Callable[[str, int], list[Problem]] | None = None
    """(split, rows) -> problems, for benchmarks that are made by a program and need no source."""

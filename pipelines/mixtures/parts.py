"""How much of what a mixture holds: parts by source, form, language, field and topic, each by count, epochs, weight or temperature.

An example belongs to the first part that takes it. Counts and epochs are given first; what is then left of the total is
divided by weight, or by size to the power 1 / temperature.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from evaluators.errors import MathsieveError
from evaluators.records import Language, Settings
from pipelines.example_text import ExampleForm
from pipelines.mixtures.topics import topic_names

FieldName = Literal[
    "algebra", "probability", "number_theory", "calculus", "geometry", "other", "general", "code", "unknown"
]
UNKNOWN = "unknown"
TOLERANCE = 1e-6
"""How far from 1.0 the weights may sum: rounding of decimals, not a forgotten source."""


class MixtureError(MathsieveError):
    """The mixture cannot be made as asked; the message names the remedy."""


class PartSettings(Settings):
    """Some of the examples, and how many of them. What is left empty asks for nothing."""

    name: str
    sources: tuple[str, ...] = ()
    forms: tuple[ExampleForm, ...] = ()
    languages: tuple[Language, ...] = ()
    fields: tuple[FieldName, ...] = ()
    """Of §3.1 and others; `unknown` is what neither source nor classifier tells."""
    topics: tuple[str, ...] = ()
    """Of the 76 of pipelines/mixtures/topics.py, or `unknown`."""
    count: int | None = Field(default=None, gt=0)
    epochs: float | None = Field(default=None, gt=0)
    """How often its examples are taken: 1 takes each once, 2.5 each twice and half of them again."""
    weight: float | None = Field(default=None, ge=0)
    """Its share of what counts and epochs leave of the total. A part with none of the three is given its share by
    `temperature`."""
    published: int | None = Field(default=None, ge=0)
    """How many examples its sources are published to hold, where their row counts do not tell; for the same table as `paper`."""
    paper: int | None = Field(default=None, ge=0)
    """What the paper says of this part, for the table of `mathsieve run --list`; None: it does not."""
    why: str = ""
    """Why ours differs, for the same table."""

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        given = [name for name in ("count", "epochs", "weight") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"part {self.name}: expected one of count, epochs and weight; found {' and '.join(given)}")
        return self

    @field_validator("topics")
    @classmethod
    def _are_topics(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        for name in topics:
            if name not in topic_names() and name != UNKNOWN:
                close = difflib.get_close_matches(name, topic_names(), 3) or sorted(topic_names())
                raise ValueError(
                    f"expected topics of the 76 or {UNKNOWN}; found {name!r}. There are {', '.join(close)}."
                )
        return topics

    def takes(self, example: Mapping[str, Any], source: str) -> bool:
        """Whether an example of a source belongs to it, if no earlier part took it."""
        asked = (
            (self.sources, source),
            (self.forms, example["form"]),
            (self.languages, example["language"]),
            (self.fields, example["field"] or UNKNOWN),
            (self.topics, example["topic"] or UNKNOWN),
        )
        return all(not wanted or value in wanted for wanted, value in asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dials:
    """What decides amounts, apart from the parts."""

    rows: int | None
    """Examples in all; None: as many as the parts allow."""
    temperature: float
    repeats: int
    """How often one example may stand in the mixture at most."""


def check_parts(parts: Sequence[PartSettings], rows: int | None) -> None:
    """Raises ValueError where the amounts cannot go together."""
    names = [part.name for part in parts]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"parts: expected names that differ; found {', '.join(twice)} again")
    weights = [part.weight for part in parts if part.weight is not None]
    by_size = [part.name for part in parts if part.count is part.epochs is part.weight is None]
    if weights and by_size:
        raise ValueError(
            f"parts: expected either weights or shares by temperature; found weights, and none of count, epochs and weight for "
            f"{', '.join(by_size)}. Give those one."
        )
    if weights and abs(sum(weights) - 1) > TOLERANCE:
        remedy = "Add a part or raise a weight." if sum(weights) < 1 else "Lower a weight."
        raise ValueError(f"parts: weights must sum to 1.0; found {round(sum(weights), 6):g}. {remedy}")
    if rows is not None and not weights and not by_size:
        raise ValueError(
            "parts: expected a part with a weight, which fills up to mixing.rows; found counts and epochs alone. Leave rows out."
        )


def amounts(parts: Sequence[PartSettings], available: Mapping[str, int], dials: Dials) -> dict[str, int]:
    """Examples of each part, of which `available` says how many there are. Raises MixtureError where there are too few."""
    taken = {part.name: _fixed(part, available[part.name]) for part in parts}
    fixed = {name: amount for name, amount in taken.items() if amount is not None}
    shares = _shares(parts, available, dials.temperature)
    total = _total(shares, available, dials) if dials.rows is None else dials.rows - sum(fixed.values())
    if total < 0:
        raise MixtureError(
            f"mixture: expected at most mixing.rows = {dials.rows:,} examples; counts and epochs alone ask for "
            f"{sum(fixed.values()):,}. Raise rows, or lower a count."
        )
    wanted = fixed | _divided(shares, total)
    for part in parts:
        _refuse_too_few(part, wanted[part.name], available[part.name], dials)
    return wanted


def _fixed(part: PartSettings, available: int) -> int | None:
    if part.count is not None:
        return part.count
    return floor(part.epochs * available + 0.5) if part.epochs is not None else None


def _shares(parts: Sequence[PartSettings], available: Mapping[str, int], temperature: float) -> dict[str, float]:
    """Of each part that is given a share of the rest; they sum to 1."""
    weights = {part.name: part.weight for part in parts if part.weight is not None}
    if weights:
        return weights
    open_parts = [part.name for part in parts if part.count is part.epochs is None]
    sizes = {name: available[name] ** (1 / temperature) for name in open_parts}
    whole = sum(sizes.values()) or 1.0
    return {name: size / whole for name, size in sizes.items()}


def _total(shares: Mapping[str, float], available: Mapping[str, int], dials: Dials) -> int:
    """As many as the shares allow before a part has no more to give."""
    limits = [available[name] * dials.repeats / share for name, share in shares.items() if share > 0]
    return floor(min(limits, default=0) + 1e-9)


def _divided(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """By largest remainders, so that they sum to the total exactly."""
    exact = {name: share * total for name, share in shares.items()}
    counts = {name: floor(share + 1e-9) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (counts[name] - exact[name], name))
    for name in by_remainder[: max(0, total - sum(counts.values())) if counts else 0]:
        counts[name] += 1
    return counts


def _refuse_too_few(part: PartSettings, wanted: int, available: int, dials: Dials) -> None:
    if part.weight and not wanted and not available:
        raise MixtureError(
            f"mixture: expected examples of every source with a weight; {part.name} gave none. See its facts for why they were "
            "dropped."
        )
    if wanted > available * dials.repeats:
        often = "" if dials.repeats == 1 else f", each at most {dials.repeats} times"
        raise MixtureError(
            f"mixture: expected {wanted:,} examples of {part.name}{_of_total(part, dials)}; after deduplication and "
            f"decontamination it has {available:,}{often}. Lower mixture.rows or its amount, give it more rows, or raise "
            "mixing.repeats."
        )


def _of_total(part: PartSettings, dials: Dials) -> str:
    return "" if part.weight is None or dials.rows is None else f" ({part.weight:g} of {dials.rows:,})"

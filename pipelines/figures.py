"""The figures that stages read of one another's artifacts, by name and type. What only people read needs no field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from evaluators.stages import Facts

Quality = Mapping[str, Any]
"""A classifier's held-out figures."""


class LoopFacts(Facts):
    """What every stage of the loop says."""

    converged: bool
    """Nothing was left to find: the iterations from here on hand the corpus on."""


class CorpusFacts(LoopFacts):
    """Of the seed, and of the corpus after an iteration."""

    rows: int = Field(ge=0)
    tokens: int = 0
    iteration: int | None = None
    """The one that made it; of a corpus that was handed on, an earlier one. None: the seed."""
    overlap: float | None = None
    """Share of what the iteration found that was collected before."""
    new_pages: int = 0
    new_tokens: int = 0
    languages: Mapping[str, int] = Field(default_factory=dict)
    domains_gained: Any = Field(default_factory=dict)
    domains_grown: Any = Field(default_factory=dict)
    domains_lost: Any = Field(default_factory=dict)
    classifier: Quality = Field(default_factory=dict)


class ScoresFacts(LoopFacts):
    classifier: Quality = Field(default_factory=dict)


class FrozenFacts(LoopFacts):
    """Of the last iteration that learnt something: what scores and recalls new snapshots."""

    threshold: float
    raised_languages: Mapping[str, float] = Field(default_factory=dict)


class RecallFacts(LoopFacts):
    rows: int = Field(ge=0)
    lowest_margin: float | None = None
    raised_languages: Mapping[str, float] = Field(default_factory=dict)
    scored_tokens: int = 0
    budget_filled: bool = True
    classifier: Quality = Field(default_factory=dict)


class WorthFacts(Facts):
    """Of the pages of a corpus; tier 0 is what is no mathematics."""

    rows: int = Field(ge=0)
    pages_by_tier: Mapping[str, int] = Field(default_factory=dict)
    tokens_by_tier: Mapping[str, int] = Field(default_factory=dict)


class PrecisionFacts(Facts):
    """Against readers' labels; each row has shares with intervals."""

    labelled: int = Field(ge=0)
    mathematics: int = Field(ge=0)
    rows: Sequence[Mapping[str, Any]] = ()


class ExportFacts(Facts):
    """Of the exported corpus."""

    tiers: Mapping[str, int] = Field(default_factory=dict)
    tokens_by_tier: Mapping[str, int] = Field(default_factory=dict)
    examples: Mapping[str, Sequence[str]] = Field(default_factory=dict)


class DomainFacts(LoopFacts):
    candidates: int = Field(ge=0)
    prefixes: int = Field(ge=0)


class SourceFacts(Facts):
    source: str = ""
    rows: int = 0
    verified: int = 0
    rejected: Mapping[str, int] = Field(default_factory=dict)
    flaws_kept: Mapping[str, int] = Field(default_factory=dict)


class ProblemFieldsFacts(Facts):
    confidence: float
    held_out: Sequence[Mapping[str, Any]] = ()
    """One row for each model: how often it is right on problems that it did not see."""


class MixtureFacts(Facts):
    dropped: Mapping[str, Mapping[str, int]] = Field(default_factory=dict)
    """Source -> reason -> examples."""
    benchmark_questions: int = 0


class PackedFacts(Facts):
    context: int | None = None
    strategy: str = "unknown"
    attention: str = "within"
    efficiency_by_strategy: Mapping[str, float] = Field(default_factory=dict)
    too_long: int = 0


class ProxyFacts(Facts):
    compared: Sequence[Mapping[str, Any]]
    """One row for each corpus."""

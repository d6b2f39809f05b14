"""What a recipe's mixture will hold, from published row counts alone: told before anything is read or fetched.

Counts are upper bounds: what verification, duplicates and benchmarks take away is known only after a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor

from pipelines.mixtures.mixing import MixtureSettings
from pipelines.mixtures.parts import PartSettings
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.sources import source_named
from pipelines.mixtures.teacher import TeacherSettings

UNKNOWN = "not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPart:
    """One line of the table."""

    name: str
    paper: int | None
    published: int | None
    """Examples that its sources are published to hold; None where one does not state it."""
    ours: int | None
    """Examples that it is given; None where that depends on a count that is not stated."""
    why: str

    @property
    def gap(self) -> int | None:
        return None if self.paper is None or self.ours is None else self.ours - self.paper

    @property
    def repeats(self) -> float | None:
        """How often each of its examples stands in the mixture."""
        return None if not self.published or self.ours is None else self.ours / self.published


def planned_parts(
    sources: Mapping[str, SourceSettings], mixing: MixtureSettings, teacher: TeacherSettings | None, taught: str
) -> list[PlannedPart]:
    """One line a part, and the sum. `taught` is the name of the teacher's examples among the sources."""
    published = {part.name: 0 if part.published is None else part.published for part in mixing.all_parts}
    unknown = set[str]()
    counts = {name: _examples_of(settings) for name, settings in sources.items()}
    for name, count in counts.items():
        _add(mixing.all_parts, name, _kind_of(sources[name]), count, published, unknown)
    if teacher is not None:
        for language in ("en", "zh"):
            asked = {name: one for name, one in sources.items() if not teacher.sources or name in teacher.sources}
            count = _taught(asked, teacher, language)
            _add(mixing.all_parts, taught, (language, None), count, published, unknown)
    ours = _ours(mixing, published, unknown)
    lines = [
        PlannedPart(
            name=part.name,
            paper=part.paper,
            published=None if part.name in unknown else published[part.name],
            ours=ours[part.name],
            why=part.why,
        )
        for part in mixing.all_parts
    ]
    total = mixing.rows or sum(line.ours or 0 for line in lines)
    stated = None if unknown else sum(published.values())
    return [*lines, PlannedPart(name="all", paper=mixing.paper_rows, published=stated, ours=total, why="")]


def plan_table(lines: Sequence[PlannedPart]) -> list[str]:
    """The table as lines of text."""
    heads = ("part", "paper", "published", "ours", "times", "gap", "why")
    rows = [heads, *map(_cells, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads) - 1)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(row[n].rjust(widths[n]) for n in range(1, len(widths))), row[-1]]
        ).rstrip()
        for row in rows
    ]


def _cells(line: PlannedPart) -> tuple[str, ...]:
    numbers = [UNKNOWN if value is None else f"{value:,}" for value in (line.published, line.ours)]
    paper = "not given" if line.paper is None else f"{line.paper:,}"
    times = "" if line.repeats is None else f"{line.repeats:.2f}"
    gap = "" if line.gap is None else f"{line.gap:+,}"
    return (line.name, paper, *numbers, times, gap, line.why)


def _examples_of(settings: SourceSettings) -> int | None:
    """Solutions of a source as published, of at most the rows that the recipe takes."""
    source = source_named(settings.source)
    if source.generate is not None:
        return None if settings.rows is None else settings.rows * len({"cot", "pot", "tir"} & set(settings.forms))
    if source.rows is None:
        return None
    each = (source.examples or source.rows) / source.rows
    return round(min(settings.rows or source.rows, source.rows) * each)


def _taught(sources: Mapping[str, SourceSettings], teacher: TeacherSettings, language: str) -> int | None:
    """At most what the teacher keeps of the problems in one language."""
    total = 0
    for settings in sources.values():
        if _kind_of(settings)[0] != language:
            continue
        rows = settings.rows or source_named(settings.source).rows
        rows = min(rows or teacher.problems or 0, teacher.problems or rows or 0)
        if not rows:
            return None
        total += rows * teacher.keep
    return total


def _kind_of(settings: SourceSettings) -> tuple[str, str | None]:
    """(language, field) of a source, told by its own example: nothing is read."""
    source: Source = source_named(settings.source)
    first = next(iter(source.solutions(source.example, 0, SourceSettings(source=settings.source))))
    return settings.language or first.problem.language, first.field


def _add(
    parts: Sequence[PartSettings],
    source: str,
    kind: tuple[str, str | None],
    count: int | None,
    published: dict[str, int],
    unknown: set[str],
) -> None:
    """Counts a source's examples to the first part that may take them; of their forms no card tells."""
    language, field = kind
    for part in parts:
        asked = ((part.sources, source), (part.languages, language), (part.fields, field))
        if part.published is None and all(not wanted or value in wanted for wanted, value in asked):
            if count is None:
                unknown.add(part.name)
            published[part.name] += count or 0
            return


def _ours(mixing: MixtureSettings, published: Mapping[str, int], unknown: set[str]) -> dict[str, int | None]:
    """What each part is given if nothing is lost."""
    fixed: dict[str, int | None] = {}
    for part in mixing.all_parts:
        if part.count is not None:
            fixed[part.name] = part.count
        elif part.epochs is not None:
            fixed[part.name] = None if part.name in unknown else round(part.epochs * published[part.name])
    shares = {part.name: _share(mixing, part, published) for part in mixing.all_parts if part.name not in fixed}
    if mixing.rows is not None:
        rest: int | None = mixing.rows - sum(amount or 0 for amount in fixed.values())
    elif unknown & set(shares):
        rest = None
    else:  # as many as the shares allow before a part has no more
        limits = [published[name] * mixing.repeats / share for name, share in shares.items() if share]
        rest = floor(min(limits, default=0) + 1e-9)
    return fixed | {name: None if rest is None else round(share * rest) for name, share in shares.items()}


def _share(mixing: MixtureSettings, part: PartSettings, published: Mapping[str, int]) -> float:
    if part.weight is not None:
        return part.weight
    open_parts = [one.name for one in mixing.all_parts if one.count is one.epochs is one.weight is None]
    sizes = {name: published[name] ** (1 / mixing.temperature) for name in open_parts}
    return float(sizes[part.name] / (sum(sizes.values()) or 1))

"""Words for differences: "better" is said only where a test, corrected for how many were made, allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.published import PUBLISHED
from evaluators.statistics import SIGNIFICANCE, Comparison, compare_paired, holm, one_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A paired comparison of two evaluations of one benchmark, with what may be said of it."""

    benchmark: str
    form: str
    name_a: str
    name_b: str
    comparison: Comparison
    adjusted_p: float
    """Holm's, over all comparisons made together."""
    verdict: str
    """`better`, `worse` or `no difference shown`, of a against b."""
    sentence: str
    flips: tuple[tuple[str, float, float], ...]
    """(problem, score of a, score of b) wherever they differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedComparison:
    """Ours against one published figure, taken as fixed."""

    model: str
    source: str
    published: float
    difference: float
    p_value: float
    verdict: str
    sentence: str


Pair = tuple[str, Mapping[str, Any], str, Mapping[str, Any]]
"""(name of a, its scores.json, name of b, its scores.json), of one benchmark and form."""


def compare_evaluations(pairs: Sequence[Pair], *, profile: str) -> list[Finding]:
    """Compare pairwise what scores.json hold. Raises StatisticsError where a pair is not of the same problems."""
    comparisons = [
        compare_paired(a["profiles"][profile]["scores"], b["profiles"][profile]["scores"]) for _, a, _, b in pairs
    ]
    adjusted = holm({str(index): comparison.p_value for index, comparison in enumerate(comparisons)})
    findings = []
    for index, (comparison, (name_a, a, name_b, b)) in enumerate(zip(comparisons, pairs, strict=True)):
        p_value = adjusted[str(index)]
        findings.append(
            Finding(
                benchmark=a["benchmark"],
                form=a["form"],
                name_a=name_a,
                name_b=name_b,
                comparison=comparison,
                adjusted_p=p_value,
                verdict=_verdict(comparison.difference, p_value),
                sentence=_sentence((name_a, a, name_b, b), comparison, p_value, len(pairs)),
                flips=_flips(a["profiles"][profile]["scores"], b["profiles"][profile]["scores"]),
            )
        )
    return findings


def against_published(scores: Mapping[str, Any], profile: str) -> list[PublishedComparison]:
    """Every published figure for this benchmark and form; only for one sample a problem, as they were measured.

    The whole published split must have been run: a part of it is another benchmark.
    """
    from evaluators.benchmarks import benchmark, names

    name, form, n = scores["benchmark"], scores["form"], scores["problems"]
    if scores["samples"] != 1 or name not in names() or benchmark(name).splits["test"].rows != n:
        return []
    figures = scores["profiles"][profile]
    rows = [row for row in PUBLISHED if (name, form) in row.accuracies]
    p_values = holm({row.model: one_sample(figures["correct"], n, row.accuracies[name, form] / 100) for row in rows})
    found = []
    for row in rows:
        published = row.accuracies[name, form]
        difference, p_value = figures["accuracy"] - published, p_values[row.model]
        verdict = _verdict(difference, p_value)
        words = {"better": "above", "worse": "below"}.get(verdict, "not distinguishable from")
        found.append(
            PublishedComparison(
                model=row.model,
                source=row.source,
                published=published,
                difference=round(difference, 4),
                p_value=p_value,
                verdict=verdict,
                sentence=f"{words} {row.model}'s published {published} ({row.source}; one-sample exact binomial, Holm "
                f"{_p(p_value)}; the published figure is taken as fixed, its own noise is not counted)",
            )
        )
    return found


def _p(p_value: float) -> str:
    """A p-value as a sentence has it; never 0."""
    return "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.4f}"


def _verdict(difference: float, p_value: float) -> str:
    if p_value >= SIGNIFICANCE or difference == 0:
        return "no difference shown"
    return "better" if difference > 0 else "worse"


def _sentence(pair: Pair, comparison: Comparison, p_value: float, made: int) -> str:
    name_a, a, name_b, b = pair
    form_b = b["form"]
    where = f"{a['title']}, {a['form'] if a['form'] == form_b else a['form'] + ' against ' + form_b}"
    points, low, high = (100 * x for x in (comparison.difference, comparison.interval.low, comparison.interval.high))
    figures = (
        f"{points:+.2f} points (95 % interval {low:+.2f} to {high:+.2f}; right only with {name_a}: {comparison.only_a}, "
        f"only with {name_b}: {comparison.only_b}; {comparison.test}, {_p(comparison.p_value)}"
    )
    figures += f", Holm over {made} comparisons {_p(p_value)})" if made > 1 else ")"
    verdict = _verdict(comparison.difference, p_value)
    if verdict == "no difference shown":
        return (
            f"{where}: no difference shown between {name_a} and {name_b}: {figures}. With {comparison.problems} problems a "
            f"difference under {100 * comparison.detectable:.1f} points would probably (80 % power) not have been seen."
        )
    return f"{where}: {name_a} is {verdict} than {name_b}: {figures}."


def _flips(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[tuple[str, float, float], ...]:
    return tuple((key, a[key], b[key]) for key in a if a[key] != b[key])

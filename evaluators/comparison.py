"""Words for differences: "better" is said only where a test, corrected for how many were made, allows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.intervals import StatisticsError
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
    left_out: tuple[int, int] = (0, 0)
    """Problems that only a has, and only b, where those that both have were compared."""


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


TEMPLATE = "template"
"""Problems made from one template are one cluster."""

Pair = tuple[str, Mapping[str, Any], str, Mapping[str, Any]]
"""(name of a, its scores.json, name of b, its scores.json), of one benchmark and form."""


def compare_evaluations(
    pairs: Sequence[Pair], *, profile: str, shared: bool = False, cluster_by: str | None = None
) -> list[Finding]:
    """Compare pairwise what scores.json hold. Raises StatisticsError where a pair is not of the same problems.

    `shared` compares the problems that both have; `cluster_by` names what makes problems one piece of evidence.
    """
    compared = [_scores_of(a, b, profile, shared=shared) for _, a, _, b in pairs]
    comparisons = [
        compare_paired(left, right, clusters=None if cluster_by is None else _clusters(left, a, b, cluster_by))
        for (left, right), (_, a, _, b) in zip(compared, pairs, strict=True)
    ]
    adjusted = holm({str(index): comparison.p_value for index, comparison in enumerate(comparisons)})
    findings = []
    for index, (comparison, (left, right), pair) in enumerate(zip(comparisons, compared, pairs, strict=True)):
        p_value = adjusted[str(index)]
        name_a, a, name_b, b = pair
        own, other = (len(side["profiles"][profile]["scores"]) - len(left) for side in (a, b))
        findings.append(
            Finding(
                benchmark=a["benchmark"],
                form=a["form"],
                name_a=name_a,
                name_b=name_b,
                comparison=comparison,
                adjusted_p=p_value,
                verdict=_verdict(comparison.difference, p_value),
                sentence=_sentence(pair, comparison, p_value, len(pairs)) + _left_out(name_a, own, name_b, other),
                flips=_flips(left, right),
                left_out=(own, other),
            )
        )
    return findings


def _scores_of(
    a: Mapping[str, Any], b: Mapping[str, Any], profile: str, *, shared: bool
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    left, right = a["profiles"][profile]["scores"], b["profiles"][profile]["scores"]
    if not shared:
        return left, right
    common = [key for key in left if key in right]
    if not common:
        raise StatisticsError(
            f"expected problems of {a['benchmark']} that both sides have; found none: {list(left)[:2]} there, {list(right)[:2]} "
            "here. Evaluate both on the same problems."
        )
    return {key: left[key] for key in common}, {key: right[key] for key in common}


def _clusters(problems: Iterable[str], a: Mapping[str, Any], b: Mapping[str, Any], cluster_by: str) -> dict[str, str]:
    """Each problem's cluster: as the files name it, or, by TEMPLATE, as the id of a templated problem does."""
    named = {**(b.get("clusters") or {}), **(a.get("clusters") or {})}
    found = {key: named.get(key) or (_template(key) if cluster_by == TEMPLATE else None) for key in problems}
    unknown = [key for key, cluster in found.items() if cluster is None]
    if unknown:
        raise StatisticsError(
            f"expected a cluster of every problem of {a['benchmark']}; {len(unknown)} have none, for example {unknown[0]}. Name "
            "a column that all rows have with --cluster-by, or compare without it."
        )
    return {key: cluster for key, cluster in found.items() if cluster is not None}


def _template(problem: str) -> str | None:
    """`templated/test/linear_equation/8_8_56`: the third part."""
    parts = problem.split("/")
    return parts[2] if len(parts) == 4 else None


def _left_out(name_a: str, own: int, name_b: str, other: int) -> str:
    told = [f"{count} of {name}" for name, count in ((name_a, own), (name_b, other)) if count]
    return f" Left out, since only one side has them: {' and '.join(told)} problems." if told else ""


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
        f"{points:+.2f} points (95 % interval {low:+.2f} to {high:+.2f}; {_counts(name_a, name_b, comparison)}; "
        f"{comparison.test}, {_p(comparison.p_value)}"
    )
    figures += f", Holm over {made} comparisons {_p(p_value)})" if made > 1 else ")"
    verdict = _verdict(comparison.difference, p_value)
    if verdict == "no difference shown":
        return (
            f"{where}: no difference shown between {name_a} and {name_b}: {figures}. With {_evidence(comparison)} a "
            f"difference under {100 * comparison.detectable:.1f} points would probably (80 % power) not have been seen."
        )
    return f"{where}: {name_a} is {verdict} than {name_b}: {figures}."


def _counts(name_a: str, name_b: str, comparison: Comparison) -> str:
    """On how many problems the two differ. With several samples a problem can be right on both sides, only more often on one."""
    if comparison.binary:
        return f"right only with {name_a}: {comparison.only_a}, only with {name_b}: {comparison.only_b}"
    return f"problems right more often with {name_a}: {comparison.only_a}, with {name_b}: {comparison.only_b}"


def _evidence(comparison: Comparison) -> str:
    if comparison.clusters is None:
        return f"{comparison.problems} problems"
    return f"{comparison.problems} problems in {comparison.clusters} clusters"


def _flips(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[tuple[str, float, float], ...]:
    return tuple((key, a[key], b[key]) for key in a if a[key] != b[key])

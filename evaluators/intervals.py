"""Confidence intervals of an accuracy and of a paired difference. Shares are 0 to 1; reports print percent.

Two rules hold for all of them: an interval is never empty, also where everything or nothing was right or two models agree
on every problem; and on 20 to 40 problems it covers the truth as often as it says, give or take a point
(`tests/evaluators/test_intervals.py` simulates it).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from evaluators.errors import MathsieveError

CONFIDENCE = 0.95
SMALL = 100
"""Below this many (effective) problems an accuracy has an exact interval. Wilson's covers 95 % on average, but on 30
problems only 83 to 93 % where a model solves all but one or two."""


class StatisticsError(MathsieveError, ValueError):
    """There is nothing to compare, or not the same on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    low: float
    high: float


def wilson(correct: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of `correct` successes in `n` trials (both may be effective, so fractional, numbers).

    Nothing observed (n = 0) leaves everything possible: (0, 1). Source: Wilson 1927; Newcombe 1998a, method 3.
    """
    if n <= 0:
        return Interval(low=0.0, high=1.0)
    _demand_share(correct, n)
    z = _normal_quantile(confidence)
    p = correct / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # at the ends the bound is exactly the end; rounding must not push it beyond
    return Interval(
        low=0.0 if correct == 0 else max(0.0, centre - half), high=1.0 if correct == n else min(1.0, centre + half)
    )


def exact(correct: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Clopper and Pearson's interval (1934): covers at least as often as it says, whatever the truth.

    Its bounds are quantiles of beta distributions, which fractional (effective) numbers have as well.
    """
    from scipy.special import betaincinv

    if n <= 0:
        return Interval(low=0.0, high=1.0)
    _demand_share(correct, n)
    tail = (1 - confidence) / 2
    low = 0.0 if correct == 0 else float(betaincinv(correct, n - correct + 1, tail))
    high = 1.0 if correct == n else float(betaincinv(correct + 1, n - correct, 1 - tail))
    return Interval(low=low, high=high)


def share_interval(correct: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """The interval of an accuracy: exact below SMALL problems, Wilson's from there on."""
    return (exact if n < SMALL else wilson)(correct, n, confidence)


def accuracy_interval(scores: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The interval of the mean of per-problem scores in [0, 1]: shares of right samples, maj@k, pass@k.

    Problems are what was sampled; samples of one problem are not independent. The interval is taken with the number
    of independent trials that has the variance seen (Kish's effective size), lowered for that variance being an
    estimate (Korn and Graubard 1998: by the square of the normal quantile over Student's). With one sample each that
    number is the number of problems.
    """
    n = len(scores)
    if n == 0:
        return share_interval(0, 0, confidence)
    values = np.asarray(scores, dtype=np.float64)
    mean = min(1.0, float(values.mean()))
    spread = float(values.var())
    binary = mean * (1 - mean)
    effective = float(n)
    if n > 1 and spread > 0 and binary - spread > 1e-12:  # equal where every score is 0 or 1
        shrinkage = (_normal_quantile(confidence) / _student_quantile(confidence, n - 1)) ** 2
        effective = max(float(n), n * binary / spread * shrinkage)  # a score in [0, 1] varies no more than a coin
    return share_interval(mean * effective, effective, confidence)


def paired_interval(
    differences: Sequence[float], *, clusters: Sequence[Hashable] | None = None, confidence: float = CONFIDENCE
) -> Interval:
    """The interval of the mean of per-problem differences a - b in [-1, 1].

    Tango's score interval (1998) of the two discordant counts. Several samples a problem make differences between -1
    and 1: the counts are then those of one sample that have the same mean and the same mean square. `clusters` names
    each problem's cluster (its template, say); problems of one are no independent evidence, so the counts and n are
    divided by the design effect, where it is above 1. Where a variance had to be estimated (several samples, or
    clusters) Student's quantile takes the normal one's place.
    """
    values = np.asarray(differences, dtype=np.float64)
    n = len(values)
    if n == 0:
        return Interval(low=-1.0, high=1.0)
    mean, square = float(values.mean()), float((values**2).mean())
    effect = design_effect(differences, clusters)
    groups = n if clusters is None else len(set(clusters))
    certain = groups == n and bool(np.isin(values, (-1.0, 0.0, 1.0)).all())
    z = _normal_quantile(confidence) if certain else _student_quantile(confidence, groups - 1)
    effective = n / effect
    return tango(effective * (square + mean) / 2, effective * (square - mean) / 2, effective, z)


def tango(only_a: float, only_b: float, n: float, z: float) -> Interval:
    """Every difference of two paired proportions that the score test at quantile `z` does not reject.

    `only_a` and `only_b` are the discordant counts of `n` pairs. Tango 1998 (Statistics in Medicine 17, 891-908), whose
    test at 0 is McNemar's: with no discordant pair the bounds are +-z^2 / (n + z^2).
    """
    difference = (only_a - only_b) / n

    def statistic(delta: float) -> float:
        linear = -only_a - only_b + (2 * n - only_a + only_b) * delta
        root = math.sqrt(max(0.0, linear * linear + 8 * n * only_b * delta * (1 - delta)))
        b_alone = (root - linear) / (
            4 * n
        )  # the likeliest share of pairs that only b solves, were delta the difference
        variance = n * (2 * b_alone + delta * (1 - delta))
        distance = n * (difference - delta)
        if variance <= 0:
            return 0.0 if distance == 0 else math.copysign(math.inf, distance)
        return distance / math.sqrt(variance)

    return Interval(
        low=_boundary(lambda delta: statistic(delta) > z, -1.0, difference),
        high=_boundary(lambda delta: statistic(delta) >= -z, difference, 1.0),
    )


def _boundary(before: Callable[[float], bool], low: float, high: float) -> float:
    """Where a condition that holds at first, if anywhere, ceases to hold."""
    if not before(low):
        return low
    if before(high):
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if before(middle) else (low, middle)
    return (low + high) / 2


def design_effect(differences: Sequence[float], clusters: Sequence[Hashable] | None) -> float:
    """The factor, 1 or more, by which clusters widen the variance of a mean. Raises StatisticsError for a single cluster.

    The variance between clusters is that of a ratio mean (Cochran 1977, chapter 9A), as Miller 2024 ("Adding error bars
    to evals") takes it. Where nothing varies, a cluster counts as one problem.
    """
    if clusters is None or len(set(clusters)) == len(clusters):
        return 1.0
    values = np.asarray(differences, dtype=np.float64)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    n, count = len(values), len(numbers)
    if count == 1:
        raise StatisticsError(
            "expected problems of at least two clusters; found one, which leaves nothing to compare with"
        )
    sums = np.zeros(count)
    np.add.at(sums, [numbers[name] for name in clusters], values - values.mean())
    spread = float(values.var())
    if spread == 0:
        return n / count
    return max(1.0, float((sums**2).sum()) * count / (count - 1) / n / spread)


def _demand_share(correct: float, n: float) -> None:
    if not 0 <= correct <= n:
        raise ValueError(f"expected 0 <= correct <= n; found {correct} of {n}")


def _normal_quantile(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def _student_quantile(confidence: float, freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(max(1, freedom), 0.5 + confidence / 2))

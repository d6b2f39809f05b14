"""Whether a difference is one. Shares are 0 to 1 throughout; reports print percent.

Everything is deterministic: resampling uses generators seeded by the caller.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from evaluators.intervals import Interval, StatisticsError, design_effect, paired_interval

POWER = 0.8  # the convention for "would have been seen": Cohen 1988
RESAMPLES = 10_000  # ours: the 2.5 % quantile is then stable to 0.1 points on 1,000 problems
SIGNIFICANCE = 0.05


Test = Literal["McNemar, exact", "sign-flip permutation", "sign-flip permutation of clusters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A paired comparison of `a` against `b` on the same problems; `difference` is a - b."""

    problems: int
    accuracy_a: float
    accuracy_b: float
    difference: float
    interval: Interval
    """Tango's, paired; see evaluators.intervals."""
    only_a: int
    """Problems that only a solves (with several samples: where a's mean score is higher)."""
    only_b: int
    p_value: float
    test: Test
    detectable: float
    """The smallest difference that this many problems would have shown with 80 % power."""
    clusters: int | None
    """How many clusters the problems were taken in; None where each stands for itself."""
    binary: bool = True
    """Whether every problem is right or wrong on both sides, as with one sample each."""

    @property
    def significant(self) -> bool:
        return self.p_value < SIGNIFICANCE


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """Two-sided p-value that `only_a` and `only_b` discordant pairs come from a fair coin. 1.0 where there are none."""
    n = only_a + only_b
    if n == 0:
        return 1.0
    return min(1.0, 2 * _binomial_tail(min(only_a, only_b), n))


def _binomial_tail(k: int, n: int) -> float:
    """P(X <= k) for n fair coins, exact."""
    ways: int = sum(math.comb(n, i) for i in range(k + 1))
    return ways / (1 << n)


def sign_flip_test(differences: Sequence[float], *, seed: int = 0) -> float:
    """Two-sided p-value that per-problem differences are as likely up as down. For several samples a problem."""
    values = np.asarray([d for d in differences if d != 0], dtype=np.float64)
    if len(values) == 0:
        return 1.0
    observed = abs(float(values.sum()))
    generator = np.random.default_rng(seed)
    reached = 0
    for _ in range(RESAMPLES // 500):
        signs = generator.integers(0, 2, size=(500, len(values))) * 2 - 1
        reached += int((np.abs(signs @ values) >= observed - 1e-12).sum())
    return (reached + 1) / (RESAMPLES + 1)  # counting the observed one: never zero (Phipson and Smyth 2010)


def compare_paired(
    a: Mapping[str, float], b: Mapping[str, float], *, clusters: Mapping[str, Hashable] | None = None, seed: int = 0
) -> Comparison:
    """Compare per-problem scores of two evaluations of the same problems. Raises StatisticsError where they differ.

    `clusters` gives each problem's cluster, such as the template that it was made from: problems of one cluster are no
    independent evidence, so clusters are what the test permutes and what the interval counts.
    """
    if a.keys() != b.keys():
        missing = sorted(a.keys() ^ b.keys())
        raise StatisticsError(
            f"expected the same problems on both sides; {len(missing)} are on one only, for example {missing[:3]}. "
            "Evaluate both on the same problems, or give --shared to compare what both have."
        )
    if not a:
        raise StatisticsError("expected at least one problem; found none")
    order = sorted(a)
    differences = [a[key] - b[key] for key in order]
    groups = None if clusters is None else [clusters.get(key, key) for key in order]
    binary = all(score in (0.0, 1.0) for side in (a, b) for score in side.values())
    only_a, only_b = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    count = None if groups is None else len(set(groups))
    test, p_value = _paired_test(differences, groups if count != len(order) else None, binary=binary, seed=seed)
    n = len(order)
    return Comparison(
        problems=n,
        accuracy_a=sum(a.values()) / n,
        accuracy_b=sum(b.values()) / n,
        difference=sum(differences) / n,
        interval=paired_interval(differences, clusters=groups),
        only_a=only_a,
        only_b=only_b,
        p_value=p_value,
        test=test,
        detectable=detectable_difference(n / design_effect(differences, groups), sum(d * d for d in differences) / n),
        clusters=count,
        binary=binary,
    )


def _paired_test(
    differences: Sequence[float], clusters: Sequence[Hashable] | None, *, binary: bool, seed: int
) -> tuple[Test, float]:
    """The test that fits, and its two-sided p-value."""
    if clusters is not None:
        sums: dict[Hashable, float] = {}
        for cluster, difference in zip(clusters, differences, strict=True):
            sums[cluster] = sums.get(cluster, 0.0) + difference
        return "sign-flip permutation of clusters", sign_flip_test(list(sums.values()), seed=seed)
    if binary:
        return "McNemar, exact", mcnemar_exact(sum(d > 0 for d in differences), sum(d < 0 for d in differences))
    return "sign-flip permutation", sign_flip_test(differences, seed=seed)


def detectable_difference(
    n: float, discordance: float, *, power: float = POWER, significance: float = SIGNIFICANCE
) -> float:
    """The smallest true difference of two accuracies on `n` shared problems that a paired test finds with `power`.

    `discordance` is the share of problems on which the two differ (with several samples: the mean squared
    difference). Solves Connor's sample-size formula (1987) for the difference. 1.0 where nothing could be seen.
    """
    if n <= 0:
        return 1.0
    alpha, beta = NormalDist().inv_cdf(1 - significance / 2), NormalDist().inv_cdf(power)
    # where two models agree on everything seen, one more disagreement is still possible: the rule of one
    share = max(discordance, 1 / n)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        discordant = max(share, middle)
        enough = alpha * math.sqrt(discordant) + beta * math.sqrt(
            max(0.0, discordant - middle * middle)
        ) <= middle * math.sqrt(n)
        low, high = (low, middle) if enough else (middle, high)
    return high


def unpaired_discordance(accuracy: float) -> float:
    """The share of problems on which two independent models of this accuracy differ: the worst case for pairing."""
    return 2 * accuracy * (1 - accuracy)


def one_sample(correct: int, n: int, published: float) -> float:
    """Two-sided exact binomial p-value that the accuracy behind `correct` of `n` is the published one.

    The published figure is taken as fixed, though it is a sample too: a small p-value overstates the evidence. The
    tail is that of outcomes no more likely than the observed one.
    """
    if not 0 <= correct <= n:
        raise ValueError(f"expected 0 <= correct <= n; found {correct} of {n}")
    if n == 0:
        return 1.0
    if published in (0.0, 1.0):
        return 1.0 if correct == n * published else 0.0
    logs = [_log_binomial(k, n, published) for k in range(n + 1)]
    observed = logs[correct] + 1e-7  # ties in exact arithmetic differ by rounding here
    return min(1.0, math.fsum(math.exp(log) for log in logs if log <= observed))


def _log_binomial(k: int, n: int, p: float) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p-values: comparing each with 0.05 bounds the chance of any false claim by 5 %."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    for rank, (name, p_value) in enumerate(sorted(p_values.items(), key=lambda item: (item[1], item[0]))):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_value))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}

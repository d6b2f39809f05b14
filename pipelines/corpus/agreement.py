"""How far readers agree: Cohen's kappa with its interval, and the correlation of what they say a page teaches."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np

from evaluators.intervals import CONFIDENCE, Interval, share_interval
from pipelines.corpus.labels import PageKey, PageLabel


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """Agreement beyond chance: 1 all, 0 what chance gives."""

    value: float
    interval: Interval
    pairs: int
    agreed: int


def cohens_kappa(pairs: Sequence[tuple[bool, bool]]) -> Kappa:
    """Two readers' verdicts on the same pages. The interval has the large-sample variance of Fleiss, Cohen and Everitt 1969.

    Where both said the same of all pages, chance alone would have agreed too: kappa is 1, its interval that of the share.
    """
    n = len(pairs)
    table = np.zeros((2, 2))
    for first, second in pairs:
        table[int(first), int(second)] += 1 / n
    agreed = sum(first == second for first, second in pairs)
    rows, columns, observed = table.sum(axis=1), table.sum(axis=0), float(np.trace(table))
    chance = float(rows @ columns)
    if n == 0 or chance >= 1 or observed >= 1:
        return Kappa(value=1.0 if n else 0.0, interval=share_interval(agreed, n), pairs=n, agreed=agreed)
    value = (observed - chance) / (1 - chance)
    spread = sum(table[i, i] * (1 - (rows[i] + columns[i]) * (1 - value)) ** 2 for i in (0, 1))
    spread += (1 - value) ** 2 * sum(table[i, j] * (columns[i] + rows[j]) ** 2 for i, j in ((0, 1), (1, 0)))
    variance = (spread - (value - chance * (1 - value)) ** 2) / (n * (1 - chance) ** 2)
    half = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * math.sqrt(max(0.0, variance))
    interval = Interval(low=max(-1.0, value - half), high=min(1.0, value + half))
    return Kappa(value=value, interval=interval, pairs=n, agreed=agreed)


def weighted_kappa(pairs: Sequence[tuple[int, int]]) -> float:
    """Agreement on a scale of numbers, with squared distances (Cohen 1968); 1 where the scale is not used at all."""
    given = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    if not len(given):
        return 0.0
    seen = float(((given[:, 0] - given[:, 1]) ** 2).mean())
    by_chance = float(((given[:, :1] - given[:, 1]) ** 2).mean())
    return 1.0 if by_chance == 0 else 1 - seen / by_chance


def paired_readers(labels: Sequence[PageLabel]) -> Iterator[tuple[str, str, list[tuple[PageLabel, PageLabel]]]]:
    """Every two readers, and the pages that both judged."""
    by_reader: defaultdict[str, dict[PageKey, PageLabel]] = defaultdict(dict)
    for label in labels:
        by_reader[label.who][label.key] = label
    for first, second in combinations(sorted(by_reader), 2):
        both = sorted(by_reader[first].keys() & by_reader[second].keys())
        if both:
            yield first, second, [(by_reader[first][key], by_reader[second][key]) for key in both]


def agreement_lines(labels: Sequence[PageLabel]) -> list[str]:
    """A line for each two readers, for a terminal."""
    lines = []
    for first, second, pairs in paired_readers(labels):
        told = cohens_kappa([(one.mathematics == "yes", other.mathematics == "yes") for one, other in pairs])
        scale = weighted_kappa([(one.teaching, other.teaching) for one, other in pairs])
        lines.append(
            f"{first} and {second}: {told.pairs} pages, {told.agreed} the same verdict ({told.agreed / told.pairs:.1%}); kappa "
            f"{told.value:.2f} (95 %: {told.interval.low:.2f} to {told.interval.high:.2f}); of the teaching value {scale:.2f}"
        )
    return lines or ["no page was judged by two readers"]

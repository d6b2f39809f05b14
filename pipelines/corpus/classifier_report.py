"""What a classifier's report says: held-out precision and recall, calibration, and the words that tell most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipelines.corpus.linear import LinearClassifier
from pipelines.corpus.normalisation import words
from pipelines.storage import Json

TELLING = 30
"""N-grams listed for each class."""
SAMPLE = 300
"""Pages of each class whose n-grams are looked at."""


class HeldOutMargins(Protocol):
    @property
    def positives(self) -> npt.NDArray[np.float32]: ...
    @property
    def negatives(self) -> npt.NDArray[np.float32]: ...


def classifier_report(
    linear: LinearClassifier,
    held: HeldOutMargins,
    left_out: npt.NDArray[np.bool_],
    positives: Sequence[str],
    negatives: Sequence[str],
) -> dict[str, Json]:
    """`figures` are the facts of the artifact. Unlabelled look-alikes count as negatives here, so precision is a floor."""
    curve = precision_recall(held.positives, held.negatives)
    reliable = held.negatives[~left_out]
    return {
        "figures": {
            "held_out_average_precision": _average_precision(held.positives, held.negatives),
            "held_out_recall": round(float((held.positives > 0).mean()), 4),
            "held_out_false_positives": round(float((held.negatives > 0).mean()), 4),
            "expected_calibration_error": _calibration_error(held.positives, reliable),
        },
        "precision_recall": curve,
        "calibration": calibration(held.positives, reliable),
        "telling": telling(linear, positives, negatives),
    }


def precision_recall(
    positives: npt.NDArray[np.float32], negatives: npt.NDArray[np.float32], points: int = 20
) -> list[dict[str, float]]:
    """Precision at even prior odds for thresholds that keep 1/points, 2/points ... of the positives."""
    rows = []
    for step in range(1, points + 1):
        threshold = float(np.quantile(positives, 1 - step / points))
        recall, false = float((positives >= threshold).mean()), float((negatives >= threshold).mean())
        precision = recall / (recall + false) if recall + false else 0.0
        rows.append({"margin": round(threshold, 3), "recall": round(recall, 4), "precision": round(precision, 4)})
    return rows


def calibration(
    positives: npt.NDArray[np.float32], negatives: npt.NDArray[np.float32], bins: int = 10
) -> list[dict[str, float]]:
    """Predicted probability against the observed share, the two classes weighing the same."""
    margins = np.concatenate((positives, negatives)).astype(np.float64)
    weights = np.concatenate((_even(len(positives)), _even(len(negatives))))
    truth = np.arange(len(margins)) < len(positives)
    predicted = 1 / (1 + np.exp(-np.clip(margins, -50, 50)))
    rows = []
    for low in np.arange(bins) / bins:
        here = (predicted >= low) & (predicted < low + 1 / bins)
        weight = float(weights[here].sum())
        if weight:
            mean = float((predicted * weights)[here].sum()) / weight
            observed = float(weights[here & truth].sum()) / weight
            rows.append({"weight": round(weight, 5), "predicted": round(mean, 4), "observed": round(observed, 4)})
    return rows


def telling(linear: LinearClassifier, positives: Sequence[str], negatives: Sequence[str]) -> dict[str, list[Json]]:
    """The n-grams of each class that move the margin most over all pages: weight times how many pages hold them."""
    pages: Counter[tuple[str, ...]] = Counter()
    for text in [*positives[:SAMPLE], *negatives[:SAMPLE]]:
        tokens = words(text, linear.characters)
        pages.update(
            {tuple(tokens[i : i + n]) for n in range(1, linear.ngrams + 1) for i in range(len(tokens) - n + 1)}
        )
    common = [(gram, count) for gram, count in pages.items() if count >= 3]
    weights = [linear.weight(gram) for gram, _ in common]
    ranked = sorted(
        (
            (weight * count, " ".join(gram), weight, count)
            for (gram, count), weight in zip(common, weights, strict=True)
        ),
        key=lambda row: (-row[0], row[1]),
    )

    def shown(rows: list[tuple[float, str, float, int]]) -> list[Json]:
        return [{"ngram": gram, "weight": round(weight, 3), "pages": count} for _, gram, weight, count in rows]

    return {"math": shown(ranked[:TELLING]), "other": shown(ranked[::-1][:TELLING])}


def _average_precision(positives: npt.NDArray[np.float32], negatives: npt.NDArray[np.float32]) -> float:
    """The area under the precision-recall curve at even prior odds."""
    order = np.argsort(-np.concatenate((positives, negatives)), kind="stable")
    true = np.cumsum(np.concatenate((_even(len(positives)), np.zeros(len(negatives))))[order])
    false = np.cumsum(np.concatenate((np.zeros(len(positives)), _even(len(negatives))))[order])
    gained = np.diff(true, prepend=0)
    return round(float((gained * true / np.maximum(true + false, 1e-12)).sum() / max(true[-1], 1e-12)), 4)


def _calibration_error(positives: npt.NDArray[np.float32], negatives: npt.NDArray[np.float32]) -> float:
    rows = calibration(positives, negatives)
    total = sum(row["weight"] for row in rows)
    return round(sum(row["weight"] * abs(row["predicted"] - row["observed"]) for row in rows) / max(total, 1e-12), 4)


def _even(count: int) -> npt.NDArray[np.float64]:
    """Weights of one class that add up to one half."""
    return np.full(count, 0.5 / max(count, 1))

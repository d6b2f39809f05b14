"""The table of words that routing reads, learned from a seed: which words tell mathematics from other pages.

evidence.tsv, which is used where none was learned, was written by hand. A learned one is a logistic regression on the
presence of words, small enough that hyperscan finds all of its words in one pass over the raw page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.storage import atomic_file

FEATURES = 1_500  # words; hyperscan's time grows slowly with them, the table's worth even more slowly
CHARACTERS = 8_000  # of each text
WORD = re.compile(r"[a-z]{3,20}|[\u4e00-\u9fff]{2}|[^\W\d_a-z]{3,20}")
STEPS = 300
STEP = 0.5
PENALTY = 1e-3
SCALE = 100  # weights are written in hundredths of a natural-log odd
KEPT_OF_SEED = 0.995
"""Share of the positives that the threshold lets pass: above the 99 % that a recall pass has to find."""


def write_evidence(path: Path, positives: Sequence[str], negatives: Sequence[str]) -> None:
    """A table for CrawlSettings.evidence, from texts of both kinds. Same texts, same bytes."""
    texts = [*positives, *negatives]
    labels = np.array([1.0] * len(positives) + [0.0] * len(negatives))
    present = [set(WORD.findall(text[:CHARACTERS].lower())) for text in texts]
    words = _vocabulary(present, labels)
    places = {word: place for place, word in enumerate(words)}
    matrix = np.zeros((len(texts), len(words)), dtype=np.float32)
    for row, found in enumerate(present):
        matrix[row, [places[word] for word in found if word in places]] = 1
    weights = np.rint(_fitted(matrix, labels) * SCALE).astype(int)
    scores = np.sort((matrix @ weights)[labels == 1])
    enough = int(scores[int((1 - KEPT_OF_SEED) * len(scores))])
    with atomic_file(path) as temporary:
        lines = [
            f"# enough\t{enough}",
            *(f"{weight}\t{word}" for word, weight in zip(words, weights, strict=True) if weight),
        ]
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _vocabulary(present: Sequence[set[str]], labels: npt.NDArray[np.float64]) -> list[str]:
    """The words whose presence differs most between the classes."""
    math: Counter[str] = Counter()
    other: Counter[str] = Counter()
    for found, label in zip(present, labels, strict=True):
        (math if label else other).update(found)
    positives, negatives = max(1.0, labels.sum()), max(1.0, len(labels) - labels.sum())
    share = {word: abs(math[word] / positives - other[word] / negatives) for word in math.keys() | other.keys()}
    return sorted(share, key=lambda word: (-share[word], word))[:FEATURES]


def _fitted(matrix: npt.NDArray[np.float32], labels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weights of a logistic regression with classes of equal weight, by gradient descent."""
    weights, bias = np.zeros(matrix.shape[1]), 0.0
    balance = np.where(labels == 1, 0.5 / max(1.0, labels.sum()), 0.5 / max(1.0, len(labels) - labels.sum()))
    for _ in range(STEPS):
        error = (1 / (1 + np.exp(-(matrix @ weights + bias))) - labels) * balance
        weights -= STEP * (matrix.T @ error + PENALTY * weights)
        bias -= STEP * float(error.sum())
    return weights

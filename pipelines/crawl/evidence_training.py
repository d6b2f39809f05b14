"""The table of words that routing reads, learned from a seed: which words tell mathematics from other pages.

evidence.tsv, which is used where none was learned, was written by hand. A learned one is a logistic regression on the
presence of words. It learns from stretches of the texts as long as the glimpse that routing has of a page, and its
threshold comes from texts that it did not learn from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.crawl.routing import words_of
from pipelines.storage import atomic_file

FEATURES = 1_500  # words; with 500 more pages are kept for the same recall, with 4,000 unseen pages are missed
STRETCH = 2_000  # characters: the text in a glimpse of 8,000 bytes of HTML
FOLDS = 4
STEPS = 300
STEP = 0.5
PENALTY = 1e-3
SCALE = 100  # weights are written in hundredths of a natural-log odd
KEPT_OF_SEED = 0.995
"""Share of the held-out positives that the threshold lets pass: above the 99 % that a recall pass has to find."""


def write_evidence(path: Path, positives: Sequence[str], negatives: Sequence[str]) -> None:
    """A table for CrawlSettings.evidence, from texts of both kinds. Same texts, same bytes."""
    texts = [*positives, *negatives]
    present: list[set[str]] = []
    owners: list[int] = []
    for owner, text in enumerate(texts):
        found = [words_of(stretch) for stretch in _stretches(text)]
        present += found
        owners += [owner] * len(found)
    labels = np.array([1.0 if owner < len(positives) else 0.0 for owner in owners])
    folds = np.array(owners) % FOLDS
    held = np.zeros(len(present))
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(set(labels[inside])) == 2:
            held[outside] = _scores(_learned([present[row] for row in inside], labels[inside]), present, outside)
    weights = _learned(present, labels)
    middles = np.array([place == 0 or owners[place - 1] != owner for place, owner in enumerate(owners)])
    passing = np.sort(held[(labels == 1) & middles])
    enough = int(np.floor(passing[int((1 - KEPT_OF_SEED) * len(passing))]))
    with atomic_file(path) as temporary:
        lines = [f"# enough\t{enough}", *(f"{weight}\t{word}" for word, weight in weights.items() if weight)]
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _stretches(text: str) -> list[str]:
    """The middle of a text first, where routing looks; its ends as further examples."""
    middle = max(0, (len(text) - STRETCH) // 2)
    return [text[middle : middle + STRETCH]] + ([text[:STRETCH], text[-STRETCH:]] if len(text) > 2 * STRETCH else [])


def _scores(weights: dict[str, int], present: Sequence[set[str]], rows: npt.NDArray[np.int64]) -> list[int]:
    return [sum(map(weights.__getitem__, present[row] & weights.keys())) for row in rows]


def _learned(present: Sequence[set[str]], labels: npt.NDArray[np.float64]) -> dict[str, int]:
    """Word -> weight, in hundredths."""
    words = _vocabulary(present, labels)
    places = {word: place for place, word in enumerate(words)}
    matrix = np.zeros((len(present), len(words)), dtype=np.float32)
    for row, found in enumerate(present):
        matrix[row, [places[word] for word in found if word in places]] = 1
    weights = np.rint(_fitted(matrix, labels) * SCALE).astype(int)
    return dict(zip(words, weights.tolist(), strict=True))


def _vocabulary(present: Sequence[set[str]], labels: npt.NDArray[np.float64]) -> list[str]:
    """The words whose presence differs most between the classes."""
    math: Counter[str] = Counter()
    other: Counter[str] = Counter()
    for found, label in zip(present, labels, strict=True):
        (math if label else other).update(found)
    positives, negatives = max(1.0, labels.sum()), max(1.0, len(labels) - labels.sum())
    share = {word: abs(math[word] / positives - other[word] / negatives) for word in math.keys() | other.keys()}
    return sorted(share, key=lambda word: (-share[word], word))[:FEATURES]


def _fitted(matrix: npt.NDArray[np.float32], labels: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Weights of a logistic regression with classes of equal weight, by gradient descent."""
    weights, bias = np.zeros(matrix.shape[1], np.float32), 0.0
    balance = np.where(labels == 1, 0.5 / max(1.0, labels.sum()), 0.5 / max(1.0, len(labels) - labels.sum()))
    for _ in range(STEPS):
        odds = np.clip(matrix @ weights + bias, -50, 50)
        error = ((1 / (1 + np.exp(-odds)) - labels) * balance).astype(np.float32)
        weights -= np.float32(STEP) * (matrix.T @ error + np.float32(PENALTY) * weights)
        bias -= STEP * float(error.sum())
    return weights

"""The head of a page's worth, taught by labels: logistic regression for mathematics, ridge regression for teaching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.corpus.labels import Settled
from pipelines.corpus.page_worth import FIGURES, Figures, PageHead, figures_of

SHRINKAGE = 1.0
"""L2 penalty on standardised weights: between 0.3 and 3 held-out sites come out alike."""
LEAST_SPREAD = 1e-3
"""A figure that varies less tells no lesson from another."""
STEPS = 50
"""Of Newton's method, which is done after six to ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """Labelled pages, row by row."""

    figures: Figures
    """[pages, FIGURES]"""
    mathematics: npt.NDArray[np.float64]
    """1, 0, or the share of the readers who said yes."""
    teaching: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]

    def only(self, chosen: npt.NDArray[np.bool_]) -> Lessons:
        return Lessons(
            figures=self.figures[chosen],
            mathematics=self.mathematics[chosen],
            teaching=self.teaching[chosen],
            weights=self.weights[chosen],
        )


def lessons_of_texts(settled: Sequence[Settled], texts: Sequence[str]) -> Lessons:
    """Labelled pages with their texts, in the same order. Raises ValueError where a page is undecided."""
    if any(one.mathematics is None for one in settled):
        raise ValueError("expected pages on which the readers are decided; found one that is not")
    return Lessons(
        figures=figures_of(texts),
        mathematics=np.array([float(bool(one.mathematics)) for one in settled]),
        teaching=np.array([one.teaching for one in settled]),
        weights=np.ones(len(settled)),
    )


def joined(lessons: Sequence[Lessons]) -> Lessons:
    return Lessons(
        figures=np.concatenate([one.figures for one in lessons]),
        mathematics=np.concatenate([one.mathematics for one in lessons]),
        teaching=np.concatenate([one.teaching for one in lessons]),
        weights=np.concatenate([one.weights for one in lessons]),
    )


def teach(lessons: Lessons, shrinkage: float = SHRINKAGE) -> PageHead:
    """The same head for the same lessons, to the rounding of its weights."""
    mean, spread = lessons.figures.mean(axis=0), lessons.figures.std(axis=0)
    spread[spread < LEAST_SPREAD] = 1.0
    scaled = np.c_[(lessons.figures - mean) / spread, np.ones(len(lessons.figures))]
    penalty = np.r_[np.full(scaled.shape[1] - 1, shrinkage), 0.0]
    odds = _logistic(scaled, lessons.mathematics, lessons.weights, penalty)
    weighted = scaled.T * lessons.weights
    value = np.linalg.solve(weighted @ scaled + np.diag(penalty + 1e-9), weighted @ lessons.teaching)
    rounded = [tuple(np.round(row, 4).tolist()) for row in (mean, spread, odds, value)]
    return PageHead(names=FIGURES, mean=rounded[0], spread=rounded[1], mathematics=rounded[2], teaching=rounded[3])


def _logistic(
    scaled: Figures, answers: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], penalty: Figures
) -> Figures:
    """Newton's method on the penalised likelihood, which has one maximum."""
    found = np.zeros(scaled.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(scaled @ found, -30, 30)))
        slope = scaled.T @ (weights * (chance - answers)) + penalty * found
        curvature = (scaled.T * (weights * np.maximum(chance * (1 - chance), 1e-6))) @ scaled
        step = np.linalg.solve(curvature + np.diag(penalty + 1e-9), slope)
        found -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return found

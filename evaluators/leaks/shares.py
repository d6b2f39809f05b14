"""How much of each benchmark question a text holds: what a score without contaminated problems is made of.

A problem counts as contained in a text that holds at least half of its question's word 10-grams. The paper's rule,
which drops a page for a single one, is for cleaning a corpus: problems of one template share phrases without being
the same problem. Numbers are words: two problems that differ in them are two problems.

Import in functions: numba takes a second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.leaks.index import Grams, known_windows
from evaluators.leaks.reworded import Rewordings
from evaluators.leaks.settings import GRAM, Rewording, RewordingSettings
from evaluators.leaks.words import Integers, Words, readings, words_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """What of one question a text holds."""

    share: float
    """Of its 10-grams; of its words where it is in other words."""
    match: str
    span: str
    """As it was compared, from the first of its words to the last."""


class QuestionIndex:
    """The n-grams of all questions; a question shorter than n words is one n-gram of its own length."""

    def __init__(
        self,
        questions: Sequence[str],
        *,
        ngram: int = GRAM,
        minimum_share: float = 0.5,
        matches: Sequence[Rewording] = (),
        rewording: RewordingSettings | None = None,
    ) -> None:
        self._minimum = minimum_share
        words = [words_of(question).without_operators() for question in questions]
        sizes = sorted({min(len(own), ngram) for own in words} - {0})
        self._grams = [
            Grams.of([own if min(len(own), ngram) == size else own.at(np.zeros(0, np.int64)) for own in words], size)
            for size in sizes
        ]
        self._totals = np.zeros(len(words), np.int64)
        for grams in self._grams:
            self._totals += np.bincount(_pairs(grams)[1], minlength=len(words))
        self._rewordings = Rewordings(questions, matches, rewording or RewordingSettings())

    def contained_in(self, text: str) -> dict[int, Contained]:
        """Number of a question -> what the text holds of it, for those that it contains."""
        found: dict[int, Contained] = {}
        for reading in readings(text):
            words = reading.without_operators()
            for grams in self._grams:
                self._count(grams, words, found)
            for other in self._rewordings.found(words):
                if other.problem not in found:
                    span = words.span(other.start, other.end)
                    found[other.problem] = Contained(share=other.share, match=other.match, span=span)
        return found

    def _count(self, grams: Grams, words: Words, found: dict[int, Contained]) -> None:
        places, rows = known_windows(words.hashes, grams.size, grams.known)
        if not len(places):
            return
        first = dict(zip(rows.tolist()[::-1], places.tolist()[::-1], strict=True))
        at: dict[int, list[int]] = defaultdict(list)
        for row, place in first.items():
            for owner in np.unique(grams.owners_of(row)).tolist():
                at[owner].append(place)
        for problem, own in at.items():
            share = len(own) / int(self._totals[problem])
            if share >= self._minimum and (problem not in found or share > found[problem].share):
                span = words.span(min(own), min(max(own) + grams.size, min(own) + 4 * len(own) + grams.size))
                found[problem] = Contained(share=share, match="grams", span=span)


def _pairs(grams: Grams) -> tuple[Integers, Integers]:
    """Distinct (row, owner)."""
    rows = np.repeat(np.arange(len(grams.ends)), grams.ends - grams.starts())
    pairs = np.unique(np.stack([rows, grams.owners]), axis=1)
    return pairs[0], pairs[1]

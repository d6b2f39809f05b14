"""Benchmark text found in pages (DeepSeekMath §2.1): any 10-gram of a question, answer or solution, or a shorter text
whole. Every hit is recorded with item and span.

Two things would drop clean pages: words that many problems share ("Please reason step by step, and put your final
answer within"), and windows of numbers and symbols alone ("1 2 3 4 5 6 7 8 9 10"). Such a window is no evidence by
itself; a benchmark text that has no other window is matched whole instead.

Departs from §2.1, which takes any text of 3 to 9 grams: a reference needs two words of a language. Tokenised,
`\\frac{3}{4}` has three grams and `(1,2,3)` too; by the letter every page with such a number would be a leak, although
a final answer without its question gives nothing away. The question, 10 grams of it or whole, still finds the copy.

Import in functions: numba takes a second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.leaks.index import Grams, KnownHashes, known_hashes, known_windows
from evaluators.leaks.settings import GRAM, SHORTEST
from evaluators.leaks.words import LANGUAGE, Words, readings, window_hashes

PARTS = ("question", "reference", "solution")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of a page's words that a benchmark text has as well."""

    problem: int
    part: str
    match: str
    start: int
    end: int


class PageRule:
    """All texts of the benchmarks, ready to be looked for in pages by the paper's rule.

    A 10-gram of `shared_by` problems is their template; one with fewer than `language_words` words of a language is no evidence.
    """

    def __init__(
        self, problems: Sequence[Mapping[str, str | None]], *, shared_by: int = 8, language_words: int = 3
    ) -> None:
        self._texts: list[Words] = []
        self._of: list[tuple[int, str]] = []
        for number, problem in enumerate(problems):
            for part in PARTS:
                for words in readings(problem[part] or ""):
                    self._texts.append(words.without_operators())
                    self._of.append((number, part))
        every = Grams.of(self._texts, GRAM)
        template = _template_rows(every, np.array([number for number, _ in self._of], np.int64), shared_by)
        evident = _evident(every, template, self._texts, language_words)
        self.shared = int((every.ends - every.starts())[template].sum())
        self._grams = Grams.of(self._texts, GRAM, evident)
        self._first = self._grams.owners[self._grams.starts()] if len(self._grams.ends) else np.zeros(0, np.int64)
        self._whole: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for text, words in enumerate(self._texts):
            # Departs from §2.1: answers of numbers and symbols alone are no evidence.
            least = 2 if self._of[text][1] == "reference" else 1
            language = int((words.kinds == LANGUAGE).sum())
            if not evident[text].any() and len(words) >= SHORTEST and language >= least:
                size = min(len(words), GRAM)
                self._whole[size][int(window_hashes(words.hashes[:size], size)[0])].append(text)
        self._starts: dict[int, KnownHashes] = {
            size: known_hashes(np.array(list(found), np.uint64)) for size, found in sorted(self._whole.items())
        }

    def spans(self, words: Words) -> Iterator[Span]:
        """Every run of the words, without operators, that is evidence."""
        yield from self._gram_runs(words)
        for size, known in self._starts.items():
            places, rows = known_windows(words.hashes, size, known)
            for place, row in zip(places.tolist(), rows.tolist(), strict=True):
                for text in self._whole[size][int(known.keys[row])]:
                    own = self._texts[text]
                    end = place + len(own)
                    if np.array_equal(words.hashes[place:end], own.hashes):
                        problem, part = self._of[text]
                        yield Span(problem=problem, part=part, match="whole", start=place, end=end)

    def _gram_runs(self, words: Words) -> Iterator[Span]:
        """Matching 10-grams of one problem that follow each other, as one run."""
        places, rows = known_windows(words.hashes, GRAM, self._grams.known)
        if not len(places):
            return
        owners = [self._of[text] for text in self._first[rows].tolist()]
        begin = 0
        for at in range(1, len(places) + 1):
            if at == len(places) or places[at] != places[at - 1] + 1 or owners[at] != owners[begin]:
                problem, part = owners[begin]
                end = int(places[at - 1]) + GRAM
                yield Span(problem=problem, part=part, match="gram", start=int(places[begin]), end=end)
                begin = at


def _template_rows(grams: Grams, problem_of: npt.NDArray[np.int64], shared_by: int) -> npt.NDArray[np.bool_]:
    """Which grams so many problems hold."""
    marks = np.zeros(len(grams.ends), np.bool_)
    counts = grams.ends - grams.starts()
    for row in np.flatnonzero(counts >= shared_by).tolist():
        marks[row] = len(np.unique(problem_of[grams.owners_of(row)])) >= shared_by
    return marks


def _evident(
    grams: Grams, template: npt.NDArray[np.bool_], texts: Sequence[Words], language_words: int
) -> list[npt.NDArray[np.bool_]]:
    """Of each text's runs of 10 words, by where they begin, whether one is evidence."""
    found = []
    for words in texts:
        count = max(len(words) - GRAM + 1, 0)
        known = np.cumsum(np.concatenate(([0], words.kinds == LANGUAGE)))
        marks: npt.NDArray[np.bool_] = known[GRAM : GRAM + count] - known[:count] >= language_words
        found.append(marks)
    rows = np.repeat(np.arange(len(grams.ends)), grams.ends - grams.starts())
    for row in np.flatnonzero(template[rows]).tolist():
        found[int(grams.owners[row])][int(grams.places[row])] = False
    return found

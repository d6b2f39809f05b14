"""When two questions are the same, and whether a training example holds a benchmark's.

Import in functions: numba takes a second.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.leaks.index import Grams, known_hashes, known_windows
from evaluators.leaks.reworded import Rewordings
from evaluators.leaks.settings import GRAM, Rewording, RewordingSettings
from evaluators.leaks.words import LANGUAGE, Words, readings, window_hashes, words_of
from evaluators.records import Problem

SENTENCES = 6  # words of a language from which a question is its wording, and operators are left out of the comparison


def digest(*texts: str) -> bytes:
    """16 bytes that are the same for texts of the same words and operators, whatever their spelling."""
    parts = [words_of(text).hashes.tobytes() for text in texts]
    return hashlib.sha256(b"\0".join(parts)).digest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An example that must not be trained on."""

    problem_id: str
    rule: str
    """`same` question, `contained` in the text, a whole `solution` in the text, a Rewording, or a shared `ngram`."""
    share: float
    """Of the question's words that the example has there, in their order."""
    span: str
    """Those words, as they were compared."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A question (`contained`) or worked solution (`solution`) of the problem of this number."""

    number: int
    rule: str
    words: Words


class BenchmarkQuestions:
    """The questions and worked solutions of every benchmark of the recipe, ready to be found in examples.

    The rule is: the same question, one inside the other, a whole solution, or the same question in other words. The corpus
    drops a page for any shared 10-gram (§2.1); here that is `ngram`, and looks at questions alone: word problems of one
    author share phrases that long with each other ("how many ... does she have left in the end"), their answers more so.
    """

    def __init__(
        self,
        problems: Iterable[Problem],
        *,
        ngram: int | None = None,
        matches: Sequence[Rewording] = (),
        rewording: RewordingSettings | None = None,
    ) -> None:
        known = list(problems)
        self.count, self._ids = len(known), [problem.id for problem in known]
        texts = [problem.question for problem in known]
        self._same: dict[bytes, int] = {}
        self._starts: dict[bool, dict[int, list[_Known]]] = {
            True: defaultdict(list),
            False: defaultdict(list),
        }
        for number, text in enumerate(texts):
            self._same.setdefault(digest(text), number)
            for words in readings(text):
                self._add_start(number, "contained", words)
        for number, problem in enumerate(known):
            for words in readings(problem.solution or ""):
                self._add_start(number, "solution", words)
        self._known = {
            operators: known_hashes(np.array(list(starts), np.uint64)) for operators, starts in self._starts.items()
        }
        self._rewordings = Rewordings(texts, matches, rewording or RewordingSettings())
        self._grams = None if ngram is None else Grams.of([words_of(text).without_operators() for text in texts], ngram)

    def _add_start(self, number: int, rule: str, words: Words) -> None:
        operators = bool((words.kinds == LANGUAGE).sum() < SENTENCES)
        compared = words if operators else words.without_operators()
        if len(compared) >= GRAM:
            start = int(window_hashes(compared.hashes[:GRAM], GRAM)[0])
            self._starts[operators][start].append(_Known(number, rule, compared))

    def find(self, question: str, response: str) -> Hit | None:
        """The benchmark problem that an example gives away, or None."""
        same = self._same.get(digest(question))
        if same is not None:
            return Hit(problem_id=self._ids[same], rule="same", share=1.0, span=_whole(words_of(question)))
        texts = [words for text in (question, response) for words in readings(text)]
        for words in texts:
            for operators in (False, True):
                compared = words if operators else words.without_operators()
                for text, start in self._contained(compared, operators):
                    span = compared.span(start, start + len(text.words))
                    return Hit(problem_id=self._ids[text.number], rule=text.rule, share=1.0, span=span)
        for words in texts:
            compared = words.without_operators()
            for found in self._rewordings.found(compared):
                span = compared.span(found.start, found.end)
                return Hit(problem_id=self._ids[found.problem], rule=found.match, share=found.share, span=span)
        return self._shared_gram(texts[0].without_operators())

    def _contained(self, words: Words, operators: bool) -> Iterator[tuple[_Known, int]]:
        """Known texts that stand here whole, and where each begins."""
        known = self._known[operators]
        places, rows = known_windows(words.hashes, GRAM, known)
        for place, row in zip(places.tolist(), rows.tolist(), strict=True):
            for text in self._starts[operators][int(known.keys[row])]:
                if np.array_equal(words.hashes[place : place + len(text.words)], text.words.hashes):
                    yield text, place

    def _shared_gram(self, words: Words) -> Hit | None:
        if self._grams is None:
            return None
        places, rows = known_windows(words.hashes, self._grams.size, self._grams.known)
        if not len(places):
            return None
        number, place = int(self._grams.owners_of(int(rows[0]))[0]), int(places[0])
        span = words.span(place, place + self._grams.size)
        return Hit(problem_id=self._ids[number], rule="ngram", share=0.0, span=span)


def _whole(words: Words) -> str:
    return words.span(0, len(words))

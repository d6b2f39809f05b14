"""When two questions are the same, and whether a training example holds a benchmark's."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evaluators.records import Problem

TOKEN = re.compile(r"\d+(?:\.\d+)?|[a-z]+|[^\W\d_a-z]|[+\-*/=<>^%!]")
LAYOUT = re.compile(r"\\(?:left|right|,|;|!|quad|qquad|displaystyle|text|mathrm|dfrac|tfrac|(?=[()\[\]]))")
CONTAINED = 10
"""Tokens from which a benchmark question inside a longer text is a leak (§2.1: 10-grams)."""
NEARLY = 0.6
"""Jaccard similarity of token 3-grams from which two questions over the same numbers are one: a name changed in a
sentence of twelve words or more leaves at least this much."""


def tokens(text: str) -> list[str]:
    """Words, numbers, operators and single Chinese characters: what is left when layout, case and markup are gone."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return TOKEN.findall(LAYOUT.sub(" ", plain))


def digest(words: Sequence[str]) -> bytes:
    """16 bytes that stand for a token sequence."""
    return hashlib.sha256(" ".join(words).encode()).digest()[:16]


def similarity(one: Sequence[str], other: Sequence[str]) -> float:
    """Jaccard similarity of token 3-grams, 0 to 1; both empty is 1."""
    first, second = set(_grams(one, 3)), set(_grams(other, 3))
    return len(first & second) / len(first | second) if first | second else 1.0


def _grams(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    if len(words) <= size:
        yield tuple(words)
    for start in range(len(words) - size + 1):
        yield tuple(words[start : start + size])


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An example that must not be trained on."""

    problem_id: str
    rule: str
    """`same` question, `contained` in the text, `nearly` the same over the same numbers, or a shared `ngram`."""


class BenchmarkQuestions:
    """The questions of every benchmark of the recipe, ready to be found in examples.

    The corpus drops a page for any shared 10-gram (§2.1). Word problems of one author share phrases that long with
    each other ("how many ... does she have left in the end"), GSM8K's train and test among them, so here that is an
    option (`ngram`), and the rule is: the same question, one inside the other, or nearly the same over the same numbers.
    """

    def __init__(self, problems: Iterable[Problem], *, ngram: int | None = None) -> None:
        self._ngram = ngram
        self._same: dict[bytes, str] = {}
        self._starts: dict[tuple[str, ...], list[tuple[list[str], str]]] = defaultdict(list)
        self._numbers: dict[tuple[str, ...], list[tuple[list[str], str]]] = defaultdict(list)
        self._grams: dict[tuple[str, ...], str] = {}
        self.count = 0
        for problem in problems:
            self._add(tokens(problem.question), problem.id)

    def _add(self, words: list[str], problem_id: str) -> None:
        self.count += 1
        self._same.setdefault(digest(words), problem_id)
        if len(words) >= CONTAINED:
            self._starts[tuple(words[:CONTAINED])].append((words, problem_id))
        if _numbers(words):  # without numbers nothing narrows the search, and the wording is the problem
            self._numbers[_numbers(words)].append((words, problem_id))
        if self._ngram is not None:
            for gram in _grams(words, self._ngram):
                self._grams.setdefault(gram, problem_id)

    def find(self, question: str, response: str) -> Hit | None:
        """The benchmark problem that an example gives away, or None."""
        words = tokens(question)
        same = self._same.get(digest(words))
        if same is not None:
            return Hit(problem_id=same, rule="same")
        for text in (words, tokens(response)):
            for start in range(len(text) - CONTAINED + 1):
                for known, problem_id in self._starts.get(tuple(text[start : start + CONTAINED]), ()):
                    if text[start : start + len(known)] == known:
                        return Hit(problem_id=problem_id, rule="contained")
        for known, problem_id in self._numbers.get(_numbers(words), ()):
            if NEARLY * len(words) <= len(known) <= len(words) / NEARLY and similarity(words, known) >= NEARLY:
                return Hit(problem_id=problem_id, rule="nearly")
        if self._ngram is not None:
            for gram in _grams(words, self._ngram):
                if gram in self._grams:
                    return Hit(problem_id=self._grams[gram], rule="ngram")
        return None


def _numbers(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(word for word in words if word[0].isdigit()))

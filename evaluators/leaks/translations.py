"""Questions in another language: the same numbers, and the same things that they are about.

Import in functions: numba takes a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.leaks.numerals import Reading
from evaluators.leaks.settings import RewordingSettings
from evaluators.leaks.words import CHINESE, LANGUAGE, Integers, Words, characters, words_of

GLOSSARY = Path(__file__).with_name("glossary.txt")
LARGE = 8.0  # bits of a number above a hundred
BEFORE, BEHIND = 16, 40
"""Words beside the numbers of a text that belong to them: a question ends with what it asks."""


class Translations:
    """Questions by their numbers."""

    def __init__(self, questions: Sequence[str], readings: Sequence[Reading], settings: RewordingSettings) -> None:
        self._settings = settings
        self._lengths = [len(own.hashes) for own in readings]
        self._known: dict[int, dict[int, list[int]]] = {}
        """How many numbers -> their sum -> the questions."""
        self._bits: list[float] = []
        self._chinese: list[bool] = []
        self._concepts: list[frozenset[int]] = []
        for problem, (question, own) in enumerate(zip(questions, readings, strict=True)):
            chinese = is_chinese(words_of(question))
            self._chinese.append(chinese)
            self._concepts.append(concepts_of(question, chinese))
            numbers = _telling(own)[0]
            self._bits.append(_bits(numbers))
            if self._bits[-1] >= settings.signature:
                by_sum = self._known.setdefault(len(numbers), {})
                by_sum.setdefault(int(numbers.sum(dtype=np.uint64)), []).append(problem)

    def found(self, words: Words, reading: Reading) -> Iterator[tuple[int, int, int, float]]:
        """(problem, start, end, share of its concepts) in words without operators."""
        numbers, places = _telling(reading)
        sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(numbers, dtype=np.uint64)))
        for size, known in self._known.items():
            totals = (sums[size:] - sums[:-size]).tolist() if len(numbers) >= size else []
            for place, total in enumerate(totals):
                for problem in known.get(total, ()):
                    first, last = int(places[place]), int(places[place + size - 1]) + 1
                    sure = size == len(numbers) or self._bits[problem] >= 2 * self._settings.signature
                    if sure and last - first <= 3 * self._lengths[problem]:
                        start, stop = int(reading.places[first]), int(reading.places[last - 1]) + 1
                        share = self._alike(problem, words, start, stop)
                        if share >= self._settings.concepts:
                            yield problem, start, stop, share

    def _alike(self, problem: int, words: Words, start: int, stop: int) -> float:
        """Share of the question's concepts that a stretch in another language names; 0 where it is too few of them."""
        begin, end = max(start - BEFORE, 0), min(stop + BEHIND, len(words))
        chinese = is_chinese(words.at(np.arange(begin, end)))
        if chinese == self._chinese[problem]:
            return 0.0
        own = self._concepts[problem]
        shared = own & concepts_of(words.text[int(words.starts[begin]) : int(words.ends[end - 1])], chinese)
        return len(shared) / len(own) if len(shared) >= 3 else 0.0


def concepts_of(text: str, chinese: bool) -> frozenset[int]:
    """Rows of the glossary that a text of its language names."""
    english, pattern, rows = _glossary()
    if chinese:
        return frozenset(row for word in pattern.findall(text) for row in rows[word])
    return frozenset(row for word in re.findall("[a-z]+|%", text.lower()) for row in english.get(word, ()))


@cache
def _glossary() -> tuple[dict[str, list[int]], re.Pattern[str], dict[str, list[int]]]:
    """English words and their rows; Chinese words as a pattern that finds each wherever it stands, and their rows."""
    english: dict[str, list[int]] = {}
    chinese: dict[str, list[int]] = {}
    lines = [line for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for row, line in enumerate(lines):
        left, _, right = line.partition("\t")
        for word in left.split("|"):
            english.setdefault(word, []).append(row)
        for word in right.split():
            chinese.setdefault(word, []).append(row)
    longest_first = sorted(chinese, key=lambda word: (-len(word), word))
    for word in longest_first:  # 蛋糕 names the egg in it as well
        chinese[word] = sorted({row for part in chinese if part in word for row in chinese[part]})
    return english, re.compile("|".join(map(re.escape, longest_first))), chinese


def _telling(reading: Reading) -> tuple[npt.NDArray[np.uint64], Integers]:
    """The numbers of a text, and where they stand, but for one and two, which languages say with other words."""
    places = np.flatnonzero(reading.numbers)
    numbers = reading.hashes[places]
    kept = ~np.isin(numbers, _small()[1:3])
    return numbers[kept], places[kept]


def _bits(numbers: npt.NDArray[np.uint64]) -> float:
    """How much a bag of numbers says: a small one little."""
    known = {value: np.log2(number + 1) for number, value in enumerate(_small().tolist())}
    return float(sum(known.get(value, LARGE) for value in numbers.tolist()))


@cache
def _small() -> npt.NDArray[np.uint64]:
    """The hashes of 0 to 100."""
    return np.array([words_of(str(number)).hashes[0] for number in range(101)], np.uint64)


def is_chinese(words: Words) -> bool:
    """Whether Chinese prevails among its words of a language."""
    starts = words.starts[words.kinds == LANGUAGE]
    points = np.array([ord(words.text[start]) for start in starts.tolist()], np.int64)
    return 2 * int((characters().classes[points] == CHINESE).sum()) > len(points)

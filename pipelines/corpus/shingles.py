"""A page as a set of word n-grams, without the frame of its site, and how alike two such sets are.

A shingle's hash has two halves: the upper one is of its words with every number left open, the lower one of its numbers. So one
sorted array tells both whether two pages are alike and whether they differ in their numbers alone.

Import in functions: numba takes a second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluators.compiled import compiled
from evaluators.leaks.words import FIRST, MULTIPLIER, NUMBER, SECOND, Hashes, Integers, Words, raw_words

Marks = npt.NDArray[np.bool_]
OPEN = np.uint64(0x9E3779B97F4A7C15)  # what stands for any number
UPPER = np.uint64(0xFFFFFFFF00000000)


class Overlap(NamedTuple):
    """Of two pages' shingles."""

    shared: int
    numbers: int  # of the second that the first has with other numbers
    first: int
    second: int

    @property
    def jaccard(self) -> float:
        """0 to 1; two empty texts share nothing that could be told."""
        together = self.first + self.second - self.shared
        return self.shared / together if together else 0.0

    @property
    def contained(self) -> float:
        """Share of the second that the first has."""
        return self.shared / self.second if self.second else 0.0


def shingle_hashes(text: str, size: int, frame: Hashes | None = None, site: int = 0) -> Hashes:
    """The distinct hashes of a text's word n-grams, sorted; Chinese counts by character. A shorter text is one shingle.

    Lines whose keys on this site are in `frame`, sorted, are left out, unless nothing else is there.
    """
    words = raw_words(text)
    if frame is not None and len(frame) and len(words):
        keys, lengths = line_keys(words, site)
        places = np.minimum(np.searchsorted(frame, keys), len(frame) - 1)
        inner = np.repeat(frame[places] != keys, lengths)
        words = words.at(np.flatnonzero(inner)) if inner.any() else words
    if not len(words):
        return np.zeros(0, np.uint64)
    numbers = words.kinds == NUMBER
    numbers[1:] &= words.starts[1:] != words.ends[:-1]  # the digits of `x1` are part of a name
    return np.unique(_shingles(words.hashes, numbers, min(size, len(words))))


def line_keys(words: Words, site: int) -> tuple[Hashes, Integers]:
    """Hashes of a text's lines on a site, and how many words each has."""
    points = np.frombuffer(words.text.encode("utf-32-le", "replace"), np.uint32)
    breaks = np.searchsorted(words.starts, np.flatnonzero(points == 10))
    edges = np.unique(np.concatenate(([0], breaks, [len(words)])))
    return _line_hashes(words.hashes, edges, np.uint64(site)), np.diff(edges)


def overlap(first: Hashes, second: Hashes) -> Overlap:
    shared, numbers = _overlap(first, second)
    return Overlap(shared, numbers, len(first), len(second))


def mixed(values: Hashes) -> Hashes:
    """The same values in an order that has nothing to do with theirs."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(FIRST)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(SECOND)
    return values ^ (values >> np.uint64(31))


@compiled
def _shingles(hashes: Hashes, numbers: Marks, size: int) -> Hashes:
    count = len(hashes) - size + 1
    found = np.empty(count, np.uint64)
    for place in range(count):
        words, digits, some = np.uint64(0), np.uint64(0), False
        for step in range(place, place + size):
            words = words * MULTIPLIER + (OPEN if numbers[step] else hashes[step])
            digits = digits * MULTIPLIER + (hashes[step] if numbers[step] else np.uint64(1))
            some = some or numbers[step]
        words = (words ^ (words >> np.uint64(29))) * np.uint64(FIRST)
        digits = (digits ^ (digits >> np.uint64(29))) * np.uint64(FIRST)
        found[place] = (words & UPPER) | (digits >> np.uint64(32) if some else np.uint64(0))
    return found


@compiled
def _line_hashes(hashes: Hashes, edges: Integers, site: np.uint64) -> Hashes:
    found = np.empty(len(edges) - 1, np.uint64)
    for line in range(len(found)):
        value = np.uint64(site)
        for place in range(edges[line], edges[line + 1]):
            value = value * MULTIPLIER + hashes[place]
        value = (value ^ (value >> np.uint64(30))) * np.uint64(FIRST)
        found[line] = value ^ (value >> np.uint64(31))
    return found


@compiled
def _overlap(first: Hashes, second: Hashes) -> tuple[int, int]:
    """Shingles that both have, and those of the second that the first has with other numbers. Both are sorted."""
    shared = numbers = left = right = 0
    while right < len(second):
        word = second[right] & UPPER
        while left < len(first) and (first[left] & UPPER) < word:
            left += 1
        run = left
        while run < len(first) and (first[run] & UPPER) == word:
            run += 1
        while right < len(second) and (second[right] & UPPER) == word:
            same = False
            for place in range(left, run):
                if first[place] == second[right]:
                    same = True
                    break
            if same:
                shared += 1
            elif run > left:
                numbers += 1
            right += 1
        left = run
    return shared, numbers

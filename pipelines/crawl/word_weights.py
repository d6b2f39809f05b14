"""The words of a learned table in a text, found in machine code: the twin of `routing.words_of`, which tests compare.

Import in functions: numba takes a second.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipelines.compiled import compiled
from pipelines.crawl.routing import LONGEST, SHORTEST
from pipelines.word_table import (
    Bytes,
    Integers,
    Points,
    WordTable,
    hash_of,
    letters,
    points_of,
    row_of,
    utf8_of,
    word_table,
)

NONE, LATIN, CHINESE, OTHER = range(4)
"""What a character is to routing.WORD: none; a-z; half of a Chinese pair; a letter of another script."""


class WordWeights:
    """A table of words with weights."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        self.table = word_table(list(weights))
        self.weights = np.array([*weights.values()], np.int64)
        self.kinds = letters().astype(np.uint8) * np.uint8(OTHER)
        self.kinds[ord("a") : ord("z") + 1], self.kinds[0x4E00:0xA000] = LATIN, CHINESE


def weight_of(text: str, known: WordWeights) -> int:
    """Sum of the weights of a text's words, each counted once."""
    return int(_weight(points_of(text.lower()), known.kinds, known.weights, known.table))


@compiled
def _weight(points: Points, kinds: Bytes, weights: Integers, table: WordTable) -> int:
    seen, total, at = np.zeros(len(weights), np.bool_), 0, 0
    word = np.empty(4 * LONGEST, np.uint8)
    while at < len(points):
        if kinds[points[at]] == NONE:
            at += 1
            continue
        end = _word_end(points, at, kinds)
        if end > at:
            size = utf8_of(points, at, end, word)
            row = row_of(word, size, hash_of(word, 0, size), table)
            if row >= 0 and not seen[row]:
                seen[row] = True
                total += weights[row]
        at = max(end, at + 1)
    return total


@compiled
def _word_end(points: Points, at: int, kinds: Bytes) -> int:
    """Where the word that begins here ends; its beginning where none does."""
    kind, end = kinds[points[at]], at + 1
    if kind == CHINESE and end < len(points) and kinds[points[end]] == CHINESE:
        return end + 1
    while end < len(points) and end - at < LONGEST:
        following = kinds[points[end]]
        if following == NONE or (following == LATIN) != (kind == LATIN):
            break
        end += 1
    return end if end - at >= SHORTEST else at

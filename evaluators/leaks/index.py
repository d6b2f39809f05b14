"""The texts of benchmarks as runs of words, ready to be looked for in other texts: what all finders of leaks share.

Import in functions: numba takes a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluators.compiled import compiled
from evaluators.leaks.words import MULTIPLIER, Hashes, Integers, Words, window_hashes

BITS_A_KEY = 16  # of the filter: one of 16 unknown hashes is looked up in vain
GOLDEN = 0x9E3779B97F4A7C15


class KnownHashes(NamedTuple):
    """Sorted hashes, and a filter that says of most others that they are not among them."""

    keys: Hashes
    filter: Hashes
    shift: int


def known_hashes(values: Hashes) -> KnownHashes:
    keys = np.unique(values)
    bits = max(10, int(len(keys) * BITS_A_KEY).bit_length())
    places = (keys * np.uint64(GOLDEN)) >> np.uint64(64 - bits)
    marks = np.zeros(1 << (bits - 6), np.uint64)
    np.bitwise_or.at(marks, places >> np.uint64(6), np.uint64(1) << (places & np.uint64(63)))
    return KnownHashes(keys, marks, 64 - bits)


def known_windows(hashes: Hashes, size: int, known: KnownHashes) -> tuple[Integers, Integers]:
    """Where each known run of `size` words begins, and its row among the known."""
    places, rows = np.empty(max(len(hashes), 1), np.int64), np.empty(max(len(hashes), 1), np.int64)
    count = _find_windows(hashes, size, known, places, rows)
    return places[:count], rows[:count]


@compiled
def _find_windows(hashes: Hashes, size: int, known: KnownHashes, places: Integers, rows: Integers) -> int:
    count, power, value = 0, np.uint64(1), np.uint64(0)
    if len(hashes) < size or len(known.keys) == 0:
        return 0
    for place in range(size):
        value = value * MULTIPLIER + hashes[place]
        if place:
            power = power * MULTIPLIER
    shift = np.uint64(known.shift)
    for place in range(len(hashes) - size + 1):
        if place:
            value = (value - hashes[place - 1] * power) * MULTIPLIER + hashes[place + size - 1]
        bit = (value * np.uint64(GOLDEN)) >> shift
        if known.filter[bit >> np.uint64(6)] >> (bit & np.uint64(63)) & np.uint64(1):
            row = np.searchsorted(known.keys, value)
            if row < len(known.keys) and known.keys[row] == value:
                places[count], rows[count] = place, row
                count += 1
    return count


@dataclass(frozen=True, slots=True, eq=False)
class Grams:
    """Every run of `size` words of some texts: `owners[ends[row-1]:ends[row]]` are the texts that hold the known row."""

    size: int
    known: KnownHashes
    ends: Integers
    owners: Integers
    places: Integers
    """Where in its owner each begins."""

    @classmethod
    def of(cls, texts: Sequence[Words], size: int, kept: Sequence[npt.NDArray[np.bool_]] | None = None) -> Grams:
        """Of texts without operators; with `kept`, of the runs that it marks by where they begin."""
        values = [window_hashes(words.hashes, size) for words in texts]
        places = [np.arange(len(own)) for own in values]
        if kept is not None:
            places = [np.flatnonzero(marks[: len(own)]) for own, marks in zip(values, kept, strict=True)]
            values = [own[where] for own, where in zip(values, places, strict=True)]
        owners = np.repeat(np.arange(len(texts)), [len(own) for own in values])
        flat = np.concatenate([np.zeros(0, np.uint64), *values])
        order = np.argsort(flat, kind="stable")
        known = known_hashes(flat)
        ends = np.searchsorted(flat[order], known.keys, side="right")
        return cls(size, known, ends, owners[order], np.concatenate([np.zeros(0, np.int64), *places])[order])

    def owners_of(self, row: int) -> Integers:
        return self.owners[self.ends[row - 1] if row else 0 : self.ends[row]]

    def starts(self) -> Integers:
        """Of each known row, where its owners begin."""
        return np.concatenate(([0], self.ends[:-1])).astype(np.int64)

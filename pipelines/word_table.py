"""Words of a text looked up in machine code, by fastText's hash of their bytes in UTF-8.

Import in functions: numba takes a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.compiled import compiled
from pipelines.word_hash import bytes_hash

Integers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Points = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
hash_of = compiled(bytes_hash)


class WordTable(NamedTuple):
    """Words by their hash: `slots` holds rows, or -1 where there is none; `ends[row]` is where a word's bytes end."""

    slots: Integers
    content: Bytes
    ends: Integers


def word_table(words: Sequence[str]) -> WordTable:
    """An open hash table, at most half full; rows are the words' places in the sequence."""
    encoded = [word.encode() for word in words]
    slots = np.full(1 << max(4, (2 * len(words)).bit_length()), -1, np.int64)
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int64)[1:]
    content = np.frombuffer(b"".join(encoded) or b"\0", np.uint8)
    table = WordTable(slots, content, ends)
    _fill(table)
    return table


def points_of(text: str) -> Points:
    """Code points of a text, in bytes where they are ASCII."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


@cache
def letters() -> npt.NDArray[np.bool_]:
    """Of each code point whether it is a letter or a mark that belongs to one: `[^\\W\\d_]`."""
    found = np.zeros(0x110000, np.bool_)
    for run in re.finditer(r"[^\W\d_]+", "".join(map(chr, range(0x110000)))):
        found[run.start() : run.end()] = True
    return found


@compiled
def _fill(table: WordTable) -> None:
    slots, content, ends = table
    for row in range(len(ends)):
        slot = hash_of(content, ends[row - 1] if row else 0, ends[row]) & (len(slots) - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = row


@compiled
def row_of(word: Bytes, size: int, value: int, table: WordTable) -> int:
    """The row of the word in the first `size` bytes, whose hash is `value`; -1 where it is unknown."""
    slots, content, ends = table
    slot = value & (len(slots) - 1)
    while slots[slot] >= 0:
        row = slots[slot]
        begin = ends[row - 1] if row else 0
        if ends[row] - begin == size:
            same = 0
            while same < size and content[begin + same] == word[same]:
                same += 1
            if same == size:
                return int(row)
        slot = (slot + 1) & (len(slots) - 1)
    return -1


@compiled
def utf8_of(points: Points, begin: int, end: int, out: Bytes) -> int:
    """A word's bytes; capitals, which only plain ASCII still holds here, in lower case."""
    size = 0
    for place in range(begin, end):
        point = np.int64(points[place])
        if point < 0x80:
            out[size] = point + 32 if 65 <= point <= 90 else point
            size += 1
            continue
        if point < 0x800:
            out[size] = 0xC0 | point >> 6
            size += 1
        elif point < 0x10000:
            out[size], out[size + 1] = 0xE0 | point >> 12, 0x80 | point >> 6 & 63
            size += 2
        else:
            out[size], out[size + 1] = 0xF0 | point >> 18, 0x80 | point >> 12 & 63
            out[size + 2] = 0x80 | point >> 6 & 63
            size += 3
        out[size] = 0x80 | point & 63
        size += 1
    return size

"""A text's words and n-grams looked up and added in machine code: `normalisation.words` and fastText's hashes in one go.

Words never become Python strings. The words are those of `normalisation.words`, whatever the text; tests compare them.
Import this module in functions: numba takes a second.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from pipelines.compiled import compiled
from pipelines.corpus.normalisation import HAN, LEAST_BODY, LINE, LONGEST_WORD, MENU, SYMBOL, without_surrogates

Points = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
Integers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

SPACE, LATIN, SINGLE, DIGIT, LETTER, BACKSLASH = range(6)
"""What a character is to normalisation.WORD: none; a-z; a word by itself; digits; letters and marks of others; `\\`."""
SCRIPTS = 0x40000
"""Code points, from which on Unicode has neither letters nor digits: planes 4 to 13 are empty, the rest is marks."""
MULTIPLIER = np.uint64(116049371)  # fastText, Dictionary::addWordNgrams
FNV_START, FNV_PRIME = 2166136261, 16777619  # fastText, Dictionary::hash


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words by their hash: `slots` holds rows, or -1 where there is none; `ends[row]` is where a word's bytes end."""

    slots: Integers
    content: Bytes
    ends: Integers


def vocabulary_of(words: Sequence[str], hashes: Sequence[int]) -> Vocabulary:
    """An open hash table, at most half full."""
    encoded = [word.encode() for word in words]
    slots = np.full(1 << max(4, (2 * len(words)).bit_length()), -1, np.int64)
    for row, value in enumerate(hashes):
        slot = value & (len(slots) - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = row
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int64)[1:]
    return Vocabulary(slots, np.frombuffer(b"".join(encoded) or b"\0", np.uint8), ends)


def word_rows(text: str, characters: int, known: Vocabulary) -> tuple[npt.NDArray[np.int32], Integers]:
    """fastText's hash of each word of a text, and its row in the vocabulary or -1. Never raises."""
    points, length = _points(text, characters)
    hashes, rows = np.empty(len(points), np.int32), np.empty(len(points), np.int64)
    found = _look_up(points, length, _kinds(), known.slots, known.content, known.ends, hashes, rows)
    return hashes[:found], rows[:found]


def _points(text: str, characters: int) -> tuple[Points, int]:
    """The body's first characters, normalised and lower-cased, and how many they were before they were lower-cased."""
    text = text[: characters * MENU]
    points = _encoded(text)
    if len(text) >= LEAST_BODY:
        out = np.empty_like(points)
        size = _body(points, max(characters, LEAST_BODY), _symbols(), out)
        points = out[:size] if size >= LEAST_BODY else points
    points = points[:characters]
    if points.dtype == np.uint8:
        return points, len(points)
    text = points.tobytes().decode("utf-32-le", "surrogatepass")
    if not text.isascii():
        text = unicodedata.normalize("NFKC", without_surrogates(text))
    return _encoded(text.lower()), len(text)


def _encoded(text: str) -> Points:
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


@cache
def _kinds() -> Bytes:
    everything = "".join(map(chr, range(SCRIPTS)))
    kinds = np.full(0x110000, SINGLE, np.uint8)
    for pattern, kind in ((r"\s+", SPACE), (r"[^\W\d_]+", LETTER), (r"\d+", DIGIT), (rf"[{HAN}]+", SINGLE)):
        for found in re.finditer(pattern, everything):
            kinds[found.start() : found.end()] = kind
    kinds[ord("a") : ord("z") + 1] = kinds[ord("A") : ord("Z") + 1] = LATIN  # capitals are lower-cased on the way
    kinds[ord("\\")], kinds[0] = BACKSLASH, SPACE
    return kinds


@cache
def _symbols() -> npt.NDArray[np.bool_]:
    everything = "".join(map(chr, range(0x10000)))
    found = np.zeros(0x10000, np.bool_)
    found[[match.start() for match in SYMBOL.finditer(everything)]] = True
    return found


@compiled
def _body(points: Points, enough: int, symbols: npt.NDArray[np.bool_], out: Points) -> int:
    """`normalisation.body` as far as it is read: lines of LINE bytes in UTF-8, or with an operator."""
    size = begin = 0
    while begin <= len(points) and size < enough:
        width, symbol, end = 0, False, begin
        while end < len(points) and points[end] != 10:
            point = points[end]
            if point < 0x80 or 0xD800 <= point < 0xE000:  # a lone surrogate is written as `?`
                width += 1
            else:
                width += 2 if point < 0x800 else 3 if point < 0x10000 else 4
            symbol = symbol or (point < 0x10000 and symbols[point])
            end += 1
        if width >= LINE or symbol:
            if size:
                out[size] = 10
                size += 1
            out[size : size + end - begin] = points[begin:end]
            size += end - begin
        begin = end + 1
    return size


@compiled
def _word_end(points: Points, at: int, kinds: Bytes) -> int:
    kind, end = kinds[points[at]], at + 1
    if kind in (BACKSLASH, LATIN):
        while end < len(points) and kinds[points[end]] == LATIN:
            end += 1
    elif kind == DIGIT:
        while end < len(points) and kinds[points[end]] == DIGIT:
            end += 1
    elif kind == LETTER:
        while end < len(points) and (kinds[points[end]] == LETTER or kinds[points[end]] == LATIN):
            end += 1
    return end


@compiled
def _utf8(points: Points, begin: int, end: int, out: Bytes) -> int:
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


@compiled
def _row(word: Bytes, size: int, value: int, slots: Integers, content: Bytes, ends: Integers) -> int:
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
def _look_up(
    points: Points,
    length: int,
    kinds: Bytes,
    slots: Integers,
    content: Bytes,
    ends: Integers,
    hashes: npt.NDArray[np.int32],
    rows: Integers,
) -> int:
    count = at = 0
    while at < len(points):
        if kinds[points[at]] == SPACE:
            at += 1
        else:
            at = _word_end(points, at, kinds)
            count += 1
    longest = LONGEST_WORD if length > 60 * (count + 1) else len(points)
    word = np.empty(4 * len(points), np.uint8)
    count = at = 0
    while at < len(points):
        if kinds[points[at]] == SPACE:
            at += 1
            continue
        end = _word_end(points, at, kinds)
        size = _utf8(points, at, min(end, at + longest), word)
        value = FNV_START
        for place in range(size):
            byte = int(word[place])
            value = ((value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * FNV_PRIME) & 0xFFFFFFFF
        hashes[count] = np.int32(value - (1 << 32) if value >= 1 << 31 else value)
        rows[count] = _row(word, size, value, slots, content, ends)
        count, at = count + 1, end
    return count


@compiled
def mean_weight(
    hashes: npt.NDArray[np.int32], rows: Integers, weights: npt.NDArray[np.float32], known: int, ngrams: int
) -> float:
    """Mean weight of the known words (`rows` >= 0) and of all n-grams of 2 to `ngrams` words; 0 where there are none."""
    total, count = 0.0, 0
    for row in rows:
        if row >= 0:
            total, count = total + weights[row], count + 1
    running = np.empty(len(hashes), np.uint64)
    for place in range(len(hashes)):
        running[place] = np.uint64(np.int64(hashes[place]))  # fastText sign-extends
    buckets = np.uint64(len(weights) - known)
    for span in range(1, ngrams):
        added = 0.0
        for place in range(len(hashes) - span):
            running[place] = running[place] * MULTIPLIER + np.uint64(np.int64(hashes[place + span]))
            added += weights[known + np.int64(running[place] % buckets)]
            count += 1
        total += added
    return total / max(count, 1)

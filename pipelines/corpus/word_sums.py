"""A text's words and n-grams looked up and added in machine code: `normalisation.words` and fastText's hashes in one go.

Words never become Python strings. The words are those of `normalisation.words`, whatever the text; tests compare them.
Import this module in functions: numba takes a second.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

from evaluators.chinese import HAN
from pipelines.compiled import compiled
from pipelines.corpus.normalisation import LEAST_BODY, LINE, LONGEST_WORD, MENU, SYMBOL, without_surrogates
from pipelines.word_table import Bytes, Integers, Points, WordTable, hash_of, points_of, row_of, utf8_of

SPACE, LATIN, SINGLE, DIGIT, LETTER, BACKSLASH = range(6)
"""What a character is to normalisation.WORD: none; a-z; a word by itself; digits; letters and marks of others; `\\`."""
SCRIPTS = 0x40000
"""Code points, from which on Unicode has neither letters nor digits: planes 4 to 13 are empty, the rest is marks."""
MULTIPLIER = np.uint64(116049371)  # fastText, Dictionary::addWordNgrams


def word_rows(text: str, characters: int, known: WordTable) -> tuple[npt.NDArray[np.int32], Integers]:
    """fastText's hash of each word of a text, and its row in the vocabulary or -1. Never raises."""
    points, length = _points(text, characters)
    hashes, rows = np.empty(len(points), np.int32), np.empty(len(points), np.int64)
    found = _look_up(points, length, _kinds(), known, hashes, rows)
    return hashes[:found], rows[:found]


def _points(text: str, characters: int) -> tuple[Points, int]:
    """The body's first characters, normalised and lower-cased, and how many they were before they were lower-cased."""
    text = text[: characters * MENU]
    content = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    if len(text) >= LEAST_BODY:
        out = np.empty_like(content)
        size, found = _body(content, max(characters, LEAST_BODY), _symbols(), out)
        content = out[:size] if found >= LEAST_BODY else content
    start = content[: _place(content, characters)].tobytes()
    if start.isascii():
        return np.frombuffer(start, np.uint8), len(start)
    text = unicodedata.normalize("NFKC", without_surrogates(start.decode("utf-8", "surrogatepass")))
    return points_of(text.lower()), len(text)


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
def _body(content: Bytes, enough: int, symbols: npt.NDArray[np.bool_], out: Bytes) -> tuple[int, int]:
    """`normalisation.body` as far as it is read, lines of LINE bytes or with an operator: its bytes and characters."""
    size = found = begin = 0
    while begin <= len(content) and found < enough:
        width = characters = 0
        symbol, end = False, begin
        while end < len(content) and content[end] != 10:
            byte = content[end]
            if byte < 0x80:
                symbol = symbol or symbols[byte]
                width, characters, end = width + 1, characters + 1, end + 1
                continue
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            if length == 3:
                point = (byte & 15) << 12 | (content[end + 1] & 63) << 6 | (content[end + 2] & 63)
                symbol = symbol or symbols[point]
            elif length == 2:
                symbol = symbol or symbols[(byte & 31) << 6 | (content[end + 1] & 63)]
            lone = byte == 0xED and content[end + 1] >= 0xA0  # a lone surrogate, which is written as `?`
            width, characters, end = width + (1 if lone else length), characters + 1, end + length
        if width >= LINE or symbol:
            if size:
                out[size] = 10
                size, found = size + 1, found + 1
            out[size : size + end - begin] = content[begin:end]
            size, found = size + end - begin, found + characters
        begin = end + 1
    return size, found


@compiled
def _place(content: Bytes, characters: int) -> int:
    """Where so many characters of UTF-8 end."""
    if len(content) <= characters:
        return len(content)
    found = 0
    for place in range(len(content)):
        if content[place] & 0xC0 != 0x80:
            if found == characters:
                return place
            found += 1
    return len(content)


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
def _look_up(
    points: Points,
    length: int,
    kinds: Bytes,
    table: WordTable,
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
        size = utf8_of(points, at, min(end, at + longest), word)
        value = hash_of(word, 0, size)
        hashes[count] = np.int32(value - (1 << 32) if value >= 1 << 31 else value)
        rows[count] = row_of(word, size, value, table)
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

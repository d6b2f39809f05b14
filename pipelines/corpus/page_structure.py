"""What a page is made of, counted in one pass: sentences, listings, names, formulas. Whatever the language.

Import in functions: numba takes a second.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.compiled import compiled
from pipelines.word_table import Bytes

LONGEST = 60_000
"""Bytes of a page's text that are read; ours: seven times what the classifier reads, since frames come first."""
COUNTS: Final = (
    "characters",  # other than space
    "lines",  # that are not empty
    "short_lines",  # of at most 3 words and 40 bytes: menus, lists of names
    "bullets",  # lines that begin with a bullet, a bar or a number and a point
    "prose",  # characters in lines of at least 8 words, or of 15 characters of a script without spaces
    "sentences",
    "questions",
    "words",  # runs of letters
    "capitals",  # words that begin with one, not at the beginning of a sentence
    "identifiers",  # snake_case, camelCase, dotted.names
    "calls",  # a letter before an opening bracket: f(x), and functions of programs
    "singles",  # single letters that stand alone, as variables do
    "digits",
    "numbers",  # runs of digits
    "sums",  # a digit, an operator, a digit: 3 + 4
    "operators",  # = + ^ < > and Unicode's
    "commands",  # of TeX: a backslash and a letter
    "dollars",
    "punctuation",  # of programs: ; { } _ # @ & ~ "
    "wide",  # characters of Chinese, Japanese and Korean
    "fenced",  # characters between lines of ```
    "bars",
)
(CHARACTERS, LINES, SHORT, BULLETS, PROSE, SENTENCES, QUESTIONS, WORDS, CAPITALS, IDENTIFIERS, CALLS) = range(11)
(SINGLES, DIGITS, NUMBERS, SUMS, OPERATORS, COMMANDS, DOLLARS, PUNCTUATION, WIDE, FENCED, BARS) = range(11, 22)
OTHER, UPPER, LOWER, DIGIT, HAN = range(5)
"""What a character is."""
FEW_WORDS, SHORT_LINE, PROSE_WORDS, PROSE_WIDE = 3, 40, 8, 15


def structure(text: str) -> npt.NDArray[np.float64]:
    """The COUNTS of a text, in their order."""
    content = text[:LONGEST].encode("utf-8", "replace")[:LONGEST]
    counts = np.zeros(len(COUNTS))
    _count(np.frombuffer(content or b"\n", np.uint8), counts)
    return counts


@compiled
def _point(content: Bytes, at: int) -> tuple[int, int]:
    """The code point that begins at a byte, and its length; a page cut within one ends there."""
    byte = int(content[at])
    if byte < 0x80:
        return byte, 1
    length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
    if at + length > len(content):
        return 0xFFFD, len(content) - at
    if length == 2:
        return (byte & 31) << 6 | (int(content[at + 1]) & 63), 2
    if length == 3:
        return (byte & 15) << 12 | (int(content[at + 1]) & 63) << 6 | (int(content[at + 2]) & 63), 3
    return 0x20000, 4


@compiled
def _kind(point: int) -> int:
    if point < 0x80:
        if 97 <= point <= 122:
            return LOWER
        if 65 <= point <= 90:
            return UPPER
        return DIGIT if 48 <= point <= 57 else OTHER
    if 0x3040 <= point <= 0x9FFF or 0xAC00 <= point <= 0xD7A3 or 0xF900 <= point <= 0xFAFF or point >= 0x20000:
        return HAN
    if 0x00C0 <= point < 0x2000 and point != 0xD7 and point != 0xF7:
        return UPPER if 0x0391 <= point <= 0x03A9 or 0x0410 <= point <= 0x042F else LOWER
    return OTHER


@compiled
def _is_operator(point: int) -> bool:
    if point < 0x80:
        return point == 61 or point == 43 or point == 94 or point == 60 or point == 62  # numba
    return 0x2200 <= point <= 0x22FF or point == 0xD7 or point == 0xF7 or point == 0xB1


@compiled
def _is_variable(point: int, before: int, after: int) -> bool:
    """A letter that stands alone and is no word of a language: not a, i, o, e, y, nor what an apostrophe cut off."""
    if before == 39 or after == 39 or before == 0x2019 or after == 0x2019:
        return False
    low = point | 32 if point < 0x80 else point
    return not (low == 97 or low == 105 or low == 111 or low == 101 or low == 121)


@compiled
def _count(content: Bytes, counts: npt.NDArray[np.float64]) -> None:  # noqa: C901, PLR0915  # one pass over bytes
    at = 0
    fenced = False
    while at < len(content):
        begin = at
        words = wide = characters = 0
        before, last, run, first, inner = 32, OTHER, 0, 0, False
        started = False  # a word after the beginning of a sentence
        number_before = False
        while at < len(content) and content[at] != 10:
            point, length = _point(content, at)
            kind = _kind(point)
            after = _point(content, at + length)[0] if at + length < len(content) else 10
            if point > 32:
                characters += 1
            letter = kind in (LOWER, UPPER)
            if letter:
                if run == 0:
                    first = kind
                    inner = False
                    if before == 46 and last == LOWER:
                        inner = True  # a dotted name
                elif kind == UPPER and last == LOWER:
                    inner = True
                run += 1
                if not (_kind(after) == LOWER or _kind(after) == UPPER):
                    counts[WORDS] += 1
                    words += 1
                    if inner:
                        counts[IDENTIFIERS] += 1
                    if after == 40:
                        counts[CALLS] += 1
                    if run == 1 and after != 95 and before != 95 and _is_variable(point, before, after):
                        counts[SINGLES] += 1
                    if first == UPPER and started and run > 1:
                        counts[CAPITALS] += 1
                    started = True
                    run = 0
                last = kind
            elif kind == HAN:
                wide += 1
            elif kind == DIGIT:
                counts[DIGITS] += 1
                if _kind(after) != DIGIT:
                    counts[NUMBERS] += 1
                    number_before = True
            elif point == 95:
                counts[PUNCTUATION] += 1
                if last != OTHER and _kind(after) != OTHER:
                    counts[IDENTIFIERS] += 1
            elif _is_operator(point) or point == 42 or point == 47 or point == 45:
                if point != 42 and point != 47 and point != 45:
                    counts[OPERATORS] += 1
                follows = after if after != 32 else _point(content, at + 2)[0] if at + 2 < len(content) else 10
                if number_before and _kind(follows) == DIGIT:
                    counts[SUMS] += 1
                number_before = False
            elif point == 46 or point == 63 or point == 33:
                if after == 32 or after == 10:
                    counts[SENTENCES] += 1
                    started = False
                if point == 63:
                    counts[QUESTIONS] += 1
            elif point == 0x3002 or point == 0xFF1F or point == 0xFF01:
                counts[SENTENCES] += 1
                if point == 0xFF1F:
                    counts[QUESTIONS] += 1
            elif point == 92:
                if _kind(after) == LOWER or _kind(after) == UPPER:
                    counts[COMMANDS] += 1
            elif point == 36:
                counts[DOLLARS] += 1
            elif (
                point == 59
                or point == 123
                or point == 125
                or point == 35
                or point == 64
                or point == 38
                or point == 34
                or point == 126
            ):
                counts[PUNCTUATION] += 1
            elif point == 124:
                counts[BARS] += 1
            if point != 32 and kind != DIGIT and not _is_operator(point):
                number_before = False
            if not letter:
                if point != 46:
                    last = OTHER
                run = 0
            before = point
            at += length
        at += 1
        if characters == 0:
            continue
        counts[LINES] += 1
        counts[CHARACTERS] += characters
        counts[WIDE] += wide
        is_fence = characters >= 3 and content[begin] == 96 and content[begin + 1] == 96 and content[begin + 2] == 96
        if is_fence:
            fenced = not fenced
        elif fenced:
            counts[FENCED] += characters
        elif words >= PROSE_WORDS or wide >= PROSE_WIDE:
            counts[PROSE] += characters
        if words + wide / 2 <= FEW_WORDS and at - begin <= SHORT_LINE:
            counts[SHORT] += 1
        mark = content[begin]
        if (
            mark == 45
            or mark == 42
            or mark == 124
            or (48 <= mark <= 57 and at - begin > 3 and content[begin + 1] == 46)
        ):
            counts[BULLETS] += 1

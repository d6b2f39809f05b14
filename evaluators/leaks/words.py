"""Words for the comparison of texts with benchmarks: what a copy keeps, whatever became of its markup.

Numbers are kept as they are (1,000 is 1000), LaTeX commands by name, Chinese by character, in the simplified script.
What a copy may change is dropped: case, white space, delimiters, emphasis, punctuation, braces, and commands that only
lay out. A text is read once into hashes, one for each word; corpus, mixture and scores all compare those.

Import in functions: numba takes a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluators.chinese import HAN, simplified
from evaluators.compiled import compiled, inlined
from evaluators.leaks.spelling import GROUP, LAYOUT, SAME, SYMBOLS, plain_text

Hashes = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
Points = npt.NDArray[np.uint32]
OTHER, LETTER, DIGIT, CHINESE, SIGN, OPERATOR = range(6)
"""Classes of characters: SIGN has a command of the same meaning, OPERATOR is a word where formulas are compared."""
OPERATION, NUMBER, SYMBOL, LANGUAGE = range(4)
"""Kinds of words: an operator, a number, a variable or a common command, a word of a natural language."""
OPERATORS = "+-*=<>^%!−"
"""Not the bar of a fraction, which is a command or a character of its own elsewhere."""
COMMON_COMMANDS = "frac sqrt sum int binom cdot times leq geq pi sin cos log"
"""Commands that every text with formulas has: no evidence of a language."""
GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon phi chi psi omega"
APOSTROPHES = "'’ʼ"
START, PRIME = 14695981039346656037, 1099511628211  # FNV-1a
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # splitmix64
MULTIPLIER = np.uint64(6364136223846793005)  # Knuth's MMIX: of a window's hash
POINT, COMMA, DOLLAR, STAR, UNDERSCORE, BACKSLASH, OPEN, CLOSE, SPACE, TILDE, BANG = map(ord, ".,$*_\\{} ~!")
MARKED = ord(GROUP)
RECENT = 8
"""Texts whose words are kept: mixing asks for those of a question and its answer eight times in a row."""


class Characters(NamedTuple):
    """What each code point is."""

    classes: npt.NDArray[np.uint8]
    fold: Points  # in lower case, and in the simplified script
    signs: Points  # the characters with a command, sorted
    commands: Hashes  # their commands
    same_from: Hashes  # commands that have another name, sorted
    same_to: Hashes  # that name; 0: it only lays out
    common: Hashes  # COMMON_COMMANDS, sorted


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A text as words: hashes[n], kinds[n] and plain[n], where plain knows 20.00 as 20; starts and ends in `text`."""

    text: str
    hashes: Hashes
    plain: Hashes
    kinds: npt.NDArray[np.uint8]
    starts: Integers
    ends: Integers

    def __len__(self) -> int:
        return len(self.hashes)

    def without_operators(self) -> Words:
        kept = self.kinds != OPERATION
        return self if kept.all() else self.at(np.flatnonzero(kept))

    def at(self, places: npt.NDArray[np.int64]) -> Words:
        starts, ends = self.starts[places], self.ends[places]
        return Words(self.text, self.hashes[places], self.plain[places], self.kinds[places], starts, ends)

    def span(self, start: int, end: int) -> str:
        """Some of the words, as they were compared."""
        return " ".join(_shown(self.text[begin:stop]) for begin, stop in self._places(start, end))

    def _places(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        return zip(self.starts[start:end].tolist(), self.ends[start:end].tolist(), strict=True)


def words_of(text: str) -> Words:
    """The words of a text, operators among them."""
    return _words(plain_text(text), False)[0]


def raw_words(text: str) -> Words:
    """The words of a text as it is, with its tags and entities: for the comparison of extracted pages with each other."""
    return _words(text, False)[0]


def readings(text: str) -> list[Words]:
    """The words of a text; and once more with `1 000 000` as one number, where it has such: in `5 100 200` they are three."""
    plain = plain_text(text)
    words, spaced = _words(plain, False)
    return [words, _words(plain, True)[0]] if spaced else [words]


def gram_words(text: str) -> list[str]:
    """The words of a text without operators, as they are compared."""
    words = words_of(text).without_operators()
    return [_shown(words.text[start:end]) for start, end in words._places(0, len(words))]


def window_hashes(hashes: Hashes, size: int) -> Hashes:
    """Hashes of each run of `size` words, by where it begins."""
    count = len(hashes) - size + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    running = hashes[:count].copy()
    for offset in range(1, size):
        running = running * MULTIPLIER + hashes[offset : count + offset]
    return running


@lru_cache(maxsize=RECENT)
def _words(plain: str, joined: bool) -> tuple[Words, bool]:
    points = np.frombuffer(plain.encode("utf-32-le", "replace"), np.uint32)
    hashes, exact = np.empty(len(points), np.uint64), np.empty(len(points), np.uint64)
    kinds = np.empty(len(points), np.uint8)
    starts, ends = np.empty(len(points), np.int64), np.empty(len(points), np.int64)
    count, spaced = _tokenise(points, characters(), joined, hashes, exact, kinds, starts, ends)
    kept = slice(count)
    return Words(
        plain, hashes[kept].copy(), exact[kept].copy(), kinds[kept].copy(), starts[kept].copy(), ends[kept].copy()
    ), spaced


def _shown(raw: str) -> str:
    """One word as it was compared."""
    if raw[0].isdecimal():
        return re.sub(r"[^\d.]|\.(?!\d)", "", re.sub(r"[^\d.,]+\.[^\d]+", ".", raw))
    if raw[0] == "\\":
        return SAME.get(raw[1:].lower(), raw[1:].lower())
    if len(raw) == 1:
        return (
            SAME.get(SYMBOLS.get(raw, ""), SYMBOLS.get(raw)) or _greek().get(raw) or simplified().get(raw, raw.lower())
        )
    return "dots" if raw[0] == "." else re.sub(rf"[{APOSTROPHES}*_]", "", raw).lower()


@cache
def _greek() -> dict[str, str]:
    """Greek letters, which stand for their commands where they stand alone."""
    names = GREEK.split()
    small = {chr(0x3B1 + place): name for place, name in enumerate(names)}
    return small | {chr(0x391 + place): name for place, name in enumerate(names) if place != 17}


@cache
def characters() -> Characters:
    classes, fold = np.zeros(0x110000, np.uint8), np.arange(0x110000, dtype=np.uint32)
    every = "".join(map(chr, range(0x110000)))
    for pattern, kind in ((r"[^\W\d_]+", LETTER), (r"\d+", DIGIT), (rf"[{HAN}]+", CHINESE)):
        for run in re.finditer(pattern, every):
            classes[run.start() : run.end()] = kind
    for point in range(0x1F000):
        lower = chr(point).lower()
        if len(lower) == 1:
            fold[point] = ord(lower)
    for one, other in simplified().items():
        fold[ord(one)] = ord(other)
    signs = {**SYMBOLS, **_greek()}
    for operator in OPERATORS:
        classes[ord(operator)] = OPERATOR
    for sign in SYMBOLS:
        classes[ord(sign)] = SIGN
    fold[ord("−")] = ord("-")
    ordered = sorted(signs, key=ord)
    same = {_hash_of(name): _hash_of(other) for name, other in SAME.items()} | {_hash_of(name): 0 for name in LAYOUT}
    known = sorted(same)
    return Characters(
        classes,
        fold,
        np.array([ord(sign) for sign in ordered], np.uint32),
        np.array([_hash_of(SAME.get(signs[sign], signs[sign])) for sign in ordered], np.uint64),
        np.array(known, np.uint64),
        np.array([same[value] for value in known], np.uint64),
        np.array(sorted(map(_hash_of, COMMON_COMMANDS.split())), np.uint64),
    )


def _hash_of(word: str) -> int:
    """The hash of a word of lower-case letters."""
    value = START
    for letter in word:
        value = ((value ^ ord(letter)) * PRIME) & 0xFFFFFFFFFFFFFFFF
    for shift, factor in ((30, FIRST), (27, SECOND)):
        value = ((value ^ value >> shift) * factor) & 0xFFFFFFFFFFFFFFFF
    return value ^ value >> 31


@inlined
def _mixed(value: np.uint64, point: int) -> np.uint64:
    return (value ^ np.uint64(point)) * np.uint64(PRIME)


@inlined
def _final(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(FIRST)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(SECOND)
    return value ^ (value >> np.uint64(31))


@compiled
def _place_in(table: npt.NDArray[np.uint64], value: np.uint64) -> int:
    """Where a value stands in a sorted table; -1 where it does not."""
    low, high = 0, len(table)
    while low < high:
        middle = (low + high) >> 1
        if table[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low if low < len(table) and table[low] == value else -1


@inlined
def _is_digit(points: Points, classes: npt.NDArray[np.uint8], place: int) -> bool:
    return place < len(points) and classes[points[place]] == DIGIT


@inlined
def _three_digits(points: Points, classes: npt.NDArray[np.uint8], place: int) -> bool:
    """Whether exactly three stand here."""
    return (
        _is_digit(points, classes, place)
        and _is_digit(points, classes, place + 1)
        and _is_digit(points, classes, place + 2)
        and not _is_digit(points, classes, place + 3)
    )


@compiled
def _after_separator(points: Points, place: int) -> int:
    """Where the digits go on after a separator of thousands: `,` `{,}` `\\,` `,\\!`; `place` where there is none."""
    size = len(points)
    if place >= size:
        return place
    if points[place] == COMMA:
        if place + 2 < size and points[place + 1] == BACKSLASH and points[place + 2] == BANG:
            return place + 3
        return place + 1
    if place + 2 < size and points[place] == OPEN and points[place + 1] == COMMA and points[place + 2] == CLOSE:
        return place + 3
    if place + 1 < size and points[place] == BACKSLASH and points[place + 1] == COMMA:
        return place + 2
    return place


@compiled
def _after_space(points: Points, place: int) -> int:
    """The same for one space: ` ` `~` `\\ ` `\\;` `\\:`, and GROUP."""
    if place < len(points) and points[place] in (SPACE, TILDE, MARKED):
        return place + 1
    if place + 1 < len(points) and points[place] == BACKSLASH and points[place + 1] in (SPACE, 59, 58):
        return place + 2
    return place


@compiled
def _within_wrapping(points: Points, place: int) -> int:
    """The point or comma of a number whose halves were wrapped each for itself (`$3$.$5$`); -1 where there is none."""
    size = len(points)
    if place >= size:
        return -1
    if points[place] == DOLLAR or points[place] == CLOSE:
        place += 1
    elif points[place] == BACKSLASH and place + 1 < size and points[place + 1] == 41:
        place += 2
    else:
        return -1
    return place if place < size and (points[place] == POINT or points[place] == COMMA) else -1


@compiled
def _after_opening(points: Points, place: int) -> int:
    """Behind `$`, `\\(` or `\\text{`; `place` where none stands here."""
    size = len(points)
    if place < size and points[place] == DOLLAR:
        return place + 1
    if place + 1 < size and points[place] == BACKSLASH:
        if points[place + 1] == 40:
            return place + 2
        end = place + 1
        while end < size and 97 <= points[end] <= 122:
            end += 1
        if end > place + 1 and end < size and points[end] == OPEN:
            return end + 1
    return place


@compiled
def _number(points: Points, table: Characters, place: int, joined: bool) -> tuple[int, np.uint64, np.uint64, bool]:
    """Of the number that begins here: its end, its hash, its hash without zeros at the end of decimals, and whether
    spaces may part its thousands."""
    classes, begin = table.classes, place
    value = exact = np.uint64(START)
    fraction = spaced = first = False  # first: the first group has three digits at most
    free = begin == 0 or not (points[begin - 1] in (POINT, COMMA) or classes[points[begin - 1]] == DIGIT)
    while True:
        while _is_digit(points, classes, place):
            value = _mixed(value, points[place])
            if not fraction or points[place] != 48:
                exact = value
            place += 1
        after = _after_separator(points, place)
        if after > place and _three_digits(points, classes, after):
            place = after
            continue
        after = _after_space(points, place)
        if free and not fraction and after > place and _three_digits(points, classes, after):
            first = first or place - begin <= 3
            marked = points[place] == MARKED
            spaced = spaced or (first and not marked)
            if first and (joined or marked):
                place = after
                continue
        if not fraction and place < len(points) and points[place] == POINT and _is_digit(points, classes, place + 1):
            fraction, place = True, place + 1
            value = _mixed(value, POINT)
            continue
        inside = _within_wrapping(points, place)
        if inside >= 0:
            after = _after_opening(points, inside + 1)
            if after > inside + 1 and _is_digit(points, classes, after):
                if points[inside] == POINT and not fraction:
                    fraction, place = True, after
                    value = _mixed(value, POINT)
                    continue
                if points[inside] == COMMA and _three_digits(points, classes, after):
                    place = after
                    continue
        return place, value, exact, spaced


@compiled
def _word_end(points: Points, table: Characters, place: int) -> tuple[int, np.uint64, int]:
    """Of the word that begins here: its end, its hash and its letters; apostrophes and emphasis within it are no part of it.
    `αx` are two, the letters of two alphabets."""
    classes, size = table.classes, len(points)
    value, letters, end = np.uint64(START), 0, place
    greek = 0x391 <= points[place] <= 0x3C9
    while place < size and classes[points[place]] == LETTER and (0x391 <= points[place] <= 0x3C9) == greek:
        value = _mixed(value, table.fold[points[place]])
        letters += 1
        place += 1
        end = place
        if place < size and points[place] in (39, 0x2019, 0x2BC):
            place += 1
        elif place < size and (points[place] == STAR or points[place] == UNDERSCORE):
            mark, stars = points[place], 0
            while place < size and points[place] == mark:
                stars += 1
                place += 1
            if stars > 3 or (mark == UNDERSCORE and stars == 1):
                break
    return end, value, letters


@compiled
def _dots(points: Points, place: int) -> int:
    """The end of `...` or `. . .` that begins here; `place` where none does."""
    if place + 2 < len(points) and points[place + 1] == POINT and points[place + 2] == POINT:
        return place + 3
    if (
        place + 4 < len(points)
        and points[place + 1] == SPACE
        and points[place + 2] == POINT
        and points[place + 3] == SPACE
        and points[place + 4] == POINT
    ):
        return place + 5
    return place


@compiled
def _command(table: Characters, value: np.uint64) -> tuple[np.uint64, int]:
    """Hash and kind of a command by its hash; hash 0 where it only lays out."""
    place = _place_in(table.same_from, value)
    if place >= 0:
        value = table.same_to[place]
    return value, SYMBOL if _place_in(table.common, value) >= 0 else LANGUAGE


DOTS = _hash_of("dots")


@compiled
def _tokenise(  # noqa: C901  # one branch for each class of characters: a call of each costs more than its work
    points: Points,
    table: Characters,
    joined: bool,
    hashes: Hashes,
    plain: Hashes,
    kinds: npt.NDArray[np.uint8],
    starts: Integers,
    ends: Integers,
) -> tuple[int, bool]:
    """Fills the columns of Words. Their number, and whether there is a number whose thousands spaces may part."""
    count, place, spaced_out = 0, 0, False
    classes, size = table.classes, len(points)
    while place < size:
        point, begin = points[place], place
        of, kind, value = classes[point], SYMBOL, np.uint64(0)
        exact = np.uint64(0)
        if of == LETTER:
            place, value, letters = _word_end(points, table, place)
            value = _final(value)
            if letters == 1 and 0x391 <= point <= 0x3C9:
                value, kind = _command(table, table.commands[np.searchsorted(table.signs, point)])
            elif letters > 1 and _place_in(table.common, value) < 0:
                kind = LANGUAGE
        elif of == CHINESE:
            value, kind, place = _final(_mixed(np.uint64(START), table.fold[point])), LANGUAGE, place + 1
        elif of == DIGIT:
            place, value, exact, spaced = _number(points, table, place, joined)
            value, exact, kind, spaced_out = _final(value), _final(exact), NUMBER, spaced_out or spaced
        elif point == BACKSLASH:
            place += 1
            while place < size and (97 <= points[place] | 32 <= 122) and points[place] < 128:
                if value == 0:
                    value = np.uint64(START)
                value = _mixed(value, points[place] | 32)
                place += 1
            if value != 0:
                value, kind = _command(table, _final(value))
        elif of == SIGN:
            value, kind = _command(table, table.commands[np.searchsorted(table.signs, point)])
            place += 1
        elif of == OPERATOR:
            value, kind, place = _final(_mixed(np.uint64(START), table.fold[point])), OPERATION, place + 1
        elif point == POINT and _dots(points, place) > place:
            value, kind, place = np.uint64(DOTS), LANGUAGE, _dots(points, place)
        else:
            place += 1
        if value != 0:
            hashes[count], plain[count], kinds[count] = value, exact if kind == NUMBER else value, kind
            starts[count], ends[count] = begin, place
            count += 1
    return count, spaced_out

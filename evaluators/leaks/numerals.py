"""Numbers written as words, read as digits: `twenty-five` and 二十五 are 25.

Import in functions: numba takes a second.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluators.compiled import compiled, inlined
from evaluators.leaks.words import FIRST, LANGUAGE, NUMBER, PRIME, SECOND, START, Hashes, Integers, Words, words_of

UNITS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "million": 1_000_000,
    "百": 100,
    "十": 10,
    "千": 1_000,
    "万": 10_000,
    "亿": 10**8,
}
CHINESE_DIGITS = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
PRONOUNS = "he she they him her them his hers their theirs himself herself themselves 他 她 它"
"""One word: a name that changes may change them."""
DIGIT_WORD, SCALE_WORD, PRONOUN = 1, 2, 3


class NumberWords(NamedTuple):
    keys: Hashes  # sorted
    kinds: npt.NDArray[np.uint8]
    values: Integers
    joining: int  # the hash of `and`


class Reading(NamedTuple):
    """Words as a reworded copy is compared by: numbers as digits, one pronoun, no operators; `places[n]` in the words."""

    hashes: Hashes
    numbers: npt.NDArray[np.bool_]
    places: Integers


@cache
def _number_words() -> NumberWords:
    values = {word: (DIGIT_WORD, number) for number, word in enumerate(UNITS.split())}
    values |= {word: (DIGIT_WORD, 20 + 10 * place) for place, word in enumerate(TENS.split())}
    values |= {word: (DIGIT_WORD, number) for word, number in CHINESE_DIGITS.items()}
    values |= {word: (SCALE_WORD, number) for word, number in SCALES.items()}
    values |= dict.fromkeys(PRONOUNS.split(), (PRONOUN, 0))
    known = {int(words_of(word).hashes[0]): one for word, one in values.items()}
    keys = sorted(known)
    return NumberWords(
        np.array(keys, np.uint64),
        np.array([known[key][0] for key in keys], np.uint8),
        np.array([known[key][1] for key in keys], np.int64),
        int(words_of("and").hashes[0]),
    )


def reading_of(words: Words) -> Reading:
    """Of words without operators."""
    hashes, numbers = np.empty(len(words), np.uint64), np.empty(len(words), np.bool_)
    places = np.empty(len(words), np.int64)
    count = _read(words.plain, words.kinds, _number_words(), hashes, numbers, places)
    return Reading(hashes[:count], numbers[:count], places[:count])


@inlined
def _number_hash(number: int) -> np.uint64:
    """As the tokeniser hashes its digits."""
    power = 1
    while power * 10 <= number:
        power *= 10
    value = np.uint64(START)
    while power:
        value = (value ^ np.uint64(48 + number // power % 10)) * np.uint64(PRIME)
        power //= 10
    value = (value ^ (value >> np.uint64(30))) * np.uint64(FIRST)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(SECOND)
    return value ^ (value >> np.uint64(31))


@compiled
def _read(
    given: Hashes,
    kinds: npt.NDArray[np.uint8],
    table: NumberWords,
    hashes: Hashes,
    numbers: npt.NDArray[np.bool_],
    places: Integers,
) -> int:
    count, place, size = 0, 0, len(given)
    while place < size:
        hashes[count], numbers[count], places[count] = given[place], kinds[place] == NUMBER, place
        if kinds[place] == LANGUAGE:
            row = np.searchsorted(table.keys, given[place])
            if row < len(table.keys) and table.keys[row] == given[place]:
                if table.kinds[row] == PRONOUN:
                    hashes[count] = PRONOUN
                elif table.kinds[row] == DIGIT_WORD or table.values[row] == 10:
                    number, place = _spoken(given, table, place)
                    hashes[count], numbers[count] = _number_hash(number), True
                    count += 1
                    continue
        count += 1
        place += 1
    return count


@compiled
def _spoken(given: Hashes, table: NumberWords, place: int) -> tuple[int, int]:
    """The number whose words begin here, and where they end: units below tens, below scales, from the largest down."""
    total, part, last, size = 0, 0, 10**9, len(given)
    while place < size:
        at = place + 1 if given[place] == np.uint64(table.joining) and part % 100 == 0 and (part or total) else place
        if at == size:
            break
        row = np.searchsorted(table.keys, given[at])
        if row == len(table.keys) or table.keys[row] != given[at] or table.kinds[row] == PRONOUN:
            break
        value = table.values[row]
        if table.kinds[row] == DIGIT_WORD:
            if value >= last or (last < 20 and value):
                break
            part, last = part + value, value if value >= 10 else (1 if value else last)
            if 10 <= value < 20:
                last = 1
        elif value >= 1_000:
            below = total if total < value else 0  # 一千二百万: the thousand and two hundred are of ten thousands
            total, part, last = total - below + max(below + part, 1) * value, 0, 10**9
            if total > 10**12:
                break
        else:
            units = part % 10 if value == 10 else part % 100
            part, last = part - units + max(units, 1) * value, max(value, 20)
        place = at + 1
    return total + part, place

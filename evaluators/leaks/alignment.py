"""Two sequences of words laid beside each other, as far as they agree in order.

Import in functions: numba takes a second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluators.compiled import compiled
from evaluators.leaks.words import Hashes, Integers

Marks = npt.NDArray[np.bool_]


class Alignment(NamedTuple):
    agreeing: int  # words of the first that stand in the second, in order: the longest common subsequence
    renamed: int  # further words with one other word each in their place, the same one everywhere
    names: int  # different words among those
    missing: int  # numbers of the first that the second's span does not have
    added: int  # numbers of the second's span that the first does not have
    begin: int  # the second's span: from the first agreeing word to the last
    end: int


def align(first: Hashes, first_numbers: Marks, second: Hashes, second_numbers: Marks) -> Alignment:
    return Alignment(*_align(first, first_numbers, second, second_numbers))


@compiled
def _align(
    first: Hashes, first_numbers: Marks, second: Hashes, second_numbers: Marks
) -> tuple[int, int, int, int, int, int, int]:
    rows, columns = len(first), len(second)
    best = np.zeros((rows + 1, columns + 1), np.int32)
    for row in range(rows - 1, -1, -1):
        for column in range(columns - 1, -1, -1):
            if first[row] == second[column]:
                best[row, column] = best[row + 1, column + 1] + 1
            else:
                best[row, column] = max(best[row + 1, column], best[row, column + 1])
    pairs = np.empty((best[0, 0] + 1, 2), np.int64)
    count, row, column = 0, 0, 0
    while row < rows and column < columns:
        if first[row] == second[column]:
            pairs[count, 0], pairs[count, 1] = row, column
            count, row, column = count + 1, row + 1, column + 1
        elif best[row + 1, column] >= best[row, column + 1]:
            row += 1
        else:
            column += 1
    if count == 0:
        return 0, 0, 0, rows, 0, 0, 0
    begin, end = pairs[0, 1], pairs[count - 1, 1] + 1
    begin, end = (
        max(begin - pairs[0, 0], 0),
        min(end + rows - 1 - pairs[count - 1, 0], columns),
    )  # a name may stand first
    pairs[count, 0], pairs[count, 1] = rows, end
    renamed, names = _renamed(first, first_numbers, second, second_numbers, pairs[: count + 1], begin)
    missing, added = _numbers_apart(first[first_numbers], second[begin:end][second_numbers[begin:end]])
    return count, renamed, names, missing, added, begin, end


@compiled
def _renamed(
    first: Hashes, first_numbers: Marks, second: Hashes, second_numbers: Marks, pairs: Integers, begin: int
) -> tuple[int, int]:
    """Words that stand between agreeing ones, as many on either side, each with the same partner everywhere."""
    old, new = np.empty(len(first), np.uint64), np.empty(len(first), np.uint64)
    names, renamed, left, right = 0, 0, 0, begin
    for pair in range(len(pairs)):
        upper, lower = pairs[pair, 0], pairs[pair, 1]
        if upper - left == lower - right:
            for step in range(upper - left):
                one, other = first[left + step], second[right + step]
                if first_numbers[left + step] or second_numbers[right + step]:
                    continue
                known = -1
                for place in range(names):
                    if old[place] == one or new[place] == other:
                        known = place
                        break
                if known < 0:
                    old[names], new[names] = one, other
                    names, renamed = names + 1, renamed + 1
                elif old[known] == one and new[known] == other:
                    renamed += 1
        left, right = upper + 1, lower + 1
    return renamed, names


@compiled
def _numbers_apart(first: Hashes, second: Hashes) -> tuple[int, int]:
    """Of two bags of numbers: how many only the first has, and how many only the second."""
    first, second = np.sort(first), np.sort(second)
    left = right = missing = added = 0
    while left < len(first) and right < len(second):
        if first[left] == second[right]:
            left, right = left + 1, right + 1
        elif first[left] < second[right]:
            left, missing = left + 1, missing + 1
        else:
            right, added = right + 1, added + 1
    return missing + len(first) - left, added + len(second) - right

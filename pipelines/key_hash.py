"""Hashes of a column of strings, compiled: the same in every process, whatever the chunks of the column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.compiled import compiled, inlined

START, PRIME = 14695981039346656037, 1099511628211  # FNV-1a
OTHER_START, OTHER_FACTOR = (
    0x9E3779B97F4A7C15,
    0xD1342543DE82EF95,
)  # the golden ratio; a multiplier of 64-bit LCGs (Steele 2021)
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # splitmix64: every bit decides every bit


def hash_strings(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """64 bits for each string, what decides the partition of a key; null counts as empty."""
    found: npt.NDArray[np.uint64] = _by_chunk(_hashes, column, np.zeros(0, np.uint64))
    return found


def digest_strings(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """128 bits for each string, [n, 2]: strings of equal digests are taken for equal. Of 2.5 billion distinct ones two share a
    digest with a chance of 1 in 10^20."""
    found: npt.NDArray[np.uint64] = _by_chunk(_digests, column, np.zeros((0, 2), np.uint64))
    return found


def first_digits(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The first 14 decimal digits of each string as a number: dates of ISO 8601, to the second, in their order. Null or a
    string with fewer digits counts as if zeros followed."""
    found: npt.NDArray[np.int64] = _by_chunk(_digits, column, np.zeros(0, np.int64))
    return found


def _by_chunk(function: Callable[..., Any], column: pa.Array | pa.ChunkedArray, empty: npt.NDArray[Any]) -> Any:
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    made = [function(*_buffers(chunk)) for chunk in chunks if len(chunk)]
    return np.concatenate(made) if made else empty


def _buffers(chunk: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The bytes of all strings, and where each begins; the last ends where one more would begin."""
    wide = chunk.cast(pa.large_string())
    _, offsets, data = wide.buffers()
    places = np.frombuffer(offsets, np.int64)[wide.offset : wide.offset + len(wide) + 1]
    content = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    return content, places


@inlined
def _mixed(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(FIRST)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(SECOND)
    return value ^ (value >> np.uint64(31))


@compiled
def _hashes(content: npt.NDArray[np.uint8], places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    found = np.empty(len(places) - 1, np.uint64)
    for row in range(len(found)):
        value = np.uint64(START)
        for place in range(places[row], places[row + 1]):
            value = (value ^ np.uint64(content[place])) * np.uint64(PRIME)
        found[row] = _mixed(value)
    return found


@compiled
def _digests(content: npt.NDArray[np.uint8], places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    found = np.empty((len(places) - 1, 2), np.uint64)
    for row in range(len(found)):
        one, other = np.uint64(START), np.uint64(OTHER_START)
        for place in range(places[row], places[row + 1]):
            byte = np.uint64(content[place])
            one = (one ^ byte) * np.uint64(PRIME)
            other = (other + byte) * np.uint64(OTHER_FACTOR)
        found[row, 0] = _mixed(one)
        found[row, 1] = _mixed(other)
    return found


@compiled
def _digits(content: npt.NDArray[np.uint8], places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    found = np.empty(len(places) - 1, np.int64)
    for row in range(len(found)):
        number = left = 0
        left = 14
        for place in range(places[row], places[row + 1]):
            byte = content[place]
            if left and byte >= 48 and byte <= 57:  # 0 to 9
                number = number * 10 + (byte - 48)
                left -= 1
        found[row] = number * 10**left
    return found

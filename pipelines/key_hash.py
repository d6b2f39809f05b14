"""64-bit hashes of a column of strings, compiled: what decides the partition of a key, the same everywhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.compiled import compiled

START, PRIME = 14695981039346656037, 1099511628211  # FNV-1a
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # splitmix64: the high bits decide the partition


def hash_strings(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """One for each string; null counts as empty."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    hashes = [_hash_chunk(chunk) for chunk in chunks]
    return np.concatenate(hashes) if hashes else np.zeros(0, np.uint64)


def _hash_chunk(chunk: pa.Array) -> npt.NDArray[np.uint64]:
    if not len(chunk):
        return np.zeros(0, np.uint64)
    wide = chunk.cast(pa.large_string())
    _, offsets, data = wide.buffers()
    places = np.frombuffer(offsets, np.int64)[wide.offset : wide.offset + len(wide) + 1]
    content = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    made: npt.NDArray[np.uint64] = _hashes(content, places)
    return made


@compiled
def _hashes(content: npt.NDArray[np.uint8], places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    found = np.empty(len(places) - 1, np.uint64)
    for row in range(len(found)):
        value = np.uint64(START)
        for place in range(places[row], places[row + 1]):
            value = (value ^ np.uint64(content[place])) * np.uint64(PRIME)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(FIRST)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(SECOND)
        found[row] = value ^ (value >> np.uint64(31))
    return found

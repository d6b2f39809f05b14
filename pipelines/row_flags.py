"""One bit for each row of a table's shards, beside no key: whoever knows a row by its place need not look for its key.

<name>.bits    the rows of shard 0, packed, then those of shard 1 ..., each from a whole byte on
<name>.rows    int64, rows of each shard
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.tables import atomic_file

Flags = npt.NDArray[np.bool_]


def write_row_flags(folder: Path, name: str, rows: Sequence[int], flags_of: Callable[[int], Flags]) -> int:
    """Write the flags of every shard, which `flags_of` gives by its number. Returns how many are set."""
    count = 0
    with atomic_file(folder / f"{name}.bits") as temporary, temporary.open("wb") as bits:
        for shard, expected in enumerate(rows):
            flags = flags_of(shard)
            assert len(flags) == expected, "a flag for each row"
            count += int(flags.sum())
            bits.write(np.packbits(flags).tobytes())
    with atomic_file(folder / f"{name}.rows") as temporary:
        temporary.write_bytes(np.asarray(rows, np.int64).tobytes())
    return count


class RowFlags:
    """The flags of a table, read a shard at a time."""

    def __init__(self, bits: Path, rows: Path) -> None:
        self.bits = bits
        self.rows = np.fromfile(rows, np.int64)
        self._starts = np.concatenate(([0], np.cumsum(-(-self.rows // 8))))

    def of_shard(self, number: int) -> Flags:
        """One for each row of the shard, in order."""
        first, last = int(self._starts[number]), int(self._starts[number + 1])
        with self.bits.open("rb") as handle:
            handle.seek(first)
            packed = np.frombuffer(handle.read(last - first), np.uint8)
        return np.unpackbits(packed, count=int(self.rows[number])).view(np.bool_)

    def __len__(self) -> int:
        return len(self.rows)


def consecutive(sizes: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Ranges of consecutive shards whose rows together do not pass `most`, each of one at least."""
    ranges: list[tuple[int, int]] = []
    first, held = 0, 0
    for number, size in enumerate(sizes):
        if number > first and held + size > most:
            ranges.append((first, number))
            first, held = number, 0
        held += size
    return [*ranges, (first, len(sizes))] if len(sizes) > first else ranges

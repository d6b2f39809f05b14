"""Pages of an earlier extraction, found by their URL, the digest of their bytes and the encoding these were read in.

These three decide what is extracted. So whoever has the row of such a page need not read its WARC record again.

hashes.npy    uint64 of each page, sorted; beside it shards.npy and rows.npy, its place in the table
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.storage import Artifact, atomic_file

KEY = ["url", "digest", "charset"]
MADE = ["title", "text", "formulas", "digest", "truncated", "charset"]
BATCH = 20_000
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPages:
    """An index of a table of EXTRACTED; small enough to be handed to workers, which map it."""

    folder: Path
    shards: tuple[Path, ...]

    def pages_of(self, rows: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
        """For the numbers of rows that the table has: what it made of them. Truncation is the capture's own."""
        places, found = self._places(_hashes(pa.Table.from_pylist([_key(row) for row in rows], _SCHEMA)))
        numbers = np.flatnonzero(found)
        shards, lines = self._load("shards")[places[numbers]], self._load("rows")[places[numbers]]
        made: dict[int, dict[str, Any]] = {}
        for shard in np.unique(shards).tolist():
            here = shards == shard
            table = _take(self.shards[shard], lines[here])
            for number, one in zip(numbers[here].tolist(), table, strict=True):
                made[number] = {name: one[name] for name in MADE} | {"truncated": rows[number]["truncated"]}
        return made

    def has(self, table: pa.Table) -> npt.NDArray[np.bool_]:
        """Which rows of a table with the columns of KEY it has."""
        return self._places(_hashes(table))[1]

    def count_among(self, tables: Iterable[Path]) -> tuple[int, int]:
        """How many pages of some tables it has, and how many they hold."""
        known = total = 0
        for path in tables:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=BATCH, columns=KEY):
                    known += int(self.has(pa.Table.from_batches([batch])).sum())
                    total += batch.num_rows
        return known, total

    def _places(self, hashes: Hashes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        known = self._load("hashes")
        if not len(known):
            return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), np.bool_)
        places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        return places, (known[places] == hashes) & (hashes != 0)

    def _load(self, name: str) -> npt.NDArray[Any]:
        mapped: npt.NDArray[Any] = np.load(self.folder / f"{name}.npy", mmap_mode="r")
        return mapped


def index_earlier(table: Artifact, folder: Path) -> EarlierPages | None:
    """Write the index of a table of EXTRACTED; None where it is an older one without the columns that tell pages apart."""
    shards = tuple(table.files("extracted-*.parquet"))
    if not shards or not set(KEY) <= set(pq.read_schema(shards[0]).names):
        return None
    hashes, numbers, rows = [np.zeros(0, np.uint64)], [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for number, shard in enumerate(shards):
        own = _hashes(pq.read_table(shard, columns=KEY))
        hashes.append(own)
        numbers.append(np.full(len(own), number, np.int32))
        rows.append(np.arange(len(own), dtype=np.int32))
    joined = np.concatenate(hashes)
    order = np.argsort(joined, kind="stable")
    folder.mkdir(exist_ok=True)
    for name, array in (("hashes", joined), ("shards", np.concatenate(numbers)), ("rows", np.concatenate(rows))):
        with atomic_file(folder / f"{name}.npy") as temporary, temporary.open("wb") as handle:
            np.save(handle, array[order])
    return EarlierPages(folder=folder, shards=shards)


_SCHEMA = pa.schema([(name, pa.string()) for name in KEY])


def _key(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in KEY}


def _hashes(table: pa.Table) -> Hashes:
    """0 for a page without a digest: the seed's own text, of which there are no bytes."""
    from pipelines.key_hash import hash_strings

    parts = [hash_strings(table[name].cast(pa.large_string())) for name in KEY]
    mixed = (parts[0] * np.uint64(3) + parts[1]) * np.uint64(5) + parts[2]
    mixed[table["digest"].is_null().to_numpy()] = 0
    return mixed


def _take(shard: Path, rows: npt.NDArray[np.int32]) -> list[dict[str, Any]]:
    """Rows of a shard in the order asked for; only row groups that hold one are read."""
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    first = 0
    with pq.ParquetFile(shard) as file:
        for group in range(file.num_row_groups):
            last = first + file.metadata.row_group(group).num_rows
            here = np.unique(rows[(rows >= first) & (rows < last)])
            if len(here):
                taken = file.read_row_group(group, columns=MADE).take(pa.array(here - first)).to_pylist()
                found.update(zip(here.tolist(), taken, strict=True))
            first = last
    return [found[row] for row in rows.tolist()]

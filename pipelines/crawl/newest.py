"""Which capture of each canonical URL is the newest, over any number of shards, as tasks of bounded memory.

Each task of the first kind reads some shards and writes their captures, cut by the digest of the key into partitions; each
of the second kind takes one partition from all of those and tells which rows a newer capture replaces. A row is known by
its place: the number of its shard and its own in that. A key is known by its digest of 128 bits.

    captures-00000.npy  CAPTURE, partition after partition; captures-00000.ends.npy where each ends
    older-00000.npy     the places that newer captures replace, sorted
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from evaluators.executors import ExecutorSettings, run_shards
from pipelines.row_flags import consecutive
from pipelines.storage import atomic_file

ROWS_A_TASK = 4_000_000  # 32 bytes each, three times over while they are cut, or compared
SHARD_BITS = 40  # of a place, below the shard's number
CAPTURE = np.dtype([("digest", np.uint64, 2), ("date", np.int64), ("place", np.int64)])
Places = npt.NDArray[np.int64]
RADIX = 2**16
"""Partitions up to which numpy sorts their numbers by radix: stable sorts of more than 16 bits compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Captures:
    """Shards with url_key and fetched, and how their work is cut."""

    shards: tuple[Path, ...]
    rows: tuple[int, ...]
    scratch: Path
    rows_a_task: int

    @classmethod
    def of(cls, shards: Sequence[Path], scratch: Path, rows_a_task: int = ROWS_A_TASK) -> Captures:
        """Cut as before where a killed run has begun: by then some shards may have lost rows."""
        scratch.mkdir(exist_ok=True)
        if not (begun := scratch / "rows.npy").exists():
            with atomic_file(begun) as temporary, temporary.open("wb") as handle:
                np.save(handle, np.array([pq.read_metadata(shard).num_rows for shard in shards], np.int64))
        rows = tuple(np.load(begun).tolist())
        return cls(shards=tuple(shards), rows=rows, scratch=scratch, rows_a_task=rows_a_task)

    @property
    def partitions(self) -> int:
        return max(1, -(-sum(self.rows) // self.rows_a_task))

    def groups(self) -> list[tuple[int, int]]:
        """First and last (exclusive) of the shards that one task reads: about rows_a_task rows, one shard at least."""
        return consecutive(self.rows, self.rows_a_task)

    def cut(self, group: tuple[int, int]) -> Path:
        return self.scratch / f"captures-{group[0]:05d}.npy"

    def older(self, partition: int) -> Path:
        return self.scratch / f"older-{partition:05d}.npy"


def find_older(captures: Captures, executor: ExecutorSettings, *, label: str) -> None:
    """Write the older captures of every partition. Of equal dates the later shard and row is newest."""
    few = sum(captures.rows) <= captures.rows_a_task
    partitions = range(captures.partitions)
    if all(captures.older(number).exists() for number in partitions):
        return
    run_shards(
        partial(_cut, captures),
        captures.groups(),
        executor,
        done=partial(_is_cut, captures),
        label=f"{label}: keys",
        here=few,
    )
    run_shards(
        partial(_compare, captures),
        partitions,
        executor,
        done=partial(_is_compared, captures),
        label=f"{label}: newest",
        here=few,
    )
    for path in captures.scratch.glob("captures-*.npy"):
        path.unlink()


def older_in(captures: Captures, first: int, last: int) -> Places:
    """The places of older captures in shards from `first` up to `last`, exclusive, sorted."""
    found = []
    for number in range(captures.partitions):
        places = np.load(captures.older(number), mmap_mode="r" if captures.partitions > 1 else None)
        begin, end = np.searchsorted(places, [first << SHARD_BITS, last << SHARD_BITS])
        found.append(np.array(places[begin:end]))
    return np.sort(np.concatenate(found))


def forget(captures: Captures) -> None:
    shutil.rmtree(captures.scratch, ignore_errors=True)


def _is_cut(captures: Captures, group: tuple[int, int]) -> bool:
    return captures.cut(group).exists()


def _is_compared(captures: Captures, partition: int) -> bool:
    return captures.older(partition).exists()


def _cut(captures: Captures, group: tuple[int, int]) -> None:
    found = np.empty(sum(captures.rows[slice(*group)]), CAPTURE)
    first = 0
    for number in range(*group):
        rows = captures.rows[number]
        _read_captures(captures.shards[number], number, found[first : first + rows])
        first += rows
    ends = [len(found)]
    if captures.partitions > 1:
        few = captures.partitions <= RADIX
        partition = (found["digest"][:, 0] % np.uint64(captures.partitions)).astype(np.uint16 if few else np.int64)
        found = _taken(found, np.argsort(partition, kind="stable"))
        ends = np.cumsum(np.bincount(partition, minlength=captures.partitions)).tolist()
    path = captures.cut(group)
    _save(path.with_suffix(".ends.npy"), np.array(ends, np.int64))
    _save(path, found)


def _taken(captures: npt.NDArray[np.void], order: npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
    """`captures[order]`, as rows of a table: numpy takes records one field at a time, four times as slowly."""
    table = captures.view(np.uint64).reshape(len(captures), -1)
    return np.take(table, order, axis=0).reshape(-1).view(CAPTURE)


def _read_captures(shard: Path, number: int, into: npt.NDArray[np.void]) -> None:
    from pipelines.key_hash import digest_strings, first_digits

    with pq.ParquetFile(shard) as file:
        table = file.read(columns=["url_key", "fetched"], use_threads=False)
    into["digest"] = digest_strings(table["url_key"])
    into["date"] = first_digits(table["fetched"])
    into["place"] = np.arange(len(into), dtype=np.int64) | (number << SHARD_BITS)


def _compare(captures: Captures, partition: int) -> None:
    from pipelines.crawl.superseded import find_superseded

    parts = [_partition_of(captures.cut(group), partition) for group in captures.groups()]
    rows = np.concatenate([np.zeros(0, CAPTURE), *parts])
    older = find_superseded(rows["digest"], rows["date"], rows["place"])
    _save(captures.older(partition), np.sort(rows["place"][older]))


def _partition_of(path: Path, partition: int) -> npt.NDArray[np.void]:
    ends = np.load(path.with_suffix(".ends.npy"))
    part: npt.NDArray[np.void] = np.load(path, mmap_mode="r")[ends[partition - 1] if partition else 0 : ends[partition]]
    return part


def _save(path: Path, rows: npt.NDArray[Any]) -> None:
    with atomic_file(path) as temporary, temporary.open("wb") as handle:
        np.save(handle, rows)

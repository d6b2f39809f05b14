"""Which capture of each canonical URL is the newest, over any number of shards, as tasks of bounded memory.

Each task of the first kind reads some shards and writes their keys, cut by a hash of the key into partitions; each of
the second kind takes one partition from all of those and tells which rows a newer capture replaces. A row is known by
its place: the number of its shard and its own in that.

    keys-00000.arrow    a batch for each partition: url_key, fetched, place
    older-00000.npy     the places that newer captures replace, sorted
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluators.executors import ExecutorSettings, run_shards
from pipelines.row_flags import consecutive
from pipelines.storage import atomic_file

ROWS_A_TASK = 1_000_000  # about 400 MB while they are cut, or sorted
SHARD_BITS = 40  # of a place, below the shard's number
Places = npt.NDArray[np.int64]


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

    def keys(self, group: tuple[int, int]) -> Path:
        return self.scratch / f"keys-{group[0]:05d}.arrow"

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
        partial(_sort, captures),
        partitions,
        executor,
        done=partial(_is_sorted, captures),
        label=f"{label}: newest",
        here=few,
    )
    for path in captures.scratch.glob("keys-*.arrow"):
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
    return captures.keys(group).exists()


def _is_sorted(captures: Captures, partition: int) -> bool:
    return captures.older(partition).exists()


def _cut(captures: Captures, group: tuple[int, int]) -> None:
    from pipelines.key_hash import hash_strings

    table = pa.concat_tables(_keys_of(captures.shards[number], number) for number in range(*group)).combine_chunks()
    count = captures.partitions
    ends = [table.num_rows]
    if count > 1:
        partition = (hash_strings(table["url_key"]) % np.uint64(count)).astype(np.int64)
        table = table.take(pa.array(np.argsort(partition, kind="stable")))
        ends = np.cumsum(np.bincount(partition, minlength=count)).tolist()
    with (
        atomic_file(captures.keys(group)) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer,
    ):
        for begin, end in zip([0, *ends], ends, strict=False):
            writer.write_batch(_one_batch(table.slice(begin, end - begin)))


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _keys_of(shard: Path, number: int) -> pa.Table:
    table = pq.read_table(shard, columns=["url_key", "fetched"])
    table = table.set_column(0, "url_key", table["url_key"].cast(pa.large_string()))
    places = np.arange(table.num_rows, dtype=np.int64) | (number << SHARD_BITS)
    return table.append_column("place", pa.array(places))


def _sort(captures: Captures, partition: int) -> None:
    from pipelines.key_hash import hash_strings

    batches = []
    for group in captures.groups():
        with pa.memory_map(str(captures.keys(group))) as source:
            batches.append(pa.ipc.open_file(source).get_batch(partition))
    table = pa.Table.from_batches(batches) if batches else None
    older = np.zeros(0, np.int64) if table is None else _older(table, hash_strings(table["url_key"]))
    with atomic_file(captures.older(partition)) as temporary, temporary.open("wb") as handle:
        np.save(handle, older)


def _older(table: pa.Table, hashes: npt.NDArray[np.uint64]) -> Places:
    """The places of the rows that a newer one of the same key replaces. Only keys whose hash comes again are compared."""
    order = np.argsort(hashes)
    ordered = hashes[order]
    same = ordered[1:] == ordered[:-1]
    again = np.zeros(len(order), np.bool_)
    again[1:] |= same
    again[:-1] |= same
    if not again.any():
        return np.zeros(0, np.int64)
    rows = table.take(pa.array(np.sort(order[again])))
    rows = rows.sort_by([("url_key", "ascending"), ("fetched", "ascending"), ("place", "ascending")])
    keys = rows["url_key"].combine_chunks()
    replaced = pc.equal(keys[:-1], keys[1:]).to_numpy(zero_copy_only=False)
    places: Places = rows["place"].to_numpy()[:-1][replaced]
    return np.sort(places)

"""Pages that were chosen, known by shard and row: written in the order of their margins, and flagged.

A shuffle: each task of the first kind reads its shards of pages and writes the chosen rows, cut by ranges of margin; each
of the second kind sorts one range. What the pages weigh is in memory for one shard, or for one range.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluators.executors import ExecutorSettings, run_shards
from pipelines.corpus.page_tables import NewestRows, PageShards, estimated_tokens
from pipelines.records import COLLECTED
from pipelines.row_flags import Flags, write_row_flags
from pipelines.storage import Json, atomic_file

RANGE_ROWS = 100_000  # pages sorted at once: at 4 KB a page 400 MB, and again while they are put in order
PIECE = 64 << 20
"""Bytes of row groups that are read at once."""
SMALL = 20_000
"""Pages below which starting processes costs more than it saves."""
FROM_PAGES = tuple(name for name in COLLECTED.names if name not in ("margin", "origin", "tokens"))


@dataclass(frozen=True, slots=True)
class Kept:
    """The chosen rows of some shards: shard, row in it and margin, in the order of the pages."""

    shards: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int32]
    margins: npt.NDArray[np.float32]

    @classmethod
    def read(cls, path: Path) -> Kept:
        with np.load(path) as found:
            return cls(found["shards"], found["rows"], found["margins"])

    def of_shard(self, number: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        first, last = np.searchsorted(self.shards, [number, number + 1])
        return self.rows[first:last], self.margins[first:last]


def write_flags(folder: Path, name: str, newest: NewestRows, chosen: Sequence[tuple[PageShards, Path]]) -> None:
    """A flag for each row of each snapshot's pages: whether it was chosen."""
    task_of = {
        (task.snapshot, number): path
        for task, path in chosen
        for number in range(task.first, task.first + len(task.paths))
    }
    read = lru_cache(maxsize=1)(Kept.read)
    for snapshot in newest.pages:
        rows = newest.rows_of(snapshot)

        def flags_of(number: int, snapshot: str = snapshot, rows: Sequence[int] = rows) -> Flags:
            flags = np.zeros(rows[number], np.bool_)
            flags[read(task_of[snapshot, number]).of_shard(number)[0]] = True
            return flags

        write_row_flags(folder, f"{name}-{snapshot}", rows, flags_of)


def write_ranked(
    folder: Path, scratch: Path, chosen: Sequence[tuple[PageShards, Path]], executor: ExecutorSettings
) -> dict[str, Json]:
    """recalled-*.parquet (COLLECTED), the highest margin first, then by key; the rows and tokens written."""
    bounds = _bounds([Kept.read(path).margins for _, path in chosen])
    total = sum(len(Kept.read(path).rows) for _, path in chosen)
    here = total <= SMALL
    spill = partial(_spill, scratch, bounds)
    run_shards(spill, chosen, executor, done=partial(_is_spilled, scratch), label="reading pages", here=here)
    files = [_spilled(scratch, task) for task, _ in chosen]
    ranges = range(len(bounds) + 1)
    sort = partial(_sort_range, folder, files)
    run_shards(sort, ranges, executor, done=partial(_is_sorted, folder), label="ranking", here=here)
    shards = [_shard(folder, number) for number in ranges]
    tokens = sum(pc.sum(pq.read_table(shard, columns=["tokens"])["tokens"]).as_py() or 0 for shard in shards)
    return {"rows": total, "tokens": tokens}


def _bounds(margins: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """The lowest margin of each range but the last, falling; a range holds RANGE_ROWS pages and those of one margin."""
    ordered = np.sort(np.concatenate([np.zeros(0, np.float32), *margins]))[::-1]
    return np.unique(ordered[RANGE_ROWS - 1 : -1 : RANGE_ROWS])[::-1]


def _spilled(scratch: Path, task: PageShards) -> Path:
    return scratch / f"spill-{task.name}.arrow"


def _is_spilled(scratch: Path, job: tuple[PageShards, Path]) -> bool:
    return _spilled(scratch, job[0]).with_suffix(".npy").exists()


def _spill(scratch: Path, bounds: npt.NDArray[np.float32], job: tuple[PageShards, Path]) -> None:
    """<spill>.arrow: for each shard a batch for each range; <spill>.npy: the range of each batch."""
    task, path = job
    kept, ranges = Kept.read(path), []
    spill = _spilled(scratch, task)
    with (
        atomic_file(spill) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, COLLECTED, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer,
    ):
        for number, shard in enumerate(task.paths, task.first):
            rows, margins = kept.of_shard(number)
            if len(rows):
                table = _collected(shard, rows, margins)
                part_of = np.searchsorted(-bounds, -margins, side="left")
                for part in np.unique(part_of).tolist():
                    for batch in table.filter(pa.array(part_of == part)).combine_chunks().to_batches():
                        writer.write_batch(batch)
                        ranges.append(part)
    with atomic_file(spill.with_suffix(".npy")) as temporary, temporary.open("wb") as handle:
        np.save(handle, np.array(ranges, np.int32))


def _collected(shard: Path, rows: npt.NDArray[np.int32], margins: npt.NDArray[np.float32]) -> pa.Table:
    """The rows of a shard as COLLECTED; only row groups that hold one are read."""
    with pq.ParquetFile(shard) as file:
        same = _constants(file.metadata)
        varied = [name for name in FROM_PAGES if name not in same]
        found = [
            file.read_row_groups(groups, columns=varied, use_threads=False).take(pa.array(places))
            for groups, places in _pieces(file.metadata, rows)
        ]
    table = pa.concat_tables(found).combine_chunks()
    columns = {name: table[name] for name in varied} | {
        **{name: pa.repeat(value, table.num_rows) for name, value in same.items()},
        "margin": pa.array(margins),
        "tokens": estimated_tokens(table["text"]),
        "origin": pa.repeat("recalled", table.num_rows),
    }
    return pa.table({name: columns[name] for name in COLLECTED.names}, schema=COLLECTED)


def _pieces(
    metadata: pq.FileMetaData, rows: npt.NDArray[np.int32]
) -> Iterator[tuple[list[int], npt.NDArray[np.int64]]]:
    """Row groups that are read at once, and where among their rows the wanted ones are; in the order of the file."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    ends = np.cumsum([group.num_rows for group in groups])
    parts = np.split(rows, np.searchsorted(rows, ends[:-1]))  # by row group
    wanted: list[int] = []
    places: list[npt.NDArray[np.int64]] = []
    held = read = 0
    for number, (group, part) in enumerate(zip(groups, parts, strict=True)):
        if len(part):
            wanted.append(number)
            places.append(part.astype(np.int64) - (ends[number] - group.num_rows) + read)
            read += group.num_rows
            held += group.total_byte_size
        if wanted and (held > PIECE or number == len(groups) - 1):
            yield wanted, np.concatenate(places)
            wanted, places, held, read = [], [], 0, 0


def _constants(metadata: pq.FileMetaData) -> dict[str, str]:
    """Columns that hold one value in the whole shard, by what the file says of itself: they need not be read."""
    names = metadata.schema.names
    found: dict[str, str] = {}
    for name in ("snapshot", "warc_file"):
        told = [
            metadata.row_group(group).column(names.index(name)).statistics for group in range(metadata.num_row_groups)
        ]
        values = {value for one in told for value in ((one.min, one.max) if one and one.has_min_max else (None,))}
        (value, *others) = values or (None,)
        if value is not None and not others and not any(one.null_count for one in told):
            found[name] = value
    return found


def _shard(folder: Path, number: int) -> Path:
    return folder / f"recalled-{number:05d}.parquet"


def _is_sorted(folder: Path, number: int) -> bool:
    return _shard(folder, number).exists()


def _sort_range(folder: Path, files: Sequence[Path], number: int) -> None:
    batches = []
    for path in files:
        places = np.flatnonzero(np.load(path.with_suffix(".npy")) == number).tolist()
        if places:
            with pa.OSFile(str(path), "rb") as source:
                reader = pa.ipc.open_file(source)
                batches += [reader.get_batch(place) for place in places]
    table = pa.Table.from_batches(batches, COLLECTED)
    order = pc.sort_indices(table, sort_keys=[("margin", "descending"), ("url_key", "ascending")])
    with atomic_file(_shard(folder, number)) as temporary:
        pq.write_table(table.take(order), temporary, compression="zstd", row_group_size=20_000)

"""Which capture of each canonical URL is the newest, over any number of shards, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROWS_AT_ONCE = 2_000_000  # about 400 MB while they are sorted
BATCH = 100_000
SAMPLE = 1_000  # one key in so many decides where ranges of keys begin


def captures_by_key(shards: Sequence[Path], rows_at_once: int = ROWS_AT_ONCE) -> Iterator[pa.Table]:
    """Tables of (url_key, fetched, shard, row, newest), one range of keys after the other, sorted by key.

    `shard` is the place in `shards`, `row` the place in the shard. Of equal dates the later shard and row is newest.
    """
    for low, high in _ranges(shards, rows_at_once):
        parts = [part for part in _within(shards, low, high) if part.num_rows]
        if not parts:
            continue
        table = pa.concat_tables(parts).sort_by(
            [("url_key", "ascending"), ("fetched", "ascending"), ("shard", "ascending"), ("row", "ascending")]
        )
        keys = table["url_key"].combine_chunks()
        last = pa.array([True])
        newest = pa.concat_arrays([pc.not_equal(keys[:-1], keys[1:]), last]) if len(keys) > 1 else last
        yield table.append_column("newest", newest)


def _ranges(shards: Sequence[Path], rows_at_once: int) -> list[tuple[str, str | None]]:
    total = sum(pq.read_metadata(shard).num_rows for shard in shards)
    count = -(-total // rows_at_once)
    if count <= 1:
        return [("", None)]
    step = max(1, min(SAMPLE, rows_at_once // 4))
    sample: list[str] = []
    for table in _tables(shards):
        sample += table["url_key"].take(list(range(0, table.num_rows, step))).to_pylist()
    sample.sort()
    bounds = sorted({sample[index * len(sample) // count] for index in range(1, count)})
    return list(zip(["", *bounds], [*bounds, None], strict=True))


def _within(shards: Sequence[Path], low: str, high: str | None) -> Iterator[pa.Table]:
    for table in _tables(shards):
        if high is None and not low:
            yield table
            continue
        mask = pc.greater_equal(table["url_key"], low)
        if high is not None:
            mask = pc.and_(mask, pc.less(table["url_key"], high))
        yield table.filter(mask)


def _tables(shards: Sequence[Path]) -> Iterator[pa.Table]:
    for number, shard in enumerate(shards):
        first = 0
        with pq.ParquetFile(shard) as file:
            for batch in file.iter_batches(BATCH, columns=["url_key", "fetched"]):
                rows = batch.num_rows
                columns = {
                    "url_key": batch["url_key"],
                    "fetched": batch["fetched"],
                    "shard": pa.array([number] * rows, pa.int32()),
                    "row": pa.array(range(first, first + rows), pa.int64()),
                }
                first += rows
                yield pa.table(columns)

"""Across snapshots, one row for each canonical URL: which snapshot's capture is the newest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from evaluators.stages import Stage
from pipelines.crawl.newest import ROWS_AT_ONCE, captures_by_key
from pipelines.crawl.settings import CrawlSettings
from pipelines.storage import Artifact, Json, atomic_file

SCHEMA = pa.schema([("url_key", pa.string()), ("snapshot", pa.string())])


def write_url_index(
    folder: Path, settings: CrawlSettings, *, pages: Mapping[str, Artifact], rows_at_once: int = ROWS_AT_ONCE
) -> dict[str, Json]:
    """url_index.parquet, sorted by url_key. Of equally new captures the later snapshot wins."""
    del settings  # the index depends on the pages alone
    shards = [(shard, snapshot) for snapshot in sorted(pages) for shard in pages[snapshot].files("pages-*.parquet")]
    snapshots = [snapshot for _, snapshot in shards]
    rows = captures = 0
    with (
        atomic_file(folder / "url_index.parquet") as temporary,
        pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer,
    ):
        for table in captures_by_key([shard for shard, _ in shards], rows_at_once):
            captures += table.num_rows
            winners = table.filter(table["newest"])
            names = [snapshots[number] for number in winners["shard"].to_pylist()]
            writer.write_table(pa.table({"url_key": winners["url_key"], "snapshot": names}, SCHEMA), 100_000)
            rows += winners.num_rows
    return {"rows": rows, "captures": captures, "superseded": captures - rows}


URL_INDEX = Stage(
    name="url_index",
    version="1",
    write=write_url_index,
    inputs=("pages/*",),
    description="For every canonical URL, the newest snapshot that holds it: the one row that later steps use.",
    kinds=("parquet",),
)

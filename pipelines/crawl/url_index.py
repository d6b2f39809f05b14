"""Across snapshots, one row for each canonical URL: which snapshot's capture is the newest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.crawl.settings import CrawlSettings
from pipelines.storage import Artifact, Json, atomic_file

SCHEMA = pa.schema([("url_key", pa.string()), ("snapshot", pa.string())])


def write_url_index(folder: Path, settings: CrawlSettings, *, pages: Mapping[str, Artifact]) -> dict[str, Json]:
    """url_index.parquet, sorted by url_key. Of equally new captures the later snapshot wins."""
    del settings  # the index depends on the pages alone
    newest: dict[str, tuple[str, str]] = {}
    captures = 0
    for snapshot, artifact in sorted(pages.items()):
        for shard in artifact.files("pages-*.parquet"):
            table = pq.read_table(shard, columns=["url_key", "fetched"])
            captures += table.num_rows
            for key, fetched in zip(table["url_key"].to_pylist(), table["fetched"].to_pylist(), strict=True):
                newest[key] = max(newest.get(key, ("", "")), (fetched, snapshot))
    keys = sorted(newest)
    with atomic_file(folder / "url_index.parquet") as temporary:
        pq.write_table(
            pa.table({"url_key": keys, "snapshot": [newest[key][1] for key in keys]}, SCHEMA),
            temporary,
            compression="zstd",
        )
    return {"rows": len(keys), "captures": captures, "superseded": captures - len(keys)}

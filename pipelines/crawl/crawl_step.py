"""One WARC file to one shard of the pages table: the work that executors share out."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.crawl.page_rows import page_row
from pipelines.crawl.settings import CrawlSettings, NotAWarc, warc_name
from pipelines.crawl.warc import Passed, read_warc
from pipelines.records import LEDGER, PAGES
from pipelines.storage import atomic_file

ROWS_A_GROUP = 1_000
BYTES_A_GROUP = 32 << 20  # of text held before it is written, whatever the pages' sizes
NO_RECORDS = "WARC file without a readable record"


def write_shard(path: str, shard: Path, settings: CrawlSettings, snapshot: str) -> None:
    """One WARC file to one shard, in file order and bounded memory; what was dropped, to its ledger beside."""
    outcomes: Counter[str] = Counter()
    name = warc_name(settings, snapshot, path)
    ledger = shard.parent / "ledger" / f"crawl-{shard.stem.rpartition('-')[2]}.parquet"
    ledger.parent.mkdir(exist_ok=True)
    with (
        atomic_file(shard) as pages_file,
        atomic_file(ledger) as ledger_file,
        pq.ParquetWriter(pages_file, PAGES, compression="zstd") as pages,
        pq.ParquetWriter(ledger_file, LEDGER, compression="zstd") as dropped,
    ):
        rows, held = _Group(pages, PAGES), _Group(dropped, LEDGER)
        try:
            for fate in read_warc(path, largest=settings.largest_record, **settings.patience()):
                row = _row(fate, settings, outcomes, held)
                if row is not None:
                    rows.add(row | {"snapshot": snapshot, "warc_file": name}, len(row["text"] or ""))
        except NotAWarc:
            outcomes[NO_RECORDS] += 1
        rows.flush()
        held.flush()
        pages.add_key_value_metadata({"outcomes": json.dumps(outcomes, sort_keys=True)})


def outcomes_of(shard: Path) -> dict[str, int]:
    """What became of every record of a shard's WARC file."""
    found: dict[str, int] = json.loads(pq.read_metadata(shard).metadata[b"outcomes"])
    return found


class _Group:
    """Rows that wait to be written as one row group."""

    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema) -> None:
        self._writer, self._schema = writer, schema
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, row: dict[str, Any], size: int = 0) -> None:
        self._rows.append(row)
        self._bytes += size
        if len(self._rows) >= ROWS_A_GROUP or self._bytes >= BYTES_A_GROUP:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            columns = [pa.array([row[field.name] for row in self._rows], field.type) for field in self._schema]
            self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows, self._bytes = [], 0


def _row(fate: Any, settings: CrawlSettings, outcomes: Counter[str], ledger: _Group) -> dict[str, Any] | None:
    if isinstance(fate, Passed):
        outcomes[fate.reason] += 1
        if fate.url and not fate.reason.startswith("record type"):
            ledger.add(
                {"url_key": fate.url, "stage": "crawl", "reason": fate.reason, "detail": f"offset {fate.offset}"}
            )
        return None
    try:
        row = page_row(fate, settings)
    except ValueError as error:
        outcomes["no http(s) URL"] += 1
        detail = str(error)
        ledger.add({"url_key": fate.url[:2_000], "stage": "crawl", "reason": "no http(s) URL", "detail": detail})
        return None
    outcomes[row["route"]] += 1
    if row["text"] is None and settings.route == "all":
        outcomes["of those, text too short"] += 1
    if row["truncated"]:
        outcomes["of those, truncated"] += 1
    return row

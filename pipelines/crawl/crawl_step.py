"""One WARC file to one shard of the pages table: the work that executors share out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.crawl.page_rows import page_row
from pipelines.crawl.ranges import Excerpt, fetch_spans, open_ranges, spans_of
from pipelines.crawl.settings import CrawlSettings, NotAWarc, warc_name, warc_path
from pipelines.crawl.warc import Capture, Passed, read_listed, read_warc
from pipelines.records import LEDGER, PAGES
from pipelines.storage import atomic_file

ROWS_A_GROUP = 1_000
BYTES_A_GROUP = 32 << 20  # of text held before it is written, whatever the pages' sizes
NO_RECORDS = "WARC file without a readable record"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPart:
    """Some of the captures that lists name (pipelines.crawl.index_captures): what becomes one shard of pages."""

    table: Path
    first: int
    last: int
    """Row groups, the last one exclusive."""

    def __str__(self) -> str:
        return f"{self.table.name}, row groups {self.first} to {self.last - 1}"


def write_shard(path: str, shard: Path, settings: CrawlSettings, snapshot: str) -> None:
    """One WARC file to one shard, in file order and bounded memory; what was dropped, to its ledger beside."""
    name = warc_name(settings, snapshot, path)
    fates = read_warc(path, largest=settings.largest_record, **settings.patience())
    _write_fates(((name, fate) for fate in fates), shard, settings, snapshot)


def write_listed_shard(part: ListedPart, shard: Path, settings: CrawlSettings, snapshot: str) -> None:
    """The captures of a part to one shard, by WARC file and offset; only their records are read."""
    _write_fates(_read_listed(part, settings, snapshot), shard, settings, snapshot)


def _read_listed(part: ListedPart, settings: CrawlSettings, snapshot: str) -> Iterator[tuple[str, Capture | Passed]]:
    assert settings.common_crawl is not None
    with pq.ParquetFile(part.table) as file:
        rows = file.read_row_groups(list(range(part.first, part.last))).to_pylist()
    place = warc_path(settings, snapshot, "")
    reader = open_ranges(place, **settings.patience())
    try:
        spans = spans_of([(place + row["warc_file"], row["warc_offset"], row["warc_length"]) for row in rows])
        for span, content in fetch_spans(reader, spans, in_flight=settings.common_crawl.connections):
            source = Excerpt(span.start, content)
            for row in (rows[number] for number in span.inside):
                fate = read_listed(source, row["warc_offset"], row["content_digest"], largest=settings.largest_record)
                if isinstance(fate, Passed) and not fate.url:
                    fate = replace(fate, url=row["url"])
                yield row["warc_file"], fate
    finally:
        reader.close()


def _write_fates(
    fates: Iterator[tuple[str, Capture | Passed]], shard: Path, settings: CrawlSettings, snapshot: str
) -> None:
    """Pages, each with the WARC file it is from, to a shard, and what is none to the ledger."""
    outcomes: Counter[str] = Counter()
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
            for name, fate in fates:
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

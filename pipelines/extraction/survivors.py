"""The survivors of the loop, read again from their WARC records by offset and extracted exactly."""

from __future__ import annotations

import gc
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.crawl.decoding import decode_html
from pipelines.crawl.settings import CrawlSettings, local_files, warc_path
from pipelines.crawl.warc import Capture, captures_at, open_warc
from pipelines.records import EXTRACTED, LEDGER
from pipelines.storage import Artifact, Json, atomic_file

ROWS_A_BATCH = 256
"""Pages held in memory at once by a worker; ours: at 58 KB a page and 3 copies about 50 MB."""
CARRIED = (
    "url_key",
    "url",
    "domain",
    "language",
    "margin",
    "tokens",
    "iteration",
    "snapshot",
    "warc_file",
    "warc_offset",
)


class ExtractionSettings(Settings):
    """How survivors are extracted."""

    shortest_text: int = Field(default=50, ge=0)  # characters; ours: below, nothing is left to learn from
    rows_a_shard: int = Field(default=2_000, gt=0)  # ours: a shard is what a killed run loses, and one worker's task


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Consecutive row groups of one file of the corpus: what becomes one shard."""

    index: int
    source: Path
    groups: tuple[int, ...]

    def __str__(self) -> str:
        return f"extracted-{self.index:05d} of {self.source}"


def write_extracted(
    folder: Path,
    settings: ExtractionSettings,
    *,
    crawl: CrawlSettings,
    corpus: Artifact,
    pages: Mapping[str, Artifact] | None = None,
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Json]:
    """extracted-*.parquet (EXTRACTED) in the corpus's order, and ledger-*.parquet (LEDGER) for pages that came out empty.

    `corpus` holds COLLECTED tables. Rows without a WARC file are the seed's, and keep their text. Shards that exist
    are not made again. `pages` is accepted for lineage: provenance is in the corpus itself.
    """
    portions = list(_portions(corpus, settings.rows_a_shard))
    run_shards(
        partial(extract_portion, folder, settings, crawl),
        portions,
        executor,
        done=partial(_is_extracted, folder),
        label="extraction",
    )
    return _facts(folder)


def _of_planted(
    settings: ExtractionSettings, *, crawl: CrawlSettings, planted_crawl: Artifact | None = None, **others: Any
) -> dict[str, Any]:
    return {"crawl": crawl.planted_in(planted_crawl), **others}


EXTRACTED_STAGE = Stage(
    name="extracted",
    version="6",
    write=write_extracted,
    arguments=_of_planted,
    files=lambda settings, crawl: local_files(crawl),
    settings=ExtractionSettings,
    inputs=("corpus", "planted_crawl?"),
    description="The survivors, read again from their WARC records by offset and extracted exactly: formulas stay formulas.",
    kinds=("parquet",),
    by_shards=True,
)


def _portions(corpus: Artifact, rows_a_shard: int) -> Iterator[Portion]:
    index = 0
    for source in corpus.files():
        columns = pq.read_schema(source).names
        if "warc_file" not in columns or "text" not in columns:
            continue  # a ledger or another table that lies beside the corpus
        metadata = pq.read_metadata(source)
        groups: list[int] = []
        rows = 0
        for group in range(metadata.num_row_groups):
            groups.append(group)
            rows += metadata.row_group(group).num_rows
            if rows >= rows_a_shard or group == metadata.num_row_groups - 1:
                yield Portion(index=index, source=source, groups=tuple(groups))
                index, groups, rows = index + 1, [], 0


def _is_extracted(folder: Path, portion: Portion) -> bool:
    return _shard(folder, portion).exists()


def _shard(folder: Path, portion: Portion) -> Path:
    return folder / f"extracted-{portion.index:05d}.parquet"


@cache
def spare_collector() -> None:
    """A page's tree is thousands of short-lived objects: collecting often only finds them alive."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def extract_portion(folder: Path, settings: ExtractionSettings, crawl: CrawlSettings, portion: Portion) -> None:
    """One shard, and its ledger before it, so that a shard that exists has one."""
    spare_collector()
    shard = _shard(folder, portion)
    ledger: list[dict[str, Any]] = []
    with atomic_file(shard) as temporary:
        with pq.ParquetWriter(temporary, EXTRACTED, compression="zstd") as writer:
            table = pq.ParquetFile(portion.source)
            for batch in table.iter_batches(batch_size=ROWS_A_BATCH, row_groups=list(portion.groups)):
                rows = list(_extracted(batch.to_pylist(), settings, crawl, ledger))
                if rows:
                    writer.write_table(pa.Table.from_pylist(rows, EXTRACTED))
        with atomic_file(folder / shard.name.replace("extracted", "ledger")) as beside:
            pq.write_table(pa.Table.from_pylist(ledger, LEDGER), beside, compression="zstd")


def _extracted(
    rows: list[dict[str, Any]], settings: ExtractionSettings, crawl: CrawlSettings, ledger: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    captures = _captures(rows, crawl)
    for position, row in enumerate(rows):
        carried = {name: row.get(name) for name in CARRIED}
        if row["warc_file"] is None or row["warc_offset"] is None:
            text = row["text"] or ""
            made: dict[str, Any] = {
                "title": row.get("title") or "",
                "text": text,
                "formulas": None,
                "digest": None,
                "truncated": None,
            }
        else:
            capture = captures.get(position)
            if capture is None:
                ledger.append(_entry(row, "unreadable", f"no HTML response at {row['warc_file']}:{row['warc_offset']}"))
                continue
            made = _page(capture)
        if len(made["text"]) < settings.shortest_text:
            ledger.append(_entry(row, "empty" if not made["text"] else "short", f"{len(made['text'])} characters"))
            continue
        yield carried | made


def _page(capture: Capture) -> dict[str, Any]:
    from pipelines.extraction.page import extract

    html, _ = decode_html(capture.body, capture.content_type)
    page = extract(html, capture.url)
    return {
        "title": page.title,
        "text": page.text,
        "formulas": page.formulas,
        "digest": hashlib.sha256(capture.body).hexdigest()[:32],
        "truncated": capture.truncated,
    }


def _entry(row: Mapping[str, Any], reason: str, detail: str) -> dict[str, Any]:
    return {"url_key": row["url_key"], "stage": "extraction", "reason": reason, "detail": detail}


def _captures(rows: Sequence[Mapping[str, Any]], crawl: CrawlSettings) -> dict[int, Capture]:
    """The captures of a batch by row, each WARC file opened once and read in the order of its offsets."""
    wanted: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for position, row in enumerate(rows):
        if row["warc_file"] is not None and row["warc_offset"] is not None:
            wanted[row["snapshot"], row["warc_file"]].append((row["warc_offset"], position))
    found: dict[int, Capture] = {}
    for (snapshot, warc_file), places in sorted(wanted.items()):
        path = warc_path(crawl, snapshot, warc_file)
        positions: defaultdict[int, list[int]] = defaultdict(list)
        for offset, position in places:
            positions[offset].append(position)
        source = open_warc(path, **crawl.patience())
        try:
            for offset, capture in captures_at(source, positions, largest=crawl.largest_record):
                if capture is not None:
                    found.update(dict.fromkeys(positions[offset], capture))
        finally:
            source.close()
    return found


def _facts(folder: Path) -> dict[str, Json]:
    rows = formulas = seeds = 0
    reasons: Counter[str] = Counter()
    for shard in sorted(folder.glob("extracted-*.parquet")):
        table = pq.read_table(shard, columns=["formulas", "warc_file"])
        rows += table.num_rows
        seeds += table["warc_file"].null_count
        formulas += sum(count or 0 for count in table["formulas"].to_pylist())
    for shard in sorted(folder.glob("ledger-*.parquet")):
        reasons.update(pq.read_table(shard, columns=["reason"])["reason"].to_pylist())
    return {"rows": rows, "formulas": formulas, "seed_rows": seeds, "left_out": dict(sorted(reasons.items()))}

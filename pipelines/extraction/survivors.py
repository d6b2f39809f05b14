"""The survivors of the loop, read again from their WARC records by offset and extracted exactly.

They are read and extracted in the order of the WARC files (see file_order), and written in that of the corpus.
"""

from __future__ import annotations

import gc
import hashlib
import shutil
import sys
from collections import ChainMap, Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
from pipelines.crawl.settings import CrawlSettings, local_files
from pipelines.crawl.warc import Capture
from pipelines.extraction.earlier import KEY, EarlierPages, index_earlier
from pipelines.extraction.file_order import MOST_BLOCKS, Reads, pages_of_block, plan_reads, read_pages
from pipelines.records import EXTRACTED, LEDGER
from pipelines.storage import Artifact, Json, atomic_file

ROWS_A_BATCH = 256
"""Rows of the corpus that are written at once."""
SMALL = 20_000
"""Rows of a corpus below which handing blocks to workers costs more than it saves."""
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
    first: int
    """Number of its first row in the corpus."""
    rows: int

    def __str__(self) -> str:
        return f"extracted-{self.index:05d} of {self.source}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Consecutive portions that are written together."""

    number: int
    portions: tuple[Portion, ...]

    def __str__(self) -> str:
        return f"{self.portions[0]} and {len(self.portions) - 1} more"


def write_extracted(
    folder: Path,
    settings: ExtractionSettings,
    *,
    crawl: CrawlSettings,
    corpus: Artifact,
    pages: Mapping[str, Artifact] | None = None,
    earlier: Callable[[], Artifact | None] | None = None,
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Json]:
    """extracted-*.parquet (EXTRACTED) in the corpus's order, and ledger-*.parquet (LEDGER) for pages that came out empty.

    `corpus` holds COLLECTED tables. Rows without a WARC file are the seed's, and keep their text. Shards that exist
    are not made again. `pages` is accepted for lineage: provenance is in the corpus itself. `earlier` gives a table of
    the same code and settings: of pages with the same URL and bytes its rows are taken, and no WARC file is read.
    """
    blocks = _blocks(list(_portions(corpus, settings.rows_a_shard)))
    if not all(_is_extracted(folder, block) for block in blocks):
        tables = [(portion.source, portion.groups) for block in blocks for portion in block.portions]
        ends = [block.portions[-1].first + block.portions[-1].rows for block in blocks]
        (folder / "scratch").mkdir(exist_ok=True)
        known = _earlier_pages(
            folder / "scratch", earlier, {portion.source: None for block in blocks for portion in block.portions}
        )
        reads = plan_reads(folder / "scratch", tables, ends, known)
        read = partial(read_pages, reads, crawl, page_of)
        run_shards(read, reads.tasks(), executor, done=reads.is_read, label="extraction")
        write = partial(write_block, folder, settings, reads, known)
        run_shards(
            write,
            blocks,
            executor,
            done=partial(_is_extracted, folder),
            label="extracted pages",
            here=len(blocks) < 2 or ends[-1] <= SMALL,
        )
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    return _facts(folder)


def _earlier_pages(
    scratch: Path, earlier: Callable[[], Artifact | None] | None, tables: Collection[Path]
) -> EarlierPages | None:
    """The index of what was extracted before, where a table has all that tells its pages apart."""
    before = earlier() if earlier is not None else None
    if before is None or not all(set(KEY) <= set(pq.read_schema(table).names) for table in tables):
        return None
    known = index_earlier(before, scratch / "earlier")
    if known is not None:
        found, total = known.count_among(tables)
        print(f"extraction: {found:,} of {total:,} pages had been extracted before", file=sys.stderr, flush=True)
    return known


def _of_planted(
    settings: ExtractionSettings, *, crawl: CrawlSettings, planted_crawl: Artifact | None = None, **others: Any
) -> dict[str, Any]:
    return {"crawl": crawl.planted_in(planted_crawl), **others}


EXTRACTED_STAGE = Stage(
    name="extracted",
    version="7",
    write=write_extracted,
    arguments=_of_planted,
    files=lambda settings, crawl, earlier=None: local_files(crawl),
    settings=ExtractionSettings,
    inputs=("corpus", "planted_crawl?"),
    description="The survivors, read again from their WARC records by offset and extracted exactly: formulas stay formulas.",
    kinds=("parquet",),
    by_shards=True,
)


def _portions(corpus: Artifact, rows_a_shard: int) -> Iterator[Portion]:
    index = first = 0
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
                yield Portion(index=index, source=source, groups=tuple(groups), first=first, rows=rows)
                index, first, groups, rows = index + 1, first + rows, [], 0


def _blocks(portions: Sequence[Portion]) -> list[Block]:
    each = -(-len(portions) // MOST_BLOCKS) or 1
    return [
        Block(number=number, portions=tuple(portions[first : first + each]))
        for number, first in enumerate(range(0, len(portions), each))
    ]


def _is_extracted(folder: Path, block: Block) -> bool:
    return all(_shard(folder, portion).exists() for portion in block.portions)


def _shard(folder: Path, portion: Portion) -> Path:
    return folder / f"extracted-{portion.index:05d}.parquet"


@cache
def spare_collector() -> None:
    """A page's tree is thousands of short-lived objects: collecting often only finds them alive."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def page_of(capture: Capture) -> dict[str, Any]:
    """What is extracted of it: PAGE but for the row."""
    from pipelines.extraction.page import extract

    spare_collector()
    html, charset = decode_html(capture.body, capture.content_type)
    page = extract(html, capture.url)
    return {
        "title": page.title,
        "text": page.text,
        "formulas": page.formulas,
        "digest": hashlib.sha256(capture.body).hexdigest()[:32],
        "truncated": capture.truncated,
        "charset": charset,
    }


def write_block(
    folder: Path, settings: ExtractionSettings, reads: Reads, known: EarlierPages | None, block: Block
) -> None:
    """Its shards, and the ledger of each before it, so that a shard that exists has one."""
    pages = pages_of_block(reads, block.number)
    for portion in block.portions:
        if not _shard(folder, portion).exists():
            _write_portion(folder, settings, portion, pages, known)


def _write_portion(
    folder: Path,
    settings: ExtractionSettings,
    portion: Portion,
    pages: dict[int, dict[str, Any]],
    known: EarlierPages | None,
) -> None:
    shard, row = _shard(folder, portion), portion.first
    ledger: list[dict[str, Any]] = []
    with atomic_file(shard) as temporary:
        with (
            pq.ParquetWriter(temporary, EXTRACTED, compression="zstd") as writer,
            pq.ParquetFile(portion.source) as table,
        ):
            for batch in table.iter_batches(batch_size=ROWS_A_BATCH, row_groups=list(portion.groups)):
                given = batch.to_pylist()
                before = (
                    {row + place: made for place, made in known.pages_of(given).items()} if known is not None else {}
                )
                rows = list(_extracted(given, row, settings, ChainMap(before, pages), ledger))
                row += batch.num_rows
                if rows:
                    writer.write_table(pa.Table.from_pylist(rows, EXTRACTED))
        with atomic_file(folder / shard.name.replace("extracted", "ledger")) as beside:
            pq.write_table(pa.Table.from_pylist(ledger, LEDGER), beside, compression="zstd")


def _extracted(
    rows: Sequence[Mapping[str, Any]],
    first: int,
    settings: ExtractionSettings,
    pages: Mapping[int, dict[str, Any]],
    ledger: list[dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    """EXTRACTED rows of a batch of the corpus, which begins at row `first`."""
    for number, row in enumerate(rows, first):
        carried = {name: row.get(name) for name in CARRIED}
        if row["warc_file"] is None or row["warc_offset"] is None:
            made: Mapping[str, Any] | None = {
                "title": row.get("title") or "",
                "text": row["text"] or "",
                "formulas": None,
                "digest": None,
                "truncated": None,
                "charset": None,
            }
        else:
            made = pages.get(number)
        if made is None:
            ledger.append(_entry(row, "unreadable", f"no HTML response at {row['warc_file']}:{row['warc_offset']}"))
        elif len(made["text"]) < settings.shortest_text:
            ledger.append(_entry(row, "empty" if not made["text"] else "short", f"{len(made['text'])} characters"))
        else:
            yield {**carried, **made}


def _entry(row: Mapping[str, Any], reason: str, detail: str) -> dict[str, Any]:
    return {"url_key": row["url_key"], "stage": "extraction", "reason": reason, "detail": detail}


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

"""Pages of a corpus read from their WARC files in the order of the files, and put back in the order of the corpus.

A corpus is sorted by score: neighbours lie in different files of a crawl. So the reads of all its rows are planned first,
by file and offset; each task makes the pages of one stretch of that plan, with several requests in flight where the file
is remote; and whoever writes a block of the corpus takes the pages of its rows from all of them.

    plan-files.json                       [snapshot, WARC file] by number
    plan-file.npy, -offset, -length, -row the plan, a place in each: number of the file, offset, bytes (0: unknown), row
    pages-00012.arrow                     PAGE, the pages of a task: a batch for each block of the corpus
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.crawl.byte_sources import ByteSource
from pipelines.crawl.ranges import Excerpt, fetch_spans, open_ranges, spans_of
from pipelines.crawl.settings import CommonCrawlSettings, CrawlSettings, warc_path
from pipelines.crawl.warc import Capture, captures_at, open_warc
from pipelines.crawl.warc_repair import INSIDE
from pipelines.extraction.earlier import KEY, EarlierPages
from pipelines.storage import atomic_file

PAGE = pa.schema(
    [
        ("row", pa.int64()),  # of the corpus
        ("title", pa.string()),
        ("text", pa.large_string()),
        ("formulas", pa.int32()),
        ("digest", pa.string()),
        ("truncated", pa.string()),
        ("charset", pa.string()),
    ]
)
UNKNOWN_LENGTH = 64 << 10  # bytes asked for where a record's are not known; Common Crawl's median record has 20 KB
LEAST_ROWS, MOST_TASKS, MOST_BLOCKS = 500, 4_000, 500
"""Rows of a task, unless there would be too many tasks; each block opens the file of each task."""
COLUMNS = {"file": np.int32, "offset": np.int64, "length": np.int32, "row": np.int64}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTask:
    """A stretch of a plan, of which `of` is the first file."""

    number: int
    first: int
    last: int
    of: str

    def __str__(self) -> str:
        return f"{self.last - self.first} pages from {self.of} on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """A plan that lies in `folder`, cut into tasks; `blocks` says at which row of the corpus each block ends."""

    folder: Path
    bounds: tuple[int, ...]
    blocks: tuple[int, ...]

    def tasks(self) -> list[ReadTask]:
        files = np.load(self.folder / "plan-file.npy", mmap_mode="r")
        names = self.names()
        return [
            ReadTask(number=number, first=begin, last=end, of="/".join(names[files[begin]]))
            for number, (begin, end) in enumerate(pairwise(self.bounds))
        ]

    def names(self) -> list[tuple[str, str]]:
        """Snapshot and WARC file by number."""
        told = json.loads((self.folder / "plan-files.json").read_text(encoding="utf-8"))
        return [(snapshot, file) for snapshot, file in told]

    def pages(self, task: int) -> Path:
        return self.folder / f"pages-{task:05d}.arrow"

    def is_read(self, task: ReadTask) -> bool:
        return self.pages(task.number).exists()


def plan_reads(
    folder: Path,
    tables: Sequence[tuple[Path, Sequence[int]]],
    blocks: Sequence[int],
    known: EarlierPages | None = None,
) -> Reads:
    """Plan the reads of row groups of Parquet files, which hold the corpus in its order, but for pages that are known.

    What is planned already is kept."""
    folder.mkdir(exist_ok=True)
    if not (folder / "plan-files.json").exists():
        _save_plan(folder, tables, known)
    files = np.load(folder / "plan-file.npy", mmap_mode="r")
    most = max(LEAST_ROWS, -(-len(files) // MOST_TASKS))
    return Reads(folder=folder, bounds=tuple(_cuts(files, most)), blocks=tuple(blocks))


def _save_plan(folder: Path, tables: Sequence[tuple[Path, Sequence[int]]], known: EarlierPages | None) -> None:
    names: dict[tuple[str, str], int] = {}
    found: defaultdict[str, list[npt.NDArray[Any]]] = defaultdict(list)
    first = 0
    for path, groups in tables:
        with pq.ParquetFile(path) as file:
            columns = [*("snapshot", "warc_file", "warc_offset"), *({"warc_length"} & set(file.schema_arrow.names))]
            columns += KEY if known is not None else []
            for group in groups:
                table = file.read_row_group(group, columns=columns, use_threads=False)
                read = ~known.has(table) if known is not None else np.ones(table.num_rows, np.bool_)
                for name, column in _places(table, read, first, names).items():
                    found[name].append(column)
                first += table.num_rows
    ordered = sorted(names)
    number_of = np.zeros(len(names), np.int32)
    number_of[[names[name] for name in ordered]] = np.arange(len(names), dtype=np.int32)
    plan = {name: np.concatenate([np.zeros(0, kind), *found.pop(name, [])]) for name, kind in COLUMNS.items()}
    plan["file"] = number_of[plan["file"]]
    offsets = plan["offset"]
    order = np.lexsort((np.where(offsets < 0, -offsets >> INSIDE, offsets), plan["file"]))
    for name in COLUMNS:
        with atomic_file(folder / f"plan-{name}.npy") as temporary, temporary.open("wb") as handle:
            np.save(handle, plan.pop(name)[order])
    with atomic_file(folder / "plan-files.json") as temporary:
        temporary.write_text(json.dumps(ordered), encoding="utf-8")


def _places(
    table: pa.Table, read: npt.NDArray[np.bool_], first: int, names: dict[tuple[str, str], int]
) -> dict[str, npt.NDArray[Any]]:
    """Of the rows to `read` that have a capture: number of the file by `names`, which grows, offset, length and row."""
    offsets, files = table["warc_offset"].combine_chunks(), table["warc_file"].combine_chunks()
    held = np.flatnonzero((offsets.is_valid().to_numpy(False)) & (files.is_valid().to_numpy(False)) & read)
    rows = table.take(pa.array(held))
    pairs = zip(rows["snapshot"].to_pylist(), rows["warc_file"].to_pylist(), strict=True)
    lengths = rows["warc_length"].fill_null(0).to_numpy() if "warc_length" in rows.column_names else np.zeros(len(held))
    return {
        "file": np.array([names.setdefault(pair, len(names)) for pair in pairs], np.int32),
        "offset": rows["warc_offset"].to_numpy().astype(np.int64),
        "length": lengths.astype(np.int32),
        "row": held + first,
    }


def _cuts(files: npt.NDArray[np.int32], most: int) -> Iterator[int]:
    """Where tasks begin, and the end: between two files where that leaves at most `most` places to each."""
    ends = np.append(np.flatnonzero(np.diff(files)) + 1, len(files))
    first = 0
    yield 0
    while first < len(files):
        place = int(np.searchsorted(ends, first + most, side="right"))
        last = int(ends[place - 1]) if place else 0
        first = last if first < last else first + most
        yield first


def read_pages(reads: Reads, crawl: CrawlSettings, make: Callable[[Capture], dict[str, Any]], task: ReadTask) -> None:
    """Make the pages of a task: `make` gives the columns of PAGE but for the row. Records that cannot be read are left out."""
    stretch = slice(task.first, task.last)
    plan = {name: np.load(reads.folder / f"plan-{name}.npy", mmap_mode="r")[stretch] for name in COLUMNS}
    names = reads.names()
    pages: list[dict[str, Any]] = []
    for number in np.unique(plan["file"]).tolist():
        begin, end = np.searchsorted(plan["file"], [number, number + 1])
        here = {name: plan[name][begin:end].tolist() for name in ("offset", "length", "row")}
        rows: defaultdict[int, list[int]] = defaultdict(list)
        for offset, row in zip(here["offset"], here["row"], strict=True):
            rows[offset].append(row)
        lengths = dict(zip(here["offset"], here["length"], strict=True))
        for offset, capture in captures_of(warc_path(crawl, *names[number]), lengths, crawl):
            if capture is not None:
                made = make(capture)
                pages += [{"row": row, **made} for row in rows[offset]]
    pages.sort(key=lambda page: page["row"])
    _write_blocks(reads, task.number, pa.Table.from_pylist(pages, PAGE))


def captures_of(path: str, lengths: dict[int, int], crawl: CrawlSettings) -> Iterator[tuple[int, Capture | None]]:
    """(offset, capture) for each offset of a WARC file, in the order of the file; a length of 0 is not known."""
    largest = crawl.largest_record
    inside = [offset for offset in lengths if offset < 0]
    if "://" not in path or inside:  # within a member that is shared: read in one pass
        source = open_warc(path, **crawl.patience())
        try:
            yield from captures_at(source, lengths, largest=largest)
        finally:
            source.close()
        return
    offsets = sorted(lengths)
    spans = spans_of([(path, offset, lengths[offset] or UNKNOWN_LENGTH) for offset in offsets])
    reader = open_ranges(path, **crawl.patience())
    in_flight = (crawl.common_crawl or CommonCrawlSettings()).connections
    try:
        for span, content in fetch_spans(reader, spans, in_flight=in_flight):
            source = _Continued(span.start, content, lambda: open_warc(path, **crawl.patience()))
            try:
                yield from captures_at(source, [offsets[number] for number in span.inside], largest=largest)
            finally:
                source.close()
    finally:
        reader.close()


class _Continued:
    """Bytes that were fetched, and beyond them the file that they lie in, which is opened where a record is longer."""

    def __init__(self, start: int, content: bytes, open_file: Callable[[], ByteSource]) -> None:
        self._fetched, self._end = Excerpt(start, content), start + len(content)
        self._open = open_file
        self._file: ByteSource | None = None

    def read_at(self, position: int, size: int) -> bytes:
        if position < self._end:
            return self._fetched.read_at(position, size)
        self._file = self._file or self._open()
        return self._file.read_at(position, size)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _write_blocks(reads: Reads, task: int, pages: pa.Table) -> None:
    ends = np.searchsorted(pages["row"].to_numpy(), reads.blocks).tolist()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (
        atomic_file(reads.pages(task)) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, PAGE, options=options) as writer,
    ):
        for begin, end in zip([0, *ends], ends, strict=False):
            batches = pages.slice(begin, end - begin).combine_chunks().to_batches()
            writer.write_batch(batches[0] if batches else pa.RecordBatch.from_pylist([], schema=PAGE))


def pages_of_block(reads: Reads, block: int) -> dict[int, dict[str, Any]]:
    """What was made of the rows of a block, by row."""
    found: dict[int, dict[str, Any]] = {}
    for task in range(len(reads.bounds) - 1):
        with pa.OSFile(str(reads.pages(task)), "rb") as source:
            for page in pa.ipc.open_file(source).get_batch(block).to_pylist():
                found[page.pop("row")] = page
    return found

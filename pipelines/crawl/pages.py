"""WARC files to the pages table: every byte is read once, here."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from pipelines.crawl.decoding import decode_html
from pipelines.crawl.language import language_of
from pipelines.crawl.settings import CrawlSettings, list_warcs, warc_name
from pipelines.crawl.text import cheap_text, count_markers
from pipelines.crawl.urls import address
from pipelines.crawl.warc import Capture, read_captures
from pipelines.records import PAGES
from pipelines.storage import Json, atomic_file

ROWS_A_GROUP = 1_000
MATH_SCRIPT = (
    0.004  # ours: share of digits and operators in the text above which a page without markers still has evidence
)


def write_pages(folder: Path, settings: CrawlSettings, *, snapshot: str) -> dict[str, Json]:
    """pages-*.parquet (PAGES), one for each WARC file, one row for each canonical URL, the newest; facts count the rest.

    A WARC file whose shard exists is not read again. Raises CrawlError where the snapshot has no files.
    """
    warcs = list_warcs(settings, snapshot)
    shards = {path: folder / f"raw-{index:05d}.parquet" for index, path in enumerate(warcs)}
    left = [(path, shard) for path, shard in shards.items() if not shard.exists()]
    workers = min(len(left), settings.workers or os.cpu_count() or 1)
    if left:
        with ProcessPoolExecutor(max(1, workers), mp_context=get_context("forkserver")) as pool:
            jobs = [pool.submit(read_warc, path, shard, settings, snapshot) for path, shard in left]
            for job in tqdm(as_completed(jobs), total=len(jobs), desc=f"pages {snapshot}", unit="WARC", disable=None):
                job.result()
    outcomes: Counter[str] = Counter()
    for shard in shards.values():
        outcomes.update(_outcomes_of(shard))
    rows = _deduplicate(folder, list(shards.values()), outcomes)
    for shard in shards.values():
        shard.unlink()
    return {"rows": rows, "warc_files": len(warcs), "outcomes": dict(sorted(outcomes.items()))}


def read_warc(path: str, shard: Path, settings: CrawlSettings, snapshot: str) -> None:
    """One WARC file to one raw shard, in file order and bounded memory."""
    outcomes: Counter[str] = Counter()
    name = warc_name(settings, snapshot, path)
    with atomic_file(shard) as temporary, pq.ParquetWriter(temporary, PAGES, compression="zstd") as writer:
        rows: list[dict[str, Any]] = []
        for capture in read_captures(path, outcomes, largest=settings.largest_record):
            row = page_row(capture, settings, outcomes)
            if row is not None:
                rows.append(row | {"snapshot": snapshot, "warc_file": name})
            if len(rows) >= ROWS_A_GROUP:
                writer.write_table(pa.Table.from_pylist(rows, PAGES))
                rows.clear()
        writer.write_table(pa.Table.from_pylist(rows, PAGES))
        writer.add_key_value_metadata({"outcomes": json.dumps(outcomes)})


def page_row(capture: Capture, settings: CrawlSettings, outcomes: Counter[str]) -> dict[str, Any] | None:
    """A capture as a row of the pages table; None, counted, where it has no usable URL or text."""
    try:
        where = address(capture.url)
    except ValueError:
        outcomes["no http(s) URL"] += 1
        return None
    html, charset = decode_html(capture.body, capture.content_type)
    title, text = cheap_text(html)
    if len(text) < settings.shortest_text:
        outcomes["text too short"] += 1
        return None
    markers = count_markers(html)
    route = "kept" if settings.route == "all" else _route(where.key, text, markers, settings.negatives)
    outcomes[route] += 1
    if capture.truncated:
        outcomes["truncated by the crawler"] += 1
    return {
        "url": capture.url,
        "url_key": where.key,
        "host": where.host,
        "domain": where.domain,
        "path": where.path,
        "fetched": capture.fetched,
        "warc_offset": capture.offset,
        "warc_length": 0,
        "digest": hashlib.sha256(capture.body).hexdigest()[:32],
        "truncated": capture.truncated,
        "charset": charset,
        "language": language_of(text),
        "title": title,
        "text": None if route == "counted" else text,
        "markers": markers,
        "route": route,
    }


def _route(key: str, text: str, markers: int, negatives: float) -> str:
    if markers or _has_evidence(text):
        return "kept"
    share = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    return "sampled" if share < negatives else "counted"


def _has_evidence(text: str) -> bool:
    """Whether a text without markup may still be mathematics; generous, since what is routed away is never seen again."""
    head = text[:20_000]
    signs = sum(head.count(sign) for sign in "=+×÷√∑∫≤≥π²³")
    words = sum(
        head.lower().count(word)
        for word in ("how many", "equation", "theorem", "proof", "calculate", "方程", "多少", "证明", "计算", "函数")
    )
    return (signs + 5 * words) > MATH_SCRIPT * len(head)


def _outcomes_of(shard: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads(pq.read_metadata(shard).metadata[b"outcomes"])
    return found


def _deduplicate(folder: Path, shards: list[Path], outcomes: Counter[str]) -> int:
    """pages-*.parquet without older or repeated captures of a URL; memory holds one key and date for each page."""
    newest: dict[str, tuple[str, int, int]] = {}
    for number, shard in enumerate(shards):
        position = 0
        for batch in _batches(shard, ["url_key", "fetched"]):
            for key, fetched in zip(batch["url_key"].to_pylist(), batch["fetched"].to_pylist(), strict=True):
                newest[key] = max(newest.get(key, ("", -1, -1)), (fetched, number, position))
                position += 1
    for number, shard in enumerate(shards):
        kept = {position for _, where, position in newest.values() if where == number}
        position = 0
        with (
            atomic_file(folder / f"pages-{number:05d}.parquet") as temporary,
            pq.ParquetWriter(temporary, PAGES, compression="zstd") as writer,
        ):
            for batch in _batches(shard, None):
                mask = pa.array([position + offset in kept for offset in range(batch.num_rows)])
                position += batch.num_rows
                writer.write_batch(batch.filter(mask))
        outcomes["older capture of the same URL"] += position - len(kept)
    return len(newest)


def _batches(path: Path, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(ROWS_A_GROUP, columns=columns)

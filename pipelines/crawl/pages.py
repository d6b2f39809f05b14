"""WARC files to the pages table: every byte is read once, here.

pages-00000.parquet          PAGES, one for each WARC file, in file order; of each canonical URL the newest capture
ledger/crawl-00000.parquet   LEDGER: responses that are no page, by URL as crawled
ledger/older-00000.parquet   LEDGER: captures that a newer one of the same URL replaced
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from evaluators.stages import Stage
from pipelines.crawl.newest import captures_by_key
from pipelines.crawl.settings import CrawlError, CrawlSettings, list_warcs, snapshot_files
from pipelines.records import LEDGER, PAGES
from pipelines.storage import Artifact, Json, atomic_file

OLDER = "older capture of the same URL"


def write_pages(folder: Path, settings: CrawlSettings, *, snapshot: str) -> dict[str, Json]:
    """The pages table of one snapshot; facts count what became of every record.

    A WARC file whose shard exists is not read again. Raises CrawlError where the snapshot has no files, or where none
    of them holds a WARC record.
    """
    from pipelines.crawl.crawl_step import NO_RECORDS, outcomes_of

    warcs = list_warcs(settings, snapshot)
    finals = [folder / f"pages-{number:05d}.parquet" for number in range(len(warcs))]
    raws = [folder / "raw" / f"raw-{number:05d}.parquet" for number in range(len(warcs))]
    left = [(path, raw) for path, raw, final in zip(warcs, raws, finals, strict=True) if not final.exists()]
    if left:
        (folder / "raw").mkdir(exist_ok=True)
        _crawl(left, settings, snapshot)
    shards = [final if final.exists() else raw for raw, final in zip(raws, finals, strict=True)]
    outcomes: Counter[str] = Counter()
    for shard in shards:
        outcomes.update(outcomes_of(shard))
    if outcomes[NO_RECORDS] == len(warcs):
        raise CrawlError(
            f"snapshot {snapshot}: expected WARC records (WARC/1.0 or 1.1, plain, gzip or zstd) in {warcs[0]}"
            f"{' and the others' if len(warcs) > 1 else ''}; found none. Are these WARC files?"
        )
    _publish(folder, raws, finals, shards)
    if older := sum(pq.read_metadata(path).num_rows for path in (folder / "ledger").glob("older-*.parquet")):
        outcomes[OLDER] = older
    rows = sum(pq.read_metadata(final).num_rows for final in finals)
    return {"rows": rows, "warc_files": len(warcs), "outcomes": dict(sorted(outcomes.items()))}


def _of_planted(
    settings: CrawlSettings, *, snapshot: str, planted_crawl: Artifact | None = None, **others: Any
) -> dict[str, Any]:
    return {"settings": settings.planted_in(planted_crawl), "snapshot": snapshot, **others}


PAGES_STAGE = Stage(
    name="pages",
    version="2",
    write=write_pages,
    arguments=_of_planted,
    files=snapshot_files,
    settings=CrawlSettings,
    inputs=("planted_crawl?",),
    description="One snapshot's pages: cheap text, language, math markers and where each lies in its WARC file, one row for "
    "each canonical URL. Every WARC byte is read once, here; iterations rescore this table (DeepSeekMath §2.1).",
    kinds=("commoncrawl", "parquet"),
)


def _crawl(left: list[tuple[str, Path]], settings: CrawlSettings, snapshot: str) -> None:
    from datatrove.executor import LocalPipelineExecutor

    from pipelines.crawl.crawl_step import WarcsToPages

    shards = [raw for _, raw in left]
    with (
        tempfile.TemporaryDirectory(prefix="log-", dir=shards[0].parent) as logs,  # goes with it, even after a SIGKILL
        _quiet_datatrove(),
        _progress(shards, snapshot),
    ):
        LocalPipelineExecutor(
            pipeline=[WarcsToPages(left, settings, snapshot, quiet=True)],
            tasks=len(left),
            workers=max(1, min(len(left), settings.workers or os.cpu_count() or 1)),
            logging_dir=logs,
            skip_completed=False,  # finished shards say what is done
        ).run()


@contextmanager
def _quiet_datatrove() -> Iterator[None]:
    """Its log lines, several for each WARC file, are kept from the terminal; failures are raised anyway."""
    from loguru import logger

    logger.disable("datatrove")
    try:
        yield
    finally:
        logger.enable("datatrove")


@contextmanager
def _progress(shards: list[Path], snapshot: str) -> Iterator[None]:
    """A bar over WARC files with what is still being written, from another thread: the executor blocks."""
    done = threading.Event()

    def watch() -> None:
        with tqdm(total=len(shards), desc=f"pages {snapshot}", unit="WARC", disable=None) as bar:
            while not done.wait(0.5):
                _show(bar, shards)
            _show(bar, shards)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _show(bar: Any, shards: list[Path]) -> None:
    folder = shards[0].parent
    written = sum(size for path in folder.glob("*.parquet*") if (size := _size(path)))
    bar.n = sum(1 for shard in shards if shard.exists())
    bar.set_postfix_str(f"{written / 1e6:,.0f} MB written")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # it was moved into place meanwhile
        return 0


def _publish(folder: Path, raws: list[Path], finals: list[Path], shards: list[Path]) -> None:
    """Raw shards to final ones without what a newer capture replaces. Done again after a kill, it gives the same."""
    stale: list[npt.NDArray[np.int64]] = []
    for table in captures_by_key(shards):
        older = table.filter(pc.invert(table["newest"]))
        stale.append(older["shard"].to_numpy().astype(np.int64) << 40 | older["row"].to_numpy())
    dropped = np.sort(np.concatenate(stale)) if stale else np.zeros(0, np.int64)
    owners = dropped >> 40
    for number, (raw, final) in enumerate(zip(raws, finals, strict=True)):
        if not final.exists():
            first, last = np.searchsorted(owners, [number, number + 1])
            _publish_shard(folder, raw, final, dropped[first:last] & ((1 << 40) - 1))
    shutil.rmtree(folder / "raw", ignore_errors=True)


def _publish_shard(folder: Path, raw: Path, final: Path, stale: npt.NDArray[np.int64]) -> None:
    number = final.stem.rpartition("-")[2]
    (folder / "ledger").mkdir(exist_ok=True)
    made = raw.parent / "ledger" / f"crawl-{number}.parquet"
    if made.exists():
        made.replace(folder / "ledger" / made.name)
    if not len(stale):
        raw.replace(final)
        return
    names: list[str] = []
    with atomic_file(final) as temporary, pq.ParquetFile(raw) as file:
        with pq.ParquetWriter(temporary, PAGES, compression="zstd") as writer:
            first = 0
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                old = np.isin(np.arange(first, first + table.num_rows), stale)
                first += table.num_rows
                names += table["url_key"].filter(pa.array(old)).to_pylist()
                writer.write_table(table.filter(pa.array(~old)))
            writer.add_key_value_metadata({"outcomes": file.metadata.metadata[b"outcomes"]})
        with atomic_file(folder / "ledger" / f"older-{number}.parquet") as older:
            rows = [{"url_key": name, "stage": "crawl", "reason": OLDER, "detail": ""} for name in names]
            pq.write_table(pa.Table.from_pylist(rows, LEDGER), older, compression="zstd")
    raw.unlink()

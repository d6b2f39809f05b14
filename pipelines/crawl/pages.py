"""WARC files to the pages table: every byte is read once, here.

pages-00000.parquet          PAGES, one for each WARC file, in file order; of each canonical URL the newest capture
ledger/crawl-00000.parquet   LEDGER: responses that are no page, by URL as crawled
ledger/older-00000.parquet   LEDGER: captures that a newer one of the same URL replaced
"""

from __future__ import annotations

import shutil
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.stages import Stage
from pipelines.crawl.newest import SHARD_BITS, Captures, find_older, forget, older_in
from pipelines.crawl.settings import CrawlError, CrawlSettings, list_warcs, snapshot_files
from pipelines.records import LEDGER, PAGES
from pipelines.storage import Artifact, Json, atomic_file

if TYPE_CHECKING:
    from pipelines.crawl.crawl_step import ListedPart

GROUPS_A_PART = 5
"""Row groups of listed captures, 2,000 each: some 200 MB of Common Crawl's records, which is what a killed run loses."""
OLDER = "older capture of the same URL"


def write_pages(
    folder: Path,
    settings: CrawlSettings,
    *,
    snapshot: str,
    listed: Artifact | None = None,
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Json]:
    """The pages table of one snapshot; facts count what became of every record.

    `listed` holds the captures that are read beside the snapshot's WARC files, or instead of them. A WARC file or part
    whose shard exists is not read again. Raises CrawlError where there is nothing to read, or no WARC record in it.
    """
    from pipelines.crawl.crawl_step import NO_RECORDS, outcomes_of

    warcs = list_warcs(settings, snapshot)
    parts = listed_parts(listed) if listed is not None else []
    sources: list[str | ListedPart] = [*warcs, *parts]
    if not sources:
        raise CrawlError(
            f"snapshot {snapshot}: expected a page of crawl.common_crawl.listed in its index; found none, and no background. "
            "Look for other URLs, or set background_files."
        )
    finals = [folder / f"pages-{number:05d}.parquet" for number in range(len(sources))]
    raws = [folder / "raw" / f"raw-{number:05d}.parquet" for number in range(len(sources))]
    left = [(source, raw) for source, raw, final in zip(sources, raws, finals, strict=True) if not final.exists()]
    if left:
        (folder / "raw" / "ledger").mkdir(parents=True, exist_ok=True)
        work = partial(_crawl_one, settings, snapshot)
        unit = "part" if parts else "WARC"
        run_shards(work, left, executor, done=_is_crawled, label=f"pages {snapshot}", unit=unit)
    shards = [final if final.exists() else raw for raw, final in zip(raws, finals, strict=True)]
    outcomes: Counter[str] = Counter()
    for shard in shards:
        outcomes.update(outcomes_of(shard))
    if warcs and outcomes[NO_RECORDS] == len(warcs):
        raise CrawlError(
            f"snapshot {snapshot}: expected WARC records (WARC/1.0 or 1.1, plain, gzip or zstd) in {warcs[0]}"
            f"{' and the others' if len(warcs) > 1 else ''}; found none. Are these WARC files?"
        )
    _publish(folder, raws, finals, shards, executor)
    if older := sum(pq.read_metadata(path).num_rows for path in (folder / "ledger").glob("older-*.parquet")):
        outcomes[OLDER] = older
    rows = sum(pq.read_metadata(final).num_rows for final in finals)
    facts: dict[str, Json] = {"rows": rows, "warc_files": len(warcs), "outcomes": dict(sorted(outcomes.items()))}
    return facts if listed is None else {**facts, "listed_captures": listed.facts["rows"]}


def listed_parts(listed: Artifact) -> list[ListedPart]:
    """The captures of an artifact of index_captures, cut into what one task reads."""
    from pipelines.crawl.crawl_step import ListedPart

    found = []
    for table in listed.files("captures-*.parquet"):
        metadata = pq.read_metadata(table)
        groups = metadata.num_row_groups if metadata.num_rows else 0
        for first in range(0, groups, GROUPS_A_PART):
            found.append(ListedPart(table=table, first=first, last=min(groups, first + GROUPS_A_PART)))
    return found


def _of_planted(
    settings: CrawlSettings, *, snapshot: str, planted_crawl: Artifact | None = None, **others: Any
) -> dict[str, Any]:
    return {"settings": settings.planted_in(planted_crawl), "snapshot": snapshot, **others}


PAGES_STAGE = Stage(
    name="pages",
    version="3",
    write=write_pages,
    arguments=_of_planted,
    files=snapshot_files,
    settings=CrawlSettings,
    inputs=("planted_crawl?", "listed?"),
    description="One snapshot's pages: cheap text, language, math markers and where each lies in its WARC file, one row for "
    "each canonical URL. Every WARC byte is read once, here; iterations rescore this table (DeepSeekMath §2.1).",
    kinds=("commoncrawl", "parquet"),
    by_shards=True,
)


def _crawl_one(settings: CrawlSettings, snapshot: str, job: tuple[str | ListedPart, Path]) -> None:
    from pipelines.crawl.crawl_step import write_listed_shard, write_shard

    source, shard = job
    if isinstance(source, str):
        write_shard(source, shard, settings, snapshot)
    else:
        write_listed_shard(source, shard, settings, snapshot)


def _is_crawled(job: tuple[str | ListedPart, Path]) -> bool:
    return job[1].exists()


def _publish(
    folder: Path, raws: list[Path], finals: list[Path], shards: list[Path], executor: ExecutorSettings
) -> None:
    """Raw shards to final ones without what a newer capture replaces. Done again after a kill, it gives the same."""
    captures = Captures.of(shards, folder / "newest")
    find_older(captures, executor, label="older captures")
    groups = [group for group in captures.groups() if not all(final.exists() for final in finals[slice(*group)])]
    run_shards(
        partial(_publish_group, folder, captures, raws, finals),
        groups,
        executor,
        done=partial(_is_published, finals),
        label="pages",
        here=len(groups) < 2,
    )
    shutil.rmtree(folder / "raw", ignore_errors=True)
    forget(captures)


def _is_published(finals: list[Path], group: tuple[int, int]) -> bool:
    return all(final.exists() for final in finals[slice(*group)])


def _publish_group(
    folder: Path, captures: Captures, raws: list[Path], finals: list[Path], group: tuple[int, int]
) -> None:
    older = older_in(captures, *group)
    for number in range(*group):
        if not finals[number].exists():
            first, last = np.searchsorted(older, [number << SHARD_BITS, (number + 1) << SHARD_BITS])
            _publish_shard(folder, raws[number], finals[number], older[first:last] - (number << SHARD_BITS))


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

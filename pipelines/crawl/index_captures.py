"""A list of URLs, hosts, domains or prefixes joined with a snapshot's columnar index: which records are to be read.

captures-00000.parquet    LISTED, by WARC file and offset, so that what lies together is fetched together
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.stages import Stage
from pipelines.crawl.common_crawl import published_index
from pipelines.crawl.index_table import LISTED, find_listed
from pipelines.crawl.ranges import open_ranges
from pipelines.crawl.settings import KINDS, CrawlError, CrawlSettings, ListedSettings
from pipelines.crawl.url_lists import UrlList, read_entries, write_runs
from pipelines.row_flags import consecutive
from pipelines.storage import Json, atomic_file

BUCKETS = 64  # cuts of the WARC files by a hash: 230 M captures make 3.6 M a bucket, 1 GB while they are sorted
ROWS_A_SHARD = 500_000
ROWS_A_GROUP = 2_000


def write_index_captures(
    folder: Path,
    settings: ListedSettings,
    *,
    crawl: CrawlSettings,
    snapshot: str,
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Json]:
    """The captures of a snapshot that the lists name; facts say how much of the index had to be read.

    A file of the index whose finds exist is not searched again. Raises CrawlError where a list or the index cannot be read.
    """
    assert crawl.common_crawl is not None
    parts = published_index(crawl.common_crawl, snapshot)
    scratch = folder / "scratch"
    listed = _write_lists(scratch, settings)
    search = partial(_search_part, _Search(scratch=scratch, crawl=crawl))
    jobs = list(enumerate(parts))
    run_shards(search, jobs, executor, done=partial(_is_searched, scratch), label=f"index {snapshot}", unit="file")
    outcomes: Counter[str] = Counter()
    rows = np.zeros(BUCKETS, np.int64)
    for number, _ in jobs:
        with pa.OSFile(str(_found(scratch, number)), "rb") as source:
            told = json.loads(pa.ipc.open_file(source).schema.metadata[b"found"])
        outcomes.update(told["outcomes"])
        rows += np.array(told["rows"])
    finds = [_found(scratch, number) for number, _ in jobs]
    for shard, (first, last) in enumerate(consecutive(rows.tolist(), ROWS_A_SHARD)):
        _write_shard(folder / f"captures-{shard:05d}.parquet", finds, range(first, last))
    shutil.rmtree(scratch)
    return {
        "rows": int(rows.sum()),
        **_sizes(folder),
        "index_files": len(parts),
        **listed,
        "outcomes": dict(sorted(outcomes.items())),
    }


INDEX_CAPTURES = Stage(
    name="index_captures",
    version="1",
    write=write_index_captures,
    arguments=lambda settings, base_url, **others: others,  # where the index lies decides what it holds
    settings=ListedSettings,
    description="The records of one snapshot that lists of URLs, hosts, domains or prefixes name, found in the columnar index.",
    kinds=("commoncrawl", "parquet"),
    by_shards=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    scratch: Path
    crawl: CrawlSettings


def _write_lists(scratch: Path, settings: ListedSettings) -> dict[str, Json]:
    """The lists as sorted runs; what they hold. A killed attempt's are kept once all are written."""
    done = scratch / "lists.json"
    if not done.exists():
        scratch.mkdir(exist_ok=True)
        counts: dict[str, int] = {}
        for kind in KINDS:
            if files := getattr(settings, kind):
                counts[kind], unreadable = write_runs(scratch, kind, read_entries(kind, files))
                if counts[kind] == unreadable:
                    raise CrawlError(
                        f"{', '.join(map(str, files))}: expected {kind} to look for; found none that can be read in "
                        f"{counts[kind]} entries. Name another file."
                    )
                counts[f"{kind}_unreadable"] = unreadable
        with atomic_file(done) as temporary:
            temporary.write_text(json.dumps({"listed": counts}))
    facts: dict[str, Json] = json.loads(done.read_text())
    return facts


def _found(scratch: Path, number: int) -> Path:
    return scratch / f"found-{number:05d}.arrow"


def _is_searched(scratch: Path, job: tuple[int, str]) -> bool:
    return _found(scratch, job[0]).exists()


def _search_part(search: _Search, job: tuple[int, str]) -> None:
    """One file of the index: what the lists name in it, a batch for each bucket of WARC files."""
    from pipelines.key_hash import hash_strings

    number, path = job
    lists = [one for kind in KINDS if (one := UrlList(search.scratch, kind))]
    outcomes: Counter[str] = Counter()
    reader = open_ranges(path, **search.crawl.patience())
    try:
        tables = [LISTED.empty_table(), *find_listed(reader, path, lists, outcomes)]
    finally:
        reader.close()
    table = pa.concat_tables(tables).combine_chunks()
    bucket = (hash_strings(table["warc_file"]) % np.uint64(BUCKETS)).astype(np.int64)
    table = table.take(pa.array(np.argsort(bucket, kind="stable")))
    rows = np.bincount(bucket, minlength=BUCKETS)
    told = json.dumps({"outcomes": outcomes, "rows": rows.tolist()}, sort_keys=True)
    schema = LISTED.with_metadata({"found": told})
    with (
        atomic_file(_found(search.scratch, number)) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer,
    ):
        for begin, end in zip([0, *np.cumsum(rows)], np.cumsum(rows), strict=False):
            part = table.slice(begin, end - begin).combine_chunks().to_batches()
            writer.write_batch(part[0] if part else pa.RecordBatch.from_pylist([], schema=LISTED))


def _write_shard(path: Path, finds: Sequence[Path], buckets: range) -> None:
    """The finds of some buckets in the order of the WARC files. A record that two lists name stands there once."""
    if path.exists():
        return
    batches = []
    for find in finds:
        with pa.OSFile(str(find), "rb") as source:
            reader = pa.ipc.open_file(source)
            batches += [batch for bucket in buckets if (batch := reader.get_batch(bucket)).num_rows]
    table = pa.Table.from_batches([batch.replace_schema_metadata(None) for batch in batches], LISTED)
    table = table.take(pc.sort_indices(table, [("warc_file", "ascending"), ("warc_offset", "ascending")]))
    with atomic_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=ROWS_A_GROUP)


def _sizes(folder: Path) -> dict[str, Json]:
    """WARC files that hold something, and the bytes that are to be read of them."""
    files, size = 0, 0
    for path in sorted(folder.glob("captures-*.parquet")):
        table = pq.read_table(path, columns=["warc_file", "warc_length"])
        files += pc.count_distinct(table["warc_file"]).as_py()
        size += pc.sum(table["warc_length"]).as_py() or 0
    return {"warc_files": files, "bytes": size}

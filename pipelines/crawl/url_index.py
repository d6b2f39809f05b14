"""Across snapshots, the one row of each canonical URL that later steps use: its newest capture.

newest-<snapshot>.bits, .rows    a flag for each row of the snapshot's pages (pipelines.row_flags)
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from evaluators.executors import LOCAL, ExecutorSettings
from evaluators.stages import Stage
from pipelines.crawl.newest import ROWS_A_TASK, SHARD_BITS, Captures, find_older, forget, older_in
from pipelines.crawl.settings import CrawlSettings
from pipelines.row_flags import Flags, consecutive, write_row_flags
from pipelines.storage import Artifact, Json


def write_url_index(
    folder: Path,
    settings: CrawlSettings,
    *,
    pages: Mapping[str, Artifact],
    executor: ExecutorSettings = LOCAL,
    rows_a_task: int = ROWS_A_TASK,
) -> dict[str, Json]:
    """The flags of every snapshot. Of equally new captures the later snapshot's is newest."""
    del settings  # the index depends on the pages alone
    shards = [(shard, snapshot) for snapshot in sorted(pages) for shard in pages[snapshot].files("pages-*.parquet")]
    captures = Captures.of([shard for shard, _ in shards], folder / "scratch", rows_a_task)
    find_older(captures, executor, label="URL index")
    newest = first = 0
    for snapshot in sorted(pages):
        last = first + sum(name == snapshot for _, name in shards)
        flags_of = _flags_of(captures, first, last)
        newest += write_row_flags(folder, f"newest-{snapshot}", captures.rows[first:last], flags_of)
        first = last
    forget(captures)
    rows = sum(captures.rows)
    return {"rows": newest, "captures": rows, "superseded": rows - newest}


def _flags_of(captures: Captures, first: int, last: int) -> Callable[[int], Flags]:
    """The flags of each shard of a snapshot, whose shards begin at `first`. Older captures are read for some shards at once."""
    ranges = [
        (first + begin, first + end) for begin, end in consecutive(captures.rows[first:last], captures.rows_a_task)
    ]
    ends = [end for _, end in ranges]
    older = lru_cache(maxsize=1)(lambda begin, end: older_in(captures, begin, end))

    def flags_of(number: int) -> Flags:
        shard = first + number
        places = older(*ranges[bisect_right(ends, shard)])
        begin, end = np.searchsorted(places, [shard << SHARD_BITS, (shard + 1) << SHARD_BITS])
        flags = np.ones(captures.rows[shard], np.bool_)
        flags[places[begin:end] - (shard << SHARD_BITS)] = False
        return flags

    return flags_of


URL_INDEX = Stage(
    name="url_index",
    version="2",
    write=write_url_index,
    inputs=("pages/*",),
    description="For every canonical URL, the newest snapshot that holds it: the one row that later steps use.",
    kinds=("parquet",),
    by_shards=True,
)

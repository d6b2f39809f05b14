"""Near-duplicates: a page is dropped only where it resembles, or is contained in, a page that stays.

MinHash bands and sampled shingles find candidates, the shingles themselves decide, and the best page of a site's copies
stays. What the pages of a site have in common (menus, licence) makes none of them alike, and pages that differ in their
numbers (exercises, exams, versions) are no copies of each other.

Out of core: every step is tasks over shards of pages or partitions of keys, which leave files in `scratch`; a run that was
killed goes on with what is left. A pair counts by its exact similarity, so neither the number of tasks nor the luck of a
hash decides what is a duplicate.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.duplicate_audit import write_audit
from pipelines.corpus.duplicate_tables import Block, Plan, is_made
from pipelines.corpus.page_tables import TableWriter, table_batches, table_shards
from pipelines.storage import Artifact, Json

if TYPE_CHECKING:
    from pipelines.corpus.duplicate_pairs import Staying

CLUSTERS = pa.schema(
    [
        ("row", pa.int64()),  # of the extracted table
        ("url_key", pa.string()),
        ("cluster", pa.int64()),  # the smallest row of those that one page stays for
        ("cluster_size", pa.int32()),
        ("kept", pa.bool_()),  # the page that stays
        ("kept_url_key", pa.string()),  # the page that stays for this one
        ("similarity", pa.float32()),  # Jaccard with it; null where this one stays
        ("contained", pa.float32()),  # share of this page's shingles that it has
    ]
)
SMALL = 500
"""Documents below which starting processes costs more than it saves."""


class NearDuplicateSettings(Settings):
    """What a near-duplicate is, and how hard it is looked for."""

    threshold: float = Field(
        default=0.8, gt=0, le=1
    )  # Jaccard of word 5-grams; the usual one (e.g. GPT-3, FineWeb 0.75)
    contained: float = Field(default=0.95, gt=0, le=1)
    """Share of a page's shingles that a page which stays must have. Ours: what is left is a line or two."""
    shingle: int = Field(default=5, ge=1)  # words; datatrove's default
    bands: int = Field(default=21, ge=1)  # 21 x 6: a pair at 0.8 shares a band with probability 0.998
    rows: int = Field(default=6, ge=1)  # hashes in a band
    series_numbers: int = Field(default=4, ge=1)
    """Numbers that differ, from which a page is another one of a series. Ours: a date and a counter are fewer."""
    series_share: float = Field(default=0.05, gt=0, le=1)
    """Of a page's shingles that hold such a number: a short exercise has fewer numbers."""
    frame_pages: int = Field(default=5, ge=2)
    """Pages of a site that have a line, from which it belongs to the frame; those with less than `own_words` do not count."""
    frame_share: float = Field(default=0.2, gt=0, le=1)  # of the site's pages that count
    own_words: int = Field(default=20, ge=1)
    """Words in lines that fewer than `frame_pages` pages of the site have. Ours: a sentence; a date and a name are fewer."""


def write_near_duplicates(
    folder: Path, settings: NearDuplicateSettings, *, extracted: Artifact, executor: ExecutorSettings = LOCAL
) -> dict[str, Json]:
    """Fill `folder` with clusters-*.parquet (CLUSTERS), one row for each extracted document, in order, and audit.md, a sample
    of what is dropped beside what stays for it."""
    from pipelines.corpus import duplicate_candidates, duplicate_frames, duplicate_pairs

    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    shards = table_shards(extracted)
    counts = [pq.read_metadata(shard).num_rows for shard in shards]
    plan = Plan.of(scratch, shards, counts, settings)
    few = plan.rows <= SMALL

    def each(work: Callable[[Plan, Block], None], blocks: Sequence[Block], label: str) -> None:
        run_shards(partial(work, plan), blocks, executor, done=is_made, label=label, here=few)

    each(duplicate_frames.read_lines, plan.blocks("lines", len(shards)), "reading lines")
    each(duplicate_frames.count_lines, plan.blocks("common", plan.partitions), "counting lines")
    duplicate_frames.join_lines(plan)
    each(duplicate_frames.count_pages, plan.blocks("own", len(shards)), "finding frames")
    duplicate_frames.join_frames(plan)
    each(duplicate_candidates.sign, plan.blocks("signed", len(shards)), "signing")
    duplicate_candidates.write_order(plan)
    each(duplicate_candidates.find_copies, plan.blocks("copies", plan.partitions), "finding copies")
    duplicate_candidates.join_copies(plan)
    each(duplicate_candidates.pair_up, plan.blocks("pairs", plan.partitions), "matching bands")
    each(duplicate_pairs.compare, plan.blocks("edges", plan.partitions), "comparing pairs")
    staying = duplicate_pairs.decide(plan)
    facts = _write_clusters(folder, extracted, staying)
    write_audit(folder / "audit.md", extracted, staying, settings)
    facts["rules"] = settings.model_dump(mode="json")
    facts |= {"pairs_compared": staying.compared, "series": staying.series, "frame_lines": staying.frame_lines}
    shutil.rmtree(scratch)
    return facts


NEAR_DUPLICATES = Stage(
    name="near_duplicates",
    version="2",
    write=write_near_duplicates,
    settings=NearDuplicateSettings,
    inputs=("extracted",),
    description="Near-duplicates (MinHash LSH): each page that is dropped resembles one that stays, which is named.",
    kinds=("parquet",),
    by_shards=True,
)


def _write_clusters(folder: Path, extracted: Artifact, staying: Staying) -> dict[str, Json]:
    sizes = np.bincount(staying.by, minlength=len(staying.by))
    smallest = np.full(len(staying.by), len(staying.by), np.int64)
    np.minimum.at(smallest, staying.by, np.arange(len(staying.by)))
    named: dict[int, str] = {}
    row = 0
    for batch in table_batches(extracted, ["url_key"]):
        wanted = np.flatnonzero(sizes[row : row + batch.num_rows] > 1)
        keys = batch["url_key"].take(pa.array(wanted)).to_pylist()
        named.update(zip((wanted + row).tolist(), keys, strict=True))
        row += batch.num_rows
    writer, row = TableWriter(folder, "clusters", CLUSTERS), 0
    for batch in table_batches(extracted, ["url_key"]):
        rows = np.arange(row, row + batch.num_rows)
        by = staying.by[rows]
        kept = by == rows
        keys = batch["url_key"].to_pylist()
        columns = {
            "row": pa.array(rows),
            "url_key": batch["url_key"],
            "cluster": pa.array(smallest[by]),
            "cluster_size": pa.array(sizes[by].astype(np.int32)),
            "kept": pa.array(kept),
            "kept_url_key": pa.array([named.get(one, own) for one, own in zip(by.tolist(), keys, strict=True)]),
            "similarity": pa.array(staying.similarity[rows], mask=kept),
            "contained": pa.array(staying.contained[rows], mask=kept),
        }
        writer.write(pa.table(columns))
        row += batch.num_rows
    return {
        "rows": writer.close(),
        "clusters": len(named),
        "duplicates": int(row - np.count_nonzero(sizes)),
        "largest": int(sizes.max(initial=0)),
    }

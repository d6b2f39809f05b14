"""The corpus with what new snapshots add: recalled by frozen models, or under prefixes that were accepted before.

A page that was collected and comes again with the same bytes stays as it is, with its capture: nothing of it is extracted
anew. One that comes again changed, and is recalled still, is replaced. One that is not recalled any more stays.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evaluators.executors import LOCAL, ExecutorSettings
from evaluators.stages import Stage
from pipelines.corpus.growth import GrowthSettings, write_corpus
from pipelines.corpus.page_tables import TableWriter, is_among, key_hashes, table_batches
from pipelines.figures import CorpusFacts
from pipelines.records import COLLECTED
from pipelines.storage import Artifact, Json, atomic_file

Hashes = npt.NDArray[np.uint64]


def write_refreshed(  # a stage's inputs are its arguments
    folder: Path,
    settings: GrowthSettings,
    *,
    previous: Artifact,
    recalled: Artifact,
    frozen: Artifact,
    pages: Mapping[str, Artifact],
    url_index: Artifact,
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Json]:
    """Fill `folder` with a COLLECTED table: the previous rows in their order, then changed pages and new ones.

    Facts count both, and the pages that came again unchanged.
    """
    before = CorpusFacts.of(previous)
    iteration = before.iteration or 0
    changed, unchanged = _come_again(previous, recalled)
    scratch = folder / "previous"
    kept = _without(scratch, previous, changed) if len(changed) else previous
    grown = write_corpus(
        folder,
        settings,
        previous=replace(kept, facts={**previous.facts, "converged": False, "rows": before.rows - len(changed)}),
        recalled=recalled,
        annotations=frozen,
        pages=pages,
        url_index=url_index,
        iteration=iteration,
        executor=executor,
    )
    shutil.rmtree(scratch, ignore_errors=True)
    new = grown["new_pages"] - len(changed)
    facts = {
        **grown,
        "overlap": round(1 - new / grown["found"], 4) if grown["found"] else 1.0,
        "converged": before.converged,
        "snapshots": sorted(pages),
        "updated_pages": len(changed),
        "unchanged_pages": unchanged,
        "new_pages": new,
    }
    with atomic_file(folder / "growth.json") as temporary:
        temporary.write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    return facts


REFRESHED = Stage(
    name="corpus",
    version="1",
    write=write_refreshed,
    settings=GrowthSettings,
    inputs=("previous", "recalled", "frozen", "pages/*", "url_index"),
    facts=CorpusFacts,
    description="The corpus that was grown, with the pages that new snapshots add to it or change in it.",
    kinds=("parquet",),
    by_shards=True,
)


def _come_again(previous: Artifact, recalled: Artifact) -> tuple[Hashes, int]:
    """The keys of collected pages that were recalled with other bytes, sorted; and how many were with the same.

    The seed's own texts have no capture and are never replaced.
    """
    keys, digests = _captures_of(recalled)
    changed = [np.zeros(0, np.uint64)]
    unchanged = 0
    for batch in table_batches(previous, ["url_key", "digest", "origin"]):
        here = key_hashes(batch["url_key"].to_pylist())
        captured = np.array([one is not None for one in batch["digest"].to_pylist()], np.bool_)
        again = is_among(here, keys) & captured
        places = np.searchsorted(keys, here[again])
        same = digests[places] == _hashes_of(batch["digest"].filter(pa.array(again)))
        changed.append(here[again][~same])
        unchanged += int(same.sum())
    return np.sort(np.concatenate(changed)), unchanged


def _captures_of(recalled: Artifact) -> tuple[Hashes, Hashes]:
    """Hashes of key and digest of each page, sorted by key."""
    keys, digests = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
    for batch in table_batches(recalled, ["url_key", "digest"]):
        keys.append(key_hashes(batch["url_key"].to_pylist()))
        digests.append(_hashes_of(batch["digest"]))
    joined = np.concatenate(keys)
    order = np.argsort(joined)
    return joined[order], np.concatenate(digests)[order]


def _hashes_of(column: pa.Array) -> Hashes:
    return key_hashes([said or "" for said in column.to_pylist()])


def _without(scratch: Path, previous: Artifact, changed: Hashes) -> Artifact:
    """The previous rows but for those that are replaced, in their order."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    writer = TableWriter(scratch, "corpus", COLLECTED)
    for batch in table_batches(previous):
        stays = ~is_among(key_hashes(batch["url_key"].to_pylist()), changed)
        writer.write(batch.filter(pa.array(stays)))
    writer.close()
    return Artifact(name=previous.name, place=scratch, content=previous.content, facts=previous.facts)

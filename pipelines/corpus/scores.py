"""Every page of a snapshot scored once per iteration: the log-odds that it is mathematics.

Row groups of the pages table are shared out among processes (fastText's threads would wait for Python's lock); their
rows come back in order, so the bytes do not depend on how many there are.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field
from tqdm import tqdm

from evaluators.records import Settings
from evaluators.stages import Stage
from evaluators.stages.fields import HowItRuns
from pipelines.corpus.linear import LinearClassifier
from pipelines.corpus.page_tables import BATCH, TableWriter, estimated_tokens, table_shards
from pipelines.figures import LoopFacts, ScoresFacts
from pipelines.records import SCORES
from pipelines.storage import Artifact, Json

COLUMNS = ["url_key", "domain", "language", "text", "markers", "words"]
SMALL = 4_000
"""Rows below which starting processes costs more than it saves."""
_classifier: LinearClassifier | None = None
"""Of a worker process: loaded once, used for all of its row groups."""


class ScoreSettings(Settings):
    """How pages are scored. How much of a page is read is the classifier's `characters`: both must see the same."""

    workers: HowItRuns[int] = Field(default=0, ge=0)  # processes; 0: one for each core, or one for few pages


def write_scores(folder: Path, settings: ScoreSettings, *, classifier: Artifact, pages: Artifact) -> dict[str, Json]:
    """Fill `folder` with the SCORES of one snapshot, one row for each page that has text, in the pages' order."""
    writer = TableWriter(folder, "scores", SCORES)
    if LoopFacts.of(classifier).converged:
        writer.close()
        return {"rows": 0, "pages": 0, "converged": True}
    groups = [
        (shard, group) for shard in table_shards(pages) for group in range(pq.read_metadata(shard).num_row_groups)
    ]
    total = sum(pq.read_metadata(shard).num_rows for shard in table_shards(pages))
    workers = settings.workers or (multiprocessing.cpu_count() if total > SMALL else 1)
    counted = 0
    with tqdm(total=total, desc="scoring", unit="page", disable=None) as progress:
        for tables, read in _scored(classifier.path, groups, workers):
            for table in tables:
                writer.write(table)
            counted += read - sum(table.num_rows for table in tables)
            progress.update(read)
    quality = {key: value for key, value in classifier.facts.items() if key.startswith("held_out")}
    return {"rows": writer.close(), "without_text": counted, "converged": False, "classifier": quality}


SCORES_STAGE = Stage(
    name="scores",
    version="1",
    write=write_scores,
    settings=ScoreSettings,
    inputs=("classifier", "pages"),
    facts=ScoresFacts,
    description="The log-odds that each page of one snapshot is mathematics.",
    kinds=("fasttext", "parquet"),
)


def _scored(classifier: Path, groups: list[tuple[Path, int]], workers: int) -> Iterator[tuple[list[pa.Table], int]]:
    if workers == 1:
        _load(classifier)
        yield from map(_score_group, groups)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_load, initargs=(classifier,)) as pool:
        waiting = [pool.submit(_score_group, group) for group in groups[: 2 * workers]]
        for position in range(len(groups)):  # a bounded number of results is ever held
            yield waiting.pop(0).result()
            if position + 2 * workers < len(groups):
                waiting.append(pool.submit(_score_group, groups[position + 2 * workers]))


def _load(folder: Path) -> None:
    global _classifier
    _classifier = LinearClassifier.load(folder)


def _score_group(place: tuple[Path, int]) -> tuple[list[pa.Table], int]:
    """The scores of one row group, and how many rows were read."""
    assert _classifier is not None
    shard, group = place
    tables, read = [], 0
    with pq.ParquetFile(shard) as file:
        for batch in file.iter_batches(batch_size=BATCH // 4, row_groups=[group], columns=COLUMNS):
            read += batch.num_rows
            rows = batch.filter(pc.is_valid(batch["text"]))
            margins = _classifier.margins(rows["text"].to_pylist())
            columns = [
                rows["url_key"],
                rows["domain"],
                rows["language"],
                pa.array(margins),
                estimated_tokens(rows["text"]),
                pc.or_(pc.fill_null(pc.greater(rows["markers"], 0), False), pc.fill_null(rows["words"], False)),
            ]
            tables.append(pa.table(columns, schema=SCORES))
    return tables, read

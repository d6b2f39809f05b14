"""Every page of a snapshot scored once per iteration: the log-odds that it is mathematics.

A shard of scores for each shard of pages, shared out among processes (fastText's threads would wait for Python's lock).
"""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.linear import LinearClassifier
from pipelines.corpus.page_tables import BATCH, TableWriter, estimated_tokens, table_shards
from pipelines.figures import LoopFacts, ScoresFacts
from pipelines.records import SCORES
from pipelines.storage import Artifact, Json, atomic_file

COLUMNS = ["url_key", "domain", "language", "text", "markers", "words"]
SMALL = 4_000
"""Rows below which starting processes costs more than it saves."""


class ScoreSettings(Settings):
    """Nothing is left to choose: how much of a page is read is the classifier's `characters`, since both must see the same."""


def write_scores(
    folder: Path,
    settings: ScoreSettings,
    *,
    classifier: Artifact,
    pages: Artifact,
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Json]:
    """Fill `folder` with the SCORES of one snapshot: a shard for each of the pages, a row for each page that has text."""
    del settings
    if LoopFacts.of(classifier).converged:
        TableWriter(folder, "scores", SCORES).close()
        return {"rows": 0, "pages": 0, "converged": True}
    sources = table_shards(pages)
    total = sum(pq.read_metadata(shard).num_rows for shard in sources)
    run_shards(
        partial(_score_shard, classifier.path),
        [(source, folder / f"scores-{number:05d}.parquet") for number, source in enumerate(sources)],
        executor,
        done=_is_scored,
        label="scoring",
        here=total <= SMALL,
    )
    rows = sum(pq.read_metadata(shard).num_rows for shard in folder.glob("scores-*.parquet"))
    quality = {key: value for key, value in classifier.facts.items() if key.startswith("held_out")}
    return {"rows": rows, "without_text": total - rows, "converged": False, "classifier": quality}


SCORES_STAGE = Stage(
    name="scores",
    version="2",
    write=write_scores,
    settings=ScoreSettings,
    inputs=("classifier", "pages"),
    facts=ScoresFacts,
    description="The log-odds that each page of one snapshot is mathematics.",
    kinds=("fasttext", "parquet"),
    by_shards=True,
)


def _is_scored(job: tuple[Path, Path]) -> bool:
    return job[1].exists()


@lru_cache(maxsize=1)
def _classifier(folder: Path) -> LinearClassifier:
    """Of a worker process: loaded once, used for all of its shards."""
    return LinearClassifier.load(folder)


def _score_shard(model: Path, job: tuple[Path, Path]) -> None:
    source, shard = job
    classifier, first, tables = _classifier(model), 0, [SCORES.empty_table()]
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(batch_size=BATCH // 4, columns=COLUMNS):
            places = pa.array(np.arange(first, first + batch.num_rows, dtype=np.int32))
            first += batch.num_rows
            has_text = pc.is_valid(batch["text"])
            rows = batch.filter(has_text)
            columns = [
                rows["url_key"],
                rows["domain"],
                rows["language"],
                pa.array(classifier.margins(rows["text"].to_pylist())),
                estimated_tokens(rows["text"]),
                pc.or_(pc.fill_null(pc.greater(rows["markers"], 0), False), pc.fill_null(rows["words"], False)),
                places.filter(has_text),
            ]
            tables.append(pa.table(columns, schema=SCORES))
    with atomic_file(shard) as temporary:
        table = pa.concat_tables(tables).combine_chunks()
        pq.write_table(table, temporary, compression="zstd", row_group_size=20_000)

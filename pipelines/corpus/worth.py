"""The worth of every page of a corpus: is it mathematics, what does it teach, and the tier that follows.

The loop asks where a page stands; this asks what it says. Of a mathematical site it finds the member lists and the
threading manuals, which teach the next classifier nothing and do not belong in the export.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.page_tables import BATCH, estimated_tokens, table_shards
from pipelines.figures import WorthFacts
from pipelines.records import WORTH
from pipelines.storage import Artifact, Json, atomic_file

SMALL = 2_000
"""Rows below which starting processes costs more than it saves."""
TIERS = (1, 2, 3)


class WorthSettings(Settings):
    """Where the tiers begin. The defaults were set on labelled pages, each site judged by a head that never saw it."""

    head: Path | None = None  # another than the project's, taught by one's own labels
    least_mathematics: float = -0.5  # log-odds; right for 87 % of what passes on labelled sites, for 40 to 59 on others
    good: float = Field(default=2.0, ge=0, le=5)  # teaching value from which a page is of tier 2: half of them
    best: float = Field(default=2.75, ge=0, le=5)  # and of tier 3: one in six


def write_worth(
    folder: Path, settings: WorthSettings, *, texts: Artifact, executor: ExecutorSettings = LOCAL
) -> dict[str, Json]:
    """worth-*.parquet (WORTH): a shard for each of the texts' (COLLECTED or EXTRACTED), a row for each row of it."""
    sources = table_shards(texts)
    jobs = [(source, folder / f"worth-{number:05d}.parquet") for number, source in enumerate(sources)]
    total = sum(pq.read_metadata(source).num_rows for source in sources)
    run_shards(partial(_judge_shard, settings), jobs, executor, done=_is_judged, label="worth", here=total <= SMALL)
    return _facts(folder, total)


WORTH_STAGE = Stage(
    name="worth",
    version="1",
    write=write_worth,
    settings=WorthSettings,
    inputs=("texts",),
    facts=WorthFacts,
    description="What each page is worth: log-odds that it is mathematics, what it teaches from 0 to 5, and its tier.",
    kinds=("parquet",),
    by_shards=True,
)


def _is_judged(job: tuple[Path, Path]) -> bool:
    return job[1].exists()


def _judge_shard(settings: WorthSettings, job: tuple[Path, Path]) -> None:
    from pipelines.corpus.page_worth import HEAD, figures_of, load_head

    source, shard = job
    head, tables = load_head(settings.head or HEAD), [WORTH.empty_table()]
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(batch_size=BATCH, columns=["url_key", "text"]):
            odds, teaching = head.judge(figures_of(text or "" for text in batch["text"].to_pylist()))
            tiers = pa.array(tiers_of(odds, teaching, settings))
            columns = [batch["url_key"], pa.array(odds), pa.array(teaching), tiers, estimated_tokens(batch["text"])]
            tables.append(pa.table(columns, schema=WORTH))
    with atomic_file(shard) as temporary:
        pq.write_table(pa.concat_tables(tables).combine_chunks(), temporary, compression="zstd", row_group_size=20_000)


def tiers_of(
    odds: npt.NDArray[np.float32], teaching: npt.NDArray[np.float32], settings: WorthSettings
) -> npt.NDArray[np.int32]:
    """0 where a page is no mathematics, else 1 to 3 by what it teaches."""
    value = 1 + (teaching >= settings.good).astype(np.int32) + (teaching >= max(settings.good, settings.best))
    tiers: npt.NDArray[np.int32] = np.where(odds >= settings.least_mathematics, value, 0).astype(np.int32)
    return tiers


def _facts(folder: Path, total: int) -> dict[str, Json]:
    pages, tokens = dict.fromkeys(range(4), 0), dict.fromkeys(range(4), 0)
    for shard in sorted(folder.glob("worth-*.parquet")):
        table = pq.read_table(shard, columns=["tier", "tokens"])
        tiers, sizes = table["tier"].to_numpy(), table["tokens"].to_numpy()
        for tier in pages:
            pages[tier] += int((tiers == tier).sum())
            tokens[tier] += int(sizes[tiers == tier].sum())
    return {
        "rows": total,
        "pages_by_tier": {str(tier): count for tier, count in pages.items()},
        "tokens_by_tier": {str(tier): count for tier, count in tokens.items()},
    }

"""The datatrove steps around the crawl step in bench/recall_pass.py: a common start, and scores of finished shards.

Here and not there, so that worker processes can import them by name.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep


class StartTogether(PipelineStep):
    """Loads and compiles what a worker needs, then waits for the other workers: what follows is work alone.
    The clock is the machine's.
    """

    name = "start together"
    type = "START"

    def __init__(self, folder: Path, evidence_table: Path, score: ScoreShards) -> None:
        super().__init__()
        self.folder, self.evidence_table, self.score = folder, evidence_table, score

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        warm_up(self.evidence_table, self.score)
        (self.folder / f"ready-{rank}").touch()
        patience = time.monotonic() + 120.0
        while len(list(self.folder.glob("ready-*"))) < world_size:
            if time.monotonic() > patience:
                raise TimeoutError(f"expected {world_size} workers to start; found fewer after two minutes")
            time.sleep(0.01)
        yield from data or ()
        (self.folder / f"started-{rank}").write_text(str(time.monotonic()))


def wall_time(folder: Path) -> float:
    """Seconds from the common start to the last worker's end."""
    return max(_told(folder, "ended")) - min(_told(folder, "started"))


def peak_memory(folder: Path) -> float:
    """KiB of the largest worker."""
    return max(_told(folder, "peak"))


def _told(folder: Path, what: str) -> list[float]:
    return [float(path.read_text()) for path in folder.glob(f"{what}-*")]


def warm_up(evidence_table: Path, score: ScoreShards) -> None:
    from pipelines.crawl.language import language_of
    from pipelines.crawl.page_rows import speaks_of_mathematics
    from pipelines.crawl.routing import evidence, weighs_enough
    from pipelines.crawl.text import cheap_text
    from pipelines.urls import registered_domain

    for text in ("compiled before the clock starts", "für beide Arten von Text"):
        language_of(text)
        weighs_enough(text, evidence_table)
        score.classifier.margins([text, f"{text}\n" * 60])
    cheap_text(b"<p>compiled before the clock starts")
    evidence(b"", words=False)
    speaks_of_mathematics("a line\n")
    registered_domain("example.org")


class ScoreShards(PipelineStep):
    """Margins of every stored text; the URLs above even odds go to a JSON file beside the shard."""

    name = "score"
    type = "SCORE"

    def __init__(self, model: Path) -> None:
        super().__init__()
        self.model = model

    @cached_property
    def classifier(self) -> Any:
        import fasttext

        from pipelines.corpus.linear import LinearClassifier
        from pipelines.corpus.normalisation import CHARACTERS

        return LinearClassifier.of_fasttext(fasttext.load_model(str(self.model)), CHARACTERS)

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        import pyarrow.parquet as pq

        for shard in data:
            pages = kept = 0
            found: list[str] = []
            urls: list[str] = []
            with pq.ParquetFile(shard.text) as file:
                for batch in file.iter_batches(1_000, columns=["url", "text"]):
                    pages += batch.num_rows
                    urls += batch["url"].to_pylist()
                    rows = batch.filter(batch["text"].is_valid())
                    kept += rows.num_rows
                    margins = self.classifier.margins(rows["text"].to_pylist())
                    found += [url for url, margin in zip(rows["url"].to_pylist(), margins, strict=True) if margin > 0]
            facts = {"pages": pages, "kept": kept, "found": found, "urls": urls}
            Path(shard.text).with_suffix(".json").write_text(json.dumps(facts))
            yield shard
            folder = Path(shard.text).parent
            (folder / f"ended-{rank}").write_text(str(time.monotonic()))
            (folder / f"peak-{rank}").write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))

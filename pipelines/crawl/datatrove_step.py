"""The crawl as a step of datatrove's, beside its own in a pipeline of somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from loguru import logger

from pipelines.crawl.crawl_step import outcomes_of, write_shard
from pipelines.crawl.settings import CrawlSettings


class WarcsToPages(PipelineStep):  # type: ignore[misc]  # datatrove's classes are not typed
    """Each rank takes its share of the WARC files. Yields one Document for each finished shard: its path and counts.

    A shard that exists is not made again, so a killed run goes on where it stopped.
    """

    name = "WARC to pages"
    type = "CRAWL"

    def __init__(
        self, warcs: list[tuple[str, Path]], settings: CrawlSettings, snapshot: str, *, quiet: bool = False
    ) -> None:
        super().__init__()
        self.warcs, self.settings, self.snapshot, self.quiet = warcs, settings, snapshot, quiet

    def __setstate__(self, state: dict[str, Any]) -> None:
        """In a worker process: the first that runs there, so that datatrove's own log lines can be left out."""
        self.__dict__.update(state)
        if self.quiet:
            logger.disable("datatrove")

    def run(self, data: Iterator[Document] | None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        if data:
            yield from data
        for path, shard in self.warcs[rank::world_size]:
            with self.track_time("WARC file"):
                if not shard.exists():
                    write_shard(path, shard, self.settings, self.snapshot)
                outcomes = outcomes_of(shard)
            for outcome, count in outcomes.items():
                self.stat_update(outcome, value=count)
            yield Document(text=str(shard), id=Path(path).name, metadata=dict(outcomes))

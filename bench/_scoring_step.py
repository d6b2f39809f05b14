"""Scores of the shards that the crawl step finished, as a datatrove step; part of bench/recall_pass.py.

Here and not there, so that worker processes can import it by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep


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

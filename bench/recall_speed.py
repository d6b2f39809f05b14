"""Stored pages scored per second: a trained model of the paper's size (dim 256, 3-grams), pages of 2 KB of text.

python -m bench.recall_speed                 40,000 invented pages, scored by one process and by two
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evaluators.executors import LocalExecutor
from pipelines.corpus.fasttext_training import Shape, train
from pipelines.corpus.linear import LinearClassifier
from pipelines.corpus.normalisation import CHARACTERS, line
from pipelines.corpus.scores import ScoreSettings, write_scores
from pipelines.records import PAGES
from pipelines.storage import Artifact

LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))
BYTES = 2_000
PAPER = Shape(dim=256, learning_rate=0.1, ngrams=3, least_count=3, epochs=3, bucket=2_000_000)  # §2.1


def invented_texts(count: int, draw: np.random.Generator) -> list[str]:
    """Prose of 30,000 words in Zipf's proportions, with line breaks and full stops: 2 KB each."""
    words = np.array(["".join(draw.choice(LETTERS, draw.integers(2, 11))) for _ in range(30_000)])
    texts = []
    for _ in range(count):
        found = words[np.minimum(draw.zipf(1.2, 420) - 1, len(words) - 1)]
        texts.append(". \n".join(" ".join(found[at : at + 15]) for at in range(0, len(found), 15))[:BYTES])
    return texts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=40_000)
    pages = parser.parse_args().pages
    texts = invented_texts(pages, np.random.default_rng(5))
    with tempfile.TemporaryDirectory(prefix="recall-speed-") as scratch:
        crawl, model = Artifact(name="pages", place=Path(scratch, "pages"), content=""), Path(scratch, "model")
        for folder in (crawl.path, model):
            folder.mkdir()
        rows = [{"url_key": str(n), "domain": "d", "language": "en", "text": text} for n, text in enumerate(texts)]
        pq.write_table(
            pa.Table.from_pylist(rows, schema=PAGES), crawl.path / "pages-00000.parquet", row_group_size=2_000
        )
        lines = [line(text) for text in texts[:1_000]]
        fasttext = train(lines[:500], lines[500:], PAPER, Path(scratch, "training.tmp"))
        LinearClassifier.of_fasttext(fasttext, CHARACTERS).save(model)
        print("| processes | pages/s, wall time | pages/s of CPU time, all processes | UTF-8 bytes a page |")
        print("| --- | --- | --- | --- |")
        for workers in (1, 2):
            wall, cpu = _scored(Path(scratch, f"scores-{workers}"), model, crawl, workers)
            size = sum(len(text.encode()) for text in texts) / pages
            print(f"| {workers} | {pages / wall:,.0f} | {pages / cpu:,.0f} | {size:,.0f} |")
    return 0


def _scored(folder: Path, model: Path, crawl: Artifact, workers: int) -> tuple[float, float]:
    """Seconds of wall and of CPU time, start of the processes included."""
    folder.mkdir()
    classifier = Artifact(name="classifier", place=model, content="")
    started, clock = _cpu(), time.perf_counter()
    facts = write_scores(
        folder, ScoreSettings(), classifier=classifier, pages=crawl, executor=LocalExecutor(workers=workers)
    )
    assert facts["rows"] == len(pq.read_table(crawl.path / "pages-00000.parquet", columns=["url_key"]))
    return time.perf_counter() - clock, _cpu() - started


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    sys.exit(main())

"""fastText that tells pages of mathematics from others."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.corpus.page_tables import CorpusError
from pipelines.fasttext_model import Shape as Shape
from pipelines.fasttext_model import train_lines


def train(
    positives: Sequence[str], negatives: Sequence[str], shape: Shape, scratch: Path, *, progress: bool = False
) -> Any:
    """A model of one-line texts; the smaller class is repeated, so that margin 0 means even odds.

    Raises CorpusError where a class is empty or nothing is learnt.
    """
    if not positives or not negatives:
        raise CorpusError(
            f"the classifier needs two classes: expected positives and negatives; found {len(positives)} and "
            f"{len(negatives)}. Give a larger seed, or a crawl with pages that are not mathematics."
        )
    size = max(len(positives), len(negatives))
    lines = [f"__label__math {positives[i % len(positives)]}" for i in range(size)]
    lines += [f"__label__other {negatives[i % len(negatives)]}" for i in range(size)]
    random.Random(0).shuffle(lines)
    try:
        return train_lines(lines, shape, scratch, progress=progress)
    except (RuntimeError, ValueError) as error:
        raise CorpusError(
            f"fastText could not learn from {len(positives)} positives and {len(negatives)} negatives: {error}. "
            "Expected words that occur at least `least_count` times; give a larger seed or lower it."
        ) from error

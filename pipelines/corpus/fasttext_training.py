"""fastText trained so that the same lines give the same bytes."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.corpus.page_tables import CorpusError

M_PERTURB = -6  # of glibc's malloc.h
ZEROED = 0xFF
"""M_PERTURB fills what malloc gives with the complement of this byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What fastText is told."""

    dim: int
    learning_rate: float
    ngrams: int
    least_count: int
    epochs: int
    bucket: int


def train(
    positives: Sequence[str], negatives: Sequence[str], shape: Shape, scratch: Path, *, progress: bool = False
) -> Any:
    """A model of one-line texts; the smaller class is repeated, so that margin 0 means even odds.

    Raises CorpusError where a class is empty or nothing is learnt.
    """
    import fasttext

    if not positives or not negatives:
        raise CorpusError(
            f"the classifier needs two classes: expected positives and negatives; found {len(positives)} and "
            f"{len(negatives)}. Give a larger seed, or a crawl with pages that are not mathematics."
        )
    _perturb(ZEROED)
    size = max(len(positives), len(negatives))
    lines = [f"__label__math {positives[i % len(positives)]}" for i in range(size)]
    lines += [f"__label__other {negatives[i % len(negatives)]}" for i in range(size)]
    random.Random(0).shuffle(lines)
    try:
        scratch.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return fasttext.train_supervised(
            str(scratch),
            dim=shape.dim,
            lr=shape.learning_rate,
            wordNgrams=shape.ngrams,
            minCount=shape.least_count,
            epoch=shape.epochs,
            bucket=shape.bucket,
            thread=1,  # the only number of threads with which two trainings agree
            verbose=2 if progress else 0,  # fastText's own line, with its ETA
        )
    except (RuntimeError, ValueError) as error:
        raise CorpusError(
            f"fastText could not learn from {len(positives)} positives and {len(negatives)} negatives: {error}. "
            "Expected words that occur at least `least_count` times; give a larger seed or lower it."
        ) from error
    finally:
        _perturb(0)
        scratch.unlink(missing_ok=True)


def _perturb(byte: int) -> None:
    """Make malloc give zeroed memory (ZEROED), or memory as it comes (0).

    With one thread fastText 0.9.2 and later initialise a tenth of the input matrix and leave the rest as the memory
    was (DenseMatrix::uniform): after other work in the process, garbage, "Encountered NaN" or a different model.
    """
    try:
        ctypes.CDLL(None).mallopt(M_PERTURB, byte)
    except (OSError, AttributeError):  # not glibc: macOS and musl map large blocks freshly by themselves
        return

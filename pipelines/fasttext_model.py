"""fastText trained so that the same lines give the same bytes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def train_lines(lines: Sequence[str], shape: Shape, scratch: Path, *, progress: bool = False) -> Any:
    """A model of lines that begin with their label. Raises RuntimeError and ValueError as fastText does."""
    import fasttext

    _perturb(ZEROED)
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

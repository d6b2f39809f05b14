"""What the steps of near-deduplication leave for each other: arrays in files, by part of the pages or partition of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipelines.storage import atomic_file

if TYPE_CHECKING:
    from pipelines.corpus.near_duplicates import NearDuplicateSettings

KEYS_A_PAGE = 70  # of bands and samples; more than of lines, on most pages
KEYS_A_PARTITION = 4_000_000
"""Held at once: 64 MB, and as much again while they are sorted."""
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One task: a shard of pages, or a partition of keys, by its number, and the file that it writes."""

    number: int
    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the work is cut."""

    scratch: Path
    shards: tuple[Path, ...]
    starts: tuple[int, ...]
    """The first row of each shard among all, and their number."""
    partitions: int
    settings: NearDuplicateSettings

    @classmethod
    def of(cls, scratch: Path, shards: Sequence[Path], counts: Sequence[int], settings: NearDuplicateSettings) -> Plan:
        starts = tuple(np.cumsum([0, *counts]).tolist())
        partitions = -(-starts[-1] * KEYS_A_PAGE // KEYS_A_PARTITION) or 1
        return cls(scratch=scratch, shards=tuple(shards), starts=starts, partitions=partitions, settings=settings)

    @property
    def rows(self) -> int:
        return self.starts[-1]

    def blocks(self, name: str, count: int) -> list[Block]:
        return [Block(number=number, path=self.scratch / f"{name}-{number:06d}.npy") for number in range(count)]

    def file(self, name: str) -> Path:
        return self.scratch / f"{name}.npy"

    def beside(self, number: int, name: str) -> Path:
        """A file that the signing of a shard leaves beside its own."""
        return self.scratch / f"{name}-{number:06d}.npy"


def is_made(block: Block) -> bool:
    return block.path.exists()


def save(path: Path, array: npt.NDArray[Any]) -> None:
    """Whole or not at all."""
    with atomic_file(path) as temporary, temporary.open("wb") as handle:
        np.save(handle, array)


HEADER = 128
"""Bytes of a .npy file of one dimension before its data: numpy/lib/format.py, version 1.0, padded to 64."""


@contextmanager
def growing(path: Path, dtype: npt.DTypeLike) -> Iterator[Callable[[npt.NDArray[Any]], None]]:
    """A .npy file of one dimension that takes one array after the other, so that none of them need be held. Whole or not at all."""
    with atomic_file(path) as temporary, temporary.open("wb") as handle:
        handle.write(bytes(HEADER))
        rows = 0

        def add(array: npt.NDArray[Any]) -> None:
            nonlocal rows
            rows += len(array)
            handle.write(np.ascontiguousarray(array, dtype).data)

        yield add
        about = f"{{'descr': '{np.dtype(dtype).str}', 'fortran_order': False, 'shape': ({rows},), }}"
        handle.seek(0)
        handle.write(b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little"))
        handle.write(about.ljust(HEADER - 11).encode("ascii") + b"\n")


def save_sorted(path: Path, *columns: npt.NDArray[np.uint64]) -> None:
    """uint64[columns, rows], sorted by the first: a partition of its keys is one slice."""
    order = np.argsort(columns[0], kind="stable")
    save(path, np.stack([column[order] for column in columns]) if columns else np.zeros((1, 0), np.uint64))


def slice_of(path: Path, number: int, partitions: int) -> npt.NDArray[np.uint64]:
    """The columns whose keys fall into a partition."""
    table = np.load(path, mmap_mode="r")
    first, last = (number << 64) // partitions, ((number + 1) << 64) // partitions
    begin = int(np.searchsorted(table[0], np.uint64(first)))
    end = table.shape[1] if last == 1 << 64 else int(np.searchsorted(table[0], np.uint64(last)))
    return np.array(table[:, begin:end])


def runs_of(values: npt.NDArray[Any]) -> tuple[Rows, Rows]:
    """Where each run of equal values of a sorted array begins and ends."""
    edges = (
        np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1], [True]))) if len(values) else np.zeros(1, int)
    )
    return edges[:-1].astype(np.int64), edges[1:].astype(np.int64)

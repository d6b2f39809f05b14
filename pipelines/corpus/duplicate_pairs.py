"""Candidate pairs compared exactly, and which pages stay.

Import in functions: numba takes a second.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.compiled import compiled
from evaluators.leaks.words import Hashes
from pipelines.corpus.duplicate_tables import HEADER, Block, Plan, Rows, save
from pipelines.corpus.shingles import Overlap, overlap

EDGES = np.dtype([("better", "<i8"), ("page", "<i8"), ("similarity", "<f4"), ("contained", "<f4"), ("series", "?")])
OPEN_FILES = 32
"""Files of shingles that are open at once; a process may usually open 1,024."""
SAMPLED = 2  # keys of a sample that a pair must share


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Staying:
    """What becomes of each page."""

    by: Rows
    """The page that stays for it: itself, where it stays."""
    similarity: npt.NDArray[np.float32]
    contained: npt.NDArray[np.float32]
    compared: int
    series: int
    """Pairs alike that differ in their numbers."""
    frame_lines: int


def compare(plan: Plan, block: Block) -> None:
    """The pairs of a range of better pages that are alike (EDGES)."""
    first, last = (plan.rows * place // plan.partitions for place in (block.number, block.number + 1))
    pairs, compared = _pairs_of(plan, first, last), 0
    shingles, found = _Shingles(plan), []
    settings = plan.settings
    for better, page in pairs.T.tolist():
        one = overlap(shingles[better], shingles[page])
        compared += 1
        if one.jaccard >= settings.threshold or one.contained >= settings.contained:
            series = is_series(one, settings.shingle, settings.series_numbers, settings.series_share)
            found.append((better, page, one.jaccard, one.contained, series))
    found.append((-1, compared, 0, 0, False))  # how many there were, for the figures
    save(block.path, np.array(found, EDGES))


def is_series(one: Overlap, size: int, numbers: int, share: float) -> bool:
    """Whether pages alike differ in numbers of their text: exercises, exams, versions."""
    return one.numbers >= size and (one.numbers >= numbers * size or one.numbers >= share * one.second)


def _pairs_of(plan: Plan, first: int, last: int) -> Rows:
    """Distinct (better, page) of all partitions whose better page is in the range: by a band, or by enough of a sample."""
    parts = []
    for block in plan.blocks("pairs", plan.partitions):
        own = np.load(block.path, mmap_mode="r")
        begin, end = np.searchsorted(own[0], [first, last])
        parts.append(np.array(own[:, begin:end]))
    table: Rows = np.concatenate([np.zeros((3, 0), np.int64), *parts], axis=1)
    table = table[:, np.lexsort((table[1], table[0]))]
    if not table.shape[1]:
        return np.zeros((2, 0), np.int64)
    new = np.ones(table.shape[1], np.bool_)
    new[1:] = (table[:2, 1:] != table[:2, :-1]).any(axis=0)
    begins = np.flatnonzero(new)
    sampled = np.add.reduceat(table[2], begins)
    size = np.diff(np.append(begins, table.shape[1]))
    wanted = (sampled < size) | (sampled >= SAMPLED)
    pairs: Rows = table[:2, begins[wanted]]
    return pairs


class _Shingles:
    """Each page's shingles, read from the files of its part."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._starts = plan, np.array(plan.starts)
        self._open: OrderedDict[int, tuple[int, Rows]] = OrderedDict()

    def __getitem__(self, row: int) -> Hashes:
        part = int(np.searchsorted(self._starts, row, side="right")) - 1
        descriptor, ends = self._part(part)
        inside = row - int(self._starts[part])
        begin, end = int(ends[inside - 1]) if inside else 0, int(ends[inside])
        return np.frombuffer(os.pread(descriptor, 8 * (end - begin), HEADER + 8 * begin), np.uint64)

    def _part(self, part: int) -> tuple[int, Rows]:
        if part not in self._open:
            if len(self._open) == OPEN_FILES:
                os.close(self._open.popitem(last=False)[1][0])
            path = self._plan.beside(part, "sets")
            self._open[part] = os.open(path, os.O_RDONLY), np.load(self._plan.beside(part, "ends"))
        self._open.move_to_end(part)
        return self._open[part]

    def __del__(self) -> None:
        for descriptor, _ in self._open.values():
            os.close(descriptor)


def decide(plan: Plan) -> Staying:
    """The best first: a page is dropped where one that stays is alike; of several the most alike stays for it."""
    position = np.load(plan.file("position"))
    edges = np.concatenate([np.load(block.path) for block in plan.blocks("edges", plan.partitions)])
    counts = edges["better"] < 0
    compared, edges = int(edges["page"][counts].sum()), edges[~counts]
    series, edges = int(edges["series"].sum()), edges[~edges["series"]]
    edges = edges[np.lexsort((position[edges["better"]], -edges["similarity"], position[edges["page"]]))]
    by, similarity = np.arange(plan.rows, dtype=np.int64), np.ones(plan.rows, np.float32)
    contained = np.ones(plan.rows, np.float32)
    _stay(edges["better"], edges["page"], edges["similarity"], edges["contained"], by, similarity, contained)
    copy_of = np.load(plan.file("copy_of"))
    copies = np.flatnonzero(copy_of != np.arange(plan.rows))
    for column in (by, similarity, contained):  # what became of the best of them becomes of all
        column[copies] = column[copy_of[copies]]
    frame = len(np.load(plan.file("frame"), mmap_mode="r"))
    return Staying(
        by=by, similarity=similarity, contained=contained, compared=compared, series=series, frame_lines=frame
    )


@compiled
def _stay(
    better: Rows,
    pages: Rows,
    alike: npt.NDArray[np.float32],
    within: npt.NDArray[np.float32],
    by: Rows,
    similarity: npt.NDArray[np.float32],
    contained: npt.NDArray[np.float32],
) -> None:
    for edge in range(len(pages)):
        page, other = pages[edge], better[edge]
        if by[page] == page and by[other] == other:
            by[page], similarity[page], contained[page] = other, alike[edge], within[edge]

"""Pages as sets of shingles, and the pairs of them that may be duplicates: one band of MinHash in common, or two of a sample
of shingles, of which a page that contains another has all of the other's.

Import in functions: numba takes a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evaluators.compiled import compiled
from pipelines.corpus.duplicate_frames import site_hashes
from pipelines.corpus.duplicate_tables import Block, Plan, Rows, growing, runs_of, save, save_sorted, slice_of
from pipelines.corpus.page_tables import table_batches
from pipelines.corpus.shingles import mixed, shingle_hashes

if TYPE_CHECKING:
    from pipelines.corpus.near_duplicates import NearDuplicateSettings

ALL_PAIRS = 48
"""Pages with one key that are all paired; of more, each with the BEST of them and with those NEXT to it in the order."""
BEST, NEXT = 16, 8
SAMPLE = 16
"""One shingle of so many is a key of its own; one that more than ALL_PAIRS pages have says nothing."""
LEAST = 48  # shingles of a page that is looked for in others: three of them are keys, on average
_MULTIPLIER, _FINAL = np.uint64(6364136223846793005), np.uint64(0xBF58476D1CE4E5B9)  # Knuth's MMIX; splitmix64
Keys = npt.NDArray[np.uint64]


def sign(plan: Plan, block: Block) -> None:
    """Of a shard: its pages' shingles (sets, ends), their keys with their pages (bands, samples, contents), and their ranks,
    which are written last."""
    settings, frame = plan.settings, np.load(plan.file("frame"), mmap_mode="r")
    first, sizes, ranks = plan.starts[block.number], list[int](), list[int]()
    bands, samples, contents = ([np.zeros((2, 0), np.uint64)] for _ in range(3))
    columns = ["text", "domain", "truncated", "formulas", "url_key"]
    with growing(plan.beside(block.number, "sets"), np.uint64) as add:
        for batch in table_batches(plan.shards[block.number], columns):
            rows = batch.to_pylist()
            sites = site_hashes([row["domain"] for row in rows]).tolist()
            own = [
                shingle_hashes(row["text"] or "", settings.shingle, frame, site)
                for row, site in zip(rows, sites, strict=True)
            ]
            pages = np.arange(first + len(sizes), first + len(sizes) + len(own)).astype(np.uint64)
            for found, keys in zip((bands, samples, contents), _keys(own, pages, settings), strict=True):
                found.append(keys)
            add(np.concatenate([np.zeros(0, np.uint64), *own]))
            sizes += map(len, own)
            ranks += map(rank_of, rows)
    for name, found in (("bands", bands), ("samples", samples), ("contents", contents)):
        save_sorted(plan.beside(block.number, name), *np.concatenate(found, axis=1))
    save(plan.beside(block.number, "ends"), np.cumsum(sizes, dtype=np.int64))
    save(block.path, np.array(ranks, np.uint64))


def _keys(sets: list[Keys], pages: Keys, settings: NearDuplicateSettings) -> tuple[Keys, Keys, Keys]:
    """uint64[2, keys] each of bands, samples and contents: the keys of some pages, and whose they are."""
    sizes = np.array([len(one) for one in sets], np.int64)
    some = np.flatnonzero(sizes)
    sampled = mixed(np.concatenate([np.zeros(0, np.uint64), *sets]))
    chosen = (sampled % np.uint64(SAMPLE) == 0) & np.repeat(sizes >= LEAST, sizes)
    bands = _band_keys(sets, settings.bands, settings.rows)[some]
    contents = np.array([mixed(one).sum(dtype=np.uint64) for one in sets], np.uint64)
    return (
        np.stack([bands.ravel(), np.repeat(pages[some], settings.bands)]),
        np.stack([sampled[chosen] * _MULTIPLIER, np.repeat(pages, sizes)[chosen]]),
        np.stack([mixed(contents[some]), pages[some]]),
    )


def _band_keys(sets: list[Keys], bands: int, rows: int) -> Keys:
    """uint64[pages, bands]."""
    from rensa import RMinHash

    flat = mixed(np.concatenate([np.zeros(0, np.uint64), *sets]))
    offsets = np.cumsum([0, *map(len, sets)]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, bands * rows, 1)
    digests = np.array(matrix.to_rows(), dtype=np.uint64).reshape(len(sets), bands, rows)
    keys = np.broadcast_to(np.arange(1, bands + 1, dtype=np.uint64) * _FINAL, (len(sets), bands)).copy()
    for row in range(rows):
        keys = (keys ^ digests[:, :, row]) * _MULTIPLIER + _FINAL
        keys ^= keys >> np.uint64(31)
    return mixed(keys)


def rank_of(row: Mapping[str, object]) -> int:
    """A larger one is better: whole before truncated, then formulas, then length, then a short URL: mirrors tend to have
    longer ones."""
    formulas, text, key = row["formulas"] or 0, row["text"] or "", row["url_key"] or ""
    assert isinstance(formulas, int) and isinstance(text, str) and isinstance(key, str)
    parts = ((row["truncated"] is None, 1), (formulas, 21), (len(text), 30), (4_095 - min(len(key), 4_095), 12))
    rank = 0
    for value, bits in parts:
        rank = rank << bits | min(int(value), (1 << bits) - 1)
    return rank


def write_order(plan: Plan) -> None:
    """position.npy: each page's place in the order, the best first; the first row among equals."""
    if plan.file("position").exists():
        return
    ranks = np.concatenate(
        [np.zeros(0, np.uint64), *(np.load(b.path) for b in plan.blocks("signed", len(plan.shards)))]
    )
    position = np.empty(len(ranks), np.int64)
    position[np.argsort(~ranks, kind="stable")] = np.arange(len(ranks))
    save(plan.file("position"), position)


def find_copies(plan: Plan, block: Block) -> None:
    """(page, the best page of the same shingles) of a partition of contents."""
    keys, pages = _partition(plan, block, "contents")
    position = np.load(plan.file("position"), mmap_mode="r")
    order = np.lexsort((position[pages], keys))
    keys, pages = keys[order], pages[order]
    begins, ends = runs_of(keys)
    best = np.repeat(pages[begins], ends - begins) if len(keys) else pages
    others = best != pages
    save(block.path, np.stack([pages[others], best[others]]))


def join_copies(plan: Plan) -> None:
    """copy_of.npy: of each page the best one of the same shingles; itself where it is that."""
    if plan.file("copy_of").exists():
        return
    copy_of = np.arange(plan.rows, dtype=np.int64)
    for block in plan.blocks("copies", plan.partitions):
        pages, best = np.load(block.path)
        copy_of[pages] = best
    save(plan.file("copy_of"), copy_of)


def pair_up(plan: Plan, block: Block) -> None:
    """(better page, other page, of a sample) for each pair of a partition's keys, sorted; copies are left out."""
    position = np.load(plan.file("position"), mmap_mode="r")
    copy_of = np.load(plan.file("copy_of"), mmap_mode="r")
    found = [np.zeros((3, 0), np.int64)]
    for name in ("bands", "samples"):
        keys, pages = _partition(plan, block, name)
        own = copy_of[pages] == pages
        keys, pages = keys[own], pages[own]
        places = position[pages]
        order = np.lexsort((places, keys))
        begins, ends = runs_of(keys[order])
        several = (ends - begins > 1) & ((ends - begins <= ALL_PAIRS) | (name == "bands"))
        begins, ends = begins[several], ends[several]
        pairs = np.empty((_count_pairs(begins, ends), 2), np.int64)
        _fill_pairs(pages[order], begins, ends, pairs)
        found.append(np.stack([pairs[:, 0], pairs[:, 1], np.full(len(pairs), name == "samples", np.int64)]))
    table = np.concatenate(found, axis=1)
    save(block.path, table[:, np.lexsort((table[1], table[0]))])


def _partition(plan: Plan, block: Block, name: str) -> tuple[Keys, Rows]:
    parts = [slice_of(plan.beside(part, name), block.number, plan.partitions) for part in range(len(plan.shards))]
    table = np.concatenate([np.zeros((2, 0), np.uint64), *parts], axis=1)
    return table[0], table[1].astype(np.int64)


@compiled
def _count_pairs(begins: Rows, ends: Rows) -> int:
    total = 0
    for run in range(len(begins)):
        size = ends[run] - begins[run]
        for place in range(size):
            total += place if size <= ALL_PAIRS else min(place, BEST) + min(max(place - BEST, 0), NEXT)
    return total


@compiled
def _fill_pairs(pages: Rows, begins: Rows, ends: Rows, pairs: npt.NDArray[np.int64]) -> None:
    """Of each run of pages, the best first."""
    count = 0
    for run in range(len(begins)):
        begin, size = begins[run], ends[run] - begins[run]
        for place in range(size):
            for before in range(place):
                if size <= ALL_PAIRS or before < BEST or before >= place - NEXT:
                    pairs[count, 0], pairs[count, 1] = pages[begin + before], pages[begin + place]
                    count += 1

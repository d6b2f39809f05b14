"""The frame of a site: lines that many of its pages have, each beside text of its own.

A page that stands on a site a dozen times is no frame: its lines are on many pages, but these have nothing else. So a line
counts where a page also has enough words in lines that few pages of the site have.

Import in functions: numba takes a second.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluators.leaks.words import raw_words
from pipelines.corpus.duplicate_tables import Block, Plan, growing, runs_of, save, save_sorted, slice_of
from pipelines.corpus.page_tables import key_hashes, table_batches
from pipelines.corpus.shingles import line_keys

Keys = npt.NDArray[np.uint64]


def read_lines(plan: Plan, block: Block) -> None:
    """Of a shard of pages: its lines in order with their words and where each page ends, and (line on its site, 1), sorted.
    Each page stands as a line of its site, without words, as well."""
    distinct, ends, size = [np.zeros(0, np.uint64)], list[int](), 0
    lines, words = (plan.beside(block.number, name) for name in ("page_lines", "page_words"))
    with growing(lines, np.uint64) as add_lines, growing(words, np.uint32) as add_words:
        for batch in table_batches(plan.shards[block.number], ["text", "domain"]):
            of_site = site_hashes(batch["domain"].to_pylist())
            for text, site in zip(batch["text"], of_site, strict=True):
                own, lengths = line_keys(raw_words(text.as_py() or ""), int(site))
                add_lines(np.append(own, site))
                add_words(np.append(lengths, 0))
                size += len(own) + 1
                ends.append(size)
                distinct += [np.unique(own), np.array([site], np.uint64)]
            distinct = [_joined(distinct)]
    save(plan.beside(block.number, "page_ends"), np.array(ends, np.int64))
    save_sorted(block.path, distinct[0])


def count_lines(plan: Plan, block: Block) -> None:
    """The lines of a partition that many pages of their site have."""
    parts = [slice_of(plan.beside(part, "lines"), block.number, plan.partitions)[0] for part in range(len(plan.shards))]
    keys = np.sort(_joined(parts))
    begins, ends = runs_of(keys)
    save(block.path, keys[begins[ends - begins >= plan.settings.frame_pages]])


def join_lines(plan: Plan) -> None:
    """common.npy: the lines that many pages of their site have, sorted."""
    if not plan.file("common").exists():
        save(plan.file("common"), np.sort(_joined([np.load(b.path) for b in plan.blocks("common", plan.partitions)])))


def count_pages(plan: Plan, block: Block) -> None:
    """Of a shard: (row of a common line, its site's row, pages that have it beside enough words of their own)."""
    common = np.load(plan.file("common"), mmap_mode="r")
    keys, words = (np.load(plan.beside(block.number, name)) for name in ("page_lines", "page_words"))
    ends = np.load(plan.beside(block.number, "page_ends"))
    pages = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    rows = np.searchsorted(common, keys)
    shared = common[np.minimum(rows, len(common) - 1)] == keys if len(common) else np.zeros(len(keys), np.bool_)
    own = np.bincount(pages[~shared], words[~shared], len(ends))
    wanted = shared & (own >= plan.settings.own_words)[pages] if len(ends) else shared
    pairs = np.unique(np.stack([pages[wanted], rows[wanted]]), axis=1)
    sites = np.searchsorted(common, keys[ends - 1])[pairs[0]] if len(ends) else pairs[0]
    lines, first, counts = np.unique(pairs[1], return_index=True, return_counts=True)
    save(block.path, np.stack([lines, sites[first], counts]))


def join_frames(plan: Plan) -> None:
    """frame.npy: the lines that are frame, sorted."""
    if plan.file("frame").exists():
        return
    common = np.load(plan.file("common"))
    pages, site_of = np.zeros(len(common), np.int64), np.arange(len(common))
    for block in plan.blocks("own", len(plan.shards)):
        lines, sites, counts = np.load(block.path)
        pages[lines] += counts
        site_of[lines] = sites
    enough = (pages >= plan.settings.frame_pages) & (pages >= plan.settings.frame_share * pages[site_of])
    enough &= site_of != np.arange(len(common))
    save(plan.file("frame"), common[enough])


def site_hashes(domains: list[str | None]) -> Keys:
    return key_hashes([domain or "" for domain in domains])


def _joined(parts: list[Keys]) -> Keys:
    return np.concatenate([np.zeros(0, np.uint64), *parts])

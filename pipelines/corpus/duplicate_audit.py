"""A sample of what near-deduplication drops, for a person to read: each page beside the one that stays for it, and what
differs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from pipelines.corpus.normalisation import excerpt
from pipelines.corpus.page_tables import table_batches, table_shards
from pipelines.storage import Artifact, Json, atomic_file

if TYPE_CHECKING:
    from pipelines.corpus.duplicate_pairs import Staying
    from pipelines.corpus.near_duplicates import NearDuplicateSettings

SAMPLED = 60  # pages; an interval of 13 points at most around the share that is judged wrong
LINES = 6  # of either page, that the other does not have
LENGTH = 240  # characters of a line that is shown


def write_audit(path: Path, extracted: Artifact, staying: Staying, settings: NearDuplicateSettings) -> None:
    dropped = np.flatnonzero(staying.by != np.arange(len(staying.by)))
    chosen = np.sort(np.random.default_rng(0).choice(dropped, min(SAMPLED, len(dropped)), replace=False))
    pages = _pages(extracted, {*chosen.tolist(), *staying.by[chosen].tolist()})
    parts = [
        "# Pages dropped as near-duplicates",
        "",
        f"{len(chosen)} of {len(dropped):,} pages that were dropped, drawn at random. Each is at least {settings.threshold:g} alike the page that "
        f"stays for it (Jaccard of word {settings.shingle}-grams, the site's frame left out), or {settings.contained:g} of it stand there. Judge "
        "each: does the corpus lose anything by it?",
    ]
    for number, row in enumerate(chosen.tolist(), 1):
        page, other = pages[row], pages[int(staying.by[row])]
        parts += [
            "",
            f"## {number}. {page['url']}",
            "",
            f"stays: {other['url']}",
            f"alike: {staying.similarity[row]:.3f}; contained in it: {staying.contained[row]:.3f}; {len(page['text']):,} characters "
            f"against {len(other['text']):,}",
        ]
        parts += _lines("Only in the page that was dropped", page["text"], other["text"])
        parts += _lines("Only in the page that stays", other["text"], page["text"])
    with atomic_file(path) as temporary:
        temporary.write_text("\n".join(parts) + "\n", encoding="utf-8", errors="replace")


def _lines(title: str, text: str, other: str) -> list[str]:
    known = {" ".join(line.split()) for line in other.split("\n")}
    own = [line for line in text.split("\n") if line.strip() and " ".join(line.split()) not in known]
    shown = [f"    {excerpt(line, LENGTH)}" for line in own[:LINES]]
    more = [f"    and {len(own) - LINES} lines more"] if len(own) > LINES else []
    return ["", f"{title}:", "", *(shown or ["    nothing"]), *more]


def _pages(extracted: Artifact, wanted: set[int]) -> dict[int, dict[str, Json]]:
    """URL and text of some rows; shards without any are not opened."""
    found: dict[int, dict[str, Json]] = {}
    first = 0
    for shard in table_shards(extracted):
        row, last = first, first + pq.read_metadata(shard).num_rows
        for batch in table_batches(shard, ["url", "text"]) if any(first <= one < last for one in wanted) else ():
            for place in [one - row for one in wanted if row <= one < row + batch.num_rows]:
                own = {name: batch[name][place].as_py() or "" for name in ("url", "text")}
                found[row + place] = own
            row += batch.num_rows
        first = last
    return found

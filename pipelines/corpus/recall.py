"""Recall: the pages that score highest, by token budget or threshold (DeepSeekMath §2.1).

Each snapshot's scores become a histogram of tokens over margins; histograms add up, so the cut is found without
sorting the crawl. Pages are ranked by margin, then by URL key: a tie must not depend on the order of files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.calibration import CalibrationSettings, WitnessedMargins
from pipelines.corpus.page_tables import NewestRows, TableWriter, key_hashes, table_batches
from pipelines.figures import RecallFacts, ScoresFacts
from pipelines.records import COLLECTED
from pipelines.storage import Artifact, Json

LOWEST, STEP, BINS = -40.0, 0.01, 8000
"""The histogram's range of margins, natural-log odds, and the width of a bin; what lies outside is in the last bins."""
RANGE_ROWS = 200_000
"""Rows sorted in memory at once."""


class RecallSettings(Settings):
    """How much is kept."""

    token_budget: int | None = Field(default=None, gt=0)  # §2.1 kept 40 B tokens in the first iteration
    threshold: float | None = 0.0  # margin; 0: more like the positives than like the negatives. None: the budget alone
    calibration: CalibrationSettings = CalibrationSettings()

    def model_post_init(self, _: object) -> None:
        if self.token_budget is None and self.threshold is None:
            raise ValueError("expected a token_budget or a threshold; found neither: every page would be recalled")


@dataclass(slots=True)
class Histogram:
    """Tokens and pages per bin of margin; two of them add up."""

    tokens: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    pages: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def add(self, margins: npt.NDArray[np.float32], tokens: npt.NDArray[np.int64]) -> None:
        bins = bin_of(margins)
        self.tokens += np.bincount(bins, weights=tokens, minlength=BINS).astype(np.int64)
        self.pages += np.bincount(bins, minlength=BINS)

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(tokens=self.tokens + other.tokens, pages=self.pages + other.pages)

    def cut(self, budget: int) -> int:
        """The bin in which the budget is used up, counted from the highest margin down; -1 where it never is."""
        used = np.cumsum(self.tokens[::-1])
        place = int(np.searchsorted(used, budget, side="right"))
        return BINS - 1 - place if place < BINS else -1


def bin_of(margins: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    return np.clip((margins.astype(np.float64) - LOWEST) / STEP, 0, BINS - 1).astype(np.int64)


def write_recalled(
    folder: Path,
    settings: RecallSettings,
    *,
    scores: Mapping[str, Artifact],
    pages: Mapping[str, Artifact],
    url_index: Artifact,
) -> dict[str, Json]:
    """Fill `folder` with the COLLECTED rows of the recalled pages, highest margin first."""
    known = {name: ScoresFacts.of(table) for name, table in scores.items()}
    if any(facts.converged for facts in known.values()):
        TableWriter(folder, "recalled", COLLECTED).close()
        return {"rows": 0, "tokens": 0, "converged": True}
    newest = NewestRows(pages, url_index)
    scored = _Scores(scores, newest, settings.calibration)
    histogram = sum((_histogram(scored, name) for name in sorted(scores)), Histogram())
    cut = histogram.cut(settings.token_budget) if settings.token_budget is not None else -1
    threshold = -np.inf if settings.threshold is None else settings.threshold
    in_cut = _kept_in_cut(scored, histogram, cut, settings.token_budget, threshold)
    kept = {name: _kept(scored, name, cut, in_cut, threshold) for name in sorted(scores)}
    facts = _write_ranked(folder, newest, kept, histogram)
    total = int(histogram.tokens.sum())
    lowest = min((float(margins.min()) for _, margins in kept.values() if len(margins)), default=None)
    quality: dict[str, Json] = next((dict(facts.classifier) for facts in known.values()), {})
    return {
        **facts,
        "scored_pages": int(histogram.pages.sum()),
        "scored_tokens": total,
        "lowest_margin": None if lowest is None else round(lowest, 4),
        "budget_filled": settings.token_budget is None or total >= settings.token_budget,
        "raised_languages": scored.shifts,
        "converged": False,
        "classifier": quality,
    }


def _scarcity(facts: RecallFacts, settings: RecallSettings) -> str | None:
    if facts.budget_filled:
        return None
    return (
        f"the crawl holds {facts.scored_tokens:,} tokens, fewer than the budget of {settings.token_budget:,}; every page "
        "above the threshold was recalled"
    )


RECALLED = Stage(
    name="recalled",
    version="1",
    write=write_recalled,
    settings=RecallSettings,
    inputs=("scores/*", "pages/*", "url_index"),
    facts=RecallFacts,
    remark=_scarcity,
    description="The pages that score highest, up to the token budget or down to the threshold.",
    kinds=("parquet",),
)


class _Scores:
    """The scores of the newest captures, with margins calibrated by language."""

    def __init__(self, tables: Mapping[str, Artifact], newest: NewestRows, settings: CalibrationSettings) -> None:
        self.tables, self._newest, self.shifts = tables, newest, {}
        witnessed = WitnessedMargins(settings)
        for snapshot in sorted(tables):
            for rows, margins in self.batches(snapshot):
                flags = pc.fill_null(rows["witnessed"], False).to_numpy(zero_copy_only=False)
                witnessed.add(_languages(rows), margins, flags)
        self.shifts = witnessed.shifts()

    def batches(self, snapshot: str) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.float32]]]:
        for batch in table_batches(self.tables[snapshot]):
            rows = batch.filter(pa.array(self._newest.are_newest(snapshot, batch["url_key"].to_pylist())))
            margins, languages = rows["margin"].to_numpy().copy(), _languages(rows)
            for language, shift in self.shifts.items():
                margins[languages == language] += np.float32(shift)
            yield rows, margins


def _languages(rows: pa.RecordBatch) -> npt.NDArray[np.object_]:
    names: npt.NDArray[np.object_] = pc.fill_null(rows["language"], "").to_numpy(zero_copy_only=False)
    return names


def _histogram(scores: _Scores, snapshot: str) -> Histogram:
    histogram = Histogram()
    for rows, margins in scores.batches(snapshot):
        histogram.add(margins, rows["tokens"].to_numpy().astype(np.int64))
    return histogram


def _kept_in_cut(scores: _Scores, histogram: Histogram, cut: int, budget: int | None, threshold: float) -> set[str]:
    """Of the bin in which the budget ends, the pages that still fit: ranked by margin, then key; the first that does
    not fit ends it."""
    if cut < 0 or budget is None:
        return set()
    ranked: list[tuple[float, str, int]] = []
    for name in sorted(scores.tables):
        for rows, margins in scores.batches(name):
            here = (bin_of(margins) == cut) & (margins >= threshold)
            found = rows.filter(pa.array(here))
            ranked += zip(
                (-margins[here]).tolist(), *(found[c].to_pylist() for c in ("url_key", "tokens")), strict=True
            )
    left = budget - int(histogram.tokens[cut + 1 :].sum())
    fitting = set()
    for _, key, tokens in sorted(ranked):
        left -= tokens
        if left < 0:
            break
        fitting.add(key)
    return fitting


def _kept(
    scores: _Scores, snapshot: str, cut: int, in_cut: set[str], threshold: float
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.float32]]:
    """Hashes of the snapshot's kept keys, sorted, and their margins."""
    hashes, margins = [np.zeros(0, np.uint64)], [np.zeros(0, np.float32)]
    for rows, values in scores.batches(snapshot):
        keys = rows["url_key"].to_pylist()
        fits = np.array([key in in_cut for key in keys], dtype=np.bool_)
        keep = (values >= threshold) & ((bin_of(values) > cut) | fits)
        hashes.append(key_hashes(keys)[keep])
        margins.append(values[keep])
    joined, values = np.concatenate(hashes), np.concatenate(margins)
    order = np.argsort(joined)
    return joined[order], values[order]


def _write_ranked(
    folder: Path,
    newest: NewestRows,
    kept: Mapping[str, tuple[npt.NDArray[np.uint64], npt.NDArray[np.float32]]],
    histogram: Histogram,
) -> dict[str, Json]:
    """One pass over the pages into ranges of margin, then each range sorted in memory."""
    ranges = _range_of_bins(kept)
    columns = [name for name in COLLECTED.names if name not in ("margin", "origin", "tokens")]
    spill = {
        part: TableWriter(folder, f"range-{part:05d}", COLLECTED, RANGE_ROWS) for part in sorted(set(ranges.tolist()))
    }
    for snapshot, (hashes, margins) in kept.items():
        for batch in newest.of_snapshot(snapshot, columns):
            rows, found = _matching(batch, hashes, margins)
            part_of = ranges[bin_of(found)]
            for part in sorted(set(part_of.tolist())):
                here = pa.array(part_of == part)
                spill[part].write(_with_margin(rows.filter(here), found[part_of == part]))
    writer, tokens = TableWriter(folder, "recalled", COLLECTED), 0
    for part, held in spill.items():
        held.close()
        files = sorted(folder.glob(f"range-{part:05d}-*.parquet"))
        table = pa.concat_tables(pq.read_table(path) for path in files)
        order = pc.sort_indices(table, sort_keys=[("margin", "descending"), ("url_key", "ascending")])
        writer.write(table.take(order))
        tokens += pc.sum(table["tokens"]).as_py() or 0
        for path in files:
            path.unlink()
    return {"rows": writer.close(), "tokens": tokens}


def _range_of_bins(kept: Mapping[str, tuple[npt.NDArray[np.uint64], npt.NDArray[np.float32]]]) -> npt.NDArray[np.int64]:
    """For each bin the number of its range, the highest margins first; a range holds about RANGE_ROWS pages."""
    counts = sum(
        (np.bincount(bin_of(margins), minlength=BINS) for _, margins in kept.values()), np.zeros(BINS, np.int64)
    )
    above = np.cumsum(counts[::-1])[::-1] - counts
    ranges: npt.NDArray[np.int64] = above // RANGE_ROWS
    return ranges


def _matching(
    batch: pa.RecordBatch, hashes: npt.NDArray[np.uint64], margins: npt.NDArray[np.float32]
) -> tuple[pa.RecordBatch, npt.NDArray[np.float32]]:
    if not len(hashes):
        return batch.slice(0, 0), margins
    here = key_hashes(batch["url_key"].to_pylist())
    places = np.minimum(np.searchsorted(hashes, here), len(hashes) - 1)
    keep = hashes[places] == here
    return batch.filter(pa.array(keep)), margins[places[keep]]


def _with_margin(rows: pa.RecordBatch, margins: npt.NDArray[np.float32]) -> pa.Table:
    from pipelines.corpus.page_tables import estimated_tokens

    columns = {name: rows[name] for name in rows.schema.names}
    columns |= {
        "margin": pa.array(margins),
        "tokens": estimated_tokens(rows["text"]),
        "origin": pa.array(["recalled"] * rows.num_rows, pa.string()),
    }
    return pa.table({name: columns[name] for name in COLLECTED.names})

"""Recall: the pages that score highest, by token budget or threshold (DeepSeekMath §2.1).

Each snapshot's scores become a histogram of tokens over margins; histograms add up, so the cut is found without
sorting the crawl. Pages are ranked by margin, then by URL key: a tie must not depend on the order of files.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.calibration import CalibrationSettings, WitnessedMargins
from pipelines.corpus.page_tables import CorpusError, NewestRows, PageShards, TableWriter, table_shards
from pipelines.corpus.ranking import Kept, write_flags, write_ranked
from pipelines.figures import FrozenFacts, RecallFacts, ScoresFacts
from pipelines.records import COLLECTED
from pipelines.storage import Artifact, Json, atomic_file

LOWEST, STEP, BINS = -40.0, 0.01, 8000
"""The histogram's range of margins, natural-log odds, and the width of a bin; what lies outside is in the last bins."""
COLLECTED_FLAGS = "collected"
"""Name of the flags of recalled pages, `collected-<snapshot>.bits`."""
ROWS_A_TASK = 1_000_000
"""Scores read by a task; a shard at a time is in memory."""
SMALL = 200_000
"""Scores below which starting processes costs more than it saves."""


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
    frozen: Artifact | None = None,
    executor: ExecutorSettings = LOCAL,
) -> dict[str, Json]:
    """Fill `folder` with the COLLECTED rows of the recalled pages, highest margin first, and a flag for each page.

    `frozen` is an earlier recall (pipelines.corpus.frozen) that is repeated: its shifts of margins, and its lowest one.
    """
    known = {name: ScoresFacts.of(table) for name, table in scores.items()}
    if any(facts.converged for facts in known.values()):
        TableWriter(folder, "recalled", COLLECTED).close()
        return {"rows": 0, "tokens": 0, "converged": True}
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    newest = NewestRows(pages, url_index)
    run = _Passes(scratch, _portions(newest, scores), executor)
    if frozen is None:
        shifts = _shifts(run, settings.calibration)
    else:
        repeated = FrozenFacts.of(frozen)
        shifts = dict(repeated.raised_languages)
        settings = settings.model_copy(update={"token_budget": None, "threshold": repeated.threshold})
    histogram = _histogram(run, shifts)
    cut = _Cut.of(run, shifts, settings, histogram)
    paths = run.each(partial(_keep, shifts, cut), "kept", "choosing")
    chosen = [(portion.pages, path) for portion, path in zip(run.portions, paths, strict=True)]
    lowest = min((float(found.min()) for path in paths if len(found := Kept.read(path).margins)), default=None)
    facts = write_ranked(folder, scratch, chosen, executor)
    write_flags(folder, COLLECTED_FLAGS, newest, chosen)
    shutil.rmtree(scratch)
    total = int(histogram.tokens.sum())
    quality: dict[str, Json] = next((dict(facts.classifier) for facts in known.values()), {})
    return {
        **facts,
        "scored_pages": int(histogram.pages.sum()),
        "scored_tokens": total,
        "lowest_margin": None if lowest is None else round(lowest, 4),
        "budget_filled": settings.token_budget is None or total >= settings.token_budget,
        "raised_languages": shifts,
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
    version="3",
    write=write_recalled,
    settings=RecallSettings,
    inputs=("scores/*", "pages/*", "url_index", "frozen?"),
    facts=RecallFacts,
    remark=_scarcity,
    description="The pages that score highest, up to the token budget or down to the threshold.",
    kinds=("parquet",),
    by_shards=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """What a task reads: shards of pages, and the scores of each."""

    pages: PageShards
    scores: tuple[Path, ...]

    def __str__(self) -> str:
        return str(self.pages)

    def file(self, kind: str) -> str:
        return f"{kind}-{self.pages.name}"

    def newest_scores(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """Of each shard its number and the scores of its newest rows; `row` is always among the columns."""
        for (number, _, flags), scores in zip(self.pages.numbered(), self.scores, strict=True):
            with pq.ParquetFile(scores) as file:
                table = file.read(columns=[*columns, "row"], use_threads=False)
            yield number, table.filter(pa.array(flags[table["row"].to_numpy()])).combine_chunks()


def _portions(newest: NewestRows, scores: Mapping[str, Artifact]) -> list[Portion]:
    shards = {snapshot: table_shards(scores[snapshot]) for snapshot in scores}
    for snapshot, paths in newest.pages.items():
        if len(paths) != len(shards[snapshot]):
            raise CorpusError(
                f"{scores[snapshot].location}: expected a shard of scores for each of {len(paths)} shards of pages; found "
                f"{len(shards[snapshot])}. Make the scores again."
            )
    return [
        Portion(pages=task, scores=tuple(shards[task.snapshot][task.first : task.first + len(task.paths)]))
        for task in newest.tasks(ROWS_A_TASK)
    ]


@dataclass(frozen=True, slots=True)
class _Passes:
    """One pass over all portions after the other; each leaves a file for each portion."""

    scratch: Path
    portions: list[Portion]
    executor: ExecutorSettings

    def each(self, work: Callable[[Path, Portion], None], kind: str, label: str) -> list[Path]:
        run_shards(
            partial(_into, work, self.scratch, kind),
            self.portions,
            self.executor,
            done=partial(_is_there, self.scratch, kind),
            label=label,
            here=sum(portion.pages.rows for portion in self.portions) <= SMALL,
        )
        return [self.scratch / portion.file(kind) for portion in self.portions]


def _into(work: Callable[[Path, Portion], None], scratch: Path, kind: str, portion: Portion) -> None:
    with atomic_file(scratch / portion.file(kind)) as temporary:
        work(temporary, portion)


def _is_there(scratch: Path, kind: str, portion: Portion) -> bool:
    return (scratch / portion.file(kind)).exists()


def _save(path: Path, **arrays: npt.NDArray[Any]) -> None:
    with path.open("wb") as handle:
        np.savez(handle, **arrays)  # type: ignore[arg-type]  # numpy's stub takes a flag among them


def _shifts(run: _Passes, settings: CalibrationSettings) -> dict[str, float]:
    """What is added to the margins of each language."""
    witnessed = WitnessedMargins(settings)
    for path in run.each(partial(_count_witnessed, settings), "witnessed", "calibrating"):
        with np.load(path) as found:
            witnessed.merge(found["languages"].tolist(), found["pages"])
    return witnessed.shifts()


def _count_witnessed(settings: CalibrationSettings, path: Path, portion: Portion) -> None:
    witnessed = WitnessedMargins(settings)
    for _, table in portion.newest_scores(["language", "margin", "witnessed"]):
        flags = pc.fill_null(table["witnessed"], False).to_numpy()
        witnessed.add(table["language"].combine_chunks(), table["margin"].to_numpy(), flags)
    languages, pages = witnessed.counted()
    _save(path, languages=np.array(languages, dtype=np.str_), pages=pages)


def _shifted(table: pa.Table, shifts: Mapping[str, float]) -> npt.NDArray[np.float32]:
    """Its margins, calibrated."""
    margins: npt.NDArray[np.float32] = table["margin"].to_numpy().copy()
    for language, shift in shifts.items():
        margins[pc.fill_null(pc.equal(table["language"], language), False).to_numpy()] += np.float32(shift)
    return margins


def _histogram(run: _Passes, shifts: Mapping[str, float]) -> Histogram:
    histogram = Histogram()
    for path in run.each(partial(_count, shifts), "histogram", "histogram of margins"):
        with np.load(path) as found:
            histogram += Histogram(tokens=found["tokens"], pages=found["pages"])
    return histogram


def _count(shifts: Mapping[str, float], path: Path, portion: Portion) -> None:
    histogram = Histogram()
    for _, table in portion.newest_scores(["language", "margin", "tokens"]):
        histogram.add(_shifted(table, shifts), table["tokens"].to_numpy().astype(np.int64))
    _save(path, tokens=histogram.tokens, pages=histogram.pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """What is kept: margins of `threshold` or more that lie above the bin of the cut, and in that bin those up to the last
    page that still fits, ranked by margin, then key."""

    threshold: float
    bin: int = -1
    margin: float = np.inf
    key: str = ""

    @classmethod
    def of(cls, run: _Passes, shifts: Mapping[str, float], settings: RecallSettings, histogram: Histogram) -> _Cut:
        threshold = -np.inf if settings.threshold is None else settings.threshold
        if settings.token_budget is None or (cut := histogram.cut(settings.token_budget)) < 0:
            return cls(threshold=threshold)
        left = settings.token_budget - int(histogram.tokens[cut + 1 :].sum())
        whole = cls(threshold=threshold, bin=cut)
        paths = run.each(partial(_rank_cut, shifts, whole), "cut", "where the budget ends")
        ranked = pa.concat_tables(pq.read_table(path) for path in paths)
        ranked = ranked.sort_by([("margin", "descending"), ("url_key", "ascending")])
        fitting = int(np.searchsorted(np.cumsum(ranked["tokens"].to_numpy().astype(np.int64)), left, side="right"))
        if not fitting:
            return whole
        last = ranked.slice(fitting - 1, 1).to_pylist()[0]
        return cls(threshold=threshold, bin=cut, margin=last["margin"], key=last["url_key"])

    def keeps(self, table: pa.Table, margins: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        bins = bin_of(margins)
        keep = bins > self.bin
        if self.bin >= 0:
            here = bins == self.bin
            keep |= here & (margins > self.margin)
            if (ties := here & (margins == np.float32(self.margin))).any():
                keep |= ties & pc.less_equal(table["url_key"], self.key).to_numpy()
        return keep & (margins >= self.threshold)


def _rank_cut(shifts: Mapping[str, float], cut: _Cut, path: Path, portion: Portion) -> None:
    found = [
        pa.table(
            {
                "margin": pa.array([], pa.float32()),
                "url_key": pa.array([], pa.string()),
                "tokens": pa.array([], pa.int32()),
            }
        )
    ]
    for _, table in portion.newest_scores(["language", "margin", "tokens", "url_key"]):
        margins = _shifted(table, shifts)
        here = pa.array((bin_of(margins) == cut.bin) & (margins >= cut.threshold))
        rows = table.filter(here)
        found.append(
            pa.table({"margin": pa.array(margins).filter(here), "url_key": rows["url_key"], "tokens": rows["tokens"]})
        )
    pq.write_table(pa.concat_tables(found), path)


def _keep(shifts: Mapping[str, float], cut: _Cut, path: Path, portion: Portion) -> None:
    shards, rows, margins = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    columns = ["language", "margin", *(["url_key"] if cut.bin >= 0 else [])]
    for number, table in portion.newest_scores(columns):
        values = _shifted(table, shifts)
        keep = cut.keeps(table, values)
        rows.append(table["row"].to_numpy()[keep])
        margins.append(values[keep])
        shards.append(np.full(len(rows[-1]), number, np.int32))
    _save(path, shards=np.concatenate(shards), rows=np.concatenate(rows), margins=np.concatenate(margins))

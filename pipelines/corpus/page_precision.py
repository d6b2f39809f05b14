"""Precision and recall by page, against readers' labels (docs/labels.md): of each iteration, of each tier, of the export.

A site's topic says little of its pages, so the truth is what readers said of a sample that holds what was not kept as
well. A label counts where the crawl holds the page with the same content.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.intervals import share_interval
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.labels import Settled, read_labels, settle
from pipelines.corpus.page_tables import CorpusError, NewestRows, table_batches
from pipelines.figures import PrecisionFacts
from pipelines.storage import Artifact, Json, atomic_file

TIERS = (1, 2, 3)


class LabelSettings(Settings):
    """Whose verdicts are the truth."""

    labels: Path  # `mathsieve label` makes it


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What readers said of the crawl's pages, by URL key; the weight is how many pages each stands for."""

    math: Mapping[str, bool]
    weights: Mapping[str, float]


def write_page_precision(
    folder: Path,
    settings: LabelSettings,
    *,
    iterations: Mapping[int, Mapping[str, Artifact]],
    math_corpus: Artifact,
    pages: Mapping[str, Artifact],
    url_index: Artifact,
) -> dict[str, Json]:
    """Fill `folder` with precision.json: a row for each iteration, for those of its pages that are mathematics by their
    own worth, for each tier of the export, and for the whole of it. Raises CorpusError where no label is of this crawl."""
    truth = _truth(settle(read_labels(settings.labels)), NewestRows(pages, url_index))
    if not truth.math:
        raise CorpusError(
            f"{settings.labels}: expected labels of pages of this crawl; found none. Draw a sample: `mathsieve label`."
        )
    rows = []
    for number in sorted(iterations):
        tiers = _tiers(iterations[number]["worth"].files(), truth)
        rows.append(row_of(f"iteration {number}", tiers, truth))
        rows.append(row_of(f"iteration {number}, mathematics by worth", [k for k in tiers if tiers[k] > 0], truth))
    exported = _tiers(math_corpus.files("data/*.parquet"), truth)
    rows += [row_of(f"export, tier {tier}", [k for k in exported if exported[k] == tier], truth) for tier in TIERS]
    rows.append(row_of("export", exported, truth))
    facts: dict[str, Json] = {"labelled": len(truth.math), "mathematics": sum(truth.math.values()), "rows": rows}
    with atomic_file(folder / "precision.json") as temporary:
        temporary.write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    return facts


def _by_iteration(settings: LabelSettings, *, iterations: Mapping[str, Artifact], **others: Any) -> dict[str, Any]:
    """`iterations` are named `1/worth`."""
    return {"iterations": {int(name.partition("/")[0]): {"worth": made} for name, made in iterations.items()}, **others}


PAGE_PRECISION = Stage(
    name="page_precision",
    version="1",
    write=write_page_precision,
    arguments=_by_iteration,
    settings=LabelSettings,
    inputs=("iterations/*", "math_corpus", "pages/*", "url_index"),
    facts=PrecisionFacts,
    description="Precision and recall by page against readers' labels: of each iteration, of each tier, of the export.",
    kinds=("json",),
)


def _truth(settled: Sequence[Settled], newest: NewestRows) -> Truth:
    wanted = {one.label.key: one for one in settled if one.mathematics is not None}
    urls = {url for url, _ in wanted}
    math, weights = dict[str, bool](), dict[str, float]()
    for batch in newest.batches(["url_key", "digest"]):
        for key, digest in zip(batch["url_key"].to_pylist(), batch["digest"].to_pylist(), strict=True):
            if key in urls and (one := wanted.get((key, digest or ""))) is not None:
                math[key], weights[key] = bool(one.mathematics), one.label.stands_for
    return Truth(math=math, weights=weights)


def _tiers(shards: Iterable[Path], truth: Truth) -> dict[str, int]:
    """Of the labelled pages among the rows of a table; 0 where it has none."""
    rows = (row for shard in shards for batch in table_batches(shard, ["url_key", "tier"]) for row in batch.to_pylist())
    return {row["url_key"]: row["tier"] or 0 for row in rows if row["url_key"] in truth.math}


def row_of(name: str, kept: Iterable[str], truth: Truth) -> dict[str, Json]:
    """Shares with 95 % intervals: of the kept pages that are mathematics, of the mathematics that is kept, and of the pages that
    are left out the share that is mathematics. `whole` has the first two for the whole crawl, by what each page stands for."""
    keys = set(kept)
    right = {key for key in keys if truth.math[key]}
    math = {key for key, answer in truth.math.items() if answer}
    left = truth.math.keys() - keys

    def weight(of: Iterable[str]) -> float:
        return sum(truth.weights[key] for key in of)

    return {
        "name": name,
        "precision": _share(len(right), len(keys)),
        "recall": _share(len(right), len(math)),
        "missed": _share(len(math - keys), len(left)),
        "whole": [weight(right) / weight(keys) if keys else None, weight(right) / weight(math) if math else None],
    }


def _share(part: int, whole: int) -> dict[str, Json]:
    interval = share_interval(part, whole)
    return {"part": part, "of": whole, "low": round(interval.low, 4), "high": round(interval.high, 4)}

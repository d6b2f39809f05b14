"""What happened to a URL of the crawl: every stage that met it, and the reason where it left the pipeline.

mathsieve why https://example.org/page
mathsieve why https://example.org/page --data data/demo
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from pipelines.corpus.page_tables import BATCH
from pipelines.corpus.seed import place_of
from pipelines.storage import Artifact, Json, References, find_run
from pipelines.urls import canonical_url

ORDER = (
    "pages",
    "url_index",
    "seed",
    "scores",
    "recalled",
    "corpus",
    "extracted",
    "near_duplicates",
    "contamination",
    "math_corpus",
)
SHOWN = (
    *("snapshot", "route", "language", "markers", "truncated", "margin", "origin", "tokens", "iteration", "warc_file"),
    *("warc_offset", "cluster", "cluster_size", "problem_id", "part", "match", "span", "dropped", "score"),
)
"""Columns that say what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One meeting of the URL with a stage."""

    artifact: str
    """As the run names it: `iteration_2/scores/CC-MAIN-2024-10`."""
    what: str
    """`present`, or the reason for which it was dropped there."""
    detail: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", help="a URL of the crawl, as crawled or in canonical form")
    parser.add_argument("--data", default=None, metavar="DIR", help="a run's folder (default: the only one there is)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    steps = trace(arguments.url, references(find_run(arguments.data)))
    if arguments.json:
        for step in steps:
            print(json.dumps({"artifact": step.artifact, "what": step.what, "detail": step.detail}, ensure_ascii=False))
    else:
        width = max((len(step.artifact) for step in steps), default=0)
        for step in steps:
            print(f"{step.artifact:<{width}}  {step.what}" + (f": {step.detail}" if step.detail else ""))
    print(verdict(arguments.url, steps), file=sys.stderr if arguments.json else sys.stdout)
    return 0 if steps else 1


def references(run: References) -> dict[str, Artifact]:
    """The artifacts of a run by name, in the order of the pipeline."""
    found = {name: run.read(name) for name in run.names() if _rank(name) is not None}
    return dict(sorted(found.items(), key=lambda item: (_rank(item[0]) or 0, item[0])))


def _rank(name: str) -> int | None:
    """The place of an artifact in the pipeline; None for those that hold no pages."""
    parts = name.split("/")
    iteration = int(parts[0].removeprefix("iteration_")) if parts[0].startswith("iteration_") else 0
    stage = parts[1] if iteration and len(parts) > 1 else parts[0]
    stage = "seed" if stage == "seed_corpus" else stage
    if stage not in ORDER:
        return None
    place = ORDER.index(stage)
    loop = ORDER.index("scores") <= place <= ORDER.index("corpus")
    return (
        100 * (ORDER.index("scores") + (iteration if loop else 0)) + place
        if loop
        else 100 * place + (10_000 if place > 5 else 0)
    )


def trace(url: str, artifacts: Mapping[str, Artifact]) -> list[Step]:
    """Every row on the URL in the tables and ledgers of the artifacts, in their order."""
    wanted = {url, place_of(url), *_canonical(url)}
    steps: list[Step] = []
    for artifact in artifacts.values():  # the crawl knows the canonical key of a URL as crawled
        wanted |= {key for row in _rows(artifact, wanted) if (key := row.get("url_key"))} if artifact.names() else set()
    for name, artifact in artifacts.items():
        for row in _rows(artifact, wanted):
            steps.append(_step(name, row))
    return steps


def _canonical(url: str) -> list[str]:
    try:
        return [canonical_url(url)]
    except ValueError:  # no http(s) URL with a host: a key, or a misspelling
        return []


def verdict(url: str, steps: list[Step]) -> str:
    """The last word on a URL."""
    if not steps:
        return f"{url}: the crawl does not know it. Is it spelled as it was crawled?"
    if any(step.artifact == "math_corpus" and step.what == "present" for step in steps):
        return f"{url}: in the corpus."
    dropped = [step for step in steps if step.what != "present"]
    if any(step.what == "present" for step in steps):  # a capture of it was read, so another's fate is not the page's
        dropped = [step for step in dropped if not step.artifact.startswith("pages/")]
    if dropped:
        return f"{url}: dropped by {dropped[-1].artifact}: {dropped[-1].what}."
    scored = [step for step in steps if "/scores/" in step.artifact]
    collected = any(step.artifact.endswith(("/corpus", "/recalled")) for step in steps)
    if scored and not collected:
        return f"{url}: scored, and never recalled ({scored[-1].detail}); no accepted prefix lies above it."
    if not scored and any("route counted" in step.detail for step in steps):
        return f"{url}: counted, and its text not kept: no sign of mathematics, and not in the sample of other pages."
    return f"{url}: it was last met in {steps[-1].artifact}."


def _rows(artifact: Artifact, wanted: set[str]) -> Iterator[dict[str, Json]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = pa.array(sorted(wanted), pa.string())
    for shard in artifact.names("**/*.parquet"):
        with artifact.open(shard) as opened, pq.ParquetFile(opened) as file:
            names = [name for name in file.schema_arrow.names if name != "text"]
            if "url_key" not in names:
                continue
            for batch in file.iter_batches(batch_size=BATCH, columns=names):
                mask = pc.is_in(batch["url_key"], value_set=keys)
                if "url" in names:
                    mask = pc.or_(mask, pc.is_in(batch["url"], value_set=keys))
                yield from batch.filter(pc.fill_null(mask, False)).to_pylist()


def _step(name: str, row: dict[str, Any]) -> Step:
    if "reason" in row and "stage" in row:
        return Step(artifact=name, what=f"{row['stage']}: {row['reason']}", detail=row["detail"] or "")
    shown = ", ".join(f"{key} {_short(row[key])}" for key in SHOWN if row.get(key) is not None)
    if row.get("kept") is False:
        alike = f", {row['similarity']:.2f} alike" if row.get("similarity") is not None else ""
        return Step(artifact=name, what="near-duplicate", detail=f"of {row['kept_url_key']}{alike}")
    if row.get("dropped"):
        return Step(artifact=name, what="contaminated", detail=shown)
    return Step(artifact=name, what="present", detail=shown)


def _short(value: object) -> str:
    shown = f"{value:.3f}" if isinstance(value, float) else str(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."

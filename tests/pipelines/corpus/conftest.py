"""A small crawl of invented pages, and how stages are run without a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.crawl.settings import CrawlSettings
from pipelines.crawl.url_index import write_url_index
from pipelines.records import PAGES
from pipelines.storage import Artifact

MATH = (
    "We prove the theorem: let $f(x) = x^{a} + b$ be a polynomial over the field, and let $\\int f(x) dx$ be its integral. "
    "Lemma {n}. Then the equation $x^2 = {n}$ has a root, and the proof follows by induction on the degree."
)
STORY = (
    "The market of the town opened on day {n} and the farmers sold bread, cheese and flowers to the visitors. "
    "Later in the evening the band played for {n} guests, and everybody walked home along the river under the stars."
)


def page(
    host: str, path: str, text: str | None, *, markers: int = 0, snapshot: str = "A", language: str = "en"
) -> dict[str, Any]:
    """One row of PAGES."""
    return {
        "url": f"https://{host}{path}",
        "url_key": f"{host.removeprefix('www.')}{path}",
        "host": host,
        "domain": ".".join(host.split(".")[-2:]),
        "path": path,
        "snapshot": snapshot,
        "warc_file": "a.warc.gz",
        "warc_offset": 1,
        "language": language,
        "title": f"Title of {path}",
        "text": text,
        "markers": markers,
        "route": "kept",
    }


def crawl_rows() -> list[dict[str, Any]]:
    """Two mathematical sites, of which one also has news, and three that are about something else."""
    rows = []
    for n in range(40):
        rows.append(page("seed.org", f"/notes/{n}", MATH.replace("{n}", str(n)), markers=3))
        rows.append(
            page("www.lectures.net", f"/calculus/{n}", "Lecture. " + MATH.replace("{n}", str(n + 50)), markers=2)
        )
        rows.append(page("www.lectures.net", f"/news/{n}", STORY.replace("{n}", str(n))))
        for site in ("town.com", "food.com", "band.com"):
            rows.append(page(site, f"/story/{n}", f"{site[:4]} " + STORY.replace("{n}", str(n + 7))))
    return rows


@pytest.fixture
def stage(tmp_path: Path) -> Callable[..., Artifact]:
    """Run a stage into a folder of its own; the artifact it makes."""

    def run(
        write: Callable[..., dict[str, Any]], settings: object = None, /, name: str = "", **inputs: Any
    ) -> Artifact:
        folder = tmp_path / (name or f"{write.__name__}-{len(list(tmp_path.iterdir()))}")
        folder.mkdir()
        facts = write(folder, settings, **inputs) if settings is not None else write(folder, **inputs)
        return Artifact(name=folder.name, place=folder, content=folder.name, facts=facts)

    return run


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Artifact]:
    """A table as an artifact."""

    def store(name: str, rows: Sequence[dict[str, Any]], schema: pa.Schema, **facts: Any) -> Artifact:
        folder = tmp_path / name
        folder.mkdir()
        table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
        pq.write_table(table, folder / f"{name}-00000.parquet", row_group_size=50)
        return Artifact(name=name, place=folder, content=name, facts={"converged": False, "rows": len(rows)} | facts)

    return store


@pytest.fixture
def crawl(stored: Callable[..., Artifact], stage: Callable[..., Artifact]) -> dict[str, Any]:
    """`pages` and `url_index` of the invented crawl, as stages take them."""
    pages = {"A": stored("pages", crawl_rows(), PAGES)}
    return {"pages": pages, "url_index": stage(write_url_index, CrawlSettings(), name="url_index", pages=pages)}

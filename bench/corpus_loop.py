"""The loop against one pass of the same classifier and a keyword prefilter, from a seed of one site only.

Precision is told twice: by site, where a site's topic stands for each of its pages, and by page, on the pages that readers
labelled (`mathsieve label`). The last rows leave out what is no mathematics by its own worth, as the export does.

python -m bench.corpus_loop                     the embedded crawl, and the real pages of MATHSIEVE_REAL_DATA where it is set
python -m bench.corpus_loop --seed docs.sympy.org    another seed site of the real pages
python -m bench.corpus_loop --only planted --draw 12 --scale 2    another embedded crawl, twice as large
python -m bench.corpus_loop --only real --folder DIR --labels labels.jsonl    another crawl with a labels.csv beside its WARC files
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from evaluators.intervals import share_interval
from pipelines.corpus.annotations import AnnotationSettings, write_annotations
from pipelines.corpus.calibration import CalibrationSettings
from pipelines.corpus.classifier import ClassifierSettings, write_classifier
from pipelines.corpus.domains import DomainSettings, write_domains
from pipelines.corpus.growth import GrowthSettings, write_corpus
from pipelines.corpus.labels import LABELS, read_labels, settle
from pipelines.corpus.page_tables import NewestRows, table_batches
from pipelines.corpus.recall import RecallSettings, write_recalled
from pipelines.corpus.scores import ScoreSettings, write_scores
from pipelines.corpus.seed import SeedPages, SeedSettings, place_of, write_seed
from pipelines.corpus.worth import WorthSettings, write_worth
from pipelines.crawl.pages import write_pages
from pipelines.crawl.planted import PlantedSettings, write_planted_crawl
from pipelines.crawl.settings import CrawlSettings
from pipelines.crawl.url_index import write_url_index
from pipelines.storage import Artifact, Store
from pipelines.urls import canonical_url

KEYWORDS = re.compile(
    r"\\frac|\\sum|\\int\b|\\begin\{|\\\(|\\\[|\$\$|theorem|lemma|equation|polynomial|integral|定理|方程", re.IGNORECASE
)
"""What a prefilter of a dozen literals keeps."""
CLASSIFIER = ClassifierSettings(dim=32, ngrams=2, bucket=200_000)
"""The paper's 256 dimensions and 3-grams are for a million pages; for three thousand they only take longer."""

LEAST_FORMULAS = 5
"""Formulas in the HTML of a page of a mathematical site, from which it must be found: a single one may be a menu's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is known of a page."""

    math: bool | None
    """None where nobody knows."""
    wanted: bool
    """Of a mathematical site, and carries LEAST_FORMULAS."""
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawl:
    """Pages with the truth about them by URL key, and where the seed lies."""

    name: str
    pages: Mapping[str, Artifact]
    url_index: Artifact
    truth: Mapping[str, Truth]
    seed: SeedSettings
    labels: Mapping[str, bool]
    """Readers' verdicts on some pages, by URL key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one iteration made."""

    scores: Mapping[str, Artifact]
    corpus: Artifact
    worth: Artifact


def run_loop(store: Store, crawl: Crawl, iterations: int = 4) -> list[Round]:
    """Of each iteration until it converges."""
    own = {"pages": crawl.pages, "url_index": crawl.url_index}

    def build(name: str, write: Callable[..., dict[str, object]], settings: object, **inputs: object) -> Artifact:
        return store.build({"name": f"{crawl.name}/{name}"}, partial(write, settings=settings, **inputs))

    corpus = build("seed", write_seed, crawl.seed, **own)
    made: list[Round] = []
    for i in range(1, iterations + 1):
        known = {"worth": made[-1].worth} if made else {}
        classifier = build(f"{i}/classifier", write_classifier, CLASSIFIER, positives=corpus, **known, **own)
        scores = {
            name: build(f"{i}/scores/{name}", write_scores, ScoreSettings(), classifier=classifier, pages=pages)
            for name, pages in crawl.pages.items()
        }
        recalled = build(f"{i}/recalled", write_recalled, RecallSettings(), scores=scores, **own)
        domains = build(f"{i}/domains", write_domains, DomainSettings(), recalled=recalled, **own)
        annotations = build(f"{i}/annotations", write_annotations, AnnotationSettings(), domains=domains)
        inputs = {"previous": corpus, "recalled": recalled, "annotations": annotations, "iteration": i}
        corpus = build(f"{i}/corpus", write_corpus, GrowthSettings(), **inputs, **own)
        worth = build(f"{i}/worth", write_worth, WorthSettings(), texts=corpus)
        made.append(Round(scores=scores, corpus=corpus, worth=worth))
        if corpus.facts["converged"]:
            break
    return made


def single_pass(store: Store, crawl: Crawl, scores: Mapping[str, Artifact]) -> Artifact:
    """What one classifier alone puts above zero, without the calibration by language."""
    settings = RecallSettings(calibration=CalibrationSettings(farthest=0))
    own = {"pages": crawl.pages, "url_index": crawl.url_index}
    write = partial(write_recalled, settings=settings, scores=scores, **own)
    return store.build({"name": f"{crawl.name}/single_pass"}, write)


def row(name: str, keys: set[str], crawl: Crawl) -> str:
    """One line of the table: recall of the wanted pages and of the Chinese mathematics, precision by site and by page."""
    truth = crawl.truth
    wanted = {key for key, page in truth.items() if page.wanted}
    chinese = {key for key, page in truth.items() if page.math and page.language == "zh"}
    known = [truth[key].math for key in keys if key in truth and truth[key].math is not None]
    share = partial(_share, keys)
    by_site = f"{sum(map(bool, known)) / max(1, len(known)):.1%}"
    judged = [crawl.labels[key] for key in keys if key in crawl.labels]
    found = [key in keys for key, math in crawl.labels.items() if math]
    return (
        f"| {name} | {len(keys)} | {share(wanted)} | {share(chinese)} | {by_site} | {_with_interval(judged)} "
        f"| {_with_interval(found)} |"
    )


def _with_interval(outcomes: Sequence[bool]) -> str:
    if not outcomes:
        return "–"
    told = share_interval(sum(outcomes), len(outcomes))
    return (
        f"{sum(outcomes)} of {len(outcomes)}: {sum(outcomes) / len(outcomes):.1%} ({told.low:.0%} to {told.high:.0%})"
    )


def worth_keeping(made: Round) -> set[str]:
    """The keys of the corpus that are mathematics by their own worth."""
    rows = (row for batch in table_batches(made.worth, ["url_key", "tier"]) for row in batch.to_pylist())
    return {row["url_key"] for row in rows if row["tier"] > 0}


def _share(keys: set[str], of: set[str]) -> str:
    return f"{len(keys & of) / len(of):.1%} of {len(of)}" if of else "–"


def keys_of(artifact: Artifact) -> set[str]:
    return {key for batch in table_batches(artifact, ["url_key"]) for key in batch["url_key"].to_pylist()}


def prefiltered(crawl: Crawl) -> set[str]:
    rows = NewestRows(crawl.pages, crawl.url_index).batches(["url_key", "text"])
    return {
        key
        for batch in rows
        for key, text in zip(batch["url_key"].to_pylist(), batch["text"].to_pylist(), strict=True)
        if text and KEYWORDS.search(text)
    }


def real_crawl(store: Store, folders: Sequence[Path], seed: str, labels: Path) -> Crawl:
    """Folders of WARC files with their labels.csv, one snapshot. `mixed` pages of messyweb have no topic."""
    files = tuple(str(path) for folder in folders for path in sorted(folder.glob("*.warc.gz")))
    settings = CrawlSettings(files={"CC-MAIN-2025-05": files})
    truth = {}
    for folder in folders:
        with (folder / "labels.csv").open(encoding="utf-8") as handle:
            for line in csv.DictReader(handle):
                formulas = int(line.get("formulas") or line.get("math_markup") or 0)
                math = {"math": True, "other": False}.get(line["topic"])
                wanted = math is True and formulas >= LEAST_FORMULAS and folder.name != "messyweb"
                truth[canonical_url(line["url"])] = Truth(
                    math=math, wanted=wanted, language=line.get("language") or "en"
                )
    crawl = _crawled(store, f"real-{seed}", settings, truth, SeedSettings(crawl=(SeedPages(prefix=seed, limit=200),)))
    settled = settle(read_labels(labels)) if labels.exists() else []
    known = {one.label.url: one.mathematics for one in settled if one.mathematics is not None}
    return replace(crawl, labels={key: math for key, math in known.items() if key in truth})


def planted_crawl(store: Store, planting: PlantedSettings) -> Crawl:
    planted = store.build(
        {"name": "planted_crawl", "settings": planting.model_dump(mode="json")},
        partial(write_planted_crawl, settings=planting),
    )
    settings = CrawlSettings(folder=planted.path)
    truth, seeds = {}, []
    for line in (planted.path / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        page = json.loads(line)
        if page["newest"] and page["readable"]:
            wanted = page["math"] and bool(page["formulas"])
            truth[canonical_url(page["url"])] = Truth(math=page["math"], wanted=wanted, language=page["language"])
            seeds += [page["domain"]] if page["seed"] else []
    return _crawled(
        store,
        f"planted-{planting.seed}-{planting.scale:g}",
        settings,
        truth,
        SeedSettings(crawl=(SeedPages(prefix=place_of(f"http://{seeds[0]}")),)),
    )


def _crawled(store: Store, name: str, settings: CrawlSettings, truth: Mapping[str, Truth], seed: SeedSettings) -> Crawl:
    from pipelines.crawl.settings import list_snapshots

    pages = {
        snapshot: store.build(
            {"name": f"{name}/pages/{snapshot}"}, partial(write_pages, settings=settings, snapshot=snapshot)
        )
        for snapshot in list_snapshots(settings)
    }
    index = store.build({"name": f"{name}/url_index"}, partial(write_url_index, settings=settings, pages=pages))
    return Crawl(name=name, pages=pages, url_index=index, truth=truth, seed=seed, labels={})


def table(store: Store, crawl: Crawl) -> str:
    started = time.process_time()
    made = run_loop(store, crawl)
    lines = [
        f"\n{crawl.name}: seed {crawl.seed.crawl[0].prefix}, {len(crawl.truth)} pages, loop {time.process_time() - started:.0f} s of CPU here\n",
        "| way | pages | pages with 5 formulas or more of mathematical sites | Chinese mathematics | precision by site | precision by page | recall of labelled mathematics |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        row("keyword prefilter", prefiltered(crawl), crawl),
        row("classifier, one pass", keys_of(single_pass(store, crawl, made[0].scores)), crawl),
    ]
    lines += [row(f"loop, iteration {i}", keys_of(one.corpus), crawl) for i, one in enumerate(made, 1)]
    lines += [row(f"loop, iteration {i}, by worth", worth_keeping(one), crawl) for i, one in enumerate(made, 1)]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", default="docs.scipy.org", help="URL prefix of the seed among the real pages")
    parser.add_argument(
        "--folder", type=Path, action="append", help="WARC files with a labels.csv (default: realweb, messyweb)"
    )
    parser.add_argument("--labels", type=Path, default=LABELS, help="readers' labels (default: the project's)")
    parser.add_argument("--only", choices=("real", "planted"))
    parser.add_argument("--draw", type=int, default=PlantedSettings().seed, help="seed of the embedded crawl")
    parser.add_argument("--scale", type=float, default=1.0, help="its pages per section, relative to the demo's")
    parser.add_argument("--keep", type=Path, help="a folder for the artifacts (default: a temporary one)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        store = Store(arguments.keep or scratch)
        if arguments.only != "real":
            print(table(store, planted_crawl(store, PlantedSettings(seed=arguments.draw, scale=arguments.scale))))
        real = os.environ.get("MATHSIEVE_REAL_DATA")
        if arguments.only != "planted" and real:
            folders = arguments.folder or [Path(real) / "realweb", Path(real) / "messyweb"]
            print(table(store, real_crawl(store, folders, arguments.seed, arguments.labels)))
        elif arguments.only != "planted":
            print("MATHSIEVE_REAL_DATA is not set: the real pages are left out", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

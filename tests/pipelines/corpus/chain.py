"""The whole corpus, from a planted crawl to the export: `python chain.py FOLDER EXECUTOR`, the executor as JSON.

A program of its own, so that a test can give it another hash seed and another executor.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter

from evaluators.benchmarks import BenchmarkSettings, write_problems
from evaluators.executors import ExecutorSettings
from pipelines.corpus.annotations import AnnotationSettings, write_annotations
from pipelines.corpus.classifier import ClassifierSettings, write_classifier
from pipelines.corpus.decontamination import DecontaminationSettings, write_contamination
from pipelines.corpus.domains import DomainSettings, write_domains
from pipelines.corpus.export import ExportSettings, write_math_corpus
from pipelines.corpus.growth import GrowthSettings, write_corpus
from pipelines.corpus.near_duplicates import NearDuplicateSettings, write_near_duplicates
from pipelines.corpus.recall import RecallSettings, write_recalled
from pipelines.corpus.scores import ScoreSettings, write_scores
from pipelines.corpus.seed import SeedPages, SeedSettings, write_seed
from pipelines.crawl.pages import write_pages
from pipelines.crawl.planted import PlantedSettings, write_planted_crawl
from pipelines.crawl.settings import CrawlSettings
from pipelines.crawl.url_index import write_url_index
from pipelines.extraction.survivors import ExtractionSettings, write_extracted
from pipelines.storage import Artifact, Store

SNAPSHOTS = ("CC-MAIN-2025-05", "CC-MAIN-2025-08")
PLANTED = PlantedSettings(scale=0.15, snapshots=SNAPSHOTS, leaks=12, leaked_benchmarks=("templated_easy",))
SEED = SeedSettings(crawl=(SeedPages(prefix="lemmaworks.example/notes"),))
CLASSIFIER = ClassifierSettings(dim=8, ngrams=2, bucket=20_000, least_updates=4_000)
EXECUTOR: TypeAdapter[ExecutorSettings] = TypeAdapter(ExecutorSettings)


def corpus_of(root: Path, executor: ExecutorSettings) -> Artifact:
    """The exported corpus; everything it was made of stays in `root`."""
    build = Store(root).build
    planted = build("planted_crawl", partial(write_planted_crawl, settings=PLANTED))
    crawl = CrawlSettings(folder=planted.path)
    pages = {
        name: build(
            f"pages/{name}",
            partial(write_pages, settings=crawl, snapshot=name, executor=executor),
            inputs={"crawl": planted},
        )
        for name in SNAPSHOTS
    }
    index = build("url_index", partial(write_url_index, settings=crawl, pages=pages, executor=executor), inputs=pages)
    own = {"pages": pages, "url_index": index}
    grown = build("seed_corpus", partial(write_seed, settings=SEED, **own))
    for number in (1,):
        grown = iteration(Store(root / str(number)), number, executor, previous=grown, **own)
    extraction = ExtractionSettings()
    extracted = build(
        "extracted", partial(write_extracted, settings=extraction, crawl=crawl, corpus=grown, executor=executor)
    )
    near = NearDuplicateSettings()
    twins = build(
        "near_duplicates", partial(write_near_duplicates, settings=near, extracted=extracted, executor=executor)
    )
    benchmark = BenchmarkSettings(name="templated_easy", limit=60)
    problems = {"templated_easy": build("problems", partial(write_problems, settings=benchmark))}
    clean = DecontaminationSettings()
    hits = build(
        "contamination",
        partial(write_contamination, settings=clean, extracted=extracted, problems=problems, executor=executor),
    )
    parts = {"extracted": extracted, "near_duplicates": twins, "contamination": hits}
    return build("math_corpus", partial(write_math_corpus, settings=ExportSettings(), **parts))


def iteration(store: Store, number: int, executor: ExecutorSettings, *, previous: Artifact, **own: object) -> Artifact:
    build = store.build
    model = build("classifier", partial(write_classifier, settings=CLASSIFIER, positives=previous, **own))
    scoring = partial(write_scores, settings=ScoreSettings(), classifier=model, executor=executor)
    scores = {name: build(f"scores/{name}", partial(scoring, pages=table)) for name, table in own["pages"].items()}
    recalled = build(
        "recalled", partial(write_recalled, settings=RecallSettings(), scores=scores, executor=executor, **own)
    )
    domains = build(
        "domains", partial(write_domains, settings=DomainSettings(), recalled=recalled, executor=executor, **own)
    )
    decided = build("annotations", partial(write_annotations, settings=AnnotationSettings(), domains=domains))
    inputs = {"previous": previous, "recalled": recalled, "annotations": decided, "iteration": number}
    return build("corpus", partial(write_corpus, settings=GrowthSettings(), **inputs, **own))


if __name__ == "__main__":
    corpus = corpus_of(Path(sys.argv[1]), EXECUTOR.validate_json(sys.argv[2]))
    print(corpus.facts)

"""Group corpus: the survivors of the loop, extracted exactly, deduplicated, decontaminated and exported."""

from functools import partial

import dagster as dg

from assets.artifacts import ArtifactStore, described
from assets.iterations import corpus_key
from pipelines.corpus.decontamination import write_contamination
from pipelines.corpus.export import write_math_corpus
from pipelines.corpus.near_duplicates import write_near_duplicates
from pipelines.extraction.survivors import write_extracted
from pipelines.recipe import Recipe
from pipelines.storage import Artifact


def corpus_assets(recipe: Recipe) -> list[dg.AssetsDefinition]:
    """From the last iteration's corpus to the exported one."""
    settings = recipe.corpus
    planted = {"planted_crawl": dg.AssetIn("planted_crawl")} if recipe.planted is not None else {}

    @dg.asset(
        ins={"corpus": dg.AssetIn(corpus_key(recipe.iterations.count)), **planted},
        group_name="corpus",
        kinds={"parquet"},
        description="The survivors, read again from their WARC records by offset and extracted exactly: formulas stay formulas.",
    )
    def extracted(store: ArtifactStore, corpus: Artifact, **inputs: Artifact) -> dg.Output[Artifact]:
        crawl = recipe.crawl_from(inputs.get("planted_crawl"))
        write = partial(write_extracted, settings=settings.extraction, crawl=crawl, corpus=corpus)
        return described(
            store.build(
                "extracted",
                write,
                settings=settings.extraction.identity(),
                inputs={"corpus": corpus, **inputs},
                version="6",
            )
        )

    @dg.asset(
        group_name="corpus",
        kinds={"parquet"},
        description="Clusters of near-duplicates (MinHash LSH); the best copy of each is kept.",
    )
    def near_duplicates(store: ArtifactStore, extracted: Artifact) -> dg.Output[Artifact]:
        write = partial(write_near_duplicates, settings=settings.near_duplicates, extracted=extracted)
        return described(
            store.build("near_duplicates", write, settings=settings.near_duplicates, inputs={"extracted": extracted})
        )

    @dg.asset(
        group_name="corpus",
        kinds={"parquet"},
        description="Every page that holds a 10-gram of a benchmark, or a shorter item whole: page, item and span (§2.1).",
    )
    def contamination(store: ArtifactStore, extracted: Artifact, problems: dict[str, Artifact]) -> dg.Output[Artifact]:
        write = partial(write_contamination, settings=settings.decontamination, extracted=extracted, problems=problems)
        inputs = {"extracted": extracted, **{f"problems/{key}": value for key, value in problems.items()}}
        return described(
            store.build("contamination", write, settings=settings.decontamination, inputs=inputs, version="3")
        )

    @dg.asset(
        group_name="corpus",
        kinds={"parquet", "huggingface"},
        description="The corpus to train on: documents with provenance, a data card, and a ledger of what was dropped and why.",
    )
    def math_corpus(
        store: ArtifactStore, extracted: Artifact, near_duplicates: Artifact, contamination: Artifact
    ) -> dg.Output[Artifact]:
        write = partial(
            write_math_corpus,
            settings=settings.export,
            extracted=extracted,
            near_duplicates=near_duplicates,
            contamination=contamination,
        )
        inputs = {"extracted": extracted, "near_duplicates": near_duplicates, "contamination": contamination}
        return described(store.build("math_corpus", write, settings=settings.export, inputs=inputs, version="5"))

    return [extracted, near_duplicates, contamination, math_corpus]

"""Group crawl: WARC files become pages, once."""

from functools import partial

import dagster as dg

from assets.artifacts import ArtifactStore, described
from assets.partitions import by_snapshot
from pipelines.crawl.pages import write_pages
from pipelines.crawl.planted import write_planted_crawl
from pipelines.crawl.settings import file_identities
from pipelines.crawl.url_index import write_url_index
from pipelines.recipe import Recipe
from pipelines.storage import Artifact


def crawl_assets(recipe: Recipe) -> list[dg.AssetsDefinition]:
    """The crawl as stored pages; with the embedded crawl before it where the recipe plants one."""
    planted = [planted_crawl(recipe)] if recipe.planted is not None else []

    @dg.asset(
        ins={asset.key.to_python_identifier(): dg.AssetIn(asset.key) for asset in planted},
        partitions_def=by_snapshot(recipe.name),
        group_name="crawl",
        kinds={"commoncrawl", "parquet"},
        description="One snapshot's pages: cheap text, language, math markers and where each lies in its WARC file, one row for "
        "each canonical URL. Every WARC byte is read once, here; iterations rescore this table (DeepSeekMath §2.1).",
    )
    def pages(context: dg.AssetExecutionContext, store: ArtifactStore, **inputs: Artifact) -> dg.Output[Artifact]:
        crawl, snapshot = recipe.crawl_from(inputs.get("planted_crawl")), context.partition_key
        files = [] if inputs else file_identities(crawl, snapshot)  # planted files are an input, known by content
        identity = {"crawl": crawl.identity(), "snapshot": snapshot, "files": files}
        write = partial(write_pages, settings=crawl, snapshot=snapshot)
        return described(store.build(f"pages/{snapshot}", write, settings=identity, inputs=inputs, version="2"))

    @dg.asset(
        group_name="crawl",
        kinds={"parquet"},
        description="For every canonical URL, the newest snapshot that holds it: the one row that later steps use.",
    )
    def url_index(store: ArtifactStore, pages: dict[str, Artifact]) -> dg.Output[Artifact]:
        write = partial(write_url_index, settings=recipe.crawl, pages=pages)
        return described(store.build("url_index", write, inputs=pages))

    return [*planted, pages, url_index]


def planted_crawl(recipe: Recipe) -> dg.AssetsDefinition:
    settings = recipe.planted
    assert settings is not None

    @dg.asset(
        group_name="crawl",
        kinds={"commoncrawl"},
        description="The embedded crawl: Common-Crawl-style WARC files that this project generates, with the truth about each page.",
    )
    def planted_crawl(store: ArtifactStore) -> dg.Output[Artifact]:
        return described(
            store.build("planted_crawl", partial(write_planted_crawl, settings=settings), settings=settings)
        )

    return planted_crawl

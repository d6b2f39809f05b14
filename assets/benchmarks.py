"""Group benchmarks: one parsed table per benchmark, read by decontamination and by evaluation, so that they cannot disagree."""

from functools import partial

import dagster as dg

from assets.artifacts import ArtifactStore, described
from assets.partitions import by_benchmark
from evaluators.benchmarks import write_problems
from pipelines.recipe import Recipe
from pipelines.storage import Artifact


def benchmark_assets(recipe: Recipe) -> list[dg.AssetsDefinition]:
    @dg.asset(
        partitions_def=by_benchmark(list(recipe.benchmarks)),
        group_name="benchmarks",
        kinds={"parquet"},
        description="A benchmark's problems and reference answers; a wrong row count or checksum of the source is an error.",
    )
    def problems(context: dg.AssetExecutionContext, store: ArtifactStore) -> dg.Output[Artifact]:
        settings = recipe.benchmarks[context.partition_key]
        return described(
            store.build(
                f"problems/{context.partition_key}", partial(write_problems, settings=settings), settings=settings
            )
        )

    return [problems]

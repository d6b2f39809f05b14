"""Group mixtures: problems with worked solutions become one packed SFT mixture (DeepSeekMath §3.1)."""

from functools import partial

import dagster as dg

from assets.artifacts import ArtifactStore, described
from pipelines.mixtures.mixing import write_sft_mixture
from pipelines.mixtures.packing import write_packed_mixture
from pipelines.mixtures.source import write_source
from pipelines.mixtures.teacher import write_annotated
from pipelines.recipe import Recipe
from pipelines.storage import Artifact


def mixture_assets(recipe: Recipe) -> list[dg.AssetsDefinition]:
    """Every source of the recipe, verified by execution; what a teacher adds; mixed and packed."""
    sources = [source_asset(recipe, name) for name in recipe.mixture.sources]
    if recipe.mixture.teacher is not None:
        sources.append(annotated_asset(recipe, [asset.key for asset in sources]))
    return [*sources, mixed_asset(recipe, [asset.key for asset in sources]), packed_asset(recipe)]


def source_asset(recipe: Recipe, name: str) -> dg.AssetsDefinition:
    settings = recipe.mixture.sources[name]

    @dg.asset(
        name=f"source_{name}",
        group_name="mixtures",
        kinds={"python", "parquet"},
        description=f"Examples of the source `{name}`; solutions with programs are kept only if they run and give the reference.",
    )
    def source(store: ArtifactStore) -> dg.Output[Artifact]:
        write = partial(write_source, settings=settings)
        return described(store.build(f"source_{name}", write, settings=settings))

    return source


def annotated_asset(recipe: Recipe, sources: list[dg.AssetKey]) -> dg.AssetsDefinition:
    settings = recipe.mixture.teacher
    assert settings is not None

    @dg.asset(
        ins={key.to_python_identifier(): dg.AssetIn(key) for key in sources},
        group_name="mixtures",
        kinds={"openai", "parquet"},
        description="Solutions that a teacher model wrote to the problems of the sources, kept only if their answer is right.",
    )
    def annotated(store: ArtifactStore, **sources: Artifact) -> dg.Output[Artifact]:
        write = partial(write_annotated, settings=settings, problems=sources)
        return described(store.build("annotated", write, settings=settings, inputs=sources))

    return annotated


def mixed_asset(recipe: Recipe, sources: list[dg.AssetKey]) -> dg.AssetsDefinition:
    settings = recipe.mixture.mixing

    @dg.asset(
        ins={key.to_python_identifier(): dg.AssetIn(key) for key in sources},
        group_name="mixtures",
        kinds={"parquet"},
        description="The mixture by weight, without duplicates and without problems of any benchmark.",
    )
    def sft_mixture(store: ArtifactStore, problems: dict[str, Artifact], **sources: Artifact) -> dg.Output[Artifact]:
        by_name = {name.removeprefix("source_"): artifact for name, artifact in sources.items()}
        write = partial(write_sft_mixture, settings=settings, sources=by_name, problems=problems)
        inputs = by_name | {f"problems/{key}": value for key, value in problems.items()}
        return described(store.build("sft_mixture", write, settings=settings, inputs=inputs))

    return sft_mixture


def packed_asset(recipe: Recipe) -> dg.AssetsDefinition:
    settings = recipe.mixture.packing

    @dg.asset(
        group_name="training",  # it is made with the tokenizer of the base model
        kinds={"parquet"},
        description="Token rows of the context length; no loss on prompts and program output (§3.2).",
    )
    def packed_mixture(store: ArtifactStore, sft_mixture: Artifact, base_model: Artifact) -> dg.Output[Artifact]:
        write = partial(write_packed_mixture, settings=settings, mixture=sft_mixture, tokenizer_dir=base_model.path)
        inputs = {"mixture": sft_mixture, "base_model": base_model}
        return described(store.build("packed_mixture", write, settings=settings, inputs=inputs))

    return packed_mixture

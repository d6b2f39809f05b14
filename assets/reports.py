"""Group reports: one page each, which opens offline."""

from functools import partial

import dagster as dg

from assets.artifacts import ArtifactStore, described
from assets.evaluation import parts_of
from assets.iterations import corpus_key
from evaluators.evaluate import completions_file
from pipelines.recipe import Recipe
from pipelines.reports.benchmark import Evaluation, write_benchmark_report
from pipelines.reports.corpus import write_corpus_report
from pipelines.reports.mixture import write_mixture_report
from pipelines.storage import Artifact

REPORTED = ("classifier", "domains", "annotations", "corpus")
"""What the corpus report reads of each iteration."""


def report_assets(recipe: Recipe) -> list[dg.AssetsDefinition]:
    return [corpus_report(recipe), mixture_report(recipe), benchmark_report(recipe)]


def corpus_report(recipe: Recipe) -> dg.AssetsDefinition:
    iterations = range(1, recipe.iterations.count + 1)
    ins = {f"{name}_{i}": dg.AssetIn([f"iteration_{i}", name]) for i in iterations for name in REPORTED}
    if recipe.training.proxy is not None:
        ins["proxy_models"] = dg.AssetIn("proxy_models")

    @dg.asset(
        ins={**ins, "seed_corpus": dg.AssetIn(corpus_key(0)), "math_corpus": dg.AssetIn("math_corpus")},
        group_name="reports",
        kinds={"html"},
        description="How the corpus grew over the iterations, what it is made of, and which URL prefixes wait for a person.",
    )
    def corpus_report(store: ArtifactStore, **inputs: Artifact) -> dg.Output[Artifact]:
        by_iteration = {i: {name: inputs[f"{name}_{i}"] for name in REPORTED} for i in iterations}
        write = partial(
            write_corpus_report,
            seed=inputs["seed_corpus"],
            iterations=by_iteration,
            math_corpus=inputs["math_corpus"],
            proxy_models=inputs.get("proxy_models"),
        )
        return described(store.build("corpus_report", write, inputs=inputs, version="4"))

    return corpus_report


def mixture_report(recipe: Recipe) -> dg.AssetsDefinition:
    sources = {f"source_{name}": dg.AssetIn(f"source_{name}") for name in recipe.mixture.sources}

    @dg.asset(
        ins=sources,
        group_name="reports",
        kinds={"html"},
        description="What the mixture is made of, how much of it was verified by execution, and how well it packs.",
    )
    def mixture_report(
        store: ArtifactStore, sft_mixture: Artifact, packed_mixture: Artifact, **sources: Artifact
    ) -> dg.Output[Artifact]:
        by_name = {name.removeprefix("source_"): artifact for name, artifact in sources.items()}
        write = partial(write_mixture_report, mixture=sft_mixture, packed=packed_mixture, sources=by_name)
        inputs = {"mixture": sft_mixture, "packed": packed_mixture, **sources}
        return described(store.build("mixture_report", write, inputs=inputs, version="2"))

    return mixture_report


def benchmark_report(recipe: Recipe) -> dg.AssetsDefinition:
    settings = recipe.evaluation
    tables = ("completions", "grades", "scores")
    ins = {f"{model}_{table}": dg.AssetIn([model, table]) for model in settings.models for table in tables}

    @dg.asset(
        ins={**ins, "problems": dg.AssetIn("problems")},
        group_name="reports",
        kinds={"html"},
        description="The table of the paper with our rows, intervals, paired comparisons, and a browser of every answer.",
    )
    def benchmark_report(store: ArtifactStore, **inputs: dict[str, Artifact]) -> dg.Output[Artifact]:
        problems = inputs["problems"]
        evaluations = [
            Evaluation(
                model=model,
                problems=problems[parts_of(key)["name"]].file("problems.parquet"),
                completions=inputs[f"{model}_completions"][key].file(completions_file(**parts_of(key))),
                grades=inputs[f"{model}_grades"][key].file("grades.parquet"),
                scores=inputs[f"{model}_scores"][key].file("scores.json"),
                lineage=lineage(recipe, model),
            )
            for model in settings.models
            for key in sorted(inputs[f"{model}_scores"])
        ]
        write = partial(write_benchmark_report, settings=settings.report, evaluations=evaluations)
        used = {f"{name}/{key}": artifact for name, by_key in inputs.items() for key, artifact in by_key.items()}
        return described(store.build("benchmark_report", write, settings=settings.report, inputs=used, version="2"))

    return benchmark_report


def lineage(recipe: Recipe, model: str) -> dict[str, int]:
    """Each training run that a model belongs to, and the optimiser steps behind it: base, SFT, then one policy."""
    sft, policies = recipe.training.sft.optimiser.steps, recipe.training.policies
    runs = [name for name in recipe.evaluation.models if name in policies] or ["sft"]
    if model in policies:
        return {model: sft + policies[model].optimiser.steps}
    return dict.fromkeys(runs, {"base": 0, "sft": sft}[model]) if model in ("base", "sft") else {}

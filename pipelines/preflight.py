"""What a run would miss, told before it starts: hours of reading a crawl should not end at a model that is not there."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

from evaluators.benchmarks import benchmark, check_benchmark
from evaluators.errors import MathsieveError
from evaluators.executors import require_engine
from evaluators.models.source import HUB, served_files
from evaluators.sampled import SampledSettings
from pipelines.corpus.annotations import read_decisions
from pipelines.crawl.settings import KINDS, list_warcs
from pipelines.mixtures.source import check_source
from pipelines.recipe import Recipe, RecipeError
from pipelines.recipe_graph import evaluation, steps_of
from pipelines.training.base_model import BaseModelSettings, check_base_model

NEEDED = {"base_model": "safetensors", "sft_model": "accelerate"}
"""Assets that need more than the core of the project, by the last part of their keys, and a package that tells."""


def missing_inputs(recipe: Recipe, assets: Collection[str]) -> list[str]:
    """One sentence for each input that the named assets (keys with `/`) would not find; nothing is fetched, and of files only what
    a person wrote is read."""
    found = []
    for key, check in _checks(recipe, assets):
        try:
            check()
        except MathsieveError as error:
            found.append(f"{key}: {error}")
    return found


def _checks(recipe: Recipe, assets: Collection[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    yield from _engine_checks(recipe, assets)
    if "pages" in assets:
        yield from _crawl_checks(recipe)
    if "seed_corpus" in assets:
        yield "seed", partial(_must_name_pages, recipe)
        for file in recipe.seed.files:
            yield "seed.files", partial(_must_exist, file)
    decisions = recipe.iterations.annotations.decisions
    if decisions is not None and any(key.endswith("/annotations") for key in assets):
        yield "iterations.annotations.decisions", partial(_must_be_readable, decisions)
    if "problems" in assets:
        for name, settings in recipe.benchmarks.items():
            yield f"benchmarks.{name}", partial(check_benchmark, settings)
    for name, source in recipe.mixture.sources.items():
        if f"source_{name}" in assets:
            yield f"mixture.sources.{name}", partial(check_source, source)
    if "base_model" in assets:
        yield "training.base_model", partial(check_base_model, recipe.training.base_model)
    yield from _model_checks(recipe, assets)
    for part, package in NEEDED.items():
        if any(key.rpartition("/")[2] == part for key in assets):
            yield part, partial(_must_be_installed, package)


def _engine_checks(recipe: Recipe, assets: Collection[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    if any(step.stage.by_shards and step.name in assets for step in steps_of(recipe)):
        yield "executor", partial(require_engine, recipe.executor)


def _crawl_checks(recipe: Recipe) -> Iterator[tuple[str, Callable[[], object]]]:
    if recipe.iterations.grown_on:
        yield "iterations.grown_on", partial(_must_have_snapshots, recipe)
    if recipe.planted is not None:
        for name in recipe.planted.leaked_benchmarks:
            yield "planted.leaked_benchmarks", partial(benchmark, name)
    elif (listed := recipe.crawl.listed) is not None:
        for kind in KINDS:
            for file in getattr(listed, kind):
                yield f"crawl.common_crawl.listed.{kind}", partial(_must_be_a_list, file)
    elif recipe.crawl.common_crawl is None:
        for snapshot in recipe.snapshots():
            yield "crawl", partial(list_warcs, recipe.crawl, snapshot)


def _model_checks(recipe: Recipe, assets: Collection[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Of models that are put to the benchmarks: their folders, and what serves them. What a hub has, only fetching can tell."""
    for step in evaluation(recipe):
        if step.name not in assets:
            continue
        if isinstance(step.settings, BaseModelSettings):
            yield step.name, partial(check_base_model, step.settings)
        elif isinstance(step.settings, SampledSettings):
            source = step.settings.source
            if source is not None and not source.source.startswith(HUB):
                yield step.name, partial(served_files, Path(source.source))
            if step.settings.endpoint is None:
                yield step.name, partial(_must_be_installed, "vllm")


def _must_have_snapshots(recipe: Recipe) -> None:
    there = recipe.snapshots()
    if missing := [name for name in recipe.iterations.grown_on if name not in there]:
        raise RecipeError(
            f"expected snapshots of the crawl ({', '.join(there)}); found {', '.join(missing)}. Name others, or leave it out "
            "to grow the loop on all."
        )


def _must_exist(file: Path) -> None:
    if not file.exists():
        raise RecipeError(f"{file}: expected a file of text and url; there is none. Check the path.")


def _must_be_a_list(file: Path) -> None:
    if not file.exists():
        raise RecipeError(f"{file}: expected a file or folder that lists pages; there is none. Check the path.")


def _must_name_pages(recipe: Recipe) -> None:
    if not recipe.seed.crawl and not recipe.seed.files:
        raise RecipeError(
            "expected pages to start from; found none. Name URL prefixes of the crawl, crawl: [{prefix: docs.scipy.org/doc}], "
            "or files of text and url, files: [seed.jsonl]."
        )


def _must_be_readable(decisions: Path) -> None:
    if decisions.exists():  # the first review makes it
        read_decisions(decisions)


def _must_be_installed(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise RecipeError(
            f"expected the Python package {package} to be installed; it is not. `make setup` installs everything; or "
            "pip install 'mathsieve[training,cpu]' ([training,gpu] beside a GPU)."
        )

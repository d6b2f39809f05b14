"""The code location: one recipe's graph (see workspace.yaml). MATHSIEVE_RECIPE names it; the default is the demo."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import dagster as dg

from assets.artifacts import ArtifactReferences
from assets.automation import automation_of
from assets.checkout import RECIPE, default_recipe
from assets.stages import loop_checks, stage_assets
from pipelines.recipe import Recipe, load_recipe

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # single-run backfills are beta in 1.13; pinned to 1.13


def definitions_of(recipe: Recipe) -> dg.Definitions:
    """The whole graph of one recipe, with its checks, resources and automation."""
    return dg.Definitions.merge(graph_of(recipe), automation_of(recipe, graph_of))


def graph_of(recipe: Recipe) -> dg.Definitions:
    """The assets of one recipe, with their checks and resources."""
    return dg.Definitions(
        assets=stage_assets(recipe),
        asset_checks=list(loop_checks(recipe)),
        resources={"io_manager": ArtifactReferences(root=recipe.home)},
        executor=dg.multiprocess_executor.configured({"max_concurrent": 2}),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads."""
    named = os.environ.get(RECIPE)
    return definitions_of(load_recipe(Path(named) if named else default_recipe()))

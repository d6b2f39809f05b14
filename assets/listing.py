"""`mathsieve run --list`: what of a recipe is found, what would be made, and why. Dagster is not asked."""

from __future__ import annotations

import json
from collections.abc import Collection

from evaluators.errors import MathsieveError
from pipelines.mixtures.mixing import SFT_MIXTURE
from pipelines.mixtures.plan import plan_table, planned_parts
from pipelines.recipe import ANNOTATED, Recipe
from pipelines.recipe_graph import maker_of
from pipelines.standing import Standing, standings
from pipelines.steps import Key


def list_standings(recipe: Recipe, wanted: Collection[Key] | None = None, *, as_json: bool = False) -> int:
    """Print how each artifact stands; of `wanted` assets alone, where they are given.

    What the mixture will hold by published counts comes first, since telling that reads nothing.
    """
    if not as_json and (wanted is None or (SFT_MIXTURE.name,) in wanted):
        mixture = recipe.mixture
        lines = planned_parts(mixture.sources, mixture.mixing, mixture.teacher, ANNOTATED)
        print("mixture, by published row counts:", *plan_table(lines), sep="\n", flush=True)
        print()
    recipe = _impatient(recipe)
    try:
        snapshots = recipe.snapshots()
    except MathsieveError as error:
        snapshots, told = [], str(error)
    else:
        told = ""
    maker = maker_of(recipe, snapshots)
    maker.store.root.folders()  # a root that cannot be read is told once, not of each asset
    shown = [standing for standing in standings(maker) if wanted is None or standing.step.key in wanted]
    if as_json:
        for standing in shown:
            print(json.dumps(standing.as_json(), ensure_ascii=False))
        return 0
    width = max((len(_name(standing)) for standing in shown), default=0)
    for standing in shown:
        print(f"{_name(standing):<{width}}  {standing.state:<10}  {standing.reason}".rstrip())
    counts = [f"{sum(one.state == state for one in shown)} {state}" for state in ("found", "to be made", "unknown")]
    print(", ".join(counts) + (f"; {told}" if told else ""))
    return 0


def _impatient(recipe: Recipe) -> Recipe:
    """Without the patience that a run has with a crawl that cannot be reached: a list is wanted now."""
    if recipe.crawl.common_crawl is None:
        return recipe
    published = recipe.crawl.common_crawl.model_copy(update={"attempts": 1, "timeout": 5.0})
    return recipe.model_copy(update={"crawl": recipe.crawl.model_copy(update={"common_crawl": published})})


def _name(standing: Standing) -> str:
    return standing.step.reference(
        None if standing.step.together or not standing.partitions else standing.partitions[0]
    )

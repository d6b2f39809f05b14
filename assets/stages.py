"""Dagster's assets, derived from the steps of a recipe: what each reads, how it is cut, and what its versions are.

`code_version` is the stage's version with a digest of the settings that change its result; `data_version` is the digest of
what was made. Both belong to the artifact's identity, so the UI shows as stale what a run would make again.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import dagster as dg

from assets.artifacts import described, described_partitions
from assets.graph import recorded_versions
from assets.partitions import by_benchmark, by_benchmark_and_form, by_fresh_snapshot, by_grown_snapshot, by_snapshot
from evaluators.stages.identity import settings_identity
from pipelines.figures import CorpusFacts
from pipelines.recipe import Recipe
from pipelines.recipe_graph import maker_of, steps_of
from pipelines.standing import Current, last_made
from pipelines.steps import Cut, Maker, Step
from pipelines.storage import canonical_json


def stage_assets(recipe: Recipe) -> list[dg.AssetsDefinition]:
    """Every asset of a recipe."""
    cuts = partitions_of(recipe)
    return [asset_of(step, cuts, partial(_maker_of, recipe)) for step in steps_of(recipe)]


def _maker_of(recipe: Recipe, instance: dg.DagsterInstance) -> Maker:
    return maker_of(recipe, sorted(instance.get_dynamic_partitions(str(by_snapshot(recipe.name).name))))


def partitions_of(recipe: Recipe) -> Mapping[Cut, dg.PartitionsDefinition[str]]:
    benchmarks = list(recipe.benchmarks)
    return {
        "snapshot": by_snapshot(recipe.name),
        "grown": by_grown_snapshot(recipe.name),
        "fresh": by_fresh_snapshot(recipe.name),
        "benchmark": by_benchmark(benchmarks),
        "benchmark_and_form": by_benchmark_and_form(benchmarks, recipe.evaluation.forms),
    }


def asset_of(
    step: Step, cuts: Mapping[Cut, dg.PartitionsDefinition[str]], maker_for: Callable[[dg.DagsterInstance], Maker]
) -> dg.AssetsDefinition:
    """The asset of one step, made by what `maker_for` gives for the partitions that an instance knows."""

    @dg.asset(
        key=list(step.key),
        deps=[dg.AssetKey(list(key)) for key in dict.fromkeys(step.sources())],
        group_name=step.group,
        kinds=set(step.stage.kinds),
        description=step.description or step.stage.description,
        partitions_def=None if step.cut is None else cuts[step.cut],
        backfill_policy=dg.BackfillPolicy.single_run() if step.together else None,
        pool=step.pool,
        code_version=code_version(step),
    )
    def made(context: dg.AssetExecutionContext) -> dg.Output[Any]:
        partitions = list(context.partition_keys) if step.cut is not None else []
        maker = maker_for(context.instance)
        artifact = maker.make(step, partitions, last_made(maker))
        if (line := maker.remark(step, partitions, artifact)) is not None:
            dg.get_dagster_logger().warning(line)  # `mathsieve run` shows warnings only
        if step.together:
            return described_partitions(context, dict.fromkeys(partitions, artifact))
        return described(artifact)

    return made


def code_version(step: Step) -> str:
    """What a person changed of how an asset is made: the stage's version, or settings that change its result.

    Files that settings name are looked at when a run begins, not when the code is loaded.
    """
    own = settings_identity(step.settings, None) if step.stage.settings is not None and not _has_own(step) else None
    return f"{step.stage.version}-{hashlib.sha256(canonical_json(own)).hexdigest()[:8]}"


def _has_own(step: Step) -> bool:
    """Whether each partition has settings of its own: one more of them makes the others no older."""
    return isinstance(step.settings, Mapping)


def current_of(recipe: Recipe, snapshots: Sequence[str], instance: dg.DagsterInstance) -> Current:
    """What of the recipe is there and stands in the history."""
    maker = maker_of(recipe, snapshots)
    return Current(maker=maker, recorded=recorded_versions(maker.graph, instance))


def loop_checks(recipe: Recipe) -> Iterator[dg.AssetChecksDefinition]:
    """Whether another iteration would still find pages, for each iteration's corpus."""
    for step in steps_of(recipe):
        if step.key[0].startswith("iteration_") and step.key[-1] == "corpus":
            yield still_growing(step, maker_of(recipe, []))


def still_growing(step: Step, maker: Maker) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=dg.AssetKey(list(step.key)),
        name="still_growing",
        description="Another iteration would find new pages; the paper stopped when ~98 % were already collected (§2.1).",
    )
    def check() -> dg.AssetCheckResult:
        facts = CorpusFacts.of(last_made(maker)(step.key, None))
        shown = {name: value for name, value in facts.model_dump().items() if isinstance(value, int | float | bool)}
        return dg.AssetCheckResult(passed=not facts.converged, severity=dg.AssetCheckSeverity.WARN, metadata=shown)

    return check

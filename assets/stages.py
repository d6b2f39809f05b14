"""Dagster's assets, derived from the steps of a recipe: what each reads, how it is cut, and what its versions are.

`code_version` is the stage's version with a digest of the settings that change its result; `data_version` is the digest of
what was made. Both belong to the artifact's identity, so the UI shows as stale what a run would make again.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from assets.artifacts import ArtifactReferences, described, described_partitions
from assets.partitions import by_benchmark, by_benchmark_and_form, by_snapshot
from evaluators.stages import ContentDigests
from evaluators.stages.identity import settings_identity
from pipelines.figures import CorpusFacts
from pipelines.recipe import Recipe
from pipelines.recipe_graph import graph_of, steps_of
from pipelines.steps import Cut, Key, Lookup, Maker, Step
from pipelines.storage import Store, canonical_json


def stage_assets(recipe: Recipe) -> list[dg.AssetsDefinition]:
    """Every asset of a recipe."""
    cuts = partitions_of(recipe)
    return [asset_of(recipe, step, cuts) for step in steps_of(recipe)]


def partitions_of(recipe: Recipe) -> Mapping[Cut, dg.PartitionsDefinition[str]]:
    benchmarks = list(recipe.benchmarks)
    return {
        "snapshot": by_snapshot(recipe.name),
        "benchmark": by_benchmark(benchmarks),
        "benchmark_and_form": by_benchmark_and_form(benchmarks, recipe.evaluation.forms),
    }


def asset_of(recipe: Recipe, step: Step, cuts: Mapping[Cut, dg.PartitionsDefinition[str]]) -> dg.AssetsDefinition:
    """The asset of one step."""

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
        maker = maker_of(recipe, known_snapshots(recipe, context.instance))
        lookup = last_made(recipe.home)
        artifact = maker.make(step, partitions, lookup)
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


def maker_of(recipe: Recipe, snapshots: list[str]) -> Maker:
    """What makes the recipe's artifacts. Digests of files that settings name are kept beside them."""
    digests = ContentDigests(recipe.home / "digests.sqlite")
    return Maker(graph=graph_of(recipe, snapshots), store=Store(recipe.home), digests=digests, executor=recipe.executor)


def known_snapshots(recipe: Recipe, instance: dg.DagsterInstance) -> list[str]:
    return sorted(instance.get_dynamic_partitions(str(by_snapshot(recipe.name).name)))


def last_made(home: Path) -> Lookup:
    """Finds the artifact that an asset made last, by its reference. Raises StorageError where there is none."""
    references = ArtifactReferences(root=str(home))
    return lambda key, partition: references.read(dg.AssetKey(list(key)), partition)


def loop_checks(recipe: Recipe) -> Iterator[dg.AssetChecksDefinition]:
    """Whether another iteration would still find pages, for each iteration's corpus."""
    for step in steps_of(recipe):
        if step.key[0].startswith("iteration_") and step.key[-1] == "corpus":
            yield still_growing(recipe.home, step.key)


def still_growing(home: Path, key: Key) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=dg.AssetKey(list(key)),
        name="still_growing",
        description="Another iteration would find new pages; the paper stopped when ~98 % were already collected (§2.1).",
    )
    def check() -> dg.AssetCheckResult:
        facts = CorpusFacts.of(last_made(home)(key, None))
        shown = {name: value for name, value in facts.model_dump().items() if isinstance(value, int | float | bool)}
        return dg.AssetCheckResult(passed=not facts.converged, severity=dg.AssetCheckSeverity.WARN, metadata=shown)

    return check

"""What runs by itself: the monthly refresh of the corpus, and the watch for new snapshots.

Both are off until somebody turns them on in the UI, since a refresh may read terabytes.
"""

from collections.abc import Callable

import dagster as dg

from assets.graph import Plan, materialize
from assets.partitions import by_snapshot
from assets.stages import current_of
from pipelines.recipe import Recipe

CORPUS = 'key:"math_corpus" or key:"corpus_report" or key:"corpus_diff"'
"""What a refresh makes, with everything upstream of it."""


def automation_of(recipe: Recipe, graph_of: Callable[[Recipe], dg.Definitions]) -> dg.Definitions:
    """The refresh job, its schedule and its sensor for one recipe's graph.

    A refresh trains no proxy models (150 B tokens each in the paper's recipe): its corpus report does without them.
    """
    unproven = recipe.model_copy(update={"training": recipe.training.model_copy(update={"proxy": None})})

    @dg.op(
        name="refresh",
        description="Materializes the corpus and all that it needs; pages that are stored already are not read again.",
    )
    def refresh(context: dg.OpExecutionContext) -> None:
        failed = materialize(
            Plan.of(graph_of(unproven), CORPUS),
            context.instance,
            snapshots=recipe.snapshots(),
            recipe=recipe.name,
            grown_on=recipe.iterations.grown_on,
            quiet=True,
            current=current_of(unproven, recipe.snapshots(), context.instance),
        )
        if failed:
            raise dg.Failure(description=failed)

    @dg.job(
        name="refresh_corpus",
        description="Reads new snapshots and adds their pages, or grows the corpus again from its seed: as iterations.grown_on says.",
    )
    def refresh_corpus() -> None:
        refresh()

    # Common Crawl publishes a snapshot in the first days of a month or later; the 8th at 06:00 UTC leaves it time.
    monthly = dg.ScheduleDefinition(
        name="monthly_refresh",
        job=refresh_corpus,
        cron_schedule="0 6 8 * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )

    @dg.sensor(name="new_snapshot", job=refresh_corpus, minimum_interval_seconds=6 * 3600)
    def new_snapshot(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """Notices snapshots that the recipe's source offers and Dagster does not know; registers them and refreshes."""
        partitions = by_snapshot(recipe.name)
        known = set(context.instance.get_dynamic_partitions(str(partitions.name)))
        new = [snapshot for snapshot in recipe.snapshots() if snapshot not in known]
        if not new:
            return dg.SkipReason(f"no new snapshot; {len(known)} are known")
        return dg.SensorResult(
            dynamic_partitions_requests=[partitions.build_add_request(new)],
            run_requests=[dg.RunRequest(run_key=f"{recipe.name}:{new[-1]}", tags={"snapshots": ",".join(new)})],
        )

    return dg.Definitions(jobs=[refresh_corpus], schedules=[monthly], sensors=[new_snapshot])

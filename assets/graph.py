"""Drives the asset graph in one process: runs in dependency order, one Dagster run for each stretch of one partitioning.

Dagster runs target one partitioning each, and the graph has several (snapshots; benchmark x form). The UI's backfills
need the daemon; a laptop, a schedule and a test need the same walk without it. That walk is this module.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.storage.tags import GRPC_INFO_TAG  # where a run of the UI says which server drives it

from assets.partitions import by_fresh_snapshot, by_grown_snapshot, by_snapshot
from pipelines.standing import Current
from pipelines.steps import Graph, Key

DRIVER_TAG = "mathsieve/driver_pid"
OWN_ERROR = re.compile(r"^(?:assets|pipelines|evaluators)[\w.]*: ")
"""The class before the message of an error of ours, which says all by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Assets of one partitioning that can be made in one run, given all stretches before it."""

    keys: tuple[dg.AssetKey, ...]
    partitions: dg.PartitionsDefinition[str] | None
    single_run: bool
    """All partitions in one run (they share something costly, as a server), or one run for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to make, in order."""

    definitions: dg.Definitions
    stretches: tuple[Stretch, ...]

    @classmethod
    def of(cls, definitions: dg.Definitions, select: str | None = None) -> Plan:
        """The plan of a selection (Dagster's syntax) and everything upstream of it; of the whole graph without one."""
        graph = definitions.resolve_asset_graph()
        wanted = set(graph.materializable_asset_keys)
        if select is not None:
            wanted &= set(dg.AssetSelection.from_string(select).upstream().resolve(graph))
        return cls(definitions=definitions, stretches=tuple(_stretches(graph, wanted)))

    @property
    def keys(self) -> list[dg.AssetKey]:
        return [key for stretch in self.stretches for key in stretch.keys]


def _stretches(graph: Any, wanted: set[dg.AssetKey]) -> Iterator[Stretch]:
    """Stretches in the order in which the paper tells it: one group after the other, as far as dependencies allow."""
    order = [key for key in graph.toposorted_asset_keys if key in wanted]
    done: set[dg.AssetKey] = set()

    def ready() -> list[dg.AssetKey]:
        left = [key for key in order if key not in done]
        return [
            key for key in left if all(parent in done or parent not in wanted for parent in graph.get(key).parent_keys)
        ]

    while len(done) < len(order):
        first = graph.get(min(ready(), key=lambda key: _rank(graph.get(key).group_name)))
        keys: list[dg.AssetKey] = []
        while found := [key for key in ready() if _kind(graph.get(key)) == _kind(first)]:
            keys += found
            done |= set(found)
        single_run = first.backfill_policy == dg.BackfillPolicy.single_run()
        yield Stretch(keys=tuple(keys), partitions=first.partitions_def, single_run=single_run)


def _kind(node: Any) -> tuple[Any, ...]:
    """What the assets of one stretch share."""
    return node.group_name, node.partitions_def, node.backfill_policy


def _rank(group: str) -> tuple[int, int]:
    """Where a group stands in the story."""
    name, _, number = group.partition("_")
    story = (
        "crawl",
        "seed",
        "iteration",
        "refresh",
        "benchmarks",
        "corpus",
        "mixtures",
        "training",
        "evaluation",
        "reports",
    )
    return (story.index(name) if name in story else len(story), int(number) if number.isdigit() else 0)


def materialize(
    plan: Plan,
    instance: dg.DagsterInstance,
    *,
    snapshots: Sequence[str],
    recipe: str,
    grown_on: Sequence[str] = (),
    quiet: bool = False,
    current: Current | None = None,
) -> str | None:
    """Make everything in the plan but what is `current`. Returns None, or which asset failed and why; what was finished stays.

    Raises KeyboardInterrupt where Ctrl-C or SIGTERM stopped it.
    """
    close_orphans(instance)
    register_snapshots(instance, recipe, snapshots, grown_on)
    requests = [_run_requests(stretch, instance) for stretch in plan.stretches]  # once: snapshots may join meanwhile
    progress = _Progress(
        names={key.to_user_string() for key in plan.keys},
        total=sum(len(stretch.keys) * len(runs) for stretch, runs in zip(plan.stretches, requests, strict=True)),
        quiet=quiet,
    )
    definitions = dg.Definitions.merge(plan.definitions, dg.Definitions(loggers={"console": progress.logger()}))
    job = definitions.resolve_implicit_global_asset_job_def()
    for stretch, runs in zip(plan.stretches, requests, strict=True):
        for tags in runs:
            progress.partition = tags.get("dagster/partition", "")
            keys = [key for key in stretch.keys if current is None or not _is_current(current, key, tags)]
            progress.found += len(stretch.keys) - len(keys)
            if not keys:
                continue
            result = job.execute_in_process(
                instance=instance,
                asset_selection=keys,
                partition_key=tags.get("dagster/partition"),
                run_config={"loggers": {"console": {}}},
                tags={**tags, DRIVER_TAG: str(os.getpid()), "recipe": recipe},
                raise_on_error=False,
            )
            if not result.success:
                if _was_interrupted(result):
                    raise KeyboardInterrupt
                return _failure(result)
            if current is not None:
                current.made(tuple(key.path) for key in keys)
    progress.finish()
    return None


def _is_current(current: Current, key: dg.AssetKey, tags: Mapping[str, str]) -> bool:
    graph = current.maker.graph
    step = graph.steps[tuple(key.path)]
    partitions = [tags["dagster/partition"]] if "dagster/partition" in tags else []
    return current.holds(step, graph.partitions[step.cut] if step.together and step.cut is not None else partitions)


def recorded_versions(graph: Graph, instance: dg.DagsterInstance) -> dict[tuple[Key, str | None], str]:
    """The data version of each asset (partition) that the history holds as its last."""
    found: dict[tuple[Key, str | None], str] = {}
    for step in graph.steps.values():
        key = dg.AssetKey(list(step.key))
        if step.cut is None:
            event = instance.get_latest_materialization_event(key)
            made = event.asset_materialization if event is not None else None
            tags: Mapping[Any, Mapping[str, str]] = {None: made.tags or {}} if made is not None else {}
        else:
            tags = instance.event_log_storage.get_latest_tags_by_partition(
                key, dg.DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION_TAG]
            )
        found |= {(step.key, one): said[DATA_VERSION_TAG] for one, said in tags.items() if DATA_VERSION_TAG in said}
    return found


def register_snapshots(
    instance: dg.DagsterInstance, recipe: str, snapshots: Sequence[str], grown_on: Sequence[str] = ()
) -> list[str]:
    """Have Dagster know these snapshots and no others: dynamic partitions start empty, and a recipe may drop one, whose
    pages are in the store still. Where the loop is grown on some, the others are fresh. Returns the new ones.
    """
    if grown_on:
        _register(instance, by_grown_snapshot(recipe), grown_on)
        _register(instance, by_fresh_snapshot(recipe), [name for name in snapshots if name not in grown_on])
    return _register(instance, by_snapshot(recipe), snapshots)


def _register(
    instance: dg.DagsterInstance, partitions: dg.DynamicPartitionsDefinition, snapshots: Sequence[str]
) -> list[str]:
    name = str(partitions.name)
    known = set(instance.get_dynamic_partitions(name))
    for gone in sorted(known - set(snapshots)):
        instance.delete_dynamic_partition(name, gone)
    new = [snapshot for snapshot in snapshots if snapshot not in known]
    instance.add_dynamic_partitions(name, new)
    return new


def close_orphans(instance: dg.DagsterInstance) -> None:
    """Runs whose driver was killed would look alive, and hold their place in a pool, for ever: end them."""
    alive = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED]
    )
    for run in instance.get_runs(alive):
        if _lost_its_driver(run):
            instance.report_run_failed(
                run, "The process that drove this run was killed. Run the recipe again: it resumes."
            )
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _lost_its_driver(run: dg.DagsterRun) -> bool:
    """Whether the walk, or, for a run of the UI, the server of the code location that drove it, is gone."""
    pid = run.tags.get(DRIVER_TAG)
    if pid is not None:
        return not _is_running(int(pid))
    socket = json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).get("socket")
    return socket is not None and not Path(socket).exists()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _run_requests(stretch: Stretch, instance: dg.DagsterInstance) -> list[dict[str, str]]:
    """The tags of each run that the stretch needs."""
    if stretch.partitions is None:
        return [{}]
    keys: Sequence[str] = stretch.partitions.get_partition_keys(dynamic_partitions_store=instance)
    if stretch.single_run and keys:
        return [{"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}]
    return [{"dagster/partition": key} for key in keys]


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Dagster turns a signal into an error of the step that it met, or, between two steps, of the run."""
    for event in result.all_events:
        error = getattr(event.event_specific_data, "error", None)
        while error is not None:
            if error.cls_name in ("DagsterExecutionInterruptedError", "KeyboardInterrupt"):
                return True
            error = error.cause or error.context
    return False


def _failure(result: dg.ExecuteInProcessResult) -> str:
    lines = []
    for event in result.all_events:
        if event.is_step_failure and event.step_failure_data.error is not None:
            error = event.step_failure_data.error
            message = OWN_ERROR.sub("", (error.cause or error).message.strip())
            lines.append(f"{(event.step_key or '').replace('__', '/')}: {message}")
    return "\n".join(lines) or "a run failed before its first step; see `make ui`"


NOT_REACHED = "Dependencies for step "
"""How Dagster begins a line for each step after one that failed: the failure itself is told once, at the end."""


class _Progress:
    """One line per asset as it starts and ends, driven by Dagster's own events."""

    def __init__(self, *, names: set[str], total: int, quiet: bool) -> None:
        self.names, self.total, self.quiet = names, total, quiet
        self.started = time.monotonic()
        self.partition = ""
        self.steps: dict[tuple[str, str], int] = {}
        """Asset and partition -> its place in the order of first starts: one that starts again is not counted again."""
        self.step_started: dict[str, float] = {}
        self.found = 0
        """Assets that were there already."""
        self.done: set[tuple[str, str]] = set()

    def logger(self) -> dg.LoggerDefinition:
        progress = self

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                meta = getattr(record, "dagster_meta", {})
                if meta.get("dagster_event") is not None:
                    progress.see(meta["dagster_event"])
                elif record.levelno >= logging.WARNING and not progress.quiet:
                    message = meta.get("orig_message", record.getMessage())
                    if not message.startswith(NOT_REACHED):
                        print(f"         {message}", file=sys.stderr, flush=True)

        @dg.logger
        def console(_: dg.InitLoggerContext) -> logging.Logger:
            logger = logging.Logger("mathsieve.progress", logging.DEBUG)  # Dagster logs its events as debug
            logger.addHandler(Handler())
            return logger

        return console

    def see(self, event: dg.DagsterEvent) -> None:
        name = (event.step_key or "").replace("__", "/")
        if name not in self.names:  # an asset check
            return
        step = (name, self.partition)
        if event.event_type == dg.DagsterEventType.STEP_START:
            self.step_started[name] = time.monotonic()
            place = self.steps.setdefault(step, len(self.steps) + 1)
            self._say(f"[{place:>{len(str(self.total))}}/{self.total}] {name} {self.partition}".rstrip())
        elif event.event_type == dg.DagsterEventType.STEP_SUCCESS:
            self.done.add(step)
            seconds = time.monotonic() - self.step_started.get(name, self.started)
            if seconds >= 1:
                self._say(f"{'':>{2 * len(str(self.total)) + 3}} {seconds:.0f} s")

    def finish(self) -> None:
        there = f", {self.found} were there" if self.found else ""
        self._say(f"{len(self.done)} assets in {time.monotonic() - self.started:.0f} s{there}")

    def _say(self, line: str) -> None:
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

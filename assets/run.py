"""Materialize a recipe without the UI: every asset in order, each recorded in Dagster's history.

What exists already is found and not made again; a killed run resumes where it stopped.

  mathsieve run recipes/demo.yaml
  mathsieve run recipes/demo.yaml --select 'group:corpus'        that group and whatever it needs
  MATHSIEVE_HOME=/somewhere mathsieve run my_recipe.yaml         artifacts elsewhere, or MATHSIEVE_HOME=s3://bucket/prefix
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from assets.checkout import enter
from evaluators.errors import MathsieveError, UnusableArguments

if TYPE_CHECKING:
    import dagster as dg

    from assets.history import Recorded
    from pipelines.recipe import Recipe
    from pipelines.steps import Graph

STOPPED = "stopped; the same command goes on from here"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?", type=Path, help="a YAML file (default: recipes/demo.yaml)")
    parser.add_argument(
        "--select",
        metavar="SELECTION",
        help="assets in Dagster's selection syntax, made together with everything upstream of them: 'key:\"iteration_1/corpus\"', 'group:mixtures'",
    )
    parser.add_argument(
        "--list", action="store_true", help="print what is found and what would be made, each with the reason, and stop"
    )
    parser.add_argument("--json", action="store_true", help="with --list: one JSON object a line")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def has_workers(arguments: argparse.Namespace) -> bool:
    return not arguments.list


def run(arguments: argparse.Namespace) -> int:
    try:
        return _run(enter(arguments.recipe), arguments)
    except KeyboardInterrupt:
        print(f"\n{STOPPED}", file=sys.stderr)
        return 130


def _run(path: Path, arguments: argparse.Namespace) -> int:
    from assets.listing import list_standings
    from pipelines.recipe import RecipeError, load_recipe
    from pipelines.storage import StorageError, check_writable

    recipe = load_recipe(path)
    if arguments.list and arguments.select is None:
        return list_standings(recipe, as_json=arguments.json)
    if not arguments.list and arguments.select is None and _is_all_there(recipe, quiet=arguments.quiet):
        _say_where(recipe.home)
        return 0
    import dagster as dg
    from sqlalchemy.exc import OperationalError

    from assets.definitions import definitions_of
    from assets.graph import Plan, materialize
    from assets.stages import current_of
    from pipelines.preflight import missing_inputs

    definitions = definitions_of(recipe)
    try:
        plan: Plan | None = Plan.of(definitions, arguments.select)
    except dg.DagsterError:  # its own words are about code
        plan = None
    if plan is None or not plan.stretches:
        raise UnusableArguments(
            f"--select {arguments.select}: expected assets of this recipe, as 'key:\"math_corpus\"' or 'group:corpus'; found "
            "none. `--list` alone shows them all."
        )
    if arguments.list:
        return list_standings(recipe, {tuple(key.path) for key in plan.keys}, as_json=arguments.json)
    if missing := missing_inputs(recipe, {key.to_user_string() for key in plan.keys}):
        raise RecipeError("\n".join(f"{path}: {sentence}" for sentence in missing))
    check_writable(recipe.home)
    snapshots = recipe.snapshots()
    try:
        with _history(captured=arguments.quiet) as instance:
            current = current_of(recipe, snapshots, instance)
            failed = materialize(
                plan,
                instance,
                snapshots=snapshots,
                recipe=recipe.name,
                grown_on=recipe.iterations.grown_on,
                quiet=arguments.quiet,
                current=current,
            )
    except (OSError, OperationalError) as error:  # an asset's own errors are its failure; these are the history's
        raise StorageError(
            f"{os.environ['DAGSTER_HOME']}: expected to keep Dagster's history where its dagster.yaml says; found: "
            f"{getattr(error, 'orig', error)}. Free some space, or keep it elsewhere: export DAGSTER_HOME=..."
        ) from error
    if failed:
        print(
            f"\nfailed: {failed}\nWhat was finished is kept: with that mended the same command goes on from here.",
            file=sys.stderr,
        )
        return 1
    with suppress(StorageError, OSError):  # what cannot be kept is asked for again next time
        _asked(recipe.workspace / "history.json", current.maker.graph, quiet=arguments.quiet)
    _say_where(recipe.home)
    return 0


def _is_all_there(recipe: Recipe, *, quiet: bool) -> bool:
    """Whether every artifact of the recipe is found and stands in Dagster's history: then no graph need be built.

    What cannot be told so is told by the run itself.
    """
    from assets.history import remembered
    from pipelines.recipe_graph import maker_of
    from pipelines.standing import Current

    started = time.monotonic()
    memory = recipe.workspace / "history.json"
    try:
        maker = maker_of(recipe, recipe.snapshots())
        recorded = remembered(memory)
        if recorded is None:
            recorded = _asked(memory, maker.graph, quiet=quiet)
        found = Current(maker=maker, recorded=recorded).everything()
    except (MathsieveError, OSError):
        return False
    if found and not quiet:
        units = sum(len(maker.graph.units(step)) for step in maker.graph.steps.values())  # counted as a run counts them
        print(f"{units} assets, all there ({time.monotonic() - started:.1f} s)", file=sys.stderr)
    return found


def _asked(memory: Path, graph: Graph, *, quiet: bool) -> Recorded:
    """What Dagster's history holds, kept for next time: a run that finds all there then need not import Dagster.

    Raises StorageError where it cannot be read.
    """
    from sqlalchemy.exc import OperationalError

    from assets.graph import recorded_versions
    from assets.history import remember, state
    from pipelines.storage import StorageError

    before = state()
    try:
        with _history(captured=quiet) as instance:
            recorded = recorded_versions(graph, instance)
    except OperationalError as error:
        raise StorageError(str(error)) from error
    if recorded:
        remember(memory, recorded, before)
    return recorded


def _history(*, captured: bool) -> dg.DagsterInstance:
    """Dagster's memory of all runs. Unless `captured`, what steps print goes where ours does.

    Dagster captures it in files, which it shows later: but then standard error is no terminal, and every progress bar
    hides; and a Ctrl-C at the terminal also meets the processes that copy those files back to it.
    """
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef  # the public way to change one setting is another dagster.yaml

    if captured:
        return dg.DagsterInstance.get()
    open_logs = {
        "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
    }
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(os.environ["DAGSTER_HOME"], overrides=open_logs))


def _say_where(home: str) -> None:
    from pipelines.storage import References, Store

    print()
    run = References(Store(home))
    for name in run.names():
        if name.endswith("_report"):
            page = run.read(name).file("report.html")
            print(f"{name.replace('_', ' ')}: {page}")
    print("the graph, its history and plots: mathsieve ui")

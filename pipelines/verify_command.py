"""Is all that a recipe's runs have left whole? Sizes are compared; with --deep every byte is read.

mathsieve verify                               recipes/demo.yaml
mathsieve verify my_recipe.yaml --deep         the digest of every file too
mathsieve verify s3://bucket/demo              a run's folder or bucket, without its recipe (or --data)
mathsieve verify my_recipe.yaml --repair       set aside what is not whole: the next run makes it again

Exit status: 0 all is whole, or was repaired; 1 something is not.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipe", nargs="?", help="a YAML file, or a run's folder or URL (default: the only run there is)"
    )
    parser.add_argument("--data", metavar="DIR", help="a run's folder or URL instead of a recipe")
    parser.add_argument("--deep", action="store_true", help="read every file and compare its digest")
    parser.add_argument("--repair", action="store_true", help="set aside what is not whole, so that it is made again")


def run(arguments: argparse.Namespace) -> int:
    from pipelines.storage import find_run
    from pipelines.storage.verification import verify

    location = _location(arguments)
    found = verify(location, deep=arguments.deep, repair=arguments.repair)
    if arguments.recipe is None and not (found.artifacts or found.faults or found.remarks):
        find_run(location)  # says what was expected of a run's folder
    for remark in found.remarks:
        print(remark)
    for fault in found.faults:
        print(fault)
    looked_at = f"{found.artifacts:,} artifacts, {found.files:,} files, {found.size / 1e9:,.3f} GB"
    left = [fault for fault in found.faults if not (arguments.repair and fault.repair)]
    repaired = len(found.faults) - len(left)
    print(
        f"{location}: {looked_at}; {len(left)} faults"
        + (f", {repaired} repaired: run the recipe again" if repaired else "")
    )
    if not arguments.deep and not left:
        print("sizes were compared; --deep reads every byte")
    return 1 if left else 0


def _location(arguments: argparse.Namespace) -> str:
    from evaluators.errors import UnusableArguments
    from pipelines.recipe import load_recipe
    from pipelines.storage import References, Store, find_run

    if arguments.recipe is not None and arguments.data is not None:
        raise UnusableArguments("expected a recipe or --data; found both. Leave one out.")
    named = arguments.recipe or arguments.data
    if named is None:
        return find_run(None).store.root.location
    if arguments.data is not None or "://" in named or Path(named).is_dir():
        root = Store(named).root
        if any(References(Store(root.shown(name))).names() for name in root.folders()):  # the folder above runs
            return find_run(named).store.root.location
        return root.location  # whether or not its references are lost
    return load_recipe(Path(named)).home

"""Lay down a project's folder: Dagster's configuration and the demo's recipe. Artifacts and history will lie in its data/.

mathsieve init my_project
cd my_project && mathsieve run

What is there already stays as it is.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from assets.checkout import PACKAGED
from evaluators.errors import UnusableArguments

LAID_DOWN = {"dagster.yaml": "dagster.yaml", "workspace.yaml": "workspace.yaml", "demo.yaml": "recipes/demo.yaml"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="made where it does not exist")


def run(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder.absolute()
    if _is_of_packages(folder):
        raise UnusableArguments(
            where=folder,
            expected="a folder of yours",
            found="one of installed packages",
            remedy="Name another: mathsieve init ~/my_project",
        )
    for name, place in LAID_DOWN.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            print(f"{target}: there already; left as it is")
        else:
            shutil.copyfile(PACKAGED / name, target)
            print(f"{target}")
    print(f"\nnow: cd {folder} && mathsieve run")
    return 0


def _is_of_packages(folder: Path) -> bool:
    return any(part in ("site-packages", "dist-packages") for part in folder.parts)

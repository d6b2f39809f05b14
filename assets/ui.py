"""Open Dagster on loopback, with one recipe's assets and everything that was ever run.

mathsieve ui                         recipes/demo.yaml on http://127.0.0.1:3000
mathsieve ui my_recipe.yaml --port 3001
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from assets.checkout import PACKAGED, enter
from evaluators.errors import UnusableArguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?", type=Path, help="a YAML file (default: recipes/demo.yaml)")
    parser.add_argument("--port", type=_port, default=3000, help="port on 127.0.0.1 (default: 3000)")


def has_workers(arguments: argparse.Namespace) -> bool:
    return True


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535; found {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    import dagster as dg

    from assets.graph import close_orphans, register_snapshots
    from pipelines.recipe import load_recipe

    if not _is_free(arguments.port):
        raise UnusableArguments(
            f"port {arguments.port} is in use. Name another: mathsieve ui --port {arguments.port + 1}"
        )
    loaded = load_recipe(enter(arguments.recipe))
    snapshots = loaded.snapshots()
    with dg.DagsterInstance.get() as instance:
        close_orphans(instance)
        register_snapshots(instance, loaded.name, snapshots, loaded.iterations.grown_on)
    print(f"Dagster: http://127.0.0.1:{arguments.port} (Ctrl-C stops it)", file=sys.stderr, flush=True)
    own = Path("workspace.yaml").absolute()  # the working folder is the project's by now
    workspace = str(own if own.exists() else PACKAGED / "workspace.yaml")
    words = [
        "dagster",
        "dev",
        "--workspace",
        workspace,
        "--host",
        "127.0.0.1",
        "--port",
        str(arguments.port),
        "--log-level",
        "warning",
    ]
    return _become(words)


def _become(words: list[str]) -> NoReturn:
    """Replace this process, so that a signal to it reaches Dagster."""
    unsaid = (
        "ignore:Function `dev_command` is superseded"  # `dg dev` would want its own project file beside workspace.yaml
    )
    os.execv(sys.executable, [sys.executable, "-W", unsaid, "-m", *words])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

"""Where the artifacts of a user's runs lie: MATHSIEVE_HOME, or data/ in the project's folder."""

from __future__ import annotations

import os
from pathlib import Path

from pipelines.storage.faults import StorageError
from pipelines.storage.references import REFERENCES, References
from pipelines.storage.roots import root_at
from pipelines.storage.store import Store

HOME = "MATHSIEVE_HOME"
"""Environment variable that names the root of all artifacts: a folder, or a URL such as s3://bucket/prefix."""
MARK = "dagster.yaml"
"""What lies in a checkout, and in a folder that `mathsieve init` laid down."""


def home_location() -> str:
    """An absolute path, or a URL as it was given. Raises StorageError where there is neither variable nor project."""
    named = os.environ.get(HOME)
    if named is not None and not named.strip():
        raise StorageError(
            where=HOME, expected="a folder or a URL", found="an empty value", remedy=f"unset {HOME}, or name one."
        )
    if named and named.startswith("memory://"):
        raise StorageError(
            where=named,
            expected="storage that outlives a command",
            found="this process's memory",
            remedy="Name a folder or a bucket.",
        )
    if named:
        return root_at(named).location
    return str(project_folder() / "data")


def project_folder(*starts: Path) -> Path:
    """The nearest folder above one of `starts`, the working folder or this package that is a project's.

    Raises StorageError where there is none: installed packages are no place for anybody's work.
    """
    for start in (*starts, Path.cwd(), Path(__file__).parent):
        for folder in (start.absolute(), *start.absolute().parents):
            if (folder / MARK).is_file():
                return folder
    raise StorageError(
        where=Path.cwd(),
        expected=f"a project's folder ({MARK} in it, or above)",
        found="none",
        remedy=f"Lay one down with `mathsieve init DIR` and start there, or export {HOME}=... and DAGSTER_HOME=...",
    )


def find_run(given: str | None) -> References:
    """The references of a run: of the given root, or of the only one below the home. Raises StorageError."""
    if given is not None:
        run = References(Store(given))
        if not run.names():
            raise StorageError(
                where=run.store.root.location,
                expected=f"a run's folder with {REFERENCES}/ in it",
                found="none",
                remedy="Run `mathsieve run` first.",
            )
        return run
    home = root_at(home_location())
    names = ["", *home.folders()]
    found = [run for name in names if (run := References(Store(home.shown(name).rstrip("/")))).names()]
    if len(found) != 1:
        shown = ", ".join(run.store.root.location for run in found) or "none"
        raise StorageError(where=home.location, expected="one run below it", found=shown, remedy="Name it: --data DIR")
    return found[0]

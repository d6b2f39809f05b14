"""The folder that a run belongs to: a checkout, or one that `mathsieve init` laid down; never where packages are installed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from pipelines.storage import StorageError, home_location, project_folder

PACKAGED = Path(__file__).resolve().parent / "project"
"""What `mathsieve init` lays down, and what a checkout's own dagster.yaml, workspace.yaml and recipes/demo.yaml are."""
HISTORY = "DAGSTER_HOME"
RECIPE = "MATHSIEVE_RECIPE"


def default_recipe() -> Path:
    """The demo of the project's folder. Raises StorageError outside of any."""
    return project_folder() / "recipes" / "demo.yaml"


def enter(recipe: Path | None) -> Path:
    """Make this process see one recipe and one history, wherever it was started from. Returns the recipe's full path.

    Paths as typed count from the working folder, which becomes the project's: dagster.yaml names its folder relative to
    it. Raises StorageError where there is no such folder, or DAGSTER_HOME names none and none can be made there.
    """
    path = Path(os.path.abspath(recipe or default_recipe()))  # noqa: PTH100  # a link to a recipe is kept, `..` is not
    home, history = os.environ.get("MATHSIEVE_HOME"), os.environ.get(HISTORY)
    project = Path.cwd() if home and history else project_folder(path.parent)
    os.environ["MATHSIEVE_HOME"] = home_location() if home is not None else str(project / "data")
    os.environ[RECIPE] = str(path)
    os.environ[HISTORY] = str(_history_folder(Path(history or project)))
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a background job: Dagster would make SIGTERM ignored too,
        signal.signal(signal.SIGINT, signal.default_int_handler)  # and workers that are told to end never would
    os.chdir(project)
    return path


def _history_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{folder.absolute()}: expected a folder for Dagster's history, as {HISTORY} says; found: {error.strerror}. "
            "Name another."
        ) from error
    return folder.absolute()

"""Where the weights of a model come from that nobody here trained: a folder, or a repository of the hub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from evaluators.errors import MathsieveError
from evaluators.records import Settings
from evaluators.stages.fields import NamesFiles

SERVED_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
"""What a model is served from; pickled weights are left where they are."""
HUB = "hub:"
REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
"""`OWNER/MODEL`, as the hub names its repositories."""


class ModelSourceError(MathsieveError):
    """The model cannot be had; the message names the remedy."""


class ModelSource(Settings):
    """A model to be served as it is."""

    source: NamesFiles[str]
    """`hub:OWNER/MODEL`, or a folder of safetensors, configuration and tokenizer."""
    revision: str | None = None
    """Commit of the hub's repository; None takes its main branch, which may move between two runs."""

    def named_files(self, name: str) -> Sequence[Path] | None:
        """The files that a folder's model is served from; a hub's model is known by its name and revision."""
        if name != "source" or self.source.startswith(HUB):
            return None
        return served_files(Path(self.source))


def served_files(folder: Path) -> list[Path]:
    """Those of a model folder that decide what it answers, by name. Raises ModelSourceError where it is none."""
    folder = folder.expanduser()
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        found = sorted(path.name for path in folder.iterdir())[:12] if folder.is_dir() else "no such folder"
        raise ModelSourceError(
            f"{folder}: expected a model folder with config.json and *.safetensors; found {found}. A model of the hub is "
            "written hub:OWNER/MODEL, a running server as its URL."
        )
    return sorted(path for pattern in SERVED_FILES for path in folder.glob(pattern))


def model_folder(source: ModelSource) -> Path:
    """The folder of a model, fetched from the hub where it lies there (its cache may hold it). Raises ModelSourceError.

    Of the hub's cache the folder's name is the commit.
    """
    if not source.source.startswith(HUB):
        served_files(Path(source.source))
        return Path(source.source).expanduser().absolute()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository = source.source.removeprefix(HUB)
    try:
        found = Path(snapshot_download(repository, revision=source.revision, allow_patterns=list(SERVED_FILES)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelSourceError(
            f"{source.source}: could not fetch {repository} ({source.revision or 'main'}) from the hub: {error}. Check the "
            "name, the network and, for a gated model, HF_TOKEN; or give a folder that holds it."
        ) from error
    served_files(found)
    return found

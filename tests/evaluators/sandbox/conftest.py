"""Folders of tests that a sandboxed program can reach, so that only the sandbox stands between it and their files."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


def open_to_everybody(folder: Path) -> Path:
    """`folder`, with each folder above it that pytest made for its own user alone (one more with several workers)."""
    base = Path(os.environ["PYTEST_DEBUG_TEMPROOT"])  # where pytest makes its folders: see tests/conftest.py
    for place in (folder, *folder.parents):
        if place == base or base not in place.parents:
            break
        place.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def open_folder() -> Callable[[Path], Path]:
    return open_to_everybody

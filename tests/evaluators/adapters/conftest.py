"""Tools that a test needs and a checkout may lack: `make adapters` installs and tests them all, beside the environment."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def tool() -> Callable[[str], Any]:
    """Imports a module of a tool; skips loudly where it is not installed."""

    def imported(name: str) -> Any:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != name.partition(".")[0]:
                raise
            pytest.skip(f"{name} is not installed here: `make adapters` tests this adapter")

    return imported

"""Servers whose answers a table gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scripted_server import ScriptedServer, scripted_servers


@pytest.fixture
def scripted_server() -> Iterator[Callable[[Any], ScriptedServer]]:
    """Starts them; they end with the test."""
    with scripted_servers() as start:
        yield start

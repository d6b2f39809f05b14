"""A real server in a process of its own, on a free port of the loopback interface."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]


@dataclass
class Served:
    process: subprocess.Popen[str]
    url: str
    port: int

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def serving(*options: str, port: int = 0, **environment: str) -> Iterator[Served]:
    """`mathsieve serve` with these options; it is told to end when the block is left."""
    command = [sys.executable, "-m", "assets.command_line", "serve", "--port", str(port), *options]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout:
        try:
            line = process.stdout.readline()
            assert line.startswith("mathsieve serve: http://"), f"it said {line!r}"
            url = line.split()[2]
            yield Served(process, url, int(url.rsplit(":", 1)[1]))
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="package")
def served() -> Iterator[Served]:
    """The server that most tests share."""
    with serving("--wall-seconds", "30", "--request-bytes", "100000", "--sessions", "4") as server:
        yield server


@pytest.fixture(scope="session")
def start_server() -> object:
    return serving

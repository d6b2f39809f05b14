"""The roots a store can have: a folder, and a bucket of an S3 server on loopback."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3_server import S3Server, serving


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with serving() as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, as this test's environment names it, with a cache folder of its own."""
    for name, value in {**s3_server.environment, "MATHSIEVE_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(params=["folder", "bucket"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty root of either kind."""
    if request.param == "folder":
        return str(tmp_path / "root")
    request.getfixturevalue("s3")
    return f"s3://bucket/{os.getpid()}-{uuid.uuid4().hex[:8]}"

"""Copies of a bucket stay within their bound; what is in use stays, whoever uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.storage import StorageError
from pipelines.storage.room import BOUND, cache_bound, hold, make_room

HOLDER = """
import sys
from pathlib import Path
from pipelines.storage.room import hold
hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def copy(cache: Path, letter: str, size: int, used: float) -> Path:
    """A content of some bytes, which a process that is gone used at that time."""
    folder = cache / (letter * 64)
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.bin").write_bytes(b"x" * size)
    folder.with_name(f"{folder.name}.use").touch()
    os.utime(folder.with_name(f"{folder.name}.use"), (used, used))
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(BOUND, "0.000001")  # 1,000 bytes
    return tmp_path


def left(cache: Path) -> str:
    return "".join(sorted(folder.name[0] for folder in cache.iterdir() if len(folder.name) == 64))


def test_the_least_recently_used_go_first_and_no_more_than_must(cache: Path) -> None:
    for letter, used in (("a", 300.0), ("b", 100.0), ("c", 200.0)):
        copy(cache, letter, 300, used)
    make_room(cache, 100)
    assert left(cache) == "abc"  # 1,000 bytes are within 1,000
    make_room(cache, 101)
    assert left(cache) == "ac"
    make_room(cache, 1000)
    assert left(cache) == ""
    assert list(cache.iterdir()) == []


def test_what_this_process_uses_stays(cache: Path) -> None:
    hold(copy(cache, "a", 600, 100.0))
    copy(cache, "b", 300, 200.0)
    make_room(cache, 5000)
    assert left(cache) == "a"


def test_what_another_process_uses_stays_until_it_ends(cache: Path) -> None:
    folder = copy(cache, "a", 600, 100.0)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        make_room(cache, 600)
        assert left(cache) == "a"
        holder.communicate("")
    make_room(cache, 600)
    assert left(cache) == ""


def test_a_use_counts_as_the_last_one(cache: Path) -> None:
    old = copy(cache, "a", 600, 100.0)
    hold(old)
    assert old.with_name(f"{old.name}.use").stat().st_mtime > 1e9


def test_what_is_being_made_and_what_models_were_asked_is_no_copy(cache: Path) -> None:
    for name in ("scratch", "workspaces"):
        (cache / name).mkdir()
        (cache / name / "big").write_bytes(b"x" * 5000)
    copy(cache, "a", 900, 100.0)
    make_room(cache, 100)
    assert left(cache) == "a"
    make_room(cache, 200)
    assert sorted(path.name for path in cache.iterdir()) == ["scratch", "workspaces"]


def test_without_a_bound_copies_take_half_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BOUND, raising=False)
    disk = os.statvfs(tmp_path)
    assert cache_bound(tmp_path / "not" / "yet") == disk.f_blocks * disk.f_frsize // 2


@pytest.mark.parametrize("given", ["many", "0", "-1", "nan", "inf"])
def test_a_bound_that_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(BOUND, given)
    with pytest.raises(StorageError, match=f"{BOUND}: expected a positive number of GB; found '{given}'"):
        cache_bound(tmp_path)

"""Room for copies on this machine: the least recently used content goes first, and never what a living process uses.

$MATHSIEVE_CACHE/<content>.use                    locked (shared) by each process that reads it; its time is the last use
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import threading
import uuid
from contextlib import suppress
from pathlib import Path

from pipelines.storage.faults import StorageError

BOUND = "MATHSIEVE_CACHE_GB"
"""Environment variable: how many GB (10^9 bytes) of copies are kept. Without it: half of the disk they lie on."""
CONTENT = re.compile(r"[0-9a-f]{64}")
TRUSTED = 20  # ours: all is counted again after a 20th of the bound was fetched, since other processes fetch as well
USE = ".use"

_lock = threading.Lock()
_held: dict[Path, int] = {}
"""Open and locked files, kept until this process ends: a path that was handed out is in use from then on."""
_left: dict[tuple[Path, int], int] = {}
"""Bytes that may still be fetched before all is counted again."""


def cache_bound(root: Path) -> int:
    """Bytes. Raises StorageError where the variable holds no positive number."""
    given = os.environ.get(BOUND)
    if not given:
        there = next(folder for folder in (root, *root.parents) if folder.exists())
        return shutil.disk_usage(there).total // 2
    try:
        bound = float(given) * 1e9
        if not 0 < bound < float("inf"):
            raise ValueError
    except ValueError as error:
        raise StorageError(
            where=BOUND, expected="a positive number of GB", found=repr(given), remedy=f"export {BOUND}=500"
        ) from error
    return int(bound)


def hold(folder: Path) -> None:
    """Nobody removes this content's folder as long as this process, or a fork of it, lives."""
    path = folder.with_name(f"{folder.name}{USE}")
    with _lock:
        if path in _held and path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _is_at(handle := _locked(path, fcntl.LOCK_SH), path):  # it was removed between the two steps
            os.close(handle)
        os.utime(path)
        _held[path] = handle


def make_room(root: Path, size: int) -> None:
    """Remove the least recently used contents until `size` more bytes are within the bound, or all are in use."""
    bound = cache_bound(root)
    with _lock:
        left = _left.get((root, bound), -1)
        if left < size:
            left = min(bound - _shrink(root, bound - size), bound // TRUSTED)
        _left[root, bound] = max(left, size) - size


def _shrink(root: Path, wanted: int) -> int:
    """The bytes of all copies after as many went as had to."""
    sizes = {folder: _size(folder) for folder in root.glob("*") if CONTENT.fullmatch(folder.name)}
    total = sum(sizes.values())
    for folder in sorted(sizes, key=lambda one: (_last_use(one), one.name)):
        if total <= wanted:
            break
        if _remove(folder):
            total -= sizes[folder]
    return total


def _remove(folder: Path) -> bool:
    path = folder.with_name(f"{folder.name}{USE}")
    try:
        handle = _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    try:
        gone = folder.with_name(f"removed-{uuid.uuid4().hex}")
        folder.rename(gone)
        path.unlink()
    except FileNotFoundError:  # another process removed it
        return True
    finally:
        os.close(handle)
    shutil.rmtree(gone, ignore_errors=True)
    return True


def _locked(path: Path, kind: int) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, kind)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _is_at(handle: int, path: Path) -> bool:
    try:
        return path.stat().st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


def _last_use(folder: Path) -> float:
    for path in (folder.with_name(f"{folder.name}{USE}"), folder):
        with suppress(FileNotFoundError):
            return path.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a copy that is just being finished
            total += path.stat().st_size if path.is_file() else 0
    return total

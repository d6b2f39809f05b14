"""Digests of the files and folders that settings name, remembered while a file's size, times and inode stay."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

from evaluators.errors import MathsieveError
from evaluators.progress import report_progress

SETTLED = 2.0
"""Seconds after its last change from which a file's times tell two contents apart: FAT counts in steps of two."""
PATIENCE = 3.0
"""Seconds of reading until a terminal is told how far it is."""
THREADS = 4
"""Files read at once: hashing leaves Python's lock, and one disk serves no more than a few."""

Stamp = tuple[int, int, int, int]
"""Size, time of change and of status in nanoseconds, inode."""


class NamedFileError(MathsieveError):
    """A file that the settings name is not there or cannot be read; the message shows its absolute path."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex. Raises NamedFileError."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise NamedFileError(f"{path}: expected a file that can be read; found: {error.strerror}.") from error


class ContentDigests:
    """Digests by content. `memory` is a SQLite file that keeps them between runs; without one each run reads anew."""

    def __init__(
        self,
        memory: Path | None = None,
        *,
        digest: Callable[[Path], str] = file_digest,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._memory, self._digest, self._clock = memory, digest, clock

    def of(self, path: Path) -> str:
        """SHA-256 (hex) of a file, or of a folder's file names and contents. Raises NamedFileError."""
        path = path.expanduser().absolute()
        if not path.is_dir():
            return self.of_files([path])[0]
        files = [file for file in sorted(path.rglob("*")) if file.is_file() and not _is_hidden(file, path)]
        listed = zip(files, self.of_files(files), strict=True)
        lines = [f"{digest} {file.relative_to(path).as_posix()}" for file, digest in listed]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def of_files(self, paths: Iterable[Path]) -> list[str]:
        """SHA-256 (hex) of each file, in their order."""
        asked = [path.expanduser().absolute() for path in paths]
        stamps = {path: _stamp(path) for path in asked}
        known = self._remembered(stamps)
        unread = [path for path in stamps if path not in known]
        if unread:
            begun = self._clock()
            read: dict[Path, str] = {}
            size = sum(stamps[path][0] for path in unread)
            bar = report_progress(
                total=size, desc="digests of files", unit="B", unit_scale=True, delay=PATIENCE, leave=False
            )
            with ThreadPoolExecutor(THREADS) as pool, bar:
                for path, digest in zip(unread, pool.map(self._digest, unread), strict=True):
                    read[path] = digest
                    bar.update(stamps[path][0])
            self._remember({path: digest for path, digest in read.items() if _was_settled(stamps[path], begun)}, stamps)
            known |= read
        return [known[path] for path in asked]

    def _remembered(self, stamps: dict[Path, Stamp]) -> dict[Path, str]:
        if self._memory is None or not self._memory.exists():
            return {}
        found: dict[Path, str] = {}
        with (
            suppress(sqlite3.DatabaseError),
            closing(self._open()) as memory,
        ):  # damaged, or not ours to read: read anew
            for path, stamp in stamps.items():
                row = memory.execute(
                    "SELECT digest FROM digests WHERE path = ? AND stamp = ?", (str(path), repr(stamp))
                ).fetchone()
                if row is not None:
                    found[path] = row[0]
        return found

    def _remember(self, digests: dict[Path, str], stamps: dict[Path, Stamp]) -> None:
        if self._memory is None or not digests:
            return
        rows = [(str(path), repr(stamps[path]), digest) for path, digest in digests.items()]
        try:
            with closing(self._open()) as memory, memory:
                memory.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", rows)
        except (sqlite3.OperationalError, OSError):
            pass  # read-only or full: the next run reads the files once more
        except sqlite3.DatabaseError:  # damaged: it holds nothing that the files do not
            with suppress(OSError):  # read-only: the next run reads the files once more
                self._memory.unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        assert self._memory is not None
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        memory = sqlite3.connect(self._memory, timeout=60.0)
        memory.execute("CREATE TABLE IF NOT EXISTS digests (path TEXT PRIMARY KEY, stamp TEXT, digest TEXT)")
        return memory


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError as error:
        raise NamedFileError(
            f"{path}: expected a file or a folder, as the settings name it; found: {error.strerror}. Check the path."
        ) from error
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _was_settled(stamp: Stamp, begun: float) -> bool:
    """Whether the file had not just been written: a second write in the same tick would leave the same times."""
    return max(stamp[1], stamp[2]) / 1e9 < begun - SETTLED


def _is_hidden(file: Path, folder: Path) -> bool:
    """What version control and file managers leave in a folder is no part of it."""
    return any(part.startswith(".") for part in file.relative_to(folder).parts)

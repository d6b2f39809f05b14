"""This machine's copies of what lies in an object store, by content: a folder for each artifact, filled as it is read.

    $MATHSIEVE_CACHE/<content>/files...               copies; each was checked against its digest when it came
    $MATHSIEVE_CACHE/scratch/<root>/<key>/files...    what is being made here, until it is uploaded
    $MATHSIEVE_CACHE/workspaces/<root>/...            generations that a model has been asked for already

Without the variable: ~/.cache/mathsieve/store (or below $XDG_CACHE_HOME). Copies stay within a bound (room.py). All of it may be removed while nothing runs:
copies come again, and a half-made artifact is begun again.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from pipelines.storage.faults import StorageError, storage_faults
from pipelines.storage.manifests import FileRecord, file_digest
from pipelines.storage.room import hold, make_room

CACHE = "MATHSIEVE_CACHE"
"""Environment variable that names the folder of copies."""
COMPARED = 946_684_800 * 10**9
"""The time of change, in nanoseconds, of every copy that was found whole: the first second of 2000."""
AT_ONCE = 8
"""Files fetched at once: one connection of S3 gives some 50 to 90 MB/s (docs.aws.amazon.com: performance guidelines)."""


class Readable(Protocol):
    """What the cache asks of a root."""

    location: str

    def shown(self, key: str) -> str: ...

    def open(self, key: str) -> BinaryIO: ...


def cache_root() -> Path:
    """The folder of all copies."""
    named = os.environ.get(CACHE)
    below = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mathsieve", "store")
    return Path(named or below).expanduser().absolute()


def cache_folder(content: str) -> Path:
    """The folder of one artifact's copies."""
    return cache_root() / content


def scratch_folder(location: str, key: str) -> Path:
    """The folder in which an artifact of an object store is made; finished files of a killed attempt are in it."""
    folder = cache_root() / "scratch" / _hash_of(location) / key
    with storage_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def local_folder(location: str) -> Path:
    """A folder of this machine for what belongs to a root and must lie on a disk: the root itself where it is one."""
    if "://" not in location:
        return Path(location)
    return cache_root() / "workspaces" / _hash_of(location)


def _hash_of(location: str) -> str:
    return hashlib.sha256(location.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """The files of an artifact in an object store, as local paths."""

    root: Readable
    key: str
    content: str
    records: Mapping[str, FileRecord]

    @property
    def location(self) -> str:
        return self.root.shown(self.key)

    def names(self, pattern: str) -> list[str]:
        """Those of its files that match, sorted; nothing is fetched."""
        return matching(self.records, pattern)

    def file(self, name: str) -> Path:
        """The local copy of one file. Raises StorageError where the store's is not the one that was written."""
        path, record = self._held() / name, self.records[name]
        if not is_whole_copy(path, record) and not _is_found_whole(path, record):
            self._fetch(name, path, record)
        return path

    def files(self, names: Iterable[str]) -> list[Path]:
        """The local copies of several, in their order."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.file, names))

    def open(self, name: str) -> BinaryIO:
        """The local copy where there is one, or the store's file."""
        path = self._held() / name
        return path.open("rb") if is_whole_copy(path, self.records[name]) else self.root.open(f"{self.key}/{name}")

    def folder(self) -> Path:
        """A local folder that holds all of them: a model for vLLM."""
        self.files(self.records)
        return self._held()

    def _held(self) -> Path:
        """The folder of its copies, which nobody removes while this process lives."""
        folder = cache_folder(self.content)
        with storage_faults(folder):
            hold(folder)
        return folder

    def _fetch(self, name: str, path: Path, record: FileRecord) -> None:
        where = self.root.shown(f"{self.key}/{name}")
        with storage_faults(path):
            make_room(cache_root(), record.size)
            path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
        try:
            with storage_faults(path), self.root.open(f"{self.key}/{name}") as source, temporary.open("wb") as target:
                while chunk := _read(source, where):
                    target.write(chunk)
            if file_digest(temporary) != record.sha256:
                raise altered_file(where)
            with storage_faults(path):
                mark_as_copy(temporary)
                temporary.replace(path)
        except FileNotFoundError as error:
            raise missing_file(where, record) from error
        finally:
            temporary.unlink(missing_ok=True)


def matching(names: Iterable[str], pattern: str) -> list[str]:
    """The names that match a glob as `Path.glob` reads it, sorted; `**/` stands for any folders, none too."""
    parts = [re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") for part in pattern.split("/")]
    joined = "/".join(parts).replace("[^/]*[^/]*/", "(?:.*/)?")
    wanted = re.compile(joined)
    return sorted(name for name in names if wanted.fullmatch(name))


def missing_file(where: str, record: FileRecord, found: str = "none") -> StorageError:
    """A file that the manifest names is gone, or of another size."""
    return StorageError(
        where=where,
        expected=f"{record.size:,} bytes, as its manifest says",
        found=found,
        remedy="A finished artifact was changed: `mathsieve verify --repair` sets it aside, and the next run makes it again.",
    )


def altered_file(where: str) -> StorageError:
    """A file holds other bytes than when it was published, though as many."""
    return StorageError(
        where=where,
        expected="the bytes whose digest its manifest holds",
        found="others of the same size",
        remedy="A finished artifact was changed: `mathsieve verify --deep --repair` sets it aside, and the next run makes it again.",
    )


def _read(source: BinaryIO, where: str) -> bytes:
    with storage_faults(where):
        return source.read(1 << 22)


def mark_as_copy(path: Path) -> None:
    """Give a file whose digest was compared the time by which it is known again: whoever writes to it changes that."""
    os.utime(path, ns=(COMPARED, COMPARED))


def _is_found_whole(path: Path, record: FileRecord) -> bool:
    """Whether a copy that was touched, or that an older version fetched, holds the right bytes; it is marked then."""
    try:
        whole = path.stat().st_size == record.size and file_digest(path) == record.sha256
        if whole:
            mark_as_copy(path)
    except OSError:  # none is there, or it cannot be read or marked: what is fetched takes its place
        return False
    return whole


def is_whole_copy(path: Path, record: FileRecord) -> bool:
    """Whether a copy is there that nobody wrote to since its digest was compared."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    return (status.st_size, status.st_mtime_ns) == (record.size, COMPARED)

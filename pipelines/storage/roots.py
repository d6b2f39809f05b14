"""The places an artifact store can lie: a folder of this machine or of a shared file system, or a bucket.

Both hold the same keys (`name/fingerprint/file`) and offer the same few operations. Everything that both do not do
alike is here: a folder is published by a rename, objects by a manifest that is written last.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from evaluators.stages.content import ContentDigests
from evaluators.tables import atomic_file
from pipelines.storage.cache import Cached, cache_folder, mark_as_copy, scratch_folder
from pipelines.storage.faults import StorageError, storage_faults, store_code
from pipelines.storage.manifests import MANIFEST, FileRecord, Manifest
from pipelines.storage.room import hold, make_room

URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
BENT_URL = re.compile(r"^(s3|gs|gcs|az|abfs|http|https|file):/?[^/]")
"""A URL that went through a path, or was mistyped: `s3:/bucket`."""
S3 = ("s3", "s3a")
DIGESTS = "digests.sqlite"
"""In a folder that is a root: the digests of files that were read, so that none is read again until it changes."""
LOST_RACES = ("PreconditionFailed", "ConditionalRequestConflict")


class Root(Protocol):
    """Keys are relative, with `/`; all but `read` and `open` raise StorageError where the storage fails."""

    location: str
    """An absolute path or a URL, as a person would type it."""

    def shown(self, key: str) -> str: ...

    def read(self, key: str) -> bytes:
        """Raises FileNotFoundError."""

    def open(self, key: str) -> BinaryIO:
        """Raises FileNotFoundError."""

    def create(self, key: str, content: bytes) -> bool:
        """Whole, and only if nothing is there: False where something is."""

    def replace(self, key: str, content: bytes) -> None:
        """Whole: a reader finds what was there before, or this."""

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Bytes of each file below a prefix, by its key relative to that; empty where there is nothing."""

    def folders(self) -> list[str]:
        """The first parts of its keys, without those of files that lie in it directly."""

    def written_later(self, key: str, files: Iterable[str]) -> list[str]:
        """Those of an artifact's files that were written after its manifest, or copied or touched after it."""

    def altered(self, key: str, files: Mapping[str, FileRecord]) -> list[str]:
        """Those of the files that were written after the manifest and hold other bytes than it says."""

    def time_of(self, key: str) -> int | None:
        """When a file was written, in nanoseconds; None where the storage does not tell to the moment."""

    def remove(self, keys: Iterable[str]) -> None:
        """Files that are gone already are no fault."""

    def set_aside(self, key: str) -> str:
        """Make an artifact look unfinished without losing it; where it, or its manifest, lies now."""

    def scratch(self, key: str) -> Path:
        """The local folder in which an artifact is made; a killed attempt's finished files are in it."""

    def publish(self, folder: Path, key: str, manifest: Manifest) -> bool:
        """Make a filled folder the artifact; False where another process was quicker and theirs counts."""

    def place(self, key: str, manifest: Manifest) -> Path | Cached:
        """Where its files can be had."""


def root_at(location: str | Path) -> Root:
    """The root that a path or a URL names; relative paths count from the working folder. Raises StorageError."""
    text = os.fspath(location)
    if text.startswith("file://"):
        text = text.removeprefix("file://")
    if URL.match(text):
        return ObjectRoot(text)
    if BENT_URL.match(text):
        scheme, _, rest = text.partition(":")
        raise StorageError(
            where=text,
            expected="a folder, or a URL",
            found="neither",
            remedy=f"Did you mean {scheme}://{rest.lstrip('/')}?",
        )
    return FolderRoot(Path(text))


class FolderRoot:
    """A folder, on this machine or on a file system that several share."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.location = str(self.path)

    def shown(self, key: str) -> str:
        return str(self.path / key)

    def read(self, key: str) -> bytes:
        with storage_faults(self.shown(key)):
            return (self.path / key).read_bytes()

    def open(self, key: str) -> BinaryIO:
        with storage_faults(self.shown(key)):
            return (self.path / key).open("rb")

    def create(self, key: str, content: bytes) -> bool:
        path = self.path / key
        with storage_faults(path):
            while True:
                path.parent.mkdir(parents=True, exist_ok=True)
                try:
                    return _create(path, content)
                except FileNotFoundError:  # whoever removed the last file beside it took the folder along
                    continue

    def replace(self, key: str, content: bytes) -> None:
        path = self.path / key
        with storage_faults(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as temporary:
                temporary.write_bytes(content)

    def sizes(self, prefix: str = "") -> dict[str, int]:
        top = self.path / prefix
        found: dict[str, int] = {}
        with storage_faults(top):
            for folder, _, names in os.walk(top, onerror=_unless_missing):
                inner = Path(folder).relative_to(top)
                for name in names:
                    try:
                        found[(inner / name).as_posix()] = Path(folder, name).stat().st_size
                    except FileNotFoundError:  # removed meanwhile, or a link to nothing: not there
                        continue
        return found

    def written_later(self, key: str, files: Iterable[str]) -> list[str]:
        written = self.time_of(f"{key}/{MANIFEST}")
        return [name for name in files if self.time_of(f"{key}/{name}") > written]

    def altered(self, key: str, files: Mapping[str, FileRecord]) -> list[str]:
        """A file with a later time than its manifest's is read, once: it may only have been touched, or copied."""
        later = self.written_later(key, files)
        digests = ContentDigests(self.path / DIGESTS).of_files(self.path / key / name for name in later)
        return [name for name, digest in zip(later, digests, strict=True) if digest != files[name].sha256]

    def time_of(self, key: str) -> int:
        with storage_faults(self.shown(key)):
            status = (self.path / key).stat()
        return max(status.st_mtime_ns, status.st_ctime_ns)  # a file put back with its old time has a new time of status

    def folders(self) -> list[str]:
        with storage_faults(self.path):
            return sorted(path.name for path in self.path.iterdir() if path.is_dir()) if self.path.is_dir() else []

    def remove(self, keys: Iterable[str]) -> None:
        for key in keys:
            with storage_faults(self.shown(key)):
                (self.path / key).unlink(missing_ok=True)
                with suppress(OSError):  # something is in it, or another removed it
                    (self.path / key).parent.rmdir()

    def set_aside(self, key: str) -> str:
        with storage_faults(self.shown(key)):
            aside = _free_name(self.path / f"{key}.damaged")
            (self.path / key).rename(aside)
        return str(aside)

    def scratch(self, key: str) -> Path:
        folder = self.path / f"{key}.partial"
        with storage_faults(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def publish(self, folder: Path, key: str, manifest: Manifest) -> bool:
        final = self.path / key
        with storage_faults(final):
            if final.exists() and not (final / MANIFEST).exists():  # the machine died between two steps of a removal
                shutil.rmtree(final)
            try:
                folder.rename(final)
            except FileNotFoundError:  # whoever took our lease for expired has published this very folder
                return False
            except OSError:
                if not (final / MANIFEST).exists():
                    raise
                shutil.rmtree(folder)
                return False
        return True

    def place(self, key: str, manifest: Manifest) -> Path | Cached:
        return self.path / key


class ObjectRoot:
    """A prefix of a bucket (or of anything else that fsspec knows); credentials come from the environment."""

    def __init__(self, url: str) -> None:
        scheme, _, place = url.partition("://")
        self.location = f"{scheme}://{place.rstrip('/')}"
        if not place.partition("/")[0]:
            raise StorageError(where=url, expected=f"{scheme}://bucket/prefix", found="no bucket", remedy="Name one.")
        self._scheme = scheme
        self._opened: tuple[int, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:  # connections stay where they are
        return ObjectRoot, (self.location,)

    @property
    def _files(self) -> Any:
        if self._opened is None or self._opened[0] != os.getpid():  # a forked child has connections of its own
            import fsspec

            options = {"use_listings_cache": False} if self._scheme in S3 else {}
            with storage_faults(self.location):
                try:
                    self._opened = os.getpid(), fsspec.filesystem(self._scheme, **options)
                except (ImportError, ValueError, TypeError) as error:  # TypeError: it asks for a host, as ftp:// does
                    raise StorageError(
                        where=self.location,
                        expected="a folder, or a URL whose file system is installed",
                        found=error,
                        remedy="s3:// is; pip install what it names, or choose another root.",
                    ) from error
        return self._opened[1]

    def shown(self, key: str) -> str:
        return f"{self.location}/{key}" if key else self.location

    def read(self, key: str) -> bytes:
        with storage_faults(self.shown(key)):
            return bytes(self._files.cat_file(self.shown(key)))

    def open(self, key: str) -> BinaryIO:
        with storage_faults(self.shown(key)):
            opened: BinaryIO = self._files.open(self.shown(key), "rb")
            return opened

    def create(self, key: str, content: bytes) -> bool:
        with storage_faults(self.shown(key)):
            try:
                self._files.pipe_file(self.shown(key), content, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                if store_code(error) in LOST_RACES:
                    return False
                raise
        return True

    def replace(self, key: str, content: bytes) -> None:
        with storage_faults(self.shown(key)):
            self._files.pipe_file(self.shown(key), content)

    def sizes(self, prefix: str = "") -> dict[str, int]:
        top = self._files._strip_protocol(self.shown(prefix)).rstrip("/") + "/"
        with storage_faults(self.shown(prefix)):
            try:
                found = self._files.find(top, detail=True)
            except FileNotFoundError:
                return {}
        return {name.removeprefix(top): int(info["size"]) for name, info in found.items() if name.startswith(top)}

    def written_later(self, key: str, files: Iterable[str]) -> list[str]:
        """None that is known: an object's time is of the second and of its last copy."""
        return []

    def altered(self, key: str, files: Mapping[str, FileRecord]) -> list[str]:
        """None that is known: what is fetched is compared instead."""
        return []

    def time_of(self, key: str) -> int | None:
        return None

    def folders(self) -> list[str]:
        with storage_faults(self.location):
            try:
                found = self._files.ls(self.location, detail=True)
            except FileNotFoundError:
                return []
        return sorted(one["name"].rstrip("/").rpartition("/")[2] for one in found if one["type"] == "directory")

    def remove(self, keys: Iterable[str]) -> None:
        for key in keys:
            with storage_faults(self.shown(key)):
                try:
                    self._files.rm_file(self.shown(key))
                except FileNotFoundError:
                    continue

    def set_aside(self, key: str) -> str:
        """Copied within the store; the manifest first, so that nobody takes the rest for finished meanwhile."""
        aside = f"{key}.damaged-{uuid.uuid4().hex[:8]}"
        names = list(self.sizes(key))
        for batch in ([name for name in names if name == MANIFEST], [name for name in names if name != MANIFEST]):
            old, new = [f"{key}/{name}" for name in batch], [f"{aside}/{name}" for name in batch]
            with storage_faults(self.shown(key)):
                self._files.copy([self.shown(one) for one in old], [self.shown(one) for one in new])
            self.remove(old)
        return self.shown(aside)

    def scratch(self, key: str) -> Path:
        return scratch_folder(self.location, key)

    def publish(self, folder: Path, key: str, manifest: Manifest) -> bool:
        """Every file whole and of its size, then the manifest, which only one can create."""
        left = self.sizes(key)
        names = list(manifest.files)
        self._upload(folder, key, [name for name in names if name not in left], mode="create")
        self._upload(folder, key, [name for name in names if name in left], mode="overwrite")  # a killed attempt's
        there = self.sizes(key)
        for name, file in manifest.files.items():
            if there.get(name) != file.size:
                raise StorageError(
                    where=self.shown(f"{key}/{name}"),
                    expected=f"{file.size:,} bytes after the upload",
                    found=f"{there[name]:,}" if name in there else "none",
                    remedy="Run again: what was made is kept in the cache folder.",
                )
        created = self.create(f"{key}/{MANIFEST}", manifest.as_bytes())
        if created:
            self._keep(folder, manifest)
        else:
            shutil.rmtree(folder, ignore_errors=True)
        return created

    def _keep(self, folder: Path, manifest: Manifest) -> None:
        """What was made here need not be fetched from the store again."""
        kept = cache_folder(manifest.content)
        with storage_faults(kept):
            hold(kept)
            if kept.exists():
                shutil.rmtree(folder, ignore_errors=True)
            else:
                make_room(kept.parent, sum(file.size for file in manifest.files.values()))
                for name in manifest.files:
                    mark_as_copy(folder / name)
                folder.rename(kept)

    def _upload(self, folder: Path, key: str, names: list[str], *, mode: str) -> None:
        if not names:
            return
        with storage_faults(self.shown(key)):
            try:
                self._files.put(
                    [str(folder / name) for name in names],
                    [self.shown(f"{key}/{name}") for name in names],
                    **({"mode": mode} if self._scheme in S3 else {}),
                )
            except FileExistsError as error:
                raise StorageError(
                    where=self.shown(key),
                    expected="to be the only one that writes here",
                    found=f"another writer ({error})",
                    remedy="Run again: what was made is kept in the cache folder.",
                ) from error

    def place(self, key: str, manifest: Manifest) -> Path | Cached:
        return Cached(root=self, key=key, content=manifest.content, records=manifest.files)


def check_writable(location: str | Path) -> None:
    """Raises StorageError where nothing can be kept under a root, or where two writers would not see each other."""
    root = root_at(location)
    probe = f"probe-{uuid.uuid4().hex[:12]}/probe"
    try:
        first, second = root.create(probe, b"x"), root.create(probe, b"y")
        root.remove([probe])
    except StorageError as error:
        raise StorageError(
            where=root.location, expected="a root that can be written", found=error.found, remedy=error.remedy
        ) from error
    if not first or second:
        raise StorageError(
            where=root.location,
            expected="storage that creates an object only where none is (If-None-Match)",
            found="one that replaces it",
            remedy="Two runs could spoil each other's work there: use another store or a newer version of it.",
        )


def _create(path: Path, content: bytes) -> bool:
    whole = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        whole.write_bytes(content)
        os.link(whole, path)  # unlike a rename, a link never replaces
    except FileExistsError:
        return False
    finally:
        whole.unlink(missing_ok=True)
    return True


def _free_name(path: Path) -> Path:
    number = 1
    while path.with_name(f"{path.name}-{number}").exists():
        number += 1
    return path.with_name(f"{path.name}-{number}")


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error

"""The only door to stored artifacts: content-addressed folders whose manifest is written last.

A store is a folder:

    <root>/<name>/<fingerprint>/...files... + manifest.json     done: the manifest's presence means so
    <root>/<name>/<fingerprint>.partial/...files...             begun; its finished files are found again on resume
    <root>/<name>/<fingerprint>.lock                            held while one process writes

The fingerprint is a hash of the name, the settings, the code version and the *content* of every input: a changed
setting rebuilds exactly what depends on it, and an input rebuilt to the same bytes rebuilds nothing after it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from evaluators.errors import MathsieveError
from evaluators.tables import atomic_file as atomic_file  # every writer's way to disk, told here too: this is the door

MANIFEST = "manifest.json"
Json = Any
"""What `json.dumps` accepts."""


class StorageError(MathsieveError):
    """A stored artifact is missing, damaged, or cannot be written; the message names the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A finished artifact: a folder that will not change any more."""

    name: str
    path: Path
    content: str
    """SHA-256 (hex) over the names and digests of its files: equal content means equal bytes."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """Row counts and other figures the writer returned; shown in the asset's metadata."""

    def file(self, name: str) -> Path:
        """The path of one of its files. Raises StorageError where the artifact has none of that name."""
        path = self.path / name
        if not path.exists():
            raise StorageError(
                f"{self.path}: expected a file {name}; found {sorted(p.name for p in self.path.iterdir())}"
            )
        return path

    def files(self, pattern: str = "*.parquet") -> list[Path]:
        """Its files that match, sorted by name, so that every reader sees one order."""
        return sorted(p for p in self.path.glob(pattern) if p.name != MANIFEST)


class Store:
    """Builds artifacts once and finds them again."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).expanduser().absolute()

    def build(
        self,
        name: str,
        write: Callable[[Path], Mapping[str, Json]],
        *,
        settings: object = None,
        inputs: Mapping[str, Artifact] | None = None,
        version: str = "1",
    ) -> Artifact:
        """The artifact of `name` for these settings and inputs; `write(folder)` runs only if it does not exist yet.

        `write` fills the folder and returns facts. It may find files of an earlier, killed attempt there: whatever it
        wrote with `atomic_file` is whole, so it may skip a shard whose file exists. Facts must be deterministic (no
        times), since they are stored. `version` is raised when the code's meaning changes. If `write` raises,
        nothing is published and the partial folder stays for the next attempt.
        """
        identity = {
            "name": name,
            "version": version,
            "settings": plain(settings),
            "inputs": {key: artifact.content for key, artifact in sorted((inputs or {}).items())},
        }
        return self.build_identified(identity, write)

    def build_identified(self, identity: Mapping[str, Json], write: Callable[[Path], Mapping[str, Json]]) -> Artifact:
        """The artifact of an identity: its `name`, and everything else that decides its bytes, as JSON can hold it."""
        name = str(identity["name"])
        fingerprint = hashlib.sha256(canonical_json(identity)).hexdigest()[:16]
        final = self.root / name / fingerprint
        with _locked(final.with_name(fingerprint + ".lock")):
            if (final / MANIFEST).exists():
                return self.open(final)
            partial = final.with_name(fingerprint + ".partial")
            partial.mkdir(parents=True, exist_ok=True)
            try:
                facts = write(partial)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise StorageError(
                        f"{self.root}: the disk is full while writing {name}. Free some space and run again: finished "
                        "files are kept and nothing half-written is taken for done."
                    ) from error
                raise
            self._publish(partial, final, {**identity, "facts": plain(facts)})
        return self.open(final)

    def open(self, path: Path) -> Artifact:
        """The finished artifact in a folder. Raises StorageError where its manifest is missing or unreadable."""
        try:
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError) as error:
            raise StorageError(
                f"{path}: expected a finished artifact, found no readable {MANIFEST}. Run its stage again."
            ) from error
        return Artifact(name=manifest["name"], path=path, content=manifest["content"], facts=manifest["facts"])

    def _publish(self, partial: Path, final: Path, manifest: dict[str, Json]) -> None:
        for stray in partial.rglob("*.tmp"):
            stray.unlink()
        files = {p.relative_to(partial).as_posix(): file_digest(p) for p in sorted(partial.rglob("*")) if p.is_file()}
        manifest |= {"files": files, "content": hashlib.sha256(canonical_json(files)).hexdigest()}
        if final.exists():  # a folder without a manifest: the rename came through, the machine died before the rest
            shutil.rmtree(final)
        with atomic_file(partial / MANIFEST) as temporary:
            temporary.write_bytes(json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True).encode())
        partial.rename(final)


def check_writable(root: Path) -> None:
    """Raises StorageError where nothing can be kept under `root`."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as probe:
            probe.write(b"x")
    except OSError as error:
        raise StorageError(
            f"{root}: expected a folder that can be written; found: {error.strerror}. Free some space or change its "
            "permissions, or keep artifacts elsewhere: export MATHSIEVE_HOME=..."
        ) from error


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def canonical_json(value: Json) -> bytes:
    """One byte string for one value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def plain(value: object) -> Json:
    """Settings records, dataclasses, paths, tuples and sets as what JSON can hold."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"))
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, Path):
        return value.as_posix()
    return value


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        # A record lock, not flock: it is this process's alone and ends with it, however that dies, while a worker that it
        # forked, and that outlives it for a moment, would hold the other kind on.
        fcntl.lockf(handle, fcntl.LOCK_EX)
        yield

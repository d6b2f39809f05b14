"""What a finished artifact says of itself: written last, with each file's size and digest, and a seal over it all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipelines.storage.faults import StorageError

MANIFEST = "manifest.json"
OWN_KEYS = ("content", "facts", "files", "seal")
"""What a manifest holds beside the identity."""
Json = Any
"""What `json.dumps` accepts."""


class UnreadableManifest(StorageError):
    """The manifest is damaged: what it stands for is not taken for finished, and is made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file of an artifact."""

    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A finished artifact in one record."""

    identity: Mapping[str, Json]
    """What decided its bytes; `name` among it."""
    facts: Mapping[str, Json]
    files: Mapping[str, FileRecord]
    content: str
    """SHA-256 (hex) over the names and digests of its files."""

    @property
    def name(self) -> str:
        return str(self.identity["name"])

    def as_bytes(self) -> bytes:
        """The same manifest gives the same bytes."""
        body = self._body()
        return json.dumps({**body, "seal": _seal(body)}, indent=1, ensure_ascii=False, sort_keys=True).encode()

    def _body(self) -> dict[str, Json]:
        files = {name: {"size": file.size, "sha256": file.sha256} for name, file in self.files.items()}
        return {**self.identity, "facts": self.facts, "files": files, "content": self.content}


def manifest_of(folder: Path, identity: Mapping[str, Json], facts: Mapping[str, Json]) -> Manifest:
    """The manifest of all that lies in a folder; half-written files (`*.tmp`) are removed first."""
    for stray in folder.rglob("*.tmp"):
        stray.unlink()
    files = {
        path.relative_to(folder).as_posix(): FileRecord(size=path.stat().st_size, sha256=file_digest(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST
    }
    return Manifest(identity=plain(identity), facts=plain(facts), files=files, content=content_digest(files))


def content_digest(files: Mapping[str, FileRecord]) -> str:
    """SHA-256 (hex) over the names and digests of files."""
    return _hash({name: file.sha256 for name, file in files.items()})


def read_manifest(content: bytes, where: str) -> Manifest:
    """Raises UnreadableManifest where the bytes are no whole manifest."""
    try:
        stored = json.loads(content.decode("utf-8"))
        seal = stored.pop("seal")
        files = {
            str(name): FileRecord(size=int(one["size"]), sha256=str(one["sha256"]))
            for name, one in stored["files"].items()
        }
        identity = {key: value for key, value in stored.items() if key not in OWN_KEYS}
        manifest = Manifest(identity=identity, facts=dict(stored["facts"]), files=files, content=str(stored["content"]))
        sealed = seal == _seal(stored) and isinstance(identity.get("name"), str)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:  # UnicodeDecodeError is a ValueError
        raise _unreadable(where, f"{type(error).__name__}: {error}") from error
    if not sealed:
        raise _unreadable(where, "one that was changed after it was written (its seal is another's)")
    return manifest


def fingerprint_of(identity: Mapping[str, Json]) -> str:
    """The last part of an artifact's place: equal identities have one place."""
    return _hash(identity)[:16]


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


def _hash(value: Json) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _seal(body: Json) -> str:
    """Over a whole manifest; unlike an identity's hash it takes figures that are not finite."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _unreadable(where: str, found: str) -> UnreadableManifest:
    return UnreadableManifest(
        where=where,
        expected=f"a finished artifact with a whole {MANIFEST}",
        found=found,
        remedy="Run `mathsieve run` again: it is set aside and made anew.",
    )

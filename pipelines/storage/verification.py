"""Is everything under a root whole? What is not is told with its remedy; `repair` sets it aside, so that it is made again.

Looked at are every manifest and its place, each file's size (its digest where `deep`), files that no manifest names, every
reference, what killed attempts left, and, of an object store, this machine's copies.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pipelines.storage.cache import Cached, cache_folder
from pipelines.storage.faults import StorageError, storage_faults
from pipelines.storage.manifests import (
    MANIFEST,
    Manifest,
    UnreadableManifest,
    file_digest,
    fingerprint_of,
    read_manifest,
)
from pipelines.storage.references import FOLDER, References
from pipelines.storage.store import Store

FINGERPRINT = re.compile(
    r"(?P<key>(?:[^/]+/)+?(?P<fingerprint>[0-9a-f]{16}))(?P<kind>\.partial|\.lease|\.damaged[^/]*|\.lock|)(?:/|$)"
)
SET_ASIDE = "`mathsieve verify --repair` sets it aside, and the next run makes it again."
RUN_AGAIN = "Run `mathsieve run` again: it is made anew."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is not as it was written."""

    where: str
    """An absolute path or a URL."""
    what: str
    remedy: str
    repair: str = ""
    """The key that a repair sets aside or removes; empty where a person must decide."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.remedy}"


@dataclass(slots=True)
class Verified:
    """What was looked at, and what was found."""

    artifacts: int = 0
    files: int = 0
    size: int = 0
    faults: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What is no fault: begun and not finished, set aside before."""


def verify(location: str | Path, *, deep: bool = False, repair: bool = False) -> Verified:
    """Look at all that lies under a root. Raises StorageError where it cannot be read at all."""
    store, found = Store(location), Verified()
    kept: dict[str, dict[str, int]] = {}
    for key, size in store.root.sizes().items():
        place = FINGERPRINT.match(key)
        if place is None or key.startswith(f"{FOLDER}/"):
            continue
        kept.setdefault(place["key"] + place["kind"], {})[key[place.end() :]] = size
    for key, files in kept.items():
        if MANIFEST not in files and f"{key}.lease" in kept:  # its upload is under way, or ended before its end
            continue
        _verify_place(store, key, files, found, deep=deep)
    found.faults += _reference_faults(References(store), kept)
    if repair:
        for fault in found.faults:
            _repair(store, fault)
    return found


def _verify_place(store: Store, key: str, files: Mapping[str, int], found: Verified, *, deep: bool) -> None:
    where = store.root.shown(key)
    if ".damaged" in key:
        found.remarks.append(f"{where}: set aside before. Remove it when nobody needs it.")
    elif key.endswith(".partial"):
        found.remarks.append(
            f"{where}: begun, not finished ({sum(files.values()) / 1e6:,.1f} MB). The next run goes on there."
        )
    elif key.endswith(".lease"):
        found.remarks.append(f"{where}: being made, or left by a process that was killed. The next run sees which.")
    elif not key.endswith(".lock"):
        found.faults += _artifact_faults(store, key, files, found, deep=deep)


def _artifact_faults(
    store: Store, key: str, files: Mapping[str, int], found: Verified, *, deep: bool
) -> Iterator[Fault]:
    where = store.root.shown(key)
    if MANIFEST not in files:
        yield Fault(
            where=where, what=f"expected a {MANIFEST} beside its files; found none", remedy=RUN_AGAIN, repair=key
        )
        return
    try:
        manifest = read_manifest(store.root.read(f"{key}/{MANIFEST}"), f"{where}/{MANIFEST}")
    except UnreadableManifest as error:
        yield Fault(
            where=f"{where}/{MANIFEST}",
            what=f"expected a whole {MANIFEST}; found {error.found}",
            remedy=SET_ASIDE,
            repair=key,
        )
        return
    found.artifacts += 1
    found.files += len(manifest.files)
    found.size += sum(record.size for record in manifest.files.values())
    named = f"{manifest.name}/{fingerprint_of(manifest.identity)}"
    if named != key:
        yield Fault(
            where=where,
            what=f"expected what its place says; found the manifest of {named}",
            remedy=SET_ASIDE,
            repair=key,
        )
    yield from _file_faults(store, key, manifest, files, deep=deep)
    yield from _copy_faults(store, key, manifest, deep=deep)


def _file_faults(
    store: Store, key: str, manifest: Manifest, files: Mapping[str, int], *, deep: bool
) -> Iterator[Fault]:
    for name, record in manifest.files.items():
        where = store.root.shown(f"{key}/{name}")
        if name not in files:
            yield Fault(
                where=where,
                what=f"expected {record.size:,} bytes, as its manifest says; found none",
                remedy=SET_ASIDE,
                repair=key,
            )
        elif files[name] != record.size:
            what = f"expected {record.size:,} bytes, as its manifest says; found {files[name]:,} bytes"
            yield Fault(where=where, what=what, remedy=SET_ASIDE, repair=key)
        elif deep and _digest(store, f"{key}/{name}") != record.sha256:
            what = "expected the bytes whose digest its manifest holds; found others of the same size"
            yield Fault(where=where, what=what, remedy=SET_ASIDE, repair=key)
    for name in sorted(files.keys() - manifest.files.keys() - {MANIFEST}):
        what = "expected only files that its manifest names; found one more"
        yield Fault(where=store.root.shown(f"{key}/{name}"), what=what, remedy="Nothing reads it: move it away.")


def _copy_faults(store: Store, key: str, manifest: Manifest, *, deep: bool) -> Iterator[Fault]:
    """This machine's copies: those of another size are fetched again by themselves."""
    if not deep or not isinstance(store.root.place(key, manifest), Cached):
        return
    for name, record in manifest.files.items():
        copy = cache_folder(manifest.content) / name
        if copy.is_file() and copy.stat().st_size == record.size and file_digest(copy) != record.sha256:
            what = f"expected a copy of {store.root.shown(f'{key}/{name}')}; found other bytes"
            yield Fault(
                where=str(copy),
                what=what,
                remedy="`mathsieve verify --deep --repair` removes it; it is fetched again.",
                repair=str(copy),
            )


def _reference_faults(references: References, kept: Mapping[str, Mapping[str, int]]) -> Iterator[Fault]:
    root = references.store.root
    for name in references.names():
        where, key = root.shown(f"{FOLDER}/{name}.json"), f"{FOLDER}/{name}.json"
        try:
            target = references.target(name)
        except StorageError as error:
            yield Fault(
                where=where, what=f"expected {error.expected}; found {error.found}", remedy=RUN_AGAIN, repair=key
            )
            continue
        if MANIFEST not in kept.get(target, {}):
            what = f"expected a finished artifact at {root.shown(target)}; found none"
            yield Fault(where=where, what=what, remedy=RUN_AGAIN, repair=key)


def _digest(store: Store, key: str) -> str:
    with storage_faults(store.root.shown(key)):
        opened: BinaryIO = store.root.open(key)
        with opened:
            digest = hashlib.sha256()
            while chunk := opened.read(1 << 22):
                digest.update(chunk)
    return digest.hexdigest()


def _repair(store: Store, fault: Fault) -> None:
    if not fault.repair:
        return
    if Path(fault.repair).is_absolute():
        Path(fault.repair).unlink(missing_ok=True)
    elif fault.repair.startswith(f"{FOLDER}/"):
        store.root.remove([fault.repair])
    elif store.root.sizes(fault.repair):  # a key may have several faults: the first one's repair moves it
        store.root.set_aside(fault.repair)

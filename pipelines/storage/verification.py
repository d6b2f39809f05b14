"""Is everything under a root whole? What is not is told with its remedy; `repair` sets it aside, so that it is made again.

Looked at are every manifest and its place, each file's size (its digest where `deep`, or where the file was written after its
manifest), files that no manifest names, what was made from bytes that are others now, every reference, what killed attempts
left, and, of an object store, this machine's copies.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from evaluators.progress import report_progress
from evaluators.stages.content import PATIENCE
from pipelines.storage.cache import Cached, cache_folder, is_whole_copy
from pipelines.storage.faults import StorageError, storage_faults
from pipelines.storage.manifests import (
    MANIFEST,
    Manifest,
    UnreadableManifest,
    content_digest,
    file_digest,
    fingerprint_of,
    read_manifest,
)
from pipelines.storage.references import REFERENCES, References
from pipelines.storage.store import Store

FINGERPRINT = re.compile(
    r"(?P<key>(?:[^/]+/)+?(?P<fingerprint>[0-9a-f]{16}))(?P<kind>\.partial|\.lease|\.damaged[^/]*|\.lock|)(?:/|$)"
)
SET_ASIDE = "`mathsieve verify --repair` sets it aside, and the next run makes it again."
SET_ASIDE_DEEP = SET_ASIDE.replace("--repair", "--deep --repair")
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
    readers: dict[str, frozenset[str]] = field(default_factory=dict)
    """Key of an artifact -> the content of each of its inputs."""
    damage: list[Damage] = field(default_factory=list)
    was_copied: bool = False
    """Whether whole files are later than their manifests: a copy, or a change of owners, gave all files times of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Files of an artifact that hold other bytes than were published, though as many: whoever read them was not warned."""

    key: str
    contents: frozenset[str]
    """Under which the identity of a reader knows what it read."""
    since: int | None
    """When the first of the files was written, in nanoseconds; None where the storage does not tell."""


def verify(location: str | Path, *, deep: bool = False, repair: bool = False) -> Verified:
    """Look at all that lies under a root. Raises StorageError where it cannot be read at all.

    An identity holds the digests of what its inputs were published with. If their bytes changed later, and were read, the
    artifact made from them is false and its identity is not. So what read a damaged artifact directly is a fault as well. What
    was made from that in turn needs no search: made again from true rows it has another content, and whoever reads it another
    identity.
    """
    store, found = Store(location), Verified()
    kept: dict[str, dict[str, int]] = {}
    for key, size in store.root.sizes().items():
        place = FINGERPRINT.match(key)
        if place is None or key.startswith(f"{REFERENCES}/"):
            continue
        kept.setdefault(place["key"] + place["kind"], {})[key[place.end() :]] = size
    size = sum(sum(files.values()) for key, files in kept.items() if MANIFEST in files)
    with report_progress(
        total=size, desc="verify", unit="B", unit_scale=True, delay=PATIENCE, leave=False, disable=not deep
    ) as bar:
        for key, files in sorted(kept.items()):
            if MANIFEST not in files and f"{key}.lease" in kept:  # its upload is under way, or ended before its end
                continue
            _verify_place(store, key, files, found, deep=deep)
            bar.update(sum(files.values()) if MANIFEST in files else 0)
    found.faults += _readers_of_damage(store, found)
    _look_at_references(References(store), kept, found)
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
    found.readers[key] = frozenset(map(str, (manifest.identity.get("inputs") or {}).values()))
    named = f"{manifest.name}/{fingerprint_of(manifest.identity)}"
    if key.endswith(f"/{named}"):
        yield Fault(
            where=where,
            what=f"expected what its place says; found a copy of {named}, or a folder above a run's",
            remedy="Nothing reads it: move it away, or name the run's own folder.",
        )
    elif named != key:
        yield Fault(
            where=where,
            what=f"expected what its place says; found the manifest of {named}",
            remedy=SET_ASIDE,
            repair=key,
        )
    yield from _size_faults(store, key, manifest, files)
    yield from _digest_faults(store, key, manifest, files, found, deep=deep)
    yield from _copy_faults(store, key, manifest, found, deep=deep)


def _size_faults(store: Store, key: str, manifest: Manifest, files: Mapping[str, int]) -> Iterator[Fault]:
    for name, record in manifest.files.items():
        if files.get(name) != record.size:
            lies = f"{files[name]:,} bytes" if name in files else "none"
            what = f"expected {record.size:,} bytes, as its manifest says; found {lies}"
            yield Fault(where=store.root.shown(f"{key}/{name}"), what=what, remedy=SET_ASIDE, repair=key)
    for name in sorted(files.keys() - manifest.files.keys() - {MANIFEST}):
        what = "expected only files that its manifest names; found one more"
        yield Fault(where=store.root.shown(f"{key}/{name}"), what=what, remedy="Nothing reads it: move it away.")


def _digest_faults(
    store: Store, key: str, manifest: Manifest, files: Mapping[str, int], found: Verified, *, deep: bool
) -> Iterator[Fault]:
    whole = {name: record for name, record in manifest.files.items() if files.get(name) == record.size}
    if deep:
        others = [name for name, record in whole.items() if _digest(store, f"{key}/{name}") != record.sha256]
    else:
        others = store.root.altered(key, whole)
    found.was_copied |= not set(others).issuperset(store.root.written_later(key, whole))
    for name in others:
        what = "expected the bytes whose digest its manifest holds; found others of the same size"
        yield Fault(where=store.root.shown(f"{key}/{name}"), what=what, remedy=SET_ASIDE_DEEP, repair=key)
    if others:
        times = [time for name in others if (time := store.root.time_of(f"{key}/{name}")) is not None]
        found.damage.append(Damage(key=key, contents=_contents(manifest, others), since=min(times, default=None)))


def _contents(manifest: Manifest, others: Sequence[str]) -> frozenset[str]:
    """The digests by which identities may know the damaged files: of the whole artifact, or of those of one partition.

    The files of a partition begin alike, up to a dot (`Stage.part`).
    """
    beginnings = {name[: place + 1] for name in others for place, letter in enumerate(name) if letter == "."}
    parts = ({name: one for name, one in manifest.files.items() if name.startswith(part)} for part in beginnings)
    return frozenset({manifest.content, *map(content_digest, parts)})


def _copy_faults(store: Store, key: str, manifest: Manifest, found: Verified, *, deep: bool) -> Iterator[Fault]:
    """This machine's copies: those of another size, or written since they came, are fetched again by themselves."""
    if not deep or not isinstance(store.root.place(key, manifest), Cached):
        return
    others = []
    for name, record in manifest.files.items():
        copy = cache_folder(manifest.content) / name
        if is_whole_copy(copy, record) and file_digest(copy) != record.sha256:
            others.append(name)
            what = f"expected a copy of {store.root.shown(f'{key}/{name}')}; found other bytes"
            yield Fault(
                where=str(copy),
                what=what,
                remedy="`mathsieve verify --deep --repair` removes it; it is fetched again.",
                repair=str(copy),
            )
    if others:
        found.damage.append(Damage(key=key, contents=_contents(manifest, others), since=None))


def _readers_of_damage(store: Store, found: Verified) -> Iterator[Fault]:
    told = {damage.key for damage in found.damage}
    for damage in found.damage:
        for key, read in found.readers.items():
            if key in told or damage.contents.isdisjoint(read):
                continue
            made = store.root.time_of(f"{key}/{MANIFEST}")
            if not found.was_copied and damage.since is not None and made is not None and made < damage.since:
                continue
            told.add(key)
            what = (
                f"expected to be made from what {damage.key} was published with; found that its bytes are others now, and may "
                "have been when they were read"
            )
            yield Fault(where=store.root.shown(key), what=what, remedy=SET_ASIDE_DEEP, repair=key)


def _look_at_references(references: References, kept: Mapping[str, Mapping[str, int]], found: Verified) -> None:
    """A reference to what was set aside, or will be, is no fault of its own: the next run writes it anew."""
    root, names = references.store.root, set()
    for name in references.names():
        where, key = root.shown(f"{REFERENCES}/{name}.json"), f"{REFERENCES}/{name}.json"
        try:
            target = references.target(name)
        except StorageError as error:
            what = f"expected {error.expected}; found {error.found}"
            found.faults.append(Fault(where=where, what=what, remedy=RUN_AGAIN, repair=key))
            continue
        names.add(target.rpartition("/")[0])
        if target in kept:
            continue
        if any(other.startswith(f"{target}.damaged") for other in kept):
            found.remarks.append(f"{where}: its artifact was set aside. {RUN_AGAIN}")
        else:
            what = f"expected a finished artifact at {root.shown(target)}; found none"
            found.faults.append(Fault(where=where, what=what, remedy=RUN_AGAIN, repair=key))
    for name in sorted({key.rpartition("/")[0] for key in found.readers} - names):
        found.remarks.append(
            f"{root.shown(name)}: no reference names it, so that reports do not find it. Run `mathsieve run` again: it is found."
        )


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
    elif fault.repair.startswith(f"{REFERENCES}/"):
        store.root.remove([fault.repair])
    elif store.root.sizes(fault.repair):  # a key may have several faults: the first one's repair moves it
        store.root.set_aside(fault.repair)

"""Builds artifacts once and finds them again, under any root."""

from __future__ import annotations

import errno
import fnmatch
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from evaluators.tables import atomic_file
from pipelines.storage.artifact import Artifact
from pipelines.storage.cache import altered_file, missing_file
from pipelines.storage.faults import StorageError, storage_fault
from pipelines.storage.leases import Lease, Pace, leased
from pipelines.storage.manifests import (
    MANIFEST,
    OWN_KEYS,
    Json,
    Manifest,
    UnreadableManifest,
    content_digest,
    file_digest,
    fingerprint_of,
    manifest_of,
    plain,
    read_manifest,
)
from pipelines.storage.roots import Root, root_at

FULL_OR_FAILING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""What a writer meets that is the disk's fault, not its own."""
Write = Callable[[Path], Mapping[str, Json]]
"""Fills a local folder and returns figures."""


class Store:
    """The artifacts under one root: a path or a URL."""

    def __init__(self, root: Path | str, *, pace: Pace | None = None) -> None:
        self.root: Root = root_at(root)
        self._pace = pace

    def build(self, identity: Mapping[str, Json], write: Write) -> Artifact:
        """The artifact of an identity (its `name`, and all else that decides its bytes); made if it does not exist yet.

        `write` fills a local folder and returns facts. It may find files of an earlier, killed attempt there: whatever
        it wrote with `atomic_file` is whole, so it may skip a shard whose file exists. Facts must be deterministic (no
        times), since they are stored. If `write` raises, nothing is published and the folder stays for the next
        attempt. One process makes an artifact; another waits and finds it.
        """
        key = key_of(identity)
        while True:
            if (found := self._found(key)) is not None:
                return found
            with leased(self.root, key, self._pace) as lease:
                if self._found(key) is None:
                    self._set_unreadable_aside(key)
                    self._make(key, identity, write, lease)

    def find(self, identity: Mapping[str, Json]) -> Artifact | None:
        """The finished artifact of an identity; None where it is to be made."""
        return self._found(key_of(identity))

    def open(self, key: str | Path) -> Artifact:
        """The finished artifact at a key (`name/fingerprint`). Raises StorageError where it is none, or not whole."""
        text = str(key).removeprefix(f"{self.root.location}/")
        return self._opened(text, self.manifest(text))

    def exists(self, key: str) -> bool:
        """Whether anything lies there that claims to be finished."""
        try:
            self.root.read(f"{key}/{MANIFEST}")
        except FileNotFoundError:
            return False
        return True

    def was_set_aside(self, key: str) -> bool:
        """Whether what lay at a key was found damaged and moved beside it."""
        name, _, fingerprint = key.rpartition("/")
        return any(other.startswith(f"{fingerprint}.damaged") for other in self.root.sizes(name))

    def manifest(self, key: str) -> Manifest:
        """What the artifact at a key says of itself. Raises StorageError where there is none, or it is damaged."""
        where = self.root.shown(f"{key}/{MANIFEST}")
        try:
            return read_manifest(self.root.read(f"{key}/{MANIFEST}"), where)
        except FileNotFoundError as error:
            raise StorageError(
                where=self.root.shown(key),
                expected="a finished artifact",
                found=f"no {MANIFEST}",
                remedy="Run `mathsieve run` again: it makes what is not there.",
            ) from error

    def identity_of(self, artifact: Artifact) -> Mapping[str, Json]:
        """What decided the artifact's bytes, as it was built with."""
        return self.manifest(self.key(artifact)).identity

    def content_of(self, artifact: Artifact, pattern: str) -> str:
        """SHA-256 (hex) over the names and digests of those of its files whose names match, as `content` is over all."""
        files = self.manifest(self.key(artifact)).files
        return content_digest({name: file for name, file in files.items() if fnmatch.fnmatchcase(name, pattern)})

    def key(self, artifact: Artifact) -> str:
        """Where an artifact lies under this root: `name/fingerprint`. Raises StorageError for another root's."""
        if not artifact.location.startswith(f"{self.root.location}/"):
            raise StorageError(
                where=artifact.location, expected=f"an artifact under {self.root.location}", found="another's"
            )
        return artifact.location.removeprefix(f"{self.root.location}/")

    def _found(self, key: str) -> Artifact | None:
        try:
            manifest = read_manifest(self.root.read(f"{key}/{MANIFEST}"), key)
        except (FileNotFoundError, UnreadableManifest):
            return None
        return self._opened(key, manifest)

    def _opened(self, key: str, manifest: Manifest) -> Artifact:
        there = self.root.sizes(key)
        for name, record in manifest.files.items():
            if there.get(name) != record.size:
                found = f"{there[name]:,} bytes" if name in there else "none"
                raise missing_file(self.root.shown(f"{key}/{name}"), record, found)
        for name in self.root.altered(key, manifest.files):
            raise altered_file(self.root.shown(f"{key}/{name}"))
        place = self.root.place(key, manifest)
        return Artifact(name=manifest.name, place=place, content=manifest.content, facts=manifest.facts)

    def _set_unreadable_aside(self, key: str) -> None:
        try:
            self.root.read(f"{key}/{MANIFEST}")
        except FileNotFoundError:
            return
        aside = self.root.set_aside(key)
        print(
            f"{self.root.shown(key)}: its {MANIFEST} is damaged; set aside as {aside}, and made again",
            file=sys.stderr,
            flush=True,
        )

    def _make(self, key: str, identity: Mapping[str, Json], write: Write, lease: Lease) -> None:
        folder = self.root.scratch(key)
        manifest = _sealed_before(folder, identity)
        if manifest is None:
            try:
                facts = write(folder)
                manifest = manifest_of(folder, identity, facts)
                with atomic_file(folder / MANIFEST) as temporary:
                    temporary.write_bytes(manifest.as_bytes())
            except OSError as error:
                if error.errno not in FULL_OR_FAILING:
                    raise
                raise storage_fault(folder, error) or error from error
        if lease.is_ours() and not self.exists(key):  # whoever took it for expired may be done already
            self.root.publish(folder, key, manifest)


def key_of(identity: Mapping[str, Json]) -> str:
    """`name/fingerprint`: equal identities have one place. Raises ValueError where a manifest could not hold the identity."""
    if taken := sorted(identity.keys() & set(OWN_KEYS)):
        raise ValueError(
            f"an identity has other keys than {', '.join(taken)}: a manifest says that of the artifact itself"
        )
    return f"{identity['name']}/{fingerprint_of(identity)}"


def _sealed_before(folder: Path, identity: Mapping[str, Json]) -> Manifest | None:
    """The manifest of a folder that an earlier attempt filled and could not publish: the store did not answer.

    A file that changed since is removed with the manifest, so that it is written again: others are found as finished shards.
    """
    try:
        manifest = read_manifest((folder / MANIFEST).read_bytes(), str(folder))
    except FileNotFoundError:
        return None
    except UnreadableManifest:
        (folder / MANIFEST).unlink()
        return None
    there = {name: folder / name for name in manifest.files if (folder / name).exists()}
    others = [path for name, path in there.items() if file_digest(path) != manifest.files[name].sha256]
    if others or len(there) < len(manifest.files):
        for path in (folder / MANIFEST, *others):
            path.unlink()
        return None
    return manifest if manifest.identity == plain(identity) else None

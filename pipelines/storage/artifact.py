"""A finished artifact, as stages receive it: its figures, and its files as local paths wherever they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pipelines.storage.cache import Cached
from pipelines.storage.faults import StorageError
from pipelines.storage.manifests import MANIFEST, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What a stage left: files that will not change any more."""

    name: str
    place: Path | Cached
    """A local folder, or what fetches from an object store."""
    content: str
    """SHA-256 (hex) over the names and digests of its files: equal content means equal bytes."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """Row counts and other figures the writer returned; shown in the asset's metadata."""

    @property
    def path(self) -> Path:
        """A local folder that holds all of its files; those of an object store are fetched first."""
        return self.place if isinstance(self.place, Path) else self.place.folder()

    @property
    def location(self) -> str:
        """Where it lies, for a person: an absolute path or a URL."""
        return str(self.place) if isinstance(self.place, Path) else self.place.location

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        if isinstance(self.place, Path):
            return sum(path.stat().st_size for path in self.place.rglob("*") if path.is_file())
        return sum(record.size for record in self.place.records.values())

    def names(self, pattern: str = "*.parquet") -> list[str]:
        """Those of its files that match, relative and sorted; nothing is fetched."""
        if isinstance(self.place, Path):
            found = (path.relative_to(self.place).as_posix() for path in self.place.glob(pattern) if path.is_file())
            return sorted(name for name in found if name != MANIFEST)
        return self.place.names(pattern)

    def file(self, name: str) -> Path:
        """The local path of one of its files. Raises StorageError where the artifact has none of that name."""
        if isinstance(self.place, Cached):
            if name in self.place.records:
                return self.place.file(name)
        elif (self.place / name).exists():
            return self.place / name
        there = self.names("**/*")
        raise StorageError(
            where=self.location,
            expected=f"a file {name}",
            found=f"{', '.join(there[:20]) or 'none'}{' ...' if len(there) > 20 else ''}",
            remedy="Another version made it, or its files were changed: run `mathsieve verify`.",
        )

    def open(self, name: str) -> BinaryIO:
        """One of its files for reading, where a part of it is enough: nothing is kept of an object store's."""
        return (self.place / name).open("rb") if isinstance(self.place, Path) else self.place.open(name)

    def files(self, pattern: str = "*.parquet") -> list[Path]:
        """The local paths of those that match, sorted by name, so that every reader sees one order."""
        if isinstance(self.place, Path):
            return sorted(path for path in self.place.glob(pattern) if path.name != MANIFEST)
        return self.place.files(self.place.names(pattern))

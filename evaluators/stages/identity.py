"""What decides the bytes of an artifact, as one JSON mapping; the store keeps it and names the artifact by its hash.

name, version     the asset's name, and the version of its stage
settings          every field but those marked HowItRuns; a field that names files holds their content instead
given             what else the graph hands the stage: the snapshot, the number of the iteration
conditions        what of this machine decides the result, where the stage names it: the version of a server
read_files        [name, digest] of files that no setting names one by one; no digest for a published one, which stays
inputs            input -> digest of that artifact's content
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from evaluators.stages.content import ContentDigests
from evaluators.stages.fields import names_files, only_says_how_it_runs, paths_in

COMPRESSED = (".gz", ".zst", ".bz2", ".xz")

Json = Any
"""What `json.dumps` accepts."""


def settings_identity(settings: object, digests: ContentDigests | None) -> Json:
    """The settings that change a result. Without `digests` fields that name files are left out, and no file is looked at.

    Raises NamedFileError where a file that they name is not there.
    """
    if isinstance(settings, BaseModel):
        return {
            name: _field_identity(settings, name, digests)
            for name, field in type(settings).model_fields.items()
            if not only_says_how_it_runs(field) and not (digests is None and names_files(field))
        }
    if isinstance(settings, Mapping):
        return {str(key): settings_identity(value, digests) for key, value in settings.items()}
    if isinstance(settings, list | tuple):
        return [settings_identity(value, digests) for value in settings]
    if isinstance(settings, set | frozenset):
        return sorted(settings_identity(value, digests) for value in settings)
    if isinstance(settings, Enum):
        return settings.value
    if isinstance(settings, Path):
        return None if digests is None else content_identity([settings], digests)
    if isinstance(settings, float) and not math.isfinite(settings):
        return repr(settings)  # JSON has no word for it
    return settings


def content_identity(paths: Sequence[Path], digests: ContentDigests) -> Json:
    """Each file's ending, which says how it is read, and its content; nothing of where it lies."""
    return [[_ending(path), digests.of(path)] for path in paths]


def _ending(path: Path) -> str:
    inner = Path(path.stem).suffix if path.suffix in COMPRESSED else ""
    return inner + path.suffix


def _field_identity(settings: BaseModel, name: str, digests: ContentDigests | None) -> Json:
    value = getattr(settings, name)
    if digests is not None and names_files(type(settings).model_fields[name]):
        choose = getattr(settings, "named_files", None)
        paths = choose(name) if choose is not None else None if value is None else paths_in(value)
        if paths is not None:
            return {"content": content_identity(paths, digests)}
    return settings_identity(value, digests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that tells two identities of an asset apart."""

    kind: Literal["version", "settings", "file", "input", "given", "conditions"]
    what: str
    """`settings.rows 40 -> 50`, `settings.path`, `pages/CC-MAIN-2025-05`."""

    def __str__(self) -> str:
        return self.what if self.kind in ("settings", "given", "conditions") else f"{self.kind} {self.what}"


def differences(before: Mapping[str, Json], now: Mapping[str, Json]) -> list[Difference]:
    """What tells two identities of one asset apart: version, then settings, files and inputs."""
    found = []
    if before.get("version") != now.get("version"):
        found.append(Difference(kind="version", what=f"{before.get('version')} -> {now.get('version')}"))
    found += _changes("settings", "settings", before.get("settings"), now.get("settings"))
    found += _changes("given", "given", before.get("given"), now.get("given"))
    found += _changes("conditions", "conditions", before.get("conditions"), now.get("conditions"))
    old, new = _named(before.get("read_files")), _named(now.get("read_files"))
    found += [Difference(kind="file", what=name) for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    old, new = before.get("inputs") or {}, now.get("inputs") or {}
    found += [Difference(kind="input", what=name) for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    return found


def _named(files: Json) -> dict[str, Json]:
    return {name: [digest] for name, digest in files or ()}


def _changes(kind: Literal["settings", "given", "conditions"], place: str, before: Json, now: Json) -> list[Difference]:
    if before == now:
        return []
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return [Difference(kind=kind, what=f"{place} {_short(before)} -> {_short(now)}")]
    if "content" in before and "content" in now:
        return [Difference(kind="file", what=place)]
    keys = sorted({*before, *now})
    return [change for key in keys for change in _changes(kind, f"{place}.{key}", before.get(key), now.get(key))]


def _short(value: Json) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."

"""The two marks that a field of a settings record may bear, and what they mean for every stage.

    workers: HowItRuns[int | None] = None      the result is the same, byte for byte, whatever its value
    path: NamesFiles[str | None] = None        the files it names decide the result; where they lie does not

A field of type Path names files without a mark.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic.fields import FieldInfo

T = TypeVar("T")

_HOW_IT_RUNS = "how it runs"
_NAMES_FILES = "names files"

HowItRuns = Annotated[T, _HOW_IT_RUNS]
"""A field that is left out of the identity of what its stage makes: processes, logging, timeouts, places of caches."""
NamesFiles = Annotated[T, _NAMES_FILES]
"""A text that names files, or may: the identity holds their content (`Settings.named_files`)."""


def only_says_how_it_runs(field: FieldInfo) -> bool:
    return _HOW_IT_RUNS in field.metadata


def names_files(field: FieldInfo) -> bool:
    return _NAMES_FILES in field.metadata or _holds_paths(field.annotation)


def paths_in(value: object) -> list[Path]:
    """The paths that a value of such a field holds, in order; of a mapping, those of its values."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [path for _, item in sorted(value.items()) for path in paths_in(item)]
    if isinstance(value, str | Path):
        return [Path(value)]
    assert isinstance(value, list | tuple | set | frozenset), value
    return [path for item in value for path in paths_in(item)]


def _holds_paths(annotation: object) -> bool:
    return annotation is Path or any(_holds_paths(part) for part in typing.get_args(annotation))

"""Paths of a recipe mean what its writer sees: they count from the recipe's own folder, and are absolute from here on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from evaluators.stages.fields import names_files

Record = TypeVar("Record", bound=BaseModel)

PREFIXED = re.compile(r"^[A-Za-z][\w+.-]*:")
"""What is no path: a URL, `hub:OWNER/MODEL`, `package:NAME`."""


def with_absolute_paths(settings: Record, folder: Path) -> Record:
    """The same settings, with every path that a field names counted from `folder`."""
    changed = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        placed = _placed(value, folder) if names_files(field) else _within(value, folder)
        if placed != value:
            changed[name] = placed
    return settings.model_copy(update=changed) if changed else settings


def _within(value: Any, folder: Path) -> Any:
    """Settings inside a field that names no files itself."""
    if isinstance(value, BaseModel):
        return with_absolute_paths(value, folder)
    if isinstance(value, Mapping):
        return {key: _within(item, folder) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_within(item, folder) for item in value)
    return value


def _placed(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return folder / value.expanduser()
    if isinstance(value, str):
        return value if not value or PREFIXED.match(value) else str(folder / Path(value).expanduser())
    if isinstance(value, Mapping):
        return {key: _placed(item, folder) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_placed(item, folder) for item in value)
    return value

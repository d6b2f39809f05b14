"""A recipe is one YAML file that says what to run; this module is the only one that reads it.

It composes the frozen settings record of every stage and hands each stage its own. Whatever is wrong with the file
is said once, before anything runs: the file, the key, what was expected and what was found.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

VARIABLE = re.compile(r"\$\{(\w+)\}")


class RecipeError(Exception):
    """The recipe cannot be used; the message names the file, the key, what was expected and what was found."""


class _UniqueKeyLoader(yaml.SafeLoader):
    """A loader that refuses a key given twice, of which plain YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"line {node.start_mark.line + 1}: expected each key once; found {key!r} twice")
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The file's mapping with ${VARIABLES} filled in. Raises RecipeError."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except FileNotFoundError as error:
        known = sorted(p.as_posix() for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise RecipeError(f"{path}: no such recipe; in that folder there are: {', '.join(known) or 'none'}") from error
    except (yaml.YAMLError, UnicodeDecodeError, IsADirectoryError) as error:
        raise RecipeError(f"{path}: expected a YAML file; found: {error}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: expected a mapping of settings; found {type(content).__name__}")
    filled: dict[str, Any] = _fill(content, path, "")
    return filled


def validate(path: Path, content: Mapping[str, Any], record: type[BaseModel]) -> Any:
    """`content` as `record`. Raises RecipeError that lists every mistake, one line each."""
    try:
        return record.model_validate(content)
    except ValidationError as error:
        lines = [f"{path}: {_sentence(mistake, record)}" for mistake in error.errors()]
        raise RecipeError("\n".join(lines)) from error


def _fill(value: Any, path: Path, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _fill(item, path, f"{key}.{name}".lstrip(".")) for name, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, path, f"{key}.{index}") for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in os.environ:
            raise RecipeError(
                f"{path}: {key}: expected the environment variable {name} to be set; it is not. Set it: export {name}=..."
            )
        return os.environ[name]

    return VARIABLE.sub(variable, value)


def _sentence(mistake: Any, record: type[BaseModel]) -> str:
    place = ".".join(str(part) for part in mistake["loc"]) or "the recipe"
    if mistake["type"] == "extra_forbidden":
        known = sorted(_keys_beside(record, mistake["loc"]))
        close = difflib.get_close_matches(str(mistake["loc"][-1]), known, 1)
        hint = f"Did you mean {close[0]}?" if close else f"Known keys there: {', '.join(known)}."
        return f"{place}: unknown key. {hint}"
    if mistake["type"] == "missing":
        return f"{place}: expected a value; found none. Add it."
    if mistake["type"] == "value_error":
        return f"{place}: {str(mistake['ctx']['error']).removeprefix('Value error, ')}"
    expected = mistake["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return f"{place}: expected {expected}; found {_short(mistake['input'])}"


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _keys_beside(record: type[BaseModel], location: tuple[str | int, ...]) -> Iterator[str]:
    """The keys that the record at `location`'s parent knows."""
    current: Any = record
    for part in location[:-1]:
        field = getattr(current, "model_fields", {}).get(part)
        inner = list(_records_in(field.annotation)) if field is not None else []
        current = inner[0] if inner else current
    yield from getattr(current, "model_fields", {})


def _records_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _records_in(argument)

"""Reads a recipe's YAML into a settings record. Every mistake is one line: the file, the key, expected and found."""

from __future__ import annotations

import difflib
import math
import os
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from evaluators.errors import MathsieveError

VARIABLE = re.compile(r"\$\{(\w+)\}")
EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "path_type": "a path",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping of settings",
    "model_attributes_type": "a mapping of settings",
    "invalid_key": "text as a key",
    "too_short": "at least one entry",
}
"""pydantic's kinds of mistake in a reader's words; what is not here keeps pydantic's own."""


class RecipeError(MathsieveError):
    """The recipe cannot be used; the message names the file, the key, what was expected and what was found."""


class _UniqueKeyLoader(yaml.SafeLoader):
    """A loader that refuses a key given twice, of which plain YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys: list[Any] = []
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":  # `<<: *other` brings another mapping's keys, which ours override
                continue
            name = self.construct_object(key, deep=True)
            if name in keys:
                raise yaml.YAMLError(f"line {key.start_mark.line + 1}: expected each key once; found {name!r} again")
            keys.append(name)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The file's mapping with ${VARIABLES} filled in. Raises RecipeError."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except FileNotFoundError as error:
        known = sorted(p.as_posix() for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise RecipeError(f"{path}: no such recipe; in that folder there are: {', '.join(known) or 'none'}") from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise RecipeError(f"{path}: expected a YAML file; found: {_place_of(error)}") from error
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        raise RecipeError(f"{path}: expected a mapping of settings; found {found}")
    filled: dict[str, Any] = _fill(content, path, "")
    return filled


def validate(path: Path | str, content: Mapping[str, Any], record: type[BaseModel]) -> Any:
    """`content`, which was read at `path` or told by an option, as `record`. Raises RecipeError that lists every mistake, one line each."""
    try:
        settings = record.model_validate(content)
    except ValidationError as error:
        lines = [f"{path}: {_sentence(mistake, record)}" for mistake in error.errors()]
        raise RecipeError("\n".join(lines)) from error
    if bent := list(_bent(content, settings.model_dump(), ())):
        raise RecipeError("\n".join(f"{path}: {line}" for line in bent))
    return settings


def _place_of(error: Exception) -> str:
    """Line, column and complaint of the YAML reader, on one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


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


def _bent(given: Any, read: Any, place: tuple[str, ...]) -> Iterator[str]:
    """What pydantic bends where a mistake is likelier: `rows: true` read as 1; and numbers that are not finite."""
    if isinstance(given, Mapping) and isinstance(read, Mapping):
        for key, value in given.items():
            yield from _bent(value, read.get(key), (*place, str(key)))
    elif isinstance(given, list) and isinstance(read, Sequence):
        for index, (value, other) in enumerate(zip(given, read, strict=False)):
            yield from _bent(value, other, (*place, str(index)))
    elif isinstance(read, bool) and not isinstance(given, bool):
        yield f"{'.'.join(place)}: expected true or false; found {_short(given)}"
    elif isinstance(read, int | float) and (
        isinstance(given, bool) != isinstance(read, bool) or not math.isfinite(read)
    ):
        yield f"{'.'.join(place)}: expected a number; found {_short(given)}"


def _sentence(mistake: Any, record: type[BaseModel]) -> str:
    kind = mistake["type"]
    place, options = _walk(record, mistake["loc"][:-1] if kind == "extra_forbidden" else mistake["loc"])
    if kind == "extra_forbidden":
        key = str(mistake["loc"][-1])
        known = sorted({name for option in options for name in option.model_fields})
        return f"{'.'.join([*place, key])}: unknown key. {_hint(key, known, 'Known keys there')}"
    named = ".".join(place) or "the recipe"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _untold(named, mistake, options)
    if kind == "missing":
        return f"{named}: expected a value; found none. Add it."
    if kind == "value_error":
        said = str(mistake["ctx"]["error"])
        inner = re.match(r"\w+(?=[.:])", said)  # a check of a whole record names the key inside it
        own = inner is not None and any(inner.group() in option.model_fields for option in options)
        return said if not place else f"{named}.{said}" if own else f"{named}: {said}"
    if kind == "string_pattern_mismatch":
        return f"{named}: expected text like {mistake['ctx']['pattern']}; found {_short(mistake['input'])}"
    expected = EXPECTED.get(kind, mistake["msg"].removeprefix("Input should be ").removeprefix("a valid "))
    return f"{named}: expected {expected}; found {_short(mistake['input'])}"


def _untold(named: str, mistake: Any, options: Sequence[type[BaseModel]]) -> str:
    """The key that chooses between several records is missing, or names none of them."""
    key = mistake["ctx"]["discriminator"].strip("'")
    known = [str(option.model_fields[key].default) for option in options]
    if mistake["type"] == "union_tag_not_found":
        return f"{named}.{key}: expected one of {', '.join(known)}; found none. Add it."
    tag = str(mistake["ctx"]["tag"])
    return f"{named}.{key}: expected one of {', '.join(known)}; found {tag!r}. {_hint(tag, known)}".rstrip()


def _hint(found: str, known: Sequence[str], otherwise: str | None = None) -> str:
    if close := difflib.get_close_matches(found, known, 1):
        return f"Did you mean {close[0]}?"
    return f"{otherwise}: {', '.join(known)}." if otherwise else ""


def _short(value: object) -> str:
    shown = "nothing" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _walk(record: type[BaseModel], location: Sequence[str | int]) -> tuple[list[str], list[type[BaseModel]]]:
    """A mistake's place in the reader's own keys, and the records that may stand there.

    pydantic also puts in the tag of a union's member, and `[key]` for a mistake in a key itself.
    """
    place: list[str] = []
    options, element = [record], None
    for part in location:
        annotation: Any
        if field := next((option.model_fields[part] for option in options if part in option.model_fields), None):
            annotation = field.annotation
        elif tagged := [option for option in options if part in _tags(option)]:
            options = tagged
            continue
        elif part == "[key]":
            continue
        else:
            annotation = element
        place.append(str(part))
        options, element = _records_in(annotation), _element_of(annotation)
    return place, options


def _tags(record: type[BaseModel]) -> list[object]:
    return [
        field.default for field in record.model_fields.values() if typing.get_origin(field.annotation) is typing.Literal
    ]


def _members(annotation: Any) -> Iterator[Any]:
    """The alternatives of an annotation, without what only decorates them."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _members(typing.get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _records_in(annotation: Any) -> list[type[BaseModel]]:
    return [one for one in _members(annotation) if isinstance(one, type) and issubclass(one, BaseModel)]


def _element_of(annotation: Any) -> Any:
    """What a mapping's values or a list's entries are; None for everything else."""
    for member in _members(annotation):
        if arguments := typing.get_args(member):
            return arguments[1] if len(arguments) == 2 and arguments[1] is not ... else arguments[0]
    return None

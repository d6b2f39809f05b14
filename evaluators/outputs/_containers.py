"""Rows that one JSON value holds in ways that no tool has for its own: lists, columns, numbers, an object around."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluators.outputs._spellings import Spelling


def rows_within(value: Any) -> list[Any] | None:
    """The rows, each spelt as a line of its own would be; None where the value is a row itself."""
    if isinstance(value, list):
        return _of_list(value)
    if not isinstance(value, Mapping):
        return None
    if _by_number(value):
        return [{"id": int(key), **one} for key, one in value.items()]
    return _of_columns(value) or _wrapped(value)


def _of_list(value: list[Any]) -> list[Any] | None:
    """The bigcode harness: for each problem, in order, its generations."""
    if value and all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in value):
        return [{"id": number, "responses": one} for number, one in enumerate(value)]
    if value and all(isinstance(one, str) for one in value):
        return [{"id": number, "response": one} for number, one in enumerate(value)]
    return None


def _by_number(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(key.isdigit() and isinstance(one, Mapping) for key, one in value.items())


def _of_columns(value: Mapping[str, Any]) -> list[Any] | None:
    """A table by columns: lists of one length, or pandas' {column: {row: value}}."""
    columns = [one for one in value.values() if isinstance(one, list)]
    if len(columns) == len(value) > 1 and len({len(one) for one in columns}) == 1 and Spelling(value).question:
        return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
    tables = [one for one in value.values() if isinstance(one, Mapping) and one and all(k.isdigit() for k in one)]
    if len(tables) == len(value) > 1:
        return [{name: column.get(number) for name, column in value.items()} for number in tables[0]]
    return None


def _wrapped(value: Mapping[str, Any]) -> list[Any] | None:
    """An object around the list of rows: the longest list of objects, where the object is no row itself."""
    if Spelling(value).question and Spelling(value).responses:
        return None
    lists = [one for one in value.values() if isinstance(one, list) and one and isinstance(one[0], Mapping)]
    if not lists or "messages" in value or "conversations" in value:
        return None
    return max(lists, key=len)

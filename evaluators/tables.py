"""The evaluation's tables on disk: Parquet files of one frozen record type each, written whole or not at all."""

from __future__ import annotations

import dataclasses
import os
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

Record = TypeVar("Record")

ROW_GROUP = 4096
"""Rows."""

_SCALARS = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def schema_of(record: type) -> pa.Schema:
    """The Parquet schema of a record type: its fields in order."""
    hints = typing.get_type_hints(record)
    return pa.schema([(field.name, _arrow(hints[field.name])) for field in dataclasses.fields(record)])


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], record: type) -> None:
    """Write rows (as `dataclasses.asdict` gives them) of one record type; equal rows give equal bytes."""
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema_of(record))
    with atomic_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=ROW_GROUP)


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], record: type) -> None:
    """As `write_table`, for rows that need not be in memory at once."""
    schema = schema_of(record)
    with atomic_file(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        left = iter(rows)
        while group := [dict(row) for row in islice(left, ROW_GROUP)]:
            writer.write_table(pa.Table.from_pylist(group, schema=schema), row_group_size=ROW_GROUP)


def read_table(path: Path, record: type[Record]) -> list[Record]:
    """All rows of a file as records; columns that the record does not know are left out."""
    return list(iterate_table(path, record))


def iterate_table(path: Path, record: type[Record]) -> Iterator[Record]:
    """The rows of a file as records, a row group in memory at a time."""
    known = [field.name for field in dataclasses.fields(record)]  # type: ignore[arg-type]  # every record is a dataclass
    nested = {
        name: inner
        for name, hint in typing.get_type_hints(record).items()
        if (inner := _inner_record(hint)) is not None
    }
    with pq.ParquetFile(path) as file:
        columns = [name for name in known if name in file.schema_arrow.names]
        for batch in file.iter_batches(batch_size=1024, columns=columns):
            for row in batch.to_pylist():
                for name, inner in nested.items():
                    row[name] = tuple(inner(**item) for item in row.get(name) or ())
                yield record(**row)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved onto it when the block ends well and removed when it does not.

    Each process has its own, so that two that write one file leave the one or the other whole.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _arrow(hint: Any) -> pa.DataType:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return pa.string()
    if origin in (typing.Union, types.UnionType):
        return _arrow(next(argument for argument in arguments if argument is not type(None)))
    if origin is tuple:
        return pa.list_(_arrow(arguments[0]))
    if dataclasses.is_dataclass(hint):
        return pa.struct(list(schema_of(hint)))  # type: ignore[arg-type]  # a record type, not an instance
    return _SCALARS[hint]


def _inner_record(hint: Any) -> Any | None:
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple and dataclasses.is_dataclass(arguments[0]):
        return arguments[0]
    return None

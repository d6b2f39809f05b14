"""A path to its rows: the format that knows them, or none, and what is doubtful about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Benchmark, Row
from evaluators.outputs._containers import rows_within
from evaluators.outputs._files import OutputsError, read_content
from evaluators.outputs._folders import files_of
from evaluators.outputs._format import Format, Missing, ReadRow, formats
from evaluators.outputs._rows import finished, guess_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The rows of a file, or of the files of a folder, as written."""

    path: Path
    format: Format | None
    """None where no known tool writes such rows: their columns are guessed."""
    rows: Sequence[tuple[str, Row]]
    """(place, row)"""
    files: int
    alarms: tuple[str, ...]

    @property
    def title(self) -> str:
        return "guessed" if self.format is None else self.format.title


def tasks_in(path: Path) -> dict[str, list[Path]]:
    """The files of every task that a file or folder holds, where they say which task they are of. Raises OutputsError."""
    for one in formats().values():
        if one.tasks is not None and (found := one.tasks(path)):
            return found
    return {}


def read_layout(path: Path, benchmark: str, files: Sequence[Path] | None = None) -> Layout:
    """The rows of a file or folder, or of those files of it that are named. Raises OutputsError."""
    if not path.is_dir():
        return _of_file(path, "")
    paths = list(files or files_of(path, benchmark))
    parts = [_of_file(file, f"{file.relative_to(path)}, " if len(paths) > 1 else "") for file in paths]
    titles = sorted({part.title for part in parts})
    if len(titles) > 1:
        raise OutputsError(f"{path}: expected files of one format; found {', '.join(titles)}. Name one of the files.")
    return Layout(
        path=path,
        format=parts[0].format,
        rows=[row for part in parts for row in part.rows],
        files=len(paths),
        alarms=tuple(
            alarm if len(paths) == 1 else f"{file.relative_to(path)}: {alarm}"
            for file, part in zip(paths, parts, strict=True)
            for alarm in part.alarms
        ),
    )


def _of_file(path: Path, prefix: str) -> Layout:
    content = read_content(path)
    found: Format | None = None
    alarms: tuple[str, ...] = ()
    values: list[tuple[int, Any]] = list(content.values)
    if content.whole:
        found, within, alarms = _unpacked(values[0][1])
        if within is not None:
            values = list(enumerate(within, 1))
    rows: list[tuple[str, Row]] = []
    for number, value in values:
        if not isinstance(value, Mapping):
            raise OutputsError(f"{path}: row {number}: expected a JSON object; found {type(value).__name__}")
        rows.append((f"{prefix}row {number}", value))
    found = found or _recognised([row for _, row in rows])
    if found is not None and found.gather is not None:
        rows = found.gather(rows)
    return Layout(path=path, format=found, rows=rows, files=1, alarms=alarms)


def _unpacked(value: Any) -> tuple[Format | None, Sequence[Any] | None, tuple[str, ...]]:
    """The rows within a value that is a whole file: as a known format keeps them, or in a usual way."""
    for one in formats().values():
        if one.unpack is not None and (unpacked := one.unpack(value)) is not None:
            return one, unpacked.rows, unpacked.alarms
    if isinstance(value, Mapping) and (row := _recognised([value])) is not None:
        return row, [value], ()
    return None, rows_within(value), ()


def _recognised(rows: Sequence[Row]) -> Format | None:
    """The format that knows every row."""
    fitting = (one for one in formats().values() if rows and all(one.recognises(row) for row in rows))
    return next(fitting, None)


def read_rows(layout: Layout, chosen: Benchmark, *, gold_elsewhere: bool, group: str | None = None) -> list[ReadRow]:
    """What every row says. Raises OutputsError."""
    read = []
    for place, row in layout.rows:
        try:
            said = _guessed(row, chosen, gold_elsewhere) if layout.format is None else layout.format.read(row)
            cluster = None if group is None else _column(row, group)
            one = finished(said, chosen, place)
        except Missing as error:
            keys = sorted(map(str, row))
            raise OutputsError(f"{layout.path}: {place}: {error}; found the keys {keys}") from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise OutputsError(
                f"{layout.path}: {place}: expected a row as {layout.title} writes it; found something else "
                f"({type(error).__name__}: {error}). Remove it, or report the format if the tool did write it."
            ) from error
        read.append(replace(one, group=cluster))
    return read


def _guessed(row: Row, chosen: Benchmark, gold_elsewhere: bool) -> ReadRow:
    return guess_row(row, chosen, gold_elsewhere=gold_elsewhere)


def _column(row: Row, name: str) -> str | None:
    """A column of the row, or of an object within it."""
    for place in (row, *(value for value in row.values() if isinstance(value, Mapping))):
        if place.get(name) is not None:
            return str(place[name])
    return None


def columns(layout: Layout) -> str:
    """The columns of most rows, as messages name them."""
    counts = Counter(str(name) for _, row in layout.rows for name in row)
    return ", ".join(name for name, _ in counts.most_common(12))

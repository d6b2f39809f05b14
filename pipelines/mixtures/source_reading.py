"""A source's rows as solutions, unverified; and what can be told of a source before a run reads it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.mixtures.layouts import check_columns
from pipelines.mixtures.source_definition import Source, SourceSettings
from pipelines.mixtures.source_files import COMMIT, HUB, Hub, SourceError, fetch, files_at, rows_of
from pipelines.mixtures.verification import Solution


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A row that is none of the source's."""

    place: str
    why: str


def read_solutions(settings: SourceSettings, broken: list[Broken] | None = None) -> Iterator[Solution]:
    """Every solution of the source in the asked forms and language, unverified, in the source's order.

    `broken` is given the rows that could not be read. Raises SourceError where they are too many.
    """
    from pipelines.mixtures.sources import source_named

    source = source_named(settings.source)
    if source.generate is not None:
        found: Iterable[Solution | Broken] = source.generate(settings)
    else:
        found = _parsed(source, settings)
    read, lost, last = 0, 0, None
    for one in found:
        if isinstance(one, Broken):
            lost, last = lost + 1, one
            if broken is not None:
                broken.append(one)
            continue
        read += 1
        if one.form in settings.forms and settings.language in (None, one.problem.language):
            yield one
    if last is not None:
        _refuse_broken(lost, lost + read, last, settings)


def _parsed(source: Source, settings: SourceSettings) -> Iterator[Solution | Broken]:
    """Solutions in the order of the files. The first row must be one of the source; later ones may be broken."""
    rows = (row for file in _files(source, settings) for row in rows_of(file))
    for index, (place, row) in enumerate(itertools.islice(rows, settings.rows)):
        try:
            if isinstance(row, ValueError):
                raise row
            yield from source.solutions(row, index, settings)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            if index == 0:
                raise _foreign(source, place, row, error) from error
            yield Broken(place=place, why=f"{type(error).__name__}: {error}")


def _foreign(source: Source, place: str, row: object, error: Exception) -> SourceError:
    if isinstance(row, ValueError):
        return SourceError(f"{place}: {row}")
    return SourceError(
        f"{place}: not a row of {source.name}: expected columns like {sorted(source.example)}; found "
        f"{sorted(map(str, row)) if isinstance(row, Mapping) else type(row).__name__} ({type(error).__name__}: {error})"
    )


def check_source(settings: SourceSettings) -> None:
    """Raises SourceError where the source is not known, its data is not there, or its first row is not to be read.

    Of what a hub holds only fetching can tell; nothing is fetched here.
    """
    from pipelines.mixtures.sources import source_named

    source = source_named(settings.source)
    if source.generate is not None:
        if source.check is not None:
            source.check()
        return
    if on_hub(settings):
        hub_of(source, settings)
        return
    files = _files(source, settings)
    place, row = next((found for file in files for found in rows_of(file)), ("", None))
    if row is None:
        raise SourceError(
            f"{files[0]}: expected rows of {source.name}; the file is empty. Check `path`, or fetch it again."
        )
    if isinstance(row, ValueError):
        raise SourceError(f"{place}: {row}")
    if isinstance(row, Mapping):
        try:
            check_columns(settings.columns, row)
            next(iter(source.solutions(row, 0, settings)), None)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise _foreign(source, place, row, error) from error


def on_hub(settings: SourceSettings) -> bool:
    return settings.path is None or settings.path.startswith(HUB)


def hub_of(source: Source, settings: SourceSettings) -> Hub:
    """The data set that is read, pinned. Raises SourceError where none is named or no commit pins it."""
    if settings.path is None and source.hub is None:
        raise SourceError(
            f"source {source.name}: expected a path to its data; found none. Set `path` to {' or '.join(source.files)}, "
            "or to a folder that holds it."
        )
    own = source.hub if settings.path is None else None
    dataset = own.dataset if own is not None else str(settings.path).removeprefix(HUB)
    revision = settings.revision or (own.revision if own is not None else "")
    if not COMMIT.fullmatch(revision):
        raise SourceError(
            f"source {source.name}: expected `revision` to be a commit of {dataset}, 40 hex digits, so that it cannot move; "
            f"found {revision or 'none'}. Copy it from the data set's page, under Files and versions."
        )
    return Hub(dataset=dataset, revision=revision, files=settings.files or (own.files if own else source.files))


def local_files(settings: SourceSettings) -> Sequence[Path]:
    from pipelines.mixtures.sources import source_named

    source = source_named(settings.source)
    assert settings.path is not None, "callers know of a path"
    return files_at(Path(settings.path), settings.files or source.files, source.name)


def _files(source: Source, settings: SourceSettings) -> Sequence[Path]:
    return fetch(hub_of(source, settings), source.name) if on_hub(settings) else local_files(settings)


def _refuse_broken(broken: int, rows: int, last: Broken, settings: SourceSettings) -> None:
    if broken > max(1, settings.tolerated_broken_share * rows):
        raise SourceError(
            f"source {settings.source}: {broken} of {rows} rows are broken, for example {last.place}: {last.why}. Correct "
            "them, or raise `tolerated_broken_share` to leave them out."
        )

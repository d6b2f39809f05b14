"""The files of a source and their rows: from a path, or from the hub at a pinned commit; JSON in every shape, Parquet, CSV."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from evaluators.errors import MathsieveError
from evaluators.hub import hub_answers

HUB = "hub:"
COMMIT = re.compile(r"[0-9a-f]{40}")
CHUNK = 1 << 20  # characters of a JSON array read at once
HELD = ("Instances", "data", "rows", "examples", "train")
"""Names under which an object holds the rows of a file: Lila's, and those that people choose."""
SUFFIXES = (".jsonl", ".json", ".parquet", ".csv", ".tsv")

Row = Mapping[str, Any]


class SourceError(MathsieveError):
    """A source's data is missing or is not what it should be; the message names the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Where the hub holds a source."""

    dataset: str
    """`owner/name`."""
    revision: str
    """The commit that is read."""
    files: tuple[str, ...]
    """Patterns of the files of one split, as the repository names them."""


def files_at(path: Path, patterns: Sequence[str], name: str) -> Sequence[Path]:
    """The files of a source in a folder: those of the first pattern that finds any. Raises SourceError."""
    if path.is_file():
        return [path]
    found = (sorted(path.glob(pattern)) for pattern in patterns)
    files = next((group for group in found if group), [])
    if not files:
        raise SourceError(
            f"{path}: expected the data of {name} ({', '.join(patterns)}); there is no such file. Check `path`."
        )
    return files


def fetch(hub: Hub, name: str) -> Sequence[Path]:
    """The files of a data set at its commit, from the hub or its cache. Raises SourceError."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            hub.dataset,
            repo_type="dataset",
            revision=hub.revision,
            allow_patterns=list(hub.files),
            local_files_only=not hub_answers(),
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise SourceError(
            f"source {name}: could not fetch {hub.dataset} ({hub.revision}) from the hub: {error}. Check the name, the "
            "network and, for a gated data set, HF_TOKEN; or set `path` to a folder that holds it."
        ) from error
    files = sorted(path for pattern in hub.files for path in Path(folder).glob(pattern))
    if not files:
        raise SourceError(
            f"source {name}: expected {', '.join(hub.files)} in {hub.dataset} at {hub.revision}; it holds no such file. "
            "Correct `files`."
        )
    return list(dict.fromkeys(files))


def rows_of(file: Path) -> Iterator[tuple[str, Row | ValueError]]:
    """(place, row) of every row of a file, or what is wrong with a line. Raises SourceError where the file cannot be read."""
    suffix = next((one for one in (*file.suffixes[::-1],) if one in SUFFIXES), file.suffix)
    if suffix == ".parquet":
        yield from _parquet(file)
        return
    try:
        with _opened(file) as text:
            if suffix in (".csv", ".tsv"):
                rows = csv.DictReader(text, delimiter="\t" if suffix == ".tsv" else ",")
                yield from ((f"{file}, row {number}", row) for number, row in enumerate(rows))
            else:
                yield from _json_rows(file, text)
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, csv.Error) as error:
        raise SourceError(f"{file}: expected readable text; found {type(error).__name__}: {error}") from error


def _opened(file: Path) -> IO[str]:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _parquet(file: Path) -> Iterator[tuple[str, Row]]:
    try:
        with pq.ParquetFile(file) as table:
            rows = (row for batch in table.iter_batches(batch_size=1024) for row in batch.to_pylist())
            yield from ((f"{file}, row {number}", row) for number, row in enumerate(rows))
    except pa.ArrowInvalid as error:
        raise SourceError(f"{file}: expected Parquet; found {error}. Is the file whole?") from error


def _json_rows(file: Path, text: IO[str]) -> Iterator[tuple[str, Row | ValueError]]:
    """JSON Lines, an array, or an object that holds one: by its first characters, whatever the file is called."""
    start = _first_character(text)
    if start == "[":
        yield from ((f"{file}, row {number}", row) for number, row in enumerate(_array(text, f"{file}")))
        return
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            if number == 1 and not line.rstrip().endswith("}"):
                yield from _object(file, line + text.read())
                return
            yield f"{file}, line {number}", ValueError(f"expected JSON; found {_shown(line, error)}")
            continue
        if number == 1 and (rows := _held(row)) is not None:
            yield from ((f"{file}, row {place}", one) for place, one in enumerate(rows))
            return
        yield f"{file}, line {number}", row


def _first_character(text: IO[str]) -> str:
    """The first that is no white space; the text is then read from its beginning."""
    head = text.read(CHUNK)
    text.seek(0)
    return head.lstrip("\ufeff \t\r\n")[:1]


def _object(file: Path, content: str) -> Iterator[tuple[str, Row]]:
    """One object over many lines: the rows that it holds, or the row that it is."""
    try:
        value = json.loads(content)
    except json.JSONDecodeError as error:
        first = content.partition("\n")[0]
        raise SourceError(f"{file}, line 1: expected JSON; found {_shown(first, error)}") from error
    rows = _held(value)
    yield from ((f"{file}, row {number}", row) for number, row in enumerate([value] if rows is None else rows))


def _held(value: object) -> list[Any] | None:
    """The rows that an object holds under one of the usual names, where it holds nothing else that is a list."""
    if not isinstance(value, dict):
        return None
    lists = [name for name, inner in value.items() if isinstance(inner, list) and inner and isinstance(inner[0], dict)]
    return value[lists[0]] if len(lists) == 1 and lists[0] in HELD else None


def _array(text: IO[str], place: str) -> Iterator[Any]:
    """The items of a JSON array, one at a time: MetaMathQA's is 400 MB, which as Python objects takes gigabytes."""
    decoder, buffer, ended = json.JSONDecoder(), "", False
    number, opened = 0, False
    while True:
        buffer = buffer.lstrip(" \t\r\n,\ufeff")
        if not opened and buffer.startswith("["):
            buffer, opened = buffer[1:], True
            continue
        if opened and buffer.startswith("]"):
            return
        try:
            item, end = decoder.raw_decode(buffer) if opened and buffer else (None, 0)
        except json.JSONDecodeError as error:
            if ended:
                raise SourceError(f"{place}, row {number}: expected JSON; found {_shown(buffer, error)}") from error
            item, end = None, 0
        if end and (ended or end < len(buffer)):  # a number at the very end may go on
            yield item
            number, buffer = number + 1, buffer[end:]
            continue
        more = text.read(max(CHUNK, len(buffer)))
        if not more and ended:
            raise SourceError(f"{place}, row {number}: expected the end of the array; the file ends. Is it whole?")
        ended, buffer = not more, buffer + more


def _shown(text: str, error: json.JSONDecodeError) -> str:
    return f"{text.strip()[:60]!r} ({error}). Is the file whole?"

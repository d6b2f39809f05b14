"""The rows of a file of outputs, whatever it is packed in: JSON Lines, JSON, CSV, Parquet, gzip, Zstandard, inspect's zip."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Row
from evaluators.errors import MathsieveError
from evaluators.outputs._archives import ArchiveError, inspect_log
from evaluators.outputs._containers import rows_within

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
UNPACKED = 16 << 30
"""Bytes that a packed file may become; a bomb is refused rather than swapped for."""


class OutputsError(MathsieveError):
    """A file of outputs cannot be read as one; the message names what was expected and found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The values of a file, each with the number of its line or its place, 1-based."""

    values: Sequence[tuple[int, Any]]
    whole: bool = False
    """Whether the one value is the whole file, so that rows may stand within it."""


def read_content(path: Path) -> Content:
    """What a file holds. `-` reads standard input. Raises OutputsError."""
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        name, content = _unpacked(path.name, content)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        found = getattr(error, "strerror", None) or _told(error)
        raise OutputsError(f"{path}: expected a file of outputs; found: {found}. Check the path.") from error
    if content.startswith(b"PAR1"):
        return Content(values=list(enumerate(_parquet(path, content), 1)))
    if content.startswith(b"PK\x03\x04"):
        try:
            return Content(values=[(1, inspect_log(content))], whole=True)
        except ArchiveError as error:
            raise OutputsError(f"{path}: expected an archive of inspect (samples/*.json); {error}") from error
    text = _text(path, content)
    if name.lower().endswith((".csv", ".tsv")):
        csv.field_size_limit(2**31 - 1)  # a completion is longer than the 128 KiB that are the default
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if name.lower().endswith("tsv") else ",")
        return Content(values=list(enumerate(table, 2)))
    values = list(_values(path, text))
    return Content(values=values, whole=len(values) == 1 and not text.lstrip().startswith("["))


def _unpacked(name: str, content: bytes) -> tuple[str, bytes]:
    """By the first bytes, not by the name."""
    if content.startswith(b"\x1f\x8b"):
        with gzip.open(io.BytesIO(content)) as stream:
            content = stream.read(UNPACKED)
        return name.removesuffix(".gz"), content
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        import pyarrow as pa

        with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
            content = stream.read()
        return name.removesuffix(".zst").removesuffix(".zstd"), content
    return name, content


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _text(path: Path, content: bytes) -> str:
    encoding = next((known for mark, known in MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise OutputsError(
            f"{path}: line {line}: expected a file of outputs in UTF-8; found the byte 0x{content[error.start]:02x}. "
            "Convert it, for example with iconv."
        ) from error


def _values(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    """The JSON values of a text with their line numbers: one a line, one array, or objects over several lines."""
    head = text.lstrip()
    first = head.partition("\n")[0]
    if head.startswith("[") and not (lines := _parsed(first)):
        yield from _array(path, text)
        return
    if head.startswith("[") and lines and not _parsed((head.partition("\n")[2].lstrip() or "\n").partition("\n")[0]):
        yield from _array(path, text)
        return
    if _parsed(first) or not _spread(text):
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield number, _json(path, line, number)
        return
    decoder, position = json.JSONDecoder(), 0
    while (rest := re.compile(r"[^\s,]").search(text, position)) is not None:
        number = text.count("\n", 0, rest.start()) + 1
        try:
            value, position = decoder.raw_decode(text, rest.start())
        except (json.JSONDecodeError, RecursionError) as error:
            raise _not_json(path, number, text[rest.start() :], error) from error
        yield number, value


def _array(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    content = _json(path, text, 1)
    within = rows_within(content)
    yield from enumerate(content if within is None else within, 1)


def _spread(text: str) -> bool:
    """Whether an object is printed over several lines."""
    return re.match(r"\s*\{\s*\n", text) is not None


def _parsed(line: str) -> bool:
    try:
        json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        return False
    return True


def _json(path: Path, text: str, number: int) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _not_json(path, number, text, error) from error


def _not_json(path: Path, number: int, text: str, error: Exception) -> OutputsError:
    if isinstance(error, json.JSONDecodeError) and text.count("\n") and error.doc == text:
        number = error.lineno
    return OutputsError(
        f"{path}: line {number}: expected JSON; found {text.strip()[:60]!r} ({_told(error)}). Correct or remove that line."
    )


def _parquet(path: Path, content: bytes) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[Row] = pq.read_table(pa.BufferReader(content)).to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise OutputsError(f"{path}: expected Parquet; {error}") from error
    return rows

"""Records of WARC files (ISO 28500), read so that one broken record never costs the next."""

from __future__ import annotations

import io
import mmap
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

GZIP_MAGIC = b"\x1f\x8b\x08"
HTML_TYPES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One HTTP response that holds HTML."""

    url: str
    fetched: str
    offset: int
    """Of the record in the file as stored, bytes."""
    body: bytes
    content_type: str | None
    truncated: str | None


def read_captures(path: str, outcomes: Counter[str], *, largest: int) -> Iterator[Capture]:
    """Every HTML response of a file, in file order. What is passed over is counted in `outcomes` by reason."""
    with open_warc(path) as stream:
        data = stream if isinstance(stream, mmap.mmap) else stream.read()
        start, searching = 0, False
        while start < len(data):
            last = start
            try:
                for record in _records(data, start):
                    last, searching = start + record.stream_pos, False
                    capture = _capture(record, last, outcomes, largest)
                    if capture is not None:
                        yield capture
                return
            except OSError as error:
                if not searching:  # a member that only looked like one is not another broken record
                    outcomes[_broken(error)] += 1
                searching = True
                start = data.find(GZIP_MAGIC, last + len(GZIP_MAGIC))
                if start < 0:
                    return


def read_capture(data: Any, offset: int, *, largest: int) -> Capture | None:
    """The one capture at an offset of an opened file; None where it is no readable HTML response."""
    try:
        record = next(iter(_records(data, offset)), None)
        return _capture(record, offset, Counter(), largest) if record is not None else None
    except OSError:
        return None


def open_warc(path: str) -> Any:
    """The file's bytes: mapped where it is local, otherwise a stream that fsspec opens (https://, s3://)."""
    if "://" in path:
        import fsspec

        return fsspec.open(path, "rb").open()
    handle: IO[bytes] = Path(path).open("rb")  # noqa: SIM115  # the mapping outlives the handle
    try:
        return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # an empty file cannot be mapped
        return io.BytesIO(b"")
    finally:
        handle.close()


def _records(data: Any, start: int) -> Iterable[Any]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    view = memoryview(data)[start:]
    return ArchiveIterator(_View(view), record_types=WarcRecordType.response, parse_http=True, auto_decode="all")


class _View(io.RawIOBase):
    """A file over a memory view, so that nothing is copied but what is read."""

    def __init__(self, view: memoryview) -> None:
        self.view, self.position = view, 0

    def read(self, size: int = -1) -> bytes:
        end = len(self.view) if size is None or size < 0 else min(len(self.view), self.position + size)
        chunk = bytes(self.view[self.position : end])
        self.position = end
        return chunk

    def tell(self) -> int:
        return self.position

    def readable(self) -> bool:
        return True


def _capture(record: Any, offset: int, outcomes: Counter[str], largest: int) -> Capture | None:
    headers = record.http_headers
    if headers is None or not str(record.headers.get("Content-Length", "")).isdigit():
        outcomes["broken record: no usable header"] += 1
        return None
    if headers.status_code != 200:
        outcomes[f"HTTP status {headers.status_code}"] += 1
        return None
    declared = headers.get("Content-Type")
    body = record.reader.read(largest)
    kind = (declared or "").partition(";")[0].strip().lower()
    if kind not in HTML_TYPES and not (
        not kind and body.lstrip()[:256].lower().startswith((b"<!doctype html", b"<html"))
    ):
        outcomes["not HTML"] += 1
        return None
    if not body.strip():
        outcomes["empty body"] += 1
        return None
    return Capture(
        url=record.headers.get("WARC-Target-URI", "").strip("<>"),
        fetched=record.headers.get("WARC-Date", ""),
        offset=offset,
        body=body,
        content_type=declared,
        truncated=record.headers.get("WARC-Truncated"),
    )


def _broken(error: OSError) -> str:
    return (
        "broken gzip member" if "gzip" in str(error).lower() or "decompress" in str(error).lower() else "broken record"
    )

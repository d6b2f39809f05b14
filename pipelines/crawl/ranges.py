"""Byte ranges of remote files, each fetched by a request of its own: for readers that know what they want.

`byte_sources` reads files as streams. Here offsets are known beforehand (a columnar index, a table of pages): ranges that
lie close together become one request, several requests are in flight, and results come in the order of the ranges.
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from pipelines.crawl.byte_sources import BUSY, USER_AGENT, Retries
from pipelines.crawl.settings import CrawlError
from pipelines.storage.faults import storage_faults

GAP = 64 << 10  # bytes read in vain rather than asked for anew; ours: what 8 connections at 50 Mbit/s carry in 10 ms
LARGEST_SPAN = 8 << 20  # bytes of one request; with SPANS_IN_FLIGHT what a worker holds at most
SPANS_IN_FLIGHT = 8  # ours: one request waits some 100 ms for its first byte, and a record has 20 KB
TOTAL = re.compile(r"/(\d+)$")


class RangeReader(Protocol):
    """The files below one place. Its methods may be called from several threads."""

    def read(self, path: str, start: int, size: int) -> bytes:
        """Bytes of a file, fewer only where it ends. Raises CrawlError."""

    def size(self, path: str) -> int:
        """Bytes of a file. Raises CrawlError where there is none."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Consecutive bytes of one file that one request fetches, and the numbers of the ranges inside."""

    path: str
    start: int
    size: int
    inside: tuple[int, ...]


def open_ranges(place: str, *, attempts: int = 8, timeout: float = 60.0, endpoint: str | None = None) -> RangeReader:
    """The reader of files under a folder, an https:// or an s3:// URL; `endpoint` as for `open_source`."""
    if place.startswith(("http://", "https://")):
        return HttpRanges(attempts=attempts, timeout=timeout)
    if "://" in place:
        return StoreRanges(place, attempts=attempts, endpoint=endpoint if place.startswith("s3://") else None)
    return LocalRanges()


def spans_of(ranges: Sequence[tuple[str, int, int]], *, gap: int = GAP, largest: int = LARGEST_SPAN) -> list[Span]:
    """Ranges (path, start, size) as requests, file by file in the order of their offsets."""
    spans: list[Span] = []
    for number in sorted(range(len(ranges)), key=lambda number: ranges[number]):
        path, start, size = ranges[number]
        last = spans[-1] if spans else None
        if last is not None and last.path == path and start <= last.start + last.size + gap:
            end = max(last.start + last.size, start + size)
            if end - last.start <= largest:
                joined = Span(path=path, start=last.start, size=end - last.start, inside=(*last.inside, number))
                spans[-1] = joined
                continue
        spans.append(Span(path=path, start=start, size=size, inside=(number,)))
    return spans


def fetch_spans(
    reader: RangeReader, spans: Sequence[Span], *, in_flight: int = SPANS_IN_FLIGHT
) -> Iterator[tuple[Span, bytes]]:
    """Each span with its bytes, in order; at most `in_flight` are asked for or wait here at once."""
    waiting: deque[tuple[Span, Future[bytes]]] = deque()
    left = iter(spans)
    with ThreadPoolExecutor(in_flight) as pool:
        try:
            for span in left:
                waiting.append((span, pool.submit(reader.read, span.path, span.start, span.size)))
                if len(waiting) >= in_flight:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


class Excerpt:
    """Bytes that were fetched, as the ByteSource of the file that they lie in."""

    def __init__(self, start: int, content: bytes) -> None:
        self._start, self._content = start, content

    def read_at(self, position: int, size: int) -> bytes:
        at = position - self._start
        return self._content[at : at + size] if at >= 0 else b""

    def close(self) -> None:
        """Nothing is open."""


class RangedFile(io.RawIOBase):
    """A remote file with random access, as pyarrow reads it; each read is one request."""

    def __init__(self, reader: RangeReader, path: str) -> None:
        self._reader, self._path, self._position = reader, path, 0

    @cached_property
    def _size(self) -> int:
        return self._reader.size(self._path)

    def size(self) -> int:
        return self._size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._position)
        wanted = left if size < 0 else min(size, left)
        content = self._reader.read(self._path, self._position, wanted) if wanted else b""
        self._position += len(content)
        return content


class LocalRanges:
    """Files of this machine."""

    def read(self, path: str, start: int, size: int) -> bytes:
        try:
            with Path(path).open("rb") as handle:
                handle.seek(start)
                return handle.read(size)
        except FileNotFoundError as error:
            raise _missing(path) from error

    def size(self, path: str) -> int:
        try:
            return Path(path).stat().st_size
        except FileNotFoundError as error:
            raise _missing(path) from error

    def close(self) -> None:
        """Nothing is open."""


class StoreRanges:
    """Objects of a store that fsspec knows."""

    def __init__(self, place: str, *, attempts: int, endpoint: str | None) -> None:
        import fsspec

        scheme = place.partition("://")[0]
        options = {"endpoint_url": endpoint} if endpoint else {}
        self._attempts = attempts
        with storage_faults(place):
            self._files: Any = fsspec.filesystem(scheme, **options)

    def read(self, path: str, start: int, size: int) -> bytes:
        return bytes(self._asked(path, lambda: self._files.cat_file(path, start=start, end=start + size)))

    def size(self, path: str) -> int:
        return int(self._asked(path, lambda: self._files.info(path))["size"])

    def close(self) -> None:
        """fsspec keeps its connections for the next reader."""

    def _asked(self, path: str, ask: Any) -> Any:
        retries = Retries(path, self._attempts)
        while True:
            try:
                return ask()
            except FileNotFoundError as error:
                raise _missing(path) from error
            except PermissionError as error:
                raise CrawlError(f"{path}: access was refused ({error}). Check the store's credentials.") from error
            except (OSError, TimeoutError) as error:
                retries.wait(f"{type(error).__name__}: {error}")


class HttpRanges:
    """Files behind HTTP(S), over connections that are kept."""

    def __init__(self, *, attempts: int, timeout: float) -> None:
        import httpx

        self._attempts = attempts
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        self._client = httpx.Client(timeout=timeout, follow_redirects=True, headers=headers)

    def read(self, path: str, start: int, size: int) -> bytes:
        if not size:
            return b""
        response = self._asked(path, f"bytes={start}-{start + size - 1}")
        if response.status_code == 416:
            return b""
        content = bytes(response.content)
        return content if response.status_code == 206 else content[start : start + size]

    def size(self, path: str) -> int:
        response = self._asked(path, "bytes=0-0")
        if response.status_code == 416:
            return 0
        if response.status_code == 206 and (found := TOTAL.search(response.headers.get("Content-Range", ""))):
            return int(found[1])
        return len(response.content)

    def close(self) -> None:
        self._client.close()

    def _asked(self, path: str, wanted: str) -> Any:
        """The answer to one range, whole; tried again while the server is busy or the connection breaks."""
        import httpx

        retries = Retries(path, self._attempts)
        while True:
            try:
                response = self._client.get(path, headers={"Range": wanted})
            except httpx.TransportError as error:
                retries.wait(f"{type(error).__name__}: {error}")
                continue
            if response.status_code in BUSY:
                after = response.headers.get("Retry-After", "")
                retries.wait(f"HTTP {response.status_code}", float(after) if after.isdigit() else None)
                continue
            if response.status_code not in (200, 206, 416):
                raise CrawlError(
                    f"{path}: expected HTTP 200 or 206; found {response.status_code}. "
                    "Check the snapshot's name and crawl.common_crawl.base_url."
                )
            return response


def _missing(path: str) -> CrawlError:
    return CrawlError(f"{path}: there is no such file. Check the snapshot's name and where the crawl lies.")

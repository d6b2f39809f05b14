"""The bytes of a WARC file at any position: on this disk, behind HTTP ranges, or in an object store.

A remote file is never stored: it is read as a stream that is taken up again where a connection broke.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pipelines.crawl.settings import CrawlError

BUSY = (408, 425, 429, 500, 502, 503, 504)
FIRST_DELAY = 1.0  # seconds; doubled at each further attempt, as Common Crawl asks of clients that meet a 503
LONGEST_DELAY = 120.0
NOTEWORTHY = 4.0  # seconds; whoever waits that long is told what for
USER_AGENT = "mathsieve/0.1 (corpus construction; one connection a worker)"
SPAN = 64 << 20  # bytes a request while a file is read from end to end: a broken one costs little
GLANCE = 512 << 10  # bytes a request for single records; Common Crawl's median record is 20 KB compressed
KEPT = 1 << 20  # bytes that stay in memory behind the reading position


class ByteSource(Protocol):
    """Bytes by position. `read_at` may give fewer than asked for, and nothing only at the end of the file."""

    def read_at(self, position: int, size: int) -> bytes: ...

    def close(self) -> None: ...


class Retries:
    """How long to wait before the next attempt; progress made resets it."""

    def __init__(self, url: str, attempts: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self.url, self.attempts, self._sleep, self._failed = url, attempts, sleep, 0

    def progressed(self) -> None:
        self._failed = 0

    def wait(self, problem: str, retry_after: float | None = None) -> None:
        """Sleep before another attempt. Raises CrawlError where there have been enough."""
        self._failed += 1
        if self._failed >= self.attempts:
            raise CrawlError(
                f"{self.url}: no answer in {self.attempts} attempts; the last said: {problem}. "
                "Run again later (finished WARC files are kept), or raise crawl.common_crawl.attempts."
            )
        delay = min(LONGEST_DELAY, retry_after or FIRST_DELAY * 2.0 ** (self._failed - 1))
        if delay >= NOTEWORTHY:
            told = f"{self.url}: {problem}; attempt {self._failed + 1} of {self.attempts} in {delay:.0f} s"
            print(told, file=sys.stderr, flush=True)
        self._sleep(delay)


def open_source(
    path: str, *, attempts: int = 8, timeout: float = 60.0, span: int = SPAN, endpoint: str | None = None
) -> ByteSource:
    """The file at a path or URL; `endpoint` is the server of s3:// where it is not Amazon's. Raises CrawlError."""
    if path.startswith(("http://", "https://")):
        return HttpSource(path, attempts=attempts, timeout=timeout, span=span)
    if "://" in path:
        return StoreSource(path, attempts=attempts, endpoint=endpoint if path.startswith("s3://") else None)
    return LocalSource(path)


class LocalSource:
    """A file on this disk."""

    def __init__(self, path: str) -> None:
        try:
            self._handle = Path(path).open("rb", buffering=0)  # noqa: SIM115  # closed by close()
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            raise CrawlError(
                f"{path}: expected a WARC file that can be read; {error.strerror}. Check the path."
            ) from error

    def read_at(self, position: int, size: int) -> bytes:
        return os.pread(self._handle.fileno(), size, position)

    def close(self) -> None:
        self._handle.close()


class StoreSource:
    """A file in an object store that fsspec knows: s3://, gs://, memory:// ... Credentials come from the environment."""

    def __init__(self, url: str, *, attempts: int, endpoint: str | None = None) -> None:
        import fsspec

        options = {"endpoint_url": endpoint} if endpoint else {}
        self._retries = Retries(url, attempts)
        try:
            self._handle: Any = fsspec.open(url, "rb", **options).open()
        except FileNotFoundError as error:
            raise CrawlError(f"{url}: there is no such file. Check the snapshot's name and the bucket.") from error
        except PermissionError as error:
            raise CrawlError(f"{url}: access was refused ({error}). Check the store's credentials.") from error

    def read_at(self, position: int, size: int) -> bytes:
        while True:
            try:
                self._handle.seek(position)
                chunk = bytes(self._handle.read(size))
            except (FileNotFoundError, PermissionError):
                raise
            except (OSError, TimeoutError) as error:
                self._retries.wait(f"{type(error).__name__}: {error}")
            else:
                self._retries.progressed()
                return chunk

    def close(self) -> None:
        self._handle.close()


class HttpSource:
    """A file behind HTTP(S): byte ranges where the server has them, otherwise the whole body, read past what is known."""

    def __init__(self, url: str, *, attempts: int, timeout: float, span: int = SPAN) -> None:
        import httpx

        self.url, self._span = url, span
        self._retries = Retries(url, attempts)
        self._client = httpx.Client(
            timeout=timeout,
            follow_redirects=True,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        )
        self._response: Any = None
        self._chunks: Any = None
        self._window, self._start = bytearray(), 0  # what is in memory, and where in the file that begins
        self._size: int | None = None

    def read_at(self, position: int, size: int) -> bytes:
        end = self._start + len(self._window)
        if not self._start <= position <= end:
            self._restart(position)
        while (at := position - self._start) >= len(self._window):
            if self._size is not None and position >= self._size:
                return b""
            if not self._receive() and position >= self._start + len(self._window):
                return b""  # a body read past what is known may end with what is not
        chunk = bytes(self._window[at : at + size])
        if at > 2 * KEPT:
            del self._window[: at - KEPT]
            self._start += at - KEPT
        return chunk

    def close(self) -> None:
        self._hang_up()
        self._client.close()

    def _restart(self, position: int) -> None:
        self._hang_up()
        self._window.clear()
        self._start = position

    def _hang_up(self) -> None:
        if self._response is not None:
            self._response.close()
        self._response = self._chunks = None

    def _receive(self) -> bool:
        """More bytes at the end of the window; False at the end of the file."""
        import httpx

        try:
            if self._response is None and not self._request(self._start + len(self._window)):
                return False
            chunk = next(self._chunks, None)
        except httpx.TransportError as error:
            self._hang_up()
            self._retries.wait(f"{type(error).__name__}: {error}")
            return True
        if chunk is None:
            self._hang_up()
            return self._size is None or self._start + len(self._window) < self._size
        self._retries.progressed()
        self._window += chunk
        return True

    def _request(self, position: int) -> bool:
        request = self._client.build_request(
            "GET", self.url, headers={"Range": f"bytes={position}-{position + self._span - 1}"}
        )
        response = self._client.send(request, stream=True)
        if response.status_code == 416:  # nothing lies there: the end
            response.close()
            self._size = position
            return False
        if response.status_code in BUSY:
            after = response.headers.get("Retry-After", "")
            response.close()
            self._retries.wait(f"HTTP {response.status_code}", float(after) if after.isdigit() else None)
            return self._request(position)
        if response.status_code not in (200, 206):
            response.close()
            raise CrawlError(
                f"{self.url}: expected HTTP 200 or 206; found {response.status_code}. "
                "Check the snapshot's name and crawl.common_crawl.base_url."
            )
        self._response, self._chunks = response, response.iter_raw()
        self._size = _total(response)
        if response.status_code == 200:
            self._read_past(position)
        return True

    def _read_past(self, position: int) -> None:
        """The server has no ranges and sends everything: let what is known already go by."""
        import httpx

        left = position
        while left > 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise httpx.RemoteProtocolError(f"the body ended {left:,} bytes before byte {position:,}")
            if len(chunk) > left:
                self._window += chunk[left:]
            left -= len(chunk)


def _total(response: Any) -> int | None:
    if response.status_code == 206:
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        total = response.headers.get("Content-Length", "")
    return int(total) if total.isdigit() else None


class SourceStream(io.RawIOBase):
    """A source from one position on, as the file object that FastWARC reads (in pieces of 64 KiB)."""

    def __init__(self, source: ByteSource, start: int) -> None:
        self._source, self._position = source, start

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read_at(self._position, size if size > 0 else 1 << 16)
        self._position += len(chunk)
        return chunk

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

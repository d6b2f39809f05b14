"""Common Crawl's own listing: which snapshots there are, and which WARC files each holds."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

from pipelines.crawl.settings import CommonCrawlSettings, CrawlError

FIRST_DELAY = 1.0  # seconds; doubled at each further attempt, as Common Crawl asks of clients that meet a 503
LONGEST_DELAY = 120.0


def published_snapshots(settings: CommonCrawlSettings) -> list[str]:
    """Names, oldest first: those of the recipe, or all of the listing since `since`. Raises CrawlError."""
    if settings.snapshots:
        return sorted(settings.snapshots)
    listing = json.loads(fetch(settings.listing_url, settings))
    return sorted(row["id"] for row in listing if row["id"] >= settings.since)


def published_warcs(settings: CommonCrawlSettings, snapshot: str) -> list[str]:
    """URLs of a snapshot's WARC files, in the order of its listing."""
    base = settings.base_url.rstrip("/")
    paths = gzip.decompress(fetch(f"{base}/crawl-data/{snapshot}/warc.paths.gz", settings)).decode().split()
    if not paths:
        raise CrawlError(f"{base}: the listing of {snapshot} names no WARC file")
    return [f"{base}/{path}" for path in paths[: settings.files]]


def fetch(url: str, settings: CommonCrawlSettings) -> bytes:
    """The bytes behind an https:// or s3:// URL, tried again while the server is busy. Raises CrawlError."""
    delay, problem = FIRST_DELAY, ""
    for _ in range(settings.attempts):
        try:
            return _fetch_once(url, settings)
        except _Busy as busy:
            problem = str(busy)
            time.sleep(busy.retry_after or delay)
            delay = min(2 * delay, LONGEST_DELAY)
    raise CrawlError(
        f"{url}: no answer in {settings.attempts} attempts; the last said: {problem}. Try later, or raise crawl.common_crawl.attempts."
    )


class _Busy(Exception):
    retry_after: float | None = None


def _fetch_once(url: str, settings: CommonCrawlSettings) -> bytes:
    import httpx

    if not url.startswith("http"):
        import fsspec

        try:
            with fsspec.open(url, "rb") as handle:
                content: Any = handle.read()
                return bytes(content)
        except FileNotFoundError as error:
            raise CrawlError(f"{url}: there is no such file") from error
    try:
        response = httpx.get(url, timeout=settings.timeout, follow_redirects=True)
    except httpx.TransportError as error:
        raise _Busy(f"{type(error).__name__}: {error}") from error
    if response.status_code in (429, 500, 502, 503, 504):
        busy = _Busy(f"HTTP {response.status_code}")
        after = response.headers.get("Retry-After", "")
        busy.retry_after = min(float(after), LONGEST_DELAY) if after.isdigit() else None
        raise busy
    if response.status_code != 200:
        raise CrawlError(
            f"{url}: expected HTTP 200; found {response.status_code}. Check the snapshot's name and crawl.common_crawl.base_url."
        )
    return response.content

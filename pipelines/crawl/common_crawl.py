"""Common Crawl's own listing: which snapshots there are, and which WARC files each holds."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import closing

from pipelines.crawl.byte_sources import open_source
from pipelines.crawl.settings import CommonCrawlSettings, CrawlError

LARGEST_LISTING = 1 << 28  # bytes; warc.paths.gz of a whole snapshot is 200 KB


def published_snapshots(settings: CommonCrawlSettings) -> list[str]:
    """Names, oldest first: those of the recipe, or all of the listing since `since`. Raises CrawlError."""
    if settings.snapshots:
        return sorted(settings.snapshots)
    listing = fetch(settings.listing_url, settings)
    try:
        names = sorted(row["id"] for row in json.loads(listing) if row["id"] >= settings.since)
    except (ValueError, TypeError, KeyError) as error:
        raise CrawlError(
            f"{settings.listing_url}: expected a JSON list of objects with an `id`; found {listing[:80]!r}"
        ) from error
    if not names:
        raise CrawlError(
            f"{settings.listing_url}: lists no snapshot since {settings.since}. Set crawl.common_crawl.since."
        )
    return names


def published_warcs(settings: CommonCrawlSettings, snapshot: str) -> list[str]:
    """URLs of a snapshot's WARC files, in the order of its listing. Raises CrawlError."""
    base = settings.base_url.rstrip("/")
    listing = f"{base}/crawl-data/{snapshot}/warc.paths.gz"
    packed = fetch(listing, settings)
    try:
        # Some servers decompress what they serve under the name of the compressed file.
        paths = (gzip.decompress(packed) if packed.startswith(b"\x1f\x8b") else packed).decode().split()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise CrawlError(f"{listing}: expected a gzip file of paths; found {packed[:40]!r}") from error
    if not paths:
        raise CrawlError(f"{listing}: the listing names no WARC file")
    return [f"{base}/{path}" for path in paths[: settings.files]]


def fetch(url: str, settings: CommonCrawlSettings) -> bytes:
    """The bytes behind an https:// or s3:// URL, tried again while the server is busy. Raises CrawlError."""
    content = bytearray()
    with closing(open_source(url, **settings.patience())) as source:
        while piece := source.read_at(len(content), 1 << 20):
            content += piece
            if len(content) > LARGEST_LISTING:
                raise CrawlError(f"{url}: expected a listing of at most {LARGEST_LISTING:,} bytes; it goes on")
    return bytes(content)

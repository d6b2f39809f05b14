"""Common Crawl's own listing: which snapshots there are, and which WARC files each holds."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import closing

from pipelines.crawl.byte_sources import open_source
from pipelines.crawl.settings import CommonCrawlSettings, CrawlError

SUBSET = "subset=warc"  # of the index table: pages fetched with success; redirects and robots.txt have their own
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
    """URLs of a snapshot's WARC files, in the order of its listing; beside lists only its background. Raises CrawlError."""
    if settings.listed is not None:
        most: int | None = settings.listed.background_files
        if not most:
            return []
    else:
        most = settings.files
    paths = _listing(settings, f"crawl-data/{snapshot}/warc.paths.gz", "WARC file")
    return [f"{settings.base_url.rstrip('/')}/{path}" for path in paths[:most]]


def published_index(settings: CommonCrawlSettings, snapshot: str) -> list[str]:
    """URLs of the Parquet files of a snapshot's columnar index that hold pages, in order. Raises CrawlError."""
    paths = _listing(settings, f"crawl-data/{snapshot}/cc-index-table.paths.gz", "file of the columnar index")
    found = sorted(path for path in paths if f"/{SUBSET}/" in path and path.endswith(".parquet"))
    if not found:
        raise CrawlError(
            f"{snapshot}: expected index files below {SUBSET}/; found {paths[0]} and the like. Snapshots before 2013 have none."
        )
    return [f"{settings.base_url.rstrip('/')}/{path}" for path in found]


def _listing(settings: CommonCrawlSettings, name: str, what: str) -> list[str]:
    """The paths that a listing of a snapshot holds; never none."""
    listing = f"{settings.base_url.rstrip('/')}/{name}"
    packed = fetch(listing, settings)
    try:
        # Some servers decompress what they serve under the name of the compressed file.
        paths = (gzip.decompress(packed) if packed.startswith(b"\x1f\x8b") else packed).decode().split()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise CrawlError(f"{listing}: expected a gzip file of paths; found {packed[:40]!r}") from error
    if not paths:
        raise CrawlError(f"{listing}: the listing names no {what}")
    return paths


def fetch(url: str, settings: CommonCrawlSettings) -> bytes:
    """The bytes behind an https:// or s3:// URL, tried again while the server is busy. Raises CrawlError."""
    content = bytearray()
    with closing(open_source(url, **settings.patience())) as source:
        while piece := source.read_at(len(content), 1 << 20):
            content += piece
            if len(content) > LARGEST_LISTING:
                raise CrawlError(f"{url}: expected a listing of at most {LARGEST_LISTING:,} bytes; it goes on")
    return bytes(content)

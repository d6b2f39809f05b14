"""Common Crawl's columnar index: a Parquet table of every capture of a snapshot, searched for the entries of lists.

A file is sorted by `url_surtkey`, so the statistics of its row groups say where a host can lie. Of a row group that may hold
something the hosts are read, of one that does hold something the URLs of those hosts, and only then the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.crawl.ranges import RangedFile, RangeReader
from pipelines.crawl.settings import CrawlError
from pipelines.crawl.url_lists import Hashes, UrlList, Wanted, host_surt
from pipelines.urls import canonical_url, host_of, place_of

SURT, URL, HOST = "url_surtkey", "url", "url_host_name"
NEEDED = (URL, "warc_filename", "warc_record_offset", "warc_record_length")
OPTIONAL = ("content_digest", "fetch_status", "content_mime_type", "content_mime_detected")
HTML_TYPES = ("text/html", "application/xhtml+xml")
LISTED = pa.schema(
    [
        ("url", pa.string()),
        ("warc_file", pa.string()),  # as the index names it, relative to the root of the crawl
        ("warc_offset", pa.int64()),
        ("warc_length", pa.int64()),
        ("content_digest", pa.string()),  # base 32 of the payload's SHA-1; null where the index has none
    ]
)
"""Captures to be read."""


def find_listed(reader: RangeReader, path: str, lists: Sequence[UrlList], outcomes: Counter[str]) -> Iterator[pa.Table]:
    """The captures (LISTED) of one file of the index that some list names, a row group at a time.

    What was pruned, read and passed over is counted in `outcomes`. Raises CrawlError where the file is no index.
    """
    try:
        metadata = pq.read_metadata(RangedFile(reader, path))
        names = metadata.schema.to_arrow_schema().names
        hosts = [HOST] if HOST in names else []
        remote = RangedFile(reader, path)
        with pq.ParquetFile(remote, metadata=metadata, pre_buffer=True, read_dictionary=hosts) as file:
            if missing := [name for name in NEEDED if name not in names]:
                raise CrawlError(f"{path}: expected a columnar index; found no column {', '.join(missing)}.")
            for group in range(file.num_row_groups):
                outcomes["row groups"] += 1
                wanted = _wanted(file, group, lists)
                if not wanted:
                    outcomes["row groups passed over by their statistics"] += 1
                    continue
                table = _listed_of(file, group, wanted, outcomes)
                if table is not None and table.num_rows:
                    yield table
    except pa.ArrowInvalid as error:
        raise CrawlError(f"{path}: expected a Parquet file; found: {error}. Is the index complete?") from error


def _wanted(file: pq.ParquetFile, group: int, lists: Sequence[UrlList]) -> list[Wanted]:
    """What a row group may hold of each list, by the least and the greatest key in it."""
    least, most = _bounds(file, group)
    return [wanted for one in lists if (wanted := one.between(least, most)) is not None]


def _bounds(file: pq.ParquetFile, group: int) -> tuple[str, str]:
    """All keys where the writer kept no statistics."""
    metadata = file.metadata.row_group(group)
    for number in range(metadata.num_columns):
        column = metadata.column(number)
        if column.path_in_schema == SURT:
            found = column.statistics
            if found is not None and found.has_min_max:
                return str(found.min), str(found.max)
    return "", "\U0010ffff"


def _listed_of(file: pq.ParquetFile, group: int, wanted: Sequence[Wanted], outcomes: Counter[str]) -> pa.Table | None:
    names = file.schema_arrow.names
    rows = _on_hosts(file, group, wanted, HOST if HOST in names else URL)
    if not len(rows):
        outcomes["row groups without a listed host"] += 1
        return None
    urls = file.read_row_group(group, columns=[URL])[URL].take(pa.array(rows)).to_pylist()
    rows = rows[np.array([_is_wanted(url, wanted) for url in urls], np.bool_)]
    if not len(rows):
        return None
    columns = [*NEEDED, *(name for name in OPTIONAL if name in names)]
    table = file.read_row_group(group, columns=columns).take(pa.array(rows))
    return _as_listed(_readable(table, outcomes))


def _on_hosts(file: pq.ParquetFile, group: int, wanted: Sequence[Wanted], column: str) -> npt.NDArray[np.int64]:
    """The rows whose host is on a list; each different host is looked at once."""
    hosts = file.read_row_group(group, columns=[column])[column].combine_chunks()
    if not pa.types.is_dictionary(hosts.type):
        hosts = hosts.dictionary_encode()
    chunk = hosts.chunk(0) if isinstance(hosts, pa.ChunkedArray) else hosts
    surts = [_surt_of(said, column) for said in chunk.dictionary.to_pylist()]
    among = np.array([any(one.includes_host(surt) for one in wanted) for surt in surts], np.bool_)
    places = pc.fill_null(chunk.indices, -1).to_numpy()
    found: npt.NDArray[np.int64] = np.flatnonzero((places >= 0) & np.append(among, False)[places])
    return found


def _surt_of(said: str | None, column: str) -> str:
    host = said or ""
    if column == URL:
        host = host.partition("://")[2].partition("/")[0]
    return host_surt(host_of(host))


def _is_wanted(url: str, wanted: Sequence[Wanted]) -> bool:
    return any(_names(one, url) for one in wanted)


def _names(wanted: Wanted, url: str) -> bool:
    """Whether a list names a page of one of the hosts in the row group."""
    try:
        surt = host_surt(host_of(url.partition("://")[2].partition("/")[0].partition("?")[0]))
        if not wanted.includes_host(surt):
            return False
        if wanted.kind in ("hosts", "domains"):
            return True
        texts = [canonical_url(url)] if wanted.kind == "urls" else _prefixes_of(place_of(url))
    except ValueError:
        return False
    return bool(_among(texts, wanted.hashes).any())


def _prefixes_of(place: str) -> list[str]:
    """The place itself and every prefix that ends before a `/` or `?`: those under which `is_under` finds it."""
    return [place, *(place[:cut] for cut, sign in enumerate(place) if sign in "/?" and cut)]


def _among(texts: Sequence[str], hashes: Hashes) -> npt.NDArray[np.bool_]:
    from pipelines.key_hash import hash_strings

    own = hash_strings(pa.array(texts, pa.large_string()))
    places = np.minimum(np.searchsorted(hashes, own), len(hashes) - 1)
    found: npt.NDArray[np.bool_] = hashes[places] == own
    return found


def _readable(table: pa.Table, outcomes: Counter[str]) -> pa.Table:
    """Without responses that are no page: another status than 200, another type than HTML."""
    keep = pa.array(np.ones(table.num_rows, np.bool_))
    if "fetch_status" in table.schema.names:
        keep = pc.and_(keep, pc.fill_null(pc.equal(table["fetch_status"].combine_chunks(), 200), True))
    for name in ("content_mime_detected", "content_mime_type"):
        if name in table.schema.names:
            html = pc.is_in(pc.utf8_lower(table[name].cast(pa.string())), pa.array(HTML_TYPES)).combine_chunks()
            keep = pc.and_(keep, pc.or_(html, pc.is_null(table[name].combine_chunks())))
            break
    kept = table.filter(keep)
    outcomes["captures that are no HTML page"] += table.num_rows - kept.num_rows
    return kept


def _as_listed(table: pa.Table) -> pa.Table:
    named: Mapping[str, Any] = {
        "url": table[URL],
        "warc_file": table["warc_filename"],
        "warc_offset": table["warc_record_offset"],
        "warc_length": table["warc_record_length"],
        "content_digest": table["content_digest"]
        if "content_digest" in table.schema.names
        else pa.nulls(table.num_rows, pa.string()),
    }
    return pa.table({name: named[name].cast(field.type) for name, field in zip(LISTED.names, LISTED, strict=True)})

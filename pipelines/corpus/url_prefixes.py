"""URL prefixes, cut at path segments, of whole columns of pages."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.urls import resolved_path

QUOTED = r"[^A-Za-z0-9\-._~%/;:@&=+$,!*'()?\[\]]"
"""What the escapes of a URL depend on as a whole (pipelines.urls.resolved_path)."""
DOTS = r"(?i)(\.|%2e)/*$"


def segments(host: str, path: str, depth: int) -> list[str]:
    """Host, then the folders of the path: a page's own name is no prefix of others, unless it is a script's, with a
    query that names the page (`forum.php?tid=7`)."""
    place, _, query = path.partition("#")[0].partition("?")
    parts = resolved_path(place).strip("/").split("/")
    folders = parts if query else parts[:-1]
    return [host.removeprefix("www."), *(part for part in folders if part)][:depth]


def folder_paths(paths: pa.Array) -> pa.Array:
    """For each path a shorter one with the same `segments`: pages of one folder have the same, so that each is taken apart
    once. The page's own name becomes `x`, a query `q`."""
    place = pc.replace_substring_regex(paths, r"(?s)#.*", "")
    has_query = pc.match_substring_regex(place, r"(?s)\?.")
    place = pc.replace_substring_regex(place, r"(?s)\?.*", "")
    folder = pc.replace_substring_regex(place, r"(?s)[^/]*/*$", "")
    folder = pc.binary_join_element_wise(folder, "x", "")
    as_it_is = pc.or_(pc.match_substring_regex(place, QUOTED), pc.match_substring_regex(place, DOTS))
    without_query = pc.if_else(as_it_is, place, folder)
    return pc.if_else(has_query, pc.binary_join_element_wise(place, "?q", ""), without_query)

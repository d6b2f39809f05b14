"""One capture to one row of the pages table."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from pipelines.crawl.decoding import decode_html
from pipelines.crawl.language import language_of
from pipelines.crawl.routing import evidence, route, weighs_enough
from pipelines.crawl.settings import CrawlSettings
from pipelines.crawl.text import cheap_text, glimpse
from pipelines.crawl.warc import Capture
from pipelines.urls import address

SENTENCES, SENTENCE = 8_000, 50
"""Bytes of UTF-8 that are read, and those of a line that is no menu entry."""
DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)")


def page_row(capture: Capture, settings: CrawlSettings) -> dict[str, Any]:
    """The row without snapshot and WARC file. Raises ValueError where the URL is none of http(s)."""
    where = address(capture.url)
    html, charset = decode_html(capture.body, capture.content_type)
    utf8 = capture.body if charset == "utf-8" else html.encode("utf-8", "replace")
    markers, words = evidence(utf8, words=settings.evidence is None)
    look = ""
    path = "kept"
    if settings.route == "routed":
        if not markers and settings.evidence is not None:
            look = glimpse(utf8)
            words = weighs_enough(look, settings.evidence)
        path = route(where.key, markers, words, settings.negatives)
    title: str | None = None
    text: str | None = None
    spoken: bool | None = None
    if path != "counted":
        title, text = cheap_text(utf8)
        if len(text) < settings.shortest_text:  # nothing to judge; the row stays, so that its domain's share is exact
            text, path = None, "counted"
        else:
            spoken = speaks_of_mathematics(text)
    return {
        "url": where.url,
        "url_key": where.key,
        "host": where.host,
        "domain": where.domain,
        "path": where.path,
        "fetched": utc(capture.fetched),
        "warc_offset": capture.offset,
        "warc_length": capture.length,
        "digest": hashlib.sha256(capture.body).hexdigest()[:32],
        "truncated": capture.truncated,
        "charset": charset,
        "language": language_of(text if text is not None else look or glimpse(utf8)),
        "title": title,
        "text": text,
        "markers": markers,
        "words": spoken,
        "route": path,
    }


def speaks_of_mathematics(text: str) -> bool:
    """Whether the page's first sentences hold enough words of mathematics: a witness for pages without any markup.

    The table is always the one written by hand, which knows several languages; one learned from a seed would call
    mathematics what the seed looks like. Menus, which are short lines, are left out: they name what other pages say.
    """
    from pipelines.crawl.sentences import first_sentences

    return evidence(first_sentences(text, size=SENTENCES, least=SENTENCE))[1]


def utc(date: str) -> str:
    """A WARC-Date to the second, `2024-01-31T12:00:00Z`, so that dates compare as text; empty where it is none."""
    found = DATE.match(date.strip())
    return "{}-{}-{}T{}:{}:{}Z".format(*found.groups()) if found else ""

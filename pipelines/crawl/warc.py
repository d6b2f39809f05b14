"""Records of WARC files (ISO 28500): FastWARC reads what is in order, warc_repair.py whatever FastWARC would lose.

A record is given on only when FastWARC has found the next one in its place. Where it has not, and at the end of the
file, the slow reader starts again from the last record: so one broken record never costs the next, and what a file
ends with is always looked at. Every record's fate is counted.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from pipelines.crawl.byte_sources import GLANCE, ByteSource, SourceStream, open_source
from pipelines.crawl.http_message import UnreadableBody, decoded_body, parse_response
from pipelines.crawl.settings import NotAWarc
from pipelines.crawl.warc_repair import GZIP, INSIDE, RawRecord, RecordReader, moved

HTML_TYPES = ("text/html", "application/xhtml+xml")
LOOKS_LIKE_HTML = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?\s*(?:<!--.{0,500}?-->\s*)*<(?:!doctype html|html|head|body|title|meta)", re.I | re.S
)
HANDOVERS = 16  # a file with more broken places than this is left to the slow reader
CLEAN = 3  # records in order after which FastWARC takes over again
PLAIN_TYPES = frozenset(["request", "metadata"])
LARGEST = 16_000_000  # bytes; CrawlSettings.largest_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One HTTP response that holds HTML."""

    url: str
    fetched: str
    """WARC-Date, as written."""
    offset: int
    """Of the record in the file as stored, bytes; negative as RawRecord.offset says."""
    length: int
    """Bytes of the record as stored; 0 where that cannot be said."""
    body: bytes
    """HTML as the server meant it, without transfer and content encodings."""
    content_type: str | None
    truncated: str | None
    """WARC-Truncated, or `length` where this reader cut it, or `unspecified` where bytes are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A record that is no page, or no record at all."""

    reason: str
    url: str = ""
    offset: int = 0


def read_warc(
    path: str, *, largest: int = LARGEST, attempts: int = 8, timeout: float = 60.0, endpoint: str | None = None
) -> Iterator[Capture | Passed]:
    """Every record of a file, in file order. Raises CrawlError where the file holds no WARC record, or cannot be had."""
    with closing(open_source(path, attempts=attempts, timeout=timeout, endpoint=endpoint)) as source:
        found = False
        for record in _raw_records(source, largest + (1 << 18)):
            fate = _fate(record, largest)
            found = found or bool(record.headers) or (record.offset == 0 and record.length == 0)
            yield fate
        if found:
            return
        if not source.read_at(0, 1):  # a download that never began; one such file must not end a crawl of 90,000
            yield Passed(reason="empty file")
            return
        raise NotAWarc(
            f"{path}: expected WARC records (WARC/1.0 or 1.1, plain, gzip or zstd); found none. Is it a WARC file?"
        )


def read_captures(path: str, outcomes: Counter[str], *, largest: int = LARGEST) -> Iterator[Capture]:
    """The HTML responses of a file, in file order. What is passed over is counted in `outcomes` by reason."""
    for fate in read_warc(path, largest=largest):
        if isinstance(fate, Passed):
            outcomes[fate.reason] += 1
        else:
            yield fate


def open_warc(path: str, **patience: Any) -> ByteSource:
    """A file from which single records are read by offset: local, https://, s3://; `patience` as for open_source."""
    return open_source(path, span=GLANCE, **patience)


def read_capture(source: ByteSource, offset: int, *, largest: int = LARGEST) -> Capture | None:
    """The one capture at an offset of a pages table; None where it is no readable HTML response."""
    return next(iter(captures_at(source, [offset], largest=largest)))[1]


def captures_at(
    source: ByteSource, offsets: Iterable[int], *, largest: int = LARGEST
) -> Iterator[tuple[int, Capture | None]]:
    """(offset, capture) for each offset, in the order of the file; one pass over each gzip member."""
    members: dict[int, dict[int, int]] = {}
    for offset in offsets:
        start, place = (offset, 0) if offset >= 0 else (-offset >> INSIDE, -offset & ((1 << INSIDE) - 1))
        members.setdefault(start, {})[place] = offset
    for start, wanted in sorted(members.items()):
        reader = iter(RecordReader(source, start, largest + (1 << 18)))
        for place in range(max(wanted) + 1):
            record = next(reader, None)
            if place in wanted:
                fate = _fate(record, largest) if record is not None else None
                yield wanted[place], fate if isinstance(fate, Capture) else None


def read_listed(source: ByteSource, offset: int, digest: str | None, *, largest: int = LARGEST) -> Capture | Passed:
    """The record at an offset that an index names, if its payload has the index's digest (base 32 of a SHA-1)."""
    record = next(iter(RecordReader(source, offset, largest + (1 << 18))), None)
    if record is None:
        return Passed(reason="no record where the index says", offset=offset)
    fate = _fate(record, largest)
    if (
        isinstance(fate, Capture)
        and digest
        and digest.removeprefix("sha1:").upper() not in _digests(record.block, largest)
    ):
        return Passed(reason="another digest than in the index", url=fate.url, offset=offset)
    return fate


def _digests(block: bytes, largest: int) -> list[str]:
    """Of a response's payload as it is stored, and as it is without its encodings: crawlers write either."""
    message = parse_response(block)
    assert message is not None, "a capture has a response"
    return [
        base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
        for body in (message.body, decoded_body(message, largest))
    ]


def _raw_records(source: ByteSource, largest: int) -> Iterator[RawRecord]:
    position, handovers = 0, 0
    while True:
        if handovers < HANDOVERS:
            position = yield from _in_order(source, position, largest)
        handovers += 1
        reader = RecordReader(source, position, largest)
        clean = 0
        for record in reader:
            yield record
            clean = clean + 1 if record.trouble is None and record.offset >= 0 else 0
            if clean >= CLEAN and handovers < HANDOVERS and record.length:
                position = record.offset + record.length
                break
        else:
            return


def _in_order(source: ByteSource, start: int, largest: int) -> Generator[RawRecord, None, int]:
    """Records as long as FastWARC finds the next one in its place; returns where the slow reader has to begin."""
    from fastwarc.warc import ArchiveIterator

    magic = source.read_at(start, 5)
    if not magic.startswith((GZIP, b"WARC/")):
        return start
    held: RawRecord | None = None
    last, first = start, True
    try:
        for record in ArchiveIterator(SourceStream(source, start), parse_http=False):
            offset = start + record.stream_pos
            begins = source.read_at(offset, len(magic)).startswith((GZIP, b"WARC/"))
            kind = (record.headers.get("WARC-Type") or "").lower()
            if kind in PLAIN_TYPES:  # of which nothing but the type is ever asked
                headers = {"warc-type": kind, "content-length": record.headers.get("Content-Length") or ""}
            else:
                # Of a header given twice the first counts, as in the slow reader.
                headers = {name.lower(): value for name, value in reversed(list(record.headers.items()))}
            text = headers.get("content-length", "")
            if not begins or (offset != start if first else offset <= last):
                return last
            first = False
            if held is not None:
                yield moved(held, held.offset, offset - held.offset)
            last, held = offset, None
            if not text.isdigit() or int(text) > largest or "warc-type" not in headers:
                return last
            block = record.reader.read()
            held = RawRecord(offset=offset, length=0, headers=headers, block=block, declared=int(text))
            if len(block) != held.declared:
                return last
    except OSError:  # what is wrong is for the slow reader to say
        pass
    return last


def _fate(record: RawRecord, largest: int) -> Capture | Passed:
    url = record.headers.get("warc-target-uri", "").strip("<> ")

    def passed(reason: str) -> Passed:
        return Passed(reason=reason, url=url, offset=record.offset)

    kind = record.headers.get("warc-type", "").lower()
    if record.trouble is not None and "warc-type" not in record.headers:
        return passed(record.trouble)
    if kind != "response":
        return passed(f"record type {kind[:20] or 'none'}")
    message = parse_response(record.block)
    if message is None:
        return passed("broken record: no HTTP status line")
    if message.status != 200:
        return passed(f"HTTP status {message.status}")
    if not _may_be_html(message.content_type, message.body):
        return passed("not HTML")
    try:
        body = decoded_body(message, largest)
    except UnreadableBody:
        return passed("unreadable Content-Encoding")
    if not body or body.isspace():
        return passed("empty body")
    if not message.content_type and not LOOKS_LIKE_HTML.match(body):
        return passed("not HTML")
    return Capture(
        url=url,
        fetched=record.headers.get("warc-date", ""),
        offset=record.offset,
        length=record.length,
        body=body,
        content_type=message.content_type,
        truncated=_truncated(record, len(body) >= largest),
    )


def _may_be_html(content_type: str | None, body: bytes) -> bool:
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind in HTML_TYPES:
        return True
    # No type, or one that says nothing: the first bytes decide.
    return kind in ("", "application/octet-stream", "text/plain", "unk", "unknown/unknown") and (
        not kind or LOOKS_LIKE_HTML.match(body[:2000]) is not None
    )


def _truncated(record: RawRecord, cut: bool) -> str | None:
    if said := record.headers.get("warc-truncated"):
        return said
    if cut or (record.declared is not None and len(record.block) < record.declared and record.trouble is None):
        return "length"
    return "unspecified" if record.trouble is not None else None

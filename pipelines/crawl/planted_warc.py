"""Writing WARC files as Common Crawl lays them out, and breaking some of their records on purpose.

One gzip member per record; a warcinfo record first, then request, response and metadata for each page.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.storage import atomic_file

Broken = str
"""How a record was broken: a key of BROKEN."""

BROKEN = {
    "truncated": "the crawler stopped at its size limit: WARC-Truncated is set and the body ends in mid-tag",
    "wrong_length": "HTTP Content-Length claims more bytes than there are",
    "lying_charset": "the HTTP header names UTF-8, the body is GBK",
    "no_content_type": "the HTTP response names no content type",
    "gzip_body": "the body is still gzip-compressed, as Content-Encoding says",
    "odd_characters": "the body holds NUL bytes and a reference to a lone surrogate",
    "long_line": "one line of a million characters",
    "not_found": "HTTP 404 with an HTML body",
    "moved": "HTTP 301 without a body",
    "unavailable": "HTTP 503 with an HTML body",
    "not_html": "a PDF",
    "image": "a PNG",
    "empty": "HTTP 200 with an empty body",
    "bad_header": "a WARC header whose Content-Length is not a number",
    "bad_gzip": "a gzip member with flipped bytes",
    "cut_gzip": "the last gzip member of the file ends early, as after a broken transfer",
}
READABLE = frozenset(
    {"truncated", "wrong_length", "lying_charset", "no_content_type", "gzip_body", "odd_characters", "long_line"}
)
"""Broken in ways that a careful reader survives: the page is still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One fetched URL, as the crawler would store it."""

    url: str
    date: str
    """ISO 8601, UTC."""
    body: bytes
    content_type: str | None = "text/html; charset=utf-8"
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = ()
    truncated: bool = False
    declared_length: int | None = None
    damage: Broken | None = None
    """`bad_header`, `bad_gzip` or `cut_gzip`: done to the stored record rather than to the page."""


def write_warc(path: Path, captures: Iterable[Capture], *, date: str) -> list[tuple[int, int]]:
    """Writes the file; returns (offset, length) in it of each capture's response record."""
    places: list[tuple[int, int]] = []
    with atomic_file(path) as temporary, temporary.open("wb") as out:
        out.write(_member(_warcinfo(path.name, date)))
        for capture in captures:
            request, response, metadata = _records(capture)
            out.write(_member(request))
            member = _damaged(_member(response), capture.damage)
            places.append((out.tell(), len(member)))
            out.write(member)
            if capture.damage != "cut_gzip":
                out.write(_member(metadata))
    return places


def break_capture(capture: Capture, how: Broken) -> Capture:
    """The capture with one thing wrong with it."""
    from dataclasses import replace

    body = capture.body
    changes: dict[str, object] = {
        "truncated": {"body": body[: len(body) * 3 // 4], "truncated": True},
        "wrong_length": {"declared_length": len(body) + 4096},
        "lying_charset": {"content_type": "text/html; charset=utf-8"},
        "no_content_type": {"content_type": None},
        "gzip_body": {"body": _gzip(body), "headers": (("Content-Encoding", "gzip"),)},
        "odd_characters": {"body": body.replace(b"</p>", b"\x00 &#xD800;</p>", 2)},
        "long_line": {"body": body.replace(b"</body>", b"<p>" + b"lorem ipsum " * 83_334 + b"</p></body>")},
        "not_found": {"status": "404 Not Found", "body": b"<html><body><h1>404</h1>No such page.</body></html>"},
        "moved": {"status": "301 Moved Permanently", "body": b"", "headers": (("Location", "/elsewhere"),)},
        "unavailable": {"status": "503 Service Unavailable", "body": b"<html><body>Try again later.</body></html>"},
        "not_html": {"content_type": "application/pdf", "body": b"%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\n%%EOF"},
        "image": {"content_type": "image/png", "body": b"\x89PNG\r\n\x1a\n" + bytes(64)},
        "empty": {"body": b""},
    }
    return replace(capture, **changes.get(how, {"damage": how}))  # type: ignore[arg-type]  # one mapping per case


def _records(capture: Capture) -> tuple[bytes, bytes, bytes]:
    parts = urlsplit(capture.url)
    target = parts.path or "/"
    target += f"?{parts.query}" if parts.query else ""
    ask = f"GET {target} HTTP/1.1\r\nUser-Agent: CCBot/2.0\r\nHost: {parts.netloc}\r\nConnection: Keep-Alive\r\n\r\n"
    identity = {
        kind: _record_id(f"{kind} {capture.url} {capture.date}") for kind in ("request", "response", "metadata")
    }
    common = (("WARC-Target-URI", capture.url), ("WARC-Date", capture.date))
    request = _record("request", identity["request"], ask.encode(), "application/http; msgtype=request", common)
    response = _response(capture, identity, common)
    facts = b"fetchTimeMs: 217\r\n"
    linked = (*common, ("WARC-Concurrent-To", identity["response"]))
    return request, response, _record("metadata", identity["metadata"], facts, "application/warc-fields", linked)


def _response(capture: Capture, identity: dict[str, str], common: tuple[tuple[str, str], ...]) -> bytes:
    lines = [f"HTTP/1.1 {capture.status}", f"Date: {capture.date}", "Server: nginx"]
    lines += [f"Content-Type: {capture.content_type}"] if capture.content_type else []
    lines += [f"{name}: {value}" for name, value in capture.headers]
    length = len(capture.body) if capture.declared_length is None else capture.declared_length
    block = ("\r\n".join([*lines, f"Content-Length: {length}"]) + "\r\n\r\n").encode() + capture.body
    extra: tuple[tuple[str, str], ...] = (
        ("WARC-Concurrent-To", identity["request"]),
        ("WARC-Payload-Digest", _sha1(capture.body)),
        ("WARC-Block-Digest", _sha1(block)),
    )
    extra += (("WARC-Truncated", "length"),) if capture.truncated else ()
    declared = "many" if capture.damage == "bad_header" else None
    return _record(
        "response", identity["response"], block, "application/http; msgtype=response", (*common, *extra), declared
    )


def _record(
    kind: str,
    identity: str,
    block: bytes,
    content_type: str,
    fields: tuple[tuple[str, str], ...],
    declared_length: str | None = None,
) -> bytes:
    lines = ["WARC/1.0", f"WARC-Type: {kind}", f"WARC-Record-ID: {identity}"]
    lines += [f"{name}: {value}" for name, value in fields]
    lines += [f"Content-Type: {content_type}", f"Content-Length: {declared_length or len(block)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def _warcinfo(name: str, date: str) -> bytes:
    block = b"isPartOf: mathsieve-planted\r\nsoftware: mathsieve\r\nformat: WARC File Format 1.0\r\n"
    fields = (("WARC-Date", date), ("WARC-Filename", name))
    return _record("warcinfo", _record_id(f"warcinfo {name}"), block, "application/warc-fields", fields)


def _member(record: bytes) -> bytes:
    return _gzip(record)


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=6, mtime=0)


def _damaged(member: bytes, damage: Broken | None) -> bytes:
    if damage == "cut_gzip":
        return member[: len(member) // 2]
    if damage == "bad_gzip":
        middle = len(member) // 3
        flipped = bytes(byte ^ 0xA5 for byte in member[middle : middle + 24])
        broken = member[:middle] + flipped + member[middle + 24 :]
        if _still_readable(broken):
            raise ValueError("planted crawl: expected flipped bytes to break the gzip member; they did not")
        return broken
    return member


def _still_readable(member: bytes) -> bool:
    try:
        gzip.decompress(member)
    except (zlib.error, OSError, EOFError):
        return False
    return True


def _record_id(name: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}>"


def _sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()

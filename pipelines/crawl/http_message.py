"""The HTTP response in a WARC record: its status, its type, and its body as the server meant it."""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass
from typing import Any

LONGEST_HEAD = 1 << 18
GZIP = b"\x1f\x8b\x08"
MAGIC = (
    (GZIP, "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x78\x01", "deflate"),
    (b"\x78\x9c", "deflate"),
    (b"\x78\xda", "deflate"),
)
CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text in an encoding of the web holds (ESC belongs to ISO-2022-JP), and compressed data soon does."""
LOOK = 512
STATUS = re.compile(rb"^\s*HTTP/\d(?:\.\d)?[ \t]+(\d{3})\b")
CHUNK_SIZE = re.compile(rb"\s*([0-9a-fA-F]{1,8})[ \t]*(?:;[^\n]*)?\r?\n")


class UnreadableBody(Exception):
    """The body cannot be had from its encodings; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMessage:
    """A response taken apart; the body still encoded."""

    status: int
    content_type: str | None
    content_encoding: str
    transfer_encoding: str
    body: bytes


def parse_response(block: bytes) -> HttpMessage | None:
    """The response in a record's block; None where it does not begin with an HTTP status line."""
    found = STATUS.match(block[:64])
    if found is None:
        return None
    end = block.find(b"\r\n\r\n", 0, LONGEST_HEAD)
    bare = block.find(b"\n\n", 0, end if end >= 0 else LONGEST_HEAD)
    if bare >= 0:
        end, body = bare, block[bare + 2 :]
    else:
        body = block[end + 4 :] if end >= 0 else b""
    fields: dict[bytes, bytes] = {}
    for line in block[: end if end >= 0 else LONGEST_HEAD].split(b"\n")[1:]:
        name, _, value = line.partition(b":")
        fields.setdefault(name.strip().lower(), value.strip())
    kind = fields.get(b"content-type")
    return HttpMessage(
        status=int(found.group(1)),
        content_type=kind.decode("latin-1") if kind else None,
        content_encoding=fields.get(b"content-encoding", b"").decode("latin-1").lower(),
        transfer_encoding=fields.get(b"transfer-encoding", b"").decode("latin-1").lower(),
        body=body,
    )


def decoded_body(message: HttpMessage, largest: int) -> bytes:
    """The body without transfer and content encodings, at most `largest` bytes of it.

    Crawlers often store the decoded body under the headers of the encoded one, and servers name the wrong encoding or
    none: the first bytes of a body are believed before its headers, and a text is taken as it is. Raises UnreadableBody.
    """
    body = message.body
    if "chunked" in message.transfer_encoding:
        body = _unchunked(body)
    for coding in reversed([part.strip() for part in message.content_encoding.split(",") if part.strip()]):
        body = _inflated(coding.removeprefix("x-"), body, largest)
    if body.startswith(GZIP):  # packed once more than was said
        body = _inflated("gzip", body, largest)
    return body[:largest]


def _unchunked(body: bytes) -> bytes:
    """RFC 9112 §7.1; a body that ends inside a chunk gives what there is."""
    parts: list[bytes] = []
    position = 0
    while found := CHUNK_SIZE.match(body, position):
        size = int(found.group(1), 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[found.end() : found.end() + size])
        position = found.end() + size
    return b"".join(parts) if parts and position >= len(body) else body


def _inflated(coding: str, body: bytes, largest: int) -> bytes:
    if coding in ("identity", "none", "utf-8", "8bit") or not body:
        return body
    named = next((name for magic, name in MAGIC if body.startswith(magic)), coding)
    try:
        return _DECODERS[named](body, largest)
    except KeyError:
        problem = "unknown"
    except (zlib.error, OSError, ValueError, RuntimeError) as error:
        problem = str(error)
    if not CONTROLS.search(body[:LOOK]):  # a text, stored decoded under the headers of the encoded body
        return body
    raise UnreadableBody(f"Content-Encoding {coding[:40]}: {problem}")


def _gunzip(body: bytes, largest: int) -> bytes:
    return _unzlib(body, largest, 31)


def _deflate(body: bytes, largest: int) -> bytes:
    try:
        return _unzlib(body, largest, 15)
    except zlib.error:  # servers that send raw deflate under this name are as many as those that follow RFC 9110
        return _unzlib(body, largest, -15)


def _unzlib(body: bytes, largest: int, window: int) -> bytes:
    inflate = zlib.decompressobj(window)
    text = inflate.decompress(body, largest)
    while inflate.eof and window == 31 and inflate.unused_data[:2] == b"\x1f\x8b" and len(text) < largest:
        rest, inflate = inflate.unused_data, zlib.decompressobj(window)
        text += inflate.decompress(rest, largest - len(text))
    return text


def _unbrotli(body: bytes, largest: int) -> bytes:
    from fastwarc.stream_io import BrotliReader

    return _read_up_to(BrotliReader(io.BytesIO(body)), largest)


def _unzstd(body: bytes, largest: int) -> bytes:
    import zstandard

    try:
        return _read_up_to(zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True), largest)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


def _read_up_to(stream: Any, largest: int) -> bytes:
    parts, left = [], largest
    while left > 0 and (piece := bytes(stream.read(min(left, 1 << 20)))):
        parts.append(piece)
        left -= len(piece)
    return b"".join(parts)


_DECODERS = {"gzip": _gunzip, "deflate": _deflate, "br": _unbrotli, "zstd": _unzstd}

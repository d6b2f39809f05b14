"""WARC records one by one, past every kind of damage: what FastWARC would stop at, or pass over without a word.

Slower than FastWARC (which reads everything that is in order, see warc.py), and exact: each record, and each run of
bytes that is no record, comes out once, with what is wrong with it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipelines.crawl.byte_sources import ByteSource

GZIP = b"\x1f\x8b\x08"
ZSTD = b"\x28\xb5\x2f\xfd"
SKIPPABLE = b"\x2a\x4d\x18"  # after a byte from 0x50 to 0x5f: RFC 8878 §3.1.2
DICTIONARY = b"\x5d" + SKIPPABLE
LARGEST_DICTIONARY = 1 << 24  # bytes; ours: those in use have about 1 MiB
CHUNK = 1 << 16
LONGEST_HEADER = 1 << 18  # bytes; ours: real WARC headers stay below 16 KiB
LARGEST_SKIP = 1 << 32  # bytes inflated only to be passed over; ours: a bomb beyond costs a search instead
NEXT_RECORD = re.compile(rb"(?:^|\r?\n)(?=WARC/[01]\.\d{1,2}\r?\n[A-Za-z-]+:)")
OVERLAP = 64  # bytes in which a record's beginning is known: the search's pieces share as many
INSIDE = 23  # bits: see RawRecord.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """One record, or one run of bytes that is none (`trouble` says why; then there are no headers)."""

    offset: int
    """Byte offset in the file as stored. A record that does not begin its gzip member (a WARC compressed as a whole)
    has none: it is kept as -(offset of the member << 23 | its place among the member's records)."""
    length: int
    """Bytes as stored; 0 where that cannot be said."""
    headers: Mapping[str, str]
    """Names in lower case; of a lost response the URL alone."""
    block: bytes
    """The content block, at most as many bytes as were asked for."""
    declared: int | None
    """Content-Length."""
    trouble: str | None = None


class Damaged(Exception):
    """A compressed member that cannot be inflated to its end; the message says why."""


class _Plain:
    """Uncompressed bytes from a position to the end of the file."""

    compressed = False

    def __init__(self, source: ByteSource, start: int) -> None:
        self._source, self.start, self.position = source, start, 0

    def read(self, size: int) -> bytes:
        chunk = self._source.read_at(self.start + self.position, min(size, CHUNK))
        self.position += len(chunk)
        return chunk

    def seek(self, position: int) -> None:
        self.position = position


class _Member:
    """One gzip member or zstd frame, inflated in pieces."""

    compressed = True

    def __init__(self, source: ByteSource, start: int, dictionary: bytes) -> None:
        self._source, self.start, self._dictionary = source, start, dictionary
        self._rewind()

    def _rewind(self) -> None:
        self.position, self._in, self._pending = 0, self.start, b""
        self.end: int | None = None
        """Offset of what follows the member; known once it was read to its end."""
        self._gzip = self._source.read_at(self.start, 3) == GZIP
        self._inflate: Any = zlib.decompressobj(31) if self._gzip else _zstd(self._dictionary)

    def read(self, size: int) -> bytes:
        while not self._pending:
            if self.end is not None:
                return b""
            self._more()
        chunk, self._pending = self._pending[:size], self._pending[size:]
        self.position += len(chunk)
        return chunk

    def _more(self) -> None:
        # Never much at once, so that a bomb does not fill memory: zlib says how much it left, zstandard is fed in bits.
        tail = self._inflate.unconsumed_tail if self._gzip else b""
        chunk = tail or self._source.read_at(self._in, CHUNK if self._gzip else 1 << 10)
        if not tail:
            self._in += len(chunk)
        if not chunk:
            raise Damaged("cut short: the file ends inside a compressed record")
        try:
            most = (1 << 20,) if self._gzip else ()
            self._pending = self._inflate.decompress(chunk, *most)
        except _inflate_errors() as error:
            raise Damaged(f"broken gzip member: {error}") from error
        if self._inflate.eof:
            self.end = self._in - len(self._inflate.unused_data)

    def seek(self, position: int) -> None:
        if position < self.position:
            self._rewind()
        while self.position < position and self.read(min(CHUNK, position - self.position)):
            pass


def _zstd(dictionary: bytes) -> Any:
    import zstandard

    known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
    return zstandard.ZstdDecompressor(dict_data=known).decompressobj()


def _dictionary(source: ByteSource) -> bytes:
    """What a .warc.zst file begins with where its records share a dictionary (the zstd WARC specification of IIPC)."""
    head = source.read_at(0, 8)
    if not head.startswith(DICTIONARY) or len(head) < 8:
        return b""
    size = int.from_bytes(head[4:8], "little")
    content = bytearray()
    while len(content) < min(size, LARGEST_DICTIONARY) and (
        piece := source.read_at(8 + len(content), size - len(content))
    ):
        content += piece
    if not content.startswith(ZSTD):
        return bytes(content)
    import zstandard

    try:
        return zstandard.ZstdDecompressor().decompress(bytes(content), max_output_size=LARGEST_DICTIONARY)
    except zstandard.ZstdError:
        return b""


def _inflate_errors() -> tuple[type[Exception], ...]:
    import zstandard

    return (zlib.error, zstandard.ZstdError)


class RecordReader:
    """Records from a position to the end of the file. `position` is where the next one is looked for."""

    def __init__(self, source: ByteSource, position: int, largest: int) -> None:
        self._source, self.position, self._largest = source, position, largest
        self._dictionary = _dictionary(source)

    def __iter__(self) -> Iterator[RawRecord]:
        while head := self._source.read_at(self.position, 8):
            start = self.position
            if head.startswith((GZIP, ZSTD)):
                yield from self._member(_Member(self._source, start, self._dictionary))
            elif head.startswith(b"WARC/"):
                yield from self._plain(_Plain(self._source, start))
            elif head[1:4] == SKIPPABLE and head[0] >> 4 == 5 and len(head) == 8:
                self.position += 8 + int.from_bytes(head[4:], "little")
            elif head[:1] in b"\r\n\0":
                self.position += len(head) - len(head.lstrip(b"\r\n\0"))
            else:
                self.position = self._search(start + 1)
                yield _garbage(start, self.position - start, "bytes between records")

    def _member(self, member: _Member) -> Iterator[RawRecord]:
        start, ordinal = member.start, 0
        try:
            for record in _Records(member, self._largest):
                offset = -(start << INSIDE | ordinal) if ordinal else start
                ordinal += 1
                length = member.end - start if member.end is not None and offset >= 0 else 0
                yield moved(record, offset, length)
            member.seek(1 << 62)
            if not ordinal:
                yield _garbage(start, (member.end or start) - start, "empty gzip member")
            self.position = member.end or start + 1
        except Damaged as damage:
            self.position = self._search(start + 1)
            lost = _garbage(start, self.position - start, str(damage).partition(":")[0])
            yield replace(lost, headers={} if ordinal else _lost_response(self._source, start))

    def _plain(self, stream: _Plain) -> Iterator[RawRecord]:
        """Until the end, or until something compressed follows."""
        for record in _Records(stream, self._largest):
            begins = stream.start + record.offset
            self.position = begins + record.length
            yield moved(record, begins, record.length)
            ahead = self._source.read_at(self.position, 12).lstrip(b"\r\n")
            if not ahead.startswith(b"WARC/"):
                return

    def _search(self, start: int) -> int:
        """Where the next record can begin: a member that inflates to a WARC header, or a plain header."""
        base, data = start, b""
        while chunk := self._source.read_at(base + len(data), 1 << 20):
            data += chunk
            for found in re.finditer(rb"\x1f\x8b\x08|\x28\xb5\x2f\xfd|WARC/[01]\.\d{1,2}\r?\n[A-Za-z-]+:", data):
                if found.start() <= len(data) - OVERLAP and self._begins(base + found.start()):
                    return base + found.start()
            base, data = base + max(0, len(data) - OVERLAP), data[-OVERLAP:]
        return base + len(data)

    def _begins(self, position: int) -> bool:
        if self._source.read_at(position, 5) == b"WARC/":
            return True
        try:
            return _Member(self._source, position, self._dictionary).read(16).lstrip(b"\r\n").startswith(b"WARC/")
        except Damaged:
            return False


class _Records:
    """The records of one stream; `offset` and `length` are positions in that stream."""

    def __init__(self, stream: _Plain | _Member, largest: int) -> None:
        self._stream, self._largest = stream, largest
        self._buffer = b""

    def __iter__(self) -> Iterator[RawRecord]:
        while True:
            self._skip_blank()
            if not self._buffer:
                return
            yield self._record()

    def _at(self) -> int:
        return self._stream.position - len(self._buffer)

    def _go(self, position: int) -> None:
        self._stream.seek(position)
        self._buffer = b""

    def _fill(self, size: int) -> bool:
        """Whether `size` bytes lie in the buffer."""
        while len(self._buffer) < size:
            chunk = self._stream.read(1 << 20)
            if not chunk:
                return False
            self._buffer += chunk
        return True

    def _skip_blank(self) -> None:
        while self._fill(1):
            self._buffer = self._buffer.lstrip(b"\r\n")
            if self._buffer:
                return

    def _record(self) -> RawRecord:
        start = self._at()
        end = self._header_end()
        headers = _parse(self._buffer[:end]) if end else None
        if headers is None:
            self._to_next(self._at() + 5)
            return _garbage(start, self._at() - start, "broken record: no WARC header")
        self._buffer = self._buffer[end:]
        body = self._at()
        text = headers.get("content-length", "")
        declared = int(text) if text.isascii() and text.isdigit() else None
        block, trouble = self._block(body, declared)
        return RawRecord(
            offset=start, length=self._at() - start, headers=headers, block=block, declared=declared, trouble=trouble
        )

    def _header_end(self) -> int:
        size = 0
        while size < LONGEST_HEADER:
            whole = not self._fill(size := size + 4096)
            found = re.search(rb"\r?\n\r?\n", self._buffer[:LONGEST_HEADER])
            if found:
                return found.end()
            if whole:
                break
        return 0

    def _block(self, body: int, declared: int | None) -> tuple[bytes, str | None]:
        """The content block and what is wrong with it; the stream then stands before the next record."""
        if declared is None:
            block = self._to_next(body)
            return block, "broken record: no usable Content-Length"
        block = self._take(declared)
        tail = self._peek(5)[:4]  # one more than the record's end, so that the member's end becomes known
        if len(block) == min(declared, self._largest) and self._at() == body + declared:
            if not tail or tail.startswith((b"\r\n\r\n", b"\n\n")) or tail == b"\r\n":
                return block, None
            if self._peek(16).lstrip(b"\r\n").startswith(b"WARC/"):
                return block, None
        # The length lies: the record ends where the next begins, or where the stream does.
        self._go(body)
        short = self._to_next(body)
        if len(short) >= declared:  # more follows than was declared
            return short[:declared], "Content-Length too small"
        return short, "Content-Length too large"

    def _bomb(self, inflated: int) -> None:
        if inflated > LARGEST_SKIP and self._stream.compressed:
            raise Damaged(f"record too large: more than {LARGEST_SKIP >> 30} GiB inflated")

    def _peek(self, size: int) -> bytes:
        self._fill(size)
        return self._buffer[:size]

    def _take(self, size: int) -> bytes:
        """`size` bytes off the stream, of which the first `largest` are returned."""
        parts, left, kept = [], size, 0
        while left > 0:
            if not self._buffer and not self._fill(1):
                break
            self._bomb(size - left)
            piece, self._buffer = self._buffer[:left], self._buffer[left:]
            left -= len(piece)
            if kept < self._largest:
                parts.append(piece[: self._largest - kept])
                kept += len(parts[-1])
        return b"".join(parts)

    def _to_next(self, start: int) -> bytes:
        """Go to the next record's header, at `start` or after; returns the bytes passed over, the first `largest`."""
        self._go(start)
        parts, kept, seen = [], 0, 0
        while self._fill(1):
            self._fill(CHUNK)
            found = NEXT_RECORD.search(self._buffer)
            ending = len(self._buffer) < CHUNK
            stop = found.start() if found else (len(self._buffer) if ending else len(self._buffer) - 64)
            piece, self._buffer = self._buffer[:stop], self._buffer[stop:]
            seen += len(piece)
            self._bomb(seen)
            if kept < self._largest:
                parts.append(piece[: self._largest - kept])
                kept += len(parts[-1])
            if found or (ending and not self._buffer):
                break
        passed = b"".join(parts)
        return passed[: -len(b"\r\n\r\n")] if passed.endswith(b"\r\n\r\n") else passed.rstrip(b"\r\n")


def _parse(head: bytes) -> dict[str, str] | None:
    """A WARC header; None where it is none. A line without a colon continues the one before (RFC 2822 folding)."""
    lines = head.decode("utf-8", "replace").splitlines()
    if not lines or not lines[0].startswith("WARC/"):
        return None
    headers: dict[str, str] = {}
    name = ""
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and name:
            headers[name] += " " + line.strip()
            continue
        key, colon, value = line.partition(":")
        if colon:
            name = key.strip().lower()
            headers.setdefault(name, value.strip())
    return headers if "warc-type" in headers else None


def _lost_response(source: ByteSource, start: int) -> dict[str, str]:
    """The URL of a response whose gzip member is damaged, where its header comes before the damage; nothing else."""
    inflate, text = zlib.decompressobj(31), b""
    data = source.read_at(start, LONGEST_HEADER)
    try:
        for place in range(0, len(data), 16):  # in small pieces, since the one with the damage gives nothing
            text += inflate.decompress(data[place : place + 16])
            if found := re.search(rb"\r?\n\r?\n", text):
                headers = _parse(text[: found.end()]) or {}
                if headers.get("warc-type", "").lower() == "response" and "warc-target-uri" in headers:
                    return {"warc-target-uri": headers["warc-target-uri"]}
                return {}
    except zlib.error:
        pass
    return {}


def _garbage(offset: int, length: int, trouble: str) -> RawRecord:
    return RawRecord(offset=offset, length=length, headers={}, block=b"", declared=None, trouble=trouble)


def moved(record: RawRecord, offset: int, length: int) -> RawRecord:
    return RawRecord(
        offset=offset,
        length=length,
        headers=record.headers,
        block=record.block,
        declared=record.declared,
        trouble=record.trouble,
    )

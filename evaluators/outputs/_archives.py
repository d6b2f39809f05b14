"""inspect's `.eval`: a zip whose members are deflated, or compressed with Zstandard, which Python before 3.14 cannot read."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ZSTANDARD = 93  # APPNOTE 6.3.7, §4.4.5
LARGEST = 2 << 30
"""Bytes that one member may become; a bomb is refused rather than swapped for."""
SAMPLE = re.compile(r"(?:.*/)?samples/[^/]+\.json")


class ArchiveError(Exception):
    """A file is no archive of inspect, or a damaged one."""


def is_archive(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


class Archive:
    """The members of a zip, whichever way they are compressed."""

    def __init__(self, content: bytes, file: zipfile.ZipFile) -> None:
        self._content, self._file = content, file
        self.names = file.namelist()

    @classmethod
    @contextmanager
    def open(cls, content: bytes) -> Iterator[Archive]:
        """Raises ArchiveError, here and while it is read."""
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as file:
                yield cls(content, file)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error) as error:
            raise ArchiveError(str(error) or type(error).__name__) from error

    def read(self, name: str) -> bytes:
        member = self._file.getinfo(name)
        if member.file_size > LARGEST:
            raise ArchiveError(f"{name} would become {member.file_size} bytes")
        if member.compress_type != ZSTANDARD:
            return self._file.read(name)
        import zstandard

        start = member.header_offset
        named, extra = struct.unpack("<HH", self._content[start + 26 : start + 30])  # §4.3.7: lengths of name and extra
        data = self._content[start + 30 + named + extra :][: member.compress_size]
        try:
            with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as stream:
                content = stream.read(member.file_size + 1)
        except zstandard.ZstdError as error:
            raise ArchiveError(f"{name}: {error}") from error
        if zlib.crc32(content) != member.CRC:
            raise ArchiveError(f"{name} is damaged: its checksum differs")
        return content

    def json(self, name: str) -> Any:
        try:
            return json.loads(self.read(name))
        except (ValueError, RecursionError) as error:
            raise ArchiveError(f"{name}: {error}") from error

    def first_json(self, *names: str) -> Any:
        """The first of these members that is there; None where none is."""
        return next((self.json(name) for name in names if name in self.names), None)


def inspect_log(content: bytes) -> dict[str, Any]:
    """The log as one object: its header with its samples, in the order of the archive. Raises ArchiveError.

    A run that was killed leaves no header; its start is in the journal, and its status is then `started`.
    """
    with Archive.open(content) as archive:
        samples = [archive.json(name) for name in dict.fromkeys(archive.names) if SAMPLE.fullmatch(name)]
        if not samples:
            raise ArchiveError("found no samples/*.json in it")
        header = archive.first_json("header.json")
        if header is None:
            header = {**(archive.first_json("_journal/start.json") or {"eval": {}}), "status": "started"}
    return {**header, "samples": samples}

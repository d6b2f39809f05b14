"""How the server and its workers speak: a head in JSON and a body of bytes, each way, over one socket.

    4 bytes  length of the head      8 bytes  number of the task
    4 bytes  length of the body      head, body

The body of a task is the request's own, unread by the server: parsing and validation are the worker's.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SIZES = struct.Struct("!IIQ")


@dataclass(frozen=True, slots=True)
class Frame:
    number: int
    head: dict[str, Any]
    body: bytes


def pack(number: int, head: dict[str, Any], body: bytes = b"") -> bytes:
    written = json.dumps(head, separators=(",", ":")).encode()
    return _SIZES.pack(len(written), len(body), number) + written + body


class Frames:
    """Frames of a stream of bytes, however it is cut."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._received += data
        start = 0
        try:
            while len(self._received) - start >= _SIZES.size:
                head, body, number = _SIZES.unpack_from(self._received, start)
                middle = start + _SIZES.size + head
                if len(self._received) < middle + body:
                    break
                said = json.loads(self._received[start + _SIZES.size : middle])
                content = bytes(self._received[middle : middle + body])
                start = middle + body
                yield Frame(number, said, content)
        finally:
            del self._received[:start]

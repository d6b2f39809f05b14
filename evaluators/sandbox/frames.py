"""What a session says of its block, parsed strictly: anything but the one expected frame is a breach of the channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evaluators.sandbox.records import Status
from evaluators.sandbox.server.agent import (
    ERROR,
    ERROR_CHARS,
    EXIT,
    MEMORY,
    OK,
    READY,
    REPLY,
    SETUP_FAILED,
    STARVED,
)

STATUSES: dict[int, Status] = {OK: "ok", ERROR: "error", MEMORY: "memory", STARVED: "error", EXIT: "exit"}
"""What a running block may answer."""
SETUP = frozenset({READY, SETUP_FAILED})
"""What a session may answer before its first block, and never after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A frame: what the session says became of the block."""

    status: int
    value: str | None
    error: str


class Frames:
    """The bytes that came over one channel and are not parsed yet."""

    def __init__(self, value_chars: int) -> None:
        self._longest = 10 * max(value_chars, ERROR_CHARS) + 64  # UTF-8, or \\UXXXXXXXX for what is none
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        self._data += data

    def reply(self, nonce: bytes, expected: frozenset[int]) -> Reply | Literal["protocol"] | None:
        """The frame that answers `nonce` with one of the `expected` statuses; None while it is not whole.

        "protocol" where what came is no such frame, or where more came than one.
        """
        if len(self._data) < REPLY.size:
            return None
        theirs, status, value_bytes, error_bytes = REPLY.unpack_from(self._data)
        fits = -1 <= value_bytes <= self._longest and error_bytes <= self._longest
        if theirs != nonce or not fits or status not in expected:
            return "protocol"
        middle = REPLY.size + max(0, value_bytes)
        end = middle + error_bytes
        if len(self._data) < end:
            return None
        value = None if value_bytes < 0 else _text(self._data[REPLY.size : middle])
        reply = Reply(status=status, value=value, error=_text(self._data[middle:end]))
        rest = self._data[end:]
        self._data.clear()
        return "protocol" if rest else reply


def _text(data: bytearray) -> str:
    return bytes(data).decode("utf-8", "backslashreplace")

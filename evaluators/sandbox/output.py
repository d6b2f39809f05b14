"""What a block prints: all of it up to a limit, and both ends of what is longer."""

from __future__ import annotations

FLOOD = 16
"""A block is ended that has printed so many times the limit; up to there only the middle of its output is lost."""
LEFT_OUT = "\n[{} bytes left out]\n"
_LONGEST_NOTE = len(LEFT_OUT) + 20


class Output:
    """The two streams of a block, together in the order in which they arrived, and standard output alone."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._both, self._stdout = _Ends(limit), _Ends(limit)

    def add(self, data: bytes, *, stdout: bool) -> None:
        self._both.add(data)
        if stdout:
            self._stdout.add(data)

    @property
    def over_limit(self) -> bool:
        return self._both.size > self.limit

    @property
    def flooded(self) -> bool:
        return self._both.size > FLOOD * self.limit

    def texts(self) -> tuple[str, str]:
        """Both streams, and standard output alone; bytes that are no UTF-8 as \\xNN."""
        return self._both.text(), self._stdout.text()


class _Ends:
    """Bytes of which the first and the last are kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._head, self._tail = bytearray(), bytearray()
        self.size = 0

    def add(self, data: bytes) -> None:
        self.size += len(data)
        room = self._limit - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room > 0 else data
        if len(self._tail) > 2 * self._limit:
            del self._tail[: -self._limit]

    def text(self) -> str:
        if self.size <= self._limit:
            return self._head.decode("utf-8", "backslashreplace")
        half = max(0, self._limit - _LONGEST_NOTE) // 2
        everything = self._head + self._tail[-self._limit :]
        head, tail = (
            everything[: _boundary(everything, half)],
            everything[_boundary(everything, len(everything) - half) :],
        )
        note = LEFT_OUT.format(self.size - len(head) - len(tail))
        return head.decode("utf-8", "backslashreplace") + note + tail.decode("utf-8", "backslashreplace")


def _boundary(data: bytearray, place: int) -> int:
    """The last start of a UTF-8 character at or before `place`, so that none is cut in two."""
    for start in range(place, max(-1, place - 4), -1):
        if start >= len(data) or data[start] & 0xC0 != 0x80:
            return start
    return place

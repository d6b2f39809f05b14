"""Character references of HTML in machine code (HTML Standard §13.2.5.72 to 80). Import in functions: numba takes a second."""

from __future__ import annotations

from html.entities import html5

import numpy as np
import numpy.typing as npt

from pipelines.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Table = npt.NDArray[np.int64]
LONGEST_ENTITY = 32  # characters; the longest name has 31


def _codes() -> Bytes:
    """Six bits for a byte of a name: its letter, whatever its case, its digit, or 63."""
    codes = np.full(256, 63, np.uint8)
    for place in range(26):
        codes[[ord("a") + place, ord("A") + place]] = place + 1
    codes[ord("0") : ord("9") + 1] = range(27, 37)
    return codes


def _entity_hash(name: bytes) -> int:
    value = 0
    for byte in name:
        value = (value * 131 + byte) & 0xFFFFFFFFFFFF
    return value


def _entity_table() -> tuple[Table, Bytes]:
    """Rows (hash of the name, place of its UTF-8 bytes, their count), and those bytes."""
    table, content = np.zeros((8192, 3), np.int64), bytearray()
    for name, characters in html5.items():
        value, text = _entity_hash(name.encode()), characters.encode()
        row = value % len(table)
        while table[row, 0]:
            row = (row + 1) % len(table)
        table[row] = value, len(content), len(text)
        content += text
    return table, np.frombuffer(bytes(content), np.uint8)


CODES = _codes()
ENTITIES, ENTITY_BYTES = _entity_table()
WINDOWS_1252 = np.array([ord(bytes([byte]).decode("cp1252", "replace")) for byte in range(128, 160)], np.int64)
"""What `&#150;` means (HTML Standard §13.2.5.80)."""


@compiled
def entity_at(html: Bytes, at: int, end: int) -> tuple[Bytes, int, int, int]:
    """Where the bytes of the character that begins with `&` lie, how many they are, and what follows it."""
    if at + 2 < end and html[at + 1] == 35:
        return _numbered(html, at, end)
    value, place = 0, at + 1
    best, best_end = -1, at
    while place < end and place - at <= LONGEST_ENTITY:
        byte = html[place]
        if byte != 59 and CODES[byte] == 63:
            break
        value = (value * 131 + byte) & 0xFFFFFFFFFFFF
        place += 1
        row = value % len(ENTITIES)
        while ENTITIES[row, 0] and ENTITIES[row, 0] != value:
            row = (row + 1) % len(ENTITIES)
        if ENTITIES[row, 0]:
            best, best_end = row, place
        if byte == 59:
            break
    if best < 0:
        return html, at, 1, at + 1
    return ENTITY_BYTES, ENTITIES[best, 1], ENTITIES[best, 2], best_end


@compiled
def _numbered(html: Bytes, at: int, end: int) -> tuple[Bytes, int, int, int]:
    """`&#8722;` and `&#x2212;`, with or without the semicolon."""
    base, place = 10, at + 2
    if html[place] | 32 == 120:
        base, place = 16, place + 1
    value, digits = 0, place
    while place < end:
        byte = html[place]
        digit = byte - 48 if 48 <= byte <= 57 else ((byte | 32) - 87 if base == 16 and 97 <= (byte | 32) <= 102 else 99)
        if digit >= base:
            break
        value = min(value * base + digit, 0x110000)
        place += 1
    if place == digits:
        return html, at, 1, at + 1
    if place < end and html[place] == 59:
        place += 1
    if 128 <= value < 160:
        value = WINDOWS_1252[value - 128]
    text = _utf8(value)
    return text, 0, len(text), place


@compiled
def _utf8(value: int) -> Bytes:
    if value == 0 or value > 0x10FFFF or 0xD800 <= value < 0xE000:
        value = 0xFFFD
    if value < 0x80:
        return np.array([value], np.uint8)
    if value < 0x800:
        return np.array([0xC0 | value >> 6, 0x80 | value & 63], np.uint8)
    if value < 0x10000:
        return np.array([0xE0 | value >> 12, 0x80 | value >> 6 & 63, 0x80 | value & 63], np.uint8)
    parts = [0xF0 | value >> 18, 0x80 | value >> 12 & 63, 0x80 | value >> 6 & 63, 0x80 | value & 63]
    return np.array(parts, np.uint8)

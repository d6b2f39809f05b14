"""What a start tag says: which attributes count, which sort of tag it is with them.

A page has thousands of start tags. Those that differ only in attributes which say nothing of their element (addresses,
sizes, most ids) are of one sort, and each sort is recorded once, to be judged by `tags`.

Compiled by numba. Import this module in functions: it takes a second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.byte_search import find_byte
from pipelines.compiled import inlined
from pipelines.extraction.class_names import BEGINNINGS, COMPOUND, SLUG
from pipelines.extraction.tags import MATH_ATTRIBUTES, NOTED_NAMES

Ints = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
OFFSET, PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # FNV-1a, 64 bits
SEED = int(OFFSET), int(PRIME)
TABLE = 1024


def hash_of(name: str) -> int:
    """FNV-1a of the name."""
    value, prime = SEED
    for byte in name.encode():
        value = (value ^ byte) * prime & 0xFFFFFFFFFFFFFFFF
    return value


def table_of(flags: dict[str, int]) -> tuple[Hashes, Ints]:
    """Hashes of names and what they say, by hash modulo the length, the next free row where that is taken."""
    keys, values = np.zeros(TABLE, np.uint64), np.zeros(TABLE, np.int32)
    for name, flag in flags.items():
        row = hash_of(name) % TABLE
        while keys[row]:
            row = (row + 1) % TABLE
        keys[row], values[row] = hash_of(name), flag
    return keys, values


def stem_table(*stems: bytes) -> npt.NDArray[np.uint8]:
    """A row for each stem, zeros after it; before them, in rows of eight, which bytes a stem begins with, in either case."""
    letters = np.zeros((32, 8), np.uint8)
    for stem in stems:
        letters.flat[[stem[0], stem[0] & ~32]] = 1
    return np.concatenate([letters, np.array([list(stem.ljust(8, b"\0")) for stem in stems], np.uint8)])


def _beginnings() -> npt.NDArray[np.bool_]:
    """How words begin that say something of an element (tags.kind_of), by their letters, five bits each."""
    known = np.zeros(1 << 15, np.bool_)
    for word in BEGINNINGS | {word[:3] for word in COMPOUND}:
        key = 0
        for letter in word:
            key = key << 5 | (ord(letter) - 96)
        known[key] = True
    return known


VALUE, PRESENCE, OF_CLASS, OF_ID, OF_STYLE = range(1, 6)
"""What counts of an attribute: its value, that it is there, or its value where it may say something."""
NOTED_KEYS, NOTED_FLAGS = table_of(
    dict.fromkeys([*NOTED_NAMES, "encoding", "type"], VALUE)
    | dict.fromkeys([*MATH_ATTRIBUTES, "hidden"], PRESENCE)
    | {"class": OF_CLASS, "id": OF_ID, "style": OF_STYLE}
)
BEGINNING_KEYS = _beginnings()
TELLING = stem_table(
    *(b"head", b"title", b"menu", b"display", b"classifi", b"ode", b"lang", b"brush", b"highligh", b"fragment", b"num"),
    *(
        b"lineno",
        b"gutter",
        b"math",
        b"katex",
        b"mjx",
        b"tex",
        b"jax",
        b"mq-",
        b"eeimg",
        b"formula",
        b"pcenter",
        b"script",
        b"frac",
        b"equation",
        b"expressi",
        b"intbl",
        b"sect",
        b"level",
    ),
)
"""Classes that say more of an element than its kind have one of these somewhere."""


@inlined
def look_up(keys: Hashes, values: Ints, key: Any) -> int:
    """What the table says of a name; 0 where it does not know it."""
    row = key & np.uint64(TABLE - 1)
    while keys[row] != 0:
        if keys[row] == key:
            return int(values[row])
        row = (row + np.uint64(1)) & np.uint64(TABLE - 1)
    return 0


@inlined
def has_stem(data: Bytes, begin: int, end: int, stems: Bytes) -> bool:
    """Whether one of the stems (`stem_table`) stands there, in any case."""
    for position in range(begin, end):
        byte = data[position]
        if not stems[byte >> 3, byte & 7]:
            continue
        for stem in range(32, len(stems)):
            place = 0
            while place < 8 and stems[stem, place] and position + place < end:
                letter = stems[stem, place]
                byte = data[position + place]
                if byte != letter and not (97 <= letter <= 122 and byte == letter - 32):
                    break
                place += 1
            if place == 8 or not stems[stem, place]:
                return True
    return False


@inlined
def _holds(data: Bytes, begin: int, end: int, letters: tuple[int, int, int, int]) -> bool:
    """Whether these four letters stand there, in either case."""
    for position in range(begin, end - 3):
        if (
            data[position] | 32 == letters[0]
            and data[position + 1] | 32 == letters[1]
            and data[position + 2] | 32 == letters[2]
            and data[position + 3] | 32 == letters[3]
        ):
            return True
    return False


@inlined
def _says(data: Bytes, begin: int, end: int) -> tuple[bool, int]:
    """Whether one of the words of a name begins as those do that say something of an element; how many words it has."""
    words, key, length, says, inside = 0, 0, 0, False, False
    for position in range(begin, end + 1):
        byte = data[position] | 32 if position < end else 32
        if byte == 32 or byte == 45 or byte == 127 or 41 <= byte <= 45:  # space, hyphen, underscore; control characters
            says = says or (inside and key >= 0 and BEGINNING_KEYS[key])
            inside = False
            continue
        if not inside:
            words, key, length, inside = words + 1, 0, 0, True
        if length < 3:
            key = key << 5 | (byte - 96) if key >= 0 and 97 <= byte <= 122 else -1
            length += 1
    return says, words


@inlined
def _id_counts(data: Bytes, begin: int, end: int) -> bool:
    """Whether an id may say something of its element: `sidebar`, not `theorem-4` or `how-to-search-for-roots`."""
    says, words = _says(data, begin, end)
    if _holds(data, begin, end, (104, 101, 97, 100)):  # head
        return True
    return words <= SLUG and (says or _holds(data, begin, end, (109, 101, 110, 117)))  # menu


@inlined
def _copy_classes(data: Bytes, begin: int, end: int, said: Bytes, draft: int) -> int:
    """Records the classes that may say something of their element, and a point for others between them; where they end."""
    if has_stem(data, begin, end, TELLING):
        return _copy(data, begin, end, said, draft)
    start = draft
    named = False
    position = begin
    while position < end:
        after = position
        while after < end and data[after] > 32:
            after += 1
        says = _says(data, position, after)[0]
        if after > position and (says or draft == start or said[draft - 1] != 46):
            if draft > start:
                said[draft] = 32
                draft += 1
            if says:
                draft = _copy(data, position, after, said, draft)
                named = True
            else:
                said[draft] = 46
                draft += 1
        position = after + 1
    return draft if named else start


@inlined
def _style_counts(data: Bytes, begin: int, end: int) -> bool:
    """Whether a style may hide its element, set it in the Symbol font, make it slanted, raise or lower it or draw a line above."""
    return (
        _holds(data, begin, end, (110, 111, 110, 101))  # none
        or _holds(data, begin, end, (104, 105, 100, 100))  # hidd
        or _holds(data, begin, end, (121, 109, 98, 111))  # ymbo
        or _holds(data, begin, end, (105, 116, 97, 108))  # ital
        or _holds(data, begin, end, (114, 108, 105, 110))  # rlin, of overline
        or _holds(data, begin, end, (114, 45, 116, 111))  # r-to, of border-top
        or _holds(data, begin, end, (114, 45, 98, 111))  # r-bo, of border-bottom
        or _holds(data, begin, end, (58, 98, 108, 111))  # :blo, of display:block
        or _holds(data, begin, end, (32, 98, 108, 111))  # the same after a space
        or _holds(data, begin, end, (108, 105, 110, 101))  # line, of inline-block and others
        or (
            _holds(data, begin, end, (118, 101, 114, 116))  # vert
            and (_holds(data, begin, end, (115, 117, 112, 101)) or _has_sub(data, begin, end))  # supe
        )
    )


@inlined
def _has_sub(data: Bytes, begin: int, end: int) -> bool:
    for position in range(begin, end - 2):
        if data[position] | 32 == 115 and data[position + 1] | 32 == 117 and data[position + 2] | 32 == 98:
            return True
    return False


@inlined
def _copy(data: Bytes, begin: int, end: int, target: Bytes, place: int) -> int:
    """Appends bytes, a `<` among them as a space; where they end."""
    for position in range(begin, min(end, len(data))):
        target[place] = data[position] if data[position] != 60 else 32
        place += 1
    return place


@inlined
def end_of_name(data: Bytes, begin: int) -> tuple[int, Any]:
    """Where the name of a tag ends, and its hash."""
    position, value = begin, OFFSET
    while position < len(data) and data[position] != 62 and data[position] != 32:
        value = (value ^ np.uint64(data[position])) * PRIME
        position += 1
    return position, value


@inlined
def _attribute(data: Bytes, begin: int) -> tuple[Any, int, int]:
    """The attribute after the space at `begin`: the hash of its name, and where its value begins and ends."""
    position, value = begin + 1, OFFSET
    while position < len(data) and data[position] != 62 and (data[position] != 61 or position == begin + 1):
        value = (value ^ np.uint64(data[position])) * PRIME  # a name may begin with what ends others
        position += 1
    opening = min(position + 2, len(data))  # after the quotation mark
    return value, opening, find_byte(data, 34, opening, len(data))


@inlined
def hash_attributes(data: Bytes, begin: int, value: Any) -> tuple[int, Any]:
    """Where the tag's `>` is whose attributes begin at `begin`, and its hash, of the attributes that may say something."""
    position = begin
    while position < len(data) and data[position] == 32:
        name, opening, closing = _attribute(data, position)
        counts = look_up(NOTED_KEYS, NOTED_FLAGS, name)
        if counts == PRESENCE:
            value = (value ^ name) * PRIME
        elif counts and not (counts == OF_ID and not _id_counts(data, opening, closing)):
            for place in range(position, closing):
                value = (value ^ np.uint64(data[place])) * PRIME
        position = closing + 1
    return find_byte(data, 62, position, len(data)), value


@inlined
def _record_attributes(data: Bytes, begin: int, said: Bytes, draft: int) -> int:
    """Records the attributes from `begin` on as far as they say something; where the record ends."""
    position = begin
    while position < len(data) and data[position] == 32:
        name, opening, closing = _attribute(data, position)
        counts = look_up(NOTED_KEYS, NOTED_FLAGS, name)
        if counts == PRESENCE:
            draft = _copy(data, position, opening, said, draft)
            said[draft] = 34
            draft += 1
        elif counts == OF_CLASS:
            names = _copy(data, position, opening, said, draft)
            after = _copy_classes(data, opening, closing, said, names)
            if after > names:
                said[after] = 34
                draft = after + 1
        elif (
            counts == VALUE
            or (counts == OF_ID and _id_counts(data, opening, closing))
            or (counts == OF_STYLE and _style_counts(data, opening, closing))
        ):
            draft = _copy(data, position, closing + 1, said, draft)
        position = closing + 1
    return draft


@inlined
def sort_of(
    data: Bytes, begin: int, name_end: int, bare: bool, value: Any, said: Bytes, counts: Any, known: Hashes
) -> int:
    """The sort of a start tag with this hash. A new one is recorded in `said`, as far as it says something, with `<` after it."""
    mask = np.uint64(len(known) - 1)
    row = value & mask
    while known[row, 0] != 0 and known[row, 0] != value:
        row = (row + np.uint64(1)) & mask
    if known[row, 0] == 0:
        known[row, 0], known[row, 1] = value, counts[0]
        draft = _copy(data, begin, name_end, said, counts[1])
        if not bare:
            draft = _record_attributes(data, name_end, said, draft)
        said[draft] = 60
        counts[0] += 1
        counts[1] = draft + 1
    return int(known[row, 1])

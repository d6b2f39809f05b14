"""The tags and texts of a page as lexbor writes it down, found in one pass of machine code.

lexbor serialises by the HTML Standard (§13.3): every tag is explicit, attributes stand in double quotes, brackets and
ampersands of texts and values are escaped. So a token is a tag with the text after it, and what differs between two
start tags only in attributes that say nothing of the element counts as one `kind` of start tag, to be judged once.

Compiled by numba. Import this module in functions: it takes a second.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.byte_search import find_byte
from pipelines.compiled import compiled, inlined
from pipelines.extraction.plain_math import SIGNS
from pipelines.extraction.start_tags import (
    PRIME,
    Bytes,
    Hashes,
    Ints,
    end_of_name,
    has_stem,
    hash_attributes,
    look_up,
    sort_of,
    stem_table,
    table_of,
)
from pipelines.extraction.tags import (
    BLOCK,
    FIXED,
    RAW_TEXT,
    VOIDS,
)

KIND, NAME, SORT, START, STOP, FROM, TO, FULL, LEAD, LENGTH, TEXT, INNER, INNER_END, SHOWN, SAYS = range(15)
"""What is known of a token: END, BEGIN ...; what its name says; which sort of start tag it is; the characters of the tag
without its brackets, and of the text after it; how long the text is without escapes, how much white space it begins with,
how long it is without that at both ends; BLANK, ESCAPED; the characters of a raw element's content, and how long that is
without white space at both ends, where it is shown; the tag's `Traits.code`, once it is judged."""
COLUMNS = 15
END, BEGIN, REMARK, RAW = range(4)
"""An end tag, a start tag, a comment or document type, and an element whose content is no markup."""
IS_BLOCK, IS_VOID, IS_RAW, IS_SCRIPT, IS_SHOWN, IS_FRAMES, IS_FIXED, IS_BARE, TYPESETS = (
    1 << place for place in range(9)
)
"""Of a name: a block, without content, without markup in it, a script, shown as it is (`xmp`), for browsers without
frames, the same whatever its attributes. Of a start tag: without attributes. Of a script: it may be an engine that typesets formulas, or a formula."""
BLANK, ESCAPED = 1, 2
"""Of a text: white space alone, before escapes are read; some escapes stand in it."""
STEMS = (b"math", b"katex", b"tex2jax", b"asciisvg", b"am_", b"amscript")
"""One of these stands in every name of an engine (formulas.ENGINES), in any case: other scripts are searched no further."""


def _names() -> dict[str, int]:
    flags = dict.fromkeys(BLOCK | FIXED, 0)
    for names, flag in (
        (BLOCK, IS_BLOCK),
        (VOIDS, IS_VOID),
        (RAW_TEXT, IS_RAW),
        (("script",), IS_SCRIPT),
        (("xmp", "plaintext"), IS_SHOWN),
        (("noframes",), IS_FRAMES),
        (FIXED - {"script"}, IS_FIXED),
    ):
        for name in names:
            flags[name] |= flag
    return flags


def _signs() -> Bytes:
    """For each character its place among the signs of plain mathematics, from 1; 0 for all others."""
    places = np.zeros(1 << 16, np.uint8)
    for place, sign in enumerate(SIGNS):
        places[ord(sign)] = place + 1
    return places


NAME_KEYS, NAME_FLAGS = table_of(_names())
PLAIN = np.array([32 < byte < 127 and byte not in b"<&" for byte in range(256)])
"""Bytes of a text that are characters of their own, and no white space."""
ENGINES = stem_table(*STEMS)
SIGN_PLACES = _signs()


def scan_page(page: bytes) -> tuple[Ints, Hashes, list[str], str]:
    """The tokens of a serialised page (in UTF-8), one a row (`KIND` and the others are the columns); the hash of each one's name; each
    sort of start tag, with the attributes that say something; and the signs of plain mathematics in the texts.

    Positions are of characters. The page has none of this package's private marks."""
    data = np.frombuffer(page, np.uint8)
    most = np.count_nonzero(data == 60)  # a third of the time of `count`
    tokens, names = np.empty((most, COLUMNS), np.int32), np.empty(most, np.uint64)
    said, seen = np.empty(len(data) + most, np.uint8), np.zeros(len(SIGNS) + 1, np.bool_)
    rows = 64
    while rows < 2 * most:
        rows *= 2
    count, length = _scan(data, tokens, names, said, seen, np.zeros((rows, 2), np.uint64))
    starts = said[:length].tobytes().decode("utf-8", "surrogatepass").split("<")[:-1]
    signs = "".join(sign for place, sign in enumerate(SIGNS) if seen[place + 1]) if seen[1:].any() else ""
    return tokens[:count], names[:count], starts, signs


@inlined
def _is_at(data: Bytes, position: int, begin: int, end: int) -> bool:
    """Whether the bytes `data[begin:end]` stand at `position`, too."""
    if position + end - begin > len(data):
        return False
    place = 0
    while place < end - begin and data[position + place] == data[begin + place]:
        place += 1
    return place == end - begin


@inlined
def _continued(data: Bytes, begin: int, end: int) -> int:
    """How many bytes there are more than characters."""
    count = 0
    for position in range(begin, end):
        count += (data[position] & 0xC0) == 0x80
    return count


@inlined
def _raw_end(data: Bytes, begin: int, name: int, name_end: int, script: bool) -> int:
    """Where the content of a raw element ends that begins at `begin`: at the `<` of its end tag, or at the page's end. In a
    script, `<!-- <script>` lets `</script>` be content (HTML Standard §13.2.5.20)."""
    count = len(data)
    escaped = False
    depth = 0  # `<script` less `</script`, since the comment began
    position = begin
    while position < count:
        byte = data[position]
        if byte == 60 and position + 1 < count:  # <
            if data[position + 1] == 47 and _is_at(data, position + 2, name, name_end):
                after = position + 2 + name_end - name
                if after < count and data[after] == 62 and not (script and escaped and depth > 0):
                    return position
                depth -= 1
            elif script and data[position + 1] == 33:
                if position + 3 < count and data[position + 2] == 45 and data[position + 3] == 45:
                    escaped, depth = True, 0
            elif script and _is_at(data, position + 1, name, name_end):
                depth += 1
        elif escaped and byte == 45 and position + 2 < count and data[position + 1] == 45 and data[position + 2] == 62:
            escaped = False
        position += 1
        if not escaped:
            position = find_byte(data, 60, position, count)
    return count


@inlined
def _is_space(character: int) -> bool:
    """What Python strips (Unicode: white space, and bidirectional type B, S or WS)."""
    return (
        (character <= 32 and (character == 32 or 9 <= character <= 13 or 28 <= character <= 31))
        or character == 0x85
        or character == 0xA0
        or (
            character >= 0x1680
            and (
                character == 0x1680
                or 0x2000 <= character <= 0x200A
                or character == 0x2028
                or character == 0x2029
                or character == 0x202F
                or character == 0x205F
                or character == 0x3000
            )
        )
    )


@inlined
def _escape(data: Bytes, position: int) -> tuple[int, bool]:
    """How long the escape of a character is, and whether that is white space."""
    following = data[position + 1]
    if following == 110 and data[position + 2] == 98:
        return 6, True
    if following == 97:
        return 5, False
    if following == 108 or following == 103:
        return 4, False
    return (6 if following == 113 else 1), False


@inlined
def _character(data: Bytes, position: int) -> tuple[int, int]:
    """The character there, and how many bytes it has (RFC 3629); one for all above U+FFFF, which nothing here asks for."""
    lead = int(data[position])
    if lead < 0x80:
        return lead, 1
    if lead < 0xE0:
        return (lead & 31) << 6 | (data[position + 1] & 63), 2
    if lead < 0xF0:
        return (lead & 15) << 12 | (data[position + 1] & 63) << 6 | (data[position + 2] & 63), 3
    return 0x10000, 4


@inlined
def _read_text(data: Bytes, begin: int, markup: bool, end: int, seen: Any) -> tuple[int, int, int, int, int, int]:
    """A text that begins at `begin`, up to the next tag, or to `end` where the content is no markup: where it ends, how many
    bytes it has more than characters, how long it is without escapes, how much white space it begins with, how long it
    is without that at both ends, and BLANK and ESCAPED."""
    position, more, full, first, after, flags = begin, 0, 0, -1, 0, BLANK
    while position < end:
        run = position
        while position < end and PLAIN[data[position]]:
            position += 1
        if position > run:
            first = full if first < 0 else first
            full += position - run
            after = full
            flags &= ~BLANK
            continue
        character, size = _character(data, position)
        if character == 60 and markup:
            break
        space = _is_space(character)
        if character >= 0x80:
            more += size - 1
            if character < 0x10000:
                seen[SIGN_PLACES[character]] = True
        elif character == 38 and markup and position + 3 < end:
            size, space = _escape(data, position)
            flags |= ESCAPED if size > 1 else 0
        if not space:
            first = full if first < 0 else first
            after = full + 1
        if not space or (size > 1 and character == 38):
            flags &= ~BLANK
        full += 1
        position += size
    return position, more, full, first if first >= 0 else full, after - max(first, 0), flags


@inlined
def _end_of_remark(data: Bytes, begin: int) -> int:
    """Where the `>` of a comment or document type is that begins with `!` at `begin`."""
    position = find_byte(data, 62, begin, len(data))
    if begin + 2 < len(data) and data[begin + 1] == 45 and data[begin + 2] == 45:
        while position < len(data) and not (
            position >= begin + 5 and data[position - 1] == 45 and data[position - 2] == 45
        ):
            position = find_byte(data, 62, position + 1, len(data))
    return position


@inlined
def _read_start(
    data: Bytes, begin: int, tokens: Ints, count: int, said: Bytes, counts: Any, known: Hashes
) -> tuple[int, Any, int]:
    """Reads a start tag: where its `>` is, the hash of its name, and where that ends."""
    name_end, name = end_of_name(data, begin)
    position, value = name_end, name
    flags = look_up(NAME_KEYS, NAME_FLAGS, name)
    if position >= len(data) or data[position] == 62:
        flags |= IS_BARE
    elif flags & IS_FIXED:
        position = find_byte(data, 62, position, len(data))
    else:
        position, value = hash_attributes(data, position, (value ^ np.uint64(32)) * PRIME)
    tokens[count, KIND], tokens[count, NAME] = BEGIN, flags
    tokens[count, SORT] = sort_of(data, begin, name_end, flags & (IS_BARE | IS_FIXED) != 0, value, said, counts, known)
    return position, name, name_end


@inlined
def _read_raw(
    data: Bytes, begin: int, name: int, name_end: int, tokens: Ints, count: int, more: int, seen: Any
) -> tuple[int, int]:
    """Reads the content of a raw element and its end tag: where that ends, and how many bytes it all has more than characters."""
    script = tokens[count, NAME] & IS_SCRIPT != 0
    position = _raw_end(data, begin, name, name_end, script)
    extra = _continued(data, begin, position)
    tokens[count, KIND] = RAW
    tokens[count, INNER], tokens[count, INNER_END] = begin - more, position - more - extra
    if tokens[count, NAME] & IS_SHOWN:
        tokens[count, SHOWN] = _read_text(data, begin, False, position, seen)[4]
    if script and has_stem(data, name, position, ENGINES):
        tokens[count, NAME] |= TYPESETS
    return min(
        find_byte(data, 62, position, len(data)) + 1, len(data)
    ), extra  # end tags of raw elements are plain ASCII


@compiled
def _scan(data: Bytes, tokens: Ints, names: Hashes, said: Bytes, seen: Any, known: Hashes) -> tuple[int, int]:
    """Fills the tables of `scan_page`; how many tokens there are, and how many bytes in `said`. `known` is a hash table of the
    sorts of start tags."""
    end = len(data)
    counts = np.zeros(2, np.int64)  # sorts, bytes in `said`
    count = 0
    position = find_byte(data, 60, 0, end)
    more = _continued(data, 0, position)  # bytes so far that are no characters of their own
    while position < end:
        begin = position + 1
        name_end = begin
        names[count] = 0
        tokens[count, START], tokens[count, SORT], tokens[count, NAME] = begin - more, -1, 0
        if begin < end and data[begin] == 47:
            tokens[count, KIND] = END
            position, names[count] = end_of_name(data, begin + 1)
            tokens[count, NAME] = look_up(NAME_KEYS, NAME_FLAGS, names[count])
            position = find_byte(data, 62, position, end)
        elif begin < end and data[begin] == 33:
            tokens[count, KIND] = REMARK
            position = _end_of_remark(data, begin)
        else:
            position, names[count], name_end = _read_start(data, begin, tokens, count, said, counts, known)
        more += _continued(data, begin, min(position, end))
        tokens[count, STOP] = position - more
        position = min(position + 1, end)
        if tokens[count, KIND] == BEGIN and tokens[count, NAME] & IS_RAW:
            position, extra = _read_raw(data, position, begin, name_end, tokens, count, more, seen)
            more += extra
        tokens[count, FROM] = position - more
        position, extra, full, lead, length, what = _read_text(data, position, True, end, seen)
        more += extra
        tokens[count, TO], tokens[count, FULL], tokens[count, LEAD], tokens[count, LENGTH], tokens[count, TEXT] = (
            position - more,
            full,
            lead,
            length,
            what,
        )
        count += 1
    return count, counts[1]

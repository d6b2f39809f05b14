"""The visible text of a page straight from its bytes: the HTML Standard's tokenizer (§13.2.5), without a tree.

Compiled by numba, once for each installation: a page costs a quarter of what the text of a parser's tree costs.
Import this module in functions: it takes a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.byte_search import find_byte
from pipelines.compiled import compiled
from pipelines.crawl.entities import CODES, Bytes, Table, entity_at

INLINE, CELL, BLOCK, PRE, IMAGE, ELEMENT = range(6)
GAPS = np.array([0, 1, 2, 2, 0, 0])
"""What each kind of tag leaves in the text: nothing, a space, or a line's end."""
BLOCKS = (
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure"
    " footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li link main menu meta nav ol p search"
    " section summary table tbody tfoot thead tr ul"
)
ELEMENTS = "title script style textarea iframe noscript template svg button select label canvas audio video"
"""Elements whose content is no text of the page."""
RAW = 5
"""The first so many of them are those in which `<` begins no tag: without an end tag they reach to the page's end."""
HIDDEN = {"script", "style", "noscript", "template"}
"""Those that leave no room in the line; the others are a gap in it."""
NAME, MARK, SLASH, SPACE = 1, 2, 3, 4


def _classes() -> Bytes:
    classes = np.zeros(256, np.uint8)
    classes[[9, 10, 12, 13, 32]] = SPACE
    classes[[*range(65, 91), *range(97, 123)]] = NAME
    classes[[ord("!"), ord("?")]] = MARK
    classes[ord("/")] = SLASH
    return classes


def _name_key(name: str) -> int:
    """Of the first ten characters."""
    key = 0
    for byte in name[:10].encode():
        key = key << 6 | int(CODES[byte])
    return key


def _tag_table() -> Table:
    """Rows (key, kind, number of the element), by key modulo the length, the next free row where that is taken."""
    table = np.zeros((512, 3), np.int64)
    for names, kind in ((BLOCKS, BLOCK), ("pre listing", PRE), ("td th", CELL), ("img", IMAGE), (ELEMENTS, ELEMENT)):
        for number, name in enumerate(names.split()):
            row = _name_key(name) % len(table)
            while table[row, 0]:
                row = (row + 1) % len(table)
            table[row] = _name_key(name), kind, number
    return table


CLASSES = _classes()
PLAIN = (CLASSES != SPACE) & ~np.isin(np.arange(256), [0, ord("&"), 0xC2])
"""Bytes that are written as they are."""
SPACES = np.where(PLAIN, 0, np.where(CLASSES == SPACE, 1, 2)).astype(np.int64)
"""0 for those, 1 for spaces, 2 for what has to be looked at."""
TAGS = _tag_table()
ELEMENT_BYTES = np.array([list(f"{name:\0<10}".encode()) for name in ELEMENTS.split()], np.uint8)
XML_DECLARATION = np.frombuffer(b"<?xml", np.uint8)
IS_HIDDEN = np.array([name in HIDDEN for name in ELEMENTS.split()])


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleText:
    """Text of a page in lines, each run of white space one space, entities decoded."""

    text: str
    title: str


def visible_text(html: bytes) -> VisibleText:
    """Without tags; formulas that MathJax 2 keeps in scripts as `$...$`, images by their alternative text.

    `html` is UTF-8. Never raises.
    """
    data = np.frombuffer(html, np.uint8)
    out = np.empty(2 * len(html) + 64, np.uint8)  # an entity of five bytes may stand for six
    size, begin, end = _strip(data, out)
    text = out[:size].tobytes().decode("utf-8", "replace")
    title = ""
    if end > begin:
        size, _ = _copy(data, begin, end, out, 0, 0, False, True)
        title = out[:size].tobytes().decode("utf-8", "replace")
    return VisibleText(text=text, title=title)


@compiled
def _strip(html: Bytes, out: Bytes) -> tuple[int, int, int]:
    """Writes the text; returns its length and where the title's text lies."""
    size = gap = at = 0
    title, title_end, pre = 0, 0, 0
    missing = np.zeros(len(ELEMENT_BYTES), np.bool_)  # elements of which no end tag follows any more
    is_xml = _is_xml(html)
    while at < len(html):
        start = _next_tag(html, at)
        if start > at:
            size, gap = _copy(html, at, start, out, size, gap, pre > 0, True)
        at = start
        if at == len(html):
            break
        if CLASSES[html[at + 1]] == MARK:
            at = _declaration_end(html, at)
            continue
        kind, number = _tag(html, at)
        at, alt, alt_end = _tag_end(html, at, kind == IMAGE)
        closing = html[start + 1] == 47
        gap = max(gap, GAPS[kind])
        if kind == PRE:
            pre = int(not closing)
        elif kind == IMAGE and alt_end > alt:
            size, gap = _copy(html, alt, alt_end, out, size, max(gap, 1), False, True)
            gap = max(gap, 1)
        elif kind == ELEMENT and not (closing or missing[number] or ((number >= RAW or is_xml) and html[at - 2] == 47)):
            end = _element_end(html, at, number)
            if end < 0:
                missing[number] = True
                continue
            if number == 0 and title == 0:
                title, title_end = at, end
            elif number == 1 and _holds_formula(html, start, at):
                size, gap = _formula(html, at, end, out, size, gap)
            if not IS_HIDDEN[number]:
                gap = max(gap, 1)
            at = end
    return size, title, title_end


@compiled
def _is_xml(html: Bytes) -> bool:
    """Whether a page begins with an XML declaration: then `<script src="x" />` is a whole element, which in HTML it is not."""
    at = 0
    while at < len(html) and (html[at] <= 32 or html[at] >= 0xEF):  # white space, a byte order mark
        at += 1 if html[at] <= 32 else 3
    found = at + len(XML_DECLARATION) <= len(html)
    for place in range(len(XML_DECLARATION)):
        found = found and html[at + place] == XML_DECLARATION[place]
    return found


@compiled
def _formula(html: Bytes, begin: int, end: int, out: Bytes, size: int, gap: int) -> tuple[int, int]:
    dollar = np.full(1, 36, np.uint8)
    size, gap = _copy(dollar, 0, 1, out, size, max(gap, 1), False, False)
    size, gap = _copy(html, begin, end, out, size, 0, False, False)
    return _copy(dollar, 0, 1, out, size, 0, False, False)[0], 1


@compiled
def _next_tag(html: Bytes, at: int) -> int:
    at = find_byte(html, 60, at, len(html))
    while at < len(html) and not _is_tag(html, at):
        at = find_byte(html, 60, at + 1, len(html))
    return at


@compiled
def _is_tag(html: Bytes, at: int) -> bool:
    if at + 1 >= len(html):
        return False
    following = CLASSES[html[at + 1]]
    return following in (NAME, MARK) or (following == SLASH and at + 2 < len(html))


@compiled
def _declaration_end(html: Bytes, at: int) -> int:
    comment = html[at + 1] == 33 and at + 3 < len(html) and html[at + 2] == 45 and html[at + 3] == 45
    place = find_byte(html, 62, at + (4 if comment else 2), len(html))
    while place < len(html):
        if not comment or (html[place - 1] == 45 and html[place - 2] == 45):
            return place + 1
        if html[place - 1] == 33 and html[place - 2] == 45 and html[place - 3] == 45:
            return place + 1
        place = find_byte(html, 62, place + 1, len(html))
    return len(html)


@compiled
def _tag(html: Bytes, at: int) -> tuple[int, int]:
    """The kind of a tag and the number of its element."""
    key, length = 0, 0
    place = at + 2 if html[at + 1] == 47 else at + 1
    while place < len(html) and length < 10:
        byte = html[place]
        if byte == 62 or CLASSES[byte] >= SLASH:
            break
        key = key << 6 | CODES[byte]
        place, length = place + 1, length + 1
    row = key % len(TAGS)
    while TAGS[row, 0]:
        if TAGS[row, 0] == key:
            return TAGS[row, 1], TAGS[row, 2]
        row = (row + 1) % len(TAGS)
    return INLINE, 0


@compiled
def _tag_end(html: Bytes, at: int, image: bool) -> tuple[int, int, int]:
    """What follows the tag, and where the text of an image's `alt` lies. An unclosed quote is taken for none."""
    alt = alt_end = 0
    name = 0  # where the name begins that a `=` would give its value to; 0 where there is none
    place = at + 1
    while place < len(html) and html[place] != 62 and CLASSES[html[place]] != SPACE:
        place += 1
    while place < len(html):
        byte = html[place]
        if byte == 62:
            return place + 1, alt, alt_end
        if byte == 61 and name:
            is_alt = image and alt_end == 0 and _is_alt(html, name)
            begin, end, place = _attribute_value(html, _past_spaces(html, place + 1))
            if is_alt:
                alt, alt_end = begin, end
            name = 0
            continue
        kind = CLASSES[byte]
        if kind == SLASH:
            name = 0
        elif kind != SPACE and (name == 0 or CLASSES[html[place - 1]] == SPACE):
            name = place
        place += 1
    return min(find_byte(html, 62, at + 1, len(html)) + 1, len(html)), 0, 0


@compiled
def _is_alt(html: Bytes, name: int) -> bool:
    """Whether a name that a `=` or space follows is `alt`, whatever its case."""
    if CODES[html[name]] != 1 or CODES[html[name + 1]] != 12 or CODES[html[name + 2]] != 20:
        return False
    return bool(html[name + 3] == 61 or CLASSES[html[name + 3]] == SPACE)


@compiled
def _past_spaces(html: Bytes, place: int) -> int:
    while place < len(html) and CLASSES[html[place]] == SPACE:
        place += 1
    return place


@compiled
def _attribute_value(html: Bytes, place: int) -> tuple[int, int, int]:
    """Where a value begins and ends, and what follows."""
    if place < len(html) and (html[place] == 34 or html[place] == 39):
        quote, begin = html[place], place + 1
        place = find_byte(html, quote, begin, len(html))
        return begin, place, place + 1
    begin = place
    while place < len(html) and html[place] != 62 and CLASSES[html[place]] != SPACE:
        place += 1
    return begin, place, place


@compiled
def _element_end(html: Bytes, at: int, number: int) -> int:
    """Where the end tag begins; the page's end, or -1, where there is none."""
    name = ELEMENT_BYTES[number]
    place = find_byte(html, 60, at, len(html))
    while place + 2 < len(html):
        if html[place + 1] == 47:
            length = 0
            while (
                length < len(name)
                and place + 2 + length < len(html)
                and (html[place + 2 + length] | 32) == name[length]
            ):
                length += 1
            if (length == len(name) or name[length] == 0) and (
                place + 2 + length >= len(html)
                or CLASSES[html[place + 2 + length]] >= SLASH
                or html[place + 2 + length] == 62
            ):
                return place
        place = find_byte(html, 60, place + 1, len(html))
    return len(html) if number < RAW else -1


@compiled
def _holds_formula(html: Bytes, begin: int, end: int) -> bool:
    """Whether a script's tag says math/tex or math/asciimath."""
    for place in range(begin, end - 6):
        found = html[place] == 109 and html[place + 1] == 97 and html[place + 2] == 116 and html[place + 3] == 104
        if found and html[place + 4] == 47 and (html[place + 5] == 116 or html[place + 5] == 97):
            return True
    return False


@compiled
def _copy(
    html: Bytes, begin: int, end: int, out: Bytes, size: int, gap: int, lines: bool, entities: bool
) -> tuple[int, int]:
    """Text without tags to `out`; the new size, and the gap that follows: 0, 1 (a space) or 2 (a line's end)."""
    at = begin
    while at < end:
        byte = html[at]
        if PLAIN[byte]:
            size, at, gap = _copy_run(html, at, end, out, _close_gap(out, size, gap), lines)
        elif CLASSES[byte] == SPACE:
            gap = 2 if lines and byte == 10 else max(gap, 1)
            at += 1
        elif byte == 0:
            at += 1
        elif byte == 38 and entities:
            size, gap, at = _copy_entity(html, at, end, lines, out, size, gap)
        else:
            length = min(2, end - at) if byte == 0xC2 else 1
            size, gap = _character(html, at, length, lines, out, size, gap)
            at += length
    return size, gap


@compiled
def _copy_run(html: Bytes, at: int, end: int, out: Bytes, size: int, lines: bool) -> tuple[int, int, int]:
    """Plain bytes and spaces, without a branch that depends on where words end; the new size, place and gap."""
    was_space = 0
    while at < end:
        byte = html[at]
        space = SPACES[byte]
        if space > 1 or (lines and byte == 10):
            break
        out[size] = 32 if space else byte
        size += 1 - (space & was_space)
        was_space, at = space, at + 1
    return size - was_space, at, was_space


@compiled
def _copy_entity(html: Bytes, at: int, end: int, lines: bool, out: Bytes, size: int, gap: int) -> tuple[int, int, int]:
    source, first, length, following = entity_at(html, at, end)
    size, gap = _character(source, first, length, lines, out, size, gap)
    return size, gap, following


@compiled
def _character(source: Bytes, first: int, length: int, lines: bool, out: Bytes, size: int, gap: int) -> tuple[int, int]:
    """One character, or what an entity stands for: spaces of all kinds widen the gap, NUL is nothing."""
    byte = source[first]
    if length == 1 and (byte == 0 or CLASSES[byte] == SPACE):
        return size, (2 if lines and byte == 10 else max(gap, 1)) if byte else gap
    if length == 2 and byte == 0xC2 and source[first + 1] == 0xA0:
        return size, max(gap, 1)
    size = _close_gap(out, size, gap)
    for place in range(first, first + length):
        out[size] = source[place]
        size += 1
    return size, 0


@compiled
def _close_gap(out: Bytes, size: int, gap: int) -> int:
    if gap and size:
        out[size] = 10 if gap == 2 else 32
        return size + 1
    return size

"""Which rare notations a page may have, told by one pass over its tags: few pages have any, and none is searched for where its
sign is missing.

Compiled by numba. Import this module in functions: it takes a second.
"""

from __future__ import annotations

from pipelines.byte_search import find_byte
from pipelines.compiled import compiled, inlined
from pipelines.extraction.start_tags import Bytes

DRAWING, UNSCRIPTED, MATH_COMMENT, WORD_COMMENT, PREFIXED, QUOTED = (1 << place for place in range(6))
"""`<svg`, `<noscript`, LaTeX2HTML's `<!-- MATH`, Word's `<!--[if gte msEquation`, `<mml:`, and the `«` of WIRIS."""


@inlined
def _stands(data: Bytes, position: int, word: tuple[int, ...]) -> bool:
    """Whether the letters of a word, written in small ones, stand there in either case."""
    if position + len(word) > len(data):
        return False
    for place in range(len(word)):
        byte = data[position + place]
        if byte != word[place] and not (97 <= word[place] <= 122 and byte == word[place] - 32):
            return False
    return True


SVG, NOSCRIPT, MATH = tuple(b"svg"), tuple(b"noscript"), tuple(b"!-- math")
CONDITION, QUOTED_MATH = tuple(b"!--[if gte ms"), tuple(b"\xabmath")


@inlined
def _has_prefix(data: Bytes, position: int) -> bool:
    """Whether a colon follows the first letters of a tag's name."""
    for place in range(position, min(position + 8, len(data))):
        byte = data[place]
        if byte == 58:
            return True
        if byte == 62 or byte == 32:
            return False
    return False


@compiled
def rare_signs(data: Bytes) -> tuple[int, int, int]:
    """The signs that the page has, how many `<` it has, and how many of these begin end tags. `data` is in UTF-8."""
    end = len(data)
    signs = tags = ends = 0
    position = find_byte(data, 60, 0, end)
    while position < end - 1:
        tags += 1
        first = data[position + 1] | 32
        if data[position + 1] == 47:
            ends += 1
        elif first == 115 and _stands(data, position + 1, SVG):
            signs |= DRAWING
        elif first == 110 and _stands(data, position + 1, NOSCRIPT):
            signs |= UNSCRIPTED
        elif data[position + 1] == 33:
            signs |= MATH_COMMENT if _stands(data, position + 1, MATH) else 0
            signs |= WORD_COMMENT if _stands(data, position + 1, CONDITION) else 0
        elif first == 109 and _has_prefix(data, position + 1):
            signs |= PREFIXED
        position = find_byte(data, 60, position + 1, end)
    position = find_byte(data, 171, 0, end)  # the second byte of «
    while position < end:
        if _stands(data, position, QUOTED_MATH):
            return signs | QUOTED, tags, ends
        position = find_byte(data, 171, position + 1, end)
    return signs, tags, ends

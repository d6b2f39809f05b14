"""Pages written as XML, made readable for an HTML parser: namespace prefixes of MathML, empty-element tags."""

from __future__ import annotations

import re

PREFIXED_MATH = re.compile(r"<(/?)(?:m|mml|mathml|math):(?=[a-zA-Z])")
PREFIXED_EMPTY = re.compile(r"<(?:m|mml|mathml|math):(m\w+)([^<>]*)/>")
XML_EMPTY = re.compile(r"<(script|a|div|span|title|iframe|textarea|style|td|p)(\s[^<>]*)?/>", re.IGNORECASE)


def as_html(page: str) -> str:
    """The page itself, where it is HTML already."""
    if ":math" in page and PREFIXED_MATH.search(page):
        page = PREFIXED_MATH.sub(r"<\1", PREFIXED_EMPTY.sub(r"<\1\2></\1>", page))
    if page[:200].lstrip("\ufeff \t\r\n").startswith("<?xml"):  # as XML meant it: <script src="x"/> has no content
        page = XML_EMPTY.sub(r"<\1\2></\1>", page)
    return page

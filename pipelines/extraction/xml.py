"""Pages that an HTML parser would read wrongly or for ever: namespace prefixes and empty elements of XML, tags nested
without end, and formulas that LaTeX2HTML keeps in comments."""

from __future__ import annotations

import html
import re
from collections import Counter

import numpy as np

from pipelines.extraction.foreign import with_formulas
from pipelines.extraction.rare_signs import MATH_COMMENT, PREFIXED, rare_signs
from pipelines.extraction.tags import BLOCK, RAW_TEXT, VOIDS

NESTING = BLOCK - {"p", "li", "td", "tr", "th", "dd", "dt", "tbody", "thead", "html", "body"} | {
    "font",
    "b",
    "i",
    "em",
    "strong",
    "span",
    "a",
    "sub",
    "sup",
}
"""Elements that nest in themselves; others are closed by the next of their kind."""

PREFIXED_MATH = re.compile(r"<(/?)(?:m|mml|mathml|math):(?=[a-zA-Z])")
PREFIXED_EMPTY = re.compile(r"<(?:m|mml|mathml|math):(m\w+)([^<>]*)/>")
XML_EMPTY = re.compile(r"(script|a|div|span|title|iframe|textarea|style|td|p)(?:\s[^>]*)?", re.IGNORECASE)


LATEX2HTML = re.compile(
    r"""<!-- MATH\s+(.{1,20000}?)\s*-->((?:(?!<!-- MATH).){0,300}?<img\s[^>]{0,300}?alt=")([^"]*)""",
    re.IGNORECASE | re.DOTALL,
)
SHOWN = re.compile(
    r"\\(?:begin|end)\s*\{(?:displaymath|math|equation\*?)\}|\\(?:displaystyle|textstyle)(?![A-Za-z])|\$|\\label\{[^{}]*\}"
)
"""What says only that, and how, a formula is set."""
START = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>")
DEEPEST = 512
"""Elements nested deeper than in any browser (Blink's and WebKit's limit): such tags are left out."""
SUSPICIOUS = 5_000
"""Start tags without end tag from which nesting is looked at: parsing takes the square of the depth."""


def as_html(page: str) -> bytes:
    """The page in UTF-8, as it is where it is HTML already. Of bytes each question takes half the time that it takes of characters."""
    if page[:200].lstrip("\ufeff \t\r\n").startswith("<?xml"):  # as XML meant it: <script src="x"/> has no content
        page = _with_ends(page)
    written = page.encode("utf-8", "replace")
    signs, tags, ends = rare_signs(np.frombuffer(written, np.uint8))
    labelled = b"aria-label" in written
    if signs or labelled:
        page = with_formulas(page, signs, labelled=labelled)
        if signs & MATH_COMMENT:
            page = LATEX2HTML.sub(_with_source, page)
        if signs & PREFIXED and ":math" in page and PREFIXED_MATH.search(page):
            page = PREFIXED_MATH.sub(r"<\1", PREFIXED_EMPTY.sub(r"<\1\2></\1>", page))
        written = page.encode("utf-8", "replace")
    if tags > SUSPICIOUS and tags - 2 * ends > SUSPICIOUS:
        written = _shallow(written.decode()).encode()
    return written


def _with_source(found: re.Match[str]) -> str:
    """LaTeX2HTML cuts the middle out of an image's alternative text; the comment before it has the formula whole."""
    comment, between, alternative = found.groups()
    begun, cut, _ = alternative.partition("...\n...")
    source = _bare(SHOWN.sub("", comment))
    if not cut or not source.startswith(_bare(SHOWN.sub("", html.unescape(begun)))):
        return found.group()
    return f"{between}{html.escape(comment)}"


def _bare(tex: str) -> str:
    return "".join(tex.replace("\\protect", "").split())


def _with_ends(page: str) -> str:
    """The page with an end tag for each empty element that HTML knows no empty form of."""
    parts = page.split("/>")
    for position, part in enumerate(parts[:-1]):
        start = part.rfind("<") + 1
        empty = XML_EMPTY.fullmatch(part, start) if start else None
        parts[position] += f"></{empty[1]}>" if empty else "/>"
    return "".join(parts)


def _shallow(page: str) -> str:
    """The page without the tags below the greatest depth. Depth counts what the page itself never closes, too."""
    depth: Counter[str] = Counter()

    def kept(tag: re.Match[str]) -> str:
        name = tag[2].lower()
        if name in VOIDS:
            return tag[0]
        before = depth[name]
        depth[name] = max(0, before - 1) if tag[1] else before + 1
        return "" if before > DEEPEST and (tag[1] or name not in RAW_TEXT) and name in NESTING else tag[0]

    return START.sub(kept, page)

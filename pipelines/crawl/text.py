"""Cheap text: what the classifier sees of a page. One function for every page, positive and negative alike.

The worst mistake a recall loop can make is to extract positives and negatives by different code: the classifier then
learns the extractor (REFERENCE of OpenWebMath's and datatrove's recipes). So nothing else makes cheap text.
"""

from __future__ import annotations

import re

MARKERS = re.compile(
    r"\\(?:frac|sqrt|sum|int|alpha|beta|theta|begin\{|left|right|mathbb|mathrm|leq|geq|infty|partial|\(|\[)"
    r"|<math[\s>]|math/tex|MathJax|katex|class=\"[^\"]*(?:mwe-math|ltx_Math|math)[^\"]*\"|latex\.php|\$\$"
)
SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")
TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.I | re.S)
LONGEST_HTML = 2_000_000
"""Characters; what lies beyond is not worth its time for a cheap look (the exact extraction reads all)."""


def cheap_text(html: str) -> tuple[str, str]:
    """(title, visible text with its line breaks) of a page. NULs and lone surrogates become spaces."""
    from resiliparse.extract.html2text import extract_plain_text

    cleaned = sanitised(html[:LONGEST_HTML])
    text = extract_plain_text(
        cleaned,
        preserve_formatting=True,
        main_content=False,
        list_bullets=False,
        alt_texts=True,
        links=False,
        form_fields=False,
        noscript=False,
    )
    found = TITLE.search(cleaned[:20_000])
    title = " ".join(_unescaped(found.group(1)).split())[:300] if found else ""
    lines = (SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return title, "\n".join(line for line in lines if line)


def count_markers(html: str) -> int:
    """Math markers in the raw HTML. They route a page; they never drop one: word problems carry none."""
    return sum(1 for _ in MARKERS.finditer(html))


def sanitised(text: str) -> str:
    """Text that UTF-8 and fastText accept: no NUL, no lone surrogate."""
    if "\0" in text:
        text = text.replace("\0", " ")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def _unescaped(text: str) -> str:
    import html

    return html.unescape(text)

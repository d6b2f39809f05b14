"""Cheap text: what the classifier sees of a page. One function for every page, positive and negative alike.

The worst mistake a recall loop can make is to extract positives and negatives by different code: the classifier then
learns the extractor (REFERENCE of OpenWebMath's and datatrove's recipes). So nothing else makes cheap text.
"""

from __future__ import annotations

import html as entities
import re

TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.I | re.S)
TEX_SCRIPT = re.compile(r"<script[^>]{0,200}math/(?:tex|asciimath)[^>]{0,100}>(.*?)</script\s*>", re.I | re.S)
TAGS = re.compile(
    r"<(?:(?:script|style)\b.*?(?:</(?:script|style)|\Z)|!--.*?(?:-->|\Z)|[/!?a-zA-Z][^>]*>)", re.I | re.S
)
LONGEST_HTML = 2_000_000
"""Characters; what lies beyond is not worth its time for a cheap look (the exact extraction reads all)."""
GLIMPSE = 8_000
"""Characters of HTML that are looked at where only the language is wanted."""


def cheap_text(html: str) -> tuple[str, str]:
    """(title, visible text with its line breaks) of a page. NULs and lone surrogates become replacement characters."""
    from resiliparse.extract.html2text import extract_plain_text

    cleaned = sanitised(html[:LONGEST_HTML])
    if "math/" in cleaned:  # MathJax 2 keeps its formulas in scripts, which have no visible text
        cleaned = TEX_SCRIPT.sub(lambda found: f" ${entities.escape(found.group(1), quote=False)}$ ", cleaned)
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
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return title_of(cleaned), "\n".join([line for line in lines if line])


def title_of(html: str) -> str:
    """The page's title, as one line; empty where there is none."""
    found = TITLE.search(html[:20_000])
    return sanitised(" ".join(entities.unescape(found.group(1)).split())[:300]) if found else ""


def glimpse(html: str) -> str:
    """Some visible text from the middle of a page, enough to tell its language, at a tenth of the cost of its text."""
    middle = max(0, len(html) // 2 - GLIMPSE // 2)
    text = ""
    for start in (middle, 0):
        piece = html[start : start + GLIMPSE]
        text = " ".join(entities.unescape(TAGS.sub(" ", piece[piece.find(">") + 1 :])).split())
        if len(text) >= 100:
            break
    return sanitised(text)


def sanitised(text: str) -> str:
    """Text that UTF-8 and fastText accept: no NUL, no lone surrogate."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text

"""Cheap text: what the classifier sees of a page. One function for every page, positive and negative alike.

The worst mistake a recall loop can make is to extract positives and negatives by different code: the classifier then
learns the extractor (REFERENCE of OpenWebMath's and datatrove's recipes). So nothing else makes cheap text.
"""

from __future__ import annotations

LONGEST_HTML = 2_000_000
"""Bytes; what lies beyond is not worth its time for a cheap look (the exact extraction reads all)."""
LONGEST_TITLE = 300
GLIMPSE = 8_000
"""Bytes of HTML that are looked at where the page may not be worth its whole text."""
ENOUGH = 100
"""Characters of text in a glimpse; with fewer it fell on a script, and the page's beginning is taken instead."""


def cheap_text(html: bytes) -> tuple[str, str]:
    """(title, visible text with its line breaks) of a page in UTF-8. Never raises; gives no NUL and no surrogate."""
    from pipelines.crawl.markup import visible_text

    page = visible_text(html[:LONGEST_HTML])
    return " ".join(page.title.split())[:LONGEST_TITLE], page.text


def glimpse(html: bytes) -> str:
    """Some visible text from the middle of a page, enough to tell its language and its subject."""
    from pipelines.crawl.markup import visible_text

    middle = max(0, len(html) // 2 - GLIMPSE // 2)
    text = ""
    for start in (middle, 0) if middle else (0,):
        piece = html[start : start + GLIMPSE]
        text = visible_text(piece[piece.find(b">") + 1 :] if start else piece).text
        if len(text) >= ENOUGH:
            break
    return text

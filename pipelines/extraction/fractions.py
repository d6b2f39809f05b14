"""Fractions that a page draws with markup: a numerator over a denominator, by class (`sfrac`), by a ruled line between two
boxes or two rows of a table, by a raised and a lowered number.

They are written into the text with marks of their own, so that `plain_math` makes one formula of `2` and `1/2` and `π`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.extraction.document import Document, Element
from pipelines.extraction.plain_math import (
    FRACTION,
    FRACTION_BAR,
    FRACTION_END,
    MARK_OPEN,
    SUB,
    SUB_END,
    SUP,
    SUP_END,
    VARIABLE,
)
from pipelines.extraction.tags import FRACTION_CLASS, INLINE

ABOVE = re.compile(r"(?:^|[\s_-])(?:num|numer|numerator|top|up|upper|over|nu)(?=$|[\s_-])", re.IGNORECASE)
BELOW = re.compile(r"(?:^|[\s_-])(?:den|denom|denominator|bottom|bot|down|lower|under|de)(?=$|[\s_-])", re.IGNORECASE)
UNREAD = frozenset({"sr-only", "visually-hidden", "visualhide", "screen-reader-text"})
SLASH = frozenset("/⁄∕÷+\u2060\u200b \u00a0")
"""What stands between the parts for those who hear the page, or between those who see no line."""
SLASHED = re.compile(r"\s*(\d+\s+)?([^\s/⁄∕]{1,12})\s*[/⁄∕]\s*([^\s/⁄∕]{1,12})\s*")
LONGEST_PART = 60
"""Characters of a numerator or a denominator."""
WORDY = re.compile(r"[^\W\d_\u2e80-\u9fff]{4,}")
LOWER_RULE = re.compile(r"border-bottom(?:-width|-style)?\s*:\s*(?!0|none)", re.IGNORECASE)
UPPER_RULE = re.compile(r"border-top(?:-width|-style)?\s*:\s*(?!0|none)", re.IGNORECASE)
BOXED = re.compile(r"display\s*:\s*(?:inline-)?(?:block|table|flex|grid)", re.IGNORECASE)


def written(numerator: str, denominator: str, whole: str = "") -> str:
    """A fraction between the marks of plain mathematics."""
    return f"{whole}{FRACTION}{numerator.strip()}{FRACTION_BAR}{denominator.strip()}{FRACTION_END}"


def named_fraction(element: Element) -> str | None:
    """The fraction that an element with the class of one is; None where no two parts are told."""
    for parts in (_named_parts(element), _scripted_parts(element), _two_parts(element)):
        if parts is not None:
            whole, above, below = parts
            return _of_parts(above, below, whole)
    cells = [part for part in element.iterate() if part.tag in ("td", "th")]
    if len(cells) == 2 and len([part for part in element.iterate() if part.tag == "tr"]) == 2:
        return _of_parts(cells[0], cells[1])
    found = SLASHED.fullmatch(element.text())
    return written(found[2], found[3], (found[1] or "").strip()) if found else None


def ruled_fraction(element: Element) -> tuple[str, Element] | None:
    """The fraction that a box with a line below and the box after it are, or one with a line above and the one before it, with
    the other of the two; None where they are something else: a heading, words that are underlined."""
    style, parent = element.get("style"), element.parent
    if parent is None:
        return None
    boxes = [child for child in parent.children if not isinstance(child, str) or child.strip()]
    place = next((place for place, child in enumerate(boxes) if child is element), -1)
    below = LOWER_RULE.search(style) is not None
    other = boxes[place + (1 if below else -1)] if 0 <= place + (1 if below else -1) < len(boxes) else None
    if isinstance(other, str) or other is None or place < 0:
        return None
    alone = len(boxes) == 2 and parent.tag in INLINE and BOXED.search(parent.get("style")) is not None
    if not alone and not all(part.tag in INLINE and BOXED.search(part.get("style")) for part in (element, other)):
        return None
    pair = (element, other) if below else (other, element)
    if any(WORDY.search(part.text()) for part in pair):
        return None
    found = _of_parts(*pair)
    return (found, other) if found is not None else None


def table_fraction(document: Document, table: int, rows: list[list[int]]) -> str | None:
    """The fraction that a table of two cells with a line between them is."""
    if len(rows) != 2 or any(len(row) != 1 for row in rows):
        return None
    above, below = document.element(rows[0][0]), document.element(rows[1][0])
    ruled = LOWER_RULE.search(above.get("style")) or UPPER_RULE.search(below.get("style"))
    if not ruled and not FRACTION_CLASS.search(document.element(table).get("class")):
        return None
    if any(WORDY.search(part.text()) for part in (above, below)):
        return None
    return _of_parts(above, below)


def _of_parts(above: Element, below: Element, whole: str = "") -> str | None:
    parts = [marked_text(part).strip() for part in (above, below)]
    if not all(parts) or any(len(part) > LONGEST_PART for part in parts):
        return None
    return written(parts[0], parts[1], whole)


def _named_parts(element: Element) -> tuple[str, Element, Element] | None:
    parts = [part for part in element.iterate() if part is not element and part.get("class")]
    above = next((part for part in parts if ABOVE.search(part.get("class"))), None)
    below = next((part for part in parts if BELOW.search(part.get("class"))), None)
    return (_whole(element, above), above, below) if above is not None and below is not None else None


def _scripted_parts(element: Element) -> tuple[str, Element, Element] | None:
    above, below = element.find("sup"), element.find("sub")
    return (_whole(element, above), above, below) if above is not None and below is not None else None


def _two_parts(element: Element) -> tuple[str, Element, Element] | None:
    """The two elements that are all it holds but for a slash."""
    parts: list[Element] = []
    for child in element.children:
        if isinstance(child, str) or not UNREAD.isdisjoint(child.get("class").split()):
            if isinstance(child, str) and not SLASH.issuperset(child.strip()):
                return None
        elif not SLASH.issuperset(child.text()):
            parts.append(child)
    if len(parts) == 1 and parts[0].tag not in ("table", "sup", "sub"):
        return _two_parts(parts[0])
    if len(parts) != 2 or any(WORDY.search(part.text()) for part in parts):
        return None
    return "", parts[0], parts[1]


def _whole(element: Element, above: Element) -> str:
    """The whole number of a mixed one, before the numerator."""
    before = ""
    for child in element.children:
        if not isinstance(child, str):
            if child is above or child.find(above.tag) is not None:
                break
            continue
        before += child
    return before.strip() if before.strip().isdigit() else ""


def marked_text(element: Element) -> str:
    """What an element holds, with the marks of plain mathematics for scripts, variables and fractions."""
    return "".join(_marked(element.children))


def _marked(children: list[Element | str]) -> Iterator[str]:
    for child in children:
        if isinstance(child, str):
            yield " ".join(child.split()) if not child.isspace() else " "
            continue
        classes = child.get("class")
        if not UNREAD.isdisjoint(classes.split()):
            continue
        inner = (named_fraction(child) if FRACTION_CLASS.search(classes) or child.tag == "table" else None) or ""
        if inner:
            yield inner
        elif child.tag in ("sup", "sub"):
            opening, closing = (SUP, SUP_END) if child.tag == "sup" else (SUB, SUB_END)
            yield f"{opening}{marked_text(child)}{closing}"
        elif child.tag in ("i", "em", "var") and len(child.text().strip()) == 1 and MARK_OPEN not in child.text():
            yield VARIABLE + child.text().strip()
        else:
            yield marked_text(child)

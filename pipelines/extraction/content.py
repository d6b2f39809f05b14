"""Which part of a page is its content: navigation, banners, footers and hidden things out, everything else in.

Two steps. Elements that say what they are (`nav`, `class="cookie-banner"`) are cut, unless most of the page's text
would go with them. Then the smallest element that holds nearly all running text is the content, so that a forum's
answers, a manual's sections and a blog's post are kept whole, whatever their markup.
"""

from __future__ import annotations

from typing import Literal

from pipelines.extraction import weights
from pipelines.extraction.document import Document, Element
from pipelines.extraction.hidden import is_for_readers
from pipelines.extraction.nodes import (
    CODE,
    HEADLINES,
    IN_MAIN,
    IN_PRE,
    LINKS,
    MOVED_INTO_BLOCK,
    OUT,
    PARENT,
    PRESENT,
    STATE,
    SUSPECTS,
    UNDER,
)
from pipelines.extraction.statements import BLOCK_CUT, CUT, widen
from pipelines.extraction.tags import CONTENT_SIGN, INLINE, NEVER_TEXT, WHOLE, Traits
from pipelines.extraction.weights import SENTENCE

Strictness = Literal["strict", "lenient", "all"]

MOST = 0.35
"""Share of the page's text above which a class name is not believed: themes name whole columns `sidebar-right`."""
FEW = 0.12
"""Share of the page's text up to which a name is believed even of running text without links."""
NEARLY_ALL = 0.85
"""Share of the running text that the content element must hold."""
MARKED = 0.55
"""The same for an element that says it is the content (`main`, `article`, `itemprop="articleBody"`)."""
LINK_LIST = 0.75
"""Share of its text in links from which a block inside the content is taken for navigation."""


FORMULA = Traits("-formula", {})
"""What has taken the place of an element: the mark of a formula."""


def measure(document: Document) -> None:
    """Counts characters: see `weights.measure`."""
    weights.measure(document.nodes, document.lists[SUSPECTS], document.lists[HEADLINES])


def prune(document: Document, strictness: Strictness) -> bool:
    """Cuts from the page whatever is not content by its own account; whether it cut any. `measure` must have run."""
    table, body = document.nodes, document.element(document.body)
    end = document.ends[body.row]
    total, weight = max(body.length, 1), max(body.weight, 1)
    found = False
    for row in document.lists[SUSPECTS].tolist():
        if not body.row < row < end or table[STATE, row] != PRESENT or table[UNDER, row] & IN_PRE:
            continue
        element = document.element(row)
        inside = bool(table[UNDER, row] & IN_MAIN)
        if element.tag in NEVER_TEXT:
            document.replace(row, CUT, [" "])
        elif strictness != "all" and _is_chrome(element, total, weight, inside, strictness):
            headings = [
                heading
                for heading in document.headlines()
                if heading.tag == "h1"
                and heading.length < 300
                and heading.row != row
                and is_in(document, heading.row, row)
            ]
            document.replace(row, BLOCK_CUT if element.traits.block else CUT, [*headings])
        else:
            continue
        found = True
    return found


def is_in(document: Document, row: int, ancestor: int) -> bool:
    """Whether the element is a part of the other that is still there."""
    return (
        ancestor <= row < document.ends[ancestor]
        and (row == ancestor or document.element(row).tag not in ("-cut", "-formula"))
        and document.nodes[STATE, row] in (PRESENT, MOVED_INTO_BLOCK)
    )


def _is_chrome(element: Element, total: int, weight: int, inside: bool, strictness: Strictness) -> bool:
    length, links = element.length, element.links
    share = max(length / total, element.weight / weight)
    traits, tag = element.traits, element.tag
    if links > 0.5 * length and total - length > 2 * SENTENCE:
        share = min(share, 0.1)  # a menu is no content, however long it is
    menu = share < FEW or links > 0.4 * length
    if tag == "nav":
        return share < 0.5
    if tag == "footer" or (tag == "header" and not inside):
        return share < 0.5 and menu
    if tag == "aside":
        return share < MOST and (not inside or links > 0.3 * length)
    if traits.hidden or (traits.dimmed and share < 0.1):
        return share < 0.5 and not is_for_readers(element)
    if tag in WHOLE and traits.kind != "never":
        return False
    if strictness == "lenient" or traits.role:
        return traits.role and share < MOST and menu
    if not traits.kind and traits.header and links > 0.5 * length:
        return True  # texinfo's and others' row of links to the neighbouring pages
    if traits.kind == "never":
        return share < NEARLY_ALL
    if traits.kind == "chrome":
        return share < MOST and menu
    return (
        traits.kind == "comments"
        and tag not in INLINE  # a comment of a program
        and share < 0.5
        and "\ue000" not in element.text()
        and not element.is_in_forum()
    )


def main_element(document: Document, heading: Element | None) -> int:
    """The row of the element whose text is the page's content: the longest part of the page, with the statements beside it.
    `measure` must have run after the last cut."""
    headline = heading.row if heading is not None and document.nodes[STATE, heading.row] != OUT else -1
    return widen(document, _longest_part(document, headline), headline)


def _longest_part(document: Document, headline: int) -> int:
    """The row of the smallest element that holds nearly all running text."""
    table = document.nodes
    current = document.body
    floor = NEARLY_ALL * document.weight(current)
    while True:
        best = weights.heaviest(table, current)
        if best < 0 or document.length(best) < SENTENCE:  # a displayed formula is never the content alone
            return current
        if document.weight(best) >= floor and not _has_lead(document, current, best, headline):
            current = best
            continue
        if table[CODE, current] & CONTENT_SIGN:
            return current
        marked = _marked_content(document, current)
        if marked is None:
            return current
        parent = int(table[PARENT, marked])
        if _has_lead(document, parent, marked, headline):
            return parent
        current, floor = marked, NEARLY_ALL * document.weight(marked)


def _has_lead(document: Document, element: int, largest: int, headline: int) -> bool:
    """Whether running text that is the beginning of the content stands before the largest part."""
    return weights.lead_of(document.nodes, element, largest, headline) >= 2 * SENTENCE


def _marked_content(document: Document, element: int) -> int | None:
    """The only element below that says it is the content, where it holds more than half of the running text.

    A forum marks every post so: where several say it, none is the content alone."""
    found = weights.content_signs(document.nodes, element)
    largest = max(found, key=document.weight, default=None)
    if largest is None or document.weight(largest) < MARKED * document.weight(element):
        return None
    rivals = [row for row in found if row != largest and document.weight(row) > 0.1 * document.weight(largest)]
    return None if any(_like(document.element(row), document.element(largest)) for row in rivals) else largest


def _like(rival: Element, element: Element) -> bool:
    return rival.tag == element.tag and rival.get("class").split()[:1] == element.get("class").split()[:1]


def cut_link_lists(document: Document, content: int) -> None:
    """Cuts blocks that are mostly links, where the content is not itself a list of links."""
    length, links = document.length(content), int(document.nodes[LINKS, content])
    prose = length - links
    if prose < 400 or links > 0.5 * length:
        return
    for row in weights.link_lists(document.nodes, content, prose, LINK_LIST):
        document.replace(row, BLOCK_CUT, [])

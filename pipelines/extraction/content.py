"""Which part of a page is its content: navigation, banners, footers and hidden things out, everything else in.

Two steps. Elements that say what they are (`nav`, `class="cookie-banner"`) are cut, unless most of the page's text
would go with them. Then the smallest element that holds nearly all running text is the content, so that a forum's
answers, a manual's sections and a blog's post are kept whole, whatever their markup.
"""

from __future__ import annotations

from typing import Literal

from pipelines.extraction.document import Document, Element
from pipelines.extraction.tags import HIDDEN, INLINE, NEVER_TEXT, ROLES, WHOLE, Traits

Strictness = Literal["strict", "lenient", "all"]

FORUM = (
    "QAPage",
    "DiscussionForumPosting",
    "answercell",
    "js-post",
    'class="question"',
    "topic-body",
    "post-stream",
    "postbody",
    "post_body",
    "viewtopic",
    "threadtitle",
    "message-body",
    "showthread",
)
"""Signs that comments are the content: names that question-and-answer sites and forum software write."""
LEAVES = frozenset(
    [
        "p",
        "ul",
        "ol",
        "dl",
        "table",
        "pre",
        "blockquote",
        "tbody",
        "tr",
        "td",
        "li",
        "dd",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "figure",
        "a",
        "span",
        "b",
        "i",
        "em",
        "strong",
        "font",
        "tt",
        "code",
        "-cut",
        "-formula",
    ]
)
"""Elements that are never the content, though all text may lie in one."""
MOST = 0.35
"""Share of the page's text above which a class name is not believed: themes name whole columns `sidebar-right`."""
FEW = 0.12
"""Share of the page's text up to which a name is believed even of running text without links."""
NEARLY_ALL = 0.85
"""Share of the running text that the content element must hold."""
MARKED = 0.55
"""The same for an element that says it is the content (`main`, `article`, `itemprop="articleBody"`)."""
SENTENCE = 40
"""What one formula weighs, in characters, and the length from which text counts as running text."""
LINK_LIST = 0.75
"""Share of its text in links from which a block inside the content is taken for navigation."""


CUT, BLOCK_CUT, FORMULA = Traits("-cut", {}), Traits("div", {}), Traits("-formula", {})
"""What has taken the place of an element: nothing, only the break that a block makes, or the mark of a formula."""
GONE = frozenset({id(CUT), id(BLOCK_CUT), id(FORMULA)})


def replace(element: Element, traits: Traits, children: list[Element | str]) -> None:
    """Puts nothing or a formula in the element's place."""
    for child in element.children:
        if child.__class__ is Element:
            child.parent = None  # out of the page
    element.traits, element.tag, element.children = traits, traits.tag, children
    element.own = sum(len(child) for child in children if isinstance(child, str))


def measure(document: Document) -> None:
    """Fills `length`, `links`, `run` and `weight` of the elements of a page, of which each comes before what it holds.

    What a formula or a cut has replaced may be among them: it has no parent. What lies in a link is measured as if it did
    not, but for what may be cut or may head the page."""
    elements = document.elements
    for element in elements:
        element.length = element.run = element.own
        element.links = element.weight = 0
    for element in reversed(elements):
        traits, parent = element.traits, element.parent
        length, run = element.length, element.run
        if traits.inline:
            if element.tag == "a":
                element.links, element.weight = length, 0
                if parent is not None:
                    parent.length += length
                    parent.links += length
                continue
            weight = element.weight + run
        elif traits is FORMULA:
            weight = element.weight + run + SENTENCE if element.own else element.weight + run
        else:
            weight = element.weight + (run if run >= SENTENCE or traits.text_block else run // 4)
        element.weight = weight
        if parent is not None:
            parent.length += length
            parent.links += element.links
            if traits.inline or traits is FORMULA:
                parent.run += weight
            else:
                parent.weight += weight
    for element in [*document.suspects, *document.headlines]:
        parent = element.parent if element.length else None
        while parent is not None:
            if parent.tag == "a":
                element.links, element.weight = element.length, 0
                break
            parent = parent.parent


def prune(document: Document, body: Element, strictness: Strictness) -> bool:
    """Cuts from the tree whatever is not content by its own account; whether it cut any. `measure` must have run."""
    total, weight = max(body.length, 1), max(body.weight, 1)
    found = False
    forum = any(element.traits.kind == "comments" for element in document.suspects) and _is_forum(document)
    for element in document.suspects:
        inside = _surroundings(element, body)
        if inside is None:
            continue
        if element.tag in NEVER_TEXT:
            replace(element, CUT, [" "])
        elif strictness != "all" and _is_chrome(element, total, weight, inside, strictness, forum):
            headings = [
                heading
                for heading in document.headlines
                if heading.tag == "h1" and heading.length < 300 and is_in(heading, element)
            ]
            replace(element, BLOCK_CUT if element.traits.block else CUT, [*headings])
            for heading in headings:
                heading.parent = element
        else:
            continue
        found = True
    return found


def _is_forum(document: Document) -> bool:
    starts = "\n".join(document.starts)
    return any(sign in starts for sign in FORUM) or any("QAPage" in script.text() for script in document.scripts)


def is_in(element: Element | None, ancestor: Element) -> bool:
    """Whether the element is a part of the other that is still there."""
    while element is not None and element is not ancestor:
        if element.traits is CUT or element.traits is FORMULA:
            return False
        element = element.parent
    return element is not None


def _surroundings(element: Element, body: Element) -> bool | None:
    """Whether the element stands in one that says it is the content; None where it is out of the page already."""
    inside = False
    parent = element.parent
    while parent is not body:
        if parent is None or id(parent.traits) in GONE or parent.tag == "pre":
            return None
        inside = inside or parent.tag in ("main", "article")
        parent = parent.parent
    return inside or body.tag in ("main", "article")


def _is_chrome(element: Element, total: int, weight: int, inside: bool, strictness: Strictness, forum: bool) -> bool:
    share = max(element.length / total, element.weight / weight)
    attributes, tag = element.attributes, element.tag
    if element.links > 0.5 * element.length and total - element.length > 2 * SENTENCE:
        share = min(share, 0.1)  # a menu is no content, however long it is
    menu = share < FEW or element.links > 0.4 * element.length
    if tag == "nav":
        return share < 0.5
    if tag == "footer" or (tag == "header" and not inside):
        return share < 0.5 and menu
    if tag == "aside":
        return share < MOST and (not inside or element.links > 0.3 * element.length)
    if attributes and (
        "hidden" in attributes
        or HIDDEN.search(attributes.get("style", ""))
        or (attributes.get("aria-hidden") == "true" and share < 0.1)
    ):
        return share < 0.5
    if not attributes or (tag in WHOLE and element.traits.kind != "never"):
        return False
    return _is_named_chrome(element, share, menu, strictness, forum)


def _is_named_chrome(element: Element, share: float, menu: bool, strictness: Strictness, forum: bool) -> bool:
    """What role, class and id make of the element."""
    attributes = element.attributes
    if strictness == "lenient" or attributes.get("role") in ROLES:
        return attributes.get("role") in ROLES and share < MOST and menu
    names = f"{attributes.get('class', '')} {attributes.get('id', '')}"
    kind = element.traits.kind
    if not kind and "header" in names and element.links > 0.5 * element.length:
        return True  # texinfo's and others' row of links to the neighbouring pages
    if kind == "never":
        return share < NEARLY_ALL
    if kind == "chrome":
        return share < MOST and menu
    return (
        kind == "comments"
        and element.tag not in INLINE  # a comment of a program
        and share < 0.5
        and "\ue000" not in element.text()
        and not forum
    )


def main_element(body: Element, heading: Element | None) -> Element:
    """The element whose text is the page's content. `measure` must have run after the last cut."""
    above = _ancestors(heading)
    current, floor = body, NEARLY_ALL * body.weight
    while True:
        inner = [child for child in current.elements() if child.tag not in LEAVES]
        best = max(inner, key=lambda child: child.weight, default=None)
        if best is None or best.length < SENTENCE:  # a displayed formula is never the content alone
            return current
        if best.weight >= floor and not _has_lead(current, best, above):
            current = best
            continue
        if current.traits.content:
            return current
        marked = _marked_content(current)
        if marked is None:
            return current
        parent = marked.parent
        if parent is not None and _has_lead(parent, marked, above):
            return parent
        current, floor = marked, NEARLY_ALL * marked.weight


def _ancestors(element: Element | None) -> list[Element]:
    """The element and all that it lies in."""
    found: list[Element] = []
    while element is not None:
        found.append(element)
        element = element.parent
    return found


def _has_lead(element: Element, largest: Element, heading: list[Element]) -> bool:
    """Whether running text that is the beginning of the content stands before the largest part: in an element that
    says it is the content, or after the headline of the page (`heading`: it and all that it lies in)."""
    lead, counts = 0, element.traits.content
    for child in element.elements():
        if child is largest:
            break
        if not counts and child in heading:
            counts, lead = True, -heading[0].weight
        if counts:
            lead += child.weight
    return lead >= 2 * SENTENCE


def _marked_content(element: Element) -> Element | None:
    """The only element below that says it is the content, where it holds more than half of the running text.

    A forum marks every post so: where several say it, none is the content alone."""
    found: list[Element] = []
    stack = list(reversed(element.elements()))
    while stack:
        candidate = stack.pop()
        if candidate.weight < SENTENCE or candidate.tag in LEAVES:
            continue
        if candidate.traits.content:
            found.append(candidate)
        else:
            stack.extend(reversed(candidate.elements()))
    largest = max(found, key=lambda candidate: candidate.weight, default=None)
    if largest is None or largest.weight < MARKED * element.weight:
        return None
    rivals = [candidate for candidate in found if candidate is not largest and candidate.weight > 0.1 * largest.weight]
    return None if any(_like(rival, largest) for rival in rivals) else largest


def _like(rival: Element, element: Element) -> bool:
    return rival.tag == element.tag and rival.get("class").split()[:1] == element.get("class").split()[:1]


LISTS = frozenset({"ul", "ol", "div", "table", "section", "dl", "aside", "center"})


def cut_link_lists(content: Element) -> None:
    """Cuts blocks that are mostly links, where the content is not itself a list of links."""
    prose = content.length - content.links
    if prose < 400 or content.links > 0.5 * content.length:
        return
    stack = [content]
    while stack:
        for element in stack.pop().children:
            if element.__class__ is str or not element.links:  # type: ignore[union-attr]  # an element, since it is no text
                continue
            if element.tag in LISTS and _is_link_list(element, prose):  # type: ignore[union-attr, arg-type]
                replace(element, BLOCK_CUT, [])  # type: ignore[arg-type]
            else:
                stack.append(element)  # type: ignore[arg-type]


def _is_link_list(element: Element, prose: int) -> bool:
    if element.length > prose or element.weight > 3 * SENTENCE or element.links < LINK_LIST * element.length:
        return False
    anchors = sum(1 for part in element.iterate() if part.tag == "a")
    return anchors >= 3 and element.links / anchors < 2 * SENTENCE

"""A page as a tree that costs little to read: a table of nodes, and elements that are made where somebody looks at one.

lexbor builds the tree as a browser does and writes it down with every tag explicit and every bracket of text escaped.
Machine code reads that string (`scanning`, `nodes`) in a tenth of the time that visiting the tree node by node from Python would take,
and each distinct start tag is judged once (`tags`).

The tree is private to one call of `extract`; nothing of it outlives the page.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt
from selectolax.lexbor import LexborHTMLParser

from pipelines.extraction.nodes import (
    BLANKS,
    CANDIDATES,
    CODE,
    ENDS,
    FIRST,
    FORM,
    FRAMES,
    HEADLINES,
    IN_PRE,
    LAST,
    LENGTHS,
    LINKS,
    MARKED_UP,
    MOVED_INTO_BLOCK,
    MOVED_INTO_CUT,
    OUT,
    OWN,
    PARENT,
    PRESENT,
    SCRIPTS,
    STATE,
    TITLES,
    UNDER,
    VERBATIM,
    WEIGHT,
    WHICH,
    build_tree,
)
from pipelines.extraction.plain_math import PRIVATE
from pipelines.extraction.scanning import (
    FROM,
    INNER,
    INNER_END,
    NAME,
    SORT,
    START,
    STOP,
    TO,
    TYPESETS,
    scan_page,
)
from pipelines.extraction.tags import (
    FLOW,
    ITEM,
    LAYOUT,
    Traits,
    attributes_of,
    traits_of,
    unescape,
)
from pipelines.extraction.weights import break_places
from pipelines.extraction.xml import as_html

MARKUP = re.compile("<[^>]*>")
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
PRIVATE_LEAD = "\ue000".encode()[:2]
"""How the private marks begin in UTF-8, and few other characters."""
CONTROLS = r"""(?:aria-controls="|data-(?:bs-)?target="#|onclick="[^"]*['#(]|data-(?:bs-)?toggle="[^<>]*href="#)"""
"""How an attribute begins that names what its element opens."""
ADDRESS = re.compile(' href="[^"]*"')


class Element:
    """One element; text between elements is plain `str` among its children."""

    __slots__ = ("_attributes", "_children", "_document", "_parent", "row", "tag", "traits")

    def __init__(self, document: Document | None, row: int, traits: Traits) -> None:
        self._document = document
        self.row = row  # in the table of nodes
        self.traits = traits
        self.tag = traits.tag
        self._attributes: dict[str, str] | None = None
        self._children: list[Element | str] | None = None
        self._parent: Element | None = None

    @classmethod
    def made(cls, tag: str, attributes: dict[str, str], children: list[Element | str]) -> Element:
        """An element that no page wrote."""
        element = cls(None, -1, traits_of(tag))
        element._attributes = attributes
        element._children = children
        for child in children:
            if not isinstance(child, str):
                child._parent = element
        return element

    def __repr__(self) -> str:
        return f"<{self.start or self.tag} {len(self.children)} children>"

    @property
    def start(self) -> str:
        """The start tag as it was written, without its brackets; empty where no page wrote it."""
        return self._document.start(self.row) if self._document is not None else ""

    @property
    def attributes(self) -> dict[str, str]:
        found = self._attributes
        if found is None:
            start = self.start
            found = self._attributes = attributes_of(start) if " " in start else {}
        return found

    @property
    def children(self) -> list[Element | str]:
        found = self._children
        if found is None:
            found = self._children = self._document.children(self.row) if self._document is not None else []
        return found

    @property
    def parent(self) -> Element | None:
        if self._parent is None and self._document is not None:
            return self._document.parent(self.row)
        return self._parent

    @property
    def length(self) -> int:
        """Characters of text below, once the page is measured."""
        return self._document.length(self.row) if self._document is not None else 0

    @property
    def links(self) -> int:
        """Those of them in links."""
        return int(self._document.nodes[LINKS, self.row]) if self._document is not None else 0

    @property
    def weight(self) -> int:
        """Characters of running text, where a formula counts as a sentence."""
        return self._document.weight(self.row) if self._document is not None else 0

    def markup(self, before: int) -> tuple[str, str]:
        """So many characters of the page before the element, and all that is written from its start tag to what comes next."""
        document = self._document
        if document is None:
            return "", ""
        first, following = document.firsts[self.row], document.ends[self.row]
        last = max(document.lasts[self.row : following] + document.firsts[following : following + 1])
        return document.written[max(first - before, 0) : max(first - 1, 0)], document.written[first:last]

    def is_controlled(self) -> bool:
        """Whether a button, or a link with a program, names this element by its id."""
        name = self.get("id")
        if not name or self._document is None:
            return False
        named = re.compile(CONTROLS + re.escape(name) + "['\"]")
        return named.search(self._document.written) is not None

    def is_in_program(self) -> bool:
        return self._document is not None and bool(self._document.nodes[UNDER, self.row] & IN_PRE)

    def is_in_forum(self) -> bool:
        return self._document is not None and self._document.is_forum

    def get(self, name: str) -> str:
        """The attribute's value, empty where it is missing."""
        return self.attributes.get(name, "")

    def elements(self) -> list[Element]:
        """The children that are elements."""
        return [child for child in self.children if not isinstance(child, str)]

    def iterate(self) -> Iterator[Element]:
        """This element and all below it, in document order."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(child for child in reversed(element.children) if not isinstance(child, str))

    def text(self) -> str:
        """All text below, as it stands in the source."""
        if self._document is not None:
            return self._document.text_in(self.row)
        parts: list[str] = []
        stack: list[Element | str] = [self]
        while stack:
            node = stack.pop()
            if isinstance(node, str):
                parts.append(node)
            else:
                stack.extend(reversed(node.children))
        return "".join(parts)

    def find(self, *tags: str) -> Element | None:
        """The first element below (or this one) with one of these tags."""
        document = self._document
        if document is None:
            return next((element for element in self.iterate() if element.tag in tags), None)
        return next((document.element(row) for row in document.rows_below(self.row) if document.tag(row) in tags), None)

    def having(self, word: str) -> Iterator[Element]:
        """The elements below (and this one) whose start tag has a word, in document order."""
        document = self._document
        if document is not None:
            for row in document.rows_below(self.row):
                if word in document.start(row):
                    yield document.element(row)
        else:
            for element in self.iterate():
                if any(word in name or word in value for name, value in element.attributes.items()):
                    yield element

    def has_class(self, name: str) -> bool:
        return name in self.get("class").split()


class Document:
    """A parsed page. Any string parses, as in a browser. With `whole`, all of its markup is kept: a fragment of MathML, say."""

    def __init__(self, html: str, *, whole: bool = False) -> None:
        written = LexborHTMLParser(as_html(html)).html or ""
        data = written.encode("utf-8", "surrogatepass")
        if PRIVATE_LEAD in data:  # searched for so, since a pattern takes longer than all else that is done with a text
            written = PRIVATE.sub("", written)
            data = written.encode("utf-8", "surrogatepass")
        self.written = written
        self.tokens, names, starts, self.signs = scan_page(data)
        self.sorts = [traits_of(start) for start in starts]
        codes = np.array([traits.code for traits in self.sorts], np.int32)
        self.nodes, self.lists = build_tree(self.tokens, names, codes, whole=whole)
        self.forms = bytearray(self.nodes[FORM].astype(np.uint8).tobytes())
        self.ends: list[int] = self.nodes[ENDS].tolist()
        self.firsts: list[int] = self.nodes[FIRST].tolist()
        self.lasts: list[int] = self.nodes[LAST].tolist()
        self.which = array("i", self.nodes[WHICH].tobytes())
        """The place of each element's traits in `sorts`."""
        self.instead: dict[int, list[Element | str]] = {}
        """What has taken the place of the elements that were replaced."""
        self._elements: dict[int, Element] = {}

    def release(self) -> None:
        """Cuts the tie to the elements, so that the page is freed at once and not by the collector."""
        self._elements.clear()
        self.instead.clear()

    @cached_property
    def title(self) -> str:
        titles = (" ".join(unescape(self._after(token)).split()) for token in self.lists[TITLES].tolist())
        return next(filter(None, titles), "")

    @cached_property
    def root(self) -> int:
        """The row of the `html` element."""
        return next(self.elements_in(0), 0)

    @cached_property
    def body(self) -> int:
        """The row of the page's visible part."""
        children = list(self.elements_in(self.root))
        return next((row for row in reversed(children) if self.tag(row) in ("body", "frameset")), self.root)

    def headlines(self) -> list[Element]:
        """What may head the page."""
        return [self.element(row) for row in self.lists[HEADLINES].tolist()]

    def candidates(self) -> Iterator[int]:
        """The rows of what may be a formula and is still there: what is replaced takes with it all that it holds."""
        return (row for row in self.lists[CANDIDATES].tolist() if self.nodes[STATE, row] != OUT)

    def scripts(self, *, typesetting: bool) -> Iterator[tuple[str, str]]:
        """Start tag and code of each script, or of those that may typeset formulas or hold one."""
        for token in self.lists[SCRIPTS].tolist():
            row = self.tokens[token]
            if row[NAME] & TYPESETS or not typesetting:
                start, stop, inner, end = row[[START, STOP, INNER, INNER_END]].tolist()
                yield self.written[start:stop], self.written[inner:end]

    def without_frames(self) -> str:
        """The markup that a page of frames shows where there are none."""
        inner = self.tokens[self.lists[FRAMES]][:, [INNER, INNER_END]].tolist()
        return "".join(self.written[first:last] for first, last in inner)

    @cached_property
    def breaks(self) -> bytes:
        """For each node whether a block begins or has ended before it, once nothing will be replaced any more."""
        return break_places(self.nodes).tobytes()

    @cached_property
    def is_forum(self) -> bool:
        """Whether comments are the content: questions with answers, or a thread of posts."""
        signs = [sign for sign in FORUM if sign in self.written]
        if not signs:
            return False
        begins = self.tokens[self.tokens[:, SORT] >= 0][:, [START, STOP]].tolist()
        starts = ADDRESS.sub("", "\n".join([self.written[first:last] for first, last in begins]))
        return any(sign in starts for sign in signs) or any(
            "QAPage" in code for _, code in self.scripts(typesetting=False)
        )

    def start(self, row: int) -> str:
        """The start tag of an element, without its brackets."""
        return self.written[self.firsts[row] : self.lasts[row]]

    def traits(self, row: int) -> Traits:
        """What the start tag says; the element's own `traits` say what has taken its place."""
        which = self.which[row]
        return self.sorts[which] if which >= 0 else traits_of("html")

    def tag(self, row: int) -> str:
        return self._elements[row].tag if row in self.instead else self.traits(row).tag

    def element(self, row: int) -> Element:
        """The element of a row, always the same one."""
        found = self._elements.get(row)
        if found is None:
            found = self._elements[row] = Element(self, row, self.traits(row))
        return found

    def parent_of(self, row: int) -> int:
        """The row of the parent; -1 above all."""
        return int(self.nodes[PARENT, row])

    def parent(self, row: int) -> Element | None:
        above = self.parent_of(row)
        return self.element(above) if above >= 0 else None

    def length(self, row: int) -> int:
        return int(self.nodes[LENGTHS, row])

    def weight(self, row: int) -> int:
        return int(self.nodes[WEIGHT, row])

    def rows_in(self, row: int) -> Iterator[int]:
        """The rows of an element's children, for an element that nothing has replaced."""
        place, stop = row + 1, self.ends[row]
        while place < stop:
            yield place
            place = self.ends[place]

    def elements_in(self, row: int) -> Iterator[int]:
        """Those of them that are elements."""
        place, stop = row + 1, self.ends[row]
        while place < stop:
            if self.forms[place] < VERBATIM:
                yield place
            place = self.ends[place]

    def rows_below(self, row: int) -> Iterator[int]:
        """An element and all elements that it holds."""
        place, stop = row, self.ends[row]
        while place < stop:
            if self.forms[place] < VERBATIM:
                yield place
                if place in self.instead:
                    yield from (
                        below
                        for child in self.instead[place]
                        if isinstance(child, Element)
                        for below in self.rows_below(child.row)
                    )
                    place = self.ends[place]
                    continue
            place += 1

    def longest(self, rows: list[int]) -> int:
        """Characters of text of the longest of these elements."""
        return int(self.nodes[LENGTHS, rows].max())

    def children(self, row: int) -> list[Element | str]:
        instead = self.instead.get(row)
        if instead is not None:
            return instead
        forms = self.forms
        return [self.element(place) if forms[place] < VERBATIM else self.text(place) for place in self.rows_in(row)]

    def text(self, row: int) -> str:
        """The text of a row that is one."""
        form = self.forms[row]
        if form == BLANKS:
            return " "
        text = self.written[self.firsts[row] : self.lasts[row]]
        if form == MARKED_UP:
            text = MARKUP.sub("", text)
        return unescape(text) if form != VERBATIM and "&" in text else text

    def only_text(self, row: int) -> str | None:
        """The text of an element that holds nothing else."""
        instead = self.instead.get(row)
        if instead is not None:
            return instead[0] if len(instead) == 1 and isinstance(instead[0], str) else None
        return self.text(row + 1) if self.ends[row] == row + 2 and self.forms[row + 1] >= VERBATIM else None

    def take_label(self, row: int, pattern: re.Pattern[str]) -> str:
        """The first text of an element, taken out of it; empty where it does not match."""
        for place in range(row + 1, self.ends[row]):
            if place in self.instead:
                break
            if self.forms[place] == VERBATIM and (label := self.text(place).strip()):
                if not pattern.fullmatch(label):
                    break
                self.forms[place] = BLANKS
                return label
        return ""

    def text_in(self, row: int) -> str:
        """All text of an element, as it stands in the source."""
        parts: list[str] = []
        place, stop = row, self.ends[row]
        while place < stop:
            if self.forms[place] >= VERBATIM:
                parts.append(self.text(place))
            elif place in self.instead:
                parts += [child if isinstance(child, str) else self.text_in(child.row) for child in self.instead[place]]
                place = self.ends[place]
                continue
            place += 1
        return "".join(parts)

    def is_item(self, row: int) -> bool:
        """Whether it is the item of a list."""
        return bool(self.nodes[CODE, row] & ITEM)

    def holds(self, row: int, words: str) -> bool:
        """Whether these words stand in the markup of an element."""
        return self.written.find(words, self.firsts[row], max(self.lasts[row : self.ends[row]])) >= 0

    def holds_layout(self, row: int) -> bool:
        """Whether a cell of a table holds what cells of data do not: tables, headings, lists, programs."""
        place, stop = row + 1, self.ends[row]
        if row in self.instead:
            place = stop
        while place < stop:
            if self.forms[place] != FLOW and self.forms[place] < VERBATIM:
                if self.nodes[CODE, place] & LAYOUT:
                    return True
                if place in self.instead:
                    place = self.ends[place]
                    continue
            place += 1
        return False

    def replace(self, row: int, traits: Traits, children: list[Element | str]) -> None:
        """Puts this in the place of an element. Elements among `children` are of those it held."""
        nodes = self.nodes
        stop = self.ends[row]
        kept: list[tuple[int, npt.NDArray[np.int32]]] = []
        own = 0
        for child in children:
            if isinstance(child, str):
                own += len(child)
            else:
                kept.append((child.row, nodes[STATE, child.row : self.ends[child.row]].copy()))
        nodes[STATE, row + 1 : stop] = OUT
        for inner, state in kept:
            state[state == PRESENT] = MOVED_INTO_BLOCK if traits.block else MOVED_INTO_CUT
            nodes[STATE, inner : self.ends[inner]] = state
            nodes[PARENT, inner] = row
        nodes[CODE, row] = traits.code
        nodes[FORM, row] = self.forms[row] = traits.code >> 4 & 15
        nodes[OWN, row] = own
        self.instead[row] = children
        element = self._elements.get(row) or self.element(row)
        element.traits, element.tag, element._children = traits, traits.tag, children

    def _after(self, token: int) -> str:
        """The text after a tag."""
        first, last = self.tokens[token][[FROM, TO]].tolist()
        return self.written[first:last]


def parse(html: str) -> Element:
    """The `html` element of a page, with every element below it. Any string parses, as in a browser."""
    document = Document(html, whole=True)
    return document.element(document.root)

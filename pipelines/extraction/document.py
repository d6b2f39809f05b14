"""A page as a light tree of Python objects, read out of lexbor's own serialisation once and cheap to walk many times.

lexbor builds the tree as a browser does and writes it down with every tag explicit and every bracket of text escaped.
Reading that string costs a fraction of visiting the tree node by node from Python, and markup that can never matter
(spans that only carry a style, head, icons, forms) never becomes an object.

The tree is private to one call of `extract`; nothing of it outlives the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from operator import length_hint

from selectolax.lexbor import LexborHTMLParser

from pipelines.extraction.plain_math import without_marks
from pipelines.extraction.tags import (
    BLOCK,
    CANDIDATE,
    ELEMENT,
    IGNORED,
    NEVER_TEXT,
    PREFORMATTED,
    RAW,
    SKIPPED,
    TITLE,
    TRANSPARENT,
    VOID,
    VOIDS,
    WHOLE_FORMULA,
    Traits,
    attributes_of,
    traits_of,
    unescape,
)
from pipelines.extraction.xml import as_html

MAX_DEPTH = 150
"""Elements below this depth give up their structure and keep their text, so that a hostile page cannot exhaust the stack. Of the 3,457 real
pages this was tried on, none nests deeper than 70."""
BLOCK_ENDS = frozenset(f"/{tag}" for tag in BLOCK)
VOID_ENDS = frozenset(f"/{tag}" for tag in VOIDS)
TEX_ANNOTATION = 'annotation encoding="application/x-tex"'
VISIBLE_KATEX = "katex-html"
IN_PROGRAM = frozenset({"div", "li", "tr", "p", "code", "pre"})
"""Elements that count in program text: they break lines, or name a language."""
STARTS = re.compile("<([^/>][^>]*)")
MARKUP = re.compile("<[^>]*>")
MATH_SCRIPT = re.compile(r' type="\s*(?:math/|text/(?:x-)?(?:la)?tex|[^"]*asciimath)', re.IGNORECASE)


class Element:
    """One element; text between elements is plain `str` among its children."""

    __slots__ = ("_attributes", "children", "length", "links", "own", "parent", "run", "start", "tag", "traits", "weight")  # fmt: skip
    length: int
    """Characters of text below; set by content.measure, as the next three."""
    links: int
    """Those of them in links."""
    run: int
    """Characters of text that stand in this block itself."""
    weight: int
    """Characters of running text, where a formula counts as a sentence."""

    def __init__(self, traits: Traits, start: str, parent: Element | None) -> None:
        self.traits = traits
        self.tag = traits.tag
        self.start = start  # the start tag as it was written; `attributes` is read from it when somebody asks
        self.parent = parent
        self.children: list[Element | str] = []
        self.own = 0  # characters of text directly in this element
        self._attributes: dict[str, str] | None = None

    @classmethod
    def made(cls, tag: str, attributes: dict[str, str], children: list[Element | str]) -> Element:
        """An element that no page wrote."""
        element = cls(traits_of(tag), tag, None)
        element._attributes = attributes
        element.children = children
        for child in children:
            if not isinstance(child, str):
                child.parent = element
        return element

    def __repr__(self) -> str:
        return f"<{self.start} {len(self.children)} children>"

    @property
    def attributes(self) -> dict[str, str]:
        found = self._attributes
        if found is None:
            found = self._attributes = attributes_of(self.start) if " " in self.start else {}
        return found

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
        return next((element for element in self.iterate() if element.tag in tags), None)

    def has_class(self, name: str) -> bool:
        return name in self.get("class").split()


@dataclass(slots=True)
class Document:
    """A parsed page, with the elements that are looked for, each list in document order."""

    root: Element
    title: str = ""
    elements: list[Element] = field(default_factory=list)
    candidates: list[tuple[Element, Element | None]] = field(default_factory=list)
    """What may be a formula, each with the candidate that it lies in."""
    suspects: list[Element] = field(default_factory=list)
    """What may have to be cut."""
    headlines: list[Element] = field(default_factory=list)
    """What may head the page."""
    scripts: list[Element] = field(default_factory=list)
    without_frames: list[str] = field(default_factory=list)
    """The markup that a page of frames shows where there are none."""
    starts: Iterable[str] = ()
    """Every distinct start tag."""
    signs: str = ""
    """The signs of plain mathematics that the page has somewhere."""

    def release(self) -> None:
        """Cuts the ties from children to parents, so that the tree is freed at once and not by the collector."""
        for element in self.elements:
            element.parent = None


def parse(html: str) -> Element:
    """The `html` element of a page, with every element below it. Any string parses, as in a browser."""
    reader = _Reader(html)
    reader.whole(reader.document.root, "", None)
    return reader.html()


def parse_document(html: str) -> Document:
    """The page. Any string parses, as in a browser."""
    reader = _Reader(html)
    reader.read()
    reader.document.root = reader.html()
    return reader.document


class _Reader:
    """Builds the tree from lexbor's serialisation: one chunk for each tag, with the text after it."""

    def __init__(self, html: str) -> None:
        written, signs = LexborHTMLParser(as_html(html)).html or "", ""
        if not written.isascii():
            written, signs = without_marks(written)
        self.chunks = written.split("<")
        self.tokens = iter(self.chunks)
        next(self.tokens)  # before the first tag
        self.known: dict[str, Traits] = {}
        root = Element(traits_of("html"), "html", None)
        self.document = Document(root, elements=[root], starts=self.known.keys(), signs=signs)

    def html(self) -> Element:
        root = self.document.root
        return next((element for element in root.elements() if element.tag == "html"), root)

    def read(self) -> None:
        """The page, without what cannot matter. The loop that every tag passes: kept in one piece for speed."""
        known, note = self.known, self.document.elements.append
        current = self.document.root
        above: list[Element] = []
        push, pop = above.append, above.pop
        for chunk in self.tokens:
            start, _, text = chunk.partition(">")
            if start[:1] == "/":
                if above:
                    current = pop()
            else:
                traits = known.get(start) or self._judged(start)
                action = traits.action
                if action <= CANDIDATE and len(above) < MAX_DEPTH:
                    push(current)
                    element = Element(traits, start, current)
                    current.children.append(element)
                    note(element)
                    current = element
                    if traits.noted:
                        self._noted(element)
                elif action <= TRANSPARENT:
                    push(current)
                elif start[:1] == "!":
                    text = self._comment(chunk)
                else:
                    text = self._special(traits, start, text, current)
            if text:
                length = len(text.strip())
                if length:
                    if "&" in text:
                        text = unescape(text)
                        length = len(text.strip())
                    current.own += length
                elif start in BLOCK_ENDS or (start[:1] != "/" and traits.block):
                    continue
                else:
                    text = " "
                current.children.append(text)

    def _judged(self, start: str) -> Traits:
        """The traits of a start tag that the page has not had so far."""
        before, address, rest = start.partition(' href="')
        if address:  # links differ by their address, which changes nothing
            start = before + rest.partition('"')[2]
            traits = self.known.get(start)
            if traits is not None:
                return traits
        traits = self.known[start] = traits_of(start)
        return traits

    def _noted(self, element: Element) -> None:
        traits = element.traits
        if traits.suspect:
            self.document.suspects.append(element)
        if traits.headline:
            self.document.headlines.append(element)
        if traits.action == CANDIDATE and self._peek()[:1] == "/":  # only text: with elements it is no bare TeX
            self.document.candidates.append((element, None))

    def _peek(self) -> str:
        """The next chunk, which the loop will take."""
        left = length_hint(self.tokens)
        return self.chunks[len(self.chunks) - left] if left else ""

    def _added(self, traits: Traits, start: str, parent: Element, outer: Element | None = None) -> Element:
        element = Element(traits, start, parent)
        parent.children.append(element)
        self.document.elements.append(element)
        if traits.suspect or traits.tag in NEVER_TEXT:
            self.document.suspects.append(element)
        if traits.action in (WHOLE_FORMULA, CANDIDATE) or traits.tag == "img" or (traits.tag == "pre" and " " in start):
            self.document.candidates.append((element, outer))
        return element

    def _special(self, traits: Traits, start: str, text: str, parent: Element) -> str:
        """Reads a start tag that does more than open an element; gives the text that follows all it took."""
        action = traits.action
        if action == VOID:
            self._added(traits, start, parent)
            return text
        if action == WHOLE_FORMULA:
            element = self._added(traits, start, parent)
            return self.whole(element, text, element)
        if action == PREFORMATTED:
            return self._preformatted(self._added(traits, start, parent), text)
        if action == SKIPPED:
            if traits.tag not in ("rp", "rt"):  # the reading of a character stands above it
                parent.children.append(" ")
            return self._skip(traits.tag)
        if action == TITLE:
            self.document.title = self.document.title or " ".join(unescape(text).split())
            return self._skip("title")
        if action == RAW:
            return self._raw(traits, start, text, parent, None)
        return text

    def _skip(self, tag: str) -> str:
        """Passes over an element; only tags of its own name can end it."""
        depth, end, same = 1, f"/{tag}>", (f"{tag}>", f"{tag} ")
        for chunk in self.tokens:
            if chunk.startswith(end):
                depth -= 1
                if not depth:
                    return chunk[len(end) :]
            elif chunk.startswith(same):
                depth += 1
        return ""

    def _comment(self, chunk: str) -> str:
        """Passes over a comment, or a document type; gives the text after it."""
        if not chunk.startswith("!--"):
            return chunk.partition(">")[2]
        chunk = chunk[3:]
        while "-->" not in chunk:
            following = next(self.tokens, None)
            if following is None:
                return ""
            chunk = following
        return chunk.partition("-->")[2]

    def _raw(self, traits: Traits, start: str, text: str, parent: Element, outer: Element | None) -> str:
        """Program code and its like: all up to the end tag is one text."""
        tag = traits.tag
        end, parts, after = f"/{tag}>", [text], ""
        for chunk in self.tokens:
            # in a script, `<!-- <script>` lets `</script>` be text (HTML Standard §13.2.5.20)
            if chunk.startswith(end) and not (tag == "script" and _doubly_escaped("<".join(parts))):
                after = chunk[len(end) :]
                break
            parts.append(chunk)
        content = "<".join(parts)
        if tag == "script":
            script = Element(traits, start, parent)
            script.children.append(content)
            self.document.scripts.append(script)
            if MATH_SCRIPT.search(start):
                parent.children.append(script)
                self.document.elements.append(script)
                self.document.suspects.append(script)
                self.document.candidates.append((script, outer))
        elif tag == "noframes":
            self.document.without_frames.append(content)
        elif tag in ("xmp", "plaintext"):
            element = self._added(traits, start, parent, outer)
            element.children.append(content)
            element.own = len(content.strip())
        return after

    def _preformatted(self, element: Element, text: str) -> str:
        """Program text: of its markup only what breaks lines, names a language or may be a formula is kept."""
        bare = " " not in element.start
        current, above = element, [element]
        if element.tag == "pre" and (plain := self._plain_program(text, bare)) is not None:
            self._verbatim(element, plain[0])
            return plain[1]
        self._verbatim(element, text)
        known = self.known
        for chunk in self.tokens:
            start, _, text = chunk.partition(">")
            if start[:1] == "/":
                current = above.pop()
                if not above:
                    return text
            else:
                traits = known.get(start) or self._judged(start)
                action = traits.action
                if traits.numbering:
                    text = self._skip(traits.tag)
                elif action == TRANSPARENT:  # a highlighter's, in every word
                    above.append(current)
                elif action == ELEMENT and traits.tag in IN_PROGRAM and len(above) < MAX_DEPTH:
                    above.append(current)
                    current = self._added(traits, start, current)
                elif action in (ELEMENT, CANDIDATE) or (bare and action in (WHOLE_FORMULA, PREFORMATTED)):
                    above.append(current)
                elif start[:1] == "!":
                    text = self._comment(chunk)
                else:
                    text = self._special(traits, start, text, current)
            if text:
                if "&" in text:
                    text = unescape(text)
                current.own += len(text.strip())
                current.children.append(text)
        return ""

    def _plain_program(self, text: str, bare: bool) -> tuple[str, str] | None:
        """The rest of a `pre` where no markup in it counts, a highlighter's for one, and what follows it."""
        chunks = self.chunks
        begun = place = len(chunks) - length_hint(self.tokens)
        for place in range(begun, len(chunks)):
            if chunks[place][:5] == "/pre>":
                break
        else:
            return None
        if place - begun > 1:
            written = "<".join([text, *chunks[begun:place]])
            for start in set(STARTS.findall(written)):
                traits = self.known.get(start) or self._judged(start)
                if traits.action not in (ELEMENT, TRANSPARENT, CANDIDATE) if not bare else traits.action > PREFORMATTED:
                    return None
                if traits.tag in IN_PROGRAM or traits.numbering or traits.action == VOID:
                    return None
            text = MARKUP.sub("", written)
        elif place > begun:
            return None
        next(islice(self.tokens, place - begun, place - begun + 1))
        return text, chunks[place][5:]

    def _verbatim(self, element: Element, text: str) -> None:
        if text:
            text = unescape(text) if "&" in text else text
            element.own += len(text.strip())
            element.children.append(text)

    def whole(self, element: Element, text: str, outer: Element | None) -> str:
        """An element with all that it holds; formulas in it lie in `outer`. Gives the text after its end."""
        above: list[tuple[Element, Element | None]] = []
        current, page, annotated = element, outer is None, False
        self._verbatim(element, text)
        for chunk in self.tokens:
            start, _, text = chunk.partition(">")
            if start[:1] == "/":
                if above and start not in VOID_ENDS:
                    current, outer = above.pop()
                elif not above and not page:
                    return text
            elif annotated and VISIBLE_KATEX in start:
                text = self._skip("span")
            else:
                traits = self.known.get(start) or self._judged(start)
                action = traits.action
                annotated = annotated or start == TEX_ANNOTATION
                if action == RAW:
                    text = self._raw(traits, start, text, current, outer)
                elif start[:1] == "!":
                    text = self._comment(chunk)
                elif action in (VOID, IGNORED):
                    self._added(traits, start, current, outer)
                else:
                    above.append((current, outer))
                    if len(above) < MAX_DEPTH:
                        current = self._added(traits, start, current, outer)
                        outer = current if action in (WHOLE_FORMULA, CANDIDATE) else outer
            self._verbatim(current, text)
        return ""


def _doubly_escaped(code: str) -> bool:
    place = code.rfind("<!--")
    return place >= 0 and code.find("-->", place) < 0 and code.count("<script", place) > code.count("</script", place)

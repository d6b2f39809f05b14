"""One page from HTML to text: parse, read its formulas, choose its content, write its blocks."""

from __future__ import annotations

import gc
import re
from dataclasses import dataclass

from pipelines.extraction.blocks import BlockWriter, keep, merge_marks, only_defines, only_space
from pipelines.extraction.content import (
    FORMULA,
    Strictness,
    cut_link_lists,
    is_in,
    main_element,
    measure,
    prune,
)
from pipelines.extraction.document import Document, Element
from pipelines.extraction.formulas import FormulaReader, reader_of

LEAST = 0.25
"""Share of a page's own text below which the choice of its content is not trusted, and made again more leniently."""
SHORT = 250
"""Characters from which the choice is trusted on its own."""
FIRST = 5
"""Among so many headings of lower ranks the page's own is looked for."""
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """The content of one page."""

    title: str
    text: str
    formulas: int
    """Formulas in `text`, each `$...$` or `$$...$$`."""


def extract(html: str | bytes, url: str = "") -> Extracted:
    """The page's content. Any input gives a result; a page without text gives an empty one."""
    collecting = gc.isenabled()
    gc.disable()  # a page's tree lives until the end: collecting meanwhile only finds it alive, for a third of the time
    try:
        return _trusted(html if isinstance(html, str) else _decode(html))
    finally:
        if collecting:
            gc.enable()


def _trusted(decoded: str) -> Extracted:
    """The strict choice of content where it left enough, else a more lenient one."""
    result, own = _extract(decoded, "strict")
    if len(result.text) >= min(SHORT, LEAST * own) and result.text:
        return result
    lenient, _ = _extract(decoded, "lenient")
    if len(result.text) >= LEAST * len(lenient.text) and result.text:
        return result
    return lenient if lenient.text else _extract(decoded, "all")[0]


def html_to_text(html: str | bytes, url: str = "") -> str:
    """The text of the page's content."""
    return extract(html, url).text


def _decode(html: bytes) -> str:
    from pipelines.crawl.decoding import decode_html

    return decode_html(html)[0]


def _extract(html: str, strictness: Strictness) -> tuple[Extracted, int]:
    """The page's content, and how many characters of text outside links the whole page has."""
    document = Document(html)
    title = document.title
    if document.tag(document.body) == "frameset" and (inside := document.without_frames()):
        document = Document(inside)
        title = title or document.title
    reader = reader_of(document)
    kept = [""]
    _mark_formulas(document, reader, kept)
    measure(document)
    body = document.element(document.body)
    own = body.length - body.links
    heading = _heading(document, title)
    if prune(document, strictness):
        measure(document)
    content = body.row if strictness == "all" else main_element(document, heading)
    if strictness == "strict":
        cut_link_lists(document, content)
    writer = BlockWriter(document, reader.notation, kept)
    if heading is not None and not any(
        is_in(document, element.row, content)
        for element in document.headlines()
        if element is heading or element.tag == "h1"
    ):
        writer.heading(heading.row)
    writer.write(content)
    text = writer.text()
    document.release()
    return Extracted(title=title, text=text, formulas=writer.formulas), own


def _mark_formulas(document: Document, reader: FormulaReader, kept: list[str]) -> None:
    """Puts a mark in the place of every element that is a formula. Inside one, nothing is a formula again."""
    for row in document.candidates():
        formula = reader.read(document.element(row))
        if formula is None:
            continue
        marks: list[Element | str] = []
        if formula.other is not None:
            document.replace(formula.other.row, FORMULA, [])
        if formula.plain:
            marks.append(merge_marks(formula.plain, kept))
        elif only_space(formula.tex):
            marks.append(" ")
        elif formula.tex and not only_defines(formula.tex):
            marks.append(keep(f"$${formula.tex}$$" if formula.display else f"${formula.tex}$", kept))
        document.replace(row, FORMULA, marks)


def _heading(document: Document, title: str) -> Element | None:
    """The element that heads the page: the one most of whose words the document's title repeats, else its only h1.

    One that is no h1 and has no class of a headline has to be what the title begins with."""
    named = None
    longest = left = 0
    words = set(WORD.findall(title.lower()))
    tops: list[Element] = []
    for element in document.headlines():
        told = document.traits(element.row).headline
        left += not told
        if not told and left > FIRST:
            continue
        if element.tag == "h1" and 1 < element.length < 300:
            tops.append(element)
        text = " ".join(element.text().split())
        own = WORD.findall(text.lower())
        shared = sum(word in words for word in own)
        fits = told or (shared > 2 and title.lower().startswith(text.lower()))
        if fits and 1 < len(text) < 300 and 2 * shared >= len(own) > 0 and shared > longest:
            named, longest = element, shared
    return named or (tops[0] if len(tops) == 1 and tops[0].links < tops[0].length else None)

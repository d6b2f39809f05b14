"""One page from HTML to text: parse, read its formulas, choose its content, write its blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.extraction.blocks import BlockWriter
from pipelines.extraction.content import FORUM, Strictness, cut_link_lists, main_element, measure, prune
from pipelines.extraction.document import Element, parse
from pipelines.extraction.formulas import FormulaReader, reader_of
from pipelines.extraction.plain_math import MARK_CLOSE, MARK_OPEN

PRIVATE = re.compile("[\ue000-\ue00f]")
PAGE_END = re.compile(r"\s+[|·•»]\s+[^|·•»]*$")
LEAST = 0.25
"""Share of a page's own text below which the choice of its content is not trusted, and made again more leniently."""
SHORT = 250
"""Characters from which the choice is trusted on its own."""
FORMULA = re.compile(r"\$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """The content of one page."""

    title: str
    text: str
    formulas: int
    """Formulas in `text`, each `$...$` or `$$...$$`."""


def extract(html: str | bytes, url: str = "") -> Extracted:
    """The page's content. Any input gives a result; a page without text gives an empty one."""
    decoded = html if isinstance(html, str) else _decode(html)
    decoded = PRIVATE.sub("", decoded)  # the marks of this package; in a page they stand for nothing
    result = _extract(decoded, "strict")
    if len(result.text) >= SHORT:
        return result
    lenient = _extract(decoded, "lenient")
    if len(result.text) >= LEAST * len(lenient.text) and result.text:
        return result
    return lenient if lenient.text else _extract(decoded, "all")


def html_to_text(html: str | bytes, url: str = "") -> str:
    """The text of the page's content."""
    return extract(html, url).text


def _decode(html: bytes) -> str:
    from pipelines.crawl.decoding import decode_html

    return decode_html(html)[0]


def _extract(html: str, strictness: Strictness) -> Extracted:
    root = parse(html)
    reader = reader_of(root, html)
    kept: list[str] = []
    title = _title(root)
    body = next((child for child in reversed(root.elements()) if child.tag in ("body", "frameset")), root)
    _mark_elements(body, reader, kept)
    measure(body)
    prune(body, strictness, forum=FORUM.search(html) is not None)
    measure(body)
    content = body if strictness == "all" else main_element(body)
    writer = BlockWriter(reader.notation, kept)
    heading = _outside_heading(body, content)
    if heading is not None:
        writer.write(heading)
    if strictness == "strict":
        cut_link_lists(content)
    writer.write(content)
    text = writer.text()
    return Extracted(title=title, text=text, formulas=sum(1 for piece in kept if piece[:1] == "$" and piece in text))


def _mark_elements(body: Element, reader: FormulaReader, kept: list[str]) -> None:
    """Puts a mark in the place of every element that is a formula."""
    stack = [body]
    while stack:
        element = stack.pop()
        if element.tag in ("pre", "textarea") and not element.attributes:
            continue
        children = element.children
        for position, child in enumerate(children):
            if isinstance(child, str):
                continue
            formula = reader.read(child)
            if formula is None:
                stack.append(child)
            elif formula.tex:
                kept.append(f"$${formula.tex}$$" if formula.display else f"${formula.tex}$")
                children[position] = f"{MARK_OPEN}{len(kept) - 1}{MARK_CLOSE}"
            else:
                children[position] = ""


def _title(root: Element) -> str:
    head = root.find("head")
    element = head.find("title") if head is not None else None
    return " ".join((element or root.find("title") or Element("title", {}, None)).text().split())


def _outside_heading(body: Element, content: Element) -> Element | None:
    """The page's only top heading, where it stands before the content and not in it."""
    headings = [element for element in body.iterate() if element.tag == "h1" and element.length > 1]
    if not headings or any(element.tag == "h1" and element.length > 1 for element in content.iterate()):
        return None
    return headings[0] if headings[0].length < 300 and headings[0].links < headings[0].length else None

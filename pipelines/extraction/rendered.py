"""Formulas of which only the rendering is left: MathJax 3's CHTML and SVG trees, and KaTeX's spans, read back as MathML.

The result is a tree of MathML elements, so that one converter writes all TeX.
"""

from __future__ import annotations

import re

from pipelines.extraction.document import Element

CODE_POINT = re.compile(r"\bmjx-c([0-9A-F]+)\b")
CALLIGRAPHIC = re.compile(r"\b(?:TEX|NCM)-C\b")
STROKES = frozenset({"line", "mjx-ustrike", "mjx-dstrike"})
BRACES = {"\ue150": "⏞", "\ue152": "⏟"}
SKIPPED = frozenset(
    {
        "mjx-strut",
        "mjx-nstrut",
        "mjx-dstrut",
        "mjx-line",
        "mjx-surd",
        "mjx-spacer",
        "mjx-pstrut",
        "mjx-tstrut",
        "mjx-mark",
        "mjx-assistive-mml",
        "mjx-speech",
        "defs",
        "title",
        "style",
    }
)
ROWS = {"mjx-math": "math", "mjx-texatom": "mrow", "mjx-mrow": "mrow", "mjx-mstyle": "mrow", "mjx-mpadded": "mrow", "mjx-msqrt": "msqrt", "mjx-mtd": "mtd", "mjx-mtr": "mtr", "mjx-mlabeledtr": "mtr",
        "mjx-mtable": "mtable", "mjx-mphantom": "mphantom", "mjx-math-root": "mrow"}  # fmt: skip
LEAVES = {"mjx-mi": "mi", "mjx-mo": "mo", "mjx-mn": "mn", "mjx-mtext": "mtext", "mjx-ms": "ms", "mjx-mspace": "mspace"}


def node(tag: str, children: list[Element | str], **attributes: str) -> Element:
    """A MathML element around these children."""
    return Element.made(tag, attributes, children)


def from_chtml(element: Element) -> list[Element]:
    """MathML of an element of MathJax 3's CommonHTML output; wrappers dissolve into what they hold."""
    tag = element.tag
    if tag in SKIPPED:
        return []
    if tag in LEAVES:
        said = {"mathvariant": "script"} if CALLIGRAPHIC.search(" ".join(_classes(element))) else {}
        return [node(LEAVES[tag], [_characters(element)], **said)]
    if tag == "mjx-menclose":
        box = element.find("mjx-box")
        drawn = {part.tag for part in element.elements()} | (
            {"rect"} if box and "border" in box.get("style") else set()
        )
        return [_enclosed(_inside(element), drawn)]
    if tag in ROWS:
        return [node(ROWS[tag], [*_inside(element)])]
    if tag in (
        "mjx-msup",
        "mjx-msub",
        "mjx-msubsup",
        "mjx-munder",
        "mjx-mover",
        "mjx-munderover",
        "mjx-mfrac",
        "mjx-mroot",
    ):
        return [_chtml_scheme(element)]
    return _inside(element)


def _inside(element: Element) -> list[Element]:
    return [found for child in element.elements() for found in from_chtml(child)]


def _characters(element: Element) -> str:
    written = []
    for part in element.iterate():
        code = CODE_POINT.search(part.get("class"))
        if code and part.tag.startswith("mjx-") and (part.tag != "mjx-mo" and part.tag != "mjx-mi"):
            written.append(chr(int(code[1], 16)))
            if part.tag.startswith("mjx-stretchy"):
                break  # what follows are the pieces that it is drawn from
        elif part.tag in ("mjx-utext", "mjx-c") and not code:
            written.append(part.text())
    return "".join(written) or element.text()


def _part(element: Element, tag: str) -> Element:
    """The nearest part of that name: one further down is a part of another scheme."""
    level = element.elements()
    while level:
        found = next((part for part in level if part.tag == tag), None)
        if found is not None:
            return node("mrow", [*_inside(found)])
        level = [inner for part in level for inner in part.elements()]
    return node("mrow", [])


def _classes(element: Element) -> list[str]:
    return [part.get("class") for part in element.iterate()]


def _enclosed(inner: list[Element], drawn: set[str]) -> Element:
    """What is struck out or boxed, by what is drawn over and around it."""
    if not drawn.isdisjoint(STROKES):
        return node("menclose", [*inner], notation="updiagonalstrike")
    return node("menclose", [*inner], notation="box") if "rect" in drawn else node("mrow", [*inner])


def _chtml_scheme(element: Element) -> Element:
    tag = element.tag.removeprefix("mjx-")
    if tag == "mfrac":
        said = {"linethickness": "0"} if any(part.get("atop") for part in element.elements()) else {}
        return node("mfrac", [_part(element, "mjx-num"), _part(element, "mjx-den")], **said)
    if tag == "mroot":
        return node("mroot", [_part(element, "mjx-box"), _part(element, "mjx-root")])
    direct = element.elements()
    script = next((child for child in direct if child.tag == "mjx-script"), None)
    if script is not None:
        base = node("mrow", [found for child in direct if child is not script for found in from_chtml(child)])
        scripts = [node("mrow", [*from_chtml(child)]) for child in script.elements() if child.tag != "mjx-spacer"]
        if tag in ("msubsup", "munderover") and len(scripts) == 2:
            return node("msubsup", [base, scripts[1], scripts[0]])  # the superscript is drawn first
        return node({"mover": "msup", "munder": "msub"}.get(tag, tag), [base, *scripts])
    parts: list[Element | str] = [_part(element, "mjx-base")]
    if tag in ("munder", "munderover"):
        parts.append(_part(element, "mjx-under"))
    if tag in ("mover", "munderover"):
        parts.append(_part(element, "mjx-over"))
    return node(tag, parts)


def from_svg(element: Element) -> list[Element]:
    """MathML of a `<g data-mml-node>` tree of MathJax 3's SVG output."""
    if element.tag in SKIPPED:
        return []
    kind = element.get("data-mml-node").lower()
    if kind in ("mi", "mo", "mn", "mtext", "ms"):
        said = (
            {"mathvariant": "script"}
            if any(CALLIGRAPHIC.search(part.get("xlink:href")) for part in element.iterate())
            else {}
        )
        return [node(kind, [assembled(_svg_characters(element))], **said)]
    children: list[Element | str] = [found for child in element.elements() for found in from_svg(child)]
    if kind in ("texatom", "mstyle", "mrow", "mpadded", "mphantom", "merror"):
        return [node("mrow", children)]
    drawn = {part.tag for part in element.elements()}
    if kind == "menclose":
        return [_enclosed([child for child in children if not isinstance(child, str)], drawn)]
    if kind == "mroot":  # the index is set small; releases differ in its place
        parts = sorted(element.elements(), key=lambda child: "scale" in child.get("transform"))
        children = [found for child in parts for found in from_svg(child)]
    if kind in ("msqrt", "mroot"):
        children = [child for child in children if isinstance(child, str) or (child.tag, child.text()) != ("mo", "√")]
    if kind == "mfrac" and "rect" not in drawn:
        return [node("mfrac", children, linethickness="0")]
    if kind in ("msubsup", "munderover"):
        return [_ordered_scripts(element, kind, children)]
    if kind:
        return [node("mtr" if kind == "mlabeledtr" else kind, children)]
    return [child for child in children if not isinstance(child, str)]


def _ordered_scripts(element: Element, kind: str, children: list[Element | str]) -> Element:
    """SVG output draws the superscript of `msubsup` first; the vertical offsets tell."""
    offsets = [re.search(r"translate\([^,]*,\s*(-?[\d.]+)", child.get("transform")) for child in element.elements()]
    heights = [float(found[1]) if found else 0.0 for found in offsets]
    if len(children) == 3 and len(heights) == 3 and heights[1] > heights[2]:
        children = [children[0], children[2], children[1]]
    return node(kind, children)


def _svg_characters(element: Element) -> str:
    code = element.get("data-c")
    if code:
        return chr(int(code, 16))  # what is below are the pieces that it is drawn from
    return element.text() if element.tag == "text" else "".join(_svg_characters(part) for part in element.elements())


def assembled(text: str) -> str:
    """The character that pieces build: a brace of halves in MathJax's own font, an arrow with its shaft."""
    if text[:1] in BRACES:
        return BRACES[text[:1]]
    arrow = text.strip("−-=")
    return arrow if len(text) > 1 and len(arrow) == 1 and arrow in "←→↔⇐⇒⇔↦" else text

"""Formulas of which only the rendering is left: MathJax 3's CHTML and SVG trees, and KaTeX's spans, read back as MathML.

The result is a tree of MathML elements, so that one converter writes all TeX.
"""

from __future__ import annotations

import re

from pipelines.extraction.document import Element

CODE_POINT = re.compile(r"\bmjx-c([0-9A-F]+)\b")
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
KATEX_FILLERS = frozenset(
    {"strut", "pstrut", "vlist-s", "frac-line", "hide-tail", "nulldelimiter", "katex-mathml", "mspace"}
)
TOP = re.compile(r"top:\s*(-?[\d.]+)em")
ROWS = {"mjx-math": "math", "mjx-texatom": "mrow", "mjx-mrow": "mrow", "mjx-mstyle": "mrow", "mjx-mpadded": "mrow", "mjx-msqrt": "msqrt", "mjx-mtd": "mtd", "mjx-mtr": "mtr", "mjx-mlabeledtr": "mtr",
        "mjx-mtable": "mtable", "mjx-menclose": "mrow", "mjx-mphantom": "mphantom", "mjx-math-root": "mrow"}  # fmt: skip
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
        return [node(LEAVES[tag], [_characters(element)])]
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
    found = element.find(tag)
    return node("mrow", [*_inside(found)]) if found is not None else node("mrow", [])


def _chtml_scheme(element: Element) -> Element:
    tag = element.tag.removeprefix("mjx-")
    if tag == "mfrac":
        return node("mfrac", [_part(element, "mjx-num"), _part(element, "mjx-den")])
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
        return [node(kind, [_svg_characters(element)])]
    children: list[Element | str] = [found for child in element.elements() for found in from_svg(child)]
    if kind in ("texatom", "mstyle", "mrow", "mpadded", "mphantom", "merror", "menclose"):
        return [node("mrow", children)]
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
    written = []
    for part in element.iterate():
        code = part.get("data-c")
        if code:
            written.append(chr(int(code, 16)))
        elif part.tag == "text":
            written.append(part.text())
    return "".join(written)


def from_katex(element: Element) -> list[Element]:
    """MathML of KaTeX's visible spans. Scripts are told by their height above the baseline."""
    classes = element.get("class").split()
    if element.tag == "svg" or not KATEX_FILLERS.isdisjoint(classes):
        return []
    scheme = _katex_scheme(element, classes)
    if scheme is not None:
        return scheme
    found: list[Element] = []
    for child in element.children:
        if isinstance(child, str):
            text = child.strip("\u200b \n")
            if text:
                kind = "mtext" if "text" in classes else "mn" if text[0].isdigit() else "mi" if text.isalpha() else "mo"
                found.append(node(kind, [text]))
        elif _is_scripted(child, found):
            script = _katex_scripts(child)
            script.children[0] = found.pop()
            found.append(script)
        else:
            found += from_katex(child)
    return found if len(found) < 2 or "mord" not in classes else [node("mrow", [*found])]


def _katex_scheme(element: Element, classes: list[str]) -> list[Element] | None:
    """Fractions, roots, accents, limits and scripts, which KaTeX stacks in a list of rows."""
    if "msupsub" in classes:
        return [_katex_scripts(element)]
    if "op-limits" in classes:
        return _katex_limits(element)
    if not {"mfrac", "sqrt", "accent"} & set(classes):
        return None
    rows = [inner for _, inner in _katex_rows(element) if inner]
    if "mfrac" in classes and len(rows) >= 2:
        return [node("mfrac", [node("mrow", rows[0]), node("mrow", rows[-1])])]
    if "sqrt" in classes:
        return [node("msqrt", rows[0] if rows else [])]
    if "accent" in classes and len(rows) == 2:
        return [node("mover", [node("mrow", rows[1]), node("mrow", rows[0])])]
    return None


def _is_scripted(child: Element, found: list[Element]) -> bool:
    return bool(found) and "msupsub" in child.get("class").split()


def _katex_rows(element: Element) -> list[tuple[float, list[Element | str]]]:
    """The rows of a vlist from top to bottom, each with its height in em (negative is up)."""
    rows: list[tuple[float, list[Element | str]]] = []
    column = next((part for part in element.having("vlist") if part.has_class("vlist")), None)
    if column is None:
        column = next((part for part in element.having("vlist-t") if part.has_class("vlist-t")), element)
    for position, row in enumerate(column.elements()):
        top = TOP.search(row.get("style"))
        rows.append((float(top[1]) if top else float(-position), [*from_katex(row)]))
    return sorted(rows, key=lambda row: row[0])


def _katex_scripts(element: Element) -> Element:
    rows = [(top, inner) for top, inner in _katex_rows(element) if inner]
    base = node("mrow", [])
    if len(rows) >= 2:
        return node("msubsup", [base, node("mrow", rows[-1][1]), node("mrow", rows[0][1])])
    if not rows:
        return node("mrow", [base])
    below = any(
        part.has_class("vlist-t2") for part in element.having("vlist-t2")
    )  # a depth row: the list reaches below
    return node("msub" if below else "msup", [base, node("mrow", rows[0][1])])


def _katex_limits(element: Element) -> list[Element]:
    rows = [node("mrow", inner) for _, inner in _katex_rows(element) if inner]
    if len(rows) == 3:
        return [node("munderover", [rows[1], rows[2], rows[0]])]
    if len(rows) == 2:
        operator_first = any(character in "∑∏∫lim" for character in rows[0].text())
        return [node("munder", [rows[0], rows[1]]) if operator_first else node("mover", [rows[1], rows[0]])]
    return rows

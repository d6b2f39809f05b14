"""MathJax 2's spans, of a page that kept neither the source nor the MathML beside them, as MathML.

Its CommonHTML output names every part of a scheme (`mjx-numerator`); its HTML-CSS output only the schemes (`mfrac`),
whose parts are told by their heights.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pipelines.extraction.document import Element
from pipelines.extraction.rendered import BRACES, assembled, node
from pipelines.extraction.typeset import bracket, row, stacked

Nodes = list[Element]
TOP = re.compile(r"(?:^|[;\s])top:\s*(-?[\d.]+)em")
FONTS = {"cal": "script", "Caligraphic": "script", "frak": "fraktur", "Fraktur": "fraktur", "ams": "double-struck", "AMS": "double-struck",
         "sans": "sans-serif", "SansSerif": "sans-serif", "type": "monospace", "Typewriter": "monospace"}  # fmt: skip
FONT = re.compile(r"MJXc-TeX-(\w+)-(\w+)|font-family:\s*['\"]?MathJax_(\w+)(?:-(\w+))?")
DRAWN_OUT = "¯‾_−–"
"""Lines that are drawn of several characters."""
ACCENTS = frozenset("⏞˜ˆ^~→⃗")
PARTS = frozenset({"op", "base", "over", "under", "sub", "sup", "numerator", "denominator", "root", "mtd"})
"""What further parts of the same kind lie in that belong to other schemes."""
LEAVES = frozenset({"mi", "mo", "mn", "mtext", "ms"})
ROWS = frozenset({"math", "mrow", "texatom", "mstyle", "mpadded", "mfenced", "menclose", "merror", "semantics"})


def from_mathjax2(element: Element) -> Nodes:
    """MathML of a span; what is no part of a formula dissolves into what it holds."""
    kind = _kind(element)
    if kind in LEAVES:
        return [_leaf(element, kind)]
    if kind in ROWS:
        return [node("mrow", [*_inside(element)])]
    if kind == "mphantom" or kind == "surd":
        return []
    scheme = SCHEMES.get(kind)
    found = scheme(element) if scheme is not None else None
    return [found] if found is not None else _inside(element)


def _kind(element: Element) -> str:
    return next(
        (name.removeprefix("mjx-") for name in element.get("class").split() if not name.startswith("MJX")), ""
    ).lower()


def _inside(element: Element) -> Nodes:
    return [found for child in element.elements() for found in from_mathjax2(child)]


def _leaf(element: Element, kind: str) -> Element:
    text = element.text().strip("\u200b ") if kind != "mtext" else element.text()
    fonts = FONT.search(" ".join(f"{part.get('class')} {part.get('style')}" for part in element.iterate()))
    family, style = (fonts[1] or fonts[3] or "", fonts[2] or fonts[4] or "") if fonts else ("", "")
    variant = FONTS.get(
        family, "bold" if style.startswith(("B", "bold")) or "font-weight: bold" in element.get("style") else ""
    )
    said = {"mathvariant": variant} if variant and text.isalnum() and text.isascii() else {}
    if kind == "mo" and len(text) > 1:
        pieces = bracket(" ".join(text))
        if pieces:
            return pieces[0]
        text = assembled(text) if text[0] in BRACES or text[0] not in DRAWN_OUT else text[0]
    return node(kind, [text], **said)


def _nearest(element: Element, *kinds: str) -> Element | None:
    level = element.elements()
    while level:
        found = next((part for part in level if _kind(part) in kinds), None)
        if found is not None:
            return found
        level = [inner for part in level if _kind(part) not in PARTS for inner in part.elements()]
    return None


def _placed(element: Element) -> list[tuple[float, Element]]:
    """HTML-CSS: the parts of a scheme with their heights in em, in the order of the source."""
    holder = next(iter(element.elements()), None)
    found = []
    for part in holder.elements() if holder is not None else []:
        top = TOP.search(part.get("style"))
        if top:
            found.append((float(top[1]), part))
    return found


def _some(element: Element | None) -> Nodes:
    return _inside(element) if element is not None else []


def _scripts(element: Element) -> Element | None:
    base = _nearest(element, "base")
    if base is not None:
        return _scripted(_inside(base), _some(_nearest(element, "sub")), _some(_nearest(element, "sup")))
    placed = [(top, _inside(part)) for top, part in _placed(element)]
    if len(placed) < 2:
        return None
    level = placed[0][0]
    scripts = sorted(placed[1:], key=lambda found: found[0])
    if len(scripts) == 1:
        above = scripts[0][0] < level
        return _scripted(placed[0][1], [] if above else scripts[0][1], scripts[0][1] if above else [])
    return _scripted(placed[0][1], scripts[-1][1], scripts[0][1])


def _scripted(base: Nodes, below: Nodes, above: Nodes) -> Element:
    if below and above:
        return node("msubsup", [row(base), row(below), row(above)])
    return node("msub" if below else "msup", [row(base), row(below or above)])


def _limits(element: Element) -> Element | None:
    base = _nearest(element, "op", "base")
    if base is not None:
        return stacked(
            row(_inside(base)), _some(_nearest(element, "under", "sub")), _some(_nearest(element, "over", "sup"))
        )
    placed = [(top, _inside(part)) for top, part in _placed(element)]
    if len(placed) < 2:
        return None
    over = [top < placed[0][0] or "".join(inner.text() for inner in part) in ACCENTS for top, part in placed[1:]]
    above = [inner for (_, part), is_over in zip(placed[1:], over, strict=True) if is_over for inner in part]
    below = [inner for (_, part), is_over in zip(placed[1:], over, strict=True) if not is_over for inner in part]
    return stacked(row(placed[0][1]), below, above)


def _fraction(element: Element) -> Element | None:
    above, below = _nearest(element, "numerator"), _nearest(element, "denominator")
    if above is not None and below is not None:
        ruled = _nearest(element, "line") is not None
        parts: list[Element | str] = [row(_inside(above)), row(_inside(below))]
        return node("mfrac", parts, **({} if ruled else {"linethickness": "0"}))
    placed = [part for _, part in _placed(element)]
    inner = [found for part in placed if (found := _inside(part))]
    if len(inner) < 2:
        return None
    return node("mfrac", [row(inner[0]), row(inner[1])], **({} if len(placed) > 2 else {"linethickness": "0"}))


def _root(element: Element) -> Element | None:
    box = next((part for part in element.iterate() if _kind(part) == "box" and _nearest(part, "surd") is None), None)
    placed = [part for _, part in _placed(element)]
    inner = _inside(box) if box is not None else _inside(placed[0]) if placed else []
    index = _some(_nearest(element, "root"))
    if not index and _kind(element) == "mroot" and len(placed) > 1:
        index = _inside(placed[-1])
    return (node("mroot", [row(inner), row(index)]) if index else node("msqrt", [*inner])) if inner else None


def _table(element: Element) -> Element | None:
    lines = [part for part in element.iterate() if _kind(part) in ("mtr", "mlabeledtr")]
    if lines:
        cells = [[part for part in line.iterate() if _kind(part) == "mtd"] for line in lines]
        return node("mtable", [node("mtr", [node("mtd", [*_inside(cell)]) for cell in line]) for line in cells])
    columns = [[part for part in column.iterate() if _kind(part) == "mtd"] for _, column in _placed(element)]
    columns = [column for column in columns if column]
    high = max(map(len, columns), default=0)
    cells = [[column[index] for column in columns if index < len(column)] for index in range(high)]
    return (
        node("mtable", [node("mtr", [node("mtd", [*_inside(cell)]) for cell in line]) for line in cells])
        if cells
        else None
    )


SCHEMES: dict[str, Callable[[Element], Element | None]] = {
    **dict.fromkeys(("msubsup", "msub", "msup"), _scripts),
    **dict.fromkeys(("munderover", "munder", "mover"), _limits),
    "mfrac": _fraction,
    "msqrt": _root,
    "mroot": _root,
    "mtable": _table,
}

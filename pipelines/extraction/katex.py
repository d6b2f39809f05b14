"""KaTeX's visible spans, of a page that kept neither the source nor the MathML beside them, as MathML.

The spans say what they are by their class, and where they stand by their height: a script, a numerator or a limit is a
row of a list. Releases from 0.17 on put `katex-` before most classes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from pipelines.extraction.document import Element
from pipelines.extraction.rendered import node
from pipelines.extraction.typeset import attach, bracket, row, stacked

Nodes = list[Element]
TOP = re.compile(r"top:\s*(-?[\d.]+)em")
LEAF = re.compile(r"\d+(?:[.,]\d+)*|\s+|.", re.DOTALL)
SPACES = "\u200b \n\u00a0\u202f"
FILLERS = frozenset(
    {"strut", "pstrut", "vlist-s", "frac-line", "hide-tail", "nulldelimiter", "mathml", "mspace", "arraycolsep", "fix"}
)
FONTS = {"mathbf": "bold", "textbf": "bold", "boldsymbol": "bold-italic", "mathbb": "double-struck", "mathcal": "script", "mathscr": "script",
         "mathfrak": "fraktur", "mathsf": "sans-serif", "mathtt": "monospace", "amsrm": ""}  # fmt: skip
SLASH = "\ue020"
"""The stroke that KaTeX's own font has for `\\not`, drawn over what follows."""
DRAWN = {"333": "||", "556": "‖‖", "875": "()", "667": "[]", "889": "{}"}
"""Tall brackets, by the width of their drawing in thousandths of an em."""
HATS = ("0 0 1062", "0 0 2364")
"""The drawings of wide hats; those of wide tildes are of other widths."""


def from_katex(element: Element) -> Nodes:
    """MathML of what a span holds."""
    return _nodes([element], ())


def _names(element: Element) -> list[str]:
    return [name.removeprefix("katex-") for name in element.get("class").split()]


def _nodes(children: Iterable[Element | str], around: Iterable[str]) -> Nodes:
    found: Nodes = []
    for child in children:
        if isinstance(child, str):
            for leaf in _leaves(child.strip(SPACES), around):
                _append(found, leaf)
            continue
        names = _names(child)
        if child.tag == "svg" or not FILLERS.isdisjoint(names) or "transparent" in child.get("style"):
            continue
        if "msupsub" in names:
            _scripted(child, found)
            continue
        read = (SCHEMES[name](child) for name in names if name in SCHEMES)
        inner = next((inner for inner in read if inner is not None), None)
        for leaf in inner if inner is not None else _nodes(child.children, names):
            _append(found, leaf)
    return found


def _append(found: Nodes, leaf: Element) -> None:
    if found and found[-1].tag == "mo" and found[-1].text() == SLASH:
        found[-1] = node("mo", [unicodedata.normalize("NFC", leaf.text() + "\u0338")])
    else:
        found.append(leaf)


def _leaves(text: str, names: Iterable[str]) -> Nodes:
    variant = next((FONTS[name] for name in names if name in FONTS), "")
    said = {"mathvariant": variant} if variant else {}
    if len(text) > 1 and text.isalpha() and text.isascii() and "mathrm" in names:
        return [node("mo" if text == "mod" else "mi", [text])]
    found: Nodes = []
    for token in LEAF.findall(text):
        if token[0].isdigit():
            found.append(node("mn", [token], **said))
        elif token.isalpha():
            found.append(node("mi", [token], **said))
        elif not token.isspace():
            relation = "mrel" in names or "mbin" in names
            found.append(node("mo", [token if relation else {"∣": "|", "∥": "‖"}.get(token, token)]))
    return found


def _rows(element: Element) -> list[tuple[float, Element]]:
    """The rows of the first list below from top to bottom, each with its height in em (negative is up)."""
    column = next((part for part in element.iterate() if "vlist" in _names(part)), None)
    if column is None:
        return []
    heights = [(TOP.search(part.get("style")), part) for part in column.elements()]
    return sorted(((float(top[1]) if top else 0.0, part) for top, part in heights), key=lambda found: found[0])


def _below(element: Element, name: str) -> Element | None:
    return next((part for part in element.iterate() if name in _names(part)), None)


def _written(element: Element) -> Element:
    return row(_nodes(element.children, _names(element)))


def _scripted(element: Element, found: Nodes) -> None:
    rows = [part for _, part in _rows(element) if part.text().strip(SPACES) or _below(part, "vlist") is not None]
    below = any("vlist-t2" in _names(part) for part in element.elements())  # a depth row: the list reaches below
    if len(rows) >= 2:
        attach(found, "msub", _written(rows[-1]))
        attach(found, "msup", _written(rows[0]))
    elif rows:
        attach(found, "msub" if below else "msup", _written(rows[0]))


def _fraction(element: Element) -> Nodes | None:
    lists = [part for _, part in _rows(element)]
    rows = [part for part in lists if part.text().strip(SPACES)]
    if len(rows) < 2:
        return None
    ruled = any("frac-line" in _names(line) for part in lists for line in part.elements())
    thin = {} if ruled else {"linethickness": "0"}
    return [node("mfrac", [_written(rows[0]), _written(rows[-1])], **thin)]


def _root(element: Element) -> Nodes | None:
    index = next((part for part in element.elements() if "root" in _names(part)), None)
    under = next((part for part in element.elements() if part is not index), element)
    inner = next((part for _, part in _rows(under) if part.text().strip(SPACES)), None)
    if inner is None:
        return None
    return (
        [node("mroot", [_written(inner), _written(index)])] if index is not None else [node("msqrt", [_written(inner)])]
    )


def _accent(element: Element) -> Nodes | None:
    base = mark = None
    for _, part in _rows(element):
        body = _below(part, "accent-body")
        if body is not None:
            mark = body.text().strip(SPACES) or "→"  # a vector's arrow is drawn
        elif "svg-align" in _names(part):
            mark = _drawn_mark(part)
        else:
            base = part
    return [node("mover", [_written(base), node("mo", [mark])])] if base is not None and mark else None


def _drawn_mark(element: Element) -> str:
    drawings = [part for part in element.iterate() if part.tag == "svg"]
    if len(drawings) > 1:
        return "↔"
    aspect, box = (drawings[0].get("preserveaspectratio"), drawings[0].get("viewbox")) if drawings else ("", "")
    if not box and drawings:
        aspect, box = drawings[0].get("preserveAspectRatio"), drawings[0].get("viewBox")
    if aspect.startswith("xM"):
        return "→" if aspect.startswith("xMax") else "←"
    return "^" if box.startswith(HATS) else "~"


def _line(mark: str, kind: str) -> Callable[[Element], Nodes | None]:
    def read(element: Element) -> Nodes | None:
        inner = next((part for _, part in _rows(element) if part.text().strip(SPACES)), None)
        return [node(kind, [_written(inner), node("mo", [mark])])] if inner is not None else None

    return read


def _limits(element: Element) -> Nodes | None:
    """An operator between its limits, which are set small."""
    rows = _rows(element)
    small = [_is_small(part) for _, part in rows]
    if small.count(False) != 1:
        return None
    place = small.index(False)
    above, below = (_nodes([part for _, part in side], ()) for side in (rows[:place], rows[place + 1 :]))
    return [stacked(_written(rows[place][1]), below, above)]


def _is_small(part: Element) -> bool:
    return any("mtight" in _names(child) for child in part.elements())


def _brace(element: Element) -> Nodes | None:
    """A brace over or under, and the label beyond it."""
    rows = _rows(element)
    stretched = [_below(part, "stretchy") is not None and not part.text().strip(SPACES) for _, part in rows]
    if not any(stretched):
        return _limits(element)
    place = stretched.index(True)
    base = next((part for (_, part), is_brace in zip(rows, stretched, strict=True) if not is_brace), None)
    if base is None:
        return None
    over = place == 0
    return [node("mover" if over else "munder", [_written(base), node("mo", ["⏞" if over else "⏟"])])]


def _arrow(element: Element) -> Nodes | None:
    rows = _rows(element)
    place = next((index for index, (_, part) in enumerate(rows) if "svg-align" in _names(part)), None)
    if place is None:
        return None
    above, below = (_nodes([part for _, part in side], ()) for side in (rows[:place], rows[place + 1 :]))
    return [stacked(node("mo", [_drawn_mark(rows[place][1])]), below, above)]


def _table(element: Element) -> Nodes | None:
    columns = [part for part in element.elements() if any(name.startswith("col-align") for name in _names(part))]
    heights = sorted({top for column in columns for top, _ in _rows(column)})
    cells = [dict(_rows(column)) for column in columns]
    lines = [
        node("mtr", [node("mtd", [_written(column[top])] if top in column else []) for column in cells])
        for top in heights
    ]
    sides = [next(name[-1] for name in _names(column) if name.startswith("col-align")) for column in columns]
    aligned = {"columnalign": "right left"} if sides[:2] == ["r", "l"] else {}
    return [node("mtable", [*lines], **aligned)]


def _delimiter(element: Element) -> Nodes | None:
    text = element.text().strip(SPACES)
    if text:
        pieces = bracket(" ".join(text)) if "mult" in _names(element) else []
        return pieces or _leaves(text[:1] if "mult" in _names(element) else text, ())
    drawing = next((part for part in element.iterate() if part.tag == "svg"), None)
    box = (drawing.get("viewbox") or drawing.get("viewBox")).split() if drawing is not None else []
    pair = DRAWN.get(box[2], "") if len(box) == 4 else ""
    opens = element.parent is not None and "mopen" in _names(element.parent)
    return [node("mo", [pair[0 if opens else 1]])] if pair else []


def _operator(element: Element) -> Nodes | None:
    """The name of an operator, which may be cut into spans."""
    if _below(element, "vlist") is not None:
        return None
    name = "".join(element.text().split()).strip(SPACES)
    return [node("mi", [name])] if len(name) > 1 and name.isalpha() and name.isascii() else None


def _text(element: Element) -> Nodes | None:
    return None if _below(element, "vlist") is not None else [node("mtext", [element.text()])]


SCHEMES: dict[str, Callable[[Element], Nodes | None]] = {
    "mfrac": _fraction, "sqrt": _root, "accent": _accent, "overline": _line("¯", "mover"), "underline": _line("_", "munder"),
    "op-limits": _limits, "mover": _brace, "munder": _brace, "x-arrow": _arrow, "mtable": _table, "delimsizing": _delimiter,
    "text": _text, "mop": _operator,
}  # fmt: skip
"""Spans that are more than what they hold, by their class; None from a reader: what they hold after all."""

"""Displayed formulas that are tables within tables, as HeVeA and TtH set them: a fraction is two rows and a rule, a bracket a
column of pieces, a limit a line above or below. Read back as LaTeX."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.extraction.document import Element
from pipelines.extraction.mathml import LIMIT_WORDS, LIMITS, OVER, convert
from pipelines.extraction.rendered import node
from pipelines.extraction.tags import SYMBOLS
from pipelines.extraction.typeset import CONNECTIVES, LATER, Nodes, bracket, inside, nodes, row, stacked, table

NUMBERED = re.compile(r"\s*(?:\(\s*\w[\w.]{0,8}\s*\))?\s*")
RELATION = re.compile(r"\s*[=<>≤≥≠≈≡∼∈⊂⊆→⇒⇔:]*\s*")
SIGN = re.compile(r"[=<>≤≥≠≈≡∼∈⊂⊆→⇒⇔+−±×·√∑∏∫⌠∞⎛⎡⎧∂∇]")
WORD = re.compile(r"[^\W\d_]{4,}")
RULE = re.compile("_{2,}")
"""A rule as TtH draws it where styles are not to be trusted."""
MOST_WORDS = 12
"""Words that a formula of a table holds at most (`\\mbox{...}`); a row of a layout holds more."""
SURD, LIMIT, RULED = LATER
"""Nodes that mean something only together with their neighbour: a root sign (with its index), the limits of the integral
before, what stands under a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a display: its LaTeX, and the number beside it as it is written, empty where it has none."""

    tex: str
    number: str = ""


def is_hevea(element: Element) -> bool:
    """Whether a table is one of HeVeA's displays."""
    return element.get("class").split()[:1] == ["display"] and any(
        part.has_class("dcell") for part in element.having("dcell")
    )


def hevea_tex(element: Element) -> str:
    """The formula of a display of HeVeA's, empty where it holds nothing but space."""
    numbers = [part.text().strip(" ()\u00a0") for part in element.iterate() if _is_number(part)]
    tex = convert(row(_joined([_table(element)])))
    return f"{tex} \\tag{{{numbers[0]}}}" if tex and len(numbers) == 1 else tex


def tth_lines(element: Element) -> list[Line] | None:
    """The lines of a display of TtH's; None for any other table."""
    cells = _cells(element)
    if len(cells) != 1 or not cells[0]:
        return None
    inner = _only_table(cells[0][0])
    number = "".join(cell.text() for cell in cells[0][1:])
    if inner is None or not NUMBERED.fullmatch(number) or not _is_formula(inner):
        return None
    if _is_line(inner):
        return [Line(convert(row(_joined([_table(inner)]))), number.strip())]
    lines = [_aligned(line) for line in _cells(inner)]
    return [line for line in lines if line is not None and line.tex] if lines and None not in lines else None


def _is_number(part: Element) -> bool:
    return part.get("class").startswith("equationnumber")


def tth_inline(element: Element) -> str:
    """The formula of a table that TtH sets within a line of text (its option -t); empty for any other table."""
    if element.get("align") != "left" or not element.get("cellspacing"):
        return ""
    cells = _cells(element)
    first = cells[0][0] if len(cells) == 1 and len(cells[0]) > 1 else None
    if first is None or "nowrap" not in first.attributes or not _is_line(element) or not _is_formula(element):
        return ""
    return convert(row(_joined([_table(element)])))


def _cells(element: Element) -> list[list[Element]]:
    rows = [part for part in element.iterate() if part.tag == "tr" and _owner(part) is element]
    return [[cell for cell in line.elements() if cell.tag in ("td", "th")] for line in rows]


def _owner(part: Element) -> Element | None:
    parent = part.parent
    while parent is not None and parent.tag != "table":
        parent = parent.parent
    return parent


def _only_table(cell: Element) -> Element | None:
    """The table that is all of the cell."""
    inner = [child for child in cell.elements() if child.tag not in ("br", "a")]
    return (
        inner[0]
        if [part.tag for part in inner] == ["table"] and inner[0].text().strip() == cell.text().strip()
        else None
    )


def _is_formula(element: Element) -> bool:
    """Whether the words and signs of a table can be those of a formula."""
    text = element.text()
    tags = {part.tag for part in element.iterate()}
    words = [word for word in WORD.findall(text) if word.lower() not in CONNECTIVES]
    return (
        tags.isdisjoint({"img", "form", "input", "p", "ul", "ol", "pre"})
        and len(words) <= MOST_WORDS
        and (not tags.isdisjoint({"hr", "sub", "sup", SYMBOLS}) or SIGN.search(text) is not None)
    )


def _is_line(element: Element) -> bool:
    """TtH's line of a formula: one row of cells that do not wrap, between them the columns of tall brackets."""
    cells = _cells(element)
    return (
        len(cells) == 1
        and any("nowrap" in cell.attributes for cell in cells[0])
        and all(
            "nowrap" in cell.attributes or cell.get("class") in ("cl", "cr") or not cell.text().strip()
            for cell in cells[0]
        )
    )


def _aligned(cells: list[Element]) -> Line | None:
    """A line of an equation array, whose parts are tables each."""
    parts: list[Nodes] = []
    number = ""
    for cell in cells:
        text = cell.text().strip()
        inner = _only_table(cell)
        if inner is not None and _is_line(inner):
            parts.append(_table(inner))
        elif text and NUMBERED.fullmatch(text):
            number = text
        elif text:
            return None
    return Line(convert(row(_joined(parts))), number)


def _table(element: Element) -> Nodes:
    cells = _cells(element)
    rules = [any(cell.has_class("hrule") or cell.has_class("hbar") for cell in line) for line in cells]
    if any(rules):
        position = rules.index(True)
        above, below = (
            _joined([_cell(cell) for line in part for cell in line])
            for part in (cells[:position], cells[position + 1 :])
        )
        return _ruled(above, below)
    if len(cells) == 1:
        return _joined([_cell(cell) for cell in cells[0]])
    if all(len(line) == 1 for line in cells):
        return _stack([_cell(line[0]) for line in cells])
    return [_array(cells)]


def _array(cells: list[list[Element]]) -> Element:
    """A matrix; or the lines of an equation array, where all have their relation in the middle."""
    shown = [
        [cell for cell in line if not cell.text().strip() or not NUMBERED.fullmatch(cell.text())] for line in cells
    ]
    if all(len(line) == 3 and RELATION.fullmatch(line[1].text()) for line in shown) and any(
        line[1].text().strip() for line in shown
    ):
        sides = [[_joined([_cell(line[0])]), _joined([_cell(line[1]), _cell(line[2])])] for line in shown]
        array = table(sides)
        return node("mtable", [*array.children], columnalign="right left")
    return table([[_joined([_cell(cell)]) for cell in line] for line in cells])


def _ruled(above: Nodes, below: Nodes) -> Nodes:
    if above and below:
        return [node("mfrac", [row(above), row(below)])]
    return [node("munder", [row(above), node("mo", ["_"])])] if above else [node(RULED, [*below])]


def _stack(parts: list[Nodes]) -> Nodes:
    """Lines one above the other: an operator between its limits, limits alone, or lines."""
    operator = next((index for index, part in enumerate(parts) if _is_operator(part)), None)
    if operator is not None:
        above, below = (_joined(side) for side in (parts[:operator], parts[operator + 1 :]))
        return [stacked(parts[operator][0], below, above)]
    if len(parts) == 3 and not parts[1]:
        return [node(LIMIT, [row(parts[2]), row(parts[0])])]
    if len(parts) == 2 and [] in parts:
        return [node(LIMIT, [row(parts[1]), row(parts[0])])]
    lines = [[_joined([part])] for part in parts if part]
    return [table(lines)] if len(lines) > 1 else [inner for part in parts for inner in part]


def _is_operator(part: Nodes) -> bool:
    if len(part) != 1 or part[0].tag not in ("mo", "mi"):
        return False
    return part[0].text() in LIMITS or part[0].text() in LIMIT_WORDS


def _joined(parts: list[Nodes]) -> Nodes:
    """Cells side by side: a root takes what stands under the line after it, an integral its limits."""
    found: Nodes = []
    for part in (inner for nodes_ in parts for inner in nodes_):
        last = found[-1] if found else None
        if part.tag == RULED:
            radicand = part.elements()
            if radicand and radicand[0].tag == "mo" and radicand[0].text() == "√":
                found.append(node("msqrt", [*radicand[1:]]))
            elif last is not None and last.tag == SURD:
                index = last.children
                found[-1] = node("mroot", [row(part.children), *index]) if index else node("msqrt", [*part.children])
            else:
                found.append(node("mover", [row(part.children), node("mo", ["¯"])]))
        elif part.tag == LIMIT:
            operator = found.pop() if last is not None else node("mrow", [])
            below, above = ([side] if side.text().strip() else [] for side in part.elements())
            found.append(
                node("msubsup", [operator, row(below), row(above)])
                if below and above
                else _script(operator, below, above)
            )
        else:
            found.append(part)
    return found


def _script(operator: Element, below: Nodes, above: Nodes) -> Element:
    side = below or above
    return node("msub" if below else "msup", [operator, row(side)]) if side else operator


def _cell(cell: Element) -> Nodes:
    text = cell.text().strip()
    found = bracket(text)
    if found:
        return found
    if text == "√":
        return [node(SURD, [])]
    marks = [part for part in cell.elements() if part.tag == "div" and part.has_class("comp")]
    if marks:
        return _accented(cell, marks[0])
    lines = _split(cell)
    if None in lines:
        position = lines.index(None)
        above, below = ([line for line in part if line] for part in (lines[:position], lines[position + 1 :]))
        return _ruled(_joined(above), _joined(below))
    written = [line or [] for line in lines]
    shown = [line for line in written if line]
    if len(written) < 3 or not shown:
        return [inner for line in shown for inner in line]
    if len(shown) == 1 and not _is_operator(shown[0]):
        first = bool(written[0])
        return [node(LIMIT, [row([] if first else shown[0]), row(shown[0] if first else [])])]
    while not written[-1]:
        written.pop()
    return _stack(written)


def _split(cell: Element) -> list[Nodes | None]:
    """The lines of a cell, None for a rule between two."""
    lines: list[list[Element | str] | None] = [[]]
    _collect(cell, lines)
    return [None if line is None else nodes(line) for line in lines]


def _collect(element: Element, lines: list[list[Element | str] | None]) -> None:
    for child in element.children:
        if isinstance(child, str):
            _last(lines).append(child)
        elif child.tag == "hr":
            lines.append(None)
        elif child.tag == "br":
            drawn = "".join(part for part in _last(lines) if isinstance(part, str)).strip()
            lines.append([])
            if RULE.fullmatch(drawn):
                lines[-2] = None
        elif child.tag == "table":
            _last(lines).extend(_table(child))
        elif child.tag == "div" or (child.tag not in ("sub", "sup") and child.find("br", "hr", "table") is not None):
            _collect(child, lines)
        else:
            _last(lines).append(child)


def _last(lines: list[list[Element | str] | None]) -> list[Element | str]:
    """The line that is being written; a new one after a rule."""
    last = lines[-1]
    if last is None:
        last = []
        lines.append(last)
    return last


def _accented(cell: Element, mark: Element) -> Nodes:
    """TtH's accents, and the index of a root: a small line above the letter or the sign."""
    above = mark.text().strip()
    base = next((part for part in cell.elements() if part.tag == "div" and part.has_class("norm")), None)
    if base is None:
        return inside(mark)
    if base.text().strip() == "√":
        return [node(SURD, [row(inside(mark))])]
    accent = node("mo", [above]) if above in OVER else row(inside(mark))
    return [node("mover", [row(inside(base)), accent])]

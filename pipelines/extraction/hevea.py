"""Displayed formulas as HeVeA sets them: tables within tables, which show a fraction as three rows and a bracket as a
column of pieces. Read back as TeX."""

from __future__ import annotations

import re

from pipelines.extraction.document import Element
from pipelines.extraction.plain_math import SUB, SUB_END, SUP, SUP_END, VARIABLE, plain_tex
from pipelines.extraction.symbols import join

BRACKETS = {
    "⎛⎝⎜": r"\left(",
    "⎞⎠⎟": r"\right)",
    "⎡⎣⎢": r"\left[",
    "⎤⎦⎥": r"\right]",
    "⎧⎩⎨⎪": r"\left\{",
    "⎫⎭⎬": r"\right\}",
}
PIECES = re.compile(r"[⎛⎜⎝⎞⎟⎠⎡⎢⎣⎤⎥⎦⎧⎨⎩⎪⎫⎬⎭|∣\s]+")
BIG = {"∑": r"\sum", "∏": r"\prod", "∫": r"\int", "∮": r"\oint", "⋃": r"\bigcup", "⋂": r"\bigcap"}
WORD = re.compile(r"[^\W\d_]{4,}")


def is_display(table: Element) -> bool:
    """Whether a table is one of HeVeA's displays."""
    return table.get("class").split()[:1] == ["display"] and any(part.has_class("dcell") for part in table.iterate())


def display_tex(table: Element) -> str:
    """The formula of a display, empty where it holds nothing but space."""
    return re.sub(r"\s+", " ", _table(table)).strip()


def markup_tex(element: Element) -> str:
    """A formula set with italics, sub and sup."""
    return _cell(element)


def _table(table: Element) -> str:
    rows = [row for row in table.iterate() if row.tag == "tr" and _owner(row) is table]
    cells = [[cell for cell in row.elements() if cell.tag in ("td", "th")] for row in rows]
    rules = [any(cell.has_class("hrule") or cell.has_class("hbar") for cell in row) for row in cells]
    if any(rules):
        return _ruled(cells, rules)
    if len(cells) == 1:
        return _line([_cell(cell) for cell in cells[0]])
    if all(len(row) == 1 for row in cells):
        return _stack([_cell(row[0]) for row in cells])
    body = r" \\ ".join(" & ".join(_cell(cell) for cell in row).rstrip(" &") for row in cells)
    return f"\\begin{{matrix}}{body}\\end{{matrix}}"


def _owner(row: Element) -> Element | None:
    parent = row.parent
    while parent is not None and parent.tag != "table":
        parent = parent.parent
    return parent


def _ruled(cells: list[list[Element]], rules: list[bool]) -> str:
    position = rules.index(True)
    above = _line([_cell(cell) for row in cells[:position] for cell in row])
    below = _line([_cell(cell) for row in cells[position + 1 :] for cell in row])
    return f"\\frac{{{above}}}{{{below}}}" if above else below


def _stack(parts: list[str]) -> str:
    """Rows of one cell: an operator between its limits, limits with space between them, or lines."""
    operator = next((part for part in parts if part in BIG.values() or part.startswith("\\lim")), None)
    if operator is not None:
        position = parts.index(operator)
        above, below = " ".join(parts[:position]).strip(), " ".join(parts[position + 1 :]).strip()
        return operator + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    if len(parts) == 3 and not parts[1]:
        return (f"_{{{parts[2]}}}" if parts[2] else "") + (f"^{{{parts[0]}}}" if parts[0] else "")
    if len(parts) == 2 and "" in parts:
        return f"^{{{parts[0]}}}" if parts[0] else f"_{{{parts[1]}}}" if parts[1] else ""
    return r"\begin{matrix}" + r" \\ ".join(part for part in parts if part) + r"\end{matrix}"


def _line(parts: list[str]) -> str:
    written: list[str] = []
    for part in parts:
        if written and written[-1] == r"\sqrt":
            written[-1] = f"\\sqrt{{{part}}}"
        elif part:
            written.append(part)
    return join([part.strip() if part != r"\ " else part for part in written])


def _cell(cell: Element) -> str:
    text = cell.text()
    if PIECES.fullmatch(text) and text.strip():
        piece = next((bracket for pieces, bracket in BRACKETS.items() if text.strip()[0] in pieces), None)
        return piece or "|"
    if text.strip() == "√":
        return r"\sqrt"
    parts: list[str] = []
    run: list[str] = []
    _inline(cell, parts, run)
    _end(parts, run)
    return _line(parts)


def _inline(element: Element, parts: list[str], run: list[str]) -> None:
    for child in element.children:
        if isinstance(child, str):
            run.append(child)
        elif child.tag == "table":
            _end(parts, run)
            parts.append(_table(child))
        elif child.tag in ("sub", "sup"):
            run.append(SUB if child.tag == "sub" else SUP)
            run.append(child.text().strip())
            run.append(SUB_END if child.tag == "sub" else SUP_END)
        else:
            if "italic" in child.get("style") and len(child.text().strip()) == 1 and child.text().strip().isascii():
                run.append(VARIABLE)
            _inline(child, parts, run)


def _end(parts: list[str], run: list[str]) -> None:
    text = re.sub(r"\s+", " ", "".join(run).replace("\u00a0", " ")).strip()
    run.clear()
    if text:
        parts.append(BIG.get(text) or plain_tex(text))

"""Tables of a page: their rows, the grid that spans make of them, and which of them are tabular."""

from __future__ import annotations

import re

from pipelines.extraction.document import Element
from pipelines.extraction.plain_math import MARK_OPEN, MARKED

NUMBERED = re.compile(r"(?:\(\w[\w.]{0,8}\))?")
WIDEST = 100
"""Columns of a table that are counted; a span of a thousand would be a thousand bars in every row."""


def rows_of(table: Element) -> list[list[Element]]:
    """The cells of the table's own rows, not of tables inside it."""
    rows: list[list[Element]] = []
    for child in table.elements():
        if child.tag in ("thead", "tbody", "tfoot"):
            rows += rows_of(child)
        elif child.tag == "tr":
            cells = [cell for cell in child.elements() if cell.tag in ("td", "th")]
            if cells:
                rows.append(cells)
    return rows


def grid(rows: list[list[Element]]) -> list[list[Element | str]]:
    """The rows with an empty cell wherever one that spans columns or rows reaches, so that columns stay columns."""
    grid: list[list[Element | str]] = []
    below: dict[int, int] = {}  # rows that a cell above still covers, by column
    for row in rows:
        written: list[Element | str] = []
        for cell in row:
            _skip_covered(written, below)
            columns, high = _span(cell, "colspan", WIDEST), _span(cell, "rowspan", len(rows))
            if high > 1:
                below |= dict.fromkeys(range(len(written), len(written) + columns), high)
            written += [cell, *[""] * (columns - 1)]
        _skip_covered(written, below)
        below = {column: left - 1 for column, left in below.items() if left > 1}
        grid.append(written)
    return grid


def _skip_covered(written: list[Element | str], below: dict[int, int]) -> None:
    while below.get(len(written), 0) > 0 and len(written) < WIDEST:
        written.append("")


def _span(cell: Element, name: str, most: int) -> int:
    value = cell.get(name) if name in cell.start else ""
    return min(int(value), most) if value.isascii() and value.isdigit() and value != "0" else 1


def is_numbered(rows: list[list[Element]]) -> bool:
    """Whether the table only puts a number beside a formula, as LaTeX2HTML's do."""
    if any(cell.has_class("eqno") for row in rows for cell in row):
        return True
    texts = [cell.text().strip() for cell in rows[0]] if len(rows) == 1 and len(rows[0]) < 5 else []
    return any(MARK_OPEN in text for text in texts) and all(
        NUMBERED.fullmatch(text) or MARKED.fullmatch(text) for text in texts
    )


def is_data(table: Element, rows: list[list[Element]]) -> bool:
    """Whether the table is tabular, not a page layout: several columns of short cells without blocks in them."""
    if not rows or max(len(row) for row in rows) < 2 or table.get("role") == "presentation":
        return False
    cells = [cell for row in rows for cell in row]
    complex_cells = sum(
        1
        for cell in cells
        if cell.children
        and any(
            part.tag in ("table", "pre", "h1", "h2", "h3", "ul", "ol", "blockquote", "form")
            for part in cell.iterate()
            if part is not cell
        )
    )
    return complex_cells * 8 <= len(cells) and max(cell.length for cell in cells) <= 1000

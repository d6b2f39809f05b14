"""Tables of a page: their rows, the grid that spans make of them, and which of them are tabular. Cells are rows of the
page's table of nodes."""

from __future__ import annotations

import re

from pipelines.extraction.document import Document
from pipelines.extraction.plain_math import MARK_OPEN, MARKED

NUMBERED = re.compile(r"(?:\(\w[\w.]{0,8}\))?")
SPAN = re.compile(r' (col|row)span="([0-9]+)"')
WIDEST = 100
"""Columns of a table that are counted; a span of a thousand would be a thousand bars in every row."""


def rows_of(document: Document, table: int) -> list[list[int]]:
    """The cells of the table's own rows, not of tables inside it."""
    rows: list[list[int]] = []
    for row in document.elements_in(table):
        tag = document.tag(row)
        if tag in ("thead", "tbody", "tfoot"):
            rows += rows_of(document, row)
        elif tag == "tr":
            cells = [cell for cell in document.elements_in(row) if document.tag(cell) in ("td", "th")]
            if cells:
                rows.append(cells)
    return rows


def grid(document: Document, rows: list[list[int]]) -> list[list[int | None]]:
    """The rows with an empty cell wherever one that spans columns or rows reaches, so that columns stay columns."""
    grid: list[list[int | None]] = []
    below: dict[int, int] = {}  # rows that a cell above still covers, by column
    for row in rows:
        written: list[int | None] = []
        for cell in row:
            _skip_covered(written, below)
            columns, high = _spans(document.start(cell), len(rows))
            if high > 1:
                below |= dict.fromkeys(range(len(written), len(written) + columns), high)
            written += [cell, *[None] * (columns - 1)]
        _skip_covered(written, below)
        below = {column: left - 1 for column, left in below.items() if left > 1}
        grid.append(written)
    return grid


def _skip_covered(written: list[int | None], below: dict[int, int]) -> None:
    while below.get(len(written), 0) > 0 and len(written) < WIDEST:
        written.append(None)


def _spans(start: str, rows: int) -> tuple[int, int]:
    """How many columns and rows a cell covers."""
    if "span=" not in start:
        return 1, 1
    spans = {name: int(value) or 1 for name, value in SPAN.findall(start)}
    return min(spans.get("col", 1), WIDEST), min(spans.get("row", 1), rows)


def is_numbered(document: Document, rows: list[list[int]]) -> bool:
    """Whether the table only puts a number beside a formula, as LaTeX2HTML's do."""
    if any("eqno" in document.start(cell) and document.element(cell).has_class("eqno") for row in rows for cell in row):
        return True
    texts = [document.text_in(cell).strip() for cell in rows[0]] if len(rows) == 1 and len(rows[0]) < 5 else []
    return any(MARK_OPEN in text for text in texts) and all(
        NUMBERED.fullmatch(text) or MARKED.fullmatch(text) for text in texts
    )


def is_data(document: Document, table: int, rows: list[list[int]]) -> bool:
    """Whether the table is tabular, not a page layout: several columns of short cells without blocks in them."""
    if not rows or max(len(row) for row in rows) < 2 or 'role="presentation"' in document.start(table):
        return False
    cells = [cell for row in rows for cell in row]
    complex_cells = sum(document.holds_layout(cell) for cell in cells)
    return complex_cells * 8 <= len(cells) and document.longest(cells) <= 1000

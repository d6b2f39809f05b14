"""Rows and columns: matrices, systems of relations, piecewise functions."""

from __future__ import annotations

from abc import abstractmethod

from evaluators.answers.reading.grammar import Expressions
from evaluators.answers.reading.vocabulary import MATRICES, RELATIONS
from evaluators.answers.values import MAX_ITEMS, Node, ParseError


class Tables(Expressions):
    """Reads the environments between \\begin and \\end."""

    @abstractmethod
    def operand(self) -> Node:
        """One side of a relation."""

    def matrix(self, name: str) -> Node:
        if name not in MATRICES:
            raise ParseError(f"unknown environment {name}")
        rows: list[list[Node]] = [[]]
        self.depth += 1
        while self.peek().kind != "end":
            rows[-1].append(self.cell(name, rows[-1]))
            if self.accept("&"):
                continue
            if self.accept("\\"):
                self.skip_space()
                if self.peek().kind != "end":
                    rows.append([])
            elif self.peek().kind != "end":
                raise ParseError(f"a {name} cannot be read at {self.peek().text!r}")
        self.advance()
        self.depth -= 1
        if name in ("cases", "aligned") or (name == "array" and all(row[0].op == "relation" for row in rows)):
            return self.pieces(rows)
        widths = {len(row) for row in rows}
        if len(widths) != 1 or sum(map(len, rows)) > MAX_ITEMS:
            raise ParseError("the rows of a matrix differ in length")
        kind = "det" if name == "vmatrix" else "matrix"
        return self.node(kind, *(cell for row in rows for cell in row), value=(len(rows), widths.pop()))

    def cell(self, name: str, row: list[Node]) -> Node:
        """One cell; of a system or a piecewise function without its commas, its `if` and the & before its relation."""
        if name not in ("cases", "aligned", "array"):
            return self.item()
        if row and self.peek().kind in ("word", "text"):
            word = self.peek().text.strip(" ,.:").lower()
            if word in ("otherwise", "else", "elsewhere"):
                self.position += 1
                self.accept(".", ",")
                return self.node("text", value=("otherwise",))
            self.position += word in ("if", "for", "when", "where", "on", "")
        item = self.item()
        if self.peek().text == "&" and self.peek(1).text in RELATIONS:
            self.position += 1
            name = RELATIONS[self.advance().text]
            item = self.node("relation", item, self.operand(), value=(name,))
        while self.accept(",", ";", "."):
            pass
        if self.peek().kind in ("word", "text") and self.peek().text.strip(" ,").lower() in (
            "if",
            "for",
            "when",
            "and",
        ):
            self.position += 1
            if not row and self.peek().text != "&":
                raise ParseError("a condition in the cell of its value")
        return item

    def skip_space(self) -> None:
        """The [4pt] after a row's end."""
        marks = [self.peek(i).text for i in range(4)]
        if marks[0] == "[" and marks[2] in ("pt", "em", "ex", "mm", "cm") and marks[3] == "]":
            self.position += 4

    def pieces(self, rows: list[list[Node]]) -> Node:
        """A system of relations, or a piecewise function: values, each with its condition."""
        if all(len(row) == 1 for row in rows):
            return self.node("list", *(row[0] for row in rows), value="and") if len(rows) > 1 else rows[0][0]
        if any(len(row) != 2 for row in rows):
            raise ParseError("a piecewise function has a value and a condition in every row")
        return self.node("cases", *(self.node("tuple", *row) for row in rows))

    def left_brace(self, outer_bars: int) -> Node:
        """\\left\\{ before an array that no brace closes: a system."""
        self.closing_bar = False
        name = "cases" if self.advance().text == "array" else "aligned"
        inner = self.matrix(name)
        self.accept("}")
        self.depth, self.bars = self.depth - 1, outer_bars
        return inner

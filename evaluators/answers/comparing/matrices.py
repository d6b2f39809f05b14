"""Matrices that are sums, products, powers and inverses of others, and determinants, worked out cell by cell."""

from __future__ import annotations

from collections.abc import Callable

from evaluators.answers.comparing.exact import rational
from evaluators.answers.values import Node, negated, num, walk

MAX_POWER = 12
MAX_SIZE = 5
"""Rows of a matrix that is multiplied or inverted, columns of a determinant: the cofactors of six rows are 720 products."""
_HEADS = frozenset({"add", "mul", "neg", "pow", "det", "fn", "div", "qty"})
Cells = list[list[Node]]


def worked_out(node: Node) -> Node:
    """The matrix or number that arithmetic on matrices comes to; any other tree as it is."""
    if node.op not in _HEADS or not any(n.op in ("matrix", "det") for n in walk(node)):
        return node
    found = _value(node)
    return node if found is None else found


def _value(node: Node) -> Node | None:
    """None where shapes do not fit, or over the caps."""
    op, args, value = node
    if op == "det" or (op == "fn" and value == "det" and args[0].op == "matrix"):
        return _determinant(_cells(node if op == "det" else args[0]))
    if op == "matrix" or not any(n.op in ("matrix", "det") for n in walk(node)):
        return node
    if op == "fn":
        inner = tuple(_value(arg) for arg in args)
        return None if None in inner else _of_found(node, inner)
    known = [_value(arg) for arg in args]
    if any(k is None for k in known):
        return None
    values = [k for k in known if k is not None]
    if not any(v.op == "matrix" for v in values):
        return _settled(node._replace(args=tuple(values)))
    return _arithmetic(op, values)


def _of_found(node: Node, inner: tuple[Node | None, ...]) -> Node | None:
    kept = tuple(value for value in inner if value is not None)
    return _determinant(_cells(kept[0])) if node.value == "det" and kept[0].op == "matrix" else node._replace(args=kept)


def _arithmetic(op: str, values: list[Node]) -> Node | None:
    first, second = values[0], values[-1]
    if op == "neg":
        return _mapped(first, lambda cell: _settled(negated(cell)))
    if op == "add":
        return _sum(first, second)
    if op == "mul":
        if first.op == second.op == "matrix":
            return _product(first, second)
        factor, matrix = (second, first) if first.op == "matrix" else (first, second)
        return _mapped(matrix, lambda cell: _settled(Node("mul", (factor, cell))))
    if op == "div" and second.op != "matrix":
        return _mapped(first, lambda cell: _settled(Node("div", (cell, second))))
    return _power(first, second) if op == "pow" and second.op != "matrix" else None


def _sum(a: Node, b: Node) -> Node | None:
    if a.op != b.op or a.value != b.value:
        return None
    cells = tuple(_settled(Node("add", pair)) for pair in zip(a.args, b.args, strict=True))
    return a._replace(args=cells)


def _product(a: Node, b: Node) -> Node | None:
    (rows, inner), (height, columns) = a.value, b.value
    if inner != height or max(rows, inner, columns) > MAX_SIZE:
        return None
    cells = []
    for row in _cells(a):
        for column in range(columns):
            total = Node("mul", (row[0], b.args[column]))
            for index in range(1, inner):
                total = Node("add", (total, Node("mul", (row[index], b.args[index * columns + column]))))
            cells.append(_settled(total))
    return Node("matrix", tuple(cells), (rows, columns))


def _power(base: Node, exponent: Node) -> Node | None:
    times = rational(exponent)
    if (
        times is None
        or times.denominator != 1
        or not -MAX_POWER <= times <= MAX_POWER
        or base.value[0] != base.value[1]
    ):
        return None
    found: Node | None = base if times > 0 else _inverse(base)
    factor = found
    for _ in range(abs(int(times)) - 1):
        found = None if found is None or factor is None else _product(found, factor)
    return found if times else None


def _inverse(matrix: Node) -> Node | None:
    cells = _cells(matrix)
    whole = _determinant(cells)
    if whole is None or len(cells) < 2 or rational(whole) == 0:
        return None
    adjugate = []
    for row in range(len(cells)):
        for column in range(len(cells)):
            minor = _determinant(_minor(cells, column, row))
            if minor is None:
                return None
            signed = negated(minor) if (row + column) % 2 else minor
            adjugate.append(_settled(Node("div", (signed, whole))))
    return Node("matrix", tuple(adjugate), matrix.value)


def _determinant(cells: Cells) -> Node | None:
    size = len(cells)
    if any(len(row) != size for row in cells) or not 0 < size <= MAX_SIZE:
        return None
    if size == 1:
        return _settled(cells[0][0])
    total = num(0)
    for column, cell in enumerate(cells[0]):
        minor = _determinant(_minor(cells, 0, column))
        if minor is None:
            return None
        term = Node("mul", (cell, minor))
        total = Node("add", (total, negated(term) if column % 2 else term))
    return _settled(total)


def _minor(cells: Cells, row: int, column: int) -> Cells:
    return [line[:column] + line[column + 1 :] for index, line in enumerate(cells) if index != row]


def _cells(matrix: Node) -> Cells:
    rows, columns = matrix.value
    return [list(matrix.args[r * columns : (r + 1) * columns]) for r in range(rows)]


def _mapped(matrix: Node, change: Callable[[Node], Node]) -> Node | None:
    if matrix.op != "matrix":
        return None
    return matrix._replace(args=tuple(change(cell) for cell in matrix.args))


def _settled(cell: Node) -> Node:
    """The cell's number where it is rational, so that trees do not grow."""
    value = rational(cell)
    return cell if value is None else num(value)

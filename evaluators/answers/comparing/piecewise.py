"""Piecewise functions by their values: at every end of a piece, between the ends and beyond them."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from evaluators.answers.comparing.balls import equal_everywhere, real_value
from evaluators.answers.comparing.sets import Piece, pieces_of
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.values import Node, num, symbols

_WHOLE = frozenset({"n", "k", "m"})
_BETWEEN = (Fraction(1, 3), Fraction(1, 2), Fraction(7, 9))
_BEYOND = (Fraction(1, 7), Fraction(2), Fraction(19, 3), Fraction(40))
MAX_POINTS = 60
WHOLE_POINTS = 12
_OTHERWISE = Node("text", (), ("otherwise",))
Branch = tuple[Node, list[Piece] | str]
"""What the function is, and where: on pieces of the line, at `even` or `odd` numbers, or `otherwise`."""


def same_values(r: Node, p: Node) -> bool:
    """Whether both have the same values wherever either is looked at; False where that cannot be told."""
    mine, yours = _branches(r), _branches(p)
    names = {name for node in (r, p) for name in _names(node)}
    if mine is None or yours is None or len(names) != 1:
        return False
    name = names.pop()
    points = _points([where for _, where in (*mine, *yours)], whole=name in _WHOLE)
    if not points:
        return False
    for point in points:
        a, b = _at(mine, name, point), _at(yours, name, point)
        if (a is None) != (b is None) or (a is not None and b is not None and not _equal(a, b)):
            return False
    return True


def _equal(a: Node, b: Node) -> bool:
    return equal_everywhere(a, b) is True if symbols(a) | symbols(b) else _same_number(a, b)


def _same_number(a: Node, b: Node) -> bool:
    one, other = real_value(a), real_value(b)
    return one is not None and other is not None and abs(one - other) < Fraction(1, 10**20)


def _names(node: Node) -> set[str]:
    """The letter that the conditions are about."""
    if node.op != "cases":
        return set()
    return set().union(*(symbols(piece.args[1]) for piece in node.args))


def _branches(node: Node) -> list[Branch] | None:
    if node.op != "cases":
        return [(node, "otherwise")]
    found: list[Branch] = []
    for piece in node.args:
        value, condition = piece.args
        if condition == _OTHERWISE:
            found.append((value, "otherwise"))
        elif condition.op == "text":
            return None
        else:
            where = _where(condition)
            if where is None:
                return None
            found.append((value, where))
    return found


def _where(condition: Node) -> list[Piece] | None:
    if condition.op == "relation" and condition.value == ("=",) and condition.args[0].op == "sym":
        value = condition.args[1]
        return [Piece(value, value, True, True)] if real_value(value) is not None else None
    found = pieces_of(condition)
    ends = [end for piece in found or [] for end in (piece.low, piece.high) if end is not None]
    return found if found and all(real_value(end) is not None for end in ends) else None


def _points(places: list[list[Piece] | str], *, whole: bool) -> list[Fraction]:
    ends = {
        value
        for where in places
        if not isinstance(where, str)
        for piece in where
        for end in (piece.low, piece.high)
        if end is not None and (value := real_value(end)) is not None
    }
    if not ends or len(ends) * 3 > MAX_POINTS:
        return []
    ordered = sorted(ends)
    if whole:
        first = max(1, int(ordered[0]) - 3)
        return [Fraction(value) for value in range(first, int(ordered[-1]) + WHOLE_POINTS)]
    between = [low + (high - low) * share for low, high in pairwise(ordered) for share in _BETWEEN]
    return [*ordered, *between, *(ordered[0] - step for step in _BEYOND), *(ordered[-1] + step for step in _BEYOND)]


def _at(branches: list[Branch], name: str, point: Fraction) -> Node | None:
    """The value there; None where no piece holds the point."""
    for value, where in branches:
        if isinstance(where, str) or any(_holds(piece, point) for piece in where):
            return substituted(value, {name: num(point)})
    return None


def _holds(piece: Piece, point: Fraction) -> bool:
    low, high = (None if end is None else real_value(end) for end in (piece.low, piece.high))
    above = low is None or point > low or (piece.low_closed and point == low)
    return above and (high is None or point < high or (piece.high_closed and point == high))

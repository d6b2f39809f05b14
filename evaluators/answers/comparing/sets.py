"""Sets of real numbers: intervals, unions, inequalities and finite sets brought to one sorted form."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from evaluators.answers.comparing.balls import real_value
from evaluators.answers.values import INFINITY, Node, negated, num, symbols

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_MINUS_INFINITY = negated(INFINITY)


class Piece(NamedTuple):
    """One interval; an infinite end is None and open."""

    low: Node | None
    high: Node | None
    low_closed: bool
    high_closed: bool


def pieces_of(node: Node) -> list[Piece] | None:
    """The disjoint intervals of a set of reals in ascending order; None where the node is no such set."""
    found = _pieces(node)
    return None if found is None else _merged(found)


def _pieces(node: Node) -> list[Piece] | None:
    op, args, value = node
    if op == "interval":
        return [_piece(args[0], args[1], *value)]
    if op == "tuple" and len(args) == 2:
        return [_piece(args[0], args[1], False, False)]
    if op == "bracket" and len(args) == 2:
        return [_piece(args[0], args[1], True, True)]
    if op == "set":
        return [Piece(a, a, True, True) for a in args] if all(real_value(a) is not None for a in args) else None
    if op == "union":
        left, right = _pieces(args[0]), _pieces(args[1])
        return None if left is None or right is None else left + right
    if op == "cap":
        left, right = _pieces(args[0]), _pieces(args[1])
        return None if left is None or right is None else _intersection(_merged(left), _merged(right))
    if op == "without":
        return _without(_pieces(args[0]), args[1])
    if op == "relation":
        return _of_relation(node)
    if op == "list" and all(a.op == "relation" for a in args):
        return _of_relations(args, value)
    if op == "list" and value not in ("land", "lor"):
        parts = [_pieces(a) if a.op in ("interval", "union", "tuple", "bracket") else None for a in args]
        return None if None in parts else [piece for part in parts if part is not None for piece in part]
    return None


def _piece(low: Node, high: Node, low_closed: bool, high_closed: bool) -> Piece:
    begin = None if low == _MINUS_INFINITY else low
    end = None if high == INFINITY else high
    return Piece(begin, end, low_closed and begin is not None, high_closed and end is not None)


def variable_of(node: Node) -> str | None:
    """The one variable that inequalities are about."""
    names = symbols(node)
    return next(iter(names)) if len(names) == 1 else None


def _of_relation(node: Node) -> list[Piece] | None:
    sides, names = node.args, node.value
    if len(sides) == 3 and (between := _between_letters(node)) is not None:
        return between
    if len(sides) == 2 and (beyond := _beyond_letters(node)) is not None:
        return beyond
    if variable_of(node) is None or any(n not in ("<", ">", "<=", ">=", "!=") for n in names):
        return None
    if len(sides) == 2:
        left, right, name = sides[0], sides[1], names[0]
        if right.op == "sym" and not symbols(left):
            left, right, name = right, left, _FLIPPED.get(name, name)
        if symbols(right):
            return None
        return _half_line(right, name) if left.op == "sym" else _of_distance(left, right, name)
    if len(sides) == 3 and sides[1].op == "sym" and not symbols(sides[0]) and not symbols(sides[2]):
        if set(names) <= {"<", "<="}:
            return [_piece(sides[0], sides[2], names[0] == "<=", names[1] == "<=")]
        if set(names) <= {">", ">="}:
            return [_piece(sides[2], sides[0], names[1] == ">=", names[0] == ">=")]
    return None


_UNKNOWNS = frozenset({"x", "y", "theta", "alpha", "t"})


def _between_letters(node: Node) -> list[Piece] | None:
    """The interval of k\\pi < x < k\\pi + 1 or 1 < x < a, whose ends hold a letter of their own; None for any other chain."""
    low, middle, high = node.args
    ends = symbols(low) | symbols(high)
    if middle.op != "sym" or middle.value not in _UNKNOWNS or not ends or ends & _UNKNOWNS:
        return None
    if set(node.value) <= {"<", "<="}:
        return [_piece(low, high, node.value[0] == "<=", node.value[1] == "<=")]
    if set(node.value) <= {">", ">="}:
        return [_piece(high, low, node.value[1] == ">=", node.value[0] == ">=")]
    return None


def _beyond_letters(node: Node) -> list[Piece] | None:
    """The half line of x < 1/a, whose end holds letters; None for any other inequality."""
    (left, right), (name,) = node.args, node.value
    if right.op == "sym" and right.value in _UNKNOWNS and left.op != "sym":
        left, right, name = right, left, _FLIPPED.get(name, name)
    inner = symbols(right)
    if left.op != "sym" or left.value not in _UNKNOWNS or not inner or inner & _UNKNOWNS or name not in _FLIPPED:
        return None
    return _half_line(right, name)


def _of_distance(left: Node, right: Node, name: str) -> list[Piece] | None:
    """|x - a| < r and |x - a| > r."""
    if left.op != "fn" or left.value != "abs":
        return None
    inner = left.args[0]
    centre = num(0)
    if inner.op == "add" and inner.args[0].op == "sym":
        inner, centre = inner.args[0], negated(inner.args[1])
    if inner.op != "sym" or symbols(centre):
        return None
    low, high = Node("add", (centre, negated(right))), Node("add", (centre, right))
    if name == "!=":
        return [Piece(None, low, False, False), Piece(low, high, False, False), Piece(high, None, False, False)]
    if name in ("<", "<="):
        return [Piece(low, high, name == "<=", name == "<=")]
    return [Piece(None, low, False, name == ">="), Piece(high, None, name == ">=", False)]


def _half_line(bound: Node, name: str) -> list[Piece]:
    if name == "!=":
        return [Piece(None, bound, False, False), Piece(bound, None, False, False)]
    if name in ("<", "<="):
        return [_piece(_MINUS_INFINITY, bound, False, name == "<=")]
    return [_piece(bound, INFINITY, name == ">=", False)]


def _of_relations(relations: Iterable[Node], joined: str | None) -> list[Piece] | None:
    """x < -1 or x > 3 is a union; with `and` between them, or with an inequation, an intersection.

    With no more than commas: the union, unless that is the whole line, which nobody writes so (x >= 1, x < 3).
    """
    parts = []
    together = joined == "and"
    names = set()
    for relation in relations:
        solved = relation.value == ("=",) and relation.args[0].op == "sym" and not symbols(relation.args[1])
        part = [Piece(relation.args[1], relation.args[1], True, True)] if solved else _of_relation(relation)
        if part is None:
            return None
        names |= symbols(relation)
        together = together or (relation.value == ("!=",) and joined not in ("or", "lor"))
        parts.append(_merged(part))
    if len(names) != 1:
        return None
    if not together:
        union = [piece for part in parts for piece in part]
        if joined == "or" or _merged(union) != [Piece(None, None, False, False)]:
            return union
    result = parts[0]
    for part in parts[1:]:
        result = _intersection(result, part)
    return result


def _without(left: list[Piece] | None, removed: Node) -> list[Piece] | None:
    away = _pieces(removed)
    if left is None or away is None:
        return None
    result = _merged(left)
    for piece in _merged(away):
        outside = [] if piece.low is None else [Piece(None, piece.low, False, not piece.low_closed)]
        outside += [] if piece.high is None else [Piece(piece.high, None, not piece.high_closed, False)]
        result = _intersection(result, outside)
    return result


def _key(node: Node | None, infinite: Fraction) -> Fraction:
    if node is None:
        return infinite
    value = real_value(node)
    if value is None:
        raise ValueError("an endpoint that is no real number")
    return value


_LOW, _HIGH = Fraction(-(10**400)), Fraction(10**400)


def _merged(pieces: list[Piece]) -> list[Piece]:
    """Sorted, with touching pieces joined; as they stand where an endpoint has no known value."""
    try:
        keyed = sorted(
            ((_key(p.low, _LOW), not p.low_closed, _key(p.high, _HIGH), p) for p in pieces), key=lambda k: k[:3]
        )
    except ValueError:
        return pieces
    result: list[tuple[Fraction, Piece]] = []
    for low, opened, high, piece in keyed:
        if low > high or (low == high and not (piece.low_closed and piece.high_closed)):
            continue
        if result:
            last_high, last = result[-1]
            touches = low < last_high or (low == last_high and (last.high_closed or not opened))
            if touches:
                if high > last_high or (high == last_high and piece.high_closed):
                    result[-1] = (high, Piece(last.low, piece.high, last.low_closed, piece.high_closed))
                continue
        result.append((high, piece))
    return [piece for _, piece in result]


def _intersection(a: list[Piece], b: list[Piece]) -> list[Piece]:
    found = []
    for left in a:
        for right in b:
            try:
                low = max((left, right), key=lambda p: (_key(p.low, _LOW), not p.low_closed))
                high = min((left, right), key=lambda p: (_key(p.high, _HIGH), p.high_closed))
            except ValueError:
                return a
            found.append(Piece(low.low, high.high, low.low_closed, high.high_closed))
    return _merged(found)

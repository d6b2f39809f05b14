"""Lists with dots: what 2, 4, \\ldots, 10 leaves out where the rule is plain, and what it says where it has no end."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from evaluators.answers.values import MAX_ITEMS, Node, ParseError, num

DOTS = frozenset({"ldots", "...", "dots", "cdots"})


def continued(shown: list[Node], last: Node | None) -> list[Node]:
    """The elements of a list whose dots follow `shown` and end at `last`; one node where they cannot be written out."""
    values = [item.value for item in shown if item.op == "num"]
    if len(values) != len(shown) or not values:
        return [Node("elided", tuple(shown) if last is None else (*shown, last), last is None)]
    step = values[1] - values[0] if len(values) > 1 else Fraction(1)
    if step and all(b - a == step for a, b in pairwise(values)):
        return _arithmetic(values[0], step, last)
    ratio = values[1] / values[0] if values[0] else Fraction(0)
    if len(values) > 2 and ratio not in (0, 1, -1) and all(a * ratio == b for a, b in pairwise(values)):
        return _geometric(values[0], ratio, last)
    raise ParseError("no rule is plain in an elided list")


def _arithmetic(first: Fraction, step: Fraction, last: Node | None) -> list[Node]:
    if last is None or last.op != "num":
        return [Node("progression", (num(first), num(step)) if last is None else (num(first), num(step), last))]
    count = (last.value - first) / step
    if count.denominator != 1 or count < 1:
        raise ParseError("the last element is none of an elided list")
    if count >= MAX_ITEMS:
        return [Node("progression", (num(first), num(step), last))]
    return [num(first + step * index) for index in range(int(count) + 1)]


def _geometric(first: Fraction, ratio: Fraction, last: Node | None) -> list[Node]:
    if last is None or last.op != "num":
        raise ParseError("a geometric list without its last number")
    items = [first]
    while items[-1] != last.value:
        items.append(items[-1] * ratio)
        if len(items) > MAX_ITEMS or abs(items[-1]) > 10**30 or items[-1] == 0:
            raise ParseError("the last element is none of an elided list")
    return [num(item) for item in items]

"""Where an order counts that no brackets show: the problem asks for it, a word of capitals, a product with an inverse."""

from __future__ import annotations

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import Node, num

_CAPITALS = lazy_pattern(r"[\s$]*(?:\\(?:text|mathrm|textbf)\s*\{)?\s*(?P<word>[A-Z]{3,12})[\s$}.]*")
MAX_CHOICES = 4
"""Letters that may be several choices at once."""
_MINUS_ONE = (num(-1), Node("neg", (num(1),)))


def spelled_in_another_order(left: str, right: str, *, ordered: bool) -> bool:
    """Whether both are words of the same capitals in another order, BCDA and ABCD: a sequence or the name of a figure.

    ABD as the reference is what several choices are written as; those have no order, unless one is asked for.
    """
    mine, yours = _CAPITALS.fullmatch(left), _CAPITALS.fullmatch(right)
    if mine is None or yours is None or mine["word"] == yours["word"]:
        return False
    word = mine["word"]
    if not ordered and len(word) <= MAX_CHOICES and "".join(sorted(set(word))) == word and word[-1] <= "E":
        return False
    return sorted(word) == sorted(yours["word"])


def factors_in_another_order(r: Node, p: Node) -> bool:
    r"""Whether a product of capitals with an inverse, AB^{-1}, stands in another order: matrices do not commute."""
    mine, yours = _factors(r), _factors(p)
    if len(mine) < 2 or len(yours) < 2 or not any(f.op == "pow" for f in (*mine, *yours)):
        return False
    return mine != yours and sorted(mine, key=repr) == sorted(yours, key=repr)


def _factors(node: Node) -> tuple[Node, ...]:
    """The factors from left to right; none where one is no capital, nor the inverse of one."""
    if node.op == "mul":
        left, right = _factors(node.args[0]), _factors(node.args[1])
        return (*left, *right) if left and right else ()
    inverse = node.op == "pow" and node.args[1] in _MINUS_ONE
    name = node.args[0] if inverse else node
    return (node,) if name.op == "sym" and name.value[0].isupper() else ()

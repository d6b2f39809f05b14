"""Sums and limits before sympy is asked: geometric and p-series in closed form, and those that it could only choke on."""

from __future__ import annotations

from fractions import Fraction

from evaluators.answers.comparing.exact import OverBudget, rational
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.values import INFINITY, Node, num, symbols, walk

MAX_TERMS = 1_000
_TOWERS = frozenset({"sum", "prod", "int", "lim"})


def summed(node: Node) -> Node:
    """The tree with each infinite geometric series and p-series of numbers as its sum; as it is where there is none."""
    if not any(n.op == "sum" for n in walk(node)):
        return node
    args = tuple(summed(arg) for arg in node.args)
    node = node._replace(args=args)
    return node if node.op != "sum" else _geometric(node) or _of_powers(node) or node


def _geometric(node: Node) -> Node | None:
    body, lower, upper = node.args
    if upper != INFINITY or symbols(body) != {node.value} or not _is_exponential(body, node.value):
        return None
    try:
        first = rational(lower)
        if first is None or first.denominator != 1:
            return None
        terms = [rational(substituted(body, {node.value: first + step})) for step in range(4)]
    except (OverBudget, ZeroDivisionError):
        return None
    known = [term for term in terms if term is not None]
    if len(known) < 4 or not all(known):
        return None
    ratio = known[1] / known[0]
    if abs(ratio) >= 1 or known[2] != known[1] * ratio or known[3] != known[2] * ratio:
        return None
    return num(known[0] / (1 - ratio))


def _of_powers(node: Node) -> Node | None:
    """c / n^k from 1 as c zeta(k), c / (2n + 1)^k from 0 or c / (2n - 1)^k from 1 as c (1 - 2^-k) zeta(k)."""
    body, lower, upper = node.args
    if upper != INFINITY or body.op != "div" or body.args[1].op != "pow" or symbols(body.args[0]):
        return None
    base, power = body.args[1].args
    if power.op != "num" or power.value.denominator != 1 or not 2 <= power.value <= 40 or lower.op != "num":
        return None
    index = Node("sym", (), node.value)
    zeta = Node("fn", (power,), "zeta")
    if base == index and lower.value == 1:
        return Node("mul", (body.args[0], zeta))
    odd = base.op == "add" and base.args[0] == Node("mul", (num(2), index))
    if odd and (lower.value, base.args[1]) in ((0, num(1)), (1, num(-1))):
        return Node("mul", (body.args[0], Node("mul", (num(1 - Fraction(1, 2 ** int(power.value))), zeta))))
    return None


def _is_exponential(body: Node, index: str) -> bool:
    """Whether the index stands only in exponents, and there to the first power."""
    if index not in symbols(body):
        return True
    if body.op == "pow":
        return index not in symbols(body.args[0]) and _is_linear(body.args[1], index)
    return body.op in ("mul", "div", "neg") and all(_is_exponential(arg, index) for arg in body.args)


def _is_linear(node: Node, index: str) -> bool:
    if node.op == "sym" or index not in symbols(node):
        return True
    if node.op == "mul":
        return sum(index in symbols(arg) for arg in node.args) == 1 and all(_is_linear(arg, index) for arg in node.args)
    return node.op in ("add", "neg") and all(_is_linear(arg, index) for arg in node.args)


def is_hopeless(node: Node) -> bool:
    """Whether sympy would only run out of time: a product of millions of terms, a sum of growing powers, a tower x^{x^x}."""
    return any(_is_long(n) or _is_tower(n) for n in walk(node) if n.op in _TOWERS)


def _is_long(node: Node) -> bool:
    if node.op not in ("sum", "prod"):
        return False
    body, lower, upper = node.args
    try:
        first, last = rational(lower), rational(upper)
    except (OverBudget, ZeroDivisionError):
        return True
    if first is None or last is None or last - first <= Fraction(MAX_TERMS):
        return False
    return node.op == "prod" or any(
        (n.op == "pow" and node.value in symbols(n.args[1])) or (n.op == "fn" and node.value in symbols(n))
        for n in walk(body)
    )


def _is_tower(node: Node) -> bool:
    """A power whose base and exponent vary, and whose exponent holds another such power."""
    return any(
        n.op == "pow"
        and node.value in symbols(n.args[0])
        and any(_varies(inner, node.value) for inner in walk(n.args[1]))
        for n in walk(node.args[0])
    )


def _varies(node: Node, name: str) -> bool:
    return node.op == "pow" and name in symbols(node.args[0]) and name in symbols(node.args[1])

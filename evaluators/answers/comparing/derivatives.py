"""Derivatives written out as \\frac{d}{dx}(...), taken by the rules of the textbook."""

from __future__ import annotations

from collections.abc import Callable

from evaluators.answers.values import EULER, Node, negated, num, symbols, walk

MAX_ORDER = 4


class NoDerivative(ValueError):
    """A tree that the rules do not cover."""


def differentiated(node: Node) -> Node:
    """The tree with every derivative in it taken; as it is where one cannot be."""
    if not any(n.op == "diff" for n in walk(node)):
        return node
    try:
        return _without_operators(node)
    except NoDerivative:
        return node


def _without_operators(node: Node) -> Node:
    args = tuple(_without_operators(arg) for arg in node.args)
    if node.op != "diff":
        return node._replace(args=args)
    name, order = node.value
    body = args[0]
    for _ in range(order):
        body = _derivative(body, name)
    return body


def _derivative(node: Node, x: str) -> Node:
    op, args, value = node
    if x not in symbols(node):
        return num(0)
    if op == "sym":
        return num(1)
    if op in ("add", "mixed"):
        return Node("add", (_derivative(args[0], x), _derivative(args[1], x)))
    if op == "neg":
        return negated(_derivative(args[0], x))
    if op == "mul":
        left, right = args
        return _plus(_times(_derivative(left, x), right), _times(left, _derivative(right, x)))
    if op == "div":
        upper, lower = args
        above = _plus(_times(_derivative(upper, x), lower), negated(_times(upper, _derivative(lower, x))))
        return Node("div", (above, _power(lower, num(2))))
    if op == "root":
        return _derivative(_power(args[0], Node("div", (num(1), args[1]))), x)
    if op == "pow":
        return _of_power(args[0], args[1], x)
    if op == "fn" and len(args) == 1 and value in _FUNCTIONS:
        return _times(_FUNCTIONS[value](args[0]), _derivative(args[0], x))
    raise NoDerivative


def _of_power(base: Node, exponent: Node, x: str) -> Node:
    if x not in symbols(exponent):
        reduced = Node("add", (exponent, num(-1)))
        return _times(_times(exponent, _power(base, reduced)), _derivative(base, x))
    logarithm = num(1) if base == EULER else Node("fn", (base,), "ln")
    return _times(_power(base, exponent), _derivative(_times(exponent, logarithm), x))


def _plus(a: Node, b: Node) -> Node:
    return Node("add", (a, b))


def _times(a: Node, b: Node) -> Node:
    return Node("mul", (a, b))


def _power(a: Node, b: Node) -> Node:
    return Node("pow", (a, b))


def _call(name: str, argument: Node) -> Node:
    return Node("fn", (argument,), name)


def _under_root(u: Node, sign: int) -> Node:
    """1/sqrt(1 + sign*u^2)."""
    square = _power(u, num(2))
    inside = _plus(num(1), square if sign > 0 else negated(square))
    return Node("div", (num(1), Node("root", (inside, num(2)))))


_FUNCTIONS: dict[str, Callable[[Node], Node]] = {
    "sin": lambda u: _call("cos", u),
    "cos": lambda u: negated(_call("sin", u)),
    "tan": lambda u: _power(_call("sec", u), num(2)),
    "cot": lambda u: negated(_power(_call("csc", u), num(2))),
    "sec": lambda u: _times(_call("sec", u), _call("tan", u)),
    "csc": lambda u: negated(_times(_call("csc", u), _call("cot", u))),
    "sinh": lambda u: _call("cosh", u),
    "cosh": lambda u: _call("sinh", u),
    "exp": lambda u: _call("exp", u),
    "ln": lambda u: Node("div", (num(1), u)),
    "arcsin": lambda u: _under_root(u, -1),
    "arccos": lambda u: negated(_under_root(u, -1)),
    "arctan": lambda u: Node("div", (num(1), _plus(num(1), _power(u, num(2))))),
    "arsinh": lambda u: _under_root(u, 1),
}

"""Vectors written as 2i - j + 4k, for comparison with (2, -1, 4)."""

from __future__ import annotations

from fractions import Fraction

from evaluators.answers.comparing.balls import equal_everywhere
from evaluators.answers.comparing.exact import rational
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.values import IMAGINARY, Node, negated, num, symbols, walk

_AXES = ("i", "j", "k")


def in_components(node: Node, like: Node) -> Node:
    """The tuple of a sum of multiples of i, j and k, where `like` is a vector; else the node as it is."""
    size = _size(like)
    if size not in (2, 3) or node.op not in ("add", "mul", "neg", "sym", "const", "div"):
        return node
    if not any(n.op == "sym" and n.value in ("j", "k") for n in walk(node)) and node != IMAGINARY:
        return node
    named = _with_names(node)
    if not symbols(named) <= set(_AXES[:size]):
        return node
    unit = [{axis: num(axis == chosen) for axis in _AXES} for chosen in _AXES[:size]]
    parts = tuple(substituted(named, point) for point in unit)
    total = Node("mul", (parts[0], Node("sym", (), "i")))
    for axis, part in zip(_AXES[1:], parts[1:], strict=False):
        total = Node("add", (total, Node("mul", (part, Node("sym", (), axis)))))
    return Node("tuple", parts) if equal_everywhere(named, total) else node


def worked(node: Node, like: Node) -> Node:
    """The number of (1, 2) \\cdot (3, 4) and of |(3, 4)|, the vector of (1, 0, 0) \\times (0, 1, 0); else the node as it is."""
    if node.op == "fn" and node.value in ("abs", "norm") and node.args[0].op in _TUPLES:
        parts = node.args[0].args
        return Node("root", (_dot(parts, parts), num(2)))
    if node.op != "mul" or any(arg.op not in _TUPLES for arg in node.args):
        return node
    a, b = (arg.args for arg in node.args)
    if len(a) != len(b):
        return node
    if not _size(like):
        return _dot(a, b)
    if len(a) != 3:
        return node
    pairs = ((1, 2), (2, 0), (0, 1))
    return Node(
        "tuple",
        tuple(Node("add", (Node("mul", (a[i], b[j])), negated(Node("mul", (a[j], b[i]))))) for i, j in pairs),
    )


_TUPLES = frozenset({"tuple", "angle"})


def _dot(a: tuple[Node, ...], b: tuple[Node, ...]) -> Node:
    total = Node("mul", (a[0], b[0]))
    for x, y in zip(a[1:], b[1:], strict=True):
        total = Node("add", (total, Node("mul", (x, y))))
    return total


_MULTIPLIERS = frozenset({"t", "s", "r", "lambda", "mu", "c", "C"})


def on_one_line(r: Node, p: Node) -> bool:
    """t(2, -1, 3) and s(-4, 2, -6): all real multiples of vectors of one direction."""
    if r.op != "tuple" or p.op != "tuple" or len(r.args) != len(p.args):
        return False
    letters = symbols(r), symbols(p)
    if any(len(names) != 1 or not names <= _MULTIPLIERS for names in letters):
        return False
    mine, yours = (_direction(node, next(iter(names))) for node, names in zip((r, p), letters, strict=True))
    if mine is None or yours is None or not any(mine) or not any(yours):
        return False
    return all(a * d == b * c for a, b in zip(mine, yours, strict=True) for c, d in zip(mine, yours, strict=True))


_PARAMETERS = _MULTIPLIERS | {"x", "y", "z", "k", "u", "v", "a"}
_FIT = (Fraction(0), Fraction(1), Fraction(3), Fraction(-2))


def same_line(r: Node, p: Node) -> bool:
    """(4 - 2t, t) and (2 - 2s, 1 + s): one direction, and the step between two points is a multiple of it."""
    mine, yours = _line(r), _line(p)
    if mine is None or yours is None or len(mine[0]) != len(yours[0]):
        return False
    step = [b - a for a, b in zip(mine[0], yours[0], strict=True)]
    return all(_parallel(mine[1], other) for other in (yours[1], step))


def _parallel(a: list[Fraction], b: list[Fraction]) -> bool:
    pairs = list(zip(a, b, strict=True))
    return all(x * w == y * z for x, y in pairs for z, w in pairs)


def _line(node: Node) -> tuple[list[Fraction], list[Fraction]] | None:
    """A point and the direction of a tuple or a column whose rational components have one letter, to the first power."""
    parts = node.args if node.op in ("tuple", "angle") or _size(node) else ()
    names = symbols(node)
    if len(parts) < 2 or len(names) != 1 or not names <= _PARAMETERS:
        return None
    base, direction = [], []
    for part in parts:
        values = [rational(substituted(part, dict.fromkeys(names, num(at)))) for at in _FIT]
        if None in values:
            return None
        first, second, *others = (value or Fraction(0) for value in values)
        if any(value != first + at * (second - first) for value, at in zip(others, _FIT[2:], strict=True)):
            return None
        base.append(first)
        direction.append(second - first)
    return (base, direction) if any(direction) else None


def _direction(node: Node, letter: str) -> list[Fraction] | None:
    """The rational factors of the letter in each component; None where one is no such multiple."""
    found = []
    for component in node.args:
        at = [rational(substituted(component, {letter: num(value)})) for value in (0, 1, 3)]
        if None in at or at[0] or at[2] != 3 * (at[1] or Fraction(0)):
            return None
        found.append(at[1] or Fraction(0))
    return found


def _size(node: Node) -> int:
    if node.op in ("tuple", "angle", "bracket"):
        return len(node.args)
    return len(node.args) if node.op == "matrix" and 1 in node.value else 0


def _with_names(node: Node) -> Node:
    if node == IMAGINARY:
        return Node("sym", (), "i")
    return node._replace(args=tuple(map(_with_names, node.args))) if node.args else node

"""Vectors written as 2i - j + 4k, for comparison with (2, -1, 4)."""

from __future__ import annotations

from evaluators.answers.comparing.balls import equal_everywhere
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.values import IMAGINARY, Node, num, symbols, walk

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


def _size(node: Node) -> int:
    if node.op in ("tuple", "angle", "bracket"):
        return len(node.args)
    return len(node.args) if node.op == "matrix" and 1 in node.value else 0


def _with_names(node: Node) -> Node:
    if node == IMAGINARY:
        return Node("sym", (), "i")
    return node._replace(args=tuple(map(_with_names, node.args))) if node.args else node

"""A tree with some of its variables replaced."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from evaluators.answers.values import Node, num


def substituted(node: Node, values: Mapping[str, Fraction | Node]) -> Node:
    """Free variables replaced by numbers or trees; a bound index keeps its name."""
    if node.op == "sym":
        value = values.get(node.value)
        if value is None:
            return node
        return value if isinstance(value, Node) else num(value)
    if not node.args:
        return node
    if node.op in ("sum", "prod", "int", "lim") and node.value in values:
        values = {name: value for name, value in values.items() if name != node.value}
    return Node(node.op, tuple(substituted(arg, values) for arg in node.args), node.value)

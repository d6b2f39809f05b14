"""A tree with some of its variables replaced."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from evaluators.answers.values import Node, num, symbols

BINDERS = frozenset({"sum", "prod", "int", "lim"})
"""What binds a letter of its own."""


def substituted(node: Node, values: Mapping[str, Fraction | Node]) -> Node:
    """Free variables replaced by numbers or trees; a bound index keeps its name."""
    if node.op == "sym":
        value = values.get(node.value)
        if value is None:
            return node
        return value if isinstance(value, Node) else num(value)
    if not node.args:
        return node
    if node.op in BINDERS and node.value in values:
        values = {name: value for name, value in values.items() if name != node.value}
    return Node(node.op, tuple(substituted(arg, values) for arg in node.args), node.value)


def one_bound_name(node: Node) -> Node:
    """A sum, product, integral or limit with its index under one name; as it is where another letter bears that name."""
    name = "index"
    if name in symbols(node):
        return node
    return node._replace(
        args=(substituted(node.args[0], {node.value: Node("sym", (), name)}), *node.args[1:]), value=name
    )

"""The one shape of everything an answer can be: a tree of nodes. Trees are data; nothing here evaluates a string.

leaves       num 3/4 | dec (value, places) | sym x | const pi, e, i, inf | text east | choice C | special no_solution
arithmetic   add mul pow neg div root | fn sin ... | sum prod int lim | deg percent
with names   qty (expression, unit) | base (digits, base) | clock | date | ratio
collections  tuple list set bracket angle | interval union | matrix | relation | call (f of x)
parts        parts (bodies, by what their labels count) | either (readings of one text) | progression, elided (lists with dots)
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple


class ParseError(ValueError):
    """The text is outside the language of answers, or over one of its caps."""


class Node(NamedTuple):
    """One node; `value` is a leaf's content or an operator's name. Hashable, compared by structure."""

    op: str
    args: tuple[Node, ...] = ()
    value: Any = None


MAX_NODES = 2_000
MAX_DIGITS = 1_000
"""Digits of one literal: a longer one is a bomb, or an answer that nobody reads."""
MAX_ITEMS = 200
"""Elements of one collection."""

PI = Node("const", (), "pi")
EULER = Node("const", (), "e")
IMAGINARY = Node("const", (), "i")
INFINITY = Node("const", (), "inf")
COLLECTIONS = frozenset({"tuple", "list", "set", "bracket", "angle"})
NUMERALS = frozenset({"num", "dec"})


def num(value: int | Fraction) -> Node:
    return Node("num", (), value if type(value) is Fraction else Fraction(value))


def negated(node: Node) -> Node:
    if node.op == "num":
        return Node("num", (), -node.value)
    if node.op == "dec":
        return Node("dec", (), (-node.value[0], node.value[1]))
    return Node("neg", (node,))


def walk(node: Node) -> Iterator[Node]:
    """Every node of the tree, without recursion."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(current.args)


_BINDERS = frozenset({"sum", "prod", "int", "lim"})


def symbols(node: Node) -> set[str]:
    """The free variables; the index of a sum or the variable of an integral is bound."""
    free, bound = set(), set()
    stack = [node]
    while stack:
        op, args, value = stack.pop()
        if op == "sym":
            free.add(value)
        elif op in _BINDERS:
            bound.add(value)
        if args:
            stack.extend(args)
    return free - bound if bound else free


def has_decimal(node: Node) -> bool:
    return any(n.op == "dec" for n in walk(node))


def show(node: Node) -> str:
    """A short form for people: `--explain` and reasons."""
    op, args, value = node
    if op == "num":
        return str(value) if value.numerator.bit_length() + value.denominator.bit_length() < 1_000 else "a huge number"
    if op == "dec":
        return _decimal(value[0], value[1])
    if op in ("sym", "const", "choice"):
        return str(value)
    if op == "text":
        return " ".join(value)
    if op == "qty":
        return f"{show(args[0])} {value.text}"
    if op == "interval":
        return f"{'[' if value[0] else '('}{show(args[0])}, {show(args[1])}{']' if value[1] else ')'}"
    if op in _BRACKETS:
        left, right = _BRACKETS[op]
        return left + ", ".join(map(show, args)) + right
    if op in _INFIX:
        return "(" + _INFIX[op].join(map(show, args)) + ")"
    if op == "relation":
        return " ".join(f"{show(a)} {o}" for a, o in zip(args, (*value, ""), strict=True)).strip()
    name = f"{op}" if value is None else f"{op}:{value}"
    return f"{name}({', '.join(map(show, args))})" if args else name


def _decimal(value: Fraction, places: int) -> str:
    """The literal it was: exact, however long."""
    if places > 200 or value.numerator.bit_length() > 1_000:
        return "a long decimal"
    digits = str(int(abs(value) * 10**places)).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}" if places else digits


_BRACKETS = {"tuple": ("(", ")"), "list": ("", ""), "set": ("{", "}"), "bracket": ("[", "]"), "angle": ("<", ">")}
_INFIX = {"add": " + ", "mul": "*", "pow": "^", "div": "/", "union": " u ", "ratio": ":"}

"""Comparison of equations and inequalities: assignments, functions, systems, chains, and relations up to scale."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from evaluators.answers.comparing.asked_names import is_variance, names_another
from evaluators.answers.comparing.balls import equal_everywhere, proportional, real_value, values_equal
from evaluators.answers.comparing.exact import OverBudget, rational
from evaluators.answers.comparing.scalars import Context, Decision, needs_sympy
from evaluators.answers.comparing.series import is_hopeless
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import Node, negated, num, show, symbols, walk

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


_TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
Compare = Callable[[Node, Node], Decision]
Function = tuple[str, tuple[Node, ...], Node]
"""Its name, arguments and body."""


def assignment(node: Node) -> tuple[str, Node] | None:
    """The variable and value of x = 5 or 5 = x; None for any other relation."""
    if node.op != "relation" or node.value not in (("=",), ("~",)):
        return None
    left, right = node.args
    if left.op == "sym" and left.value not in symbols(right):
        return left.value, right
    if right.op == "sym" and right.value not in symbols(left):
        return right.value, left
    return None


def function_of(node: Node) -> Function | None:
    """The name, arguments and body of f(x) = x^2 + 1, of f(x, y) = x + y."""
    if node.op != "relation" or node.value != ("=",) or node.args[0].op != "call":
        return None
    head, body = node.args
    return head.value, head.args, body


def value_of(node: Node, reference: Node, context: Context) -> Node | None:
    """What a prediction's equation says the answer is, where the reference is a bare value; None where it is none.

    x = 5 is 5; 2 + 3 = 5 is 5, if it is true; f(2) = 5 and AB = 5 are 5; a + b = 5 only under lenient profiles.
    """
    if any(name not in ("=", "~") for name in node.value):
        return None
    if "~" in node.value and (exact := _before_approximation(node)) is not None:
        return exact if exact.op != "relation" else value_of(exact, reference, context)
    if context.hints.given and names_another(node.args[0], context.hints.question):
        return None
    if len(node.args) == 2 and node.args[0].op == "call" and not symbols(node.args[0]):
        return node.args[1]
    if len(node.args) == 2 and node.args[1].op == "sym" and not symbols(node.args[0]):
        return node.args[0]  # 8 = x
    if len(node.args) > 2 and node.args[-1].op == "sym" and not any(map(symbols, node.args[:-1])):
        return _last_of_chain(Node("relation", node.args[:-1], node.value[:-1]), "")  # 2^4 = 16 = n
    if len(node.args) > 2 or not symbols(node.args[0]):
        return _last_of_chain(node, context.hints.question)
    if any(n.op in ("diff", "lim", "int", "sum", "det") for n in walk(node.args[0])):
        worked = _worked(node.args[0])
        return node.args[1] if _same_throughout([worked], node.args[1]) is not None else None
    return _right_side(node, context)


def _right_side(node: Node, context: Context) -> Node | None:
    """What an equation of two sides with a letter on its left says the answer is."""
    left, right = node.args
    if left.op != "sym" and symbols(left) == symbols(right) and equal_everywhere(left, right):
        return right  # x^2 - 1 = (x - 1)(x + 1)
    if named := assignment(node):
        value = named[1]
        return Node("approx", (value,)) if node.value == ("~",) else value
    if left.op == "call" or is_name(left) or is_variance(left, context.hints.question):
        return right
    if function := function_of(node):
        return function[2]
    if left.op == "fn" and left.value in _TRIGONOMETRIC and left.args[0].op == "sym" and not symbols(right):
        return right  # \\sin A = 3/5 says what the sine is
    if symbols(right):
        return None
    if left.op == "mul" and len(left.args) == 2 and _is_taken_at(left, context.hints.question):
        return right
    if len(symbols(left)) < 2:
        return right if left.op != "sym" and _is_asked(left, context.hints.question) else None
    return right if context.profile.unevaluated or _is_asked(left, context.hints.question) else None


def _is_asked(side: Node, question: str) -> bool:
    """Whether the question is what this sum or product of letters is: p + q of `What is $p+q$?`."""
    if not question or any(n.op not in ("add", "mul", "sym", "num", "pow") for n in walk(side)):
        return False
    spelled = re.sub(r"[()*\s]", "", show(side))
    found = re.search(re.escape(spelled), re.sub(r"[\s$\\{}*]", "", question))
    around = (
        ""
        if found is None
        else found.string[max(0, found.start() - 1) : found.start()] + found.string[found.end() : found.end() + 1]
    )
    return found is not None and not re.search(r"[-+/^_()=<>]", around)


def _is_taken_at(side: Node, question: str) -> bool:
    """Whether the product y * 2 is the y(2) that the question asks for."""
    name, at = side.args
    return name.op == "sym" and at.op == "num" and f"{name.value}({show(at)})" in re.sub(r"[\s$]", "", question)


def _before_approximation(node: Node) -> Node | None:
    """pi/4 of pi/4 ~ 0.785, where the one is near the other; None for x ~ 3.14."""
    at = node.value.index("~")
    exact, near = real_value(_bare(node.args[at])), real_value(_bare(node.args[at + 1]))
    if exact is None or near is None or abs(exact - near) > max(abs(exact) / 100, _half_a_place(node.args[at + 1])):
        return None
    return node.args[at] if at == 0 else Node("relation", node.args[: at + 1], node.value[:at])


def _half_a_place(near: Node) -> Fraction:
    """What 0.29 may be off: 0.005; nothing for a number without decimals."""
    return Fraction(1, 2 * 10 ** near.value[1]) if near.op == "dec" and near.value[1] else Fraction(0)


def is_name(node: Node) -> bool:
    """AB, \\angle ABC, a segment's or an angle's name: a product of capitals."""
    if node.op == "sym":
        return len(node.value) > 1 or node.value.isupper()
    if node.op in ("cap", "union", "without") or (node.op == "fn" and node.value == "abs"):
        return all(is_name(a) and (a.op != "sym" or node.op != "fn" or len(a.value) > 1) for a in node.args)
    return node.op == "mul" and all(is_name(a) and a.op in ("sym", "mul") for a in node.args)


def _last_of_chain(node: Node, question: str) -> Node | None:
    """The last side, where every numeric side before it has its value; the first may be a name."""
    *before, last = node.args
    head = before[0] if before else last
    if before and all(side.op == "qty" for side in node.args):
        return last if _are_one_amount(node.args) else None
    if (
        _is_of_matrix(head)
        or head.op == "call"
        or (symbols(head) and (head.op == "sym" or is_name(head) or _is_asked(head, question)))
    ):
        before = [side for side in before[1:] if not (side.op == head.op == "call" and side.value == head.value)]
        if head.op == "sym" and not symbols(last):
            before = [side for side in before if len(symbols(side)) < 2]  # S = \\pi r l = 15\\pi
        if not before:
            return last
    bare = _bare(last)
    try:
        target = rational(bare)
        values = [rational(_bare(side)) for side in before]
    except (OverBudget, ZeroDivisionError):
        return None
    if target is None:
        return last if not before else _same_throughout(before, last)
    for side, value in zip(before, values, strict=True):
        if not (_rounds(value, target) if value is not None else _comes_to(_bare(side), bare)):
            return None
    return last


def _is_of_matrix(head: Node) -> bool:
    """The determinant of A, which stands for a number."""
    return head.op == "fn" and head.value == "det" and head.args[0].op == "sym"


def _are_one_amount(sides: tuple[Node, ...]) -> bool:
    """2 hours 40 minutes = 160 minutes."""
    if len({side.value.dims for side in sides}) > 1:
        return False
    try:
        worths = [rational(side.args[0]) for side in sides]
    except (OverBudget, ZeroDivisionError):
        return False
    return (
        len({None if w is None else w * side.value.scale for w, side in zip(worths, sides, strict=True)} - {None}) == 1
    )


def _worked(side: Node) -> Node:
    from evaluators.answers.comparing.work import done

    return done(side)


def _comes_to(side: Node, target: Node) -> bool:
    """Whether a side without unknowns, a logarithm, a limit, a determinant, has the value of the last one."""
    side = _worked(side)
    if symbols(side):
        return False
    same = values_equal(side, target, {})
    if same is not None or not needs_sympy(side) or is_hopeless(side):
        return same is True
    from evaluators.answers.comparing.isolation import symbolic_equal

    return bool(symbolic_equal(side, target))


def _same_throughout(before: list[Node], last: Node) -> Node | None:
    return last if all(equal_everywhere(side, last) for side in before) else None


def _rounds(value: Fraction, target: Fraction) -> bool:
    return value == target or (target != 0 and abs(value - target) <= abs(target) / 1000)


def _bare(node: Node) -> Node:
    return node.args[0] if node.op in ("qty", "approx") else node


_LONE_ROOT = lazy_pattern(r"_\{?1\}?$")
"""x_1 = 5, where the other root is left out."""


def relations(r: Node, p: Node, context: Context, same_value: Compare) -> Decision:
    """Whether two relations say the same; `same_value(r, p)` compares two values."""
    function_r, function_p = function_of(r), function_of(p)
    if function_r is not None:
        return _functions(function_r, p, function_p, same_value)
    if r.value == p.value == ("=",) and (name := _figure(r.args[0])) and name == _figure(p.args[0]):
        return same_value(r.args[1], p.args[1])
    solved_r, solved_p = assignment(r), assignment(p)
    if solved_r is not None and solved_p is not None and solved_r[0] in (solved_p[0], _LONE_ROOT.sub("", solved_p[0])):
        return same_value(solved_r[1], solved_p[1])
    if function_p is not None and solved_r is not None and solved_r[0] == "y":
        return same_value(solved_r[1], function_p[2])
    if solved_r is not None and function_p is not None and solved_r[0] == f"{function_p[0]}_{function_p[1][0].value}":
        return same_value(solved_r[1], function_p[2])  # a(n) is a_n
    if solved_r is not None and solved_p is not None and (other := _with_index_of(solved_r, solved_p)) is not None:
        return same_value(solved_r[1], other)
    if solved_r is not None and not symbols(solved_r[1]) and _is_line(p) and context.profile.unevaluated:
        return _up_to_scale(r, p, same_value)
    if solved_r is not None and not symbols(solved_r[1]):
        return Decision(False, "relation", f"{show(p)[:80]} does not say that {show(r)[:80]}")
    return _up_to_scale(r, p, same_value)


def _with_index_of(mine: tuple[str, Node], yours: tuple[str, Node]) -> Node | None:
    """3k + 2 of a_k = 3k + 2 in the n of a_n; None where the names are no terms of one sequence."""
    (head, _, index), (other_head, _, other) = mine[0].partition("_"), yours[0].partition("_")
    if head != other_head or not (len(index) == len(other) == 1 and index.isalpha() and other.isalpha()):
        return None
    if other not in symbols(yours[1]) or index in symbols(yours[1]):
        return None
    return substituted(yours[1], {other: Node("sym", (), index)})


def _figure(node: Node) -> str:
    """The letters of a segment, AB or |AB| or \\overline{AB}; empty for anything else."""
    if node.op == "fn" and node.value == "abs":
        node = node.args[0]
    if node.op == "mul" and is_name(node):
        return "".join(sorted(symbols(node)))
    named = node.op == "sym" and node.value.partition(" ")[0] in ("overline", "bar")
    return "".join(sorted(node.value.partition(" ")[2])) if named else ""


def _is_line(node: Node) -> bool:
    """x + 3 = 0, the general form of the line x = -3."""
    return (
        node.op == "relation"
        and node.args[0].op == "add"
        and node.args[0].args[0].op == "sym"
        and node.args[1] == num(0)
    )


def _functions(r: Function, p: Node, p_function: Function | None, same_value: Compare) -> Decision:
    name, arguments, body = r
    if p_function is not None:
        other_name, other_arguments, other_body = p_function
        if other_name != name:
            return Decision(False, "relation", f"the function is {name}, not {other_name}")
        pairs = list(zip(arguments, other_arguments, strict=False))
        if len(arguments) == len(other_arguments) and all(mine.op == yours.op == "sym" for mine, yours in pairs):
            other_body = substituted(other_body, {yours.value: mine for mine, yours in pairs})
        elif arguments != other_arguments:
            return Decision(False, "relation", f"{name} is taken at another argument")
        return same_value(body, other_body)
    solved = assignment(p)
    if solved is not None and solved[0] == "y" + "'" * name.count("'"):
        return same_value(body, solved[1])
    return Decision(False, "relation", f"{show(p)[:80]} does not define {name}")


def _chains(r: Node, p: Node, same_value: Compare) -> Decision:
    """a < b < c side by side with a < b < c, or with c > b > a."""
    if len(r.args) == len(p.args) and r.value != p.value:
        flipped = tuple(_FLIPPED.get(name, name) for name in reversed(p.value))
        p = p._replace(args=p.args[::-1], value=flipped)
    same = r.value == p.value and all(same_value(a, b).same for a, b in zip(r.args, p.args, strict=True))
    return Decision(same, "structure", "the same chain" if same else "different chains of relations")


def _as_quotients(relation: Node) -> Node:
    """a/b = 9/4 for a : b = 9 : 4."""
    if any(arg.op == "ratio" and len(arg.args) != 2 for arg in relation.args):
        return relation
    return relation._replace(args=tuple(a._replace(op="div") if a.op == "ratio" else a for a in relation.args))


def _up_to_scale(r: Node, p: Node, same_value: Compare) -> Decision:
    if r.args[0].op == "ratio" or p.args[0].op == "ratio":
        r, p = _as_quotients(r), _as_quotients(p)
    if len(r.value) != 1 or len(p.value) != 1:
        return _chains(r, p, same_value)
    name_r, name_p = r.value[0], p.value[0]
    left = Node("add", (r.args[0], negated(r.args[1])))
    right = Node("add", (p.args[0], negated(p.args[1])))
    sign = proportional(left, right)
    if sign < 0 and name_p in _FLIPPED:
        name_p, sign = _FLIPPED[name_p], 1
    same = sign != 0 and name_r == name_p and (sign > 0 or name_r in ("=", "!=", "~"))
    reason = "equal up to a factor" if same else f"{show(p)[:100]} is not {show(r)[:100]} up to a factor"
    return Decision(same, "points", reason)

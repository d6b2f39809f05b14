"""Comparison of two parsed answers, guided by the reference's type."""

from __future__ import annotations

import re

from evaluators.answers.comparing.amounts import NAMED, amounts, peeled
from evaluators.answers.comparing.elements import Compare, different, in_order, unordered
from evaluators.answers.comparing.relations import assignment, function_of, is_name, relations, value_of
from evaluators.answers.comparing.scalars import Context, Decision, scalars
from evaluators.answers.comparing.sets import Piece, pieces_of
from evaluators.answers.comparing.substitution import BINDERS, one_bound_name
from evaluators.answers.comparing.systems import solutions, systems
from evaluators.answers.comparing.vectors import in_components, on_one_line, worked
from evaluators.answers.comparing.wording import TERMINAL, is_figure, terminals
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.units import nouns
from evaluators.answers.values import COLLECTIONS, Node, show, symbols, walk

_SET_LIKE = frozenset({"interval", "union", "cap", "without"})
_ORDERED = frozenset({"tuple", "angle"})
_VECTORS = frozenset({"tuple", "angle", "bracket", "matrix"})
_STRUCTURED = frozenset({"either", "remarked", "given", "parts"})
_SEQUENCES = frozenset({"progression", "elided", "remainder"})
_TO_DO = frozenset({"matrix", "det", "diff", "sum", "lim"})
_FINAL = frozenset({"num", "dec", "sym", "const", "tuple", "list", "set", "interval", "matrix", "relation", "qty"})


def equal(r: Node, p: Node, context: Context) -> Decision:
    """Whether the prediction `p` is the reference `r`."""
    if r == p and r.op != "list":
        return Decision(True, "structure", "the same expression")
    if r.op == p.op and r.op in BINDERS and r.value != p.value and one_bound_name(r) == one_bound_name(p):
        return Decision(True, "structure", "the same expression, but for the name of its index")
    r, p = peeled(r), peeled(p)
    decision = _as_structures(r, p, context)
    if decision is not None:
        return decision
    r, p = _evaluated(r, p, context), _evaluated(p, r, context)
    r, p = _alike(r, p), _alike(p, r)
    if r.op == "cases" or p.op == "cases":
        return _cases(r, p, context)
    if r.op in _SET_LIKE or p.op in _SET_LIKE or _is_range(r) or _is_range(p):
        decision = _real_sets(r, p, context)
        if decision is not None:
            return decision
    if r.op in ("matrix", "det") or p.op in ("matrix", "det"):
        return _matrices(r, p, context)
    return _mathematics(r, p, context)


def _as_structures(r: Node, p: Node, context: Context) -> Decision | None:
    """What is no single expression, or none at all: readings, remarks, conditions, parts, words; None for the rest."""
    ops = (r.op, p.op)
    same = _comparison(context)
    if not _STRUCTURED.isdisjoint(ops):
        return _of_structures(r, p, same, context)
    if r.op == "sym" and p.op in ("mul", "choices") and r.value.startswith("overline ") and is_figure(p, r.value[9:]):
        return Decision(True, "text", "the same figure")  # AB for \\overline{AB}
    return terminals(r, p, context, same) if r.op in TERMINAL or p.op in TERMINAL else None


def _of_structures(r: Node, p: Node, same: Compare, context: Context) -> Decision:
    from evaluators.answers.comparing.families import given
    from evaluators.answers.comparing.structures import alternatives, parts, remarked

    ops = (r.op, p.op)
    if "either" in ops:
        return alternatives(r, p, same)
    if p.op == "remarked":
        return remarked(r, p, same)
    if "given" in ops:
        return given(r, p, same, context.hints.text, lenient=context.profile.unevaluated)
    return parts(r, p, same, context.hints.text)


def _mathematics(r: Node, p: Node, context: Context) -> Decision:
    """Collections, relations, amounts, values."""
    if r.op in COLLECTIONS or p.op in COLLECTIONS:
        if {r.value, p.value} == {"land", "lor"} and r.op == p.op == "list":
            return different(r, p, "structure")
        return _collections(r, p, context)
    if r.op == "relation" or p.op == "relation":
        return _relations(r, p, context)
    if r.op in _SEQUENCES or p.op in _SEQUENCES:
        alike = r.op == p.op and r.value == p.value
        return in_order(r.args, p.args, _comparison(context)) if alike else different(r, p)
    if r.op in NAMED or p.op in NAMED or _negated_base(r) or _negated_base(p):
        return amounts(r, p, context)
    return scalars(r, p, context)


def _comparison(context: Context) -> Compare:
    return lambda a, b: equal(a, b, context)


def _negated_base(node: Node) -> bool:
    return node.op == "neg" and node.args[0].op == "base"


def _evaluated(node: Node, other: Node, context: Context) -> Node:
    """A determinant, a product of matrices, a derivative as what it comes to, where work may be left to be done."""
    if node.op in _FINAL or not (context.profile.unevaluated or node.op == other.op == "det"):
        return node
    if context.profile.unevaluated and node.op in ("mul", "fn"):
        node = worked(node, other)
    if not any(n.op in _TO_DO for n in walk(node)):
        return node
    from evaluators.answers.comparing.work import done

    return done(node)


def _alike(node: Node, like: Node) -> Node:
    """The value of A = ..., the tuple of 2i + 3j, where the other is a bare matrix or a vector."""
    if node.op == "relation" and node.value == ("=",) and like.op != "relation" and node.args[0].op in _SET_LIKE:
        return node.args[1] if is_name(node.args[0]) else node  # A \\cap B = {1, 2}
    if "matrix" in (node.op, like.op) or "cases" in (node.op, like.op):
        node = _unnamed(node, like)
    return in_components(node, like) if like.op in _VECTORS else node


# ---- sets of reals


def _is_range(node: Node) -> bool:
    """An inequality in one variable, or several joined."""
    if node.op == "relation":
        return all(name in ("<", ">", "<=", ">=", "!=") for name in node.value)
    if node.op != "list" or any(a.op != "relation" for a in node.args):
        return False
    ranges = [_is_range(a) for a in node.args]
    return any(ranges) and all(known or a.value == ("=",) for known, a in zip(ranges, node.args, strict=True))


def _real_sets(r: Node, p: Node, context: Context) -> Decision | None:
    """Compared end by end; None where one is no set of reals, so that another rule may speak."""
    if _is_range(r) and _is_range(p) and symbols(r) != symbols(p):
        return Decision(False, "relation", f"{show(p)[:100]} is about other variables than {show(r)[:100]}")
    left, right = pieces_of(r), pieces_of(p)
    if (left is None or right is None) and r.op == p.op and r.op in ("union", "cap"):
        return unordered(Node("list", r.args), Node("list", p.args), _comparison(context))
    if left is None or right is None:
        if _is_range(r) and _is_range(p):
            return None
        return different(r, p) if r.op in _SET_LIKE or p.op in _SET_LIKE else None
    if len(left) != len(right):
        return different(r, p, "set")
    for mine, yours in zip(left, right, strict=True):
        if mine[2:] != yours[2:]:
            return Decision(False, "set", f"{show(p)[:80]} differs from {show(r)[:80]} in an open or closed end")
        decision = _ends(mine, yours, context)
        if not decision.same:
            return decision
    return Decision(True, "set", "the same set of real numbers")


def _ends(mine: Piece, yours: Piece, context: Context) -> Decision:
    for a, b in ((mine.low, yours.low), (mine.high, yours.high)):
        if a is None or b is None:
            if a is not b:
                return Decision(False, "set", "only one of them is unbounded")
            continue
        decision = equal(a, b, context)
        if not decision.same:
            return decision
    return Decision(True, "set", "the same ends")


# ---- matrices


def _matrices(r: Node, p: Node, context: Context) -> Decision:
    r, p = _as_matrix(r, p), _as_matrix(p, r)
    if r.op == p.op and r.value == p.value:
        return in_order(r.args, p.args, _comparison(context))
    matrix, other = (r, p) if r.op == "matrix" else (p, r)
    if matrix.op == "matrix" and 1 in matrix.value and other.op in ("tuple", "angle", "bracket"):
        return in_order(r.args, p.args, _comparison(context))
    return different(r, p)


def _as_matrix(node: Node, like: Node) -> Node:
    """[[1, 2], [3, 4]] where the other is a matrix."""
    if node.op in ("bracket", "tuple", "list") and like.op == "matrix" and node.args:
        rows = node.args
        if all(row.op in ("bracket", "tuple") for row in rows) and len({len(row.args) for row in rows}) == 1:
            return Node("matrix", tuple(c for row in rows for c in row.args), (len(rows), len(rows[0].args)))
    return node


# ---- piecewise functions


def _unnamed(node: Node, like: Node) -> Node:
    """The right side of A = ... and f(x) = ... where the other is the bare value."""
    if like.op == "relation" or node.op != "relation" or node.value != ("=",) or node.args[0].op not in ("sym", "call"):
        return node
    return node.args[1]


def _cases(r: Node, p: Node, context: Context) -> Decision:
    """Piece by piece, in any order; `otherwise` stands for whatever condition is left over."""
    if r.op == p.op == "relation":
        return relations(r, p, context, _comparison(context))
    if _same_function(r, p, context):
        return Decision(True, "points", "the same values on every piece")
    if r.op != p.op or len(r.args) != len(p.args):
        return different(r, p)
    left = list(p.args)
    for mine in r.args:
        for index, yours in enumerate(left):
            same = equal(mine.args[0], yours.args[0], context).same
            if same and _same_condition(mine.args[1], yours.args[1], context):
                left.pop(index)
                break
        else:
            return Decision(False, "structure", f"no piece of {show(p)[:80]} is {show(mine)[:80]}")
    return Decision(True, "structure", "the same pieces")


_IN_PIECES = lazy_pattern(r"piecewise|absolute\s+value|\bcases\b|分段|绝对值", re.IGNORECASE)


def _same_function(r: Node, p: Node, context: Context) -> bool:
    """Whether two piecewise functions have the same values; |x| for its pieces, unless those are asked for."""
    if r.op != p.op and (not context.profile.unevaluated or _IN_PIECES.search(context.hints.text)):
        return False
    from evaluators.answers.comparing.piecewise import same_values

    return same_values(r, p)


def _same_condition(r: Node, p: Node, context: Context) -> bool:
    rest = Node("text", (), ("otherwise",))
    return r == rest or p == rest or equal(r, p, context).same is True


# ---- collections


def _named(r: Node, p: Node, context: Context) -> Decision | None:
    hints, lenient = context.hints, context.profile.second_readings
    return systems(r, p, _comparison(context), lenient=lenient, roots=hints.roots, question=hints.question)


def _collections(r: Node, p: Node, context: Context) -> Decision:
    if mapped := _named(r, p, context):
        return mapped
    if r.op in _ORDERED and p.op == "list" and len(p.args) > 1 and solutions(p)[0]:
        return different(r, p)  # x = 20 or x = 60 are two answers
    names_r, r = ("", r) if _are_lines(p) else solutions(r)
    names_p, values = solutions(p)
    if not (names_p and not names_r and r.op in COLLECTIONS and all(a.op == "relation" for a in r.args)):
        p = values
    if names_r.endswith(" on") and not names_p and not context.profile.second_readings:
        return different(r, p, "relation")  # increasing on (0, 3): the question may be what it does there
    if names_r and names_p and names_r != names_p:
        return Decision(False, "relation", f"values of {names_p}, where {names_r} was asked for")
    if r.op not in COLLECTIONS or p.op not in COLLECTIONS or (_lone(r) != _lone(p)):
        return _one_and_many(r, p, context)
    if r.op in _ORDERED or p.op in _ORDERED or (r.op == p.op == "bracket"):
        return _tuples(r, p, context)
    if r.op == "bracket" and p.op == "list":  # two numbers in square brackets are an interval
        return in_order(r.args, p.args, _comparison(context)) if len(r.args) != 2 else different(r, p)
    if r.op == "bracket" and p.op == "set":
        return different(r, p)
    if p.op == "bracket" and len(p.args) == 2:
        return different(r, p)  # as a program prints two answers, or an interval
    if r.op == p.op == "list" and (ordered := _in_order_asked(r, p, context)) is not None:
        return in_order(r.args, ordered, _comparison(context))
    return unordered(r, p, _comparison(context))


def _are_lines(node: Node) -> bool:
    """3x + 4y = 0 and 3x - 4y = 0, of which none is solved for y."""
    items = node.args if node.op == "list" else ()
    return bool(items) and all(
        a.op == "relation"
        and a.value == ("=",)
        and len(a.args) == 2
        and symbols(a) == {"x", "y"}
        and assignment(a) is None
        for a in items
    )


def _in_order_asked(r: Node, p: Node, context: Context) -> tuple[Node, ...] | None:
    """The prediction's elements in the order that counts; None where none does.

    `From least to greatest` asks for one, and so do blanks; and of 10 chickens and 24 rabbits for the bare 24, 10 it is the question's.
    """
    if context.hints.ordered or (len(r.args) > 1 and context.hints.blanks == len(r.args)):
        return p.args
    names = [nouns(item.value) if item.op == "qty" else frozenset() for item in p.args]
    if (
        any(item.op == "qty" for item in r.args)
        or any(len(name) != 1 for name in names)
        or len(set(names)) != len(names)
    ):
        return None
    text = context.hints.lower
    places = [text.rfind(next(iter(name)).lstrip("#")) for name in names]
    if -1 in places or len(set(places)) != len(places):
        return p.args
    return tuple(item for _, item in sorted(zip(places, p.args, strict=True), key=lambda pair: pair[0]))


def _tuples(r: Node, p: Node, context: Context) -> Decision:
    """Order counts. Braces never mean an order; `[1, 2]` is no point, and `1, 2` may be one without its brackets."""
    if "set" in (r.op, p.op):
        return different(r, p)
    bare = r.op == "list" or not context.profile.second_readings or context.hints.interval
    if "list" in (r.op, p.op) and len(r.args) == 2 and bare:
        return different(r, p)  # a point or an interval, or two answers
    if "bracket" in (r.op, p.op) and r.op != p.op and len(r.args) == 2:
        return different(r, p)
    if r.op in _ORDERED and p.op == "list" and p.value in ("and", "or"):
        return different(r, p)  # two answers are no point
    if r.op == p.op == "tuple" and r.value and p.value and r.value != p.value:
        return Decision(False, "structure", f"{p.value} is another point than {r.value}")
    if on_one_line(r, p):
        return Decision(True, "structure", "multiples of one direction")
    return in_order(r.args, p.args, _comparison(context))


def _lone(node: Node) -> bool:
    """{(1, 2)}: a set of one point."""
    return node.op == "set" and len(node.args) == 1 and node.args[0].op in _ORDERED


def _last_step(steps: Node, context: Context) -> Node | None:
    """21 of m = 5, n = 16, m + n = 21, where m + n is what the question is about."""
    from evaluators.answers.comparing.asked_names import comes_to

    last = comes_to(steps) if context.hints.given else None
    return None if last is None else last.args[1]


def _one_and_many(r: Node, p: Node, context: Context) -> Decision:
    """A set of one element is that element; several answers are never one."""
    many, one = (r, p) if _lone(r) or (r.op in COLLECTIONS and not _lone(p)) else (p, r)
    if many is p and many.op == "list" and many.value == "or" and all(equal(r, a, context).same for a in many.args):
        return Decision(True, "structure", "one answer, written in several ways")
    if many is p and many.op == "list" and (last := _last_step(many, context)) is not None:
        return equal(r, last, context)
    if many is p and r.op == "relation" and set(r.value) in ({"<"}, {">"}) and context.hints.ordered:
        return in_order(r.args, p.args, _comparison(context))  # 3/8 < 0.4 < 41%, written as a list in that order
    if len(many.args) != 1:
        return Decision(False, "length", f"{show(p)[:80]} is not {show(r)[:80]}: {len(many.args)} answers and one")
    return equal(many.args[0], one, context) if many is r else equal(one, many.args[0], context)


# ---- relations


def _relations(r: Node, p: Node, context: Context) -> Decision:
    if (mapped := _named(r, p, context)) is not None:
        return mapped
    if r.op == p.op == "relation":
        return relations(r, p, context, _comparison(context))
    if r.op == "relation":
        return _reference_relation(r, p, context)
    value = value_of(p, r, context)
    if value is None:
        return Decision(False, "relation", f"{show(p)[:100]} is a relation that does not state {show(r)[:60]}")
    if symbols(r) and (named := assignment(p)) and named[0] in symbols(r):
        return Decision(False, "relation", f"{named[0]} is a variable of the reference")
    return equal(r, value, context)


def _reference_relation(r: Node, p: Node, context: Context) -> Decision:
    """x = 5 or y = 2x + 3 or f(x) = 2x + 3 against the bare right side."""
    if len(r.args) == 2 and "=" in r.value:
        if r.args[0].op == r.args[1].op == "tuple":
            return equal(r.args[1], p, context)
        named, function = assignment(r), function_of(r)
        if r.args[0].op in ("call", "fn", "ratio", "lim", "int", "sum", "det") or is_name(r.args[0]):
            return equal(r.args[1], p, context)
        if named is not None:
            return equal(named[1], p, context)
        if function is not None:
            return equal(function[2], p, context)
    return different(r, p, "relation")

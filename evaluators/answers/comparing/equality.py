"""Comparison of two parsed answers, guided by the reference's type."""

from __future__ import annotations

from evaluators.answers.comparing.amounts import NAMED, amounts, peeled
from evaluators.answers.comparing.balls import real_value
from evaluators.answers.comparing.derivatives import differentiated
from evaluators.answers.comparing.families import given
from evaluators.answers.comparing.matrices import worked_out
from evaluators.answers.comparing.relations import assignment, function_of, is_name, relations, value_of
from evaluators.answers.comparing.scalars import Context, Decision, scalars
from evaluators.answers.comparing.sets import Piece, pieces_of
from evaluators.answers.comparing.vectors import in_components
from evaluators.answers.values import COLLECTIONS, INFINITY, Node, show, symbols

_SET_LIKE = frozenset({"interval", "union", "cap", "without"})
_ORDERED = frozenset({"tuple", "angle"})
_VECTORS = frozenset({"tuple", "angle", "bracket", "matrix"})
_MANY = Node("special", (), "many")
_TERMINAL = frozenset({"text", "special", "choice", "choices", "raw"})
_SEQUENCES = frozenset({"progression", "elided", "remainder"})
_FINAL = frozenset({"num", "dec", "sym", "const", "tuple", "list", "set", "interval", "matrix", "relation", "qty"})
MAX_PAIRINGS = 2_500
"""Comparisons within one pair of collections: fifty elements each."""


def equal(r: Node, p: Node, context: Context) -> Decision:
    """Whether the prediction `p` is the reference `r`."""
    if r == p and r.op != "list":
        return Decision(True, "structure", "the same expression")
    if r.op == "either" or p.op == "either":
        return _alternatives(r, p, context)
    if p.op == "remarked":
        return _remarked(r, p, context)
    if r.op == "given" or p.op == "given":
        return given(r, p, lambda a, b: equal(a, b, context))
    r, p = peeled(r), peeled(p)
    if r.op == "parts" or p.op == "parts":
        return _parts(r, p, context)
    if r.op in _TERMINAL or p.op in _TERMINAL:
        return _terminals(r, p, context)
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
    if r.op in COLLECTIONS or p.op in COLLECTIONS:
        if {r.value, p.value} == {"land", "lor"} and r.op == p.op == "list":
            return _different(r, p, "structure")
        return _collections(r, p, context)
    if r.op == "relation" or p.op == "relation":
        return _relations(r, p, context)
    if r.op in _SEQUENCES or p.op in _SEQUENCES:
        same = r.op == p.op and r.value == p.value
        return _in_order(r.args, p.args, context) if same else _different(r, p)
    if r.op in NAMED or p.op in NAMED or _negated_base(r) or _negated_base(p):
        return amounts(r, p, context)
    return scalars(r, p, context)


def _negated_base(node: Node) -> bool:
    return node.op == "neg" and node.args[0].op == "base"


def _different(r: Node, p: Node, stage: str = "type") -> Decision:
    return Decision(False, stage, f"{show(p)[:120]} is not {show(r)[:120]}")


def _evaluated(node: Node, other: Node, context: Context) -> Node:
    """A determinant, a product of matrices, a derivative as what it comes to, where work may be left to be done."""
    if node.op in _FINAL:
        return node
    if context.profile.unevaluated or node.op == other.op == "det":
        return worked_out(differentiated(node))
    return node


def _alike(node: Node, like: Node) -> Node:
    """The value of A = ..., the tuple of 2i + 3j, where the other is a bare matrix or a vector."""
    if "matrix" in (node.op, like.op) or "cases" in (node.op, like.op):
        node = _unnamed(node, like)
    return in_components(node, like) if like.op in _VECTORS else node


def _terminals(r: Node, p: Node, context: Context) -> Decision:
    """Texts, choices and the like equal only their own kind."""
    if p.op == "sym" and len(p.value) == 1 and _letter_says(r, p.value, context):
        return Decision(True, "text", f"{p.value} is short for {show(r)}")
    if r == _MANY and p == INFINITY:
        return Decision(True, "text", "infinitely many")
    if p.op == "choice" and p.args and r.op not in _TERMINAL:
        return equal(r, p.args[0], context)  # (E) 26, where the reference is what option E says
    if r.op != p.op or r.value != p.value:
        return _different(r, p, "text")
    if r.op == "choice" and r.args:
        return _choices(r, p, context)
    return Decision(True, "text", "the same words" if r.op == "text" else f"both are {show(r)}")


def _choices(r: Node, p: Node, context: Context) -> Decision:
    """One letter; of a reference that goes on after it, the letter alone only where it is known to be an option's."""
    if p.args:
        decision = equal(r.args[0], p.args[0], context)
        return decision if decision.same else Decision(False, "choice", f"one letter, but {decision.reason}")
    option = r.value in context.hints.options or (len(r.args) == 1 and context.profile.second_readings)
    return Decision(
        option, "choice", f"both are {r.value}" if option else f"the reference is more than the letter {r.value}"
    )


def _remarked(r: Node, p: Node, context: Context) -> Decision:
    """5/6, or approximately 0.83: the rounding must fit; 42 (not 17): the other must be another."""
    answer, beside = p.args
    if p.value == "other":
        denied = equal(answer, beside, context).same
        return _different(r, p) if denied else equal(r, answer, context)
    mine, near = real_value(_bare(answer)), real_value(_bare(beside))
    if mine is None or near is None or abs(mine - near) * 100 > abs(mine):
        return Decision(False, "tolerance", f"{show(beside)[:60]} is no rounding of {show(answer)[:60]}")
    return equal(r, answer, context)


def _bare(node: Node) -> Node:
    while node.op in ("qty", "approx") or (node.op == "either" and node.args):
        node = node.args[0]
    return node


def _alternatives(r: Node, p: Node, context: Context) -> Decision:
    """Any reading of the one that is a reading of the other."""
    first: Decision | None = None
    for mine in r.args if r.op == "either" else (r,):
        for yours in p.args if p.op == "either" else (p,):
            decision = equal(mine, yours, context)
            if decision.same:
                return decision
            first = first or decision
    return first or _different(r, p)


def _parts(r: Node, p: Node, context: Context) -> Decision:
    """Part by part: by the labels where both have them, else in their order."""
    mine, yours = _by_label(r), _by_label(p)
    if mine is not None and yours is not None:
        if mine.keys() != yours.keys():
            return Decision(False, "parts", "parts with other labels")
        return _in_order(tuple(mine.values()), tuple(yours[index] for index in mine), context)
    labelled, other = (mine, p) if mine is not None else (yours, r)
    if labelled is None or other.op not in ("list", "tuple", "set"):
        return Decision(False, "parts", f"{show(p)[:80]} is not {show(r)[:80]}: one has parts")
    ordered = tuple(labelled[index] for index in sorted(labelled))
    if labelled is mine:
        return _in_order(ordered, other.args, context) if other.op != "set" else _different(r, p)
    return (
        _in_order(other.args, ordered, context)
        if other.op == "tuple"
        else _unordered(other, Node("list", ordered), context)
    )


def _by_label(node: Node) -> dict[int, Node] | None:
    """The parts by what their labels count; A = 5, B = 6 are two of them."""
    if node.op == "parts":
        return dict(zip(node.value, node.args, strict=True))
    named = _mapping(node)
    if named is None or any(len(name) != 1 or name.lower() not in "abcdefgh" for name in named):
        return None
    return {ord(name.lower()) - ord("a") + 1: value for name, value in named.items()}


def _letter_says(r: Node, letter: str, context: Context) -> bool:
    """a for choice A, where the problem has choices; T for true."""
    if r.op == "choice":
        return letter.islower() and letter.upper() == r.value in context.hints.options
    return r.op == "text" and letter in "TF" and r.value == ({"T": "true", "F": "false"}[letter],)


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
    if left is None or right is None:
        if _is_range(r) and _is_range(p):
            return None
        return _different(r, p) if r.op in _SET_LIKE or p.op in _SET_LIKE else None
    if len(left) != len(right):
        return _different(r, p, "set")
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
        return _in_order(r.args, p.args, context)
    matrix, other = (r, p) if r.op == "matrix" else (p, r)
    if matrix.op == "matrix" and 1 in matrix.value and other.op in ("tuple", "angle", "bracket"):
        return _in_order(r.args, p.args, context)
    return _different(r, p)


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
        return relations(r, p, context, lambda a, b: equal(a, b, context))
    if r.op != p.op or len(r.args) != len(p.args):
        return _different(r, p)
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


def _same_condition(r: Node, p: Node, context: Context) -> bool:
    rest = Node("text", (), ("otherwise",))
    return r == rest or p == rest or equal(r, p, context).same is True


# ---- collections


def _collections(r: Node, p: Node, context: Context) -> Decision:
    if mapped := _systems(r, p, context):
        return mapped
    names_r, r = _solutions(r)
    names_p, p = _solutions(p)
    if names_r and names_p and names_r != names_p:
        return Decision(False, "relation", f"values of {names_p}, where {names_r} was asked for")
    if r.op not in COLLECTIONS or p.op not in COLLECTIONS or (_lone(r) != _lone(p)):
        return _one_and_many(r, p, context)
    if r.op in _ORDERED or p.op in _ORDERED or (r.op == p.op == "bracket"):
        return _tuples(r, p, context)
    if r.op == "bracket" and p.op == "list":  # two numbers in square brackets are an interval
        return _in_order(r.args, p.args, context) if len(r.args) != 2 else _different(r, p)
    if r.op == "bracket" and p.op == "set":
        return _different(r, p)
    return _unordered(r, p, context)


def _tuples(r: Node, p: Node, context: Context) -> Decision:
    """Order counts. Braces never mean an order; `[1, 2]` is no point, and `1, 2` may be one without its brackets."""
    if "set" in (r.op, p.op):
        return _different(r, p)
    if "bracket" in (r.op, p.op) and r.op != p.op and len(r.args) == 2:
        return _different(r, p)
    if r.op == p.op == "tuple" and r.value and p.value and r.value != p.value:
        return Decision(False, "structure", f"{p.value} is another point than {r.value}")
    return _in_order(r.args, p.args, context)


def _in_order(r: tuple[Node, ...], p: tuple[Node, ...], context: Context) -> Decision:
    if len(r) != len(p):
        return Decision(False, "length", f"{len(p)} elements, where {len(r)} were expected")
    stage = "structure"
    for index, (mine, yours) in enumerate(zip(r, p, strict=True)):
        decision = equal(mine, yours, context)
        if not decision.same:
            return decision._replace(reason=f"element {index + 1}: {decision.reason}")
        stage = decision.stage if decision.stage != "structure" else stage
    return Decision(True, stage, "equal element by element")


def _unordered(r: Node, p: Node, context: Context) -> Decision:
    """A matching of the elements. Repeats count in lists and not in sets."""
    mine, yours = list(r.args), list(p.args)
    if "set" in (r.op, p.op):
        mine, yours = _distinct(mine, context), _distinct(yours, context)
    if len(mine) != len(yours):
        return Decision(False, "length", f"{len(yours)} elements, where {len(mine)} were expected")
    if len(mine) * len(yours) > MAX_PAIRINGS:
        return _in_order(tuple(sorted(mine, key=repr)), tuple(sorted(yours, key=repr)), context)
    stage, undecided = "structure", False
    for item in mine:
        for index, candidate in enumerate(yours):
            if r.op == p.op == "set" and (item.op == "set") != (candidate.op == "set"):
                continue  # {3} within a set is no 3
            decision = equal(item, candidate, context)
            undecided = undecided or decision.same is None
            if decision.same:
                stage = decision.stage if decision.stage != "structure" else stage
                yours.pop(index)
                break
        else:
            return Decision(None if undecided else False, "set", f"{show(item)[:80]} is missing from {show(p)[:120]}")
    return Decision(True, stage, "the same elements")


def _distinct(items: list[Node], context: Context) -> list[Node]:
    if len(items) > 50:
        return list(dict.fromkeys(items))
    kept: list[Node] = []
    for item in items:
        if not any(equal(other, item, context).same for other in kept):
            kept.append(item)
    return kept


def _lone(node: Node) -> bool:
    """{(1, 2)}: a set of one point."""
    return node.op == "set" and len(node.args) == 1 and node.args[0].op in _ORDERED


def _one_and_many(r: Node, p: Node, context: Context) -> Decision:
    """A set of one element is that element; several answers are never one."""
    many, one = (r, p) if _lone(r) or (r.op in COLLECTIONS and not _lone(p)) else (p, r)
    if len(many.args) != 1:
        return Decision(False, "length", f"{show(p)[:80]} is not {show(r)[:80]}: {len(many.args)} answers and one")
    return equal(many.args[0], one, context) if many is r else equal(one, many.args[0], context)


def _solutions(node: Node) -> tuple[str, Node]:
    """x = 1 or x = 2 (or x = 1, 2) as the name x and the list of its values; other nodes as they are."""
    if node.op == "relation" and (named := assignment(node)):
        return named[0], named[1]
    if node.op not in ("list", "set"):
        return "", node
    names, values = set(), []
    for item in node.args:
        named = assignment(item)
        names |= {named[0]} if named else set()
        values.append(named[1] if named else item)
    if len(names) != 1 or assignment(node.args[0]) is None:
        return "", node
    return names.pop(), node._replace(args=tuple(values))


def _systems(r: Node, p: Node, context: Context) -> Decision | None:
    """x = 1, y = 2 against another order, or against (1, 2) in the order of the alphabet; None for anything else."""
    named_r, named_p = _mapping(r), _mapping(p)
    if named_r is None and named_p is None:
        return None
    if named_r is not None and named_p is not None:
        if named_r.keys() != named_p.keys():
            return Decision(False, "relation", "values of other variables")
        return _in_order(tuple(named_r.values()), tuple(named_p[name] for name in named_r), context)
    named, other = (named_r, p) if named_r is not None else (named_p, r)
    assert named is not None
    if other.op in ("list", "set") and len({name.partition("_")[0] for name in named}) == 1:
        roots = Node("list", tuple(named.values()))  # x_1 = 3, x_2 = 2 are the roots of one equation
        return _unordered(roots, other, context) if other is p else _unordered(other, roots, context)
    if other.op not in ("tuple", "angle", "list"):
        return None
    written, ordered = tuple(named.values()), tuple(named[name] for name in sorted(named))
    if other.op == "list" and (other is p or not context.profile.second_readings):
        ordered = written  # no brackets of a point: as the names stand
    elif other.op == "list" and (decision := _in_order(other.args, written, context)).same:
        return decision
    return _in_order(ordered, other.args, context) if other is p else _in_order(other.args, ordered, context)


def _mapping(node: Node) -> dict[str, Node] | None:
    if node.op == "relation" and node.value == ("=",) and node.args[0].op == node.args[1].op == "tuple":
        names, values = node.args
        if all(n.op == "sym" for n in names.args) and len(names.args) == len(values.args):
            return {n.value: v for n, v in zip(names.args, values.args, strict=True)}
    if node.op not in ("list", "set", "tuple"):
        return None
    pairs = [assignment(item) for item in node.args]
    if any(pair is None for pair in pairs):
        return None
    named = {pair[0]: pair[1] for pair in pairs if pair is not None}
    return named if len(named) == len(pairs) > 1 else None


# ---- relations


def _relations(r: Node, p: Node, context: Context) -> Decision:
    if (mapped := _systems(r, p, context)) is not None:
        return mapped
    if r.op == p.op == "relation":
        return relations(r, p, context, lambda a, b: equal(a, b, context))
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
        if r.args[0].op in ("call", "fn", "ratio") or is_name(r.args[0]):
            return equal(r.args[1], p, context)
        if named is not None:
            return equal(named[1], p, context)
        if function is not None:
            return equal(function[2], p, context)
    return _different(r, p, "relation")

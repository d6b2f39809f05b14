"""Values with names: x = 1, y = 2 against another order or a point, x = 1 or x = 2 against the values."""

from __future__ import annotations

from evaluators.answers.comparing.elements import Compare, in_order, unordered
from evaluators.answers.comparing.relations import assignment
from evaluators.answers.comparing.scalars import Decision
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.values import Node, symbols


def solutions(node: Node) -> tuple[str, Node]:
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


def systems(r: Node, p: Node, same: Compare, *, lenient: bool, roots: bool) -> Decision | None:
    """x = 1, y = 2 against another order, or against (1, 2) in the order of the alphabet; None for anything else."""
    named_r, named_p = mapping(r), mapping(p)
    if named_r is None and named_p is None:
        return None
    if named_r is not None and named_p is not None:
        if named_r.keys() != named_p.keys():
            return Decision(False, "relation", "values of other variables")
        if roots and len({name.partition("_")[0] for name in named_r}) == 1:
            return unordered(_values(named_r), _values(named_p), same)  # which root is x_1 is left open
        named_p = _with_parameter_of(named_r, named_p)
        return in_order(tuple(named_r.values()), tuple(named_p[name] for name in named_r), same)
    named, other = (named_r, p) if named_r is not None else (named_p, r)
    assert named is not None
    if any(name.endswith(" on") for name in named):
        return Decision(False, "relation", "only one of them says what happens there")
    if other.op in ("list", "set") and len({name.partition("_")[0] for name in named}) == 1:
        values = _values(named)  # x_1 = 3, x_2 = 2 are the roots of one equation
        return unordered(values, other, same) if other is p else unordered(other, values, same)
    if other.op not in ("tuple", "angle", "list"):
        return None
    if other.value == "pm":
        return Decision(False, "relation", "both signs, where each name has its own value")
    written, ordered = tuple(named.values()), tuple(named[name] for name in sorted(named))
    if other.op == "list" and (other is p or not lenient):
        ordered = written  # no brackets of a point: as the names stand
    elif other.op == "list" and (decision := in_order(other.args, written, same)).same:
        return decision
    return in_order(ordered, other.args, same) if other is p else in_order(other.args, ordered, same)


def _values(named: dict[str, Node]) -> Node:
    return Node("list", tuple(named.values()))


_PARAMETERS = frozenset({"t", "s", "k", "u", "v", "m", "n", "r", "lambda", "mu"})


def _with_parameter_of(mine: dict[str, Node], yours: dict[str, Node]) -> dict[str, Node]:
    """x = 1 + 2s, y = 3 - s in the t of x = 1 + 2t, y = 3 - t."""
    free_r, free_p = (set().union(*map(symbols, named.values())) for named in (mine, yours))
    lost, new = free_r - free_p, free_p - free_r
    if len(lost) != 1 or len(new) != 1 or not lost | new <= _PARAMETERS or (lost | new) & mine.keys():
        return yours
    letters = {new.pop(): Node("sym", (), lost.pop())}
    return {name: substituted(value, letters) for name, value in yours.items()}


def mapping(node: Node) -> dict[str, Node] | None:
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

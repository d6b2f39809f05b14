"""Values with names: x = 1, y = 2 against another order or a point, x = 1 or x = 2 against the values."""

from __future__ import annotations

from evaluators.answers.comparing.balls import equal_everywhere
from evaluators.answers.comparing.elements import Compare, in_order, unordered
from evaluators.answers.comparing.names import called_alike, fellow_of, in_order_of
from evaluators.answers.comparing.relations import assignment
from evaluators.answers.comparing.scalars import Decision
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.reading.units import nouns
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


def systems(r: Node, p: Node, same: Compare, *, lenient: bool, roots: bool, question: str = "") -> Decision | None:
    """x = 1, y = 2 against another order, or against (1, 2) in the order of the alphabet; None for anything else."""
    r, p = _of_division(r, p), _of_division(p, r)
    r, p = _under_nouns(r, p), _under_nouns(p, r)
    rows_r, rows_p = in_rows(r), in_rows(p)
    if rows_r is not None or rows_p is not None:
        return unordered(rows_r or r, rows_p or p, same) if "list" == (rows_r or r).op == (rows_p or p).op else None
    named_r, named_p = mapping(r), mapping(p)
    if named_r is None and named_p is None:
        return None
    if named_r is not None and named_p is not None:
        return _both_named(r, p, named_r, named_p, same, roots=roots)
    named, other = (named_r, p) if named_r is not None else (named_p, r)
    assert named is not None
    if any(name.endswith(" on") for name in named):
        return Decision(False, "relation", "only one of them says what happens there")
    if other.op in ("list", "set") and len({name.partition("_")[0] for name in named}) == 1:
        values = _values(named)  # x_1 = 3, x_2 = 2 are the roots of one equation
        return unordered(values, other, same) if other is p else unordered(other, values, same)
    if other.op not in ("tuple", "angle", "list"):
        return None
    if other.value in ("pm", "or", "lor"):
        return Decision(False, "relation", "one of several values, where each name has its own")
    if other.op == "list" and other is p and any(item.op == "relation" for item in other.args):
        return _partly_named(named, other, same)
    return _without_names(named, other, p, same, lenient=lenient, question=question)


def _both_named(
    r: Node, p: Node, named_r: dict[str, Node], named_p: dict[str, Node], same: Compare, *, roots: bool
) -> Decision:
    called = called_alike(named_r, named_p)
    if called is None and p.op == "list" and any(len(name) > 1 for name in named_r):
        return _partly_named(named_r, p, same)
    if called is None:
        return Decision(False, "relation", "values of other variables")
    if p.value in ("or", "lor") and r.value not in ("or", "lor"):
        return Decision(False, "relation", "one or the other, where each name has its value")
    if roots and len({name.partition("_")[0] for name in named_r}) == 1:
        return unordered(_values(named_r), _values(called), same)  # which root is x_1 is left open
    called = _with_parameter_of(named_r, called)
    return in_order(tuple(named_r.values()), tuple(called[name] for name in named_r), same)


def _without_names(
    named: dict[str, Node], other: Node, p: Node, same: Compare, *, lenient: bool, question: str
) -> Decision:
    """Bare values in the order in which the question names them, or else the reference; a point's in the alphabet's."""
    written, ordered = tuple(named.values()), tuple(named[name] for name in sorted(named))
    if other.op == "list" and any(len(name) > 1 for name in named):
        asked = in_order_of(question, named) if question else None
        written = written if asked is None else tuple(asked.values())
    if other.op == "list" and (other is p or not lenient):
        ordered = written  # no brackets of a point: as the names stand
    elif other.op == "list" and (decision := in_order(other.args, written, same)).same:
        return decision
    return in_order(ordered, other.args, same) if other is p else in_order(other.args, ordered, same)


def _values(named: dict[str, Node]) -> Node:
    return Node("list", tuple(named.values()))


def _partly_named(named: dict[str, Node], other: Node, same: Compare) -> Decision:
    """(3, -4), r = 5 and F(2, 0), x = -2: what has a name of the reference's under it, the rest as the reference stands."""
    left, bare, pairs = dict(named), [], []
    for item in other.args:
        said = assignment(item)
        fellow = None if said is None else fellow_of(said[0], left)
        if said is not None and fellow is not None:
            pairs.append((left.pop(fellow), said[1]))
        elif said is not None and len(said[0]) > 1:
            return Decision(False, "relation", f"{said[0]} is no name of the reference")
        else:
            bare.append(item)
    if len(bare) != len(left):
        return Decision(False, "length", f"{len(other.args)} elements, where {len(named)} were expected")
    for mine, yours in zip(left.values(), bare, strict=True):
        if yours.op == "relation" and mine.op not in _NO_NUMBERS:
            return Decision(False, "relation", "values of other variables")
        pairs.append((mine, yours))
    return in_order(tuple(mine for mine, _ in pairs), tuple(yours for _, yours in pairs), same)


def in_rows(node: Node) -> Node | None:
    """x = 1, y = 2 or x = 2, y = 1, and (x, y) = (1, 2), (2, 1), as a list of points with names; None for anything else."""
    if node.op not in ("list", "set") or len(node.args) < 2:
        return None
    first = node.args[0]
    if first.op == "relation" and first.args[0].op == "tuple" and mapping(first) is not None:
        points = [
            item.args[1] if item.op == "relation" and item.args[0] == first.args[0] else item for item in node.args
        ]
        if any(point.op != "tuple" or len(point.args) != len(first.args[0].args) for point in points):
            return None
        return Node("list", tuple(Node("relation", (first.args[0], point), ("=",)) for point in points))
    said = [assignment(item) for item in node.args]
    names = [pair[0] for pair in said if pair is not None]
    width = len(set(names))
    if len(names) != len(said) or not 1 < width < len(names) or len(names) % width:
        return None
    rows = [node.args[begin : begin + width] for begin in range(0, len(names), width)]
    if any(len(set(names[begin : begin + width])) != width for begin in range(0, len(names), width)):
        return None
    return Node("list", tuple(Node("list", row) for row in rows))


_NO_NUMBERS = frozenset({"relation", "interval", "union", "without", "bracket", "tuple"})
"""What an equation or an inequality without the name of a quantity may be beside."""


def _of_division(node: Node, like: Node) -> Node:
    """Quotient and remainder of 12……5 under their names, where the other names its values."""
    if node.op != "remainder" or mapping(like) is None:
        return node
    names = zip(("quotient", "remainder"), node.args, strict=True)
    return Node("list", tuple(Node("relation", (Node("sym", (), name), value), ("=",)) for name, value in names))


def _under_nouns(node: Node, like: Node) -> Node:
    """12 red, 18 blue as red = 12, blue = 18, where the other names its values red and blue."""
    named = mapping(like)
    if named is None or node.op != "list" or any(item.op != "qty" for item in node.args):
        return node
    counted = [[noun.lstrip("#") for noun in nouns(item.value)] for item in node.args]
    if any(len(names) != 1 for names in counted) or {names[0] for names in counted} != named.keys():
        return node
    pairs = ((names[0], item.args[0]) for names, item in zip(counted, node.args, strict=True))
    return Node("list", tuple(Node("relation", (Node("sym", (), name), value), ("=",)) for name, value in pairs))


_PARAMETERS = frozenset({"t", "s", "k", "u", "v", "m", "n", "r", "lambda", "mu"})


def _with_parameter_of(mine: dict[str, Node], yours: dict[str, Node]) -> dict[str, Node]:
    """x = 1 + 2s, y = 3 - s in the t of x = 1 + 2t, y = 3 - t."""
    free_r, free_p = (set().union(*map(symbols, named.values())) for named in (mine, yours))
    lost, new = free_r - free_p, free_p - free_r
    if len(lost) != 1 or len(new) != 1 or not lost | new <= _PARAMETERS or (lost | new) & mine.keys():
        return yours
    letters = {new.pop(): Node("sym", (), lost.pop())}
    return {name: substituted(value, letters) for name, value in yours.items()}


def _chain(item: Node, known: dict[str, Node]) -> tuple[str, Node] | None:
    """q and 0.6 of q = 1 - p = 0.6 where p is known to be 0.4, and of Ann = 2 * 20 = 40; None where a side is another value."""
    if item.op != "relation" or len(item.args) < 3 or set(item.value) != {"="} or item.args[0].op != "sym":
        return None
    *sides, last = (substituted(side, known) for side in item.args[1:])
    bare = last.args[0] if last.op == "qty" else last
    if symbols(last) or not all(equal_everywhere(side.args[0] if side.op == "qty" else side, bare) for side in sides):
        return None
    return item.args[0].value, item.args[-1]


def mapping(node: Node) -> dict[str, Node] | None:
    if node.op == "relation" and node.value == ("=",) and node.args[0].op == node.args[1].op == "tuple":
        names, values = node.args
        if all(n.op == "sym" for n in names.args) and len(names.args) == len(values.args):
            return {n.value: v for n, v in zip(names.args, values.args, strict=True)}
    if node.op not in ("list", "set", "tuple"):
        return None
    pairs: list[tuple[str, Node] | None] = []
    for item in node.args:
        pairs.append(assignment(item) or _chain(item, dict(pair for pair in pairs if pair is not None)))
    if any(pair is None for pair in pairs):
        return None
    named = {pair[0]: pair[1] for pair in pairs if pair is not None}
    return named if len(named) == len(pairs) > 1 else None

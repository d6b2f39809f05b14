"""Answers with parameters: 7k + 3 for any integer k, c x for any constant c; compared as sets, or with the letters renamed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import permutations
from math import ceil, floor

from evaluators.answers.comparing.balls import real_value, sample_points, values_equal
from evaluators.answers.comparing.restated import restates
from evaluators.answers.comparing.scalars import Decision
from evaluators.answers.comparing.sets import pieces_of
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.comparing.systems import mapping
from evaluators.answers.comparing.vectors import same_line
from evaluators.answers.values import Node, num, show, symbols

Compare = Callable[[Node, Node], Decision]
SPAN = 24
"""Values of a whole parameter that are tried, on either side of zero."""
MAX_BRANCHES = 12
MIN_COMMON = 4
"""Members that two sets must show before they are called equal."""
_PLACES = 10**25
_STARTS = {"integers": -SPAN, "naturals": 0, "positive": 1}
_PARAMETERS = frozenset({"k", "n", "m", "t", "s", "p", "l", "j", "c", "C", "K", "A"})
_REALS = frozenset({"reals", "constant"})


def given(r: Node, p: Node, same: Compare, problem: str = "", *, lenient: bool = False) -> Decision:
    """Two answers of which one at least has conditions on its letters; what the problem says already restricts neither."""
    main_r, declared_r, limits_r = _taken_apart(r)
    main_p, declared_p, limits_p = _taken_apart(p)
    if (renamed := _renamed(r, p, (main_r, declared_r, limits_r), (main_p, declared_p, limits_p), same)) is not None:
        return renamed
    if (refused := _limits(main_r, limits_r, limits_p, same, problem)) is not None:
        return refused
    if not declared_r and not declared_p:
        return same(main_r, main_p)
    if (
        lenient
        and not declared_r
        and (listed := _listed(main_p, declared_p)) is not None
        and main_r.op in ("set", "list")
    ):
        return same(main_r._replace(op="set"), listed)
    if set(declared_r.values()) | set(declared_p.values()) <= _REALS and same_line(main_r, main_p):
        return Decision(True, "family", "the same line")
    if (alike := _alike(main_r, main_p, declared_r, declared_p)) is not None:
        return alike
    main_p, declared_p = _same_bound_name(main_r, declared_r, main_p, declared_p)
    if (narrower := _only_some(main_r, declared_r, main_p, declared_p)) is not None:
        return narrower
    if "first" in (*declared_r.values(), *declared_p.values()) or _sequence(main_r, declared_r):
        decision = same(main_r, main_p)  # a term of a sequence: its index is what it is
        if decision.same:
            return decision
    domain_r, domain_p = _domain(declared_r), _domain(declared_p)
    known = {domain_r, domain_p} - {"", "first"}
    if len(known) > 1 and not known <= _STARTS.keys():
        return Decision(False, "family", f"{domain_p}, where {domain_r} were meant")
    return _families(main_r, main_p, domain_r or domain_p, domain_p or domain_r, _names(declared_r, declared_p), same)


def _alike(r: Node, p: Node, declared_r: dict[str, str], declared_p: dict[str, str]) -> Decision | None:
    """That both are the same points of a lattice, or the same whole numbers; None where this does not show it."""
    if set(declared_r.values()) == set(declared_p.values()) == {"integers"} and (
        _same_points(r, p, declared_r, declared_p) or _same_whole_numbers(r, p, declared_r, declared_p)
    ):
        return Decision(True, "family", "the same whole numbers")
    return None


NEAR = 8
"""Values of a parameter whose points must all be points of the other family."""


def _same_points(r: Node, p: Node, declared_r: dict[str, str], declared_p: dict[str, str]) -> bool:
    """x = 3 + 7t, y = 2 - 5t and x = 10 - 7k, y = -3 + 5k: each near point of the one is a point of the other."""
    mine, yours = _coordinates(r), _coordinates(p)
    if mine is None or yours is None or mine.keys() != yours.keys() or len(declared_r) != 1 or len(declared_p) != 1:
        return False
    (name_r,), (name_p,) = declared_r, declared_p
    near_r, far_r = _points(mine, name_r, NEAR), _points(mine, name_r, SPAN)
    near_p, far_p = (
        _points({name: yours[name] for name in mine}, name_p, NEAR),
        _points({name: yours[name] for name in mine}, name_p, SPAN),
    )
    return bool(near_r) and near_r <= far_p and near_p <= far_r


def _coordinates(node: Node) -> dict[str, Node] | None:
    """The values by their names; the ends of one interval, with which of them belong to it; those of a point."""
    named = mapping(node)
    if named is not None or (node.op == "tuple" and len(node.args) > 2):
        return named or {str(place): value for place, value in enumerate(node.args)}
    pieces = pieces_of(node)
    if pieces is None or len(pieces) != 1 or pieces[0].low is None or pieces[0].high is None:
        return None
    low, high, low_closed, high_closed = pieces[0]
    return None if low is None or high is None else {f"low {low_closed}": low, f"high {high_closed}": high}


def _points(values: dict[str, Node], name: str, span: int) -> set[tuple[int, ...]]:
    """The points of linear values; none where one is no number."""
    found = set()
    for value in range(-span, span + 1):
        point = [real_value(substituted(node, {name: num(value)})) for node in values.values()]
        if None in point:
            return set()
        found.add(tuple(round(number * _PLACES) for number in point if number is not None))
    return found if len(found) == 2 * span + 1 else set()


def _same_whole_numbers(r: Node, p: Node, declared_r: dict[str, str], declared_p: dict[str, str]) -> bool:
    """n >= 3 and n > 2 for any whole n: the same of the whole numbers near their bounds."""
    if declared_r.keys() != declared_p.keys() or not _bounded_names(r) or _bounded_names(r) != _bounded_names(p):
        return False
    mine, yours = _whole_ends(r), _whole_ends(p)
    return mine is not None and mine == yours


def _whole_ends(main: Node) -> tuple[int | None, int | None] | None:
    """The least and the greatest whole number of an interval; None where it is none."""
    pieces = pieces_of(main)
    if pieces is None or len(pieces) != 1:
        return None
    (piece,) = pieces
    low, high = (None if end is None else real_value(end) for end in (piece.low, piece.high))
    if (low is None) != (piece.low is None) or (high is None) != (piece.high is None):
        return None
    least = None if low is None else ceil(low) + (not piece.low_closed and low == ceil(low))
    greatest = None if high is None else floor(high) - (not piece.high_closed and high == floor(high))
    return least, greatest


MAX_LISTED = 60


def _listed(main: Node, declared: dict[str, str]) -> Node | None:
    """{1, 2, 3} of the whole numbers x with 1 <= x <= 3; None where they have no end, or none are meant."""
    if set(declared.values()) - _STARTS.keys() or len(declared) != 1:
        return None
    ends = _whole_ends(main)
    first = _STARTS[next(iter(declared.values()))]
    if ends is None or ends[1] is None or (ends[0] is None and first < 0):
        return None
    low = max(first, ends[0]) if ends[0] is not None and first >= 0 else ends[0] if ends[0] is not None else first
    return Node("set", tuple(map(num, range(low, ends[1] + 1)))) if 0 <= ends[1] - low < MAX_LISTED else None


_Parts = tuple[Node, dict[str, str], list[Node]]
MAX_RENAMED = 3


def _renamed(r: Node, p: Node, mine: _Parts, yours: _Parts, same: Compare) -> Decision | None:
    """x = m + n, m and n real, in the letters of the reference; None where one letter is free that nothing limits."""
    main_r, main_p = mine[0], yours[0]
    lost = sorted(_limited(r) & symbols(main_r) - symbols(main_p))
    new = sorted(_limited(p) & symbols(main_p) - symbols(main_r))
    if len(lost) != len(new) or not 0 < len(lost) <= MAX_RENAMED or (len(lost) == 1 and not yours[2]):
        return None
    decision = None
    for order in permutations(lost):
        names = dict(zip(new, order, strict=True))
        letters = {old: Node("sym", (), name) for old, name in names.items()}
        conditions = [
            Node("declared", (), (names.get(c.value[0], c.value[0]), c.value[1])) if c.op == "declared"
            else Node("restricts", (substituted(c.args[0], letters),), names.get(c.value, c.value))
            for c in (p.args[1:] if p.op == "given" else ())
        ]  # fmt: skip
        decision = given(r, Node("given", (substituted(main_p, letters), *conditions)), same)
        if decision.same:
            break
    return decision


def _limited(node: Node) -> set[str]:
    """The letters that conditions speak of."""
    conditions = node.args[1:] if node.op == "given" else ()
    return {c.value[0] if c.op == "declared" else c.value for c in conditions}


def _only_some(r: Node, declared_r: dict[str, str], p: Node, declared_p: dict[str, str]) -> Decision | None:
    """What is wrong where only one is about whole numbers, k >= 0 beside any integer k; None where nothing is."""
    for one, declared, others in ((r, declared_r, declared_p), (p, declared_p, declared_r)):
        first = "first" in declared.values() and "integers" in others.values() and not _sequence(one, declared)
        bounded = {name for name in _bounded_names(one) if declared.get(name) in _STARTS and name not in others}
        if first or bounded:
            return Decision(False, "family", "only one of them keeps to some of the whole numbers")
    return None


def _same_bound_name(
    r: Node, declared_r: dict[str, str], p: Node, declared_p: dict[str, str]
) -> tuple[Node, dict[str, str]]:
    """The prediction n > 8 for any whole n in the letter of the reference: x > 8 for any whole x."""
    mine, yours = _bounded_names(r) & declared_r.keys(), _bounded_names(p) & declared_p.keys()
    if len(mine) != 1 or len(yours) != 1 or mine == yours or mine & symbols(p):
        return p, declared_p
    (old,), (new,) = yours, mine
    renamed = {new if name == old else name: domain for name, domain in declared_p.items()}
    return substituted(p, {old: Node("sym", (), new)}), renamed


def _bounded_names(main: Node) -> frozenset[str]:
    """x of x > 9, of 0 < x < 4, of |x| < 2, of x < 1 or x > 5."""
    if main.op == "list" and main.args:
        named = [_bounded_names(item) for item in main.args]
        return frozenset().union(*named) if all(named) else frozenset()
    if main.op != "relation" or not set(main.value) <= {"<", ">", "<=", ">="}:
        return frozenset()
    inner = (arg.args[0] if arg.op == "fn" and arg.value == "abs" else arg for arg in main.args)
    return frozenset(arg.value for arg in inner if arg.op == "sym")


def _names(mine: dict[str, str], yours: dict[str, str]) -> tuple[str, str]:
    return next(iter(mine), ""), next(iter(yours), "")


def _families(r: Node, p: Node, domain_r: str, domain_p: str, names: tuple[str, str], same: Compare) -> Decision:
    mine, yours = names[0] or _only_parameter(r, names[1]), names[1] or _only_parameter(p, names[0])
    if not mine or not yours:
        return same(r, p)
    if domain_r in _STARTS and domain_p in _STARTS:
        decision = _as_sets(_branches(r), _branches(p), (mine, yours), (domain_r, domain_p))
        if decision is not None:
            return decision if decision.same is False or _one_variable(r, p) else same(r, p)
    if mine != yours and (yours in symbols(p) and mine not in symbols(p)):
        p = substituted(p, {yours: Node("sym", (), mine)})
    return same(r, p)


def _only_parameter(node: Node, like: str) -> str:
    """The letter of an answer that does not say which one is free."""
    free = set().union(*(symbols(branch) for branch in _branches(node))) if _branches(node) else symbols(node)
    if like in free:
        return like
    likely = sorted(free & _PARAMETERS)
    return likely[0] if len(likely) == 1 else ""


def _taken_apart(node: Node) -> tuple[Node, dict[str, str], list[Node]]:
    """The answer, the domains of its letters, and what restricts others."""
    if node.op != "given":
        return node, {}, []
    main, *conditions = node.args
    declared: dict[str, str] = {}
    for condition in conditions:
        if condition.op == "declared":
            name, domain = condition.value
            declared[name] = _both(declared.get(name, ""), domain)
    declared = {
        name: "first" if domain == "first 0" else domain for name, domain in declared.items() if name in symbols(main)
    }
    free = {name: d for name, d in declared.items() if not (d in ("reals", "complex") and _is_argument(main, name))}
    return main, free, [c for c in conditions if c.op == "restricts"]


def _both(one: str, other: str) -> str:
    """Integers from a first one on; otherwise what was said last."""
    if {one.partition(" ")[0], other.partition(" ")[0]} == {"first", "integers"}:
        return "naturals" if "first 0" in (one, other) else "positive"
    return other if other != "integers" or one not in _STARTS else one


def _is_argument(main: Node, name: str) -> bool:
    """x of f(x) = ..., of y = 2x, and of a bare expression: a real number anyway."""
    if main.op == "relation" and main.value == ("=",) and main.args[0].op == "call":
        return Node("sym", (), name) in main.args[0].args
    return name in "xyz" or (name == "t" and main.op != "tuple")


def _sequence(main: Node, declared: dict[str, str]) -> bool:
    """a_n = ..., or n of any expression that is about whole numbers only by its name."""
    if main.op != "relation" or main.args[0].op not in ("sym", "call"):
        return False
    head = main.args[0]
    index = head.value.partition("_")[2] if head.op == "sym" else ",".join(str(a.value) for a in head.args)
    return bool(index) and any(name in index for name in declared)


def _domain(declared: dict[str, str]) -> str:
    domain = next(iter(declared.values()), "")
    return "constant" if domain in _REALS else domain


def _one_variable(r: Node, p: Node) -> bool:
    names = {
        node.args[0].value
        for side in (r, p)
        for node in _items(side)
        if node.op == "relation" and node.args[0].op == "sym"
    }
    return len(names) < 2


# ---- restrictions


def _limits(main: Node, mine: list[Node], yours: list[Node], same: Compare, problem: str) -> Decision | None:
    """What is wrong with the restrictions of the one beside those of the other; None where they agree."""
    for one, others in ((mine, yours), (yours, mine)):
        for limit in one:
            if any(other.value == limit.value and same(limit.args[0], other.args[0]).same for other in others):
                continue
            if not says_nothing(main, limit) and not restates(problem, limit, same):
                return Decision(False, "condition", f"only one of them holds for {show(limit.args[0])[:60]}")
    return None


def says_nothing(main: Node, limit: Node) -> bool:
    """x \\ne 2 beside what has no value at 2, x > 0 beside what has none below."""
    relation = limit.args[0]
    if relation.op != "relation" or len(relation.args) != 2 or relation.args[0].op != "sym":
        return False
    body = main.args[-1] if main.op == "relation" else main
    if limit.value not in symbols(body):
        return False
    if relation.value[0] in _BEYOND:
        return symbols(body) == {limit.value} and _only_within(body, limit.value, relation)
    if relation.value != ("!=",):
        return False
    there = substituted(body, {limit.value: relation.args[1]})
    return values_equal(there, there, sample_points(symbols(there))[0]) is None


_BEYOND = {">": (0, -1), ">=": (-1,), "<": (0, 1), "<=": (1,)}
"""On which side of a bound, or whether at it, nothing may have a value."""
_STEPS = (Fraction(1, 3), Fraction(7, 5), Fraction(11))


def _only_within(body: Node, name: str, relation: Node) -> bool:
    """Whether the body has real values within the bound and none that were tried beyond it."""
    bound = real_value(relation.args[1])
    if bound is None:
        return False
    beyond = _BEYOND[relation.value[0]]
    outside = [bound + step * side for side in beyond for step in (_STEPS if side else (Fraction(0),))]
    inside = [bound - step * beyond[-1] for step in _STEPS]
    values = [real_value(substituted(body, {name: num(at)})) for at in (*outside, *inside)]
    return all(v is None for v in values[: len(outside)]) and all(v is not None for v in values[len(outside) :])


# ---- sets of numbers


def _items(node: Node) -> tuple[Node, ...]:
    return node.args if node.op in ("list", "set") else (node,)


def _branches(node: Node) -> tuple[Node, ...]:
    """What x is in each of x = ..., x = ...; the values of a list."""
    return tuple(
        item.args[1] if item.op == "relation" and item.value == ("=",) and item.args[0].op == "sym" else item
        for item in _items(node)
    )


def _as_sets(
    r: tuple[Node, ...], p: tuple[Node, ...], names: tuple[str, str], domains: tuple[str, str]
) -> Decision | None:
    """Whether the values are the same set, within the stretch that both were followed; None where they are no numbers."""
    if len(r) > MAX_BRANCHES or len(p) > MAX_BRANCHES:
        return None
    ends: list[int] = []
    mine, yours = _members(r, names[0], domains[0], ends), _members(p, names[1], domains[1], ends)
    if mine is None or yours is None:
        return None
    low = max((e * 2 // 5 for e in ends if e <= 0), default=None)
    high = min((e * 2 // 5 for e in ends if e > 0), default=None)
    first, second = (
        {v for v in values if (low is None or v >= low) and (high is None or v <= high)} for values in (mine, yours)
    )
    if len(first | second) < MIN_COMMON:
        return None
    if first == second:
        return Decision(True, "family", "the same set of numbers")
    return Decision(False, "family", "a number of the one family is none of the other")


def _members(branches: tuple[Node, ...], name: str, domain: str, ends: list[int]) -> set[int] | None:
    """The numbers of all branches; the last ones of each, beyond which it was not followed, are added to `ends`."""
    members = set()
    for branch in branches:
        if symbols(branch) - {name}:
            return None
        for value in range(_STARTS[domain], SPAN + 1):
            number = real_value(substituted(branch, {name: Fraction(value)}))
            if number is None:
                return None
            members.add(round(number * _PLACES))
            if abs(value) == SPAN:
                ends.append(round(number * _PLACES))
    return members

"""Answers in parts, of several readings, with a remark; choices with the text of their option."""

from __future__ import annotations

from fractions import Fraction

from evaluators.answers.comparing.balls import real_value
from evaluators.answers.comparing.elements import Compare, different, in_order, unordered
from evaluators.answers.comparing.names import in_order_of, labels_of
from evaluators.answers.comparing.scalars import Decision
from evaluators.answers.comparing.systems import mapping, solutions
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import Node, show


def remarked(r: Node, p: Node, same: Compare) -> Decision:
    """5/6, or approximately 0.83: the rounding must fit; 42 (not 17): the other must be another."""
    answer, beside = p.args
    if p.value == "other":
        denied = same(answer, beside).same
        return different(r, p) if denied else same(r, answer)
    mine, near = real_value(_bare(answer)), real_value(_bare(beside))
    if mine is None or near is None or (abs(mine - near) * 100 > abs(mine) and not _rounds(mine, _bare(beside))):
        return Decision(False, "tolerance", f"{show(beside)[:60]} is no rounding of {show(answer)[:60]}")
    return same(r, answer)


def _rounds(value: Fraction, near: Node) -> bool:
    """Whether a numeral is the value at its own places: 4 for 4.25."""
    places = near.value[1] if near.op == "dec" else 0
    return near.op in ("num", "dec") and abs(value - real_numeral(near)) * 2 * Fraction(10) ** places <= 1


def real_numeral(node: Node) -> Fraction:
    """The exact value of a literal."""
    value: Fraction = node.value[0] if node.op == "dec" else node.value
    return value


def _bare(node: Node) -> Node:
    while node.op in ("qty", "approx", "relation") or (node.op == "either" and node.args):
        if node.op == "relation" and (node.value != ("=",) or node.args[0].op != "sym"):
            break
        node = node.args[-1 if node.op == "relation" else 0]  # 15 of x = 15
    return node


def alternatives(r: Node, p: Node, same: Compare) -> Decision:
    """Any reading of the one that is a reading of the other."""
    first: Decision | None = None
    for mine in r.args if r.op == "either" else (r,):
        for yours in p.args if p.op == "either" else (p,):
            decision = same(mine, yours)
            if decision.same:
                return decision
            first = first or decision
    return first or different(r, p)


def parts(r: Node, p: Node, same: Compare, problem: str = "") -> Decision:
    """Part by part: by the labels where both have them, else in their order, or in that in which the problem names them."""
    mine, yours = _by_label(r), _by_label(p)
    if mine is not None and yours is not None:
        if mine.keys() != yours.keys():
            return Decision(False, "parts", "parts with other labels")
        return in_order(tuple(mine.values()), tuple(yours[index] for index in mine), same)
    for labelled, other in ((mine, p), (yours, r)):
        if labelled is not None and len(labelled) == 1:
            (lone,) = labelled.values()
            if other.op == "choice":  # (c) 5 beside (b) 5
                return different(r, p, "parts")
            return same(lone, other) if other is p else same(other, lone)
    labelled, other = (mine, p) if mine is not None else (yours, r)
    if labelled is not None and other.op == "text" and len(other.value) == len(labelled):
        other = Node("list", tuple(Node("text", (), (word,)) for word in other.value))  # true, false, true
        r, p = (r, other) if labelled is mine else (other, p)
    if labelled is None or other.op not in ("list", "tuple", "set") or other.value == "pm":  # +-3 has no first part
        return Decision(False, "parts", f"{show(p)[:80]} is not {show(r)[:80]}: one has parts")
    ordered = tuple(labelled[index] for index in sorted(labelled))
    if problem and (named := mapping(other)) and (asked := in_order_of(_asking(problem), named)) is not None:
        other = Node("list", tuple(asked.values()))
    if labelled is mine:
        return in_order(ordered, other.args, same) if other.op != "set" else different(r, p)
    if other.op == "set" or other.value == "or" or solutions(other)[0]:  # x = 3, x = 8 have no order
        return unordered(other, Node("list", ordered), same)
    return in_order(other.args, ordered, same)


def _by_label(node: Node) -> dict[int, Node] | None:
    """The parts by what their labels count; A = 5, B = 6 are two of them."""
    if node.op == "parts":
        return dict(zip(node.value, node.args, strict=True))
    named = mapping(node)
    return None if named is None else labels_of(named)


_FIRST_LABEL = lazy_pattern(r"[(（]\s*(?:1|a|i|A|I|一)\s*[)）]|①")


def _asking(problem: str) -> str:
    """The problem from its first label on."""
    label = _FIRST_LABEL.search(problem)
    return problem if label is None else problem[label.end() :]


def choices(r: Node, p: Node, same: Compare, *, is_option: bool) -> Decision:
    """One letter; of a reference that goes on after it, the letter alone only where it is known to be an option's."""
    if p.args:
        decision = same(r.args[0], p.args[0])
        return decision if decision.same else Decision(False, "choice", f"one letter, but {decision.reason}")
    return Decision(
        is_option, "choice", f"both are {r.value}" if is_option else f"the reference is more than the letter {r.value}"
    )

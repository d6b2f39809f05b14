"""Comparison of collections element by element, in their order or in any."""

from __future__ import annotations

from collections.abc import Callable

from evaluators.answers.comparing.scalars import Decision, Unlike
from evaluators.answers.values import Node, show

Compare = Callable[[Node, Node], Decision]
MAX_PAIRINGS = 2_500
"""Comparisons within one pair of collections: fifty elements each."""


def different(r: Node, p: Node, stage: str = "type") -> Decision:
    return Decision(False, stage, Unlike(r, p))


def in_order(r: tuple[Node, ...], p: tuple[Node, ...], same: Compare) -> Decision:
    if len(r) != len(p):
        return Decision(False, "length", f"{len(p)} elements, where {len(r)} were expected")
    stage = "structure"
    for index, (mine, yours) in enumerate(zip(r, p, strict=True)):
        decision = same(mine, yours)
        if not decision.same:
            return decision._replace(reason=f"element {index + 1}: {decision.reason}")
        stage = decision.stage if decision.stage != "structure" else stage
    return Decision(True, stage, "equal element by element")


def unordered(r: Node, p: Node, same: Compare) -> Decision:
    """A matching of the elements. Repeats count in lists and not in sets."""
    mine, yours = list(r.args), list(p.args)
    if "set" in (r.op, p.op):
        mine, yours = distinct(mine, same), distinct(yours, same)
    if len(mine) != len(yours):
        return Decision(False, "length", f"{len(yours)} elements, where {len(mine)} were expected")
    if len(mine) * len(yours) > MAX_PAIRINGS:
        return in_order(tuple(sorted(mine, key=repr)), tuple(sorted(yours, key=repr)), same)
    stage, undecided = "structure", False
    for item in mine:
        for index, candidate in enumerate(yours):
            if r.op == p.op == "set" and (item.op == "set") != (candidate.op == "set"):
                continue  # {3} within a set is no 3
            decision = same(item, candidate)
            undecided = undecided or decision.same is None
            if decision.same:
                stage = decision.stage if decision.stage != "structure" else stage
                yours.pop(index)
                break
        else:
            return Decision(None if undecided else False, "set", f"{show(item)[:80]} is missing from {show(p)[:120]}")
    return Decision(True, stage, "the same elements")


def distinct(items: list[Node], same: Compare) -> list[Node]:
    if len(items) > 50:
        return list(dict.fromkeys(items))
    kept: list[Node] = []
    for item in items:
        if not any(same(other, item).same for other in kept):
            kept.append(item)
    return kept

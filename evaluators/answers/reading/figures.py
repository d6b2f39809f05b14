"""Statements about figures and sets by their names: AB \\perp CD, \\triangle ABC \\sim \\triangle DEF, A \\subseteq B."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import Node

_NAME = (
    r"(?:\\(?P<{0}kind>triangle|angle|overline)\s*\{{?\s*)?(?P<{0}>[A-Za-z](?:[A-Z]|_\{{?\d\}}?){{0,5}}'?)(?:\s*\}})?"
)
_RELATED = lazy_pattern(
    rf"\s*{_NAME.format('a')}\s*(?:\\(?P<sign>perp|parallel|cong|sim|subseteq|supseteq|subset|supset)(?![A-Za-z])|(?P<slashes>//))\s*{_NAME.format('b')}\s*"
)
_SYMMETRIC = frozenset({"perp", "parallel", "cong", "sim"})
_TURNED = {"supseteq": "subseteq", "supset": "subset"}
_BY_VERTICES = frozenset({"cong", "sim"})
"""What is said of figures vertex by vertex: ABC and DEF as BCA and EFD."""


def related(surface: str) -> Node | None:
    """The statement as words in one order, so that CD \\perp AB and BA \\perp DC are AB \\perp CD; None for other texts."""
    match = _RELATED.fullmatch(surface)
    if match is None or (match["slashes"] and not match["a"][1:2].isupper()):  # n//d divides
        return None
    sign = match["sign"] or "parallel"
    names = [(match["akind"] or "", match["a"]), (match["bkind"] or "", match["b"])]
    if sign in _TURNED:
        sign, names = _TURNED[sign], names[::-1]
    if sign in _BY_VERTICES and len(names[0][1]) == len(names[1][1]) > 2:
        return Node("text", (), (sign, *_vertices(names)))
    spelled = [f"{kind} {_segment(kind, name)}".strip() for kind, name in names]
    return Node("text", (), (sign, *(sorted(spelled) if sign in _SYMMETRIC else spelled)))


def _segment(kind: str, name: str) -> str:
    """AB for BA and for \\overline{AB}; the letters of anything else stay as they are."""
    return "".join(sorted(name)) if re.fullmatch(r"[A-Z]{2}", name) and kind != "angle" else name


def _vertices(names: list[tuple[str, str]]) -> list[str]:
    """Both names, so that the first one has its letters in order, in the smaller of the two orders."""
    (kind_a, a), (kind_b, b) = names
    found = []
    for one, other in ((a, b), (b, a)):
        pairs = (
            sorted(zip(one, other, strict=True))
            if kind_a == kind_b == "triangle"
            else list(zip(one, other, strict=True))
        )
        found.append(["".join(pair[0] for pair in pairs), "".join(pair[1] for pair in pairs)])
    return [f"{kind_a}|{kind_b}", *min(found)]

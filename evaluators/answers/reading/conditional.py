"""Answers with conditions on their letters as trees: what conditions.py cuts from a text, read by the grammars."""

from __future__ import annotations

from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.collections_grammar import Answers, expand_plus_minus
from evaluators.answers.reading.conditions import (
    Condition,
    Congruence,
    congruences,
    each_excluded,
    introduced,
    without_conditions,
)
from evaluators.answers.reading.grammars import parsed
from evaluators.answers.reading.parity import by_parity
from evaluators.answers.reading.piecewise import branches
from evaluators.answers.reading.tokens import tokenise
from evaluators.answers.values import Node, ParseError, num, symbols


def with_conditions(surface: str, reference: bool, second: bool) -> list[Node]:
    """The readings of an answer that says for which values of its letters it holds; none where it says nothing of them."""
    if (excluded := each_excluded(surface)) is not None:
        return parsed(", ".join(excluded), reference, second)
    if (cases := _by_parity(surface, reference, second) or _in_pieces(surface, reference, second)) is not None:
        return [cases]
    if (shorter := introduced(surface)) != surface:
        return with_conditions(shorter, reference, second) or parsed(shorter, reference, second)
    if (found := congruences(surface)) is not None:
        named = bool(found[0].name)
        return _residues(found) if named else _residues(found) + parsed(surface, reference, second)
    if (ranged := _over_range(surface, reference, second)) is not None:
        return ranged
    main, conditions = without_conditions(surface)
    if not conditions:
        return []
    limits = [
        _limit(condition._replace(text=text))
        for condition in conditions
        for text in each_excluded(condition.text) or [condition.text]
    ]
    kept = tuple(limit for limit in limits if limit is not None)
    if len(kept) != len(limits):
        return []
    return [Node("given", (node, *kept)) for node in parsed(main, reference, second)]


def _by_parity(surface: str, reference: bool, second: bool) -> Node | None:
    """The pieces for even and odd numbers, each with its word as the condition."""
    values = by_parity(surface)
    if values is None:
        return None
    read = {kind: parsed(value, reference, second) for kind, value in values.items()}
    if not all(read.values()):
        return None
    pieces = [Node("tuple", (nodes[0], Node("text", (), (kind,)))) for kind, nodes in read.items()]
    return Node("cases", tuple(pieces))


def _in_pieces(surface: str, reference: bool, second: bool) -> Node | None:
    """The pieces of `x - 1 for x >= 1; 1 - x for x < 1`; none where a value or a condition has no reading."""
    found = branches(surface)
    if found is None:
        return None
    from evaluators.answers.reading.readings import alternatives

    pieces = []
    for value, condition in found:
        node, where = alternatives(value, reference, second), parsed(condition, reference, second)
        if node is None or len(where) != 1 or where[0].op != "relation":
            return None
        pieces.append(Node("tuple", (node, where[0])))
    return Node("cases", tuple(pieces))


_RANGE = lazy_pattern(
    r"(?P<name>[kmnjt])\s?=\s?(?P<values>-?\d{1,9}(?:\s?,\s?-?\d{1,9}){1,11})(?P<dots>\s?,?\s?(?:\\[lcd]?dots|\.{3}))?\s?\)?\.?$"
)
_AMONG = lazy_pattern(
    r"(?P<name>[kmnjt])\s?\\in\s?\\\{\s?(?P<values>-?\d{1,9}(?:\s?,\s?-?\d{1,9}){1,11})\s?\\\}(?=\s?\)?\.?$)"
)
"""k \\in \\{0, 1, 2\\}."""
_VALUE = lazy_pattern(r"(?P<name>[A-Za-z])\s?=\s?(?P<values>-?[\w./\\{}]{1,20})\$?$")
_BEFORE_RANGE = lazy_pattern(
    r"(?:[,;(\s$\\]|\\quad|\\text\s?\{\s?|(?<![A-Za-z])(?:where|for|with)(?![A-Za-z])(?:\s?\})?|其中|当)+$"
)
"""Between an answer and the values of its letter."""
MAX_RANGED = 300


def _over_range(surface: str, reference: bool, second: bool) -> list[Node] | None:
    """3k for k = 1, 2, 3 as a list, for k = 0, 1, 2, ... as a family, where k = 4 as the one value."""
    if len(surface) > MAX_RANGED or ("=" not in surface and "\\in" not in surface):
        return None
    surface = _AMONG.sub(r"\g<name>=\g<values>", surface)
    ranged = _RANGE.search(surface)
    match = ranged or _VALUE.search(surface)
    between = None if match is None else _BEFORE_RANGE.search(surface, 0, match.start())
    if match is None or between is None or (ranged is None and not _INTRODUCES.search(between.group())):
        return None
    name, values = match["name"], [value.strip() for value in match["values"].split(",")]
    mains = [node for node in parsed(surface[: between.start()], reference, second) if name in symbols(node)]
    if ranged is not None and ranged["dots"]:
        return _from_first_on(mains, name, [int(value) for value in values])
    points = [parsed(value, reference, second)[:1] for value in values]
    if not all(points):
        return None
    lists = [tuple(substituted(node, {name: point[0]}) for point in points) for node in mains]
    return [Node("list", items) if len(items) > 1 else items[0] for items in lists] or None


_INTRODUCES = lazy_pattern(r"where|with|其中")


def _from_first_on(mains: list[Node], name: str, steps: list[int]) -> list[Node] | None:
    """The family of k = 0, 1, 2, ... or of k = 1, 2, 3, ...; None for any other row."""
    if steps != list(range(steps[0], steps[0] + len(steps))) or steps[0] not in (0, 1):
        return None
    domain = Node("declared", (), (name, "naturals" if steps[0] == 0 else "positive"))
    return [Node("given", (node, domain)) for node in mains] or None


def _limit(condition: Condition) -> Node | None:
    """A letter's domain, or the set of numbers it is kept to."""
    if condition.domain:
        return Node("declared", (), (condition.name, condition.domain))
    try:
        return Node("restricts", (Answers(tokenise(condition.text, grouping=False)).answer(),), condition.name)
    except (ParseError, RecursionError):
        return None


def _residues(found: tuple[Congruence, ...]) -> list[Node]:
    """x = 3 + 7k for x \\equiv 3 \\pmod{7}."""
    parameter = "m" if found[0].name == "k" else "k"
    branches = []
    for congruence in found:
        multiple = Node("mul", (num(congruence.modulus), Node("sym", (), parameter)))
        for text in congruence.residues:
            try:
                residue = expand_plus_minus(Answers(tokenise(text, grouping=True)).answer())
            except (ParseError, RecursionError):
                return []
            values = residue.args if residue.op == "list" else (residue,)
            branches += [Node("add", (value, multiple)) for value in values]
    name = Node("sym", (), found[0].name)
    items = tuple(Node("relation", (name, branch), ("=",)) if found[0].name else branch for branch in branches)
    main = items[0] if len(items) == 1 else Node("list", items)
    return [Node("given", (main, Node("declared", (), (parameter, "integers"))))]

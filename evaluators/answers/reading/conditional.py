"""Answers with conditions on their letters as trees: what conditions.py cuts from a text, read by the grammars."""

from __future__ import annotations

from evaluators.answers.reading.collections_grammar import Answers, expand_plus_minus
from evaluators.answers.reading.conditions import Condition, Congruence, congruences, introduced, without_conditions
from evaluators.answers.reading.grammars import parsed
from evaluators.answers.reading.tokens import tokenise
from evaluators.answers.values import Node, ParseError, num


def with_conditions(surface: str, reference: bool, second: bool) -> list[Node]:
    """The readings of an answer that says for which values of its letters it holds; none where it says nothing of them."""
    if (shorter := introduced(surface)) != surface:
        return with_conditions(shorter, reference, second) or parsed(shorter, reference, second)
    if (found := congruences(surface)) is not None:
        named = bool(found[0].name)
        return _residues(found) if named else _residues(found) + parsed(surface, reference, second)
    main, conditions = without_conditions(surface)
    if not conditions:
        return []
    limits = [_limit(condition) for condition in conditions]
    kept = tuple(limit for limit in limits if limit is not None)
    if len(kept) != len(limits):
        return []
    return [Node("given", (node, *kept)) for node in parsed(main, reference, second)]


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

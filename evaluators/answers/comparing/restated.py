"""What a problem says itself: the condition that an answer repeats, the formula that has no value where it does not hold."""

from __future__ import annotations

import re
from functools import lru_cache

from evaluators.answers.comparing.elements import Compare
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import Node, num, symbols

MAX_PROBLEM = 2_000
MAX_FRAGMENTS = 24
_SIGN = r"\s?(?:<=|>=|!=|[<>≤≥≠]|\\(?:le|ge|ne|lt|gt)(?:q|qslant|slant)?(?![A-Za-z]))\s?"
_END = r"-?(?:\\infty|[\w.]{1,12}(?:/\d{1,6})?|\\frac\s?\{[^{}]{1,9}\}\s?\{[^{}]{1,9}\})"
_STATED = lazy_pattern(
    rf"(?:(?P<low>{_END}){_SIGN})?(?P<bar>\|)?\s?(?<![A-Za-z\\])(?P<name>[a-zA-Z])\s?\|?{_SIGN}(?P<value>{_END})"
)
_IN_WORDS = (
    (r"positive", ">"),
    (r"negative", "<"),
    (r"non-?zero", "!="),
    (r"non-?negative", ">="),
)
_CUT = lazy_pattern(
    r"[,;?!，；？！。、]|\.(?=\s|$)|(?<![A-Za-z\\])(?!(?:sin|cos|tan|log|ln|exp|sqrt)(?![A-Za-z]))[A-Za-z]{2,}(?![A-Za-z])|[\u4e00-\u9fff]+|\$|\\[()\[\]]"
)
_CALCULATES = lazy_pattern(r"[-+*/^√²³]|\\frac|\\sqrt|\d[a-z(]|[a-z)]\(")


def restates(problem: str, limit: Node, same: Compare) -> bool:
    """Whether the problem itself keeps the letter to what the answer says of it, or has no value elsewhere."""
    name, condition = limit.value, limit.args[0]
    if condition.op == "list":
        return all(restates(problem, limit._replace(args=(each,)), same) for each in condition.args)
    if not problem or not isinstance(name, str):
        return False
    if any(same(stated, condition).same for stated in _conditions(problem, name)):
        return True
    if condition.op != "relation" or condition.value != ("!=",):
        return False
    from evaluators.answers.comparing.families import says_nothing

    return any(name in symbols(formula) and says_nothing(formula, limit) for formula in formulas_of(problem))


@lru_cache(maxsize=256)
def _conditions(problem: str, name: str) -> tuple[Node, ...]:
    from evaluators.answers.reading.readings import readings

    found: list[Node] = []
    text = re.sub(r"[$]", " ", problem[-MAX_PROBLEM:])
    for match in _STATED.finditer(text):
        if match["name"] == name and len(found) < MAX_FRAGMENTS:
            found += readings(match[0].strip(), True, False)[:1]
    for word, sign in _IN_WORDS:
        spoken = rf"(?<![A-Za-z-]){word}\s(?:[a-z]+\s){{0,2}}{name}(?![A-Za-z])|(?<![A-Za-z\\]){name}\s(?:is|be)\s(?:an?\s)?{word}(?![A-Za-z])"
        if re.search(spoken, text):
            found.append(Node("relation", (Node("sym", (), name), num(0)), (sign,)))
    return tuple(found)


@lru_cache(maxsize=256)
def formulas_of(problem: str) -> tuple[Node, ...]:
    """The formulas of a problem that are more than a letter, each as far as its words and commas leave it whole."""
    from evaluators.answers.reading.readings import readings

    found: list[Node] = []
    text = problem[-MAX_PROBLEM:]
    ends = [0, *(edge for match in _CUT.finditer(text) for edge in match.span()), len(text)]
    for begin, end in zip(ends[::2], ends[1::2], strict=True):
        piece = text[begin:end].strip(" :=：")
        if 3 <= len(piece) <= 200 and _CALCULATES.search(piece) and len(found) < MAX_FRAGMENTS:
            found += [_body(node) for node in readings(piece, True, False)[:1]]
    return tuple(found)


def _body(node: Node) -> Node:
    return node.args[1] if node.op == "relation" and node.value == ("=",) and len(node.args) == 2 else node

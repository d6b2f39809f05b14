"""What the question calls the thing it asks for: x_2, f(2), m + n; and whether a prediction's equation is about it."""

from __future__ import annotations

import re

from evaluators.answers.comparing.exact import OverBudget, rational
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import Node, show, symbols, walk

_ASKED = lazy_pattern(
    r"(?:\b(?:find|compute|calculate|evaluate|determine|is|are|of|give|state)\s|[求算值则是为,，])\s?(?:the\svalues?\sof\s)?"
    r"(?P<name>[A-Za-z](?:_(?:\d{1,4}|[a-z])|\((?:[^()=]|\([^()=]{1,12}\)){1,24}\)))(?![\w(+^-]|=(?![_?？]|\\|$))",
    re.IGNORECASE,
)
_MARKS = lazy_pattern(r"[${}]")
_NO_MATTER = lazy_pattern(r"\\(?:left|right|[,!;:])|\s(?=\W)|(?<=\W)\s")
_VARIANCE = lazy_pattern(r"\bvariance\b|方差", re.IGNORECASE)
_ARITHMETIC = frozenset({"add", "mul", "sym", "num", "neg", "div", "pow"})


def names_another(head: Node, question: str) -> bool:
    """Whether the question asks for x_2 or f(3), and the equation is about x_1 or f(2)."""
    said = _spelled(head)
    if not said or not question:
        return False
    asked = {match["name"] for match in _ASKED.finditer(_NO_MATTER.sub("", " ".join(_MARKS.sub("", question).split())))}
    base = re.split(r"[_(]", said)[0]
    asked = {name for name in asked if re.split(r"[_(]", name)[0] == base and name[len(base)] == said[len(base)]}
    return bool(asked) and said not in asked


def _spelled(head: Node) -> str:
    if head.op == "sym" and "_" in str(head.value):
        base, _, index = str(head.value).partition("_")
        return f"{base}_{index.strip('{}')}"
    if head.op == "call" and not symbols(head):
        return show(head).replace("call:", "").replace(" ", "")
    return ""


def is_variance(head: Node, question: str) -> bool:
    r"""\sigma^2 or s^2, where a variance is asked for."""
    return (
        head.op == "pow"
        and head.args[0].op == "sym"
        and str(head.args[0].value).lstrip("\\") in ("sigma", "s", "S")
        and head.args[1].op == "num"
        and head.args[1].value == 2
        and _VARIANCE.search(question) is not None
    )


def comes_to(steps: Node) -> Node | None:
    """The last equation of `m = 5, n = 16, m + n = 21`, whose other letters have their values before it, if it is true."""
    *given, last = steps.args
    if any(a.op != "relation" or a.value != ("=",) or len(a.args) != 2 for a in steps.args) or not given:
        return None
    values = {str(a.args[0].value): a.args[1] for a in given if a.args[0].op == "sym" and not symbols(a.args[1])}
    left, right = last.args
    if len(values) != len(given) or symbols(left) != set(values) or any(n.op not in _ARITHMETIC for n in walk(left)):
        return None
    if left.op == "sym" or symbols(right):
        return None
    try:
        worth, said = rational(substituted(left, values)), rational(right)
    except (OverBudget, ZeroDivisionError):
        return None
    return last if worth is not None and worth == said else None

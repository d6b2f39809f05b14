"""Values under names of several letters: `Zoe: 5, Amy: 8`, `Tom has 12 and Ann has 9`, `concave up on (2, 5)`."""

from __future__ import annotations

import re
from typing import NamedTuple

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.chinese import simplified
from evaluators.answers.reading.measures import NAMES

MAX_TEXT = 400
WHERE = "on"
"""Ends the name of a behaviour: where a function increases is no bare list of values."""
MAX_NAMES = 10
_NAME = r"(?:\\text\s*\{\s*)?(?P<name>[A-Za-z][A-Za-z'’]+(?:\s[A-Za-z]+){0,2}?)\s*\}?"
_ENTRY = lazy_pattern(
    rf"\s*(?:and\s+)?{_NAME}\s*(?:[:=]|(?<![A-Za-z])(?:has|have|had|got|gets|is|was)(?![A-Za-z]))\s*(?P<value>[-+$\\(\d][^:=]*?)\s*"
    r"(?=$|[,;\n]\s*(?:and\s+)?(?:\\text\s*\{\s*)?[A-Za-z]{2,}|\s+and\s+[A-Za-z]{2,})[,;\s]*"
)
_BEHAVIOURS = (
    r"(?:strictly\s+)?(?:(?:concave|concavity|convex)(?:\s+(?:up|down)(?:wards?)?)?|(?:monotonically\s+)?(?:increas|decreas)(?:ing|es)|positive|negative|constant|"
    r"continuous|discontinuous|differentiable|(?:local|absolute|global|relative)\s+(?:max(?:im(?:um|a))?|min(?:im(?:um|a))?)|maximum|minimum|max|min)"
)
_BEHAVIOUR = lazy_pattern(
    rf"\s*(?:and\s+)?(?:(?:it|f|the\s+function)\s+is\s+|\\text\s*\{{\s*)?(?P<name>{_BEHAVIOURS})\s*(?:on|for|at|in|when|over)\s+(?:the\s+interval\s+|x\s*\\in\s*)?\}}?\s*"
    rf"(?P<value>.+?)\s*(?=$|[,;.]?\s*(?:and\s+)?(?:(?:it|f)\s+is\s+|\\text\s*\{{\s*)?{_BEHAVIOURS}\s+(?:on|for|at|in|when|over))[,;.\s]*",
    re.IGNORECASE,
)
_MAY_BEHAVE = lazy_pattern(r"[cC]on|[cC]rea|[tT]iv|[mM]ax|[mM]in|[dD]iff|CON|CREA|TIV|MAX|MIN|DIFF")
"""What every name of a behaviour holds."""
_SAME = {
    "concave upward": "concave up", "concave upwards": "concave up", "convex": "concave up", "concave downward": "concave down",
    "concave downwards": "concave down", "increases": "increasing", "decreases": "decreasing", "local max": "local maximum", "local min": "local minimum",
    "max": "maximum", "min": "minimum", "relative maximum": "local maximum", "relative minimum": "local minimum",
}  # fmt: skip
_HAN_ENTRY = lazy_pattern(
    r"\s*(?P<name>(?!第|答案|结果|解)[\u4e00-\u9fff]{2,4})\s*[:：=]\s*(?P<value>[-+$\\(\d][^:：=]*?)\s*(?=$|[,;，；、\n]\s*[\u4e00-\u9fff]{2,4}\s*[:：=])[,;，；、\s]*"
)
"""小红：3，小明：10."""
_HAN_STATED = lazy_pattern(
    r"\s*(?P<name>(?!第|答案|结果|解)[\u4e00-\u9fff]{1,6}?)\s*(?:[:：=]|为|是|有)?\s*(?P<value>(?:[(\[（][^()\[\]（）]{1,40}[)\]）]|[-+]?[\d$\\][^:：=,，;；、。\u4e00-\u9fff]{0,40})[\u4e00-\u9fff%]{0,2})\s*(?=$|[,，;；、。\n])[,，;；、。\s]*"
)
"""鸡有23只，兔有12只; 最大值为4，最小值为-1."""
_HAN_AFFIXES = lazy_pattern(r"^(?:还|又|共|一共|其中|则|即)(?=.)|(?<=.)(?:为|是|有|的值)$")
_MEASURED = lazy_pattern(
    rf"\s*(?:and\s+)?(?:the\s+)?(?P<name>{NAMES})(?:\s+value)?\s*(?:is|are|was|of|:|=)?\s*(?P<value>[-+$\\(\d][^:=,;]*?)\s*(?=$|(?:[,;.]|\band\b)\s*(?:and\s+)?(?:the\s+)?(?:{NAMES})(?![A-Za-z]))[,;.\s]*",
    re.IGNORECASE,
)
_NO_NAME = lazy_pattern(
    r"\b(?:the|a|an|answer|value|solution|result|there|it|total|sum|or|not|if|when|then|so|where|for|let|thus|option|choice|part|question|case)\b",
    re.IGNORECASE,
)


class Named(NamedTuple):
    name: str
    value: str


def named_values(text: str) -> tuple[Named, ...] | None:
    """The values and their names, at least two, or one behaviour of a function; None for any other text."""
    if len(text) > MAX_TEXT:
        return None
    plain = re.sub(r"(?<!\\)\$", "", text.strip().rstrip("."))
    found = _entries(_BEHAVIOUR, plain) if _MAY_BEHAVE.search(plain) else None
    if found:
        return tuple(Named(f"{_SAME.get(name, name)} {WHERE}", value) for name, value in found)
    if (measured := _entries(_MEASURED, re.sub(r"^[Tt]he\s+", "", plain))) and len(measured) > 1:
        return tuple(Named(_SAME.get(name, name), value) for name, value in measured)
    found = _entries(_ENTRY, plain)
    if not found and not plain.isascii():
        found = _entries(_HAN_ENTRY, plain) or _han_stated(plain)
    return found if found and len(found) > 1 and not any(_NO_NAME.search(n.name) for n in found) else None


def _han_stated(plain: str) -> tuple[Named, ...] | None:
    """Chinese names with values behind them and nothing between."""
    found = _entries(_HAN_STATED, simplified(plain))
    if not found:
        return None
    named = tuple(Named(_HAN_AFFIXES.sub("", name), value) for name, value in found)
    return named if len({n.name for n in named}) == len(named) else None


def _entries(pattern: re.Pattern[str], text: str) -> tuple[Named, ...] | None:
    """All entries of the text one after another, each name once; None where something else stands between them."""
    found: list[Named] = []
    position = 0
    while position < len(text):
        match = pattern.match(text, position)
        if match is None or match.end() == position or len(found) == MAX_NAMES:
            return None
        name = " ".join(match["name"].lower().split())
        found.append(Named(name, match["value"].strip(" .,;")))
        position = match.end()
    return tuple(found) if len({n.name for n in found}) == len(found) else None

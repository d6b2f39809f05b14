"""Values under names of several letters: `Zoe: 5, Amy: 8`, `Tom has 12 and Ann has 9`, `concave up on (2, 5)`."""

from __future__ import annotations

import re
from typing import NamedTuple

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.chinese import simplified
from evaluators.answers.reading.markdown import in_plain_lines
from evaluators.answers.reading.quantities import one_quantity, partly_named, quantities

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
_BARE_ENTRY = lazy_pattern(
    r"\s*(?:and\s+)?(?P<name>(?!Step|Part|Case|Option|Answer|Question|Chapter|Page|Line|Total|Sum)[A-Z][a-z]{1,15})\s+(?P<value>[-+]?\\?\$?\d[^:=,;\n]*?)\s*(?=$|[,;\n]\s*(?:and\s+)?[A-Z][a-z]|\s+and\s+[A-Z][a-z])[,;\s]*"
)
"""Alice 40, Bob 60."""
_HAN_NAME = r"(?P<name>(?!第|答案|结果|解)[\u4e00-\u9fff]{2,4}|(?!第)[\u4e00-\u9fff]|[\u4e00-\u9fff]?[A-Z](?:种?[\u4e00-\u9fff]{0,3}))"
_HAN_ENTRY = lazy_pattern(
    rf"\s*{_HAN_NAME}\s*[:：=]\s*(?P<value>[-+$\\(\d][^:：=]*?)\s*(?=$|[,;，；、\n]\s*(?:[\u4e00-\u9fff]{{1,4}}|[\u4e00-\u9fff]?[A-Z](?:种?[\u4e00-\u9fff]{{0,3}}))\s*[:：=])[,;，；、\s]*"
)
"""小红：3，小明：10."""
_HAN_STATED = lazy_pattern(
    r"\s*(?P<name>(?!第|答案|结果|解)(?:[A-Z]种?)?[\u4e00-\u9fff]{1,8}?)\s*(?:[:：=]|为|是|有)?\s*"
    r"(?P<value>(?:(?:每(?:小时|分钟|分|秒|天)(?:走|行驶?|跑|飞行?)?)?[(\[（][^()\[\]（）]{1,40}[)\]）]|(?:每(?:小时|分钟|分|秒|天)(?:走|行驶?|跑|飞行?)?)?[-+]?[\d$\\][^:：=,，;；、。\u4e00-\u9fff]{0,40}|(?<=[为是有:：=])[一二三四五六七八九十百千两零]{1,8})[\u4e00-\u9fff%]{0,5}(?:/[\u4e00-\u9fff]{1,2})?)"
    r"\s*(?=$|[,，;；、。\n]|和(?=[\u4e00-\u9fff]))(?:[,，;；、。\s]|和)*"
)
"""鸡有23只，兔有12只; 最大值为4，最小值为-1."""
_HAN_EACH = lazy_pattern(
    r"\s*(?P<names>[\u4e00-\u9fffA-Z]{1,6}(?:[、，和与][\u4e00-\u9fffA-Z]{1,6}?){1,4}?)(?:各|分别)(?:需要?|用|要|是|为|有|行驶?|得)?了?\s*(?P<values>[-\d$\\].*)"
)
"""甲、乙分别需要3小时、6小时."""
_HAN_BETWEEN = lazy_pattern(r"[、，,;；和与]")
_HAN_AFFIXES = lazy_pattern(r"^(?:还|又|共|一共|其中|则|即)(?=.)|(?<=.)(?:为|是|有|的值)$")
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
    plain = _plain(text)
    found = _entries(_BEHAVIOUR, plain) if _MAY_BEHAVE.search(plain) else None
    if found:
        return tuple(Named(f"{_SAME.get(name, name)} {WHERE}", value) for name, value in found)
    if (measures := quantities(plain if plain.isascii() else simplified(plain))) is not None:
        return tuple(Named(name, value) for name, value in measures)
    found = _by_lines(plain) or _entries(_ENTRY, plain) or _entries(_BARE_ENTRY, plain)
    if not found and not plain.isascii():
        found = _entries(_HAN_ENTRY, plain) or _han_stated(plain) or _han_each(plain)
    return found if found and len(found) > 1 and not any(_NO_NAME.search(n.name) for n in found) else None


def names_and_letters(text: str) -> tuple[Named, ...] | None:
    """C(2,-1), r = 3 and 顶点(1,4): values under letters, and one value under its name; a value without name has none."""
    plain = _plain(text if text.isascii() else simplified(text))
    found = partly_named(plain)
    if found is None and (lone := one_quantity(plain)) is not None:
        found = (lone,)
    return None if found is None else tuple(Named(name, value.strip(" ,;，；、。.\n")) for name, value in found)


_SPACING = lazy_pattern(r"\\[ :;!]|\\,(?!\d{3})|~|\\q?quad(?![a-z])")
_HAN_TEXT = lazy_pattern(r"\\(?:text|mathrm|mbox)\s*\{([\u4e00-\u9fff]{1,8})\}")


def _plain(text: str) -> str:
    """Without the marks of formulas, Markdown, and LaTeX's spaces."""
    plain = in_plain_lines(text) if "\n" in text or "**" in text else text
    plain = re.sub(r"(?<!\\)\$", "", plain.strip().rstrip("."))
    if "\\" in plain or "~" in plain:
        plain = _HAN_TEXT.sub(r"\1", _SPACING.sub(" ", plain))
    return plain


_LINE = lazy_pattern(
    r"\s*(?P<name>[A-Za-z][A-Za-z'’]+(?:\s[A-Za-z]+){0,2}|[\u4e00-\u9fff]{1,8})\s*[:：]\s*(?P<value>\S.*?)[\s,;，；。]*"
)


def _by_lines(plain: str) -> tuple[Named, ...] | None:
    """A name and its value a line, however the value is worked out: `Ann: 2 * 20 = 40`."""
    lines = [line for line in plain.split("\n") if line.strip()]
    found = [_LINE.fullmatch(line) for line in lines] if 1 < len(lines) <= MAX_NAMES else []
    named = tuple(Named(match["name"].lower(), match["value"]) for match in found if match is not None)
    return named if named and len(named) == len(lines) == len({n.name for n in named}) else None


def _han_each(plain: str) -> tuple[Named, ...] | None:
    """As many values as names, one after the other."""
    match = _HAN_EACH.fullmatch(plain)
    if match is None:
        return None
    names, values = _HAN_BETWEEN.split(match["names"]), _HAN_BETWEEN.split(match["values"])
    if len(names) != len(values) or len(set(names)) != len(names) or not all(values):
        return None
    return tuple(Named(name, value.strip()) for name, value in zip(names, values, strict=True))


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

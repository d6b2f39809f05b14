"""Predictions with the words that the question gives them: in the base asked for, at least 7, a 15 % decrease."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.problem import Hints
from evaluators.answers.reading.remarks import HEDGE

_IN_BASE = lazy_pattern(r"\$?\(?([0-9A-Fa-f]{1,40})\)?_\{?(\d{1,2})\}?\$?")
_BOUND = lazy_pattern(
    r"(?:at\s+(?P<en>least|most)|(?P<han>至少|最少|至多|最多))(?:\s*(?:需要|要|需|有|是|能|为))?\s*(?=[\d$\\])",
    re.IGNORECASE,
)
_LEAST = lazy_pattern(r"\b(?:least|minimum|minimal|smallest|fewest)\b|至少|最少|最小", re.IGNORECASE)
_MOST = lazy_pattern(r"\b(?:most|maximum|maximal|greatest|largest)\b|至多|最多|最大", re.IGNORECASE)
_REPEATED = lazy_pattern(r"(?P<asked>[\u4e00-\u9fff]{2,12})(?P<value>\d[\d.]*[\u4e00-\u9fff]{0,4})[。.]?")
"""每人8本, where the question is 每人几本."""
_CHANGE = lazy_pattern(
    r"(?:an?\s+)?(?P<share>\d[\d.]*\s?(?:\\?%|percent))\s+(?P<word>increase|decrease|discount|profit|loss|reduction|growth)",
    re.IGNORECASE,
)


_HOW_MANY = lazy_pattern(r"\bhow\s+many\b", re.IGNORECASE)
_THERE_ARE = lazy_pattern(
    r"there\s+(?:are|is)\s+(?:exactly\s+|a\s+total\s+of\s+)?(?P<count>\d{1,9})\s+(?:[a-z]+\s+){0,3}[a-z]+\s*[:(]\s?.{1,200}",
    re.IGNORECASE,
)
"""There are 3 such numbers: 2, 5 and 10."""
_TIMES = {"once": "1", "twice": "2", "thrice": "3"}
_HOW_OFTEN = lazy_pattern(r"\bhow\s+(?:many\s+times|often)\b", re.IGNORECASE)


_LETTERED = lazy_pattern(r"\s*\(?([A-J])\)?\s?[.、:．：)]?\s*(\S.{0,200})", re.DOTALL)
_SPACES = lazy_pattern(r"[\s$~]|\\[,;! ]")


def _with_content(right: str, options: dict[str, str]) -> str:
    """The letter of `D. -5`, where that is what the problem writes behind D; empty for any other text."""
    chosen = _LETTERED.fullmatch(right)
    if chosen is None or chosen[1] not in options:
        return ""
    content, option = (_SPACES.sub("", text).rstrip(".。") for text in (chosen[2], options[chosen[1]]))
    return chosen[1] if content == option else ""


def as_asked(left: str, right: str, hints: Hints) -> str:
    """The prediction without what only repeats the question; as it is where it says anything else."""
    if hints.options and (chosen := _with_content(right, hints.options)):
        return chosen
    if "_" in right and (match := _IN_BASE.fullmatch(right)) is not None and hints.base:
        same = left.strip("$ ").upper() == match[1].upper()
        return left if same and int(match[2]) == hints.base_asked else right
    from evaluators.answers.asked_notation import as_noted

    right = as_noted(left, right, hints)
    if not hints.text.isascii():
        from evaluators.answers.asked_chinese import as_filled

        right = as_filled(left, right, hints)
    if right[:1] in "aA至最" and (bound := _BOUND.match(right)) is not None:
        least = (bound["en"] or "").lower() == "least" or (bound["han"] or "") in ("至少", "最少")
        asks = (_LEAST if least else _MOST).search(hints.question)
        return right[bound.end() :] if asks else right
    if (
        (stated := _THERE_ARE.fullmatch(right)) is not None
        and _HOW_MANY.search(hints.question)
        and not HEDGE.search(right)
    ):
        return stated["count"]
    if right.lower().rstrip(".") in _TIMES and _HOW_OFTEN.search(hints.question):
        return _TIMES[right.lower().rstrip(".")]
    if (
        not right.isascii()
        and (counted := _REPEATED.fullmatch(right)) is not None
        and re.search(re.escape(counted["asked"]) + "(?:几|多少)", hints.question)
    ):
        return counted["value"]
    if (
        ("%" in right or "percent" in right)
        and (change := _CHANGE.fullmatch(right)) is not None
        and change["word"].lower()[:6] in hints.question.lower()
    ):
        return change["share"]
    return right

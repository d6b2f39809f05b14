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


MAX_REMARKED = 300
_ATTAINED = lazy_pattern(
    r"(?:[\s,，;；(（]|\\[ ,;]|\\text\s*\{)+(?:(?:is\s+)?(?:attained|achieved|reached|obtained|occurs|with\s+equality|equality(?:\s+holds)?)\s+(?:at|when|for|iff?|if\s+and\s+only\s+if)|when|at|当且仅当|此时|当)"
    r"(?:[\s}$]|\\[ ,;])*(?P<name>[a-zA-Z])\s*=\s*(?P<point>[^=,;，；\u4e00-\u9fff]{1,40}?)\s*(?:\)?\}?\s*[)）]?|\$?\s*时?[,，]?(?:等号成立|取得?到?(?:等号|最[大小]值|=)?)?)[.。$\s]*$"
)
"""4 when x = 2, (attained at x = 1/2), 当且仅当x=2时取等号."""
_EXTREMUM = lazy_pattern(r"^\s*\\?(?:max|min)(?:imum)?\s*(?:is|=|:)\s*")
_ASKS_EXTREMUM = lazy_pattern(
    r"\b(?:max|min|largest|greatest|smallest|least|highest|lowest)|最[大小值高低多少]", re.IGNORECASE
)
_ASKS_WHERE = lazy_pattern(
    r"\b(?:where|at\s+which|for\s+(?:which|what)|values?\s+of\s+\$?[a-z]\$?\b|attain|occur|when\s+(?:it|does))|何时|此时|[a-z]的(?:取)?值|相应|对应|什么时候|何处",
    re.IGNORECASE,
)
_EXACTLY_WHEN = lazy_pattern(
    r"(?P<before>[^<>=\d]{0,60}?)\s*(?:\bif\s+and\s+only\s+if|\biff|\b(?:exactly|precisely|only)\s+(?:when|for|if)|当且仅当)\s+(?=[\\$\-\da-zA-Z])",
    re.IGNORECASE,
)
_ASKS_WHICH = lazy_pattern(
    r"\b(?:find|determine)\s+(?:the\s+(?:numbers?|values?|constants?)|all|\$?[a-z]\$?\b)|\bfor\s+(?:which|what)|\bwhen\b|\bwhich\s+(?:values?|numbers?|integers?)|取值|哪些|何值|范围",
    re.IGNORECASE,
)
_ONLY = lazy_pattern(r"\s*only\s+(?=[$(\\\d-])", re.IGNORECASE)
_ASKS_ALL = lazy_pattern(r"\b(?:all|every|which|what)\b|[所哪]", re.IGNORECASE)
_STEM = lazy_pattern(r"[a-z]{4,}", re.IGNORECASE)
_DENIES = lazy_pattern(r"\b(?:not|no|never|cannot|fails?)\b|n't\b|[不无]", re.IGNORECASE)


def _asks_extremum(question: str) -> bool:
    """Whether the question is how large a greatest or least value is, and not where that is so."""
    return _ASKS_EXTREMUM.search(question) is not None and _ASKS_WHERE.search(question) is None


def _answers_which(said: re.Match[str], question: str) -> bool:
    """Whether `converges if and only if` says of the question's own words that they hold."""
    if _ASKS_WHICH.search(question) is None or _DENIES.search(said["before"]) or _DENIES.search(question):
        return False
    words = [word.lower()[:5] for word in _STEM.findall(said["before"])]
    return all(word in question.lower() for word in words)


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
    short = len(right) <= MAX_REMARKED
    if short and (where := _ATTAINED.search(right)) is not None and where.start() and _asks_extremum(hints.question):
        return _EXTREMUM.sub("", right[: where.start()]).rstrip(" ,，;；\\") or right
    if (alone := _ONLY.match(right)) is not None and _ASKS_ALL.search(hints.text):
        return right[alone.end() :]
    if (only := _EXACTLY_WHEN.match(right)) is not None and _answers_which(only, hints.question):
        return right[only.end() :]
    if (
        ("%" in right or "percent" in right)
        and (change := _CHANGE.fullmatch(right)) is not None
        and change["word"].lower()[:6] in hints.question.lower()
    ):
        return change["share"]
    return right

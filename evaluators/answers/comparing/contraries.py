"""Words that turn an answer round: 3 units left is not 3 units right, a loss of $5 no profit of $5."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern

_CONTRARIES = (
    ("left|左", "right|右"),
    ("up|upwards?", "down|downwards?"),
    ("north|北", "south|南"),
    ("east|东", "west|西"),
    ("clockwise|顺时针", "counter-?clockwise|anti-?clockwise|逆时针"),
    ("increased?|rise|gain|profit|增加|增长|上升|盈利", "decreased?|fall|drop|loss|减少|下降|降低|亏损"),
    ("above|零上", "below|零下"),
    ("before|之前", "after|之后"),
    ("forwards?|向前", "backwards?|向后"),
    ("more", "less|fewer"),
    ("earlier", "later"),
    ("taller|longer", "shorter"),
    (
        "剩|余下|没[看发卖用吃读走修借]|未[看发卖用吃读走修借]",
        "已经?[看发卖用吃读走修借]|(?<![没未])[看发卖用吃读走修借花送][了掉]",
    ),
)


_CHANGES = r"(?:profit|loss|gain|increase|decrease|discount|rise|drop)"
_NAMED_CHANGES = (
    lazy_pattern(
        rf"(?:an?\s+)?(?:net\s+|total\s+)?(?P<name>{_CHANGES})\s+of\s+(?P<amount>[-$\\\d].*)", re.IGNORECASE | re.DOTALL
    ),
    lazy_pattern(rf"(?:an?\s+)?(?P<amount>[-$\\\d].*?)\s+(?P<name>{_CHANGES})", re.IGNORECASE | re.DOTALL),
    lazy_pattern(
        r"(?P<name>增加|减少|提高|降低|上升|下降|上涨|下跌|盈利|亏损|节约|节省)了?\s*(?P<amount>[-\d].*)", re.DOTALL
    ),
)


_CONGRUENCES = {
    "边边边": "SSS",
    "边角边": "SAS",
    "角边角": "ASA",
    "角角边": "AAS",
    "斜边直角边": "HL",
    "斜边、直角边": "HL",
}


def without_same_noun(reference: str, prediction: str) -> tuple[str, str]:
    """The amounts of `profit of $20` and `a $20 profit`, of 增加20% and 增加了20%; both as they are where they name none."""
    reference, prediction = (_CONGRUENCES.get(side.strip(" 。."), side) for side in (reference, prediction))
    mine, yours = _named_change(reference), _named_change(prediction)
    if mine is None or yours is None or mine["name"].lower() != yours["name"].lower():
        return reference, prediction
    return mine["amount"], yours["amount"]


def _named_change(text: str) -> re.Match[str] | None:
    return next((match for pattern in _NAMED_CHANGES if (match := pattern.fullmatch(text)) is not None), None)


def _pattern(words: str) -> re.Pattern[str]:
    latin = "|".join(word for word in words.split("|") if word.isascii())
    han = "|".join(word for word in words.split("|") if not word.isascii())
    both = [rf"(?<![\\-])\b(?:{latin})\b" if latin else "", han]
    return lazy_pattern("|".join(filter(None, both)), re.IGNORECASE)


_PAIRS = tuple((_pattern(one), _pattern(other)) for one, other in _CONTRARIES)
_ANY = lazy_pattern(
    rf"(?<![\\a-z])(?:{'|'.join(f'{one}|{other}' for one, other in _CONTRARIES)})(?![a-z])", re.IGNORECASE
)
_ASKED = frozenset({5, 9, 10, 11, 12})
"""Pairs of which a question names the one: how many are left is no direction."""


def contrary(reference: str, prediction: str) -> bool:
    """Whether the one says left, and only left, where the other says only right."""
    return _contrary(reference, prediction, _PAIRS)


def contrary_to_question(question: str, prediction: str) -> bool:
    """Whether the prediction is a decrease where the question asks for an increase."""
    if "，" in question:
        question = question.rpartition("，")[2]  # 已经发了50个，还剩多少个
    return _contrary(question, prediction, tuple(pair for place, pair in enumerate(_PAIRS) if place in _ASKED))


def _contrary(text: str, prediction: str, pairs: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]) -> bool:
    if not _ANY.search(text) or not _ANY.search(prediction):
        return False
    for one, other in pairs:
        mine, yours = ((bool(one.search(side)), bool(other.search(side))) for side in (text, prediction))
        if mine != yours and sum(mine) == sum(yours) == 1:
            return True
    return False

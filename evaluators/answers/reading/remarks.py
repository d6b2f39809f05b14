"""What a prediction says around its answer: a reason, a remark in brackets, a rounding, the sentence that states it.

Nothing is taken from a text that hedges: `50 or 60`, `at least 50`, `6 (or 7)`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from evaluators.answers.patterns import lazy_pattern

HEDGE = lazy_pattern(
    r"\b(?:or|not|either|neither|nor|maybe|perhaps|possibly|probably|might|may|could|between|unless|except|but|if|than|until|versus|vs|wrong|incorrect|"
    r"false|no|never|without|instead|guess|unsure|at\s+(?:least|most)|up\s+to|as\s+(?:many|much|few)\s+as|more|less|fewer|over|under|above|below|"
    r"within|almost|nearly|roughly|around|about|approximately|impossible|cannot|unknown|alternatively|alternative|another|else|otherwise|should\s+have|would\s+have)\b"
    r"|n['’]t\b|\?|或|不|没|非|可能|大约|左右|至少|至多|最多|超过|以上|以下|多于|少于|大于|小于|介于|之间|未知|无法|错|假如|如果|要么|[~～]",
    re.IGNORECASE,
)
"""Words beside which a number is none that is stated."""
_COUNTING = lazy_pattern(
    r"\b(?:half|halves|twice|thrice|double[ds]?|triple[ds]?|hundreds?|thousands?|millions?|billions?|dozens?|minus|negative|plus|times|squared|cubed|percent|"
    r"factorial|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirds?|quarters?|base|power|root|mod|modulo)\b",
    re.IGNORECASE,
)
NUMBER = lazy_pattern(
    r"(?<![\w.\\^_{/*+,-])(?<![\w.] )?[-−]?[$€£¥]?\s?(?:[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:\s?/\s?\d+(?![\d/]))?(?:\s?%)?(?![\w^*/=:]|[.,]\d|\s?[-+*/=<>^]\s?\d)"
)
_SENTENCE = lazy_pattern(r"(?:[A-Za-z][A-Za-z'’-]*,?\s+){2,}[^\d]{0,4}\d[^\"();:#|<>{}\[\]\\^_+*]*")
"""Two words before the number, and no formula or program."""
_FUNCTION_OF = lazy_pattern(
    r"\b(?:squares?|cubes?|multiples?|factors?|divisors?|reciprocal|inverse|opposite|negation|product|logarithm|log|complement)\s+of\s+\W?\d"
    r"|\bdivisible\s+by\b|\b(?:steps?|chapters?|equations?|eq|sections?|pages?|figures?|tables?|examples?|theorems?|lemmas?|lines?)\.?\s*\W?\d",
    re.IGNORECASE,
)
"""A number that another is made from, or the number of a page: `the square of 4`, `in step 4`."""
_LABELLED = lazy_pattern(r"[A-Za-z][A-Za-z ]*[:=]\s*(?P<near>[-−]?\d[\d.,]*)")
_WHERE = lazy_pattern(r"\b(?:when|at|for|where|with|if|by|since|because|as|given|using)\b", re.IGNORECASE)
_RESIDUE = lazy_pattern(r"\b(?:mod|modulo|base)\b")
_REASON = lazy_pattern(
    r",\s+(?:which|since|because|as|so|thus|therefore|hence|giving|making|meaning|leaving|for\s+a\s+total|obtained|attained|found|with\s+equality|when|where|after|given)\b(?P<rest>(?:[^$\\]|\\(?:times|cdot|div)(?![a-z])){3,300})$",
    re.IGNORECASE,
)
_BECAUSE = lazy_pattern(
    r"\s+(?:because|since)\b(?P<rest>(?:[^$\\]|\\(?:times|cdot|div)(?![a-z])){3,300})$", re.IGNORECASE
)
_BRACKET = lazy_pattern(r"\s*[(（](?P<rest>(?:[^()（）]|\([^()（）]{1,40}\)){2,160})[)）]\s*\.?$")
_ROUNDED = lazy_pattern(
    r"\s*(?:,\s*|[(（]\s*|\s)(?:or\s+|which\s+is\s+|that\s+is,?\s+|i\.e\.,?\s+)?(?:approximately|approx\.?|about|roughly|around|nearly|\\approx|\\simeq|≈|~|大?约(?:等于|为|是)?)\s*(?P<near>[^()（）]{1,60}?)\s*[)）]?\s*\.?$"
)
_ALSO = lazy_pattern(
    r"(?:\s*[(（]\s*or\s+(?P<in>[^()（）]{1,60}?)\s*[)）]|,\s*(?:i\.e\.|that\s+is|or\s+equivalently),?\s*(?P<after>[^()（）]{1,60}?))\s*\.?$"
)
_DENIED = lazy_pattern(r"\s*[(（]\s*not\s+(?P<other>[^()（）]{1,40}?)\s*[)）]\s*\.?$")
_EXPLAINS = lazy_pattern(r"\s*(?:which\s+(?:is|was)|that\s+is|since|because|as)\b")
_COMPARISON = lazy_pattern(r"\b(?:more|less|fewer|over|under|above|below)\s+than\b")
_WORD = lazy_pattern(r"[A-Za-z]{2,}|[<>=]")
MAX_SENTENCE = 300


class Remark(NamedTuple):
    """The answer without its remark; `near` is a rounding that must fit it, `other` a value that must not be it."""

    answer: str
    near: str = ""
    other: str = ""


def without_remark(text: str) -> Remark | None:
    """The answer that a remark follows; None where none does, or one that hedges."""
    if len(text) > 600:
        return None
    if (denied := _DENIED.search(text)) and denied.start():
        return Remark(text[: denied.start()].rstrip(" ,"), other=denied["other"])
    for pattern in (_ROUNDED, _ALSO):
        match = pattern.search(text)
        if match and match.start() and not HEDGE.search(text, 0, match.start()):
            return Remark(text[: match.start()].rstrip(" ,"), near=next(g for g in match.groups() if g))
    for pattern in (_BRACKET, _REASON, _BECAUSE):
        match = pattern.search(text)
        if match is None or not match.start() or not _WORD.search(match["rest"]):
            continue
        told = _COMPARISON.sub(" ", match["rest"]) if _EXPLAINS.match(match["rest"]) else match["rest"]
        if not _taken_back(told):
            labelled = _LABELLED.fullmatch(match["rest"].strip())  # 42 (hidden: 43), and no 6 (when n = 4)
            labelled = None if labelled and _WHERE.search(labelled[0]) else labelled
            return Remark(text[: match.start()].rstrip(" ,"), near=labelled["near"] if labelled else "")
    return None


def _taken_back(remark: str) -> bool:
    return bool(HEDGE.search(remark) or _RESIDUE.search(remark))


_CHINESE_SENTENCE = lazy_pattern(
    r"(?!.{0,20}(?:第|(?<!平均)每|倍|除))[\u4e00-\u9fff]{2,16}(?<![比约近超过按照加减乘被足])(?P<number>-?\d[\d,]*(?:\.\d+)?)\s?(?![折成倍多余半分几])[\u4e00-\u9fff]{0,4}"
)


def stated_number(text: str) -> tuple[int, int] | None:
    """The place of the only number of a clause in words, with what stands behind it; None where it hedges or counts on."""
    if not text.isascii() and (chinese := _CHINESE_SENTENCE.fullmatch(text)) is not None and not HEDGE.search(text):
        return chinese.span("number")
    if len(text) > MAX_SENTENCE or not _SENTENCE.fullmatch(text) or HEDGE.search(text) or _COUNTING.search(text):
        return None
    if _FUNCTION_OF.search(text):
        return None
    found = list(NUMBER.finditer(text))
    if len(found) != 1:
        return None
    begin, end = found[0].span()
    begin += len(text[begin:end]) - len(text[begin:end].lstrip())
    alone = not re.search(r"\d", text[:begin] + text[end:])
    return (begin, end) if alone else None

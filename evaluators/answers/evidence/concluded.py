"""Answers that nothing announces: what a program printed, what the last sentence states, the last formula or number."""

from __future__ import annotations

import re
from dataclasses import replace

from evaluators.answers.evidence.announced import CHINESE_NUMBER
from evaluators.answers.evidence.candidates import MATH, SENTENCE_END, Candidate, candidate, last_match
from evaluators.answers.evidence.statements import counted, last_sentence, stated, worded
from evaluators.answers.patterns import lazy_pattern

_OUTPUT_BLOCK = lazy_pattern(r"```output[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_CHINESE_CONCLUSION = lazy_pattern(r"(?:所以|因此|综上|于是|綜上|於是|故)[，,：:]?")
_NUMBER = lazy_pattern(
    r"(?<![A-Za-z0-9_.])(?:[-−+](?=[\d.$€£¥]))?(?:[$€£¥￥]\d{1,3}(?:[ ~\u2009\u202f]\d{3})+(?!\d|\.\d)|\s?\d{1,3}(?:(?:~|\\,|\{,\}|\\thinspace\s?|\u2009|\u202f)\d{3})+(?!\d)|[$€£¥￥]?\s?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s?/\s?\d+(?![\d/]))?(?:\s?[%％])?(?:[eE][-+]?\d+)?)"
)
_ROUNDED = lazy_pattern(r"\s*[,(]?\s*(?:or\s+|which\s+is\s+)?(?:≈|\\approx|about|approximately|roughly)\s*")
"""Between an exact value and its rounding: 2/3 ≈ 0.667."""
_RATIO = lazy_pattern(r"(?<![\d:：.])\d+(?:\.\d+)?(?:\s?[:：]\s?\d+(?:\.\d+)?)+")
_COUNTED = lazy_pattern(r"(?<=[有共])[一二两三四五六七八九十百]+(?=[个种组条名位次对只块颗张本])")
"""有两个交点, 共七种: a count in words."""
_FRACTION = lazy_pattern(r"-?\\[dt]?frac\s*\{[^{}]*\}\s*\{[^{}]*\}|(?<!\d)-?\d*\\[dt]?frac\s*\d\s*\d")
_SURD = lazy_pattern(r"(?<![\w.])[-−]?\d{0,12}(?:π|√\(?\d{1,12}\)?)(?:\s?/\s?\d{1,12})?")
_DENIED = lazy_pattern(
    r"\b(?:unable|failed)\s+to\s+(?:solve|determine|find|get|compute|answer|work)|\b(?:can\s?not|can['’]t|could\s?n['’]t|could\s+not|was\s+not\s+able\s+to|did\s+not|didn['’]t)\s+(?:solve|get|find|compute|finish|answer)\s+(?:the|this|an?|it)\b[^.\n]{0,20}(?:problem|answer|question|result|solution|value)"
    r"|无法(?:求解|解答|回答|得到答案)|不会(?:做|解)(?!错)|"
    r"\banswer\s+(?:may|might|could|can)\s|\banswer\s+(?:can|could|is|must|should|does)?\s?(?:not|n['’]t)\b|答案(?:不|并非|未知|无法|没有)"
    r"|(?:无法|不能|没法)(?:被)?(?:确定|得出|求出|判断|知道)[^。\n]{0,12}[。.]?\s*$|\b(?:can\s?not|can['’]t|could\s+not|impossible\s+to)\s+(?:be\s+)?(?:determined?|known?|found|tell|say)[^.\n]{0,20}\.?\s*$",
    re.IGNORECASE,
)
_NOT_BUT = lazy_pattern(
    r"(?:不是|并非|不等于|\bnot)\s*[^，,。.\n]{1,24}[，,]\s*(?:而是|而应该?是|\bbut)(?:\s+(?:rather|actually|in\s+fact))?\s*",
    re.IGNORECASE,
)
_BUT_NOT = lazy_pattern(
    r"(?:而不是|而非|并非|不是|\brather\s+than\b|,\s*not\b|\binstead\s+of\b)[^，,。\n]{1,30}$", re.IGNORECASE
)
_DENIED_NUMBER = lazy_pattern(r"(?:n['’]t(?:\s+be)?|\b(?:is|are|was|can)\s?not(?:\s+be)?|不是|不等于|不能是)\s*\$?-?\d")
_NO_SOLUTION = lazy_pattern(
    r"\b(?:there\s+(?:is|are)|has|have|so|hence|therefore|thus)\s+(?P<english>no\s+(?:such\s+|valid\s+|possible\s+)?(?:real\s+|integer\s+)?(?:solutions?|roots?))(?:\s+exists?)?\W*$"
    r"|(?P<chinese>无(?:实数?)?[解根]|没有(?:实数?)?[解根])\W*$",
    re.IGNORECASE,
)
_CONCLUSION_HEDGE = lazy_pattern(
    r"\b(?:not|or|either|maybe|perhaps|possibly|between)\b|n't\b|或|不是|可能", re.IGNORECASE
)
_SIDE_REMARK = lazy_pattern(
    r"\s(?:since|because)\s[^\n]*$|,\s+(?:attained|achieved|reached|when|where|at\s|for\s|since|because|which|as\s|with)\b.*$",
    re.DOTALL | re.IGNORECASE,
)
_BRACKETED = lazy_pattern(
    r"[（(](?=[^（()）\n]{0,40}[\u4e00-\u9fff]{2})(?=[^（()）\n]{0,40}\d)[^（()）\n]{2,60}[)）][\s.。]*$"
)
"""（满分100分）."""
_CHINESE_ASIDE = lazy_pattern(
    r"[，,；;(（]?(?:当且仅当|当[^，。；]{1,24}时|此时|才能|才可以|才会|以保证|就能|使得|比原来|因为|符合|满足|是.{0,6}的倍数|验证|检验|注意|提示|(?:其他|其余)[^，。]*(?:不|错))"
)
"""Where a clause goes on with what is no result."""
_ENUMERATED = lazy_pattern(r"(?<![\w.,])-?\d{1,9}(?:,\s+-?\d{1,9}){1,60},\s*$")
MAX_ENUMERATED = 300
TAIL = 2_000
"""Characters at the end of a text in which an answer that is not announced is sought."""


def concluded_in_chinese(text: str) -> Candidate | None:
    """The last 所以 ... sentence, by its last number."""
    last = last_match(_CHINESE_CONCLUSION, text, max(0, len(text) - TAIL), len(text))
    if last is None:
        return None
    end_match = SENTENCE_END.search(text, last.end(), min(len(text), last.end() + TAIL))
    start, end = last.end(), end_match.start() if end_match else min(len(text), last.end() + TAIL)
    if (bracket := _BRACKETED.search(text, start, end)) is not None and _NUMBER.search(text, start, bracket.start()):
        end = bracket.start()
    if (aside := _CHINESE_ASIDE.search(text, start, end)) is not None and _NUMBER.search(text, start, aside.start()):
        end = aside.start()
    if _CONCLUSION_HEDGE.search(text, start, end):
        return None
    formula = last_match(MATH, text, start, end)
    if formula is not None:
        return candidate(text, *formula.span(), "conclusion", 0.6)
    said = stated(text[:end], begin=last.start())
    if said is not None and said.start >= last.start():
        return replace(said, method="conclusion", confidence=0.6)
    number = _last_value(text, start, end) or last_match(CHINESE_NUMBER, text, start, end)
    return number and candidate(text, *number.span(), "conclusion", 0.6)


def _last_value(text: str, start: int, end: int) -> re.Match[str] | None:
    """The last number, fraction or ratio, whichever reaches farthest."""
    found = [last_match(pattern, text, start, end) for pattern in (_RATIO, _FRACTION, _NUMBER, _COUNTED, _SURD)]
    known = [match for match in found if match is not None]
    return max(known, key=lambda match: (match.end(), -match.start()), default=None)


def from_program(text: str, program_output: str | None) -> Candidate | None:
    if program_output is not None:
        lines = program_output.strip().splitlines()
        if lines:
            return Candidate(
                answer=lines[-1].strip(), start=len(text), end=len(text), method="program_output", confidence=0.7
            )
    last = last_match(_OUTPUT_BLOCK, text, 0, len(text))
    if last is None or not last.group(1).strip():
        return None
    body = last.group(1).rstrip()
    start = last.start(1) + body.rfind("\n") + 1
    return candidate(text, start, last.start(1) + len(body), "program_output", 0.7)


def last_expression(text: str) -> Candidate | None:
    """What the last sentence states; else the last formula or number of the last two thousand characters."""
    begin = max(0, len(text) - TAIL)
    if _DENIED.search(text, begin):
        return None
    place, stop = last_sentence(text, begin)
    if (contrast := _NOT_BUT.search(text, place, stop)) is not None:  # not 43, but 39
        begin = contrast.end()
    elif (contrast := _BUT_NOT.search(text, place, stop)) is not None and any(
        map(str.isdigit, text[place : contrast.start()])
    ):
        text = text[: contrast.start()]
    elif _DENIED_NUMBER.search(text, place):
        return None
    if (empty := _NO_SOLUTION.search(text, *last_sentence(text, begin))) is not None:
        return candidate(text, *empty.span("english" if empty["english"] else "chinese"), "conclusion", 0.5)
    end = _main_clause(text, begin)
    formula = last_match(MATH, text, begin, end) or last_match(MATH, text, begin, len(text))
    number = _last_value(text, begin, end) or _last_value(text, begin, len(text))
    said = stated(text[:end], begin=begin)
    if said is not None and (formula is None or formula.end() <= said.start or _holds_several(text, said)):
        return said
    if formula is not None and (number is None or number.start() < formula.end()):
        return _of_formula(text, formula)
    sentence = last_sentence(text, begin)
    if (words := worded(text, *sentence)) is not None and (number is None or number.end() <= sentence[0]):
        return candidate(text, *words, "last_number", 0.3)
    if number is not None:
        return _of_number(text, number, formula or last_match(_NUMBER, text, begin, number.start()), sentence)
    if (chinese := last_match(CHINESE_NUMBER, text, begin, len(text))) is not None:
        return candidate(text, *chinese.span(), "last_number", 0.3)
    short = text.strip()
    return candidate(text, 0, len(text), "whole_text", 0.3) if 0 < len(short) <= 40 else None


def _holds_several(text: str, said: Candidate) -> bool:
    """$x = 3$ or $x = -1$: more than one formula."""
    return len(MATH.findall(text[said.start : said.end])) > 1


def _of_number(text: str, number: re.Match[str], exact: re.Match[str] | None, sentence: tuple[int, int]) -> Candidate:
    """The last number; with the exact value that it rounds; or the one that the verb states."""
    if exact is not None and _ROUNDED.fullmatch(text, exact.end(), number.start()) is not None:
        return candidate(text, exact.start(), number.end(), "last_number", 0.3)
    listed = _ENUMERATED.search(text, max(sentence[0], number.start() - MAX_ENUMERATED), number.start())
    if listed is not None and number.start() >= sentence[0]:  # Divisors so far: 1, 2, 3, 4
        return candidate(text, listed.start(), number.end(), "last_number", 0.3)
    place = counted(text, *sentence) if number.start() >= sentence[0] else None
    return candidate(text, *(place or number.span()), "last_number", 0.3)


def _main_clause(text: str, begin: int) -> int:
    """The end of the last sentence without what it adds: `..., attained at x = 3`."""
    start, end = last_sentence(text, begin)
    remark = _SIDE_REMARK.search(text, start, end) or _CHINESE_ASIDE.search(text, start, end)
    if remark is None or not any(c.isdigit() for c in text[start : remark.start()]):
        return len(text)
    return remark.start()


def _of_formula(text: str, formula: re.Match[str]) -> Candidate:
    """A formula's last side."""
    group = next(i for i in range(1, 5) if formula.group(i) is not None)
    start, end = formula.span(group)
    equals = text.rfind("=", start, end)
    if equals > start and text[equals - 1] not in "<>!\\" and text[equals + 1 : end].strip():
        start = equals + 1
    return candidate(text, start, end, "last_formula", 0.4)

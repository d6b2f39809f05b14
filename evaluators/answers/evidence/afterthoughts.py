"""What a text adds once its answer is told: checks, courtesies, comparisons, the end of a proof, a value in other units.

Only conclusions are sought without it, so never in `reward`.
"""

from __future__ import annotations

import re

from evaluators.answers.evidence.candidates import SENTENCE_END
from evaluators.answers.patterns import lazy_pattern

_PROOF_END = lazy_pattern(
    r"(?:\$\s?\\(?:blacksquare|square|qed|Box|checkmark)\s?\$|\\\(\s?\\(?:blacksquare|square|qed|Box|checkmark)\s?\\\)|\\(?:blacksquare|qed|checkmark)|[∎■□▮✓✔✅]|\bQ\.?E\.?D\b\.?)\s{0,9}$"
)
_ADDED = lazy_pattern(
    r"[\s*_(（>-]*(?:(?:I|We)\s+(?:(?:also\s+)?(?:used|checked|verified)|hope)\b|(?:I\s+)?hope\s+(?:this|that|it)\b|(?:please\s+)?(?:let\s+me\s+know|feel\s+free)\b|(?:you\s+can\s+)?(?:check|verify)\b"
    r"|(?:quick\s+|sanity\s+)?(?:checks?|checking|verification|verifying|proof|side\s+note|remark)\s*(?:[:：(]|\b[^:\n]{0,20}[:：])|(?:this|that)\s+(?:uses|used|follows\s+from|works\s+because|is\s+(?:a|the)\s+\d[\d-]*\s+triangle)\b"
    r"|验算|检验|验证|希望|如有|如果(?:你|您)|顺便|附[:：]|备注|注[:：]|检查[:：]|[(（](?:注|附)[:：])",
    re.IGNORECASE,
)
_COMPARES = lazy_pattern(
    r"\b(?:for|by|in)\s+(?:comparison|reference|contrast)\b|\bby\s+the\s+way\b|\bincidentally\b|\bas\s+an?\s+(?:aside|side\s+note)\b|顺便(?:说|提)|作为(?:对比|参考|比较)|相比之下",
    re.IGNORECASE,
)
_CONCLUDES = lazy_pattern(
    r"\b(?:so|therefore|thus|hence|answer|altogether|total)\b|所以|因此|答案|答[:：]|故|总共|一共", re.IGNORECASE
)
_IN_OTHER_UNITS = lazy_pattern(
    r"[(（]\s*(?:or\s+|i\.?e\.?,?\s+|that\s+is,?\s+|即|也就是)?(?:≈|=|\\approx|~|about|approximately|approx\.?|roughly|around|约|大约|合)\s*(?:等于)?[^()（）\n]{0,24}\d[^()（）\n]{0,8}[A-Za-z\u4e00-\u9fff][^()（）\n]{0,24}[)）][\s.。*]*$",
    re.IGNORECASE,
)
"""(≈ 96.6 km/h), (= 1/3 hour): the value once more, with a unit."""
_ASIDE = lazy_pattern(
    r"[(（]\s*(?!\s*(?:or|≈|about|approximately|approx|roughly|around|约|大约|或|\\approx|i\.e|即)(?![a-z]))(?=[^()（）\n]{0,120}(?:[A-Za-z]{2}|[\u4e00-\u9fff]))(?=[^()（）\n]{0,120}\d)[^()（）\n]{2,160}[)）][\s.。*]*$"
)
"""($50 for shoes and $20 for socks), （满分100分）, (x = -5 is rejected)."""
_REJECTED_ROOT = lazy_pattern(
    r"(?:[,，;；]|或者?|\bor\b|\band\b)[^,，;；\n(（]{1,24}[(（][^()（）\n]{0,16}(?:舍|reject|extraneous|discard)[^()（）\n]{0,16}[)）][\s.。]*$"
)
_FOR_ALL = lazy_pattern(
    r"(?<=[\w)}\]$])\s*,?\s+for\s+(?:all|every|any)\s+(?:(?:real|integer|whole|positive|natural)\s+)*(?:numbers?\s+|integers?\s+|values?\s+of\s+)?(?:\$[^$\n]{1,30}\$|\\\([^\n]{1,30}\\\)|[a-z])[\s.。]*$"
)
"""for all real $x$, behind a function: where it holds, and no answer."""
MAX_SENTENCES = 8
"""Sentences at the end that may be afterthoughts."""
_DIGIT = lazy_pattern(r"\d|\\(?:pi|sqrt|frac)|[零一二两三四五六七八九十]")


def without_afterthoughts(text: str) -> str:
    """The text up to the sentence that concludes; all of it where nothing before an afterthought holds a value."""
    text = text[: match.start()] if (match := _PROOF_END.search(text, max(0, len(text) - 60))) else text
    for _ in range(MAX_SENTENCES):
        start = _last_sentence(text)
        sentence = text[start:]
        added = _ADDED.match(sentence) or _COMPARES.search(sentence)
        if not added or _CONCLUDES.search(sentence) or not _DIGIT.search(text, 0, start):
            break
        text = text[:start].rstrip(" \n\t*_-—=>(（")
    start = _last_sentence(text)
    for pattern in (_REJECTED_ROOT, _IN_OTHER_UNITS, _ASIDE, _FOR_ALL):
        aside = pattern.search(text, start)
        if aside is not None and _DIGIT.search(text, start, aside.start()):
            return text[: aside.start()]
    return text


def _last_sentence(text: str) -> int:
    """Where the last sentence begins, in the last few hundred characters."""
    end = len(text)
    while end and (text[end - 1].isspace() or text[end - 1] in ".。!！*_✓✔✅)）"):
        end -= 1
    start = begin = max(0, end - MAX_SENTENCE)
    for match in SENTENCE_END.finditer(text, begin, end):
        start = match.end()
    return start


MAX_SENTENCE = 600

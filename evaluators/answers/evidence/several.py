"""Several different boxes or tags in one text: which of them it settles on, if it does."""

from __future__ import annotations

import re

from evaluators.answers.evidence.announced import boxes
from evaluators.answers.evidence.denials import denied_box
from evaluators.answers.patterns import lazy_pattern

_BOX = r"[\s$*:([]*(?:\\[(\[]\s*)?\\{1,2}(?:boxed|fbox|framebox)\s{0,9}\{$"
_CORRECTED = lazy_pattern(
    r"\bwait\b(?=\s*[-,.:!;…—–])|\b(?:I|we)\s+(?:have\s+)?(?:made|forgot|miscounted|misread|swapped|missed|overlooked|miscalculated|mixed|was\s+wrong|were\s+wrong|should\s+have)\b|\b(?:mistake|correction|oops)\b"
    r"|\blet\s+(?:me|us)\s+(?:fix|correct|redo|recompute|recalculate|recount)\b|(?:不对|更正|算错|看错|弄错|写错|纠正|改正|重新(?:计算|算))",
    re.IGNORECASE,
)
_ANNOUNCED = lazy_pattern(
    rf"(?:\b(?:answers?|result|final\s+value)\s+(?:is|are|was|equals|=|:)|\b(?:answer|result)\s*:|(?:答案|结果)(?:就|应该?)?(?:是|为|等于|[:：=])){_BOX}",
    re.IGNORECASE,
)
_STEP = lazy_pattern(
    rf"\b(?:step\s*\d+|(?:first|second|third|fourth|fifth|sixth|next)\s+step)\s*[:.]?(?:\s*(?:is|gives))?{_BOX}",
    re.IGNORECASE,
)
_LABEL = lazy_pattern(
    rf"(?:^|[\n.;,*])[ \t*]*(?P<label>[A-Za-z][A-Za-z ]{{2,40}}?)\s*(?:[:=]|\bis\b){_BOX}", re.IGNORECASE
)
BEFORE = 80
"""Characters before a box in which its label stands."""


def settled(text: str, start: int, end: int, method: str, question: str) -> bool:
    """Whether the last box or tag, `text[start:end]`, is what the text comes to, and the others are steps or mistakes.

    A correction stands between them; or only the last one is announced as the answer; or the others are labelled as
    steps; or the last one's label is what the question asks for and no other's is.
    """
    if method == "answer_tag":
        return _CORRECTED.search(text, text.rfind("</answer>", 0, start) + 1, start) is not None
    others = [(s, e) for s, e in boxes(text) if e < start and not denied_box(text, s, e)]
    others = [(s, e) for s, e in others if text[s:e].split() != text[start:end].split()]
    if not others:
        return False
    if _CORRECTED.search(text, others[-1][1], start):
        return True
    if _before(_ANNOUNCED, text, start) and not any(_before(_ANNOUNCED, text, s) for s, _ in others):
        return True
    if all(_before(_STEP, text, s) for s, _ in others):
        return True
    return _is_asked(text, start, question) and not any(_is_asked(text, s, question) for s, _ in others)


def _before(pattern: re.Pattern[str], text: str, start: int) -> bool:
    return pattern.search(text, max(0, start - BEFORE), start) is not None


def _is_asked(text: str, start: int, question: str) -> bool:
    """Whether the label of the box, `Average speed:`, is in the words of the question."""
    label = _LABEL.search(text, max(0, start - BEFORE), start)
    if label is None or not question:
        return False
    said = set(re.findall(r"[a-z]+", question.lower()))
    return {word for word in label["label"].lower().split() if word not in ("the", "a", "an", "of")} <= said

"""The answer in bold letters: `so the average speed is **60 mph** (≈ 96.6 km/h)`. Never in `reward`: nothing announces it."""

from __future__ import annotations

import re

from evaluators.answers.evidence.candidates import Candidate, candidate, last_match
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.readings import readings
from evaluators.answers.reading.remarks import HEDGE

_BOLD = lazy_pattern(r"\*\*([^*\n]{1,80})\*\*(?!\*)")
_ONLY_ASIDES = lazy_pattern(
    r"(?:\s|[.。,，!！*_\U0001f300-\U0001f64f✓✔✅💰]|[(（][^()（）\n]{1,120}[)）])*(?:[A-Za-z\u4e00-\u9fff]{1,12}(?:\s[a-z]{2,12})?)?(?:\s|[.。!！*_\U0001f300-\U0001f64f✓✔✅]|[(（][^()（）\n]{1,120}[)）])*$"
)
"""Behind the bold words: a noun, marks, remarks in brackets, and no sentence."""
_LABEL = lazy_pattern(r"\s*[^\d:：=$\\]{1,40}[:：]\s*")
_HEADING = lazy_pattern(r"\s*(?:step|part|case|note|method|第|步骤|方法|注)\b", re.IGNORECASE)
_NO_VALUE = frozenset({"text", "sym", "choice", "choices"})
_VALUE = lazy_pattern(r"[\d=]|\\pi|π|[零一二两三四五六七八九十百千万]")
_REASON = lazy_pattern(
    r"\b(?:since|because|as|which|where|when|given|after)\b[^.\n]*$|(?:因为|由于)[^。\n]*$", re.IGNORECASE
)
MAX_BOLD = 1_000
"""Characters at the end of the text in which the bold words stand."""
MAX_ASIDES = 400
"""Characters behind the bold words."""


def emphasized(text: str, plural: bool) -> Candidate | None:
    """The value of the last bold words, where nothing but asides follows them; of an equation, its last side."""
    last = last_match(_BOLD, text, max(0, len(text) - MAX_BOLD), len(text))
    if (
        last is None
        or len(text) - last.end() > MAX_ASIDES
        or not _ONLY_ASIDES.match(text, last.end())
        or not _VALUE.search(last[1])
    ):
        return None
    if _REASON.search(text, max(0, last.start() - MAX_ASIDES), last.start()):
        return None
    if HEDGE.search(last[1]) or _HEADING.match(last[1]):
        return None
    start, end = last.span(1)
    label = _LABEL.match(text, start, end)
    start = label.end() if label and label.end() < end else start
    if not plural:
        sign = max(text.rfind("=", start, end), text.rfind("：", start, end))
        start = sign + 1 if sign >= 0 and text[sign - 1] not in "<>!≤≥" else start
    found = readings(text[start:end].strip(), False, False)
    if not found or found[0].op in _NO_VALUE:
        return None
    return candidate(text, start, end, "conclusion", 0.5)

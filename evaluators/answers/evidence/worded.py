"""Words that end an output: `So it was a **Tuesday**.`, `So no, it is not always prime.`, `所以是等腰三角形。`. Never in `reward`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evaluators.answers.evidence.denials import hedged
from evaluators.answers.patterns import lazy_pattern

MAX_END = 400
"""Characters at the end of the text in which its conclusion stands."""
_BOLD = lazy_pattern(r"\*\*([A-Za-z\u4e00-\u9fff][^*\n]{0,40}?)[.!。]?\*\*")
_SENTENCE = lazy_pattern(r"[^.!?。！？\n]{2,200}[.!。！]?\s*$")
_LEAD = lazy_pattern(
    r"[\s*]*(?:(?:so|thus|hence|therefore|in\s+conclusion|we\s+conclude\s+that|it\s+follows\s+that)\b[\s,]*|(?:所以|因此|故|综上|可见)[，,]?\s*)?(?:(?:it|this|that|the\s+\w+)\s+(?:is|was|must\s+be)\s+(?:on\s+)?(?:an?\s+|the\s+)?|是|为)?",
    re.IGNORECASE,
)
_FIRST = lazy_pattern(r"(?P<word>yes|no|true|false)\b\s*[,:;.—-]", re.IGNORECASE)
_EITHER = lazy_pattern(r"\b(?:yes|no|not|true|false)\b", re.IGNORECASE)
_STOP_INSIDE = lazy_pattern(r"\*\*([^*\n]{1,40}?)([.!。])\*\*$")
_UNSURE = lazy_pattern(r"\b(?:or|not\s+sure|maybe|perhaps|either|might|cannot)\b|[?？]|或|可能", re.IGNORECASE)


def concluding_words(text: str) -> Iterator[str]:
    """What the last bold words or else the last sentence say, without what leads to it; nothing of one that hedges."""
    end = _STOP_INSIDE.sub(r"**\1**\2", text[-MAX_END:].rstrip())
    sentence = _SENTENCE.search(end)
    if sentence is None or _UNSURE.search(sentence[0]) or hedged(end, sentence.start(), sentence.end(), ""):
        return
    bold = _BOLD.findall(sentence[0])
    if len(bold) == 1:
        yield bold[0]
    if bold:
        return
    said = sentence[0][_LEAD.match(sentence[0]).end() :].strip(" .!。！*")  # type: ignore[union-attr]  # it matches nothing too
    if (first := _FIRST.match(said)) is not None and len(_EITHER.findall(said)) == 1:
        yield first["word"]
    elif said:
        yield said

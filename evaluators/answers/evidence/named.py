"""Values that a text gives under their names: the lines of its last list or table, its last sentence, its boxes."""

from __future__ import annotations

import re

from evaluators.answers.evidence.candidates import SENTENCE_END, Candidate
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.markdown import in_plain_lines
from evaluators.answers.reading.named import named_values
from evaluators.answers.reading.remarks import HEDGE

MAX_BLOCK = 400
"""Characters of a list, a table or a sentence of named values."""
_LIST = lazy_pattern(r"(?m:^)(?:[ \t]*(?:[-*+•][ \t]+|\|)[^\n]{1,200}(?:\n\s*|$)){2,12}")
_LINES = lazy_pattern(r"(?m:^)(?:[^\n:：]{1,40}[:：][^\n]{1,60}(?:\n|$)){2,12}\s*\Z")
_BOX = lazy_pattern(r"\\{1,2}(?:boxed|fbox|framebox)\s{0,9}\{")
_INTRODUCES = lazy_pattern(
    r"^\s*\**(?:(?:so|therefore|thus|hence|answers?|the\s+answers?\s+(?:is|are)|we\s+(?:get|have))\b[,:：]?|答[:：]|所以|因此|故|综上(?:所述)?[,，:：]?|答案(?:是|为)?[:：]?)\s*\**\s*",
    re.IGNORECASE,
)
_BULLET = lazy_pattern(r"[ \t]*[-*+•][ \t]+\S")


def named_block(text: str) -> Candidate | None:
    """The last sentence that names its values, or the last list or table, whichever ends the text; None where neither does."""
    end = len(text.rstrip())
    begin = max((m.end() for m in SENTENCE_END.finditer(text, 0, max(0, end - 1))), default=0)
    for start in (begin, *_ending_lists(text, end)):
        if end - start <= MAX_BLOCK and (found := _names(text, start, end)) is not None:
            return found
    return None


def _ending_lists(text: str, end: int) -> list[int]:
    """Where the lists begin that reach to the end of the text."""
    tail = max(0, end - MAX_BLOCK)
    return [m.start() for p in (_LIST, _LINES) for m in p.finditer(text, tail) if m.end() >= end]


def _names(text: str, start: int, end: int) -> Candidate | None:
    lead = _INTRODUCES.match(text[start:end])
    start += lead.end() if lead else 0
    if HEDGE.search(text, start, end):
        return None
    said = in_plain_lines(text[start:end]).strip(".。 \n")
    found = named_values(said)
    if found is None or len(found) < 2:
        return None
    return Candidate(method="parts", answer=said, start=start, end=end, confidence=0.5)


def names_its_values(clause: str) -> bool:
    """Whether a clause gives several values under names: 小红有60枚，小明有30枚."""
    if len(clause) > MAX_BLOCK:
        return False
    found = named_values(clause.strip(" .。"))
    return found is not None and len(found) > 1


def end_of_list(text: str, start: int) -> int:
    """Where the list ends whose first bullet stands at `start`; `start` where there is none, or no second one."""
    end, bullets = start, 0
    while (bullet := _BULLET.match(text, end)) is not None and bullets < 12:
        bullets += 1
        stop = text.find("\n", bullet.end())
        end = len(text) if stop < 0 else stop + 1
    return end if bullets > 1 and end - start <= MAX_BLOCK else start


def names_of_boxes(text: str, spans: list[tuple[int, int]]) -> str:
    """`乙数是 60，甲数是 40` of a sentence whose values stand in boxes; empty where it does not name them all."""
    begin = max((m.end() for m in SENTENCE_END.finditer(text, max(0, spans[0][0] - 80), spans[0][0])), default=0)
    stop = SENTENCE_END.search(text, spans[-1][1])
    sentence = text[max(begin, spans[0][0] - 80) : stop.start() if stop else len(text)]
    if len(sentence) > MAX_BLOCK or len(_BOX.findall(sentence)) != len(spans):
        return ""
    plain = _BOX.sub("", sentence).replace("}", "") if "{" not in _BOX.sub("", sentence) else ""
    plain = _INTRODUCES.sub("", plain)
    found = named_values(plain) if plain else None
    return plain.strip() if found is not None and len(found) == len(spans) else ""

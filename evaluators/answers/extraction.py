"""Finds the final answer of a free text, in time linear in its length.

Every announcement is a candidate with its place: a box, <answer>, ####, the answer field of a JSON object, a cue ("the
answer is", 答案是). One rule decides: an announcement beats what is only concluded (a program's output, the last
sentence, the last formula or number), and of two announcements the later one counts, so that a box inside the
reasoning does not beat the announcement at its end. Of a box within an announcement the box counts. `<think>` is
dropped first, and so is what begins another problem after the answer. Of several boxes the last counts; all of them do
only where the reference is a list.
"""

from __future__ import annotations

import re

from evaluators.answers.evidence.announced import announced, overrides, unclosed_box
from evaluators.answers.evidence.candidates import Candidate
from evaluators.answers.evidence.concluded import concluded_in_chinese, from_program, last_expression
from evaluators.answers.evidence.denials import taken_back
from evaluators.answers.evidence.endings import end_of_answer, may_go_on
from evaluators.answers.verdicts import Extraction

MAX_TEXT = 2_000_000
"""Characters read, from the end: the final answer of a longer text is sought in its tail."""
_ANNOUNCEMENT = re.compile(
    r"boxed\s*\{|</answer>|####|\b(?:answer|ans)\b[^\n]{0,12}?(?:is|:|=)|答案|答[:：]|\"answer\"\s*:", re.IGNORECASE
)
_ITS_VALUE = re.compile(r"[\s:：*]*\S")


def by_evidence(text: str, *, weak: bool, expect_list: bool, program_output: str | None) -> Extraction | None:
    """The final answer of `text`, or None where it gives none; what nothing announces counts only where `weak`."""
    base = _after_thinking(text)
    if base is None:
        return None
    if len(text) - base > MAX_TEXT:
        base = len(text) - MAX_TEXT
    tail = _before_another_problem(text[base:])
    found = _announcement(tail, expect_list)
    if found is not None and (found.denied or taken_back(tail, found.answer, found.end)):
        later = last_expression(tail) if weak else None
        found = later if later is not None and later.start >= found.end else None
    elif found is None:
        found = concluded_in_chinese(tail)
        if weak:
            found = _conclusion(tail, found, program_output)
    return None if found is None else _as_extraction(found, base)


def _announcement(text: str, expect_list: bool) -> Candidate | None:
    """The latest announcement; the narrower one of two that overlap."""
    best: Candidate | None = None
    for found in sorted(announced(text, expect_list), key=lambda c: (c.end, c.confidence)):
        if best is None or best.denied:
            best = found
        elif found.denied:
            continue
        elif found.start <= best.start and best.end <= found.end:
            same = (found.start, found.end) == (best.start, best.end)
            best = best if best.method in ("boxed", "boxes", "answer_tag") and not same else found
        elif found.method != "cue" or best.method == "cue" or overrides(found):
            best = found
    return best


def _conclusion(text: str, sentence: Candidate | None, program_output: str | None) -> Candidate | None:
    """What nothing announces: a concluding sentence, unless a later one states a result too."""
    printed = from_program(text, program_output)
    if sentence is None:
        return printed or unclosed_box(text) or last_expression(text)
    last = last_expression(text)
    return last if last is not None and last.start > sentence.end else sentence


def _before_another_problem(text: str) -> str:
    if not may_go_on(text):
        return text
    first = _ANNOUNCEMENT.search(text)
    value = _ITS_VALUE.match(text, first.end()) if first is not None else None
    return text[: end_of_answer(text, value.end())] if value is not None else text


def _as_extraction(found: Candidate, base: int) -> Extraction:
    return Extraction(
        answer=found.answer,
        start=found.start + base,
        end=found.end + base,
        method=found.method,
        confidence=found.confidence,
        distinct=found.distinct,
    )


def _after_thinking(text: str) -> int | None:
    """Where the answer part begins; None where a thought was begun and never ended."""
    closed = max(text.rfind("</think>"), text.rfind("</thinking>"))
    opened = max(text.rfind("<think>"), text.rfind("<thinking>"))
    if opened > closed:
        before = text[:opened]
        return None if not before.strip() or closed >= 0 else 0
    return text.index(">", closed) + 1 if closed >= 0 else 0

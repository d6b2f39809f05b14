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

from evaluators.answers.evidence.afterthoughts import without_afterthoughts
from evaluators.answers.evidence.announced import announced, overrides, unclosed_box
from evaluators.answers.evidence.candidates import Candidate
from evaluators.answers.evidence.concluded import concluded_in_chinese, from_program, last_expression
from evaluators.answers.evidence.denials import offered_beside, taken_back
from evaluators.answers.evidence.emphasis import emphasized
from evaluators.answers.evidence.endings import end_of_answer, end_of_conclusion, end_of_turn, may_go_on
from evaluators.answers.evidence.shaped import Shape, by_shape
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.chinese import simplified
from evaluators.answers.verdicts import Extraction

MAX_TEXT = 2_000_000
"""Characters read, from the end: the final answer of a longer text is sought in its tail."""
_ANNOUNCEMENT = lazy_pattern(
    r"boxed\s*\{|</answer>|####|\b(?:answer|ans)\b[^\n]{0,12}?(?:is|:|=)|答案|答[:：]|\"answer\"\s*:", re.IGNORECASE
)
_HALF_WIDTH = {c + 0xFEE0: c for c in range(0x21, 0x7F) if chr(c).isalnum() or chr(c) in "+-=/%<>*^$[]{}|\\_"}
"""Full-width digits, letters and signs; punctuation between clauses stays as it is. Places do not move."""
_THOUGHT = lazy_pattern(
    r"<(/)?(?:think|thinking|thought|reasoning)>|<\|(?:begin|(end))_of_thought\|>|◁(/)?think▷|\[(/)?THINK\]"
)
"""Where a thought begins and ends, in the marks of several models."""
_OPENS_A_THOUGHT = ("<", "◁", "THINK]")
_ITS_VALUE = lazy_pattern(r"[\s:：*]*\S")


def by_evidence(
    text: str, *, weak: bool, expect_list: bool, program_output: str | None, shape: Shape = ""
) -> Extraction | None:
    """The final answer of `text`, or None where it gives none; what nothing announces counts only where `weak`.

    `shape` is that of the reference: where nothing announces an answer, it says what a conclusion looks like.
    """
    if not text.isascii():
        text = simplified(text.translate(_HALF_WIDTH))
    base = _after_thinking(text)
    if base is None:
        return None
    if len(text) - base > MAX_TEXT:
        base = len(text) - MAX_TEXT
    tail = _before_another_problem(text[base:])
    found = _announcement(tail, expect_list, weak=weak)
    if found is None and weak:
        tail = without_afterthoughts(tail)
    shaped = (
        by_shape(tail, shape, _concluded, announced=found is not None)
        if weak and shape and program_output is None
        else None
    )
    if shaped is not None and not (found is not None and found.method not in ("cue", "json")):
        return None if shaped.denied else _as_extraction(shaped, base)
    if found is not None and (found.denied or taken_back(tail, found.answer, found.end)):
        later = last_expression(tail) if weak and not offered_beside(tail, found.answer, found.end) else None
        found = later if later is not None and later.start >= found.end else None
    elif found is None:
        found = concluded_in_chinese(tail)
        if weak:
            found = _conclusion(tail, found, program_output, expect_list)
    return None if found is None else _as_extraction(found, base)


def _announcement(text: str, expect_list: bool, *, weak: bool) -> Candidate | None:
    """The latest announcement; the narrower one of two that overlap."""
    best: Candidate | None = None
    for found in sorted(announced(text, expect_list, careful=not weak), key=lambda c: (c.end, c.confidence)):
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


def _conclusion(text: str, sentence: Candidate | None, program_output: str | None, plural: bool) -> Candidate | None:
    """What nothing announces: a concluding sentence, unless a later one states a result too."""
    printed = from_program(text, program_output)
    last = last_expression(text)
    bold = emphasized(text, plural) if last is not None and printed is None else None
    if bold is not None and (sentence is None or sentence.end <= bold.end):
        return bold
    if sentence is None:
        return printed or unclosed_box(text) or last
    return last if last is not None and last.start > sentence.end else sentence


def _before_another_problem(text: str) -> str:
    if not may_go_on(text):
        return text
    first = _ANNOUNCEMENT.search(text)
    if first is not None and (end := end_of_conclusion(text, first.start())):
        return text[:end]
    value = _ITS_VALUE.match(text, first.end()) if first is not None else None
    return text[: end_of_answer(text, value.end()) if value is not None else end_of_turn(text)]


def _as_extraction(found: Candidate, base: int) -> Extraction:
    return Extraction(
        answer=found.answer,
        start=found.start + base,
        end=found.end + base,
        method=found.method,
        confidence=found.confidence,
        distinct=found.distinct,
    )


def _concluded(text: str) -> str:
    """What one part of an answer comes to."""
    found = by_evidence(text, weak=True, expect_list=False, program_output=None)
    return "" if found is None else found.answer


def _after_thinking(text: str) -> int | None:
    """Where the answer part begins; None where a thought was begun and never ended."""
    if not any(mark in text for mark in _OPENS_A_THOUGHT) or not _THOUGHT.search(text):
        return 0
    closed = opened = -1
    behind = 0
    for mark in _THOUGHT.finditer(text):
        if any(mark.groups()):
            closed, behind = mark.start(), mark.end()
        else:
            opened = mark.start()
    if opened > closed:
        return None if not text[:opened].strip() or closed >= 0 else 0
    return behind

"""Where an output ends that goes on after its answer: the next problem, the next turn of a chat."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern

_NEXT_PROBLEM = lazy_pattern(
    r"<\|(?:im_end|im_start|eot_id|end|endoftext|end_of_text|user|assistant|system|start_header_id)\|>|</s>|<end_of_turn>|\[/?INST\]"
    r"|\n[ \t]{0,12}(?:#{1,4}[ \t]{0,12}|\*\*)?(?:Question|Problem|Q|Exercise|Example|Human|User|Instruction|Input|题目|问题|例题|習題|题)\s*\d{0,3}\s*(?:\*\*)?[:：]"
    r"|\n[ \t]{0,12}(?:#{1,4}[ \t]{0,12}|\*\*)?(?:Question|Problem|Exercise|Example|题目|问题|例题|习题)\s*\d{1,3}\s*\.?(?:\*\*)?\s*(?=\n)"
)


def end_of_answer(text: str, has_answer: int) -> int:
    """Where the text is cut: at the first mark of another problem behind `has_answer`, the end of the first announcement."""
    match = _NEXT_PROBLEM.search(text, has_answer)
    return match.start() if match else len(text)


_CONCLUDES = lazy_pattern(
    r"(?:\b(?:so|therefore|thus|hence|in\s+total|total|altogether|in\s+all|finally)\b|所以|因此|综上|一共|总共|故)[^\n]*\d[^\n]*\s*$",
    re.IGNORECASE,
)


def end_of_conclusion(text: str, announced: int) -> int:
    """Where a text is cut whose first announcement is that of another problem, behind a line that concludes."""
    match = _NEXT_PROBLEM.search(text, 0, announced)
    return match.start() if match and _CONCLUDES.search(text, max(0, match.start() - MAX_LINE), match.start()) else 0


MAX_LINE = 400
"""Characters before another problem in which the conclusion of this one is sought."""
_CHAT = lazy_pattern(r"<\||</s>|<end_of_turn>|\[/?INST\]|#{1,4}\s*Instruction")


def end_of_turn(text: str) -> int:
    """Where a text without an announcement is cut: at the first mark of a chat's next turn that something precedes."""
    for match in _NEXT_PROBLEM.finditer(text):
        if _CHAT.match(match.group().strip()) and text[: match.start()].strip():
            return match.start()
    return len(text)


_MARKS = ("\n", "<", "INST]")
"""One of these is in whatever begins another problem."""


def may_go_on(text: str) -> bool:
    return any(mark in text for mark in _MARKS) and _NEXT_PROBLEM.search(text) is not None

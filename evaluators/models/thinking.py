"""Thinking told apart from the answer: what a model writes between its marks of thought is kept, and never judged."""

from __future__ import annotations

import re
from dataclasses import dataclass

MARKS = {  # opening mark -> closing mark, as chat templates of published models write them
    "<think>": "</think>",  # DeepSeek-R1, Qwen3, most that came after
    "<thinking>": "</thinking>",
    "[THINK]": "[/THINK]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi
    "<seed:think>": "</seed:think>",  # Seed-OSS
}
_OPENING = re.compile("|".join(rf"^[ \t]*{re.escape(mark)}" for mark in MARKS), re.MULTILINE)
_CLOSING = re.compile("|".join(re.escape(mark) for mark in MARKS.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """A text in its two parts."""

    reasoning: str
    answer: str
    unfinished: bool
    """Whether the text ends within its thinking."""


def opens_thinking(prompt: str) -> bool:
    """Whether a prompt ends with an opening mark, so that the answer begins within its thinking."""
    return prompt.rstrip().endswith(tuple(MARKS))


def split_thinking(text: str, *, opened: bool = False) -> Thought:
    """The thinking and the answer of a text. Without marks all of it is the answer.

    A closing mark that nothing opens ends thinking that began in the prompt. `opened` says that it did.
    """
    first = _CLOSING.search(text)
    opening = _OPENING.search(text)
    if first is not None and (opening is None or first.start() < opening.start()):
        opened = True
    if not opened and opening is None:
        return Thought(reasoning="", answer=text, unfinished=False)
    thoughts: list[str] = []
    answers: list[str] = []
    place, inside = 0, opened
    while place <= len(text):
        mark = (_CLOSING if inside else _OPENING).search(text, place)
        part = text[place : mark.start() if mark is not None else len(text)]
        (thoughts if inside else answers).append(part)
        if mark is None:
            break
        place, inside = mark.end(), not inside
    return Thought(
        reasoning="\n\n".join(kept for part in thoughts if (kept := part.strip())),
        answer="".join(answers).lstrip("\n") if thoughts else text,
        unfinished=inside,
    )

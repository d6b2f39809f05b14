"""What every kind of evidence is: an answer, its place in the text, and how it was found."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from evaluators.answers.patterns import lazy_pattern

MATH = lazy_pattern(
    r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|(?<![\\$])\$((?:\\\$|[^$\n])+?)(?<!\\)\$(?!\d)", re.DOTALL
)
"""A formula between its delimiters."""
SENTENCE_END = lazy_pattern(
    r"[。！？?\n．]|(?<![0-9A-Za-z)}\]])!|(?<!\d)\.(?=\s|$|\*\*(?:\s|$))|(?<=\d)\.(?=\s*$|\s+[A-Z(])|\.(?=\s*\n)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One answer that a text may mean; `text[start:end]` is where it stands."""

    method: str
    answer: str
    start: int
    end: int
    confidence: float
    distinct: int = 1
    """How many different answers the same kind of evidence gives."""
    denied: bool = False
    """Whether the text says that this is not its answer: see denials."""


def candidate(text: str, start: int, end: int, method: str, confidence: float, distinct: int = 1) -> Candidate:
    """The span without the white space, emphasis and separators around it."""
    while start < end and (text[start].isspace() or text[start] in "*_`"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in "*_`;,，；"):
        end -= 1
    return Candidate(
        method=method, answer=text[start:end], start=start, end=end, confidence=confidence, distinct=distinct
    )


def last_match(pattern: re.Pattern[str], text: str, start: int, end: int) -> re.Match[str] | None:
    latest = deque(pattern.finditer(text, start, end), maxlen=1)
    return latest[0] if latest else None

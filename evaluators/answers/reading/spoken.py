"""Sentences for what is mostly written as a word or a sign: `half past ten`, `the statement is true`."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import Node

_TRUE_OF = lazy_pattern(
    r"(?:(?:so|therefore|thus|hence)\s+)?(?:the\s+|this\s+|that\s+|given\s+)*(?:statement|claim|assertion|proposition|conclusion|conjecture|equation|sentence|it|inequality|identity)\s+"
    r"(?:is|must\s+be|was)\s+(?:indeed\s+|therefore\s+|always\s+|also\s+)?(?P<truth>true|false|correct|incorrect|wrong|right|not\s+(?:true|correct|right))"
)


def stated_truth(said: tuple[str, ...]) -> str:
    """true or false of `the claim is not correct`; empty for other words."""
    truth = _TRUE_OF.fullmatch(" ".join(said))
    if truth is None:
        return ""
    return "true" if truth["truth"] in ("true", "correct", "right") else "false"


_HALF_PAST = lazy_pattern(r"(half|(?:a\s+)?quarter)\s+(past|to)\s+([a-z]+|\d{1,2})", re.IGNORECASE)
_HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def half_past(plain: str) -> Node | None:
    """half past ten, a quarter to 9."""
    match = _HALF_PAST.fullmatch(plain)
    if match is None:
        return None
    said = match[3].lower()
    hour = int(said) if said.isdigit() else _HOURS.index(said) + 1 if said in _HOURS else 0
    if not 1 <= hour <= 12:
        return None
    minutes = 30 if match[1].lower() == "half" else 15
    if match[2].lower() == "to":
        hour, minutes = (hour - 2) % 12 + 1, 60 - minutes
    return Node("clock", (), (hour, minutes, 0, "open"))

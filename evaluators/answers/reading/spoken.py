"""Sentences for what is mostly written as a word or a sign: `half past ten`, `the statement is true`."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import Node

_TRUE_OF = lazy_pattern(
    r"(?:(?:so|therefore|thus|hence)\s+)?(?:the\s+|this\s+|that\s+|given\s+)*(?:statement|claim|assertion|proposition|conclusion|conjecture|equation|sentence|it|inequality|identity)\s+"
    r"(?:is|must\s+be|was)\s+(?:indeed\s+|therefore\s+|always\s+|also\s+)?(?P<truth>true|false|correct|incorrect|wrong|right|not\s+(?:true|correct|right))"
)


_SO_IT_IS = lazy_pattern(
    r"[^.;]{2,120}?,\s+(?:so|hence|thus|therefore|and\s+so)\s+(?:it(?:'s|\s+is)|(?:the\s+)?(?:function|series|f|matrix|graph|triangle|number)\s+is)\s+(?:an?\s+)?(?P<word>[a-z]{3,15})",
    re.IGNORECASE,
)
"""f(-x) = -f(x), so it's odd."""
_NOT_OTHER = lazy_pattern(r"(?P<word>[a-z]{3,15}),\s+(?:and\s+)?not\s+(?P<other>[a-z]{3,15})", re.IGNORECASE)
_NO_WORD = frozenset({"not", "never", "neither", "unknown", "maybe", "true", "false"})


def concluded_word(plain: str) -> str:
    """odd of `f(-x) = -f(x), so it is odd` and of `odd, not even`; empty for other texts."""
    match = _SO_IT_IS.fullmatch(plain.rstrip(".")) or _NOT_OTHER.fullmatch(plain.rstrip("."))
    if match is None or match["word"].lower() in _NO_WORD or match.groupdict().get("other") == match["word"]:
        return ""
    return match["word"].lower()


def stated_truth(said: tuple[str, ...]) -> str:
    """true or false of `the claim is not correct`; empty for other words."""
    truth = _TRUE_OF.fullmatch(" ".join(said))
    if truth is None:
        return ""
    return "true" if truth["truth"] in ("true", "correct", "right") else "false"


_HALF_PAST = lazy_pattern(
    r"(?P<part>half|(?:a\s+)?quarter|(?:\d{1,2}|five|ten|twenty|twenty-five)(?:\s+minutes)?)\s+(?P<side>past|after|to|before)\s+(?P<hour>[a-z]+|\d{1,2})(?:\s*(?:o'clock)?\s*(?P<half>[ap])\.?m\.?|\s+(?:in\s+the\s+|at\s+)(?P<day>morning|afternoon|evening|night))?",
    re.IGNORECASE,
)
_CLOCK_IN_WORDS = lazy_pattern(
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s*(?:o'clock\s+)?(?:in\s+the\s+|at\s+)(?P<day>morning|afternoon|evening|night)",
    re.IGNORECASE,
)
_MINUTES = {"half": 30, "quarter": 15, "five": 5, "ten": 10, "twenty": 20, "twenty-five": 25}
_HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def half_past(plain: str) -> Node | None:
    """half past ten, a quarter to 9, 20 past 3, 8:45 in the morning."""
    if (match := _CLOCK_IN_WORDS.fullmatch(plain)) is not None:
        return _time(int(match["hour"]), int(match["minute"] or 0), match["day"].lower())
    match = _HALF_PAST.fullmatch(plain)
    if match is None:
        return None
    said = match["hour"].lower()
    hour = int(said) if said.isdigit() else _HOURS.index(said) + 1 if said in _HOURS else 0
    part = match["part"].lower().replace(" minutes", "").removeprefix("a ").strip()
    minutes = int(part) if part.isdigit() else _MINUTES[part]
    if not 0 < minutes < 60 or (part == "half" and match["side"].lower() not in ("past", "after")):
        return None
    if match["side"].lower() in ("to", "before"):
        if part not in ("half", "quarter") and not (match["day"] or match["half"] or "minutes" in match["part"]):
            return None  # 10 to 7 is a ratio, where no time is asked for
        hour, minutes = (hour - 2) % 12 + 1 if hour else 0, 60 - minutes
    half = (match["half"] or "").lower()
    return _time(hour, minutes, (match["day"] or {"a": "morning", "p": "evening"}.get(half, "")).lower())


def _time(hour: int, minutes: int, day: str) -> Node | None:
    """The time in that part of the day; open where none is said."""
    if not 1 <= hour <= 12 or minutes > 59:
        return None
    if day:
        late = day in ("afternoon", "evening") or (day == "night" and 5 < hour < 12)
        return Node("clock", (), (hour % 12 + 12 * late, minutes, 0, "exact"))
    return Node("clock", (), (hour, minutes, 0, "open"))


_SHARES = {"half": "1/2", "quarter": "1/4", "third": "1/3", "three quarters": "3/4", "two thirds": "2/3"}
_SHARE_OF = lazy_pattern(
    r"(?:(?:an?|one)\s+)?(?P<share>half|quarter|third|three[\s-]quarters|two[\s-]thirds)\s+(?:of\s+)?(?:an?|one)\s+(?P<unit>[a-z]{3,12})",
    re.IGNORECASE,
)
_AND_A_HALF = lazy_pattern(
    r"(?P<count>an?|one|two|three|four|five|\d{1,3})\s+(?P<unit>[a-z]{3,12})\s+and\s+a\s+(?P<share>half|quarter|third)",
    re.IGNORECASE,
)
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def spoken_amount(text: str) -> str:
    """1/4 hour of `a quarter of an hour`, 1 1/2 hours of `an hour and a half`; any other text as it is."""
    if (part := _SHARE_OF.fullmatch(text)) is not None:
        return f"{_SHARES[re.sub(r'[^a-z]+', ' ', part['share'].lower())]} {part['unit']}"
    if (more := _AND_A_HALF.fullmatch(text)) is not None:
        count = _COUNTS.get(more["count"].lower()) or int(more["count"])
        return f"{count} {_SHARES[more['share'].lower()]} {more['unit']}"
    return text

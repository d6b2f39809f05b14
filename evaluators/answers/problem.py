"""What a problem's text says about the form of its answer: a percentage, a base, a ratio, a unit, options."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from evaluators.answers.reading.units import Unit, parse_unit, physical

MAX_PROBLEM = 20_000
_OPTION = re.compile(r"\(([A-J])\)\s*(.+?)(?=\s*(?:\\qquad|\\quad|\\ |\\\\|,|;|\n|\$|\([A-J]\)|$))", re.DOTALL)
_LINE_OPTION = re.compile(r"(?:^|\n)\s*\(?([A-J])[.)、:．：]\s*([^\n]+)")
_INLINE_OPTION = re.compile(r"(?<![A-Za-z0-9])([A-J])\s?[.、:)．：]\s*((?:(?!\s[A-J]\s?[.、:)．：])[^\n]){1,300})")
_ASKED = re.compile(
    r"(?:how\s+many|number\s+of|in|多少|几)\s*((?:square|cubic)\s+)?([a-z]+|[\u4e00-\u9fff]{1,3})", re.IGNORECASE
)
_BASE = re.compile(
    r"base[\s-]*\$?\{?(\d{1,2}|eight|two|three|seven|five|six|four|nine)|binary|octal|hexadecimal", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """`given` is False where there is no problem text: then nothing may be concluded from its silence."""

    given: bool = False
    percent: bool = False
    base: bool = False
    ratio: bool = False
    asked: tuple[Unit, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()


NO_HINTS = Hints()


@lru_cache(maxsize=2048)
def hints_of(problem: str | None) -> Hints:
    """The hints of a problem's text; of a very long one, of its end."""
    if not problem:
        return NO_HINTS
    text = problem[-MAX_PROBLEM:]
    lower = text.lower()
    return Hints(
        given=True,
        percent="percent" in lower
        or "%" in text
        or "百分" in text
        or "probability" in lower
        or "chance" in lower
        or "rate" in lower,
        base=bool(_BASE.search(text)),
        ratio="ratio" in lower or "比" in text,
        asked=_asked(text),
        options=_options(text),
        variables=frozenset(re.findall(r"\$[^$]{0,80}?(?<![A-Za-z\\])([mgshLlNJWVKd])(?![A-Za-z])[^$]{0,80}?\$", text)),
    )


def _asked(text: str) -> tuple[Unit, ...]:
    units = []
    for match in _ASKED.finditer(text):
        unit = parse_unit((match[1] or "") + match[2]) if len(match[2]) > 1 or match[2] in ("米", "克") else None
        if unit is not None and physical(unit):
            units.append(unit)
    return tuple(units)


def _options(text: str) -> dict[str, str]:
    found = _OPTION.findall(text) or _LINE_OPTION.findall(text)
    if len(found) < 2:
        found = _INLINE_OPTION.findall(text)
        found = found if [letter for letter, _ in found] == list("ABCDEFGHIJ"[: len(found)]) else []
    options = {letter: body.strip(" $~").rstrip("\\") for letter, body in found[:10]}
    return options if len(options) > 1 else {}

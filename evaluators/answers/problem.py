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
_SHAPE = r"(?P<shape>(?:square|cubic|sq\.?|cu\.?)\s+)?"
_HOW_MANY = re.compile(
    rf"\b(?:how\s+many|number\s+of)\s+(?:more\s+|total\s+|full\s+|whole\s+)?{_SHAPE}(?P<unit>[a-z]+)\b", re.IGNORECASE
)
_HOW_MANY_CHINESE = re.compile(r"(?:多少|几)\s*(?:个)?(?P<unit>[\u4e00-\u9fff]{1,4})")
_IN_UNITS = re.compile(
    rf"\bin\s+(?:terms\s+of\s+)?{_SHAPE}(?P<unit>[a-z]{{2,}})\b(?!\s+[a-z])|\bin\s+{_SHAPE.replace('shape', 'shape2')}(?P<unit2>[a-z]{{2,}})\s+per\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.?!。？！\n]*[?？]|[^.?!。？！\n]+[.。！!]?\s*$")
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
    """Units that the answer shall have: `in minutes`, or how many of them there are."""
    counted: tuple[Unit, ...] = ()
    """Those of `how many minutes`, 多少角 in the question itself: the answer is their number."""
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
        counted=_counted(_question(text)),
        options=_options(text),
        variables=frozenset(re.findall(r"\$[^$]{0,80}?(?<![A-Za-z\\])([mgshLlNJWVKd])(?![A-Za-z])[^$]{0,80}?\$", text)),
    )


def _asked(text: str) -> tuple[Unit, ...]:
    found = [_unit(m["shape"] or m["shape2"] or "", m["unit"] or m["unit2"]) for m in _IN_UNITS.finditer(text)]
    return _counted(text) + tuple(unit for unit in found if unit is not None)


def _counted(text: str) -> tuple[Unit, ...]:
    found = [_unit(m["shape"] or "", m["unit"]) for m in _HOW_MANY.finditer(text)]
    found += [_chinese_unit(m["unit"]) for m in _HOW_MANY_CHINESE.finditer(text)]
    return tuple(unit for unit in found if unit is not None)


def _question(text: str) -> str:
    """The last sentence that asks, or the last one."""
    sentences = _SENTENCE.findall(text)
    return next(
        (s for s in reversed(sentences) if s.rstrip().endswith(("?", "？"))), sentences[-1] if sentences else ""
    )


def _unit(shape: str, word: str) -> Unit | None:
    """A physical unit spelled out; `in`, `at` and single letters are words."""
    if word.lower() in ("in", "min", "second") or len(word) < 2:
        return None
    unit = parse_unit(shape + word)
    return unit if unit is not None and physical(unit) else None


def _chinese_unit(characters: str) -> Unit | None:
    """The longest unit that the characters begin with."""
    for length in range(len(characters), 0, -1):
        unit = parse_unit(characters[:length])
        if unit is not None and physical(unit):
            return unit
    return None


def _options(text: str) -> dict[str, str]:
    found = _OPTION.findall(text) or _LINE_OPTION.findall(text)
    if len(found) < 2:
        found = _INLINE_OPTION.findall(text)
        found = found if [letter for letter, _ in found] == list("ABCDEFGHIJ"[: len(found)]) else []
    options = {letter: body.strip(" $~").rstrip("\\") for letter, body in found[:10]}
    return options if len(options) > 1 else {}

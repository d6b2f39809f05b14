"""What a problem's text says about the form of its answer: a percentage, a base, a ratio, a unit, options."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import cast

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
_BASE = re.compile(
    r"base[\s-]*\$?\{?(\d{1,2}|eight|two|three|seven|five|six|four|nine)|binary|octal|hexadecimal", re.IGNORECASE
)


_VARIABLE = re.compile(r"\$[^$]{0,80}?(?<![A-Za-z\\])([mgshLlNJWVKd])(?![A-Za-z])[^$]{0,80}?\$")
_PERCENT_WORDS = ("percent", "probability", "chance", "rate", "%", "百分")
_PERCENT_NAMED = ("percent", "%", "百分")
_MONEY_ASKED = re.compile(r"\bhow\s+much\s+(?:more\s+)?(?:money|change|profit|interest)\b", re.IGNORECASE)
_THINGS = re.compile(
    r"\bhow\s+many\s+(?:more\s+|fewer\s+|total\s+|whole\s+|different\s+|other\s+)?(?P<thing>[a-z]{3,}s|people|children|men|women|fish|sheep|mice)\b",
    re.IGNORECASE,
)


class Hints:
    """What one problem's text says, each hint read when it is first asked for: most pairs need none of them."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    @property
    def given(self) -> bool:
        """False where there is no problem text: then nothing may be concluded from its silence."""
        return bool(self.text)

    @cached_property
    def lower(self) -> str:
        return self.text.lower()

    @cached_property
    def percent(self) -> bool:
        return any(word in self.lower for word in _PERCENT_WORDS)

    @cached_property
    def percents(self) -> bool:
        """Whether percents are named, and not only a probability or a rate."""
        return any(word in self.lower for word in _PERCENT_NAMED)

    @cached_property
    def money(self) -> bool:
        """Whether an amount of money is asked for."""
        return _MONEY_ASKED.search(_question(self.text)) is not None

    @cached_property
    def things(self) -> str:
        """What the question counts, where that is no unit: apples of `how many apples`."""
        match = _THINGS.search(_question(self.text))
        if match is None or parse_unit(match["thing"]) is None or physical(cast("Unit", parse_unit(match["thing"]))):
            return ""
        return match["thing"]

    @cached_property
    def base(self) -> bool:
        return _BASE.search(self.text) is not None

    @cached_property
    def ratio(self) -> bool:
        return "ratio" in self.lower or "比" in self.text

    @cached_property
    def asked(self) -> tuple[Unit, ...]:
        """Units that the answer shall have: `in minutes`, or how many of them there are."""
        return _asked(self.text)

    @cached_property
    def counted(self) -> tuple[Unit, ...]:
        """Those of `how many minutes`, 多少角 in the question itself: the answer is their number."""
        return _counted(_question(self.text))

    @cached_property
    def options(self) -> dict[str, str]:
        """The text of each choice, by its letter."""
        return _options(self.text)

    @cached_property
    def variables(self) -> frozenset[str]:
        """Letters of the problem's formulas that might be units."""
        return frozenset(_VARIABLE.findall(self.text))


NO_HINTS = Hints()


@lru_cache(maxsize=2048)
def hints_of(problem: str | None) -> Hints:
    """The hints of a problem's text; of a very long one, of its end."""
    return Hints(problem[-MAX_PROBLEM:]) if problem else NO_HINTS


def _asked(text: str) -> tuple[Unit, ...]:
    found = [_unit(m["shape"] or m["shape2"] or "", m["unit"] or m["unit2"]) for m in _IN_UNITS.finditer(text)]
    return _counted(text) + tuple(unit for unit in found if unit is not None)


def _counted(text: str) -> tuple[Unit, ...]:
    found = [_unit(m["shape"] or "", m["unit"]) for m in _HOW_MANY.finditer(text)]
    found += [_chinese_unit(m["unit"]) for m in _HOW_MANY_CHINESE.finditer(text)]
    return tuple(unit for unit in found if unit is not None)


def _question(text: str) -> str:
    """The last sentence that asks, or the last one."""
    end = max(text.rfind("?"), text.rfind("？"))
    if end < 0:
        end = len(text.rstrip(" .。\n"))
    begin = max(text.rfind(mark, 0, end) for mark in (". ", "。", "？", "?", "!", "\n"))
    return text[begin + 1 : end]


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

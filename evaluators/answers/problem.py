"""What a problem's text says about the form of its answer: a percentage, a base, a ratio, a unit, options."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluators.answers.reading.units import Unit

MAX_PROBLEM = 20_000
_PERCENT_WORDS = ("percent", "probability", "chance", "rate", "%", "百分")
_OF_TEMPERATURE = (
    "temperature",
    "celsius",
    "thermometer",
    "weather",
    "oven",
    "warm",
    "cold",
    "freez",
    "温",
    "摄氏",
    "℃",
)
_THERMOMETERS = (
    ("fahrenheit", ("°f", "fahrenheit", "℉", "circ f", "circ\\text{f", "华氏")),
    ("celsius", ("°c", "celsius", "℃", "circ c", "circ\\text{c", "摄氏")),
)
_PERCENT_NAMED = ("percent", "%", "百分")


class Hints:
    """What one problem's text says, each hint read when it is first asked for: most pairs need none of them."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    @cached_property
    def question(self) -> str:
        """Its last sentence that asks."""
        from evaluators.answers.question import question_of

        return question_of(self.text) if self.text else ""

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
    def percent_asked(self) -> bool:
        """Whether the answer is a percentage: `what percent`, and not `what is 25% of 80`."""
        from evaluators.answers.question import asks_percent

        return asks_percent(self.text)

    @cached_property
    def money(self) -> bool:
        """Whether an amount of money is asked for."""
        from evaluators.answers.question import asks_money

        return asks_money(self.text)

    @cached_property
    def things(self) -> str:
        """What the question counts, where that is no unit: apples of `how many apples`."""
        from evaluators.answers.question import things_counted

        return things_counted(self.text)

    @cached_property
    def base(self) -> bool:
        from evaluators.answers.question import asks_base

        return asks_base(self.text)

    @cached_property
    def base_asked(self) -> int:
        """The base that the problem names; 0 where it names none."""
        from evaluators.answers.question import base_asked

        return base_asked(self.text)

    @cached_property
    def ratio(self) -> bool:
        return "ratio" in self.lower or "比" in self.text

    @cached_property
    def time(self) -> bool:
        """Whether the question is what time it is."""
        from evaluators.answers.question import asks_time

        return asks_time(self.text)

    @cached_property
    def roots(self) -> bool:
        """Whether the roots of one equation are asked for, and none of them is told apart."""
        from evaluators.answers.question import asks_roots

        return bool(self.text) and asks_roots(self.text)

    @cached_property
    def natural_logs(self) -> bool:
        """Whether log is that of the calculus: the problem integrates or differentiates, and names no base of ten."""
        from evaluators.answers.question import is_calculus

        return bool(self.text) and is_calculus(self.text)

    @cached_property
    def point(self) -> bool:
        """Whether the answer shall be a point, which no inequality is."""
        from evaluators.answers.question import asks_point

        return bool(self.text) and asks_point(self.text)

    @cached_property
    def ordered(self) -> bool:
        """Whether the answers shall stand in an order: `from least to greatest`."""
        from evaluators.answers.question import asks_order

        return bool(self.text) and asks_order(self.text)

    @cached_property
    def forms(self) -> frozenset[str]:
        """The forms that are asked for: factored, simplified, scientific."""
        from evaluators.answers.asked_forms import asked_forms

        return asked_forms(self.text) if self.text else frozenset()

    @cached_property
    def blanks(self) -> int:
        """How many blanks there are to be filled in."""
        from evaluators.answers.question import blanks

        return blanks(self.text)

    @cached_property
    def temperature(self) -> bool:
        """Whether degrees are those of a thermometer."""
        return any(word in self.lower for word in _OF_TEMPERATURE)

    @cached_property
    def thermometer(self) -> str:
        """celsius or fahrenheit, where the problem speaks of temperatures in one of them."""
        found = [name for name, words in _THERMOMETERS if any(word in self.lower for word in words)]
        return found[0] if self.temperature and len(found) == 1 else ""

    @cached_property
    def half_of_day(self) -> str:
        """a or p, where the question says in which half of the day: `at what time in the afternoon`."""
        from evaluators.answers.question import half_of_day

        return half_of_day(self.text)

    @cached_property
    def interval(self) -> bool:
        """Whether the answer shall be an interval."""
        return "interval" in self.lower or "区间" in self.text

    @cached_property
    def per(self) -> tuple[Unit, ...]:
        """What a rate is asked for each of: pound of `the price per pound`, 小时 of 每小时行多少千米."""
        from evaluators.answers.question import per_what

        return per_what(self.text)

    @cached_property
    def one_number(self) -> bool:
        """Whether the question is how many of something there are."""
        from evaluators.answers.question import asks_how_many

        return asks_how_many(self.text)

    @cached_property
    def asked(self) -> tuple[Unit, ...]:
        """Units that the answer shall have: `in minutes`, or how many of them there are."""
        from evaluators.answers.question import asked

        return asked(self.text)

    @cached_property
    def counted(self) -> tuple[Unit, ...]:
        """Those of `how many minutes`, 多少角 in the question itself: the answer is their number."""
        from evaluators.answers.question import counted, question_of

        return counted(question_of(self.text))

    @cached_property
    def wanted_in(self) -> tuple[Unit, ...]:
        """Those of `in cents` in the question itself."""
        from evaluators.answers.question import wanted_in

        return wanted_in(self.text)

    def in_another_unit(self, unit: Unit) -> str:
        """The unit of the same kind that the question asks for, where it is another one: minutes, of 3 hours."""
        from evaluators.answers.reading.units import physical

        asked = [a for a in (*self.counted, *self.wanted_in) if a.dims == physical(unit)] if self.text else []
        return asked[-1].text if asked and all(a.scale != unit.scale for a in asked) else ""

    @cached_property
    def scale(self) -> tuple[str, int] | None:
        """dozen and 12, where the question is how many dozen."""
        from evaluators.answers.question import scale_asked

        return scale_asked(self.text) if self.text else None

    @cached_property
    def options(self) -> dict[str, str]:
        """The text of each choice, by its letter."""
        from evaluators.answers.question import options

        return options(self.text)

    @cached_property
    def variables(self) -> frozenset[str]:
        """Letters of the problem's formulas that might be units."""
        from evaluators.answers.question import formula_letters

        return formula_letters(self.text)


NO_HINTS = Hints()


@lru_cache(maxsize=2048)
def hints_of(problem: str | None) -> Hints:
    """The hints of a problem's text; of a very long one, of its end."""
    return Hints(problem[-MAX_PROBLEM:]) if problem else NO_HINTS

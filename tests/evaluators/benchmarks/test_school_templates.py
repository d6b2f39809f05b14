"""Templates of school mathematics, each solved a second time from the numbers of its English question."""

from __future__ import annotations

import contextlib
import io
import re
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise, permutations
from math import log2

import pytest

from evaluators import templated
from evaluators.templated import Worked
from pipelines.mixtures.topics import field_of_topic, topic_names


def numbers(question: str) -> list[int]:
    return [int(found) for found in re.findall(r"(?<!\d)-?\d+", question)]


def first_that(holds: Callable[[int], bool]) -> int:
    return next(number for number in range(-1000, 200_000) if holds(number))


def repeated(step: Callable[[int], int], start: int, times: int) -> int:
    for _ in range(times):
        start = step(start)
    return start


def swimmers(total: int, swim: int, skate: int, neither: int) -> int:
    return first_that(lambda both: both >= 0 and both + (swim - both) + (skate - both) + neither == total)


def draws_without(colours: int, alike: int) -> int:
    """One more than the most balls of which no colour has as many as asked."""
    return sum(alike - 1 for _ in range(colours)) + 1


def in_base(digits: int, base: int) -> int:
    value = 0
    for figure in str(digits):
        value = value * base + int(figure)
    return value


def pascal(power: int, chosen: int) -> int:
    row = [1]
    for _ in range(power):
        row = [1, *(a + b for a, b in pairwise(row)), 1]
    return row[chosen]


SOLVERS: dict[str, Callable[..., float]] = {
    "ages": lambda child, parent, years: repeated(lambda total: total + 2, child + parent, years),
    "heads_and_legs": lambda heads, legs: first_that(lambda r: 4 * r + 2 * (heads - r) == legs),
    "shared_sweets": lambda each, over, more, lack: first_that(lambda n: n > 0 and each * n + over == more * n - lack),
    "trees_along_a_road": lambda way, gap: sum(place % gap == 0 for place in range(way + 1)),
    "same_rate": lambda first, made, second: Fraction(made, first) * second,
    "two_workers": lambda a, b: Fraction(a * b, a + b),
    "meeting": lambda way, a, b: first_that(lambda hours: a * hours + b * hours == way),
    "salt_water": lambda salt, water: Fraction(salt, salt + water) * 100,
    "profit": lambda count, cost, price: sum(price - cost for _ in range(count)),
    "average": lambda *marks: Fraction(sum(marks[:4]), 4),
    "back_to_the_start": lambda added, times, end: first_that(lambda n: (n + added) * times == end),
    "divided_by_ratio": lambda total, a, b: Fraction(total * b, a + b),
    "minutes_between": lambda h, m, hh, mm: (hh - h) * 60 + mm - m,
    "money_left": lambda count, paid, left: first_that(lambda price: price * count + left == paid),
    "column_sum": lambda a, b, c: repeated(lambda total: total + a, c, b),
    "sum_of_fractions": lambda a, b, c, d: Fraction(a * d + b * c, b * d),
    "absolute_values": lambda a, b: max(a, -a) + max(b, -b),
    "product_of_powers": lambda a, m, b, n, base: round(log2(a**m * b**n) / log2(base)),
    "temperature": lambda start, rise, fall: start - fall + rise,
    "count_of_squares": lambda low, high: sum(low <= n * n <= high for n in range(high)),
    "value_in_base": lambda written, base, again: in_base(written, base),
    "arrangements": lambda places, people: sum(1 for _ in permutations(range(people), places)),
    "surely_two_alike": draws_without,
    "either_language": swimmers,
    "outfits": lambda shirts, hats, shoes: sum(1 for _ in range(shirts) for _ in range(hats) for _ in range(shoes)),
    "binomial_coefficient": lambda chosen, one, power: pascal(power, chosen),
    "median": lambda *values: next(
        v for v in values if sum(w < v for w in values) <= 2 <= sum(w <= v for w in values) - 1
    ),
    "next_in_pattern": lambda a, b, c, d, e: e + (e - d) + ((e - d) - (d - c)),
    "place_in_cycle": lambda one, two, cycle, again, place: repeated(lambda said: said % cycle + 1, cycle, place),
    "smallest_solution": lambda a, b, c: first_that(lambda x: a * x + b > c),
    "line_value": lambda zero, start, x, y, other: start + Fraction(y - start, x) * other,
    "logarithm": lambda base, a, again, b: round(log2(a) / log2(base)) + round(log2(b) / log2(base)),
    "complex_product": lambda a, b, c, d: (complex(a, b) * complex(c, d)).real,
    "scalar_product": lambda a, b, c, d: sum(x * y for x, y in ((a, c), (b, d))),
    "difference_of_squares": lambda a, b: ((a + b) // 2) ** 2 - ((b - a) // 2) ** 2,
    "box_volume": lambda a, b, c: sum(b * c for _ in range(a)),
    "third_angle": lambda a, b: first_that(lambda c: a + b + c == 180),
}


def lowest(question: str) -> float:
    """By looking at every whole place, where the lowest is."""
    found = re.search(r"value of \$?(\d*)x\^\{2\} ([+-]) (\d*)x ([+-]) (\d+)", question)
    assert found is not None, question
    a, b, c = int(found[1] or 1), int(found[3] or 1), int(found[5])
    b, c = (-b if found[2] == "-" else b), (-c if found[4] == "-" else c)
    return min(a * x * x + b * x + c for x in range(-200, 200))


def own_templates() -> list[str]:
    benchmarks = set(templated.template_names())
    return [name for name in templated.school_templates() if name not in benchmarks]


def value_of(worked: Worked) -> Fraction:
    return Fraction(worked.output)


def test_every_school_template_has_a_second_solver() -> None:
    assert sorted([*SOLVERS, "lowest_value"]) == sorted(own_templates())


@pytest.mark.parametrize("name", own_templates())
def test_school_answers_agree_with_an_independent_solution(name: str) -> None:
    for worked in templated.generate(10, templates=[name], split="train", seed=5):
        question = worked.problem.question.replace("$", "")
        told = lowest(question) if name == "lowest_value" else SOLVERS[name](*numbers(question.replace(":", " ")))
        assert value_of(worked) == told, worked.problem


@pytest.mark.parametrize("name", own_templates())
def test_school_programs_print_the_answer_and_both_languages_ask_the_same(name: str) -> None:
    english = templated.generate(8, templates=[name], split="train", seed=2)
    chinese = templated.generate(8, templates=[name], split="train", seed=2, language="zh")
    for one, other in zip(english, chinese, strict=True):
        assert one.problem.reference == other.problem.reference
        assert sorted(numbers(one.problem.question)) == sorted(numbers(other.problem.question))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(one.program, name, "exec"), {})
        assert printed.getvalue() == one.output + "\n"


def test_topics_of_templates_are_topics_of_the_mixture_in_the_same_field() -> None:
    topics = {name: templated.topic_of(name) for name in templated.school_templates()}
    assert set(topics.values()) <= topic_names()
    assert len(set(topics.values())) >= 50
    made = templated.generate(len(topics), templates=templated.school_templates())
    own = [one for one in made if one.template in own_templates()]
    assert all(one.problem.subject == field_of_topic(topics[one.template]) for one in own)


def test_a_template_that_has_no_more_to_give_is_not_asked_again() -> None:
    """32 templates of which some have 50 problems: 10,000 rows took 44 s of CPU, 400 draws in vain for each row of those."""
    before = time.process_time()
    made = templated.generate(6000, split="train")
    assert len({one.problem.id for one in made}) == 6000
    assert time.process_time() - before < 8


def test_benchmarks_keep_their_kinds_when_school_templates_grow() -> None:
    assert {one.template for one in templated.generate(200)} == set(templated.template_names())
    assert len(templated.template_names()) == 32

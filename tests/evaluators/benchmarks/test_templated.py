"""Every template is solved a second time here, from the words of its question alone, with sympy or by counting."""

from __future__ import annotations

import contextlib
import io
import re
from itertools import combinations, product
from math import comb

import pytest
import sympy
from sympy import Integer, Rational, diff, integrate, limit, oo, pi, sqrt, symbols

from evaluators import templated
from evaluators.benchmarks import load_problems, names
from evaluators.benchmarks._registry import benchmark

x, y = symbols("x y")
FORMULA = re.compile(r"\$([^$]*)\$")


def number(text: str) -> sympy.Expr:
    """The value of TeX as the templates write it."""
    plain = re.sub(r"\^\{([^{}]*)\}", r"**(\1)", text)
    plain = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", plain)
    plain = re.sub(r"\\sqrt\{([^{}]*)\}", r"*sqrt(\1)", plain.replace("\\cdot", "*")).replace("\\pi", "*pi ")
    plain = re.sub(r"\|([^|]*)\|", r"Abs(\1)", plain)
    plain = re.sub(r"(?<=[\di)])\s*(?=[x(])", "*", plain)
    plain = re.sub(r"(^|[=(+\-/]\s*)\*\s*", r"\1", plain.strip())
    return sympy.sympify(plain, locals={"x": x, "y": y}, rational=True)


def polynomial(tex: str) -> sympy.Expr:
    return number(tex)


def integers(question: str) -> list[int]:
    return [int(found.replace(" ", "")) for found in re.findall(r"(?<![\w}])-? ?\d+|\d+", question)]


def formulas(question: str) -> list[str]:
    return FORMULA.findall(question)


def solve_linear(question: str) -> sympy.Expr:
    left, right = formulas(question)[-1].split("=")
    return sympy.solve(polynomial(left) - polynomial(right), x)[0]


def dice(question: str) -> sympy.Expr:
    first, second, _, target = integers(question)
    throws = list(product(range(1, first + 1), range(1, second + 1)))
    return Rational(sum(a + b == target for a, b in throws), len(throws))


def urn(question: str) -> sympy.Expr:
    hits, misses = integers(question)
    pairs = list(combinations([1] * hits + [0] * misses, 2))
    return Rational(sum(a and b for a, b in pairs), len(pairs))


def archer(question: str) -> sympy.Expr:
    hit, shots = number(formulas(question)[0]), integers(re.sub(r"\$[^$]*\$", "", question))[0]
    return 1 - (1 - hit) ** shots


def wheel(question: str) -> sympy.Expr:
    sectors, winners, big, small = integers(question)[:4]
    return Rational(winners * big + (sectors - winners) * small, sectors)


def system(question: str) -> sympy.Expr:
    equations = []
    for formula in formulas(question)[2:4]:
        left, right = formula.replace("y", "*y").replace("x", "*x").split("=")
        fixed = re.sub(r"(^|[+\-])\s*\*", r"\1 1*", left.strip())
        equations.append(sympy.sympify(fixed) - sympy.sympify(right))
    found = sympy.solve(equations, [x, y])
    return found[x] + found[y]


def euclid_free_gcd(question: str) -> sympy.Expr:
    a, b = integers(question)
    return Integer(max(d for d in range(1, min(a, b) + 1) if a % d == 0 and b % d == 0))


def area_of_triangle(question: str) -> sympy.Expr:
    points = [tuple(int(part) for part in point.strip("()").split(",")) for point in formulas(question)]
    return abs(sympy.Matrix([[px, py, 1] for px, py in points]).det()) / 2


def far_apart(question: str) -> sympy.Expr:
    first, second = (sympy.Point(*map(int, p.strip("()").split(","))) for p in formulas(question))
    return first.distance(second)


def definite(question: str) -> sympy.Expr:
    found = re.search(r"\\int_\{(-?\d+)\}\^\{(-?\d+)\} \((.*)\) ", question)
    assert found is not None
    return integrate(polynomial(found.group(3)), (x, int(found.group(1)), int(found.group(2))))


def quotient(question: str) -> sympy.Expr:
    found = re.search(r"\\to (\d+)\} \\frac\{(.*)\}\{x - \d+\}", question)
    assert found is not None
    at = int(found.group(1))
    return limit(polynomial(found.group(2)) / (x - at), x, at)


def series(question: str) -> sympy.Expr:
    first, step, count = integers(question)
    return Integer(sum(range(first, first + step * count, step)))


SOLVERS = {
    "linear_equation": solve_linear,
    "fractional_equation": lambda q: sympy.solve(polynomial(formulas(q)[1]) - polynomial(formulas(q)[2]), x)[0],
    "sum_and_difference": lambda q: sympy.solve([x + y - integers(q)[0], x - y - integers(q)[1]], [x, y])[x],
    "larger_root": lambda q: max(sympy.solve(polynomial(formulas(q)[0].split("=")[0]), x)),
    "linear_system": system,
    "arithmetic_sequence": series,
    "discount": lambda q: integers(q)[0] - Rational(integers(q)[0] * integers(q)[1], 100),
    "one_draw": lambda q: Rational(integers(q)[0], sum(integers(q))),
    "two_draws": urn,
    "dice_sum": dice,
    "at_least_one": archer,
    "expected_prize": wheel,
    "committee": lambda q: Integer(comb(integers(q)[0], integers(q)[2]) * comb(integers(q)[1], integers(q)[3])),
    "remainder": lambda q: Integer(integers(q)[0] - integers(q)[0] // integers(q)[1] * integers(q)[1]),
    "greatest_common_divisor": euclid_free_gcd,
    "meeting_again": lambda q: Integer(
        next(t for t in range(1, 10_000) if t % integers(q)[0] == 0 and t % integers(q)[1] == 0)
    ),
    "number_of_divisors": lambda q: Integer(sympy.divisor_count(integers(q)[0])),
    "power_remainder": lambda q: (
        Integer(int(re.findall(r"\d+", q)[0]) ** int(re.findall(r"\d+", q)[1])) % int(re.findall(r"\d+", q)[2])
    ),
    "multiples_of_either": lambda q: Integer(
        len({k for m in integers(q)[2:] for k in range(m, integers(q)[1] + 1, m)})
    ),
    "slope_at": lambda q: diff(polynomial(formulas(q)[0].split("=")[1]), x).subs(x, int(re.findall(r"\d+", q)[-1])),
    "derivative_of_polynomial": lambda q: diff(polynomial(formulas(q)[0]), x),
    "definite_integral": definite,
    "highest_point": lambda q: sympy.calculus.util.maximum(polynomial(formulas(q)[0]), x),
    "limit_of_quotient": quotient,
    "area_under_line": lambda q: integrate(polynomial(formulas(q)[1]), (x, 0, int(re.findall(r"\d+", q)[-1]))),
    "rectangle_area": lambda q: Integer(integers(q)[0] * integers(q)[1]),
    "distance": far_apart,
    "triangle_in_coordinates": area_of_triangle,
    "ring_area": lambda q: pi * integers(q)[1] ** 2 - pi * integers(q)[0] ** 2,
    "interior_angle": lambda q: 180 - Rational(360, integers(q)[0]),
    "box_diagonal": lambda q: sqrt(sum(side**2 for side in integers(q))),
    "shadow": lambda q: Rational(integers(q)[0], integers(q)[1]) * integers(q)[2],
}


def test_every_template_has_a_second_solver() -> None:
    assert sorted(SOLVERS) == sorted(templated.template_names())
    assert len(SOLVERS) >= 20


@pytest.mark.parametrize("name", sorted(SOLVERS))
def test_references_agree_with_an_independent_solution(name: str) -> None:
    for worked in templated.generate(12, templates=[name], split="test", seed=5):
        expected = SOLVERS[name](worked.problem.question)
        assert sympy.simplify(number(worked.problem.reference) - expected) == 0, worked.problem


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_languages_pose_the_same_problems(language: str) -> None:
    english = templated.generate(64, language="en")
    other = templated.generate(64, language=language)  # type: ignore[arg-type]  # parametrized
    assert [one.problem.reference for one in other] == [one.problem.reference for one in english]
    assert all((re.search("[\u4e00-\u9fff]", one.problem.question) is not None) == (language == "zh") for one in other)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_numeric_equation_in_a_solution_is_true(language: str) -> None:
    checked = 0
    for worked in templated.generate(160, language=language, seed=9):  # type: ignore[arg-type]  # parametrized
        for formula in FORMULA.findall(worked.cot):
            plain = re.sub(r"\\(?:frac|cdot|sqrt|pi)", "", formula)
            if "=" not in formula or re.search(r"[a-zA-Z\\]", plain):
                continue
            sides = [number(side) for side in formula.split("=")]
            assert all(sympy.simplify(side - sides[0]) == 0 for side in sides[1:]), (worked.problem.id, formula)
            checked += 1
    assert checked > 60


def test_every_form_ends_with_the_reference_in_a_box() -> None:
    for worked in templated.generate(96):
        box = f"$\\boxed{{{worked.problem.reference}}}$."
        assert worked.cot.endswith(box)
        assert worked.tir.endswith(f"```output\n{worked.output}\n```\nThe answer is {box}")
        assert worked.pot == f"```python\n{worked.program}\n```"


def test_programs_print_what_trajectories_say_they_print() -> None:
    for worked in templated.generate(96, seed=3):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(worked.program, worked.template, "exec"), {})
        assert printed.getvalue() == worked.output + "\n", worked.problem.id


def test_train_and_test_share_no_numbers() -> None:
    def numbers(split: str) -> set[tuple[str, ...]]:
        made = templated.generate(1500, split=split, templates=None if split == "test" else templated.template_names())
        return {(one.template, *sorted(re.findall(r"\d+", one.problem.question))) for one in made}

    assert numbers("train").isdisjoint(numbers("test"))


def test_the_split_ignores_order_and_sign() -> None:
    assert templated.split_of("rectangle_area", ["3", "8"]) == templated.split_of("rectangle_area", ["8", "-3"])


def test_a_smaller_count_is_a_prefix_of_a_larger_one() -> None:
    few, many = templated.generate(40), templated.generate(100)
    assert [one.problem.id for one in few] == [one.problem.id for one in many[:40]]


def test_asking_for_more_than_there_is_says_how_many_there_are() -> None:
    with pytest.raises(ValueError, match=r"expected 100000 different test problems; these templates give \d+"):
        templated.generate(100_000, templates=["slope_at"])


def test_easy_kinds_are_one_of_each_field_and_one_line_long() -> None:
    made = templated.generate(50, templates=templated.easy_templates())
    assert {one.problem.subject for one in made} == set(templated.FIELDS)
    assert all("\n" not in one.cot and len(one.cot) < 140 and "\n" not in one.program.strip()[-20:] for one in made)


@pytest.mark.parametrize("name", ["templated", "templated_zh", "templated_easy", "templated_easy_zh"])
def test_the_benchmarks_are_found_and_have_unique_questions(name: str) -> None:
    assert name in names()
    problems = load_problems(name)
    assert len({problem.question for problem in problems}) == len(problems) == benchmark(name).splits["test"].rows
    assert all(problem.id.startswith(f"{name}/test/") and problem.benchmark == name for problem in problems)
    assert {problem.language for problem in problems} == {benchmark(name).language}


def test_infinity_is_never_an_answer() -> None:
    assert all(number(one.problem.reference) not in (oo, -oo, sympy.nan) for one in templated.generate(200, seed=1))

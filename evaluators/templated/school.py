"""Exercises of school mathematics, one kind for each of more topics."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import comb, perm

from evaluators.templated._template import Draw, Parts, Template, plus, signed, tex


def _exercise(questions: tuple[str, str], answer: int | Fraction, work: str, program: str) -> Parts:
    """One whose solution is formulas alone, the same in both languages."""
    return Parts(
        question=questions,
        answer=answer,
        steps=(f"{work}.", f"{work}。"),
        plan=("Compute it exactly.", "用程序精确计算。"),
        program=program,
    )


def column_sum(draw: Draw) -> Parts:
    a, b, c = draw.whole(12, 999), draw.whole(2, 99), draw.whole(1, 99)
    value = a * b + c
    return _exercise(
        (f"Compute ${a} \\cdot {b} + {c}$.", f"计算：${a} \\cdot {b} + {c}$。"),
        value,
        f"${a} \\cdot {b} + {c} = {a * b} + {c} = {value}$",
        f"print({a} * {b} + {c})",
    )


def sum_of_fractions(draw: Draw) -> Parts:
    b, d = draw.whole(2, 15), draw.whole(2, 15)
    a, c = draw.whole(1, b - 1), draw.whole(1, d - 1)
    value = Fraction(a, b) + Fraction(c, d)
    sum_tex = f"\\frac{{{a}}}{{{b}}} + \\frac{{{c}}}{{{d}}}"
    return _exercise(
        (f"Compute ${sum_tex}$ as a fraction.", f"计算 ${sum_tex}$，结果写成分数。"),
        value,
        f"${sum_tex} = \\frac{{{a * d + c * b}}}{{{b * d}}} = {tex(value)}$",
        f"from fractions import Fraction\nprint(Fraction({a}, {b}) + Fraction({c}, {d}))",
    )


def absolute_values(draw: Draw) -> Parts:
    a, b = draw.whole(-60, -1), draw.whole(-60, 60)
    value = abs(a) + abs(b)
    return _exercise(
        (f"Compute $|{a}| + |{b}|$.", f"计算：$|{a}| + |{b}|$。"),
        value,
        f"$|{a}| + |{b}| = {abs(a)} + {abs(b)} = {value}$",
        f"print(abs({a}) + abs({b}))",
    )


def product_of_powers(draw: Draw) -> Parts:
    base, m, n = draw.whole(2, 13), draw.whole(2, 20), draw.whole(2, 20)
    return _exercise(
        (
            f"For which whole number $n$ is ${base}^{{{m}}} \\cdot {base}^{{{n}}} = {base}^{{n}}$?",
            f"若 ${base}^{{{m}}} \\cdot {base}^{{{n}}} = {base}^{{n}}$，求 $n$。",
        ),
        m + n,
        f"${m} + {n} = {m + n}$",
        f"value = {base} ** {m} * {base} ** {n}\nn = 0\nwhile value > 1:\n    value //= {base}\n    n += 1\nprint(n)",
    )


def temperature(draw: Draw) -> Parts:
    start, rise, fall = draw.whole(-20, -1), draw.whole(1, 30), draw.whole(1, 30)
    end = start + rise - fall
    return _exercise(
        (
            f"It was ${start}$ degrees. The temperature rose by {rise} degrees and then fell by {fall}. What is it now?",
            f"气温原来是 ${start}$ 度，上升{rise}度后又下降{fall}度，现在是多少度？",
        ),
        end,
        f"${start} + {rise} - {fall} = {end}$",
        f"print({start} + {rise} - {fall})",
    )


def count_of_squares(draw: Draw) -> Parts:
    low, high = draw.whole(2, 200), draw.whole(201, 3000)
    roots = [n for n in range(1, 60) if low <= n * n <= high]
    first, last = roots[0], roots[-1]
    return _exercise(
        (f"How many perfect squares are there from {low} to {high}?", f"从{low}到{high}有多少个完全平方数？"),
        len(roots),
        f"${first} \\cdot {first} = {first * first}$, ${last} \\cdot {last} = {last * last}$, ${last} - {first} + 1 = {len(roots)}$",
        f"from math import isqrt\nprint(sum(isqrt(n) ** 2 == n for n in range({low}, {high} + 1)))",
    )


def value_in_base(draw: Draw) -> Parts:
    base, digits = draw.whole(3, 9), draw.whole(3, 4)
    number = draw.whole(base ** (digits - 1), base**digits - 1)
    figures, rest = [], number
    while rest:
        rest, figure = divmod(rest, base)
        figures.append(figure)
    written = "".join(map(str, reversed(figures)))
    terms = " + ".join(f"{figure} \\cdot {base**place}" for place, figure in reversed(list(enumerate(figures))))
    return _exercise(
        (
            f"Write the number ${written}_{{{base}}}$ of base {base} in base ten.",
            f"把{base}进制数 ${written}_{{{base}}}$ 化成十进制数。",
        ),
        number,
        f"${terms} = {number}$",
        f"value = 0\nfor figure in '{written}':\n    value = value * {base} + int(figure)\nprint(value)",
    )


def arrangements(draw: Draw) -> Parts:
    people, places = draw.whole(4, 40), draw.whole(2, 3)
    value = perm(people, places)
    factors = " \\cdot ".join(str(people - step) for step in range(places))
    return _exercise(
        (
            f"In how many ways can {places} of {people} runners stand in a row?",
            f"从{people}名运动员中选{places}名排成一排，有多少种排法？",
        ),
        value,
        f"${factors} = {value}$",
        f"from math import perm\nprint(perm({people}, {places}))",
    )


def surely_two_alike(draw: Draw) -> Parts:
    colours, alike = draw.whole(2, 40), draw.whole(2, 20)
    value = colours * (alike - 1) + 1
    return _exercise(
        (
            f"A bag holds very many balls of {colours} colours. How many must be drawn to be sure of {alike} of the same colour?",
            f"袋中有{colours}种颜色的球各很多个，至少取多少个才能保证有{alike}个同色？",
        ),
        value,
        f"${colours} \\cdot ({alike} - 1) + 1 = {value}$",
        f"print({colours} * ({alike} - 1) + 1)",
    )


def either_language(draw: Draw) -> Parts:
    both, only_first, only_second, neither = draw.whole(1, 15), draw.whole(1, 30), draw.whole(1, 30), draw.whole(1, 15)
    total, first, second = both + only_first + only_second + neither, both + only_first, both + only_second
    return _exercise(
        (
            f"Of {total} children {first} swim, {second} skate and {neither} do neither. How many do both?",
            f"{total}个孩子中，{first}个会游泳，{second}个会滑冰，{neither}个都不会，两样都会的有多少个？",
        ),
        both,
        f"${total} - {neither} = {total - neither}$, ${first} + {second} - {total - neither} = {both}$",
        f"print({first} + {second} - ({total} - {neither}))",
    )


def outfits(draw: Draw) -> Parts:
    shirts, hats, shoes = draw.whole(2, 20), draw.whole(2, 20), draw.whole(2, 9)
    value = shirts * hats * shoes
    return _exercise(
        (
            f"How many outfits of a shirt, a hat and a pair of shoes can be made of {shirts} shirts, {hats} hats and {shoes} pairs of shoes?",
            f"有{shirts}件上衣、{hats}顶帽子和{shoes}双鞋，各选一样，有多少种搭配？",
        ),
        value,
        f"${shirts} \\cdot {hats} \\cdot {shoes} = {value}$",
        f"from itertools import product\nprint(len(list(product(range({shirts}), range({hats}), range({shoes})))))",
    )


def binomial_coefficient(draw: Draw) -> Parts:
    power, chosen = draw.whole(4, 40), draw.whole(2, 4)
    value = comb(power, chosen)
    return _exercise(
        (
            f"What is the coefficient of $x^{{{chosen}}}$ in $(1 + x)^{{{power}}}$?",
            f"$(1 + x)^{{{power}}}$ 的展开式中 $x^{{{chosen}}}$ 的系数是多少？",
        ),
        value,
        f"$\\binom{{{power}}}{{{chosen}}} = {value}$",
        f"from math import comb\nprint(comb({power}, {chosen}))",
    )


def median(draw: Draw) -> Parts:
    values = [draw.whole(1, 99) for _ in range(5)]
    told, middle = ", ".join(map(str, values)), sorted(values)[2]
    return _exercise(
        (f"What is the median of {told}?", f"数据{told.replace(', ', '、')}的中位数是多少？"),
        middle,
        f"${', '.join(map(str, sorted(values)))}$: ${middle}$",
        f"print(sorted([{told}])[2])",
    )


def next_in_pattern(draw: Draw) -> Parts:
    first, step, grows = draw.whole(1, 30), draw.whole(1, 9), draw.whole(1, 9)
    row = [first]
    for place in range(5):
        row.append(row[-1] + step + place * grows)
    told = ", ".join(map(str, row[:5]))
    gaps = ", ".join(str(b - a) for a, b in pairwise(row[:5]))
    return _exercise(
        (
            f"The gaps between {told} grow evenly. What is the next number?",
            f"{told.replace(', ', '、')}，相邻两数之差均匀增加，下一个数是多少？",
        ),
        row[5],
        f"${gaps}$; ${row[4]} + {row[5] - row[4]} = {row[5]}$",
        f"row = [{told}]\nprint(row[-1] + 2 * (row[-1] - row[-2]) - (row[-2] - row[-3]))",
    )


def place_in_cycle(draw: Draw) -> Parts:
    cycle, place = draw.whole(3, 9), draw.whole(50, 2000)
    value = (place - 1) % cycle + 1
    return _exercise(
        (
            f"Children count 1, 2, ..., {cycle} and begin again at 1. Which number does the child in place {place} say?",
            f"小朋友按1、2、……、{cycle}报数，然后又从1开始，第{place}个小朋友报几？",
        ),
        value,
        f"${place} - 1 = {place - 1}$, ${place - 1} - {cycle} \\cdot {(place - 1) // cycle} = {(place - 1) % cycle}$, "
        f"${(place - 1) % cycle} + 1 = {value}$",
        f"print(({place} - 1) % {cycle} + 1)",
    )


def smallest_solution(draw: Draw) -> Parts:
    a, b, c = draw.whole(2, 15), draw.whole(1, 60), draw.whole(61, 400)
    value = (c - b) // a + 1
    return _exercise(
        (
            f"What is the smallest whole number $x$ with ${a}x + {b} > {c}$?",
            f"满足 ${a}x + {b} > {c}$ 的最小整数 $x$ 是多少？",
        ),
        value,
        f"$x > {tex(Fraction(c - b, a))}$, ${a} \\cdot {value} + {b} = {a * value + b}$",
        f"print(next(x for x in range(10**6) if {a} * x + {b} > {c}))",
    )


def line_value(draw: Draw) -> Parts:
    x, slope, start = draw.whole(1, 12), draw.other(-9, 9, than=0), draw.whole(-20, 20)
    other = draw.whole(13, 30)
    y, value = slope * x + start, slope * other + start
    return _exercise(
        (
            f"A line goes through $(0, {start})$ and $({x}, {y})$. What is $y$ where $x = {other}$?",
            f"一次函数的图象过点 $(0, {start})$ 和 $({x}, {y})$，当 $x = {other}$ 时 $y$ 是多少？",
        ),
        value,
        f"$({y} - ({start})) / {x} = {slope}$, ${slope} \\cdot {other} {signed(start)} = {value}$",
        f"print(({y} - ({start})) // {x} * {other} + ({start}))",
    )


def lowest_value(draw: Draw) -> Parts:
    h, k, a = draw.other(-12, 12, than=0), draw.whole(-30, 30), draw.whole(1, 6)
    b, c = -2 * a * h, a * h * h + k
    front = "" if a == 1 else str(a)
    return _exercise(
        (
            f"What is the smallest value of ${front}x^{{2}} {plus(b)}x {signed(c)}$?",
            f"求二次函数 $y = {front}x^{{2}} {plus(b)}x {signed(c)}$ 的最小值。",
        ),
        k,
        f"$x = {h}$, ${a * h * h} {signed(b * h)} {signed(c)} = {k}$",
        f"from fractions import Fraction\na, b, c = {a}, {b}, {c}\nprint(c - Fraction(b * b, 4 * a))",
    )


def logarithm(draw: Draw) -> Parts:
    base, first, second = draw.whole(2, 30), draw.whole(1, 4), draw.whole(1, 4)
    told = f"\\log_{{{base}}} {base**first} + \\log_{{{base}}} {base**second}"
    return _exercise(
        (f"Compute ${told}$.", f"计算：${told}$。"),
        first + second,
        f"${first} + {second} = {first + second}$",
        f"from sympy import Integer, log\nprint(log(Integer({base**first} * {base**second}), {base}))",
    )


def complex_product(draw: Draw) -> Parts:
    a, b, c, d = (draw.whole(1, 15) for _ in range(4))
    value = a * c - b * d
    return _exercise(
        (f"What is the real part of $({a} + {b}i)({c} + {d}i)$?", f"复数 $({a} + {b}i)({c} + {d}i)$ 的实部是多少？"),
        value,
        f"${a} \\cdot {c} - {b} \\cdot {d} = {value}$",
        f"print(int((complex({a}, {b}) * complex({c}, {d})).real))",
    )


def scalar_product(draw: Draw) -> Parts:
    a, b, c, d = (draw.whole(-12, 12) for _ in range(4))
    value = a * c + b * d
    return _exercise(
        (
            f"What is the scalar product of the vectors $({a}, {b})$ and $({c}, {d})$?",
            f"求向量 $({a}, {b})$ 与 $({c}, {d})$ 的数量积。",
        ),
        value,
        f"${a} \\cdot ({c}) + ({b}) \\cdot ({d}) = {value}$",
        f"print({a} * {c} + {b} * {d})",
    )


def difference_of_squares(draw: Draw) -> Parts:
    middle, off = draw.whole(20, 400), draw.whole(1, 19)
    value = middle * middle - off * off
    return _exercise(
        (
            f"Compute ${middle - off} \\cdot {middle + off}$.",
            f"用平方差公式计算 ${middle - off} \\cdot {middle + off}$。",
        ),
        value,
        f"$({middle} - {off}) \\cdot ({middle} + {off}) = {middle * middle} - {off * off} = {value}$",
        f"print({middle - off} * {middle + off})",
    )


def box_volume(draw: Draw) -> Parts:
    a, b, c = (draw.whole(2, 30) for _ in range(3))
    return _exercise(
        (
            f"A box has the edges {a}, {b} and {c}. What is its volume?",
            f"长方体的长、宽、高是{a}、{b}、{c}，体积是多少？",
        ),
        a * b * c,
        f"${a} \\cdot {b} \\cdot {c} = {a * b * c}$",
        f"print({a} * {b} * {c})",
    )


def third_angle(draw: Draw) -> Parts:
    a, b = draw.whole(10, 90), draw.whole(10, 79)
    return _exercise(
        (
            f"Two angles of a triangle are {a} and {b} degrees. How many degrees has the third?",
            f"三角形的两个角是{a}度和{b}度，第三个角是多少度？",
        ),
        180 - a - b,
        f"$180 - {a} - {b} = {180 - a - b}$",
        f"print(180 - {a} - {b})",
    )


TEMPLATES = (
    Template(name="column_sum", field="other", topic="whole_number_arithmetic", make=column_sum),
    Template(name="sum_of_fractions", field="other", topic="fractions", make=sum_of_fractions),
    Template(name="absolute_values", field="algebra", topic="absolute_value", make=absolute_values),
    Template(name="product_of_powers", field="algebra", topic="powers", make=product_of_powers),
    Template(name="temperature", field="algebra", topic="rational_numbers", make=temperature),
    Template(name="count_of_squares", field="number_theory", topic="perfect_squares", make=count_of_squares),
    Template(name="value_in_base", field="number_theory", topic="bases_and_place_value", make=value_in_base),
    Template(name="arrangements", field="probability", topic="permutations_and_combinations", make=arrangements),
    Template(name="surely_two_alike", field="probability", topic="pigeonhole_principle", make=surely_two_alike),
    Template(name="either_language", field="probability", topic="inclusion_exclusion", make=either_language),
    Template(name="outfits", field="probability", topic="counting_principles", make=outfits),
    Template(name="binomial_coefficient", field="probability", topic="binomial_theorem", make=binomial_coefficient),
    Template(name="median", field="probability", topic="statistics", make=median),
    Template(name="next_in_pattern", field="other", topic="number_patterns", make=next_in_pattern),
    Template(name="place_in_cycle", field="other", topic="periodic_patterns", make=place_in_cycle),
    Template(name="smallest_solution", field="algebra", topic="inequalities", make=smallest_solution),
    Template(name="line_value", field="algebra", topic="linear_functions", make=line_value),
    Template(name="lowest_value", field="algebra", topic="quadratic_functions", make=lowest_value),
    Template(name="logarithm", field="algebra", topic="exponentials_and_logarithms", make=logarithm),
    Template(name="complex_product", field="algebra", topic="complex_numbers", make=complex_product),
    Template(name="scalar_product", field="geometry", topic="vectors", make=scalar_product),
    Template(
        name="difference_of_squares", field="algebra", topic="multiplication_formulas", make=difference_of_squares
    ),
    Template(name="box_volume", field="geometry", topic="solids_and_volume", make=box_volume),
    Template(name="third_angle", field="geometry", topic="triangles", make=third_angle),
)

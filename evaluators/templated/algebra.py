"""Algebra: equations, sequences, percentages."""

from __future__ import annotations

from fractions import Fraction

from evaluators.templated._template import NAMES, Draw, Parts, Template, plus, signed, tex, times


def linear_equation(draw: Draw) -> Parts:
    a, x, b = draw.whole(2, 9), draw.whole(1, 12), draw.whole(1, 20)
    c = a * x + b
    return Parts(
        question=(f"Solve for $x$: ${a}x + {b} = {c}$.", f"解方程：${a}x + {b} = {c}$。"),
        answer=x,
        steps=(
            f"${a}x = {c} - {b} = {c - b}$, so $x = {c - b} / {a} = {x}$.",
            f"${a}x = {c} - {b} = {c - b}$，所以 $x = {c - b} / {a} = {x}$。",
        ),
        plan=("Subtract and divide.", "先移项，再相除。"),
        program=f"print(({c} - {b}) // {a})",
    )


def fractional_equation(draw: Draw) -> Parts:
    a, c = draw.whole(2, 9), draw.whole(-9, -1)
    b, d = draw.other(-15, 15, than=0), draw.other(-15, 15, than=0)
    x = Fraction(d - b, a - c)
    return Parts(
        question=(
            f"For which number $x$ do ${a}x {signed(b)}$ and ${times(c)}x {signed(d)}$ have the same value?",
            f"当 $x$ 取何值时，${a}x {signed(b)}$ 与 ${times(c)}x {signed(d)}$ 的值相等？",
        ),
        answer=x,
        steps=(
            f"Setting both equal gives ${a - c}x = {d - b}$. Dividing by ${a - c}$, $x = {tex(x)}$.",
            f"令两式相等，得 ${a - c}x = {d - b}$。两边同除以 ${a - c}$，得 $x = {tex(x)}$。",
        ),
        plan=(
            "Collect the terms with $x$ on one side and divide exactly.",
            "把含 $x$ 的项移到一边，再作精确的除法。",
        ),
        program=f"from fractions import Fraction\nx = Fraction({d} - ({b}), {a} - ({c}))\nprint(x)",
    )


def sum_and_difference(draw: Draw) -> Parts:
    small, gap = draw.whole(3, 60), draw.whole(2, 40)
    large = small + gap
    total, who = small + large, draw.word(NAMES)
    return Parts(
        question=(
            f"{who[0]} writes down two numbers whose sum is {total} and whose difference is {gap}. What is the larger number?",
            f"{who[1]}写下两个数，它们的和是{total}，差是{gap}，较大的数是多少？",
        ),
        answer=large,
        steps=(
            f"Adding sum and difference gives twice the larger number: ${total} + {gap} = {total + gap}$. "
            f"Half of it is ${total + gap} / 2 = {large}$.",
            f"和与差相加等于较大数的两倍：${total} + {gap} = {total + gap}$。"
            f"它的一半是 ${total + gap} / 2 = {large}$。",
        ),
        plan=("The larger number is half of sum plus difference.", "较大数等于和与差之和的一半。"),
        program=f"total, gap = {total}, {gap}\nlarger = (total + gap) // 2\nprint(larger)",
    )


def larger_root(draw: Draw) -> Parts:
    r = draw.whole(-9, 8)
    s = draw.whole(r + 1, 12)
    b, c = -(r + s), r * s
    middle = {0: "", 1: " + x", -1: " - x"}.get(b, f" {signed(b)}x")
    last = f" {signed(c)}" if c else ""
    return Parts(
        question=(
            f"Find the larger root of $x^{{2}}{middle}{last} = 0$.",
            f"求方程 $x^{{2}}{middle}{last} = 0$ 的较大的根。",
        ),
        answer=s,
        steps=(
            f"Two numbers with sum ${r + s}$ and product ${c}$ are ${r}$ and ${s}$; these are the roots. "
            f"The larger one is ${s}$.",
            f"和为 ${r + s}$、积为 ${c}$ 的两个数是 ${r}$ 和 ${s}$，它们就是方程的根。较大的是 ${s}$。",
        ),
        plan=(
            "The discriminant is a square, so both roots are whole numbers.",
            "判别式是完全平方数，所以两个根都是整数。",
        ),
        program=(f"from math import isqrt\nb, c = {b}, {c}\nd = b * b - 4 * c\nprint((-b + isqrt(d)) // 2)"),
    )


def linear_system(draw: Draw) -> Parts:
    a, b, c = draw.whole(1, 6), draw.whole(1, 6), draw.whole(1, 6)
    d = draw.whole(-6, -1)
    x, y = draw.whole(-8, 8), draw.whole(-8, 8)
    e, f, det = a * x + b * y, c * x + d * y, a * d - b * c
    first, second = f"{times(a)}x {plus(b)}y = {e}", f"{times(c)}x {plus(d)}y = {f}"
    return Parts(
        question=(
            f"Let $x$ and $y$ satisfy ${first}$ and ${second}$. Compute $x + y$.",
            f"已知 $x$、$y$ 满足 ${first}$ 和 ${second}$，求 $x + y$。",
        ),
        answer=x + y,
        steps=(
            f"The determinant is ${a} \\cdot ({d}) - {b} \\cdot {c} = {det}$. By Cramer's rule "
            f"$x = {e * d - b * f} / ({det}) = {x}$ and $y = {a * f - e * c} / ({det}) = {y}$. So $x + y = {x + y}$.",
            f"系数行列式为 ${a} \\cdot ({d}) - {b} \\cdot {c} = {det}$。由克拉默法则，"
            f"$x = {e * d - b * f} / ({det}) = {x}$，$y = {a * f - e * c} / ({det}) = {y}$。所以 $x + y = {x + y}$。",
        ),
        plan=("Solve the two equations exactly.", "用程序精确求解这个方程组。"),
        program=(
            f"from sympy import solve, symbols\nx, y = symbols('x y')\n"
            f"found = solve([{a}*x + {b}*y - ({e}), {c}*x + ({d})*y - ({f})], [x, y])\nprint(found[x] + found[y])"
        ),
    )


def arithmetic_sequence(draw: Draw) -> Parts:
    first, step, n = draw.whole(-10, 20), draw.whole(2, 9), draw.whole(10, 40)
    last = first + (n - 1) * step
    total = n * (first + last) // 2
    return Parts(
        question=(
            f"An arithmetic sequence starts with {first} and grows by {step} at each step. What is the sum of its first {n} terms?",
            f"一个等差数列的首项是{first}，公差是{step}，它的前{n}项之和是多少？",
        ),
        answer=total,
        steps=(
            f"The last of these terms is ${first} + {n - 1} \\cdot {step} = {last}$. The sum is "
            f"${n} \\cdot ({first} + {last}) / 2 = {total}$.",
            f"第{n}项是 ${first} + {n - 1} \\cdot {step} = {last}$。所以和为 ${n} \\cdot ({first} + {last}) / 2 = {total}$。",
        ),
        plan=("Add the terms one after another.", "逐项相加即可。"),
        program=f"total = sum({first} + {step} * k for k in range({n}))\nprint(total)",
    )


def discount(draw: Draw) -> Parts:
    price, off, goods = draw.whole(4, 40) * 20, draw.one_of((5, 10, 15, 20, 25, 30, 35, 40)), draw.word(GOODS)
    paid = price * (100 - off) // 100
    return Parts(
        question=(
            f"{goods[0]} that used to cost {price} coins is sold {off}% cheaper. How many coins does it cost now?",
            f"{goods[1]}原来卖{price}枚金币，现在降价{off}%出售，现在卖多少枚金币？",
        ),
        answer=paid,
        steps=(
            f"The price falls by ${price} \\cdot {off} / 100 = {price - paid}$ coins, to ${price} - {price - paid} = {paid}$.",
            f"价格降低了 ${price} \\cdot {off} / 100 = {price - paid}$，现价为 ${price} - {price - paid} = {paid}$。",
        ),
        plan=("What remains is the old price times the remaining percentage.", "现价等于原价乘以剩下的百分比。"),
        program=f"price, off = {price}, {off}\nprint(price * (100 - off) // 100)",
    )


GOODS = (("A cloak", "一件斗篷"), ("A saddle", "一副马鞍"), ("A lantern", "一盏提灯"), ("A drum", "一面小鼓"))


TEMPLATES = (
    Template(name="linear_equation", field="algebra", topic="linear_equations", make=linear_equation, easy=True),
    Template(name="fractional_equation", field="algebra", topic="linear_equations", make=fractional_equation),
    Template(
        name="sum_and_difference", field="algebra", topic="sums_differences_and_multiples", make=sum_and_difference
    ),
    Template(name="larger_root", field="algebra", topic="quadratic_equations", make=larger_root),
    Template(name="linear_system", field="algebra", topic="systems_of_linear_equations", make=linear_system),
    Template(name="arithmetic_sequence", field="algebra", topic="sequences", make=arithmetic_sequence),
    Template(name="discount", field="algebra", topic="percentages_and_discounts", make=discount),
)

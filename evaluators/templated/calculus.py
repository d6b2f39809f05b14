"""Calculus: derivatives, integrals, limits, extrema of polynomials."""

from __future__ import annotations

from fractions import Fraction

from evaluators.templated._template import Draw, Exact, Parts, Template, plus, signed, tex, times

SYMPY = "from sympy import *\nx = symbols('x')\n"


def slope_at(draw: Draw) -> Parts:
    a, x = draw.whole(2, 12), draw.whole(1, 12)
    return Parts(
        question=(
            f"Let $f(x) = {a}x^{{2}}$. What is $f'({x})$?",
            f"设 $f(x) = {a}x^{{2}}$，求 $f'({x})$。",
        ),
        answer=2 * a * x,
        steps=(
            f"$f'(x) = {2 * a}x$, so $f'({x}) = {2 * a} \\cdot {x} = {2 * a * x}$.",
            f"$f'(x) = {2 * a}x$，所以 $f'({x}) = {2 * a} \\cdot {x} = {2 * a * x}$。",
        ),
        plan=("Differentiate and insert.", "先求导再代入。"),
        program=f"print(2 * {a} * {x})",
    )


def derivative_of_polynomial(draw: Draw) -> Parts:
    a, b, c, n = draw.whole(2, 9), draw.whole(2, 9), draw.whole(1, 9), draw.whole(3, 6)
    power = f"x^{{{n - 1}}}"
    return Parts(
        question=(
            f"Differentiate ${a}x^{{{n}}} + {b}x^{{2}} - {c}$ with respect to $x$.",
            f"求函数 $y = {a}x^{{{n}}} + {b}x^{{2}} - {c}$ 的导函数。",
        ),
        answer=Exact(f"{a * n}{power} + {2 * b}x", f"{a * n}*x**{n - 1} + {2 * b}*x"),
        steps=(
            f"Term by term: ${a} \\cdot {n} {power} = {a * n}{power}$, ${b} \\cdot 2x = {2 * b}x$, and the constant vanishes.",
            f"逐项求导：${a} \\cdot {n} {power} = {a * n}{power}$，${b} \\cdot 2x = {2 * b}x$，常数项的导数为零。",
        ),
        plan=("Let sympy differentiate.", "用 sympy 求导。"),
        program=f"{SYMPY}print(diff({a}*x**{n} + {b}*x**2 - {c}, x))",
    )


def definite_integral(draw: Draw) -> Parts:
    a, b = draw.whole(1, 9), draw.other(-9, 9, than=0)
    low = draw.whole(-3, 2)
    high = draw.whole(low + 1, 5)
    value = Fraction(a * (high**3 - low**3), 3) + b * (high - low)
    top, bottom = (Fraction(a * end**3, 3) + b * end for end in (high, low))
    front = times(a)
    primitive = f"{tex(Fraction(a, 3)) if a != 3 else ''}x^{{3}} {plus(b)}x"
    return Parts(
        question=(
            f"Evaluate $\\int_{{{low}}}^{{{high}}} ({front}x^{{2}} {signed(b)}) \\, dx$.",
            f"计算定积分 $\\int_{{{low}}}^{{{high}}} ({front}x^{{2}} {signed(b)}) \\, dx$。",
        ),
        answer=value,
        steps=(
            f"A primitive is $F(x) = {primitive}$. "
            f"$F({high}) - F({low}) = {tex(top)} - ({tex(bottom)}) = {tex(value)}$.",
            f"一个原函数是 $F(x) = {primitive}$。"
            f"$F({high}) - F({low}) = {tex(top)} - ({tex(bottom)}) = {tex(value)}$。",
        ),
        plan=("Integrate exactly with sympy.", "用 sympy 精确积分。"),
        program=f"{SYMPY}print(integrate({a}*x**2 + ({b}), (x, {low}, {high})))",
    )


def highest_point(draw: Draw) -> Parts:
    a, b, c = draw.whole(1, 6), draw.whole(1, 20), draw.other(-10, 20, than=0)
    value = c + Fraction(b * b, 4 * a)
    where = Fraction(b, 2 * a)
    front = times(-a)
    second = f"{times(b)}x"
    return Parts(
        question=(
            f"Find the maximum value of ${front}x^{{2}} + {second} {signed(c)}$ over the real numbers.",
            f"求函数 ${front}x^{{2}} + {second} {signed(c)}$ 在实数范围内的最大值。",
        ),
        answer=value,
        steps=(
            f"The derivative $-{2 * a}x + {b}$ vanishes at $x = {tex(where)}$, where the value is ${tex(value)}$.",
            f"导数 $-{2 * a}x + {b}$ 在 $x = {tex(where)}$ 处为零，此处的函数值为 ${tex(value)}$。",
        ),
        plan=("Find the zero of the derivative and insert it.", "求导数的零点并代入。"),
        program=(f"{SYMPY}f = -{a}*x**2 + {b}*x + ({c})\ntop = solve(diff(f, x), x)[0]\nprint(f.subs(x, top))"),
    )


def limit_of_quotient(draw: Draw) -> Parts:
    r, s = draw.whole(1, 9), draw.other(-9, 9, than=0)
    value = r - s
    b, c = -(r + s), r * s
    middle = {0: "", 1: " + x", -1: " - x"}.get(b, f" {signed(b)}x")
    last = f" {signed(c)}" if c else ""
    top = f"x^{{2}}{middle}{last}"
    return Parts(
        question=(
            f"Compute $\\lim_{{x \\to {r}}} \\frac{{{top}}}{{x - {r}}}$.",
            f"求极限 $\\lim_{{x \\to {r}}} \\frac{{{top}}}{{x - {r}}}$。",
        ),
        answer=value,
        steps=(
            f"The numerator is $(x - {r})(x {signed(-s)})$, so the quotient tends to ${r} {signed(-s)} = {value}$.",
            f"分子等于 $(x - {r})(x {signed(-s)})$，约去公因式后极限为 ${r} {signed(-s)} = {value}$。",
        ),
        plan=("Let sympy take the limit.", "用 sympy 求极限。"),
        program=f"{SYMPY}print(limit((x**2 + ({b})*x + ({c})) / (x - {r}), x, {r}))",
    )


def area_under_line(draw: Draw) -> Parts:
    a, n = draw.whole(1, 8), draw.whole(2, 9)
    value = Fraction(a * n * n, 2)
    front = f"{times(a)}x"
    return Parts(
        question=(
            f"The velocity of a cart after $x$ seconds is ${front}$ metres per second. How many metres does it cover in the first "
            f"{n} seconds?",
            f"小车在第 $x$ 秒末的速度是每秒 ${front}$ 米，它在最初{n}秒内一共行驶多少米？",
        ),
        answer=value,
        steps=(
            f"The distance is $\\int_{{0}}^{{{n}}} {front} \\, dx = \\frac{{{a} \\cdot {n}^{{2}}}}{{2}} = {tex(value)}$.",
            f"路程为 $\\int_{{0}}^{{{n}}} {front} \\, dx = \\frac{{{a} \\cdot {n}^{{2}}}}{{2}} = {tex(value)}$。",
        ),
        plan=("Integrate the velocity.", "对速度积分。"),
        program=f"{SYMPY}print(integrate({a}*x, (x, 0, {n})))",
    )


TEMPLATES = (
    Template(name="slope_at", field="calculus", topic="derivatives", make=slope_at, easy=True),
    Template(name="derivative_of_polynomial", field="calculus", topic="derivatives", make=derivative_of_polynomial),
    Template(name="definite_integral", field="calculus", topic="limits_and_integrals", make=definite_integral),
    Template(name="highest_point", field="calculus", topic="derivatives", make=highest_point),
    Template(name="limit_of_quotient", field="calculus", topic="limits_and_integrals", make=limit_of_quotient),
    Template(name="area_under_line", field="calculus", topic="limits_and_integrals", make=area_under_line),
)

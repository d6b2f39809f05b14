"""Number theory: divisibility, remainders, divisors."""

from __future__ import annotations

from math import gcd, lcm

from evaluators.templated._template import Draw, Parts, Template


def remainder(draw: Draw) -> Parts:
    m, q = draw.whole(3, 12), draw.whole(2, 12)
    r = draw.whole(0, m - 1)
    n = m * q + r
    return Parts(
        question=(f"What is the remainder when {n} is divided by {m}?", f"{n}除以{m}的余数是多少？"),
        answer=r,
        steps=(
            f"${n} = {m} \\cdot {q} + {r}$, so the remainder is ${r}$.",
            f"${n} = {m} \\cdot {q} + {r}$，所以余数是 ${r}$。",
        ),
        plan=("Take the remainder.", "直接求余数。"),
        program=f"print({n} % {m})",
    )


def greatest_common_divisor(draw: Draw) -> Parts:
    g, a = draw.whole(2, 24), draw.whole(2, 15)
    b = draw.other(2, 15, than=a)
    m, n = g * a, g * b
    rows = []
    x, y = max(m, n), min(m, n)
    while y:
        rows.append(f"{x} = {y} \\cdot {x // y} + {x % y}")
        x, y = y, x % y
    chain, chain_zh = "$, $".join(rows), "$，$".join(rows)
    return Parts(
        question=(
            f"Find the greatest common divisor of {m} and {n}.",
            f"求{m}和{n}的最大公约数。",
        ),
        answer=gcd(m, n),
        steps=(
            f"Euclid's algorithm: ${chain}$. The last divisor is ${gcd(m, n)}$.",
            f"辗转相除：${chain_zh}$。最后的除数是 ${gcd(m, n)}$。",
        ),
        plan=("Use Euclid's algorithm.", "用辗转相除法。"),
        program=f"a, b = {m}, {n}\nwhile b:\n    a, b = b, a % b\nprint(a)",
    )


def meeting_again(draw: Draw) -> Parts:
    a = draw.whole(4, 30)
    b = draw.other(4, 30, than=a)
    both = lcm(a, b)
    return Parts(
        question=(
            f"Two lighthouses flash together. One flashes every {a} seconds, the other every {b} seconds. After how many "
            "seconds do they next flash together?",
            f"两座灯塔同时闪光，一座每{a}秒闪一次，另一座每{b}秒闪一次，至少过多少秒后两座灯塔再次同时闪光？",
        ),
        answer=both,
        steps=(
            f"The greatest common divisor of {a} and {b} is {gcd(a, b)}, so the least common multiple is "
            f"${a} \\cdot {b} / {gcd(a, b)} = {both}$.",
            f"{a}和{b}的最大公约数是{gcd(a, b)}，所以最小公倍数是 ${a} \\cdot {b} / {gcd(a, b)} = {both}$。",
        ),
        plan=("The least common multiple is wanted.", "即求最小公倍数。"),
        program=f"from math import gcd\na, b = {a}, {b}\nprint(a * b // gcd(a, b))",
    )


def number_of_divisors(draw: Draw) -> Parts:
    primes = [2, 3, 5, 7]
    exponents = [draw.whole(1, 4), draw.whole(0, 3), draw.whole(0, 2), draw.whole(0, 1)]
    n, count = 1, 1
    for prime, exponent in zip(primes, exponents, strict=True):
        n *= prime**exponent
        count *= exponent + 1
    used = [(p, e) for p, e in zip(primes, exponents, strict=True) if e]
    factored = " \\cdot ".join(f"{p}^{{{e}}}" for p, e in used)
    product = " \\cdot ".join(str(e + 1) for _, e in used)
    shown = f"{product} = {count}" if len(used) > 1 else f"{used[0][1]} + 1 = {count}"
    return Parts(
        question=(
            f"How many positive divisors does {n} have, counting 1 and {n} itself?",
            f"{n}一共有多少个正约数（包括1和它本身）？",
        ),
        answer=count,
        steps=(
            f"${n} = {factored}$, and each exponent can be lowered independently, which gives ${shown}$ divisors.",
            f"${n} = {factored}$，每个指数可以独立地减小，所以约数的个数为 ${shown}$。",
        ),
        plan=("Try every number up to it.", "逐个试除。"),
        program=f"n = {n}\nprint(sum(n % d == 0 for d in range(1, n + 1)))",
    )


def power_remainder(draw: Draw) -> Parts:
    m, a, n = draw.whole(5, 19), draw.whole(2, 15), draw.whole(10, 60)
    r = pow(a, n, m)
    half, odd = n // 2, n % 2
    part = pow(a, half, m)
    extra = f" \\cdot {a}" if odd else ""
    return Parts(
        question=(
            f"Which remainder does ${a}^{{{n}}}$ leave on division by {m}?",
            f"${a}^{{{n}}}$ 被{m}除所得的余数等于几？",
        ),
        answer=r,
        steps=(
            f"By repeated squaring ${a}^{{{half}}}$ leaves the remainder {part} modulo {m}. Then "
            f"${part}^{{2}}{extra} = {part * part * (a if odd else 1)}$ leaves ${r}$.",
            f"反复平方可知 ${a}^{{{half}}}$ 模{m}余{part}。于是 ${part}^{{2}}{extra} = {part * part * (a if odd else 1)}$ 余 ${r}$。",
        ),
        plan=("Use modular exponentiation.", "用模幂运算。"),
        program=f"print(pow({a}, {n}, {m}))",
    )


def multiples_of_either(draw: Draw) -> Parts:
    limit, m = draw.whole(50, 900), draw.whole(3, 15)
    n = draw.other(3, 15, than=m)
    either = limit // m + limit // n - limit // lcm(m, n)
    return Parts(
        question=(
            f"How many of the numbers from 1 to {limit} are multiples of {m} or of {n}?",
            f"从1到{limit}的整数中，是{m}或{n}的倍数的共有多少个？",
        ),
        answer=either,
        steps=(
            f"There are {limit // m} multiples of {m}, {limit // n} of {n} and {limit // lcm(m, n)} of both. "
            f"So ${limit // m} + {limit // n} - {limit // lcm(m, n)} = {either}$.",
            f"{m}的倍数有{limit // m}个，{n}的倍数有{limit // n}个，同时是两者倍数的有{limit // lcm(m, n)}个。"
            f"所以 ${limit // m} + {limit // n} - {limit // lcm(m, n)} = {either}$。",
        ),
        plan=("Count them.", "逐个计数。"),
        program=f"print(sum(k % {m} == 0 or k % {n} == 0 for k in range(1, {limit + 1})))",
    )


TEMPLATES = (
    Template(name="remainder", field="number_theory", topic="remainders_and_congruence", make=remainder, easy=True),
    Template(
        name="greatest_common_divisor",
        field="number_theory",
        topic="factors_and_multiples",
        make=greatest_common_divisor,
    ),
    Template(name="meeting_again", field="number_theory", topic="factors_and_multiples", make=meeting_again),
    Template(name="number_of_divisors", field="number_theory", topic="factors_and_multiples", make=number_of_divisors),
    Template(name="power_remainder", field="number_theory", topic="remainders_and_congruence", make=power_remainder),
    Template(name="multiples_of_either", field="number_theory", topic="divisibility", make=multiples_of_either),
)

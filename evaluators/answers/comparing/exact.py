"""Exact rationals: the value of a tree of numerals, within a budget of bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from evaluators.answers.values import Node

MAX_BITS = 200_000
"""Bits of any number on the way: 9^9^9^9 is refused before it is computed, 2^2024 - 1 and 2023! are not."""
MAX_FACTORIAL = 10_000


class OverBudget(ArithmeticError):
    """The value exists and is too large to write down."""


def rational(node: Node) -> Fraction | None:
    """The exact value where it is rational by arithmetic alone, else None. Raises OverBudget, ZeroDivisionError."""
    op, args, value = node
    if op == "num":
        return value  # type: ignore[no-any-return]  # a num's value is a Fraction
    if op == "dec":
        return value[0]  # type: ignore[no-any-return]  # a dec's value is (Fraction, places)
    if op == "base":
        return Fraction(int(value[0], value[1])) if all(int(c, 36) < value[1] for c in value[0]) else None
    rule = _RULES.get(op)
    if rule is None:
        return None
    values = []
    for arg in args:
        inner = rational(arg)
        if inner is None:
            return None
        values.append(inner)
    if op == "fn":
        return _function(value, values)
    return rule(*values)


def _small(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
        raise OverBudget
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent.denominator != 1:
        return perfect_root(base, exponent.denominator, abs(exponent.numerator), exponent < 0)
    if base in (0, 1, -1):
        if base == 0 and exponent <= 0:
            raise ZeroDivisionError
        return base if exponent % 2 else abs(base)
    size = base.numerator.bit_length() + base.denominator.bit_length()
    if abs(exponent) * size > MAX_BITS:
        raise OverBudget
    return base ** int(exponent)


def perfect_root(base: Fraction, degree: int, power: int = 1, inverse: bool = False) -> Fraction | None:
    """base^(power/degree) where the root is rational; None otherwise."""
    if degree > 64 or (base < 0 and degree % 2 == 0):
        return None
    upper, lower = _integer_root(abs(base.numerator), degree), _integer_root(base.denominator, degree)
    if upper is None or lower is None:
        return None
    root = Fraction(upper if base >= 0 else -upper, lower)
    result = _power(root, Fraction(power))
    return result if result is None or not inverse else 1 / result


def _integer_root(value: int, degree: int) -> int | None:
    if value < 2:
        return value
    if degree == 2:
        guess = math.isqrt(value)
        return guess if guess * guess == value else None
    low, high = 1, 1 << (value.bit_length() // degree + 1)
    while low <= high:
        middle = (low + high) // 2
        power = middle**degree
        if power == value:
            return middle
        low, high = (middle + 1, high) if power < value else (low, middle - 1)
    return None


def _root(base: Fraction, degree: Fraction) -> Fraction | None:
    if degree.denominator != 1 or degree < 1:
        return None
    return perfect_root(base, int(degree))


def _function(name: str, values: list[Fraction]) -> Fraction | None:
    if len(values) == 1:
        (x,) = values
        if name == "abs":
            return abs(x)
        if name in ("floor", "ceil"):
            return Fraction(math.floor(x) if name == "floor" else math.ceil(x))
        if name == "factorial" and x.denominator == 1 and x >= 0:
            if x > MAX_FACTORIAL:
                raise OverBudget
            return Fraction(math.factorial(int(x)))
        if name == "double_factorial" and x.denominator == 1 and x >= 0:
            if x > MAX_FACTORIAL:
                raise OverBudget
            return Fraction(math.prod(range(int(x), 0, -2)))
    integers = [int(v) for v in values if v.denominator == 1]
    if len(integers) != len(values):
        return {"max": max, "min": min}[name](values) if name in ("max", "min") else None
    if name == "binom" and len(values) == 2 and 0 <= integers[1] <= integers[0] <= MAX_FACTORIAL:
        return Fraction(math.comb(*integers))
    if name == "mod" and len(values) == 2 and integers[1]:
        return Fraction(integers[0] % integers[1])
    simple = {"gcd": math.gcd, "lcm": math.lcm, "max": max, "min": min}.get(name)
    return Fraction(simple(*integers)) if simple and len(integers) > 1 else None  # type: ignore[operator]


_RULES: dict[str, Callable[..., Fraction | None]] = {
    "add": lambda a, b: _small(a + b),
    "mul": lambda a, b: _small(a * b),
    "div": lambda a, b: _small(a / b),
    "neg": lambda a: -a,
    "mixed": lambda a, b: a + b,
    "percent": lambda a: a / 100,
    "pow": _power,
    "root": _root,
    "fn": _function,
}

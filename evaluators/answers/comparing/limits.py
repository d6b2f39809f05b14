"""Limits by power series with rational coefficients: (e^x - 1)/x, (1 - cos 3x)/x^2, (2n + 1)/(5n - 2), (1 + 3/n)^n.

A series is (v, c): the sum of c[i] u^(v+i), where the variable is a + u, 1/u or -1/u with u towards 0. What has no such
series, or needs more terms, is left for sympy.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import factorial
from typing import NamedTuple

from evaluators.answers.comparing.exact import OverBudget, perfect_root, rational
from evaluators.answers.values import EULER, INFINITY, Node, negated, num, symbols, walk

TERMS = 10
MAX_PRODUCTS = 120
"""Products of series in one limit: at most some 8 ms."""
MAX_LIMITS = 3
"""Limits of one answer that are taken."""
MAX_BITS = 3_000
"""Bits of a coefficient."""
MAX_EXPONENT = 20


class NoSeries(ArithmeticError):
    """The function has no series that these rules find."""


class Series(NamedTuple):
    valuation: int
    terms: list[Fraction]


def taken(node: Node) -> Node:
    """The tree with every limit in it that these rules find; the others as they are."""
    if not 0 < sum(n.op == "lim" for n in walk(node)) <= MAX_LIMITS:
        return node
    node = node._replace(args=tuple(taken(arg) for arg in node.args))
    if node.op != "lim":
        return node
    try:
        return _limit(node.args[0], node.value, node.args[1])
    except (NoSeries, OverBudget, ZeroDivisionError):
        return node


def _limit(body: Node, name: str, point: Node) -> Node:
    if symbols(body) - {name} or name not in symbols(body):
        raise NoSeries
    expansion = _Expansion(name, point)
    if body.op == "pow" and name in symbols(body.args[1]):
        base, exponent = body.args
        logarithm = expansion.of(exponent) if base == EULER else expansion.of(_logarithm(base, exponent))
        return Node("pow", (EULER, num(_value(logarithm))))
    return num(_value(expansion.of(body)))


def _logarithm(base: Node, exponent: Node) -> Node:
    return Node("mul", (exponent, Node("fn", (base,), "ln")))


def _value(series: Series) -> Fraction:
    """The limit for u towards 0."""
    series = _trimmed(series)
    if series.valuation < 0:
        raise NoSeries  # it has no bound, or none from one side
    return series.terms[0] if series.valuation == 0 else Fraction(0)


def _trimmed(series: Series) -> Series:
    """Without leading zeros."""
    for index, term in enumerate(series.terms):
        if term:
            return Series(series.valuation + index, series.terms[index:])
    raise NoSeries  # all that is known is zero


def _constant(value: Fraction) -> Series:
    return Series(0, [value] + [Fraction(0)] * (TERMS - 1))


class _Expansion:
    """Expands trees in u about one point."""

    def __init__(self, name: str, point: Node) -> None:
        self.name = name
        self.left = MAX_PRODUCTS
        self.one_sided = point in (INFINITY, negated(INFINITY))
        if self.one_sided:
            sign = Fraction(1 if point == INFINITY else -1)
            self.variable = Series(-1, [sign] + [Fraction(0)] * (TERMS - 1))
            return
        at = rational(point)
        if at is None:
            raise NoSeries
        self.variable = Series(0, [at, Fraction(1)] + [Fraction(0)] * (TERMS - 2))

    def of(self, node: Node) -> Series:
        if self.name not in symbols(node):
            value = rational(node)
            if value is None:
                raise NoSeries
            return _constant(value)
        if node.op == "sym":
            return self.variable
        if node.op == "fn" and len(node.args) == 1:
            return self.function(node.value, self.of(node.args[0]))
        if node.op == "neg":
            return self.opposite(self.of(node.args[0]))
        rule = {"add": self.sum, "mul": self.product, "div": self.quotient}.get(node.op)
        if rule is not None:
            return rule(self.of(node.args[0]), self.of(node.args[1]))
        if node.op == "root":
            degree = rational(node.args[1])
            return self.power(self.of(node.args[0]), 1 / degree if degree else Fraction(0))
        if node.op == "pow":
            return self.of_power(*node.args)
        raise NoSeries

    def of_power(self, base: Node, exponent: Node) -> Series:
        if self.name not in symbols(exponent):
            value = rational(exponent)
            if value is None:
                raise NoSeries
            return self.power(self.of(base), value)
        inner = self.of(exponent) if base == EULER else self.of(_logarithm(base, exponent))
        return self.function("exp", inner)

    def sum(self, a: Series, b: Series) -> Series:
        low = min(a.valuation, b.valuation)
        end = min(a.valuation + len(a.terms), b.valuation + len(b.terms))
        terms = [_term(a, at) + _term(b, at) for at in range(low, end)]
        return Series(low, terms or [Fraction(0)])

    def opposite(self, a: Series) -> Series:
        return Series(a.valuation, [-term for term in a.terms])

    def product(self, a: Series, b: Series) -> Series:
        self.left -= 1
        size = min(len(a.terms), len(b.terms))
        terms = [sum((a.terms[i] * b.terms[k - i] for i in range(k + 1)), Fraction(0)) for k in range(size)]
        large = any(t.numerator.bit_length() + t.denominator.bit_length() > MAX_BITS for t in terms)
        if self.left < 0 or large:
            raise NoSeries
        return Series(a.valuation + b.valuation, terms)

    def quotient(self, a: Series, b: Series) -> Series:
        return self.product(a, self.power(b, Fraction(-1)))

    def power(self, base: Series, exponent: Fraction) -> Series:
        """(c u^v (1 + w))^q by the binomial series of 1 + w."""
        if not exponent or abs(exponent) > MAX_EXPONENT or exponent.denominator > MAX_EXPONENT:
            raise NoSeries
        base = _trimmed(base)
        valuation = base.valuation * exponent
        rooted = exponent.denominator > 1
        if valuation.denominator != 1 or (rooted and base.valuation and not self.one_sided):
            raise NoSeries
        lead = base.terms[0]
        factor = perfect_root(lead, exponent.denominator, abs(exponent.numerator), exponent < 0)
        if factor is None:
            raise NoSeries
        rest = Series(0, [Fraction(0)] + [term / lead for term in base.terms[1:]])
        coefficients = [Fraction(1)]
        for k in range(1, TERMS):
            coefficients.append(coefficients[-1] * (exponent - k + 1) / k)
        powered = self.composed(coefficients, rest)
        return Series(int(valuation), [factor * term for term in powered.terms])

    def composed(self, coefficients: list[Fraction], inner: Series) -> Series:
        """f(w) for a series w without a constant term."""
        total = _constant(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            total = self.sum(self.product(total, inner), _constant(coefficient))
        return total

    def function(self, name: str, inner: Series) -> Series:
        coefficients = _TAYLOR.get(name)
        if coefficients is None or inner.valuation < 0:
            raise NoSeries
        terms = [_term(inner, at) for at in range(inner.valuation + len(inner.terms))]
        about = Fraction(1 if name == "ln" else 0)
        if terms[0] != about:
            raise NoSeries
        return self.composed(coefficients, Series(0, [Fraction(0), *terms[1:]]))


def _term(series: Series, at: int) -> Fraction:
    index = at - series.valuation
    return series.terms[index] if 0 <= index < len(series.terms) else Fraction(0)


def _coefficients(rule: Callable[[int], Fraction]) -> list[Fraction]:
    return [rule(k) for k in range(TERMS)]


def _odd(rule: Callable[[int], Fraction]) -> list[Fraction]:
    return _coefficients(lambda k: rule(k) if k % 2 else Fraction(0))


def _even(rule: Callable[[int], Fraction]) -> list[Fraction]:
    return _coefficients(lambda k: Fraction(0) if k % 2 else rule(k))


_TANGENT = {1: Fraction(1), 3: Fraction(1, 3), 5: Fraction(2, 15), 7: Fraction(17, 315), 9: Fraction(62, 2835)}
_ARCSINE = {1: Fraction(1), 3: Fraction(1, 6), 5: Fraction(3, 40), 7: Fraction(5, 112), 9: Fraction(35, 1152)}
# About 0, but ln about 1. Tangent and arcsine: Abramowitz and Stegun 4.3.67, 4.4.40.
_TAYLOR = {
    "exp": _coefficients(lambda k: Fraction(1, factorial(k))),
    "ln": _coefficients(lambda k: Fraction((-1) ** (k + 1), k) if k else Fraction(0)),
    "sin": _odd(lambda k: Fraction((-1) ** (k // 2), factorial(k))),
    "cos": _even(lambda k: Fraction((-1) ** (k // 2), factorial(k))),
    "sinh": _odd(lambda k: Fraction(1, factorial(k))),
    "cosh": _even(lambda k: Fraction(1, factorial(k))),
    "tan": _odd(lambda k: _TANGENT[k]),
    "tanh": _odd(lambda k: (-1) ** (k // 2) * _TANGENT[k]),
    "arcsin": _odd(lambda k: _ARCSINE[k]),
    "arctan": _odd(lambda k: Fraction((-1) ** (k // 2), k)),
}

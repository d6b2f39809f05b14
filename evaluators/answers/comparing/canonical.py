"""Structural canonical form: sums of monomials over atoms, with rational coefficients and exponents.

Atoms are variables, constants, prime radicals, whole functions of canonical arguments, and inverted sums. Equal forms
mean equal expressions. Different forms mean different expressions only for plain polynomials.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import comb
from typing import Any

from evaluators.answers.comparing.exact import OverBudget, rational
from evaluators.answers.values import Node

Monomial = tuple[tuple[Any, Fraction], ...]
Form = dict[Monomial, Fraction]
MAX_BITS = 12_000
"""Of a coefficient: forms are ordered by their spelling, and Python spells out at most 4,300 digits."""
MAX_TERMS = 120
MAX_EXPONENT = 64
_ONE: Monomial = ()


class Uncanonical(ValueError):
    """Not a sum of monomials within the budget."""


@lru_cache(maxsize=4096)
def canonical(node: Node) -> tuple[tuple[Monomial, Fraction], ...] | None:
    """A hashable normal form; None where the tree is no such sum, or over the budget."""
    try:
        return _frozen(_form(node))
    except (Uncanonical, OverBudget, ZeroDivisionError):
        return None


def is_polynomial(form: tuple[tuple[Monomial, Fraction], ...]) -> bool:
    """Whether two such forms differ only if the expressions do: variables to whole, non-negative powers."""
    return all(atom[0] == "sym" and exponent.denominator == 1 and exponent > 0 for m, _ in form for atom, exponent in m)


def _frozen(form: Form) -> tuple[tuple[Monomial, Fraction], ...]:
    return tuple(sorted(form.items(), key=repr))


def _form(node: Node) -> Form:
    op, args, value = node
    exact = rational(node) if not args or op in ("div", "neg", "pow", "root", "mixed") else None
    if exact is not None:
        if exact.numerator.bit_length() + exact.denominator.bit_length() > MAX_BITS:
            raise OverBudget
        return {_ONE: exact} if exact else {}
    if op == "sym" or (op == "const" and value != "inf"):
        return {(((op, value), Fraction(1)),): Fraction(1)}
    rule = _RULES.get(op)
    if rule is not None:
        return rule(*map(_form, args))
    if op == "root":
        degree = rational(args[1])
        if degree is None or degree == 0:
            raise Uncanonical
        return _power(_form(args[0]), 1 / degree)
    if op == "pow":
        exponent = rational(args[1])
        if exponent is None:
            return _atom(("pow", _frozen(_form(args[0])), _frozen(_form(args[1]))))
        return _power(_form(args[0]), exponent)
    if op in ("fn", "call"):
        return _atom((op, value, tuple(_frozen(_form(a)) for a in args)))
    raise Uncanonical


_RULES: dict[str, Callable[..., Form]] = {
    "add": lambda a, b: _sum(a, b),
    "mixed": lambda a, b: _sum(a, b),
    "neg": lambda a: {m: -c for m, c in a.items()},
    "mul": lambda a, b: _product(a, b),
    "div": lambda a, b: _product(a, _inverse(b)),
    "percent": lambda a: {m: c / 100 for m, c in a.items()},
}


def _atom(key: Any) -> Form:
    return {((key, Fraction(1)),): Fraction(1)}


def _sum(a: Form, b: Form) -> Form:
    result = dict(a)
    for monomial, coefficient in b.items():
        total = result.get(monomial, 0) + coefficient
        if total:
            result[monomial] = Fraction(total)
        else:
            result.pop(monomial, None)
    if len(result) > MAX_TERMS:
        raise Uncanonical
    return result


def _product(a: Form, b: Form) -> Form:
    if len(a) * len(b) > 20 * MAX_TERMS:
        raise Uncanonical
    result: Form = {}
    for m, c in a.items():
        for n, d in b.items():
            coefficient, monomial = _joined(m, n)
            product = c * d * coefficient
            if product.numerator.bit_length() + product.denominator.bit_length() > MAX_BITS:
                raise OverBudget
            result = _sum_one(result, monomial, product)
    if len(result) > MAX_TERMS:
        raise Uncanonical
    return result


def _sum_one(form: Form, monomial: Monomial, coefficient: Fraction) -> Form:
    total = form.get(monomial, 0) + coefficient
    if total:
        form[monomial] = Fraction(total)
    else:
        form.pop(monomial, None)
    return form


def _joined(m: Monomial, n: Monomial) -> tuple[Fraction, Monomial]:
    exponents: dict[Any, Fraction] = dict(m)
    for atom, exponent in n:
        exponents[atom] = exponents.get(atom, Fraction(0)) + exponent
    return _settled(exponents)


def _settled(exponents: dict[Any, Fraction]) -> tuple[Fraction, Monomial]:
    """Whole powers of primes and of i go to the coefficient."""
    coefficient = Fraction(1)
    kept = []
    for atom, exponent in exponents.items():
        if atom[0] == "prime":
            whole = exponent.numerator // exponent.denominator
            if abs(whole) > 200:
                raise Uncanonical
            coefficient *= Fraction(atom[1]) ** whole
            exponent -= whole
        elif atom == ("const", "i") and exponent.denominator == 1:
            turns = int(exponent) % 4
            coefficient *= -1 if turns >= 2 else 1
            exponent = Fraction(turns % 2)
        if exponent:
            kept.append((atom, exponent))
    return coefficient, tuple(sorted(kept, key=repr))


def _inverse(form: Form) -> Form:
    if not form:
        raise ZeroDivisionError
    if len(form) == 1:
        return _power(form, Fraction(-1))
    lead = _frozen(form)[0][1]
    scaled = _frozen({m: c / lead for m, c in form.items()})
    return {((("sum", scaled), Fraction(-1)),): 1 / lead}


def _power(form: Form, exponent: Fraction) -> Form:
    if not form:
        if exponent <= 0:
            raise ZeroDivisionError
        return {}
    if abs(exponent) > MAX_EXPONENT and len(form) > 1:
        raise Uncanonical
    if len(form) > 1:
        return _sum_power(form, exponent)
    ((monomial, coefficient),) = form.items()
    if exponent.denominator != 1 and monomial and not _rootable(monomial):
        return _atom(("root", _frozen(form), exponent))
    scalar = _rational_power(coefficient, exponent)
    carried, settled = _settled({atom: e * exponent for atom, e in monomial})
    return _product(scalar, {settled: carried})


def _rootable(monomial: Monomial) -> bool:
    """sqrt(x^2) is |x|: only positive atoms may be drawn out of a root."""
    return all(atom[0] == "prime" or atom in (("const", "pi"), ("const", "e")) for atom, _ in monomial)


def _sum_power(form: Form, exponent: Fraction) -> Form:
    if exponent.denominator != 1:
        return _atom(("root", _frozen(form), exponent))
    if exponent < 0:
        inverse = _inverse(form)
        return inverse if exponent == -1 else _power(inverse, -exponent)
    if exponent > MAX_EXPONENT:
        raise Uncanonical
    if comb(int(exponent) + len(form) - 1, len(form) - 1) > MAX_TERMS * 4:
        raise Uncanonical  # so many monomials, but for those that fall together
    result: Form = {_ONE: Fraction(1)}
    for _ in range(int(exponent)):
        result = _product(result, form)
    return result


def _rational_power(value: Fraction, exponent: Fraction) -> Form:
    """A rational to a rational power: 12^(1/2) is 2 * 3^(1/2); a negative one draws out i or the sign."""
    if exponent.denominator == 1:
        if abs(exponent) * (value.numerator.bit_length() + value.denominator.bit_length()) > MAX_BITS:
            raise OverBudget
        return {_ONE: value ** int(exponent)}
    if value < 0:
        if exponent.denominator % 2:
            flipped = _rational_power(-value, exponent)
            return {m: -c if exponent.numerator % 2 else c for m, c in flipped.items()}
        if exponent != Fraction(1, 2):
            raise Uncanonical
        return _product(_rational_power(-value, exponent), _atom(("const", "i")))
    exponents: dict[Any, Fraction] = {}
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        for prime, power in _factors(number):
            key = ("prime", prime)
            exponents[key] = exponents.get(key, Fraction(0)) + sign * power * exponent
    coefficient, monomial = _settled(exponents)
    return {monomial: coefficient}


@lru_cache(maxsize=4096)
def _factors(value: int) -> tuple[tuple[int, int], ...]:
    """Trial division up to 1,000; a cofactor that may be composite is over the budget."""
    found = []
    divisor = 2
    while divisor * divisor <= value and divisor < 1_000:
        power = 0
        while value % divisor == 0:
            value //= divisor
            power += 1
        if power:
            found.append((divisor, power))
        divisor += 1 if divisor == 2 else 2
    if value > 1:
        if value >= 1_000_000:
            raise Uncanonical
        found.append((value, 1))
    return tuple(found)

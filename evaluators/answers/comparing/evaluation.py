"""A tree's value as a ball of complex numbers (python-flint), at the precision that is set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from evaluators.answers.comparing.exact import OverBudget, rational
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.values import Node, symbols, walk

MAX_SUM_TERMS = 1_000
MAX_NESTED_TERMS = 3_000
MAX_MAGNITUDE = 100_000
"""Bits before the point of any value."""


class Unevaluable(ValueError):
    """No ball: an unknown function, a pole, a branch point, or over the budget."""


Environment = Mapping[str, Any]
"""A Fraction for each letter; within an integral a ball for its variable."""


def enclosure(node: Node, environment: Environment) -> Any:
    from flint import acb, arb, fmpq

    op, args, value = node
    if op in ("num", "dec"):
        number = value if op == "num" else value[0]
        return acb(arb(fmpq(number.numerator, number.denominator)))
    if op == "sym":
        if value not in environment:
            raise Unevaluable
        number = environment[value]
        if isinstance(number, acb):
            return number
        return acb(arb(fmpq(number.numerator, number.denominator)))
    if op == "const":
        if value == "inf":
            raise Unevaluable
        return {"pi": lambda: acb.pi(), "e": lambda: acb(arb(1).exp()), "i": lambda: acb(0, 1)}[value]()
    if op in ("sum", "prod"):
        return _series(node, environment)
    if op == "int":
        return _integral(node, environment)
    rule = _OPERATIONS.get(op)
    if rule is None:
        raise Unevaluable
    return _bounded(rule(value, [enclosure(a, environment) for a in args]))


def _bounded(value: Any) -> Any:
    if not value.is_finite():
        raise Unevaluable
    if value.abs_lower() > 0 and abs(_exponent(value)) > MAX_MAGNITUDE:
        raise OverBudget
    return value


def _exponent(value: Any) -> int:
    mantissa, exponent = value.abs_lower().mid().man_exp()
    return int(exponent) + int(mantissa).bit_length()


def _series(node: Node, environment: Environment) -> Any:
    from flint import acb

    body, lower, upper = node.args
    first, last = rational(substituted(lower, environment)), rational(substituted(upper, environment))
    if first is None or last is None or first.denominator != 1 or last.denominator != 1:
        raise Unevaluable
    if last - first > _most_terms(body):
        raise OverBudget
    total = acb(0 if node.op == "sum" else 1)
    for index in range(int(first), int(last) + 1):
        term = enclosure(body, {**environment, node.value: Fraction(index)})
        total = total + term if node.op == "sum" else _bounded(total * term)
    return total


MAX_EVALUATIONS = 4_000
"""Of an integrand."""
_ANALYTIC = frozenset({"num", "dec", "sym", "const", "add", "mul", "div", "neg", "mixed", "pow", "fn"})
_ANALYTIC_FUNCTIONS = frozenset({"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "sec", "csc", "cot"})


def _most_terms(body: Node) -> float:
    """How many terms a sum of such terms may have: sums within sums multiply theirs."""
    depth, level = 1, [body]
    while series := [n for part in level for n in walk(part) if n.op in ("sum", "prod")]:
        depth, level = depth + 1, [arg for n in series for arg in n.args]
        if depth > 4:
            raise OverBudget
    return MAX_SUM_TERMS if depth == 1 else float(MAX_NESTED_TERMS ** (1 / depth))


def _integral(node: Node, environment: Environment) -> Any:
    """A definite integral between finite ends of what has no branch points, enclosed rigorously."""
    from flint import acb

    body, lower, upper = node.args
    if not _is_analytic(body, node.value):
        raise Unevaluable

    def integrand(x: Any, _analytic: bool) -> Any:
        try:
            return enclosure(body, {**environment, node.value: x})
        except (Unevaluable, OverBudget, ZeroDivisionError):
            return acb("nan")

    ends = enclosure(lower, environment), enclosure(upper, environment)
    return _bounded(acb.integral(integrand, *ends, eval_limit=MAX_EVALUATIONS))


def _is_analytic(body: Node, name: str) -> bool:
    for node in walk(body):
        if node.op not in _ANALYTIC or (node.op == "fn" and node.value not in _ANALYTIC_FUNCTIONS):
            return False
        if node.op == "pow":
            base, exponent = node.args
            whole = exponent.op == "num" and exponent.value.denominator == 1
            if not whole and name in symbols(base):
                return False
    return True


def _is_real(value: Any) -> bool:
    return bool(value.imag.is_zero())


def _power(base: Any, exponent: Any) -> Any:
    from flint import acb, arb

    if _is_real(exponent) and exponent.real.is_integer():
        whole = int(exponent.real.unique_fmpz())
        if abs(whole) > 10_000_000 or abs(whole) * abs(_exponent_or_zero(base)) > MAX_MAGNITUDE:
            raise OverBudget
        return base**whole
    if base.contains(0):
        raise Unevaluable
    if float((exponent * base.log()).abs_upper()) > MAX_MAGNITUDE:
        raise OverBudget
    if _is_real(base) and _is_real(exponent) and base.real > 0:
        return acb((arb(exponent.real) * base.real.log()).exp())
    return (exponent * base.log()).exp()


def _exponent_or_zero(value: Any) -> int:
    upper = value.abs_upper()
    if upper <= 0:
        return 0
    mantissa, exponent = upper.mid().man_exp()
    return int(exponent) + int(mantissa).bit_length()


def _root(base: Any, degree: Any) -> Any:
    """Real odd roots of negative numbers, as school has them; the principal root otherwise."""
    from flint import acb, fmpq

    if not (_is_real(degree) and degree.real.is_integer()):
        return _power(base, 1 / degree)
    order = int(degree.real.unique_fmpz())
    if not 1 <= order <= 10_000:
        raise Unevaluable
    if _is_real(base):
        real = base.real
        if real.is_zero():
            return acb(0)
        if real > 0:
            return acb(real.root(order))
        if real < 0 and order % 2:
            return acb(-((-real).root(order)))
        if real < 0 and order == 2:
            return acb(0, (-real).sqrt())
    return base ** acb(fmpq(1, order))


def _pow_node(_: Any, args: list[Any]) -> Any:
    base, exponent = args
    if _is_real(base) and _is_real(exponent) and base.real < 0 and not exponent.real.is_integer():
        odd = _odd_denominator(exponent.real)
        if odd:
            result = _power(-base, exponent)
            return result if odd[0] % 2 == 0 else -result
    return _power(base, exponent)


def _odd_denominator(value: Any) -> tuple[int, int] | None:
    """The exponent as p/q with a small odd q: (-8)^(1/3) is -2."""
    for q in (3, 5, 7, 9):
        scaled = value * q
        if scaled.contains_integer() and float(scaled.rad()) < 1e-6:
            p = round(float(scaled.mid()))
            return (p, q) if math.gcd(p, q) == 1 else None
    return None


def _function(name: str, args: list[Any]) -> Any:
    from flint import acb

    if name == "log":
        base = args[1] if len(args) > 1 else acb(10)
        return args[0].log() / base.log()
    if name in ("double_factorial", "mod", "gcd", "lcm", "max", "min"):
        return _of_whole_numbers(name, args)
    if name == "binom":
        n, k = args
        return (n + 1).gamma() / ((k + 1).gamma() * (n - k + 1).gamma())
    if len(args) != 1:
        raise Unevaluable
    (x,) = args
    if name in ("floor", "ceil"):
        return _rounded(name, x)
    if name == "factorial":
        if float(x.abs_upper()) > 10_000:
            raise OverBudget
        return (x + 1).gamma()
    if name in _GROWING and float(x.abs_upper()) > MAX_MAGNITUDE:
        raise OverBudget
    rule = _FUNCTIONS.get(name)
    if rule is None:
        raise Unevaluable
    return rule(x)


def _of_whole_numbers(name: str, args: list[Any]) -> Any:
    """n!!, a mod b, gcd, lcm of whole numbers; max and min of reals that balls can order."""
    from flint import acb, fmpz

    if name in ("max", "min"):
        return _extreme(name, args)
    if not all(_is_real(x) and x.real.is_integer() for x in args):
        raise Unevaluable
    whole = [int(x.real.unique_fmpz()) for x in args]
    if name == "double_factorial":
        if not 0 <= whole[0] <= 10_000 or len(whole) != 1:
            raise Unevaluable
        return acb(fmpz(math.prod(range(whole[0], 0, -2))))
    if name == "mod" and (len(whole) != 2 or not whole[1]):
        raise Unevaluable
    value = whole[0] % whole[1] if name == "mod" else math.gcd(*whole) if name == "gcd" else math.lcm(*whole)
    return acb(fmpz(value))


def _extreme(name: str, args: list[Any]) -> Any:
    if not all(_is_real(x) for x in args) or not args:
        raise Unevaluable
    best = args[0]
    for x in args[1:]:
        if x.real.overlaps(best.real):
            best = type(x)(x.real.union(best.real))
            continue
        best = x if (x.real > best.real) == (name == "max") else best
    return best


def _rounded(name: str, x: Any) -> Any:
    from flint import acb

    if not _is_real(x):
        raise Unevaluable
    rounded = x.real.floor() if name == "floor" else x.real.ceil()
    if not rounded.is_exact():
        raise Unevaluable
    return acb(rounded)


_GROWING = frozenset({"gamma", "exp", "sinh", "cosh", "cis", "sech", "csch", "coth", "zeta", "erf", "erfc"})
_FUNCTIONS = {
    "sin": lambda x: x.sin(), "cos": lambda x: x.cos(), "tan": lambda x: x.tan(), "cot": lambda x: x.cot(),
    "sec": lambda x: x.sec(), "csc": lambda x: x.csc(), "sinh": lambda x: x.sinh(), "cosh": lambda x: x.cosh(),
    "tanh": lambda x: x.tanh(), "arcsin": lambda x: x.asin(), "arccos": lambda x: x.acos(), "arctan": lambda x: x.atan(),
    "arsinh": lambda x: x.asinh(), "arcosh": lambda x: x.acosh(), "artanh": lambda x: x.atanh(),
    "arccot": lambda x: (1 / x).atan(), "exp": lambda x: x.exp(), "gamma": lambda x: x.gamma(), "ln": lambda x: x.log(), "abs": lambda x: _absolute(x),
    "sech": lambda x: x.sech(), "csch": lambda x: x.csch(), "coth": lambda x: x.coth(), "arcsec": lambda x: (1 / x).acos(),
    "arccsc": lambda x: (1 / x).asin(), "zeta": lambda x: x.zeta(), "erf": lambda x: x.erf(), "erfc": lambda x: x.erfc(),
    "re": lambda x: type(x)(x.real), "im": lambda x: type(x)(x.imag), "sgn": lambda x: x.sgn(), "arg": lambda x: type(x)(x.arg()),
    "cis": lambda x: x.cos() + type(x)(0, 1) * x.sin(),
}  # fmt: skip


def _absolute(x: Any) -> Any:
    return type(x)(abs(x))


def _degrees(unit: Any, args: list[Any]) -> Any:
    from flint import acb

    if unit.dims == (("degree", 1),):
        return args[0] * acb.pi() / 180
    if unit.dims == (("radian", 1),):
        return args[0]
    raise Unevaluable


_OPERATIONS = {
    "add": lambda _, a: a[0] + a[1],
    "mul": lambda _, a: a[0] * a[1],
    "div": lambda _, a: _divided(a[0], a[1]),
    "neg": lambda _, a: -a[0],
    "mixed": lambda _, a: a[0] + a[1],
    "percent": lambda _, a: a[0] / 100,
    "pow": _pow_node,
    "root": lambda _, a: _root(a[0], a[1]),
    "fn": _function,
    "qty": _degrees,
}


def _divided(a: Any, b: Any) -> Any:
    if b.contains(0):
        raise Unevaluable
    return a / b

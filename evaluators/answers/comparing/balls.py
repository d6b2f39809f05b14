"""Ball arithmetic (python-flint): rigorous enclosures of a tree's value, at one precision after another.

A ball that excludes zero proves two values different. One that holds zero at 333 bits, about a hundred digits,
is taken for a proof that they are equal.
"""

from __future__ import annotations

import os
import threading
from fractions import Fraction

from evaluators.answers.comparing.evaluation import MAX_MAGNITUDE, Environment, Unevaluable, enclosure
from evaluators.answers.comparing.exact import OverBudget, rational
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.values import Node, symbols, walk

PRECISIONS = (64, 333)
POINTS = 5
_lock = threading.RLock()  # flint's precision is one per process


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


def values_equal(a: Node, b: Node, environment: Environment) -> bool | None:
    """Whether both have one value at this point; None where balls cannot tell."""
    from flint import arb, ctx

    with _lock:
        before = ctx.prec
        try:
            for precision in PRECISIONS:
                ctx.prec = precision
                left, right = enclosure(a, environment), enclosure(b, environment)
                difference = left - right
                if not difference.is_finite():
                    return None
                if not difference.contains(0):
                    return False
                if precision == PRECISIONS[-1]:
                    return True if difference.abs_upper() < (left.abs_upper() + 1) * arb(2) ** -200 else None
        except (Unevaluable, OverBudget, ZeroDivisionError, OverflowError, ValueError):
            return None
        finally:
            ctx.prec = before
    return None


def real_value(node: Node) -> Fraction | None:
    """A rational within 1e-30 of a real constant's value; None where it is no real constant."""
    from flint import ctx

    try:
        exact = rational(node)
        if exact is not None:
            return exact
    except (OverBudget, ZeroDivisionError, RecursionError):
        return None
    with _lock:
        before = ctx.prec
        try:
            ctx.prec = 160
            value = enclosure(node, {})
            if not value.imag.contains(0) or float(value.imag.abs_upper()) > 1e-30 or not value.is_finite():
                return None
            mantissa, exponent = value.real.mid().man_exp()
            if abs(int(exponent)) > MAX_MAGNITUDE:
                return None
            return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
        except (Unevaluable, OverBudget, ZeroDivisionError, OverflowError, ValueError):
            return None
        finally:
            ctx.prec = before


def sample_points(names: set[str], *, positive: bool = False) -> list[dict[str, Fraction]]:
    """Fixed points without arithmetic coincidences: no zeros, no repeats, both signs unless `positive`."""
    ordered = sorted(names)
    points = []
    for round_ in range(POINTS + 3):
        point = {}
        for index, name in enumerate(ordered):
            seed = (round_ * 7919 + index * 104_729 + 31_337) % 9_973
            value = Fraction(seed * 13 + 7, 40_009)
            negative = round_ % 2 == 1 and (round_ // 2 + index) % 3 != 1 and not positive
            point[name] = -value if negative else value
        points.append(point)
    return points


def equal_everywhere(a: Node, b: Node) -> bool | None:
    """Whether two expressions agree at every sampled point where the first has a real value; None: too few decided."""
    names = symbols(a) | symbols(b)
    agreed = 0
    for point in sample_points(names):
        same = values_equal(a, b, point)
        if same is False and not _imaginary(a, point):
            return False
        agreed += same is True
        if agreed >= POINTS:
            return True
    return True if agreed >= 3 else None


def equal_at_integers(a: Node, b: Node) -> bool | None:
    """Whether two expressions agree where what must be whole is: ends of sums, arguments of factorials; None: none is."""
    ends = {name for tree in (a, b) for node in walk(tree) for end in _whole_arguments(node) for name in symbols(end)}
    if not ends:
        return None
    agreed = 0
    for size, point in zip(_INTEGERS, sample_points(symbols(a) | symbols(b), positive=True), strict=False):
        whole = {name: Fraction(size + index) for index, name in enumerate(sorted(ends))}
        same = values_equal(a, b, {**point, **whole})
        if same is False:
            return False
        agreed += same is True
    return True if agreed >= POINTS else None


def _whole_arguments(node: Node) -> tuple[Node, ...]:
    if node.op in ("sum", "prod"):
        return node.args[1:]
    counted = node.op == "fn" and node.value in ("factorial", "double_factorial", "binom", "mod", "gcd", "lcm")
    signs = node.op == "pow" and (node.args[0].op == "neg" or (node.args[0].op == "num" and node.args[0].value < 0))
    return node.args if counted else node.args[1:] if signs else ()


_INTEGERS = (1, 2, 3, 5, 8, 11, 17, 24)


def over_budget(node: Node) -> bool:
    """Whether its value at the first sampled point is too large to be compared: no sympy will do better."""
    with _lock:
        try:
            enclosure(node, sample_points(symbols(node))[0])
        except (OverBudget, OverflowError):
            return True
        except (Unevaluable, ZeroDivisionError, ValueError):
            return False
    return False


def has_values(node: Node) -> bool:
    """Whether it has a value, real or not, at any sampled point."""
    with _lock:
        for point in sample_points(symbols(node)):
            try:
                if enclosure(node, point).is_finite():
                    return True
            except (Unevaluable, OverBudget, ZeroDivisionError, OverflowError, ValueError):
                continue
    return False


def _imaginary(node: Node, point: Environment) -> bool:
    """Outside the domain of a real expression that has no i of its own (a logarithm of a negative number)."""
    from evaluators.answers.values import IMAGINARY

    if any(n == IMAGINARY for n in walk(node)):
        return False
    with _lock:
        try:
            return not bool(enclosure(node, point).imag.contains(0))
        except (Unevaluable, OverBudget, ZeroDivisionError, OverflowError, ValueError):
            return True


def proportional(a: Node, b: Node) -> int:
    """The sign of the constant c with a = c*b at every sampled point; 0 where there is none."""
    names = symbols(a) | symbols(b)
    if not names or symbols(a) != symbols(b):
        return 0
    points = sample_points(names)
    base = points[0]
    a0, b0 = substituted(a, base), substituted(b, base)
    agreed = 0
    for point in points[1:]:
        left = Node("mul", (substituted(a, point), b0))
        right = Node("mul", (a0, substituted(b, point)))
        same = values_equal(left, right, {})
        if same is False:
            return 0
        agreed += same is True
    first, second = real_value(a0), real_value(b0)
    if agreed < 3 or not first or not second:
        return 0
    return 1 if first * second > 0 else -1

"""The form that a problem asks for: an equal value in another form is no answer to `Factor x^2 - 4x + 3`.

A form counts only where the reference has it: what a problem asks in passing, or a key that ignores its own problem,
refuses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import gcd

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import NUMERALS, Node, has_decimal, symbols, walk

_FUNCTIONS = frozenset({"sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "log", "ln", "abs"})
_BINDERS = frozenset({"sum", "prod", "int", "lim", "det"})
_E_NOTATION = lazy_pattern(r"(?<![\d.])[1-9](?:\.\d+)?[eE][-+]?\d+")
_SPACING = lazy_pattern(r"[\s$]|\\[,;!]")
_COMPUTED = frozenset({"evaluated", "calculated", "simplified", "exact"})


def lacking_form(asked: frozenset[str], reference: Node, prediction: Node, written: str, problem: str) -> str:
    """What the prediction, `written` so, lacks of a form that is asked for and that the reference has; empty for nothing."""
    if asked & _COMPUTED and _repeats(reference, prediction, written, problem):
        return "the problem asks to compute what is repeated here"
    right, left = _value(prediction), _value(reference)
    if _E_NOTATION.search(written):
        asked -= {"scientific"}
    for name in sorted(asked):
        if name == "equation":
            if _states_curve(reference) and not _has_relation(prediction):
                return "the problem asks for an equation"
        elif name == "solved":
            if _is_unsolved(prediction) and not _is_unsolved(reference):
                return "the problem asks to solve; the unknown does not stand alone"
        elif _FAULTS[name](left, right):
            return f"the problem asks for another form: {_NAMES[name]}"
    return ""


def _value(node: Node) -> Node:
    """The last side of an equation; what a unit counts."""
    if node.op == "relation" and set(node.value) == {"="}:
        node = node.args[-1]
    return node.args[0] if node.op in ("qty", "approx", "percent") and node.args else node


def _is_unsolved(node: Node) -> bool:
    """3x > 6, |x| = 2: one unknown, on no side alone."""
    return node.op == "relation" and len(symbols(node)) == 1 and all(side.op != "sym" for side in node.args)


def _states_curve(node: Node) -> bool:
    """y = 2x + 1, x^2 + y^2 = 4: an equation of two coordinates."""
    return node.op == "relation" and set(node.value) == {"="} and len(symbols(node) & {"x", "y", "z"}) > 1


def _has_relation(node: Node) -> bool:
    return any(part.op in ("relation", "choice") for part in walk(node))


# ---- products and sums


def _factors(node: Node) -> Iterator[Node]:
    """The factors of a product that are no numbers, each as often as its power says."""
    if node.op in ("mul", "neg"):
        for arg in node.args:
            yield from _factors(arg)
    elif node.op == "div" and node.args[1].op in NUMERALS:
        yield from _factors(node.args[0])
    elif node.op == "pow" and node.args[1].op == "num" and 1 <= node.args[1].value <= 20:
        for _ in range(int(node.args[1].value)):
            yield from _factors(node.args[0])
    elif symbols(node):
        yield node


def _terms(node: Node) -> list[Node]:
    """The terms of a sum, without their signs."""
    if node.op == "add":
        return [term for arg in node.args for term in _terms(arg)]
    return _terms(node.args[0]) if node.op == "neg" else [node]


def _coefficient(term: Node) -> tuple[int, Node | None]:
    """3 and x of 3x; 0 and nothing where it is no whole number."""
    if term.op == "num":
        return (abs(term.value.numerator), None) if term.value.denominator == 1 else (0, None)
    if term.op == "mul" and term.args[0].op == "num" and len(term.args) == 2:
        number = term.args[0].value
        return (abs(number.numerator), term.args[1]) if number.denominator == 1 else (0, None)
    if term.op == "mul" and len(term.args) == 2:
        number, rest = _coefficient(term.args[0])
        return (number, term.args[1] if rest is None else Node("mul", (rest, term.args[1]))) if number else (0, None)
    return 1, term


def _content(node: Node) -> int:
    """The number that every term of a sum can be divided by; 1 of what is no sum."""
    return gcd(*(_coefficient(term)[0] for term in _terms(node))) if node.op == "add" else 1


def _is_less_factored(reference: Node, prediction: Node) -> bool:
    mine, yours = list(_factors(reference)), list(_factors(prediction))
    whole = reference.args[0] if reference.op == "neg" else reference
    if not mine or whole.op not in ("mul", "pow", "div"):
        return False
    if len(yours) < len(mine) or prediction.op == "add":
        return True
    return any(_content(factor) > 1 for factor in yours) and all(_content(factor) == 1 for factor in mine)


def _holds_product_of_sums(node: Node) -> bool:
    if node.op == "mul" and any(arg.op == "add" for arg in node.args) and symbols(node):
        return True
    if node.op == "pow" and node.args[0].op == "add" and node.args[1].op == "num" and node.args[1].value > 1:
        return True
    return node.op in ("add", "mul", "neg") and any(_holds_product_of_sums(arg) for arg in node.args)


def _is_less_expanded(reference: Node, prediction: Node) -> bool:
    return _holds_product_of_sums(prediction) and not _holds_product_of_sums(reference)


def _are_primes(node: Node) -> bool:
    """2^3 * 3^2 * 5"""
    if node.op == "mul":
        return all(_are_primes(arg) for arg in node.args)
    if node.op == "pow":
        return _are_primes(node.args[0]) and node.args[1].op == "num"
    if node.op != "num" or node.value.denominator != 1 or not 2 <= node.value < 10**8:
        return False
    number = int(node.value)
    return all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def _is_no_product_of_primes(reference: Node, prediction: Node) -> bool:
    return _are_primes(reference) and not _are_primes(prediction)


def _is_less_decomposed(reference: Node, prediction: Node) -> bool:
    return len(_terms(prediction)) < len(_terms(reference))


# ---- what can still be simplified


def _degree(node: Node) -> int:
    """Of a polynomial in all its unknowns together; functions count as unknowns."""
    if node.op in ("sym", "fn"):
        return 1 if symbols(node) else 0
    if node.op == "pow":
        power = node.args[1]
        return _degree(node.args[0]) * (int(power.value) if power.op == "num" and 1 <= power.value <= 100 else 1)
    degrees = [_degree(arg) for arg in node.args]
    if node.op in ("mul", "div"):
        return sum(degrees)
    return max(degrees, default=0)


def _denominators(node: Node) -> list[Node]:
    return [part.args[1] for part in walk(node) if part.op == "div"]


def _fractions(node: Node) -> list[Node]:
    """Denominators of fractions that might be reduced: both their parts hold unknowns."""
    return [part.args[1] for part in walk(node) if part.op == "div" and symbols(part.args[0])]


def _is_reducible(node: Node) -> bool:
    """12/18, 2/(2x), 4:6, the root of 12."""
    for part in walk(node):
        if part.op == "div" and gcd(_whole(part.args[0]), _whole(part.args[1])) > 1:
            return True
        numbers = bool(part.args) and all(arg.op == "num" for arg in part.args)
        if part.op == "ratio" and numbers and gcd(*(_whole(arg) for arg in part.args)) > 1:
            return True
        if part.op == "root" and numbers and _holds_power(*part.args):
            return True
    return False


def _whole(node: Node) -> int:
    """The whole number that a numerator or a denominator can be divided by; 1 where it is not known."""
    if node.op == "add":
        return _content(node) or 1
    return _coefficient(node)[0] or 1


def _holds_power(radicand: Node, index: Node) -> bool:
    """Whether a number under a root has a factor that leaves it."""
    number, power = radicand.value, index.value
    if number.denominator != 1 or power.denominator != 1 or not 2 <= power <= 10 or not 2 <= abs(number) < 10**8:
        return False
    base = 2
    while base ** int(power) <= abs(number):
        if abs(number) % base ** int(power) == 0:
            return True
        base += 1
    return False


def _holds_like_terms(node: Node) -> bool:
    """2x + 3x; numbers alone may be added by whoever reads them."""
    if node.op != "add":
        return False
    rests = [_coefficient(term) for term in _terms(node)]
    known = [rest for number, rest in rests if number and rest is not None]
    return len(set(known)) < len(known)


def _holds_like_factors(node: Node) -> bool:
    """a^2 * a^3, 2a * 3b, a^(2 + 3)."""
    if node.op == "pow" and node.args[1].op == "add" and not symbols(node.args[1]) and symbols(node.args[0]):
        return True
    if node.op != "mul" or not symbols(node):
        return any(_holds_like_factors(arg) for arg in node.args) if node.op in ("add", "neg") else False
    flat = list(_flat(node))
    bases = [factor.args[0] if factor.op == "pow" else factor for factor in flat]
    unknown = [base for base in bases if base.op == "sym"]
    return len(set(unknown)) < len(unknown) or sum(factor.op == "num" for factor in flat) > 1


def _flat(node: Node) -> Iterator[Node]:
    """The factors of a product as they are written."""
    if node.op == "mul":
        for arg in node.args:
            yield from _flat(arg)
    else:
        yield node


def _is_less_calculated(reference: Node, prediction: Node) -> bool:
    if any(holds(prediction) and not holds(reference) for holds in (_holds_like_terms, _holds_like_factors)):
        return True
    return prediction.op == "add" != reference.op and not symbols(prediction) and _is_reducible(prediction)


def _is_less_simple(reference: Node, prediction: Node) -> bool:
    if _is_reducible(prediction) and not _is_reducible(reference):
        return True
    if _is_less_calculated(reference, prediction):
        return True
    mine, yours = (max(map(_degree, _fractions(node)), default=0) for node in (reference, prediction))
    return yours > mine


def _is_less_rational(reference: Node, prediction: Node) -> bool:
    def irrational(node: Node) -> bool:
        return any(part.op == "root" for below in _denominators(node) for part in walk(below))

    return irrational(prediction) and not irrational(reference)


# ---- numbers


def _is_scientific(node: Node) -> bool:
    """4.2 * 10^-4, with one digit before the point."""
    if node.op == "neg":
        return _is_scientific(node.args[0])
    if node.op != "mul" or len(node.args) != 2 or node.args[0].op not in NUMERALS or node.args[1].op != "pow":
        return False
    first, (base, power) = node.args[0], node.args[1].args
    size = first.value if first.op == "num" else first.value[0]
    return 1 <= abs(size) < 10 and base.op == "num" and base.value == 10 and power.op == "num"


def _is_less_scientific(reference: Node, prediction: Node) -> bool:
    return _is_scientific(reference) and not _is_scientific(prediction)


def _is_less_exact(reference: Node, prediction: Node) -> bool:
    return _is_irrational(reference) and has_decimal(prediction) and not _is_irrational(prediction)


def _is_irrational(node: Node) -> bool:
    return any(part.op in ("root", "const", "fn") for part in walk(node))


def _is_unrounded(reference: Node, prediction: Node) -> bool:
    """3.1416 or pi for 3.14."""
    if reference.op not in NUMERALS or prediction.op in ("num", "div", "mixed"):
        return False
    places = reference.value[1] if reference.op == "dec" else 0
    return prediction.op != "dec" or (prediction.value[1] > places and prediction.value[0] != _number(reference))


def _number(numeral: Node) -> Fraction:
    value = numeral.value if numeral.op == "num" else numeral.value[0]
    return Fraction(value)


def _repeats(reference: Node, prediction: Node, written: str, problem: str) -> bool:
    """17 * 23 for 391, where the problem is to compute 17 * 23."""
    if reference.op not in NUMERALS or prediction.op in NUMERALS or not prediction.args:
        return False
    plain = _SPACING.sub("", written)
    return len(plain) >= 3 and plain in _SPACING.sub("", problem)


def _is_left_to_do(reference: Node, prediction: Node) -> bool:
    """cos 15 degrees for its value, a sum for its closed form."""
    return any(holds(prediction) and not holds(reference) for holds in (_holds_binder, _holds_function))


def _holds_binder(node: Node) -> bool:
    return any(part.op in _BINDERS for part in walk(node))


def _holds_function(node: Node) -> bool:
    """A function of a number, which has a value."""
    return not symbols(node) and any(part.op == "fn" and part.value in _FUNCTIONS for part in walk(node))


_FAULTS: dict[str, Callable[[Node, Node], bool]] = {
    "factored": _is_less_factored,
    "expanded": _is_less_expanded,
    "primes": _is_no_product_of_primes,
    "partial": _is_less_decomposed,
    "simplified": _is_less_simple,
    "rationalized": _is_less_rational,
    "scientific": _is_less_scientific,
    "exact": lambda mine, yours: _is_less_exact(mine, yours) or _is_left_to_do(mine, yours),
    "evaluated": _is_left_to_do,
    "rounded": _is_unrounded,
    "calculated": lambda mine, yours: _is_left_to_do(mine, yours) or _is_less_simple(mine, yours),
}
_NAMES = {
    "factored": "this is not factored as far",
    "expanded": "this is not expanded",
    "primes": "this is no product of primes",
    "partial": "this is not decomposed",
    "simplified": "this can be simplified",
    "rationalized": "a root is left in the denominator",
    "scientific": "this is not in scientific notation",
    "exact": "this is a decimal, or not evaluated",
    "evaluated": "this is not evaluated",
    "rounded": "this is not rounded as far",
    "calculated": "this is not calculated to its end",
}

"""Comparison of single values: exact, then structural, then by balls and points, then by sympy; tolerance for decimals."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from evaluators.answers.comparing import balls
from evaluators.answers.comparing.arbitrary import same_family
from evaluators.answers.comparing.canonical import canonical, is_polynomial
from evaluators.answers.comparing.exact import OverBudget, rational
from evaluators.answers.comparing.orders import factors_in_another_order
from evaluators.answers.comparing.series import is_hopeless
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.problem import Hints
from evaluators.answers.profiles import Profile
from evaluators.answers.values import IMAGINARY, Node, has_decimal, show, symbols, walk


class Unlike(NamedTuple):
    """That two trees differ, as a reason that is written out only where it is read."""

    reference: Node
    prediction: Node

    def __str__(self) -> str:
        return f"{show(self.prediction)[:120]} is not {show(self.reference)[:120]}"


class Decision(NamedTuple):
    """`same` is None where no stage could decide in its budget."""

    same: bool | None
    stage: str
    reason: str | Unlike


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a comparison may lean on besides the two answers."""

    profile: Profile
    hints: Hints


def _different(stage: str, r: Node, p: Node) -> Decision:
    return Decision(False, stage, Unlike(r, p))


def scalars(r: Node, p: Node, context: Context) -> Decision:
    """Whether two expressions without units are one value."""
    if r == p:
        return Decision(True, "structure", "the same expression")
    if p.op == "approx" or r.op == "approx":
        return _approximate(r, p, context)
    if not context.profile.unevaluated and is_numeral(r) and not is_numeral(p) and not _rounds_from(r, p):
        return Decision(False, "type", f"the reference is the numeral {show(r)}; {show(p)[:80]} is left unevaluated")
    if not context.profile.unevaluated and _is_left_to_do(r, p):
        return Decision(False, "type", f"{show(p)[:80]} is left unevaluated")
    if not context.profile.unevaluated and factors_in_another_order(r, p):
        return _different("structure", r, p)
    try:
        exact_r, exact_p = rational(r), rational(p)
    except (OverBudget, ZeroDivisionError, OverflowError):
        return _beyond_budget(r, p)
    if exact_r is not None and exact_p is not None:
        if exact_r == exact_p:
            return Decision(True, "exact", f"both are {show(Node('num', (), exact_r))[:80]}")
        return _within_tolerance(r, p, exact_r, exact_p, context) or _different("exact", r, p)
    return _symbolic_scalars(r, p, context)


def _symbolic_scalars(r: Node, p: Node, context: Context) -> Decision:
    decision = _by_form_and_points(r, _with_engineers_unit(r, p), context)
    if decision.same is False and symbols(r) and symbols(p) and same_family(r, p):
        return Decision(True, "points", "equal but for arbitrary constants")
    return decision


def _with_engineers_unit(r: Node, p: Node) -> Node:
    """3+4j and 3+4*I, as Python and sympy write it, where the reference speaks of i and of no j or I."""
    strange = [name for name in ("j", "I") if name in symbols(p)]
    if len(strange) != 1 or strange[0] in symbols(r) or IMAGINARY in walk(p) or IMAGINARY not in walk(r):
        return p
    return substituted(p, {strange[0]: IMAGINARY})


def _by_form_and_points(r: Node, p: Node, context: Context) -> Decision:
    if _is_infinite(r) or _is_infinite(p):
        return _infinite(r, p)
    form_r, form_p = canonical(r), canonical(p)
    if form_r is not None and form_r == form_p:
        return Decision(True, "structure", "one canonical form")
    if form_r is not None and form_p is not None and is_polynomial(form_r) and is_polynomial(form_p):
        return _different("structure", r, p)
    if not symbols(r) and not symbols(p):
        return _constants(r, p, context)
    if _is_opaque(r) or _is_opaque(p):
        if needs_sympy(r) or needs_sympy(p):  # the integral of a function of which nothing is known
            return Decision(False, "budget", f"{show(p)[:80]} cannot be shown to be {show(r)[:80]}")
        r, p = _with_letters(r), _with_letters(p)
    same = balls.equal_everywhere(r, p)
    if same is None:
        same = balls.equal_at_integers(r, p)
    if same is None and (balls.over_budget(r) or balls.over_budget(p)):
        return Decision(False, "budget", f"{show(p)[:80]} is over the budget: not shown to be {show(r)[:80]}")
    if same is None and not needs_sympy(r) and not needs_sympy(p) and balls.has_values(r) != balls.has_values(p):
        return Decision(False, "points", "only one of them has a value at any sampled point")
    if same is not None:
        reason = "equal at every sampled point" if same else f"{show(p)[:120]} differs from {show(r)[:120]} at a point"
        return Decision(same, "points", reason)
    return _by_sympy(r, p)


INFINITE = {"inf"}
_NEEDS_SYMPY = frozenset({"sum", "prod", "int", "lim"})
_LEFT_TO_DO = _NEEDS_SYMPY | {"diff", "det", "matrix"}


def _is_opaque(node: Node) -> bool:
    """Whether it holds a function that only has a name."""
    return any(n.op == "call" for n in walk(node))


def _with_letters(node: Node) -> Node:
    """f(2), g'(x) as letters of their own: nothing is known of a function that only has a name but its arguments."""
    if node.op == "call":
        return Node("sym", (), show(node))
    return node._replace(args=tuple(map(_with_letters, node.args))) if node.args else node


def needs_sympy(node: Node) -> bool:
    """Whether the tree holds a sum, a product, an integral or a limit."""
    return any(n.op in _NEEDS_SYMPY for n in walk(node))


def _is_left_to_do(r: Node, p: Node) -> bool:
    """A limit, an integral, a modulus of a number, where the reference has none of the kind: the question and no answer."""
    return any(_asks(n) for n in walk(p)) and not any(_asks(n) for n in walk(r))


def _asks(node: Node) -> bool:
    return node.op in _LEFT_TO_DO or (node.op == "fn" and node.value == "abs" and not symbols(node))


def _is_infinite(node: Node) -> bool:
    """Infinity as a value; as the end of a sum or an integral it is none."""
    if node.op in _NEEDS_SYMPY:
        return False
    return (node.op == "const" and node.value in INFINITE) or any(_is_infinite(arg) for arg in node.args)


def _infinite(r: Node, p: Node) -> Decision:
    """Infinity equals only itself, with its sign."""
    plain = [Node("const", (), "inf"), Node("neg", (Node("const", (), "inf"),))]
    if r in plain and p in plain:
        return Decision(r == p, "structure", "infinities of one sign" if r == p else "infinities of two signs")
    return _different("structure", r, p)


def _constants(r: Node, p: Node, context: Context) -> Decision:
    same = balls.values_equal(r, p, {})
    if same:
        return Decision(True, "balls", "equal to a hundred digits")
    if same is None and not (needs_sympy(r) or needs_sympy(p)):
        return Decision(False, "budget", f"{show(p)[:80]} cannot be shown to be {show(r)[:80]} within the budget")
    if same is None:
        return _by_sympy(r, p)
    if has_decimal(r) or has_decimal(p):
        value_r, value_p = balls.real_value(r), balls.real_value(p)
        if value_r is not None and value_p is not None:
            close = _within_tolerance(r, p, value_r, value_p, context)
            if close:
                return close
        elif _parts_close(r, p, context):
            return Decision(True, "tolerance", f"{show(p)[:60]} is a rounding of {show(r)[:60]}")
    return _different("balls", r, p)


def _parts_close(r: Node, p: Node, context: Context) -> bool:
    """Two complex numbers whose real and imaginary parts are equal within the tolerance for printed floats."""
    for part in ("re", "im"):
        mine, yours = (balls.real_value(Node("fn", (node,), part)) for node in (r, p))
        if mine is None or yours is None or abs(mine - yours) > abs(mine) * context.profile.relative_tolerance:
            return False
    return True


_EXPRESSIONS = _NEEDS_SYMPY | {
    "num", "dec", "sym", "const", "fn", "call", "qty", "add", "mixed", "mul", "div", "neg", "pow", "root", "percent"
}  # fmt: skip
"""What symbolic.py builds; a collection within a product is none of it."""


def _is_expression(node: Node) -> bool:
    return all(n.op in _EXPRESSIONS for n in walk(node))


def _by_sympy(r: Node, p: Node) -> Decision:
    if is_hopeless(r) or is_hopeless(p) or not _is_expression(r) or not _is_expression(p):
        return Decision(False, "budget", f"{show(p)[:80]} cannot be shown to be {show(r)[:80]} within the budget")
    # Its modules take time to import, and few pairs need them.
    from evaluators.answers.comparing.isolation import symbolic_equal

    same = symbolic_equal(r, p)
    if same is None:
        return Decision(None, "symbolic", "sympy found no answer in its time")
    return Decision(same, "symbolic", "sympy proves them equal" if same else f"{show(p)[:120]} is not {show(r)[:120]}")


def _beyond_budget(r: Node, p: Node) -> Decision:
    """Numbers too large to write down are equal only where their structure says so."""
    form_r, form_p = canonical(r), canonical(p)
    if form_r is not None and form_r == form_p:
        return Decision(True, "structure", "one canonical form")
    if balls.values_equal(r, p, {}) is False:
        return _different("balls", r, p)
    # A hundred equal digits prove nothing of integers with millions.
    return Decision(
        False, "budget", f"{show(p)[:80]} is over the budget of exact arithmetic: not shown to be {show(r)[:80]}"
    )


def _approximate(r: Node, p: Node, context: Context) -> Decision:
    inner_r = r.args[0] if r.op == "approx" else r
    inner_p = p.args[0] if p.op == "approx" else p
    if not context.profile.unevaluated and r.op != "approx" and not has_decimal(r):
        return Decision(False, "type", "an approximation, where the reference is exact")
    return scalars(inner_r, inner_p, context)


def is_numeral(node: Node) -> bool:
    """A number written out: 12, 3.5, 3/4, 1 3/4, 50%, 1.2 x 10^5; not a sum left to be done."""
    op, args, _ = node
    if op in ("num", "dec", "base"):
        return True
    if op in ("neg", "percent", "qty", "approx"):
        return is_numeral(args[0])
    if op in ("div", "mixed"):
        below = ("num", "dec", "neg") if op == "div" else ("num", "div")  # 18 / (2/3) is left to be done
        return all(a.op in below and is_numeral(a) for a in args)
    if op == "mul":
        return args[0].op in ("num", "dec", "neg") and args[1].op == "pow" and _is_power_of_ten(args[1])
    return op == "pow" and _is_power_of_ten(node)


def _rounds_from(r: Node, p: Node) -> bool:
    """Whether the reference is a decimal, and the prediction an exact value that may round to it: pi for 3.14."""
    return has_decimal(r) and any(n.op in ("const", "root", "fn") for n in walk(p)) and not has_decimal(p)


def _is_power_of_ten(node: Node) -> bool:
    base, exponent = node.args
    return base == Node("num", (), Fraction(10)) and exponent.op == "num"


FLOAT_NOISE = Fraction(1, 100)
FLOAT_PRECISION = Fraction(1, 10**15)  # a double has 53 bits: 1.1e-16
NOISY_PLACES = 13
"""Decimals of a double that a program prints whole: 17 digits with those before the point."""
MIN_PLACES = 6
"""Decimals that a rounding of an exact value shows: a float as programs print it, not an answer rounded by hand."""


# ---- tolerance: relative, and only where a decimal was given


def _within_tolerance(r: Node, p: Node, value_r: Fraction, value_p: Fraction, context: Context) -> Decision | None:
    profile = context.profile
    decimal_r, decimal_p = _decimal(r), _decimal(p)
    if value_r == 0 or (not has_decimal(r) and not has_decimal(p)):
        return None
    difference = abs(value_r - value_p)
    relative = difference / abs(value_r)
    if not has_decimal(r):
        if value_r.denominator == 1 and r.op != "const" and not _irrational(r):
            limit = profile.integer_tolerance
            if difference > FLOAT_NOISE and relative > FLOAT_PRECISION:
                return None
        else:
            limit = profile.relative_tolerance
            if decimal_p is not None and (decimal_p < MIN_PLACES or difference > Fraction(10) ** -decimal_p):
                return None
        if relative <= limit:
            return Decision(True, "tolerance", f"{show(p)[:60]} is a rounding of {show(r)[:60]}")
        return None
    if decimal_r is None:
        close = relative <= profile.relative_tolerance
        return Decision(True, "tolerance", "equal to four digits") if close else None
    if decimal_p is not None and decimal_p >= NOISY_PLACES and relative <= FLOAT_PRECISION:
        return Decision(True, "tolerance", f"{show(p)[:60]} is {show(r)[:60]} but for floating-point noise")
    digits = len(str(int(abs(value_r) * Fraction(10) ** decimal_r)))
    rounds = 2 * difference * Fraction(10) ** decimal_r <= 1
    finer = decimal_p is None or decimal_p > decimal_r
    if rounds and finer and digits >= 3 and relative <= profile.rounding_tolerance:
        return Decision(True, "tolerance", f"{show(p)[:60]} rounds to {show(r)[:60]}")
    if decimal_p is not None and decimal_p < decimal_r and 2 * difference * Fraction(10) ** decimal_p <= 1:
        close = relative <= profile.relative_tolerance
        return Decision(True, "tolerance", "equal to four digits") if close else None
    return None


def _irrational(node: Node) -> bool:
    return any(n.op in ("root", "const", "fn") for n in walk(node))


def _decimal(node: Node) -> int | None:
    """The places of a decimal literal; None for an exact value or a whole expression."""
    while node.op in ("neg", "qty", "percent", "approx"):
        node = node.args[0]
    if node.op == "mul" and node.args[0].op == "dec" and node.args[1].op == "pow" and _is_power_of_ten(node.args[1]):
        exponent = node.args[1].args[1].value
        return node.args[0].value[1] - int(exponent) if abs(exponent) < 400 and exponent.denominator == 1 else None
    return node.value[1] if node.op == "dec" else None

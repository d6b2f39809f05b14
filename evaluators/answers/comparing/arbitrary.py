"""Arbitrary constants: the C of an antiderivative, the c_1 and c_2 of a general solution."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

from evaluators.answers.comparing.balls import equal_everywhere, real_value, sample_points, values_equal
from evaluators.answers.comparing.substitution import substituted
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import PI, Node, negated, num, symbols, walk

_OF_REFERENCE = lazy_pattern(r"[CK]|[cCkK]_\d")
"""Names that a reference gives to nothing else, where a variable stands beside them."""
_OF_PREDICTION = lazy_pattern(r"[cCkKABD]|[cCkKAB]_\d")
_WHOLE = frozenset({"k", "n", "m"})
MAX_CONSTANTS = 3


def same_family(r: Node, p: Node) -> bool:
    """Whether two expressions are the same but for the names of their arbitrary constants, or for what C absorbs."""
    if _same_multiples(r, p):
        return True
    mine = {name for name in symbols(r) if _OF_REFERENCE.fullmatch(name)}
    yours = {name for name in symbols(p) if _OF_PREDICTION.fullmatch(name)}
    if symbols(r) in ({"x", "c"}, {"t", "c"}) and symbols(p) - {"c"} in (
        {"x", "k"},
        {"t", "k"},
        {"x", "C"},
        {"t", "C"},
    ):
        mine = {"c"}  # f(x) = cx, with nothing else that could be given
    if not mine or not yours or not any(name[0].islower() for name in symbols(r) - mine):
        return False  # A, B and C side by side are given quantities
    return _additive(r, mine, p, yours) or _renamed(r, mine, p, yours) or _same_span(r, mine, p, yours)


_AT = (Fraction(1, 3), Fraction(7, 5), Fraction(2, 7), Fraction(9, 4), Fraction(5, 8))
_NEAR = Fraction(1, 10**18)


def _same_span(r: Node, mine: set[str], p: Node, yours: set[str]) -> bool:
    """C_1 e^x + C_2 e^{-x} and c_1 cosh x + c_2 sinh x: as many constants, each of which times a function that the others' span."""
    names, others = sorted(mine), sorted(yours & symbols(p))
    variables = (symbols(r) - mine) | (symbols(p) - yours)
    if len(variables) != 1 or len(names) != len(others) or len(names) > 2:
        return False
    (variable,) = variables
    a, b = _values_of_terms(r, names, variable), _values_of_terms(p, others, variable)
    if a is None or b is None:
        return False
    (base_r, terms_r), (base_p, terms_p) = a, b
    step = [y - x for x, y in zip(base_r, base_p, strict=True)]
    return all(_spanned(term, terms_r) for term in (*terms_p, step)) and all(_spanned(t, terms_p) for t in terms_r)


_Values = list[Fraction]


def _values_of_terms(node: Node, names: list[str], variable: str) -> tuple[_Values, list[_Values]] | None:
    """The values of the rest and of what each constant is multiplied with; None where a constant is no mere factor."""
    zeros: dict[str, Node] = dict.fromkeys(names, num(0))
    base = _values_at(substituted(node, zeros), variable)
    terms = []
    for name in names:
        one, three = (_values_at(substituted(node, {**zeros, name: num(times)}), variable) for times in (1, 3))
        if base is None or one is None or three is None:
            return None
        terms.append([y - x for x, y in zip(base, one, strict=True)])
        if any(abs(z - x - 3 * t) > _NEAR for x, z, t in zip(base, three, terms[-1], strict=True)):
            return None
    both = _values_at(substituted(node, dict.fromkeys(names, num(1))), variable)
    if base is None or both is None:
        return None
    total = [x + sum(term[place] for term in terms) for place, x in enumerate(base)]
    return None if any(abs(x - y) > _NEAR for x, y in zip(total, both, strict=True)) else (base, terms)


def _values_at(node: Node, variable: str) -> _Values | None:
    found = [real_value(substituted(node, {variable: num(at)})) for at in _AT]
    return [value for value in found if value is not None] if None not in found else None


def _spanned(values: _Values, terms: list[_Values]) -> bool:
    """Whether the values are a combination of one or two rows of values."""
    if len(terms) == 1:
        (row,) = terms
        return bool(row[0]) and all(abs(v * row[0] - values[0] * x) < _NEAR for v, x in zip(values, row, strict=True))
    one, two = terms
    area = one[0] * two[1] - one[1] * two[0]
    if abs(area) < _NEAR:
        return False
    a = (values[0] * two[1] - values[1] * two[0]) / area
    b = (one[0] * values[1] - one[1] * values[0]) / area
    return all(abs(a * x + b * y - v) < _NEAR for x, y, v in zip(one, two, values, strict=True))


def _same_multiples(r: Node, p: Node) -> bool:
    """2k*pi and 2n*pi, k and n any whole number: the families of angles that trigonometry answers with."""
    lost, new = symbols(r) - symbols(p), symbols(p) - symbols(r)
    if len(lost) != 1 or len(new) != 1 or not lost | new <= _WHOLE or PI not in walk(r):
        return False
    return equal_everywhere(r, substituted(p, {new.pop(): Node("sym", (), lost.pop())})) is True


def _additive(r: Node, mine: set[str], p: Node, yours: set[str]) -> bool:
    """F + C against G + C', where F - G is one number."""
    for a in mine:
        rest_r = _without_term(r, a)
        if rest_r is None:
            continue
        for b in yours:
            rest_p = _without_term(p, b)
            if rest_p is not None and symbols(rest_r) == symbols(rest_p) and _constant_difference(rest_r, rest_p):
                return True
    return False


def _without_term(node: Node, name: str) -> Node | None:
    """The rest of a sum that has the lone term `name`."""
    if node.op != "add" or name not in symbols(node):
        return None
    left, right = node.args
    if right.op == "sym" and right.value == name and name not in symbols(left):
        return left
    if left.op == "sym" and left.value == name and name not in symbols(right):
        return right
    for first, second, swap in ((left, right, False), (right, left, True)):
        rest = _without_term(first, name) if name not in symbols(second) else None
        if rest is not None:
            return Node("add", (second, rest) if swap else (rest, second))
    return None


def _constant_difference(a: Node, b: Node) -> bool:
    difference = Node("add", (a, negated(b)))
    points = sample_points(symbols(difference), positive=True)
    if not symbols(difference) or not points:
        return False
    at_first = substituted(difference, points[0])
    verdicts = [values_equal(difference, at_first, point) for point in points[1:]]
    return False not in verdicts and sum(v is True for v in verdicts) >= 3


def _renamed(r: Node, mine: set[str], p: Node, yours: set[str]) -> bool:
    """One constant of the prediction for each of the reference's, in any order that makes them equal."""
    lost, new = sorted(symbols(r) - symbols(p)), sorted(symbols(p) - symbols(r))
    if not lost and not new:  # the same names: c_1 and c_2 may still have changed places
        lost = new = sorted(name for name in mine if "_" in name)
    if len(lost) != len(new) or not 0 < len(lost) <= MAX_CONSTANTS or not set(lost) <= mine or not set(new) <= yours:
        return False
    return any(
        equal_everywhere(r, substituted(p, dict(zip(new, (Node("sym", (), name) for name in order), strict=True))))
        for order in permutations(lost)
    )

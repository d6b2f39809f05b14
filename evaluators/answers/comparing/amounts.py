"""Comparison of amounts: numbers with units, percentages, bases, clock times, ratios, dates."""

from __future__ import annotations

from fractions import Fraction

from evaluators.answers.comparing.scalars import Context, Decision, scalars
from evaluators.answers.reading.units import (
    MONEY,
    SINGLE_LETTER,
    Unit,
    as_money,
    compatible,
    nouns,
    parse_unit,
    physical,
)
from evaluators.answers.values import PI, Node, num, show, walk

_STERLING = (("gbp", 1),)
NAMED = frozenset({"qty", "percent", "base", "clock", "ratio", "date"})


def peeled(node: Node) -> Node:
    """An amount with its sign and approximation moved inside: -(5 cm) is (-5) cm."""
    if node.op in ("neg", "approx") and node.args[0].op in ("qty", "percent"):
        inner = node.args[0]
        return Node(inner.op, (Node(node.op, inner.args),), inner.value)
    if node.op == "qty" and not node.value.dims and node.value.scale == 1:
        return node.args[0]
    return node


def amounts(r: Node, p: Node, context: Context) -> Decision:
    """Whether two amounts, at least one of them named, are the same."""
    if "ratio" in (r.op, p.op):
        return _ratios(r, p, context)
    if "date" in (r.op, p.op):
        return Decision(r == p, "exact", "one date" if r == p else f"{show(p)} is not the date {show(r)}")
    if "clock" in (r.op, p.op):
        return _clocks(r, p, context)
    if _based(r) or _based(p):
        return _bases(r, p, context)
    if r.op == "percent" or p.op == "percent":
        return _percentages(r, p, context)
    return _quantities(r, p, context)


# ---- percentages


def _percentages(r: Node, p: Node, context: Context) -> Decision:
    if r.op == p.op:
        return scalars(r.args[0], p.args[0], context)
    if r.op == "qty" or p.op == "qty":
        return Decision(False, "unit", f"{show(p)[:80]} is not {show(r)[:80]}: one is a percentage, one has a unit")
    literal_r = r.args[0] if r.op == "percent" else r
    literal_p = p.args[0] if p.op == "percent" else p
    value = scalars(r, p, context)
    if value.same:
        return value._replace(reason=f"{show(p)[:60]} and {show(r)[:60]} are one number")
    bare = scalars(literal_r, literal_p, context)
    if bare.same and _percent_may_be_silent(r, p, context):
        return bare._replace(reason="the percent sign is left to the question")
    return Decision(False, "percent", f"{show(p)[:80]} is not {show(r)[:80]}")


def _percent_may_be_silent(r: Node, p: Node, context: Context) -> bool:
    """`50` for `50%`, and `50%` for `50` where percents were asked for, or nothing is known and 50 is no fraction."""
    if context.hints.percent:
        if context.hints.counted or context.hints.wanted_in:
            return False  # 20% of a price that is asked for in dollars
        if p.op == "percent" and not context.hints.percent_asked:
            return False  # 20% for 25% of 80
        return context.hints.percents or not _fraction_of_one(r)
    if context.hints.given or not context.profile.bare_attributes:
        return False
    bare = r.args[0] if r.op == "percent" else r  # 0.5 for 0.5 % may as well be a half
    return not _fraction_of_one(bare) and (r.op == "percent" or bare.op in ("num", "dec"))


def _fraction_of_one(r: Node) -> bool:
    """Whether a probability is meant as it stands: 0.25 is no 0.25 %."""
    return r.op in ("num", "dec", "div") and abs(r.value if r.op == "num" else r.value[0] if r.op == "dec" else 0) <= 1


# ---- numbers in a base


def _based(node: Node) -> bool:
    return node.op == "base" or (node.op == "neg" and node.args[0].op == "base")


def _bases(r: Node, p: Node, context: Context) -> Decision:
    sign_r, r = (-1, r.args[0]) if r.op == "neg" else (1, r)
    sign_p, p = (-1, p.args[0]) if p.op == "neg" else (1, p)
    if r.op == p.op == "base":
        if r.value[1] == p.value[1] or context.profile.bare_attributes:
            same = sign_r * _worth(r) == sign_p * _worth(p)
            return Decision(same, "exact", "one number" if same else f"{show(p)} is not {show(r)}")
        return Decision(False, "base", f"base {p.value[1]}, where base {r.value[1]} was expected")
    based, other = (r, p) if r.op == "base" else (p, r)
    if other.op != "num":
        return Decision(False, "type", "only one of them is in a base")
    if sign_r * sign_p < 0 or (other.value < 0) != (sign_r * sign_p < 0):
        other = num(-other.value) if sign_r * sign_p < 0 else other
        if other.value < 0:
            return Decision(False, "exact", "the signs differ")
    if based is r:
        silent = context.hints.base or (context.profile.bare_attributes and not context.hints.given)
        same = silent and str(other.value) == r.value[0]
        return Decision(same, "base", "the base is left to the question" if same else f"{show(p)} is not {show(r)}")
    same = context.profile.bare_attributes and _worth(p) == other.value
    return Decision(same, "base", "one number" if same else f"{show(p)} is not {show(r)}")


def _worth(node: Node) -> int:
    digits, base = node.value
    try:
        return int(digits, base)
    except ValueError:
        return -1


# ---- times and ratios


def _clocks(r: Node, p: Node, context: Context) -> Decision:
    if r.op == p.op == "clock":
        (hour_r, *rest_r, kind_r), (hour_p, *rest_p, kind_p) = r.value, p.value
        if kind_r == "open" and kind_p == "full" and context.hints.half_of_day != "p":
            return Decision(False, "exact", "an hour of the afternoon")  # 19:00 for 7:00
        if kind_r == "open" and kind_p != "open" and context.hints.half_of_day == ("p" if hour_p < 12 else "a"):
            return Decision(False, "exact", "the other half of the day")
        # 4:30 p.m. for 4:30 says more than was asked; 4:30 for 4:30 p.m. says less.
        same_hour = hour_r == hour_p or (kind_r == "open" and hour_r % 12 == hour_p % 12)  # 9:00 for 上午9时
        same = same_hour and rest_r == rest_p
        return Decision(same, "exact", "one time" if same else "two different times")
    clock, other = (r, p) if r.op == "clock" else (p, r)
    hour, *rest, kind = clock.value
    hours = (hour, hour % 12 or 12) if kind != "open" and not clock.args else (hour,) if kind == "open" else ()
    same = clock is p and rest == [0, 0] and any(other == num(h) for h in hours)
    return Decision(same, "exact", "the full hour" if same else "a time is not a number")


def _ratios(r: Node, p: Node, context: Context) -> Decision:
    if r.op == p.op == "ratio":
        if len(r.args) != len(p.args):
            return Decision(False, "structure", "ratios of different lengths")
        for i in range(1, len(r.args)):
            left = Node("mul", (r.args[0], p.args[i]))
            right = Node("mul", (r.args[i], p.args[0]))
            decision = scalars(left, right, context) if context.profile.unevaluated else _products(left, right, context)
            if not decision.same:
                return decision._replace(reason=f"{show(p)[:60]} is not in proportion to {show(r)[:60]}")
        return Decision(True, "exact", "ratios in proportion")
    ratio, other = (r, p) if r.op == "ratio" else (p, r)
    if len(ratio.args) != 2 or other.op not in ("num", "dec", "div", "mixed", "root", "mul", "pow", "add"):
        return Decision(False, "type", "a ratio is not such a value")
    quotient = Node("div", ratio.args)
    return scalars(quotient, other, context) if ratio is r else scalars(other, quotient, context)


def _products(left: Node, right: Node, context: Context) -> Decision:
    from evaluators.answers.comparing.exact import rational

    a, b = rational(left), rational(right)
    if a is None or b is None:
        return scalars(left, right, context)
    return Decision(a == b, "exact", "in proportion")


# ---- units


def _quantities(r: Node, p: Node, context: Context) -> Decision:
    if r.op == "qty" and p.op == "qty":
        return _two_units(r, p, context)
    if (measured := _glued_unit(r, p.value, context)) is not None:
        return _two_units(measured, p, context)
    if r.op == "qty":
        return _with_angle(r.args[0], r.value, p, context, reverse=False) or scalars(r.args[0], p, context)
    conflict = _conflict(p.value, context)
    if conflict:
        return Decision(False, "unit", conflict)
    if r.op == "dec" and r.value[1] == 2 and p.value.dims == (("usd", 1),) and p.value.scale == Fraction(1, 100):
        cents = Node("qty", (r,), p.value._replace(scale=Fraction(1), text="dollars"))
        if context.profile.bare_attributes and (decision := _two_units(cents, p, context)).same:
            return decision  # 150 cents for 1.50
    wanted = _wanted(p.value, context)
    if wanted is not None and (wanted.scale != p.value.scale or _angle(wanted) != _angle(p.value)):
        decision = _two_units(Node("qty", (r,), wanted), p, context)
        return (
            decision
            if decision.same
            else Decision(False, "unit", f"{show(p)[:60]} is not {show(r)[:60]} {wanted.text}")
        )
    return _with_angle(p.args[0], p.value, r, context, reverse=True) or scalars(r, p.args[0], context)


def _glued_unit(r: Node, said: Unit, context: Context) -> Node | None:
    """12h of the reference as 12 hours, where the prediction spells out a unit of the kind; None for any other product."""
    if r.op != "mul" or r.args[0].op not in ("num", "dec") or r.args[1].op != "sym" or len(said.text) < 3:
        return None
    letter = r.args[1].value
    unit = parse_unit(letter) if letter in SINGLE_LETTER and letter not in context.hints.variables else None
    same = unit is not None and unit.dims == physical(said) == said.dims
    return Node("qty", (r.args[0],), unit) if same else None


def _two_units(r: Node, p: Node, context: Context) -> Decision:
    unit_r, unit_p = as_money(r.value, p.value), as_money(p.value, r.value)
    if physical(unit_r) == _STERLING and unit_p.text.strip().lower() in ("pound", "pounds"):
        return scalars(r.args[0], p.args[0], context)
    if {_angle(unit_r), _angle(unit_p)} == {"degree", "radian"}:
        if _angle(unit_r) == "degree":
            return scalars(_in_radians(r.args[0]), p.args[0], context)
        return scalars(r.args[0], _in_radians(p.args[0]), context)
    if _angle(unit_r) == "degree" and _celsius(unit_p) and not context.hints.temperature:
        return Decision(False, "unit", f"{show(p)[:80]} is a temperature, where an angle was expected")
    if not compatible(unit_r, unit_p) and (each := _per_asked(unit_r, unit_p, context)) is not None:
        return _two_units(Node("qty", r.args, each), p, context)
    if not compatible(unit_r, unit_p):
        return Decision(False, "unit", f"{show(p)[:80]} is not {show(r)[:80]}: the units differ in kind")
    if unit_r.scale == unit_p.scale or not physical(unit_r):
        return scalars(r.args[0], p.args[0], context)
    factor = num(unit_p.scale / unit_r.scale)
    converted = Node("mul", (p.args[0], factor))
    if not context.profile.unevaluated:
        from evaluators.answers.comparing.exact import rational

        exact = rational(converted)
        converted = num(exact) if exact is not None else converted
    decision = scalars(r.args[0], converted, context)
    if decision.same is False:
        return Decision(False, "unit", f"{show(p)[:80]} is not {show(r)[:80]}")
    return decision


def _per_asked(mine: Unit, said: Unit, context: Context) -> Unit | None:
    """千米/时 of a reference in 千米, where the question is 每小时行驶多少千米 and the prediction a speed."""
    for per in context.hints.per:
        dims = dict(mine.dims)
        for name, power in per.dims:
            dims[name] = dims.get(name, 0) - power
        left = tuple(sorted((name, power) for name, power in dims.items() if power))
        if physical(said) == left == said.dims:
            return Unit(left, mine.scale / per.scale, f"{mine.text}/{per.text}")
    return None


def _conflict(unit: Unit, context: Context) -> str | None:
    """The reference is bare: a unit in the prediction is right unless the problem asks for another of its kind."""
    if unit.text in SINGLE_LETTER and unit.text in context.hints.variables:
        return f"{unit.text} is a variable of the problem"
    counted = context.hints.counted
    if _thermometer(unit) and context.hints.thermometer == unit.dims[0][0] and any(_angle(a) for a in counted):
        return None  # 13 °F, where the question is by how many degrees the temperature rose
    if any(_another_power(a, unit) for a in context.hints.asked) and not any(
        a.dims == unit.dims for a in context.hints.asked
    ):
        return f"the problem asks for {context.hints.asked[-1].text}, not {unit.text}"
    if context.hints.money and physical(unit) and not MONEY & {name for name, _ in unit.dims}:
        return "the problem asks for money"
    if context.hints.things and physical(unit) and not counted and not _names_things(unit, context.hints.things):
        return f"the problem asks how many {context.hints.things}"
    wanted = () if counted else context.hints.wanted_in
    if context.hints.per and (each := _each(unit)) is not None:
        asked_for = [a for a in context.hints.per if a.dims == each.dims]
        if asked_for and all(a.scale != each.scale for a in asked_for):
            return f"the problem asks for each {asked_for[-1].text}, not {unit.text}"
    if any(_is_rate(a) for a in wanted) and physical(unit) and not any(_rates_alike(a, unit) for a in wanted):
        return f"the problem asks for {wanted[-1].text}, not {unit.text}"
    if wanted and physical(unit) and not any(_shares(a, unit) or (_angle(a) and _angle(unit)) for a in wanted):
        return f"the problem asks for {wanted[-1].text}, not {unit.text}"
    asked = (*counted, *context.hints.asked)
    if counted and physical(unit) and not any(_shares(a, unit) or (_angle(a) and _angle(unit)) for a in asked):
        return f"the problem asks for {counted[-1].text}, not {unit.text}"
    return None


def _each(unit: Unit) -> Unit | None:
    """The ounce of $2 per ounce, where it is a measure."""
    _, _, below = unit.text.replace(" per ", "/").partition("/")
    each = parse_unit(below.strip()) if below else None
    return each if each is not None and physical(each) and not nouns(each) else None


def _names_things(unit: Unit, things: str) -> bool:
    """Words per minute, where the question is how many words."""
    return any(name.lstrip("#") in (things, things.rstrip("s")) for name in nouns(unit))


def _is_rate(unit: Unit) -> bool:
    """Miles per hour, and no dollars per hour, which are often given as dollars."""
    return len(physical(unit)) > 1 and not MONEY & {name for name, _ in unit.dims}


def _rates_alike(a: Unit, b: Unit) -> bool:
    return physical(a) == physical(b)


def _another_power(a: Unit, b: Unit) -> bool:
    """Metres and square metres."""
    mine, yours = physical(a), physical(b)
    return len(mine) == len(yours) == 1 and mine[0][0] == yours[0][0] and mine[0][1] != yours[0][1]


def _shares(a: Unit, b: Unit) -> bool:
    """Whether a dimension of the one is one of the other: dollars and dollars per hour."""
    loose = {"¥" if name in ("cny", "yen", "yuan_or_yen") else name for name, _ in physical(a)}
    return bool(loose & {"¥" if name in ("cny", "yen", "yuan_or_yen") else name for name, _ in physical(b)})


def _wanted(unit: Unit, context: Context) -> Unit | None:
    """The unit that a bare reference is in, where the problem asks for one of the prediction's kind, or for several."""
    if _angle(unit):
        angles = [a for a in context.hints.asked if _angle(a)]
        return None if not angles or any(_angle(a) == _angle(unit) for a in angles) else angles[-1]
    kinds = [
        [as_money(a, unit) for a in asked if as_money(a, unit).dims == physical(unit)]
        for asked in (context.hints.counted, context.hints.asked)
    ]
    money = bool(MONEY & {name for name, _ in unit.dims})
    asked = kinds[0] if kinds[0] or money else kinds[1]
    if money and not asked:
        asked = [a for a in context.hints.wanted_in if a.dims == physical(unit)]
    if not asked or any(a.scale == unit.scale for a in asked):
        return None
    return asked[-1]


def _angle(unit: Unit) -> str | None:
    kind = physical(unit)
    if kind in ((("degree", 1),), (("radian", 1),)) and not nouns(unit):
        return kind[0][0]
    return None


def _thermometer(unit: Unit) -> bool:
    return physical(unit) == unit.dims and unit.dims in ((("celsius", 1),), (("fahrenheit", 1),))


def _celsius(unit: Unit) -> bool:
    return physical(unit) == (("celsius", 1),)


def _with_angle(inner: Node, unit: Unit, other: Node, context: Context, *, reverse: bool) -> Decision | None:
    """90 degrees against pi/2: a bare number that speaks of pi is in radians."""
    if _angle(unit) != "degree" or not any(n == PI for n in walk(other)):
        return None
    radians = _in_radians(inner)
    return scalars(other, radians, context) if reverse else scalars(radians, other, context)


def _in_radians(degrees: Node) -> Node:
    return Node("mul", (degrees, Node("mul", (num(Fraction(1, 180)), PI))))

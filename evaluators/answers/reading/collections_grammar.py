"""Whole answers: collections, intervals, unions, relations, matrices, amounts with units, around the expressions."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from evaluators.answers.reading.bounds import Bounds
from evaluators.answers.reading.cursor import END
from evaluators.answers.reading.elision import DOTS, continued
from evaluators.answers.reading.grammar import is_amount
from evaluators.answers.reading.numerals import MAGNITUDES
from evaluators.answers.reading.units import Unit, as_money, parse_unit, physical
from evaluators.answers.reading.vocabulary import RELATIONS
from evaluators.answers.values import COLLECTIONS, INFINITY, MAX_ITEMS, Node, ParseError, negated, num, show, symbols

_ARROWS = frozenset({"=>", "Rightarrow", "implies", "Longrightarrow"})
_SEPARATING_WORDS = frozenset({"and", "or", "AND", "OR"})
_CLOSERS = {"(": (")", "]"), "[": ("]", ")"), "{": ("}",), "langle": ("rangle",)}
_UNIT_OPS = frozenset({"/", "^", "*", "$", "¢", "€", "£", "¥", "'", '"', "{", "}", "-", "."})
_SCALE_LETTERS = {"k": 10**3, "K": 10**3, "M": 10**6, "m": 10**6, "B": 10**9, "b": 10**9}
_UNIT_COMMANDS = {"circ": "°", "mu": "μ", "Omega": "Ω", "cdot": "*", "times": "*"}
_DOMAINS = {"integers": "integers", "naturals": "naturals", "positive integers": "positive"}
_PERCENT = frozenset(
    {"percent", "per cent", "percents", "percentage", "percentage point", "percentage points", "pct", "%"}
)
_ALL_REALS = Node("interval", (negated(INFINITY), INFINITY), (False, False))
_SMALLER = {"'": "feet", '"': "inches"}
_BEFORE_LISTS = frozenset({"=", "==", ",", ";", "(", "[", "{", "in"})
"""After anything else a bracket holds a factor or a term: 1/[x + 2] has no list."""
_LOGIC = {"land": "and", "lor": "or"}
MAX_PLUS_MINUS = 4


class Answers(Bounds):
    """Reads one whole answer. `is_reference` withholds readings that only a prediction may need."""

    def answer(self) -> Node:
        items = [self.item()]
        words: set[str] = set()
        while word := self.separator():
            words.add(word)
            if self.peek().text in DOTS:
                items = self.elided(items, END.text)
                break
            items.append(self.item())
            if len(items) > MAX_ITEMS:
                raise ParseError(f"more than {MAX_ITEMS} elements")
        if self.peek() is not END:
            raise ParseError(f"cannot read on at {self.peek().text!r}")
        if len(items) == 1:
            return items[0]
        joined = words.pop() if len(words) == 1 and words != {","} else None
        if joined == "and" and (compound := self.one_amount(items)) is not None:
            return compound
        if joined in _LOGIC and any(item.op == "relation" for item in items):
            joined = _LOGIC[joined]
        return self.node("list", *items, value=joined)

    def one_amount(self, items: list[Node]) -> Node | None:
        """1 hour and 30 minutes: amounts of one dimension in ever smaller units."""
        if any(item.op != "qty" for item in items):
            return None
        units = [item.value for item in items]
        falling = all(a.scale > b.scale for a, b in pairwise(units))
        if not falling or len({physical(unit) for unit in units}) > 1 or not physical(units[0]):
            return None
        total = items[0].args[0]
        for item in items[1:]:
            part = self.node("mul", item.args[0], num(item.value.scale / units[0].scale))
            total = self.node("add", total, part)
        return self.node("qty", total, value=units[0])

    def separator(self) -> str:
        """The separator passed: and, or, land, lor, a comma; the empty string where none stands here."""
        found = ""
        while self.peek() is not END:
            token = self.peek()
            word = token.kind in ("word", "text") and token.text.strip(" ,") in _SEPARATING_WORDS
            if not (word or token.text in ("lor", "land") or (token.kind == "op" and token.text in (",", ";"))):
                break
            if token.kind == "op" and found:
                break
            self.advance()
            found = "," if token.kind == "op" else token.text.strip(" ,").lower()
        return found

    # ---- relations

    def item(self) -> Node:
        if self.accept("approx"):
            return self.node("approx", self.operand())
        sides: list[Node] = [self.operand()]
        relations: list[str] = []
        while True:
            token = self.peek()
            if token.text in _ARROWS and token.kind != "text":
                self.advance()
                sides, relations = [self.operand()], []
                continue
            name = RELATIONS.get(token.text) if token.kind in ("op", "arrow", "cmd") else None
            if token.kind == "word" and token.text == "in" and sides[-1].op == "sym":
                name = "in"
            if name is None:
                break
            self.advance()
            relations.append(name)
            sides.append(self.operand())
        if not relations:
            return sides[0]
        if relations == ["in"]:
            domain = _DOMAINS.get(sides[1].value) if sides[1].op == "special" and self.building else None
            if self.building and not self.closing_bar and sides[1] == _ALL_REALS:
                domain = "reals"
            if domain is not None and sides[0].op == "sym":
                return Node("declared", (), (sides[0].value, domain))
            return self.membership(sides)
        if self.peek().text == "pmod":
            self.advance()
            sides.append(self.braced() if self.peek().text == "{" else self.prefix(45))
            relations.append("mod")
        return self.node("relation", *sides, value=tuple(relations))

    @staticmethod
    def membership(sides: list[Node]) -> Node:
        """x in A is A; `x in (1, 2)` can only be an interval."""
        inner = sides[1]
        if inner.op in ("tuple", "bracket") and len(inner.args) == 2:
            closed = inner.op == "bracket"
            return Node("interval", inner.args, (closed, closed))
        return inner

    def operand(self) -> Node:
        left = self.amount()
        while True:
            token = self.peek()
            if token.text in ("cup", "cap") or (token.kind == "word" and token.text == "U"):
                self.advance()
                left = self.node("union" if token.text != "cap" else "cap", _as_set(left), _as_set(self.amount()))
            elif token.text in ("setminus", "backslash") and token.kind == "cmd":
                self.advance()
                left = self.node("without", left, _as_set(self.amount()))
            elif (
                ((token.text == ":" and token.kind == "op") or token.text == "colon")
                and not self.closing_bar
                and left.op in ("num", "dec", "sym", "ratio", "div", "root", "mul")
            ) or (token.text in ("to", ":") and token.kind in ("word", "text") and left.op in ("num", "ratio")):
                self.advance()
                left = self.node("ratio", *(left.args if left.op == "ratio" else (left,)), self.amount())
            else:
                return left

    # ---- amounts: a number, its magnitude, its unit

    def amount(self) -> Node:
        before = self.currency
        self.currency = None
        value = self.expression()
        currency, self.currency = self.currency, before
        value = self.magnitude(value, glued=currency is not None)
        unit = self.unit(value, currency)
        if unit is None:
            return value
        if value.op == "percent" and physical(unit):
            raise ParseError("a percentage with a unit")
        value = self.node("qty", value, value=unit) if unit.text != "%" else self.node("percent", value)
        following = self.peek()
        if following.kind == "num" and value.op == "qty" and value.args[0].op in ("num", "dec"):
            return self.compound(value)
        return value

    def magnitude(self, value: Node, *, glued: bool) -> Node:
        token = self.peek()
        if token.kind not in ("word", "text") or value.op not in ("num", "dec", "mixed", "mul"):
            return value
        scale = MAGNITUDES.get(token.text.lower().rstrip("s") if len(token.text) > 4 else token.text.lower())
        if scale is None and glued and not token.spaced:
            scale = _SCALE_LETTERS.get(token.text)
        if scale is None:
            return value
        self.advance()
        if value.op == "mul":
            return self.node("mul", value, num(scale))
        if value.op == "dec":
            return num(value.value[0] * scale)
        return num(value.value * scale) if value.op == "num" else self.node("mul", value, num(scale))

    def unit(self, value: Node, currency: str | None) -> Unit | None:
        """The unit of the tokens up to the next separator, closed bracket or relation; a ParseError where they are none."""
        begin = self.position
        bracket = self.peek().text == "(" and self.peek(1).kind in ("word", "text")
        if bracket:
            self.advance()
        pieces: list[str] = []
        while self.unit_token(pieces):
            token = self.advance()
            if token.kind == "cmd":
                pieces.append(_UNIT_COMMANDS[token.text])
            else:
                pieces.append((" " if token.spaced or token.kind in ("text", "word") else "") + token.text)
        text = "".join(pieces).strip().strip("()").strip().replace("^ ", "^")
        if bracket and text:
            self.expect(")")
        if text.lower() in _PERCENT:
            return Unit((), Fraction(1), "%")
        if not text:
            self.position = begin
            return parse_unit(currency) if currency else None
        unit = parse_unit(_plain_unit(text))
        if unit is None:
            raise ParseError(f"{text!r} is no unit")
        if not physical(unit) and not is_amount(value):
            raise ParseError(f"{text!r} after {show(value)[:40]} is neither a unit nor what it counts")
        if currency and (money := parse_unit(currency)):
            spelled = [d for d in unit.dims if d[0] not in ("usd", "cny")]
            return Unit(tuple(sorted((*money.dims, *spelled))), unit.scale, f"{currency} {text}")
        return unit

    def unit_token(self, pieces: list[str]) -> bool:
        token = self.peek()
        if token.text.strip() == "in" and token.kind in ("word", "text"):  # inches, where nothing follows to be in
            return self.peek(1).text in ("", "^", "/", ")", "}", ".", ",") or self.peek(1).kind in ("word", "text")
        if token.kind in ("word", "text"):
            return token.text.strip(" ,") not in _SEPARATING_WORDS and token.text not in ("to", "U")
        if token.kind == "cmd":
            times = token.text in ("cdot", "times")
            return token.text in _UNIT_COMMANDS and (
                not times or (bool(pieces) and self.peek(1).kind in ("word", "text"))
            )
        if token.kind == "num":
            return bool(pieces) and pieces[-1].strip() in ("^", "{", "-") and len(token.text) == 1
        if token.kind != "op" or token.text not in _UNIT_OPS:
            return False
        if token.text in ("$", "€", "£", "¥", "¢", "'", '"'):
            return not pieces
        if token.text == "*" or (token.text == "/" and not pieces):
            return (token.text == "/" or bool(pieces)) and self.peek(1).kind in ("word", "text")
        return bool(pieces) and (token.text != "}" or any(p.strip() == "{" for p in pieces))

    def compound(self, first: Node) -> Node:
        """5 feet 3 inches, 2 hours 30 minutes: one amount of one dimension."""
        second = self.amount()
        if second.op == "qty":
            second = second._replace(value=as_money(second.value, first.value))
        if (
            second.op != "qty"
            or physical(second.value) != physical(first.value)
            or not physical(first.value)
            or second.value.scale >= first.value.scale
        ):
            raise ParseError("two amounts side by side are not one")
        ratio = num(second.value.scale / first.value.scale)
        total = self.node("add", first.args[0], self.node("mul", second.args[0], ratio))
        return self.node("qty", total, value=first.value)

    # ---- collections

    def group(self) -> Node:
        alone = self.position == 0 or self.tokens[self.position - 1].text in _BEFORE_LISTS
        opener = self.advance().text
        closers = _CLOSERS[opener]
        self.depth += 1
        outer_bars, self.bars = self.bars, 0
        if self.accept(*closers):
            self.depth, self.bars = self.depth - 1, outer_bars
            return self.node("special", value="empty") if opener in "{[" else self.node("tuple")
        building, self.building = self.building, opener == "{"
        if opener == "{":
            self.closing_bar = True
            if self.peek().kind == "begin" and self.peek().text in ("array", "aligned", "cases"):
                return self.left_brace(outer_bars)
        items = [self.item()]
        self.closing_bar = False
        if opener == "{" and (self.accept("|", "mid", ":", "vert", "colon")):
            return self.set_builder(items[0], outer_bars)
        while self.separator():
            if self.peek().text in DOTS:
                items = self.elided(items, *closers)
                break
            if opener == "(" and len(items) == 1 and self.peek().text == ")":
                break  # Python's tuple of one
            items.append(self.item())
            if len(items) > MAX_ITEMS:
                raise ParseError(f"more than {MAX_ITEMS} elements")
        closer = self.peek().text
        self.expect(*closers)
        self.depth, self.bars = self.depth - 1, outer_bars
        self.building = building
        if any(item.op == "declared" for item in items):
            raise ParseError("a condition is no element")
        return self.grouped(opener, closer, items, alone=alone)

    def elided(self, shown: list[Node], *closers: str) -> list[Node]:
        """The whole list, at the dots of which the parser stands."""
        self.advance()
        self.separator()
        last = None if self.peek().text in closers else self.item()
        return continued(shown, last)

    def grouped(self, opener: str, closer: str, items: list[Node], *, alone: bool) -> Node:
        if opener == "{":
            return self.node("set", *items)
        if opener == "langle":
            return self.node("angle", *items)
        if closer != _CLOSERS[opener][0]:
            if len(items) != 2:
                raise ParseError("brackets that do not match hold two endpoints")
            return self.node("interval", *items, value=(opener == "[", closer == "]"))
        if len(items) == 1:
            if items[0].op == "matrix" or (opener == "[" and items[0].op in ("tuple", "list")):
                return items[0]
            ends = self.peek() is END and self.position == len(self.tokens)
            if opener == "[" and alone and ends and items[0].op != "relation":
                return self.node("bracket", items[0])
            return items[0]
        if len(items) == 2 and any(_infinite(i) for i in items):
            return self.node("interval", *items, value=(opener == "[", closer == "]"))
        if opener == "[" and all(item.op == "relation" for item in items):
            return self.node("list", *items)  # [x = 3, y = 5]
        return self.node("tuple" if opener == "(" else "bracket", *items)

    def of_form(self, head: Node, declared: list[Node], others: list[Node]) -> Node:
        """{2k + 1 : k \\in Z, k > 3}: elements of a form, whose letters the conditions keep."""
        free = symbols(head)
        limits = []
        for other in others:
            names = symbols(other) & free
            if other.op != "relation" or len(names) != 1:
                raise ParseError("a condition that is about no letter of the elements")
            limits.append(Node("restricts", (other,), names.pop()))
        if not declared and not limits:
            raise ParseError("elements of a form whose letters nothing keeps")
        return self.node("given", head, *declared, *limits)

    def set_builder(self, head: Node, outer_bars: int) -> Node:
        conditions, words = [self.item()], set()
        while word := self.separator():
            words.add(_LOGIC.get(word, word))
            conditions.append(self.item())
        self.expect("}")
        self.depth, self.bars = self.depth - 1, outer_bars
        self.building = False
        declared = [c for c in (head, *conditions) if c.op == "declared"]
        others = [c for c in conditions if c.op != "declared"]
        if not _is_name(head) and head.op not in ("declared", "relation") and head not in others:
            return self.of_form(head, declared, others)
        kept = [c for c in others if c.op == "relation"] or others or [head]
        joined = words.pop() if len(words) == 1 and words <= {"and", "or"} else None
        main = kept[0] if len(kept) == 1 else self.node("list", *kept, value=joined)
        if main == head and declared == [Node("declared", (), (head.value, "reals"))]:
            return _ALL_REALS
        return self.node("given", main, *declared) if declared else main


def _is_name(node: Node) -> bool:
    """x of {x | x > 2}, (x, y) of {(x, y) | y = 2x}: what the conditions are about."""
    if node.op == "tuple":
        return len(set(node.args)) == len(node.args) and all(a.op == "sym" for a in node.args)
    return node.op in ("sym", "special", "interval", "set")


def _plain_unit(text: str) -> str:
    text = re.sub(r"[{}]", "", text)
    return _SMALLER.get(text, text.rstrip("."))


def _as_set(node: Node) -> Node:
    """[2, 4] \\cup {7} without its backslashes: what stands beside a union is a set."""
    return Node("set", (node,)) if is_amount(node) else node


def _infinite(node: Node) -> bool:
    return node == INFINITY or node == negated(INFINITY)


def expand_plus_minus(node: Node) -> Node:
    """1 \\pm a as the two values it stands for; all the signs of one item turn together."""
    return _expanded(node) if _has_plus_minus(node) else node


def _expanded(node: Node) -> Node:
    if node.op in ("tuple", "angle") and _has_plus_minus(node):
        return Node("list", (_signed(node, 1), _signed(node, -1)))  # (2, \\pm 3): two points
    if node.op in COLLECTIONS:
        items: list[Node] = []
        for item in node.args:
            expanded = _expanded(item)
            items.extend(expanded.args if expanded.op == "list" and item.op != "list" else (expanded,))
        return node._replace(args=tuple(items))
    if not _has_plus_minus(node):
        return node
    if node.op == "relation" and node.value == ("=",):
        return Node("list", tuple(node._replace(args=tuple(_signed(a, s) for a in node.args)) for s in (1, -1)), "pm")
    return Node("list", (_signed(node, 1), _signed(node, -1)), "pm")


def _has_plus_minus(node: Node) -> bool:
    stack = [node]
    while stack:
        op, args, _ = stack.pop()
        if op in ("pm", "mp"):
            return True
        if args:
            stack.extend(args)
    return False


def _signed(node: Node, sign: int) -> Node:
    args = tuple(_signed(a, sign) for a in node.args)
    if node.op in ("pm", "mp"):
        positive = (sign > 0) == (node.op == "pm")
        right = args[1] if positive else negated(args[1])
        return right if args[0] == num(0) else Node("add", (args[0], right))
    return node._replace(args=args)


__all__ = ["Answers", "expand_plus_minus"]

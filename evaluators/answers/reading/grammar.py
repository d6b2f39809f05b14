"""Expressions: a Pratt parser from tokens to trees. A text that is not wholly read is a ParseError, never a prefix."""

from __future__ import annotations

from fractions import Fraction

from evaluators.answers.reading.atoms import Atoms
from evaluators.answers.reading.cursor import END, MAX_DEPTH
from evaluators.answers.reading.tokens import Token
from evaluators.answers.reading.units import PREFIX_CURRENCY, SINGLE_LETTER, is_unit_word, parse_unit
from evaluators.answers.reading.vocabulary import (
    CONSTANTS,
    FUNCTIONS,
    MATRICES,
    NOT_FACTORS,
    OPENERS,
    OVER,
    ROOTS,
    STARTING_COMMANDS,
    STOP_WORDS,
    TIMES,
)
from evaluators.answers.values import Node, ParseError, negated, num, symbols, walk

DEGREE = parse_unit("degrees")
_SCALABLE = frozenset({"matrix", "tuple", "angle"})
_POSTFIX = frozenset({"!", "%"})
# operator -> (node, binding power)
_BINARY = {
    "+": ("add", 10),
    "-": ("sub", 10),
    "pm": ("pm", 10),
    "mp": ("mp", 10),
    "bmod": ("mod", 20),
    "mod": ("mod", 20),
}
_BINARY |= (
    {"choose": ("binom", 20), "over": ("div", 5)} | dict.fromkeys(TIMES, ("mul", 20)) | dict.fromkeys(OVER, ("div", 20))
)


MAX_ORDER = 4
_STRETCHES = frozenset({"t", "s", "k", "lambda", "mu"})
"""Parameters of lines: t(2, -1, 3) is a multiple of a direction."""


class Expressions(Atoms):
    """Reads arithmetic by binding powers: sums 10, products 20, powers 40, postfixes 50."""

    def expression(self, minimum: int = 0) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ParseError(f"nested more than {MAX_DEPTH} deep")
        left = self.prefix(minimum)
        while (power := self.infix_power(left)) > minimum:
            left = self.infix(left, power)
        self.depth -= 1
        return left

    def infix_power(self, left: Node) -> int:
        """How strongly what stands here binds to `left`; 0 where it does not."""
        kind, text, spaced = self.peek()
        if kind in ("op", "arrow"):
            return self.sign_power(left, text)
        if kind in ("cmd", "word") and text in _BINARY:
            return _BINARY[text][1]
        if kind == "cmd":
            vector = text == "langle" and is_amount(left)
            return self.implicit_power if text in STARTING_COMMANDS or vector else 0
        if kind == "begin" and text in MATRICES:
            return self.implicit_power
        continues = (
            (kind == "word" and self.word_continues(left, text, spaced))
            or (kind == "text" and text in FUNCTIONS)
            or (kind == "num" and self.number_continues(left, text, spaced))
        )
        return self.implicit_power if continues else 0

    def sign_power(self, left: Node, text: str) -> int:
        following = self.peek(1)
        if text == "/" and following.kind in ("word", "text") and is_amount(left) and is_unit_word(following.text):
            return 0
        if text in _BINARY:
            return _BINARY[text][1]
        if text in ("^", "**"):
            return 40
        if text in _POSTFIX:
            return 50
        if text == "(":
            words = self.peek(1).kind in ("word", "text") and self.remark()
            return 0 if words or self.peek(1).text in ("approx", "simeq", "~") else self.implicit_power
        if text == "'" and self.is_primed_bracket(left):
            return 50
        if text == "{" or (text == "[" and self.implicit_bracket(left)):
            return self.implicit_power
        return self.implicit_power if text == "|" and not self.bars and not self.closing_bar else 0

    def is_primed_bracket(self, left: Node) -> bool:
        """(\\sin x)': a bracket about one variable, and no feet."""
        return self.position > 0 and self.tokens[self.position - 1].text == ")" and len(symbols(left)) == 1

    def remark(self) -> bool:
        """A word in brackets, `5 (apples)`: no factor."""
        word = self.peek(1).text
        if not word.isascii() or (is_unit_word(word) and self.peek(2).text == ")"):
            return True
        return len(word) > 3 and word not in FUNCTIONS and word not in CONSTANTS and not self.splits(word)

    @staticmethod
    def implicit_bracket(left: Node) -> bool:
        return left.op not in ("interval", "set", "tuple", "bracket", "union")

    def number_continues(self, left: Node, text: str, spaced: bool) -> bool:
        """A number after a number is only ever the fraction of a mixed number; after `)` it is a factor."""
        powered = spaced and self.peek(1).text in ("^", "**")
        last = left.args[-1] if left.op == "mul" else left
        if spaced and last.op == "pow" and text.isdigit() and self.peek(1).text != "/":
            return True
        if powered and left.op in ("num", "pow", "sym", "mul", "add", "div"):
            return True  # 3 2^n, n 2^{n-1}, (n-2) 2^n: nobody puts a space into a number before its power
        if left.op == "num" and left.value.denominator == 1:
            over, below = self.peek(1), self.peek(2)
            return (
                spaced and text.isdigit() and over.text == "/" and below.text.isdigit()
                and 0 < int(text) < int(below.text) and self.peek(3).text != "/"
            )  # fmt: skip
        if left.op == "fn" and left.value == "factorial":
            return True
        return left.op not in ("num", "dec", "div", "mixed", "percent", "qty", "neg", "base") and not spaced

    def word_continues(self, left: Node, text: str, spaced: bool) -> bool:
        if text in STOP_WORDS or (len(text) > 3 and not self.splits(text)):
            return False
        squared_hours = text == "hr" and self.peek(1).text in ("^", "**")  # \pi hr^2 has a height and a radius
        if is_unit_word(text) and is_amount(left) and self.peek(1).text != "(" and not squared_hours:
            return False
        if text in FUNCTIONS or text in CONSTANTS or text in ROOTS:
            return True
        return not (self.loose and text in SINGLE_LETTER and is_amount(left) and self.ends_unit())

    def ends_unit(self) -> bool:
        """Whether the letter here can be a unit: nothing but a power, a slash or the end may follow."""
        return self.peek(1).kind in ("end_of_text", "text") or self.peek(1).text in ("^", "/", ",", ")", "}", "]", ";")

    @staticmethod
    def splits(text: str) -> bool:
        """`sinx`, `sqrtx`, `pir`: a known name and at most one letter more."""
        return any(text.startswith(name) and len(text) - len(name) <= 1 for name in (*ROOTS, *FUNCTIONS, "infinity"))

    def infix(self, left: Node, power: int) -> Node:
        """`left` with the operator here and what stands right of it; no operator means a product."""
        kind, text, _ = self.peek()
        named = kind == "cmd" and text in STARTING_COMMANDS
        if not named and kind != "num" and (rule := self.operation(left, kind, text)) is not None:
            return rule
        if kind == "num" and left.op == "num" and self.peek(1).text == "/":
            fraction = self.node("div", num(int(self.advance().text)), num(int(self.tokens[self.position + 1].text)))
            self.position += 2
            return self.node("mixed", left, fraction)
        if text == "frac" and (mixed := self.mixed(left)) is not None:
            return mixed
        right = self.expression(self.implicit_power)
        if right.op in _SCALABLE and left.op not in NOT_FACTORS:
            return self.scaled(left, right)
        if left.op in NOT_FACTORS or right.op in NOT_FACTORS:
            raise ParseError("a collection is no factor")
        return self.node("mul", left, right)

    def mixed(self, left: Node) -> Node | None:
        """3\\frac{1}{2}, before a percent sign or a factor can take the fraction alone; None where it is a product."""
        if left.op != "num" or left.value.denominator != 1:
            return None
        begin, nodes = self.position, self.nodes
        fraction = self.prefix(45)
        if is_mixed(left, fraction) and self.peek().text not in ("^", "**", "!"):
            return self.node("mixed", left, fraction)
        self.position, self.nodes = begin, nodes
        return None

    def scaled(self, factor: Node, collection: Node) -> Node:
        """A multiple of a matrix or vector; a capital before a tuple is the name of the point."""
        if factor.op == "sym" and factor.value[0].isupper() and collection.op == "tuple":
            return collection._replace(value=factor.value)
        if collection.op == "matrix" and any(n.op == "matrix" for n in walk(factor)):
            return self.node("mul", factor, collection)
        if (
            collection.op == "tuple"
            and not is_amount(factor)
            and not (factor.op == "sym" and factor.value in _STRETCHES)
        ):
            raise ParseError("a tuple is no factor")
        return collection._replace(args=tuple(self.multiple(factor, cell) for cell in collection.args))

    def multiple(self, factor: Node, cell: Node) -> Node:
        """A whole multiple of a whole number is worked out: nobody leaves 2(1, 3) to be done."""
        whole = factor.op == cell.op == "num" and factor.value.denominator == cell.value.denominator == 1
        return num(factor.value * cell.value) if whole else self.node("mul", factor, cell)

    def operation(self, left: Node, kind: str, text: str) -> Node | None:
        """The node of a written operator; None where the product is only implied."""
        if text in _POSTFIX and kind == "op":
            return self.postfix(left, text)
        if text == "'":
            return self.derivative(left)
        if text in ("^", "**"):
            self.advance()
            return self.superscript(left)
        if text not in _BINARY:
            return None
        self.advance()
        op, power = _BINARY[text]
        right = self.expression(power)
        if op == "mul" and right.op in _SCALABLE and left.op not in NOT_FACTORS and right.op != "tuple":
            return self.scaled(left, right)
        if op == "sub":
            if left.op in ("interval", "union") and right.op == "set":
                return self.node("without", left, right)
            right = negated(right) if right.op != "tuple" else right._replace(args=tuple(map(negated, right.args)))
            op = "add"
        if op == "add" and left.op == right.op == "tuple" and len(left.args) == len(right.args):
            return left._replace(args=tuple(self.node("add", a, b) for a, b in zip(left.args, right.args, strict=True)))
        if op == "add":
            return self.node("add", left, right)
        return self.node("fn", left, right, value=op) if op in ("mod", "binom") else self.node(op, left, right)

    def derivative(self, body: Node) -> Node:
        """(\\sin x)' and (x^3)'', by the one variable of the bracket."""
        order = 0
        while self.accept("'"):
            order += 1
        if order > MAX_ORDER:
            raise ParseError("a derivative of too high an order")
        return self.node("diff", body, value=(next(iter(symbols(body))), order))

    def postfix(self, left: Node, text: str) -> Node:
        """A percentage or a factorial."""
        self.advance()
        if text == "%" and left.op == "percent":
            raise ParseError("a percentage of a percentage")
        if text == "%":
            return self.node("percent", left)
        if left.op == "fn" and left.args[0].op == "fn" and left.args[0].args[0].op == "fn":
            raise ParseError("a factorial of a factorial of a factorial")
        double = self.peek().text == "!" and not self.peek().spaced and self.accept("!")
        return self.node("fn", left, value="double_factorial" if double else "factorial")

    def superscript(self, base: Node) -> Node:
        """After `^`: degrees, an ordinal's ending, a transpose, or an exponent."""
        braces = self.peek().text == "{"
        inner = self.peek(1) if braces else self.peek()
        if inner.text == "circ" or (inner.text == "o" and base.op in ("num", "dec")):
            self.position += 3 if braces else 1
            return self.degrees(base)
        if inner.text == "prime" and base.op == "sym":
            return self.primed(base, braces)
        if inner.text in ("T", "top", "intercal") and base.op in ("matrix", "tuple", "bracket"):
            self.position += 3 if braces else 1
            return self.transposed(base)
        if inner.kind in ("text", "word") and inner.text in ("th", "st", "nd", "rd") and base.op == "num":
            self.position += 3 if braces else 1
            return base
        if base.op == "sym" and "_" not in base.value and inner.kind == "num" and self.peek(1).text == "_":
            exponent = num(int(self.advance().text)) if inner.text.isdigit() else self.signed_power()
        else:
            exponent = self.braced() if self.peek().text == "{" else self.signed_power()
        if base.op == "sym" and "_" not in base.value and self.accept("_"):  # x^2_1 is x_1^2
            base = self.node("sym", value=f"{base.value}_{self.subscript()}")
        return self.node("pow", base, exponent)

    def primed(self, base: Node, braces: bool) -> Node:
        """f^{\\prime\\prime}(x) is f''(x), with its argument."""
        name = base.value
        self.position += braces
        while self.accept("prime"):
            name += "'"
        if braces:
            self.expect("}")
        return self.symbol(name)

    def transposed(self, base: Node) -> Node:
        """Rows become columns; a row vector in round or square brackets becomes a column."""
        if base.op != "matrix":
            return self.node("matrix", *base.args, value=(len(base.args), 1))
        rows, columns = base.value
        cells = [base.args[r * columns + c] for c in range(columns) for r in range(rows)]
        return self.node("matrix", *cells, value=(columns, rows))

    def degrees(self, base: Node) -> Node:
        scale = self.peek().text
        if self.peek().kind in ("word", "text") and scale in ("C", "F"):
            self.advance()
            return self.node("qty", base, value=parse_unit("°" + scale))
        for part, marks in ((60, ("'",)), (3600, ('"', "''"))):
            if self.peek().kind == "num" and (width := self.mark_width(marks)):
                base = self.node("add", base, self.node("div", num(Fraction(self.advance().text)), num(part)))
                self.position += width
        return self.node("qty", base, value=DEGREE)

    def mark_width(self, marks: tuple[str, ...]) -> int:
        """How many tokens the mark of minutes or seconds after the number here takes; 0 where there is none."""
        following = "".join(self.peek(i).text for i in range(1, 6)).replace("\\", "")
        for mark in marks:
            if following.startswith(mark):
                return len(mark)
        for spelled, width in (("^{prime}", 4), ("^{circ}", 0), ("^prime", 2)):
            if "'" in marks and following.startswith(spelled):
                return width
        return 0

    def signed_power(self) -> Node:
        if self.accept("-"):
            return negated(self.expression(39))
        return self.expression(39)

    def prefix(self, minimum: int) -> Node:
        token = self.advance()
        kind, text, _ = token
        if kind == "num":
            return self.number(text)
        if kind == "word":
            return self.word(text)
        if kind == "cmd":
            return self.command(text, minimum)
        if kind == "op":
            return self.operator(text, minimum)
        if kind == "begin":
            return self.matrix(text)
        if kind == "text" and text and text.isascii() and text.strip().isalpha():
            self.tokens.insert(self.position, Token("word", text.strip(), False))
            if text.strip() in FUNCTIONS or len(text.strip()) == 1:
                return self.word(self.advance().text)
        raise ParseError(f"expected a value, found {text or 'the end'!r}")

    def operator(self, text: str, minimum: int) -> Node:
        if text == "-":
            operand = self.expression(max(minimum, 19))
            vector = operand.op == "tuple" and operand.value is None
            return operand._replace(args=tuple(map(negated, operand.args))) if vector else negated(operand)
        if text == "+":
            return self.expression(max(minimum, 19))
        if text in OPENERS or text == "{":
            self.position -= 1
            return self.braced() if text == "{" else self.group()
        if text == "|":
            return self.absolute("|")
        if text in PREFIX_CURRENCY:
            self.currency = text
            if self.accept("-"):
                return negated(self.expression(45))
            return self.expression(45)
        raise ParseError(f"expected a value, found {text!r}")

    def braced(self) -> Node:
        self.expect("{")
        inner = self.item()
        if self.peek().text == ",":
            items = [inner]
            while self.accept(","):
                items.append(self.item())
            inner = self.node("set", *items)
        self.expect("}")
        return inner

    def item(self) -> Node:
        """What may stand in a brace: the answer grammar widens this to relations and collections."""
        return self.expression()

    def group(self) -> Node:
        opener = self.advance().text
        inner = self.expression()
        self.expect(OPENERS.get(opener, ")"))
        return inner


def is_amount(node: Node) -> bool:
    """Whether a unit may follow: a number, not an expression with variables."""
    while node.op in ("neg", "mixed", "div", "mul", "percent", "pow", "root", "add", "fn"):
        node = node.args[0]
    return node.op in ("num", "dec", "const", "base")


def is_mixed(left: Node, right: Node) -> bool:
    if left.op not in ("num",) or left.value.denominator != 1 or right.op != "div":
        return False
    upper, lower = right.args
    return upper.op == lower.op == "num" and 0 < upper.value < lower.value


__all__ = ["DEGREE", "END", "Expressions", "is_amount"]

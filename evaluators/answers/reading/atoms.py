"""The values of an expression that have names: symbols, constants, functions, roots, LaTeX commands."""

from __future__ import annotations

from math import perm

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.cursor import END, Cursor
from evaluators.answers.reading.tokens import Token
from evaluators.answers.reading.vocabulary import (
    ALIASES,
    CONSTANTS,
    FUNCTIONS,
    GREEK,
    INVERSES,
    NAMED_FIGURES,
    ROOTS,
    STOP_WORDS,
)
from evaluators.answers.values import INFINITY, Node, ParseError, negated, num

_GREEK_FUNCTIONS = {"Gamma": "gamma", "zeta": "zeta"}
_VARIANTS = {"varphi": "phi", "vartheta": "theta", "varepsilon": "epsilon"}
_GREEK_HEADS = frozenset({"Phi", "phi", "varphi", "Psi", "psi"})
_GLUED = sorted({*ROOTS, *FUNCTIONS, "pi"} - {"re", "im", "arg", "max", "min", "det"}, key=len, reverse=True)
"""Names that a letter may follow without a space, `sinx`; the others begin words: red, image, minor."""
MAX_ARRANGED = 100
_DIFFERENTIAL = Node("sym", (), "d")
_OF_MANY = frozenset({"max", "min", "gcd", "lcm"})
_NUMBER_SETS = {"mathbbZ": "integers", "mathbbN": "naturals", "mathbbQ": "rationals", "mathbbC": "complex numbers"}
_PARTS_OF_REALS = {
    "^{+}": ("positive", 4), "_{+}": ("positive", 4), "^+": ("positive", 2), "_+": ("positive", 2), "_{>0}": ("positive", 5),
    "_{ge0}": ("nonnegative", 5), "_{geq0}": ("nonnegative", 5), "_{>=0}": ("nonnegative", 5), "^{-}": ("negative", 4),
    "^-": ("negative", 2), "_{<0}": ("negative", 5), "^{*}": ("nonzero", 4), "^*": ("nonzero", 2),
}  # fmt: skip


_TURNED_SUM = lazy_pattern(r"(\d+)\+([a-z])")
_SPELLED_PRODUCT = lazy_pattern(
    r"(?:(?P<before>\d+)(?:\*|cdot|times)(?P<one>[a-z])|(?P<two>[a-z])(?:\*|cdot|times)(?P<after>\d+))"
)


def _in_usual_order(index: str) -> str:
    """n+1 for the subscript 1+n, 2n for n \\cdot 2."""
    if (turned := _TURNED_SUM.fullmatch(index)) is not None:
        return f"{turned[2]}+{turned[1]}"
    if (product := _SPELLED_PRODUCT.fullmatch(index)) is not None:
        return f"{product['before'] or product['after']}{product['one'] or product['two']}"
    return index


def _derivative(upper: Node, lower: Node) -> str | None:
    """y' for dy over dx."""
    names = [[part.value for part in node.args if part.op == "sym"] for node in (upper, lower) if node.op == "mul"]
    if len(names) != 2 or any(len(pair) != 2 or pair[0] != "d" for pair in names):
        return None
    return f"{names[0][1]}'"


def _operator(upper: Node, lower: Node) -> tuple[str, int] | None:
    """The variable and order of d over dx, of d^2 over dx^2."""
    order = 1
    if upper.op == "pow" and upper.args[1].op == "num" and upper.args[1].value.denominator == 1:
        upper, order = upper.args[0], int(upper.args[1].value)
    if upper != _DIFFERENTIAL or lower.op != "mul" or lower.args[0] != _DIFFERENTIAL or not 1 <= order <= 4:
        return None
    variable = lower.args[1]
    if order > 1 and variable.op == "pow" and variable.args[1] == num(order):
        variable = variable.args[0]
    elif order > 1:
        return None
    return (variable.value, order) if variable.op == "sym" else None


class Atoms(Cursor):
    """Reads one named value, with the arguments that belong to it."""

    def word(self, text: str) -> Node:
        if text in FUNCTIONS:
            return self.function(ALIASES.get(text, text))
        if text in ROOTS:
            return self.root(ROOTS[text])
        if text in CONSTANTS:
            return self.powered_constant(text)
        if text in STOP_WORDS and len(text) > 1 and text not in ("am", "pm"):  # no hour before it: a times m
            raise ParseError(f"expected a value, found the word {text!r}")
        if len(text) == 1:
            return self.symbol(text)
        for name in _GLUED:
            if text.startswith(name) and len(text) - len(name) <= 1:
                self.position -= 1
                self.tokens[self.position : self.position + 1] = [
                    Token("word", name, False),
                    Token("word", text[len(name) :], False),
                ]
                return self.word(self.advance().text)
        if text in ("constant", "const"):
            return self.node("sym", value="C")
        if len(text) > 3:
            raise ParseError(f"expected a value, found the word {text!r}")
        self.position -= 1
        self.tokens[self.position : self.position + 1] = [Token("word", letter, False) for letter in text]
        return self.word(self.advance().text)

    def powered_constant(self, text: str) -> Node:
        """e and i are constants, unless they carry a subscript or are the index of a sum."""
        if text in self.indices or (len(text) == 1 and self.peek().text == "_"):
            return self.symbol(text)
        return CONSTANTS[text]

    def symbol(self, name: str) -> Node:
        if self.accept("_"):
            name += "_" + self.subscript()
        elif len(name) == 1 and self.peek().kind == "num" and not self.peek().spaced and self.peek().text.isdigit():
            name += "_" + self.advance().text  # x1 is x_1: nobody writes the factor 1 there
        if name[0] == "A" and name[2:].isdigit() and self.peek().text == "^":
            return self.arrangements(int(name[2:])) or self.node("sym", value=name)
        if name[0] == "C" and (combination := self.combination(name)) is not None:
            return combination
        name += self.inverse_mark(name)
        while self.accept("'"):
            name += "'"
        if self.peek().text == "(" and not self.peek().spaced and self.is_head(name):
            self.advance()
            arguments = [self.expression()]
            while self.accept(","):
                arguments.append(self.expression())
            self.expect(")")
            if name[0].isupper() and name.endswith("'") and len(arguments) > 1 and name[0] not in "FGH":
                return self.node("tuple", *arguments, value=name)  # the point A'(1, 2)
            return self.node("call", *arguments, value=name)
        return self.node("sym", value=name)

    def is_head(self, name: str) -> bool:
        """f(2) and g(x) wherever they stand; y(x) = ..., a(n) = ... where a function is defined, and no product."""
        if (name[0] in "fghFGH" and name not in GREEK) or name.endswith("'"):
            return True
        if name in _GREEK_HEADS:  # \\phi(12) and \\Phi(x, y), and \\phi(1 - p) as well may be a product
            return self.peek(2).text in (")", ",")
        following = [self.peek(i).text for i in range(1, 4)]
        return len(name) == 1 and following[0] in ("x", "t", "n") and following[1:] == [")", "="]

    def combination(self, name: str) -> Node | None:
        """C(5, 2) and C_5^2: so many ways to choose."""
        begin = self.position
        if name == "C" and self.accept("("):
            upper = self.expression()
            if self.accept(","):
                lower = self.expression()
                self.expect(")")
                return self.node("fn", upper, lower, value="binom")
        elif (name[2:].isdigit() or name[2:] == "n") and self.accept("^"):
            lower = self.braced() if self.peek().text == "{" else self.signed_power()
            upper = num(int(name[2:])) if name[2:].isdigit() else self.node("sym", value="n")
            if (lower.op == "num" and (upper.op == "sym" or lower.value <= upper.value)) or lower.op == "sym":
                return self.node("fn", upper, lower, value="binom")
        self.position = begin
        return None

    def arrangements(self, of: int) -> Node | None:
        """A_5^2, as Chinese schools write it: so many ordered choices."""
        begin = self.position
        self.advance()
        chosen = self.braced() if self.peek().text == "{" else self.signed_power()
        if chosen.op == "num" and chosen.value.denominator == 1 and 0 < chosen.value <= of <= MAX_ARRANGED:
            return num(perm(of, int(chosen.value)))
        self.position = begin
        return None

    def inverse_mark(self, name: str) -> str:
        """The ^{-1} of f^{-1}(x), which is part of the name."""
        mark = "".join(self.peek(i).text for i in range(6))
        if name in ("f", "g", "h") and mark.startswith(("^{-1}(", "^-1(")):
            self.position += 5 if mark.startswith("^{") else 3
            return "^-1"
        return ""

    def subscript(self) -> str:
        if not self.accept("{"):
            return self.advance().text
        parts = []
        while not self.accept("}"):
            if self.peek() is END:
                raise ParseError("a subscript is never closed")
            parts.append(self.advance().text)
        return _in_usual_order("".join(parts))

    def command(self, text: str, minimum: int) -> Node:
        if text in FUNCTIONS:
            return self.function(ALIASES.get(text, text))
        if text in ROOTS:
            return self.root(ROOTS[text])
        if text in CONSTANTS:
            return CONSTANTS[text]
        if text in _GREEK_FUNCTIONS and self.peek().text == "(":
            return self.function(_GREEK_FUNCTIONS[text])
        if text in GREEK:
            return self.symbol(_VARIANTS.get(text, text))
        if text == "jmath":
            return self.node("sym", value="j")
        if text in ("lfloor", "lceil", "lvert", "vert", "Vert"):
            return self.absolute(text)
        if text in NAMED_FIGURES:
            return self.node("sym", value=f"{text} {self.name()}")
        if text in ("sum", "prod", "int", "lim"):
            return self.bound(text)
        return self.structure(text, minimum)

    def structure(self, text: str, minimum: int) -> Node:
        """Commands that are no names: fractions, signs, brackets, sets, functions glued to a letter (`\\cotx`)."""
        if text in ("frac", "binom", "dbinom", "tbinom"):
            upper = self.argument()
            lower = self.argument()
            if text == "frac" and (derivative := _derivative(upper, lower)):
                return self.node("sym", value=derivative)
            if text == "frac" and (operator := _operator(upper, lower)):
                return self.node("diff", self.expression(15), value=operator)
            return self.node("div", upper, lower) if text == "frac" else self.node("fn", upper, lower, value="binom")
        if text in ("pm", "mp"):
            return self.node(text, num(0), self.expression(max(minimum, 10)))
        if text in ("{", "langle"):
            self.position -= 1
            return self.group()
        if text == "mathbbR":
            return self.reals()
        if text in _NUMBER_SETS:
            return self.node("special", value=self.part_of(text))
        if text == "neg":
            return self.node("call", self.expression(45), value="not")
        if text in ("emptyset", "varnothing"):
            return self.node("special", value="empty")
        for name in ("sin", "cos", "tan", "cot", "sec", "csc", "ln", "log"):
            if text.startswith(name) and len(text) == len(name) + 1:
                self.tokens.insert(self.position, Token("word", text[-1], False))
                return self.function(name)
        raise ParseError(f"unknown command \\{text}")

    def part_of(self, name: str) -> str:
        """\\mathbb{N}^*, \\mathbb{Z}_+: the positive ones; \\mathbb{Z}^*: all but zero."""
        marks = "".join(self.peek(i).text for i in range(4))
        for mark, width in (("^{*}", 4), ("_{+}", 4), ("^{+}", 4), ("^*", 2), ("_+", 2), ("^+", 2)):
            if marks.startswith(mark) and name in ("mathbbN", "mathbbZ"):
                self.position += width
                return "nonzero integers" if "*" in mark and name == "mathbbZ" else "positive integers"
        return _NUMBER_SETS[name]

    def reals(self) -> Node:
        """\\mathbb{R}, or the part of it that a mark names: ^+, _{>0}, ^*, _{\\ge 0}."""
        marks = "".join(self.peek(i).text for i in range(6))
        part, width = next((known for mark, known in _PARTS_OF_REALS.items() if marks.startswith(mark)), ("all", 0))
        self.position += width
        low, high = (num(0), INFINITY) if part in ("positive", "nonnegative") else (negated(INFINITY), INFINITY)
        if part in ("negative", "nonzero"):
            below = self.node("interval", negated(INFINITY), num(0), value=(False, False))
            above = self.node("interval", num(0), INFINITY, value=(False, False))
            return below if part == "negative" else self.node("union", below, above)
        return self.node("interval", low, high, value=(part == "nonnegative", False))

    def name(self) -> str:
        """The letters after \\angle or \\overline."""
        braces = self.accept("{")
        letters = []
        while self.peek().kind == "word" or (braces and self.peek().kind == "num"):
            letters.append(self.advance().text)
            if not braces:
                break
        if braces:
            self.expect("}")
        if not letters:
            raise ParseError("expected the letters of a name")
        return "".join(letters)

    def argument(self) -> Node:
        """One argument of \\frac: a group, or one digit, letter or command, as TeX reads it."""
        token = self.peek()
        if token.text == "{":
            return self.braced()
        if token.kind in ("num", "word") and len(token.text) > 1 and token.text not in CONSTANTS:
            first, rest = token.text[0], token.text[1:]
            whole = token.kind == "num" and self.peek(1).text == "{"
            if not whole:
                self.tokens[self.position : self.position + 1] = [
                    Token(token.kind, first, token.spaced),
                    Token(token.kind, rest, False),
                ]
        if token.kind == "word" and len(token.text) == 1 and token.text not in CONSTANTS:
            return self.node("sym", value=self.advance().text)  # \\frac a2 is a/2, and no a_2 over what follows
        return self.prefix(45)

    def matrix(self, name: str) -> Node:
        raise ParseError(f"a {name} where a number was expected")

    def bound(self, name: str) -> Node:
        raise ParseError(f"\\{name} where a number was expected")

    def absolute(self, opener: str) -> Node:
        closer = {"lfloor": "rfloor", "lceil": "rceil", "lvert": "rvert", "vert": "vert", "Vert": "Vert"}.get(
            opener, "|"
        )
        outer, self.bars = self.bars, self.bars + (closer == "|")
        inner = self.expression()
        self.bars = outer
        self.expect(closer)
        name = {"rfloor": "floor", "rceil": "ceil", "Vert": "norm"}.get(closer, "abs")
        return self.node("fn", inner, value=name)

    def root(self, degree: int) -> Node:
        index = num(degree)
        if degree == 2 and self.peek().text == "[":
            self.advance()
            index = self.expression()
            self.expect("]")
        if self.peek().text == "{":
            return self.node("root", self.braced(), index)
        return self.node("root", self.prefix(45), index)

    def function(self, name: str) -> Node:
        exponent: Node | None = None
        base: Node | None = None
        while self.peek().text in ("^", "_"):
            mark = self.advance().text
            value = self.braced() if self.peek().text == "{" else self.prefix(45)
            exponent, base = (value, base) if mark == "^" else (exponent, value)
        if exponent == num(-1) and name in INVERSES:
            name, exponent = INVERSES[name], None
        arguments = self.function_arguments()
        if name in _OF_MANY and len(arguments) == 1 and arguments[0].op == "set":
            arguments = arguments[0].args  # \\max\\{1, 2\\}
        if base is not None:
            if name != "log":
                raise ParseError(f"{name} takes no base")
            arguments = (*arguments, base)
        result = self.node("fn", *arguments, value=name)
        return result if exponent is None else self.node("pow", result, exponent)

    def function_arguments(self) -> tuple[Node, ...]:
        if self.peek().text == "(":
            self.advance()
            arguments = [self.expression()]
            while self.accept(","):
                arguments.append(self.expression())
            self.expect(")")
            return tuple(arguments)
        argument = self.expression(38) if self.peek().text != "-" else self.expression(20)
        while self.begins_plain_factor(argument):
            argument = self.node("mul", argument, self.expression(38))
        return (argument,)

    def begins_plain_factor(self, left: Node) -> bool:
        """`\\sin 2x` takes the x; `\\sin x \\cos y` stops before the next function, `\\sin x (1)` before a bracket."""
        kind, text, spaced = self.peek()
        if text == "e" and self.peek(1).text == "^":
            return False  # \\sin x e^{-x}
        if kind == "word":
            return text not in FUNCTIONS and text not in ROOTS and self.word_continues(left, text, spaced)
        return kind == "cmd" and (text in GREEK or text in CONSTANTS or (text in ("sqrt", "frac") and left.op == "num"))

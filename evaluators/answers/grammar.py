"""Expressions: a Pratt parser from tokens to trees. A text that is not wholly read is a ParseError, never a prefix."""

from __future__ import annotations

from fractions import Fraction

from evaluators.answers.tokens import Token
from evaluators.answers.units import PREFIX_CURRENCY, SINGLE_LETTER, Unit, is_unit_word, parse_unit
from evaluators.answers.values import COLLECTIONS, EULER, IMAGINARY, INFINITY, MAX_NODES, PI, Node, ParseError, negated, num

MAX_DEPTH = 40
END = Token("end_of_text", "", False)

FUNCTIONS = frozenset(
    "sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan arccot asin acos atan arsinh arcosh artanh ln log lg "
    "exp abs floor ceil ceiling gcd lcm max min det Re Im re im arg sgn sign deg cis tg ctg factorial round".split()
)
_ALIASES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "lg": "log", "ceiling": "ceil", "tg": "tan"}
_ALIASES |= {"ctg": "cot", "Re": "re", "Im": "im", "sign": "sgn"}
_INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot"}
_ROOTS = {"sqrt": 2, "cbrt": 3}
_CONSTANTS = {"pi": PI, "e": EULER, "i": IMAGINARY, "inf": INFINITY, "infinity": INFINITY, "oo": INFINITY}
_CONSTANTS |= {"infty": INFINITY, "Pi": PI, "Infinity": INFINITY, "imath": IMAGINARY}
GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau upsilon "
    "phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell hbar".split()
)
_NAMED = frozenset({"angle", "triangle", "overline", "widehat", "measuredangle", "bar", "mathcal", "tilde"})
MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "Bmatrix", "smallmatrix", "array", "vmatrix", "cases", "aligned"})
_TIMES = frozenset({"*", "cdot", "times", "ast"})
_OVER = frozenset({"/", "div"})
_OPENERS = {"(": ")", "[": "]"}
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "sixteen": 16}
_STARTING_COMMANDS = (
    FUNCTIONS | GREEK | frozenset(_CONSTANTS) | _NAMED
    | {"frac", "sqrt", "cbrt", "binom", "dbinom", "lfloor", "lceil", "lvert", "sum", "int", "prod", "lim"}
)  # fmt: skip
_NOT_FACTORS = COLLECTIONS | {"interval", "union", "special"}
STOP_WORDS = frozenset("and or to is are the of for if in when where U not no pm am PM AM per base mod choose".split())
DEGREE = parse_unit("degrees")


class Expressions:
    """Reads arithmetic. `loose` lets lone letters after a number be units; `tight` binds 2x closer than division."""

    def __init__(self, tokens: list[Token], *, loose: bool = False, tight: bool = False) -> None:
        self.tokens = list(tokens)
        self.position = 0
        self.loose = loose
        self.implicit_power = 25 if tight else 20
        self.depth = 0
        self.nodes = 0
        self.bars = 0
        self.closing_bar = False
        self.currency: str | None = None
        self.indices: set[str] = set()

    # ---- tokens

    def peek(self, ahead: int = 0) -> Token:
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else END

    def advance(self) -> Token:
        token = self.peek()
        self.position += 1
        return token

    def accept(self, *texts: str) -> bool:
        token = self.peek()
        if token.kind in ("op", "cmd") and token.text in texts:
            self.position += 1
            return True
        return False

    def expect(self, *texts: str) -> None:
        if not self.accept(*texts):
            raise ParseError(f"expected {' or '.join(texts)}, found {self.peek().text or 'the end'!r}")

    def node(self, op: str, *args: Node, value: object = None) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise ParseError(f"more than {MAX_NODES} nodes")
        return Node(op, args, value)

    # ---- the Pratt loop

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
        kind, text, spaced = self.peek()
        if kind == "op" or kind == "arrow":
            if text in "+-" or text == "-":
                return 10
            if text in _TIMES or text in _OVER:
                return 20
            if text in ("^", "**"):
                return 40
            if text in ("!", "%"):
                return 50
            if text == "(" and self.peek(1).kind in ("word", "text") and self.remark():
                return 0
            if text == "(" or (text == "[" and self.implicit_bracket(left)) or text == "{":
                return self.implicit_power
            return self.implicit_power if text == "|" and not self.bars and not self.closing_bar else 0
        if kind == "cmd":
            if text in ("pm", "mp"):
                return 10
            if text in _TIMES or text in _OVER or text == "bmod":
                return 20
            return self.implicit_power if text in _STARTING_COMMANDS else 0
        if kind == "word":
            if text == "choose" or text == "mod":
                return 20
            return self.implicit_power if self.word_continues(left, text, spaced) else 0
        if kind == "text":
            return self.implicit_power if text in FUNCTIONS else 0
        if kind == "num":
            return self.implicit_power if self.number_continues(left, text, spaced) else 0
        return 0

    def remark(self) -> bool:
        """A word in brackets, `5 (apples)`: no factor."""
        word = self.peek(1).text
        return len(word) > 3 and word not in FUNCTIONS and word not in _CONSTANTS and not self.splits(word)

    @staticmethod
    def implicit_bracket(left: Node) -> bool:
        return left.op not in ("interval", "set", "tuple", "bracket", "union")

    def number_continues(self, left: Node, text: str, spaced: bool) -> bool:
        """A number after a number is only ever the fraction of a mixed number; after `)` it is a factor."""
        if left.op == "num" and left.value.denominator == 1:
            over, below = self.peek(1), self.peek(2)
            return (
                spaced and text.isdigit() and over.text == "/" and below.text.isdigit()
                and 0 < int(text) < int(below.text) and self.peek(3).text != "/"
            )  # fmt: skip
        return left.op not in ("num", "dec", "div", "mixed", "percent", "qty", "neg", "base") and not spaced

    def word_continues(self, left: Node, text: str, spaced: bool) -> bool:
        if text in STOP_WORDS or (len(text) > 3 and not self.splits(text)):
            return False
        if is_unit_word(text) and is_amount(left) and self.peek(1).text != "(":
            return False
        if text in FUNCTIONS or text in _CONSTANTS or text in _ROOTS:
            return True
        return not (self.loose and text in SINGLE_LETTER and is_amount(left) and self.ends_unit())

    def ends_unit(self) -> bool:
        """Whether the letter here can be a unit: nothing but a power, a slash or the end may follow."""
        return self.peek(1).kind in ("end_of_text", "text") or self.peek(1).text in ("^", "/", ",", ")", "}", "]", ";")

    @staticmethod
    def splits(text: str) -> bool:
        """`sinx`, `sqrtx`, `pir`: a known name and at most one letter more."""
        return any(text.startswith(name) and len(text) - len(name) <= 1 for name in (*_ROOTS, *FUNCTIONS, "infinity"))

    def infix(self, left: Node, power: int) -> Node:
        token = self.peek()
        text = token.text
        if token.kind == "op" or token.kind == "arrow" or (token.kind == "cmd" and text not in _STARTING_COMMANDS):
            if text in "+-":
                self.advance()
                right = self.expression(10)
                if left.op in ("interval", "union") and right.op == "set" and text == "-":
                    return self.node("without", left, right)
                return self.node("add", left, right if text == "+" else negated(right))
            if text in ("pm", "mp"):
                self.advance()
                return self.node(text, left, self.expression(10))
            if text in _TIMES:
                self.advance()
                return self.node("mul", left, self.expression(20))
            if text in _OVER:
                self.advance()
                return self.node("div", left, self.expression(20))
            if text in ("^", "**"):
                self.advance()
                return self.superscript(left)
            if text == "!":
                self.advance()
                return self.node("fn", left, value="factorial")
            if text == "%" and left.op != "percent":
                self.advance()
                return self.node("percent", left)
            if text == "bmod":
                self.advance()
                return self.node("fn", left, self.expression(20), value="mod")
        if token.kind == "word" and text in ("choose", "mod"):
            self.advance()
            return self.node("fn", left, self.expression(20), value="binom" if text == "choose" else "mod")
        if token.kind == "num" and left.op == "num":
            fraction = self.node("div", num(int(self.advance().text)), num(int(self.tokens[self.position + 1].text)))
            self.position += 2
            return self.node("mixed", left, fraction)
        right = self.expression(self.implicit_power)
        if left.op in _NOT_FACTORS or right.op in _NOT_FACTORS:
            raise ParseError("a collection is no factor")
        if token.text == "frac" and _is_mixed(left, right):
            return self.node("mixed", left, right)
        return self.node("mul", left, right)

    def superscript(self, base: Node) -> Node:
        """After `^`: degrees, an ordinal's ending, a transpose, or an exponent."""
        inner = self.peek(1) if self.peek().text == "{" else self.peek()
        if inner.text == "circ":
            self.position += 3 if self.peek().text == "{" else 1
            return self.degrees(base)
        if inner.kind in ("text", "word") and inner.text in ("th", "st", "nd", "rd") and base.op == "num":
            self.position += 3 if self.peek().text == "{" else 1
            return base
        exponent = self.braced() if self.peek().text == "{" else self.signed_power()
        return self.node("pow", base, exponent)

    def degrees(self, base: Node) -> Node:
        scale = self.peek().text
        if self.peek().kind in ("word", "text") and scale in ("C", "F"):
            self.advance()
            return self.node("qty", base, value=parse_unit("°" + scale))
        if self.peek().kind == "num" and self.peek(1).text == "'":
            base = self.node("add", base, self.node("div", num(Fraction(self.advance().text)), num(60)))
            self.advance()
        return self.node("qty", base, value=DEGREE)

    def signed_power(self) -> Node:
        if self.accept("-"):
            return negated(self.expression(39))
        return self.expression(39)

    # ---- prefixes

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
            return negated(self.expression(max(minimum, 19)))
        if text == "+":
            return self.expression(max(minimum, 19))
        if text in _OPENERS or text == "{":
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

    def number(self, text: str) -> Node:
        follows = self.peek()
        if follows.text == "_" and "." not in text:
            self.advance()
            return self.node("base", value=(text, self.base()))
        if "." not in text:
            return num(int(text))
        if follows.text in ("overline", "bar", "dot", "overset"):
            return self.repeating(text)
        if follows.text in ("...", "ldots", "dots", "cdots"):
            self.advance()
            return num(_ellipsis(text))
        places = len(text) - text.index(".") - 1
        return num(int(text[:-1])) if not places else Node("dec", (), (Fraction(text), places))

    def repeating(self, text: str) -> Node:
        """0.1\\overline{6}, 0.\\dot{1}42\\dot{7}: the exact rational."""
        cycle = ""
        while self.peek().text in ("overline", "bar", "dot") or (cycle and self.peek().kind == "num"):
            if self.peek().kind != "num":
                self.advance()
                self.expect("{")
                cycle += self.advance().text
                self.expect("}")
            else:
                cycle += self.advance().text
        if not cycle.isdigit():
            raise ParseError("a repeating decimal repeats digits")
        return num(repeating_value(text, cycle))

    def base(self) -> int:
        braces = self.accept("{")
        token = self.advance()
        if braces:
            self.expect("}")
        value = int(token.text) if token.text.isdigit() and len(token.text) < 3 else _BASES.get(token.text.strip(), 0)
        if not 2 <= value <= 36:
            raise ParseError(f"expected a base from 2 to 36, found {token.text!r}")
        return value

    def word(self, text: str) -> Node:
        if text in FUNCTIONS:
            return self.function(_ALIASES.get(text, text))
        if text in _ROOTS:
            return self.root(_ROOTS[text])
        if text in _CONSTANTS:
            return self.powered_constant(text)
        if text in STOP_WORDS and len(text) > 1:
            raise ParseError(f"expected a value, found the word {text!r}")
        if len(text) == 1:
            return self.symbol(text)
        for name in sorted((*_ROOTS, *FUNCTIONS, "pi"), key=len, reverse=True):
            if text.startswith(name) and len(text) - len(name) <= 1:
                self.position -= 1
                self.tokens[self.position : self.position + 1] = [
                    Token("word", name, False),
                    Token("word", text[len(name) :], False),
                ]
                return self.word(self.advance().text)
        if len(text) > 3:
            raise ParseError(f"expected a value, found the word {text!r}")
        self.position -= 1
        self.tokens[self.position : self.position + 1] = [Token("word", letter, False) for letter in text]
        return self.word(self.advance().text)

    def powered_constant(self, text: str) -> Node:
        """e and i are constants, unless they carry a subscript or are the index of a sum."""
        if text in self.indices or (len(text) == 1 and self.peek().text == "_"):
            return self.symbol(text)
        return _CONSTANTS[text]

    def symbol(self, name: str) -> Node:
        if self.accept("_"):
            name += "_" + self.subscript()
        if name[0] == "C" and (combination := self.combination(name)) is not None:
            return combination
        name += self.inverse_mark(name)
        while self.accept("'"):
            name += "'"
        if name[0] in "fghFGH" and self.peek().text == "(" and not self.peek().spaced:
            self.advance()
            arguments = [self.expression()]
            while self.accept(","):
                arguments.append(self.expression())
            self.expect(")")
            return self.node("call", *arguments, value=name)
        return self.node("sym", value=name)

    def combination(self, name: str) -> Node | None:
        """C(5, 2) and C_5^2: so many ways to choose."""
        begin = self.position
        if name == "C" and self.accept("("):
            upper = self.expression()
            if self.accept(","):
                lower = self.expression()
                self.expect(")")
                return self.node("fn", upper, lower, value="binom")
        elif name[2:].isdigit() and self.accept("^"):
            lower = self.braced() if self.peek().text == "{" else self.signed_power()
            if lower.op == "num" and lower.value <= int(name[2:]):
                return self.node("fn", num(int(name[2:])), lower, value="binom")
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
        return "".join(parts)

    def command(self, text: str, minimum: int) -> Node:
        if text == "frac":
            upper = self.argument()
            return self.node("div", upper, self.argument())
        if text in FUNCTIONS:
            return self.function(_ALIASES.get(text, text))
        if text in _ROOTS:
            return self.root(_ROOTS[text])
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text in GREEK:
            return self.symbol(text)
        if text in ("binom", "dbinom", "tbinom"):
            upper = self.argument()
            return self.node("fn", upper, self.argument(), value="binom")
        if text in ("lfloor", "lceil", "lvert", "vert"):
            return self.absolute(text)
        if text in ("pm", "mp"):
            return self.node(text, num(0), self.expression(max(minimum, 10)))
        if text in _NAMED:
            return self.node("sym", value=f"{text} {self.name()}")
        if text in ("{", "langle"):
            self.position -= 1
            return self.group()
        if text in ("sum", "prod", "int", "lim"):
            return self.bound(text)
        if text == "mathbbR":
            return self.node("interval", negated(INFINITY), INFINITY, value=(False, False))
        if text in ("emptyset", "varnothing"):
            return self.node("special", value="empty")
        for name in ("sin", "cos", "tan", "cot", "sec", "csc", "ln", "log"):
            if text.startswith(name) and len(text) == len(name) + 1:
                self.tokens.insert(self.position, Token("word", text[-1], False))
                return self.function(name)
        raise ParseError(f"unknown command \\{text}")

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
        if token.kind in ("num", "word") and len(token.text) > 1 and token.text not in _CONSTANTS:
            first, rest = token.text[0], token.text[1:]
            whole = token.kind == "num" and self.peek(1).text == "{"
            if not whole:
                self.tokens[self.position : self.position + 1] = [
                    Token(token.kind, first, token.spaced),
                    Token(token.kind, rest, False),
                ]
        return self.prefix(45)

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
        self.expect(_OPENERS.get(opener, ")"))
        return inner

    def matrix(self, name: str) -> Node:
        raise ParseError(f"a {name} where a number was expected")

    def bound(self, name: str) -> Node:
        raise ParseError(f"\\{name} where a number was expected")

    def absolute(self, opener: str) -> Node:
        closer = {"lfloor": "rfloor", "lceil": "rceil", "lvert": "rvert", "vert": "vert"}.get(opener, "|")
        outer, self.bars = self.bars, self.bars + (closer == "|")
        inner = self.expression()
        self.bars = outer
        self.expect(closer)
        name = {"rfloor": "floor", "rceil": "ceil"}.get(closer, "abs")
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
        if exponent == num(-1) and name in _INVERSES:
            name, exponent = _INVERSES[name], None
        arguments = self.function_arguments()
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
        if kind == "word":
            return text not in FUNCTIONS and text not in _ROOTS and self.word_continues(left, text, spaced)
        return kind == "cmd" and (text in GREEK or text in _CONSTANTS or (text in ("sqrt", "frac") and left.op == "num"))


def is_amount(node: Node) -> bool:
    """Whether a unit may follow: a number, not an expression with variables."""
    while node.op in ("neg", "mixed", "div", "mul", "percent", "pow", "root", "add", "fn"):
        node = node.args[0]
    return node.op in ("num", "dec", "const", "base")


def _is_mixed(left: Node, right: Node) -> bool:
    if left.op not in ("num",) or left.value.denominator != 1 or right.op != "div":
        return False
    upper, lower = right.args
    return upper.op == lower.op == "num" and 0 < upper.value < lower.value


def repeating_value(text: str, cycle: str) -> Fraction:
    """The number that begins with the decimal `text` and goes on with `cycle` for ever."""
    whole, _, fixed = text.partition(".")
    shift = 10 ** len(fixed)
    return Fraction(int((whole or "0") + fixed)) / shift + Fraction(int(cycle), (10 ** len(cycle) - 1) * shift)


def _ellipsis(text: str) -> Fraction:
    """0.1666... repeats its last cycle: the shortest that stands twice at the end (a lone digit: three times)."""
    whole, _, digits = text.rstrip(".").partition(".")
    for length in range(1, len(digits) // 2 + 1):
        cycle = digits[-length:]
        if digits.endswith(cycle * (3 if length == 1 else 2)):
            return repeating_value(f"{whole}.{digits[:-length]}", cycle)
    raise ParseError("the dots follow no repeating cycle")


__all__ = ["DEGREE", "END", "Expressions", "Unit", "repeating_value"]

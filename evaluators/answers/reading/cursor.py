"""The parser's place among the tokens, its caps, and the numerals it reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction

from evaluators.answers.reading.tokens import Token
from evaluators.answers.reading.vocabulary import BASES
from evaluators.answers.values import MAX_NODES, Node, ParseError, num

MAX_DEPTH = 40
END = Token("end_of_text", "", False)


class Cursor(ABC):
    """Where the parser stands. `loose` lets lone letters after a number be units; `tight` binds 2x closer than division."""

    def __init__(self, tokens: list[Token], *, loose: bool = False, tight: bool = False) -> None:
        self.tokens = list(tokens)
        self.position = 0
        self.loose = loose
        self.implicit_power = 25 if tight else 20
        self.depth = 0
        self.nodes = 0
        self.bars = 0
        self.closing_bar = False
        self.building = False
        self.currency: str | None = None
        self.indices: set[str] = set()

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

    @abstractmethod
    def expression(self, minimum: int = 0) -> Node:
        """The expression that begins here, as far as operators of more than `minimum` binding power reach."""

    @abstractmethod
    def prefix(self, minimum: int) -> Node:
        """The value that begins here, before any operator."""

    @abstractmethod
    def braced(self) -> Node:
        """The content of a brace group."""

    @abstractmethod
    def signed_power(self) -> Node:
        """An exponent without braces."""

    @abstractmethod
    def group(self) -> Node:
        """What stands in brackets."""

    @abstractmethod
    def word_continues(self, left: Node, text: str, spaced: bool) -> bool:
        """Whether a word after `left` is a factor of it."""

    # ---- numerals

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
        value = int(token.text) if token.text.isdigit() and len(token.text) < 3 else BASES.get(token.text.strip(), 0)
        if not 2 <= value <= 36:
            raise ParseError(f"expected a base from 2 to 36, found {token.text!r}")
        return value


def repeating_value(text: str, cycle: str) -> Fraction:
    """The number that begins with the decimal `text` and goes on with `cycle` for ever."""
    whole, _, fixed = text.partition(".")
    shift: int = 10 ** len(fixed)
    return Fraction(int((whole or "0") + fixed)) / shift + Fraction(int(cycle), (10 ** len(cycle) - 1) * shift)


def _ellipsis(text: str) -> Fraction:
    """0.1666... repeats its last cycle: the shortest that stands twice at the end (a lone digit: three times)."""
    whole, _, digits = text.rstrip(".").partition(".")
    for length in range(1, len(digits) // 2 + 1):
        cycle = digits[-length:]
        if digits.endswith(cycle * (3 if length == 1 else 2)):
            return repeating_value(f"{whole}.{digits[:-length]}", cycle)
    raise ParseError("the dots follow no repeating cycle")

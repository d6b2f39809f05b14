"""Sums, products, integrals and limits, with what they are taken over."""

from __future__ import annotations

from evaluators.answers.reading.cursor import END
from evaluators.answers.reading.tables import Tables
from evaluators.answers.values import Node, ParseError, num


class Bounds(Tables):
    """Reads what stands between the sign and its body, and the body."""

    def bound(self, name: str) -> Node:
        lower = upper = None
        while self.peek().text in ("_", "^"):
            mark = self.advance().text
            value = self.limit_part() if self.peek().text == "{" else self.prefix(45)
            lower, upper = (value, upper) if mark == "_" else (lower, value)
        if name == "lim":
            if lower is None or lower.op != "relation" or lower.value != ("to",):
                raise ParseError("a limit names its variable and point")
            return self.node("lim", self.expression(15), lower.args[1], value=lower.args[0].value)
        if name == "int":
            return self.integral(lower, upper)
        if lower is None or upper is None or lower.op != "relation" or lower.args[0].op != "sym":
            raise ParseError("a sum names its index and its ends")
        return self.node(name, self.expression(15), lower.args[1], upper, value=lower.args[0].value)

    def limit_part(self) -> Node:
        self.expect("{")
        if self.peek().kind == "word" and self.peek(1).text == "=":
            self.indices.add(self.peek().text)
        left = self.expression()
        if self.accept("to", "rightarrow", "->"):
            left = Node("relation", (left, self.expression()), ("to",))
        elif self.accept("="):
            left = Node("relation", (left, self.expression()), ("=",))
        self.expect("}")
        return left

    def integral(self, lower: Node | None, upper: Node | None) -> Node:
        """Up to `dx`: the last two letters of the integrand's product."""
        if lower is None or upper is None:
            raise ParseError("an integral without its ends is no number")
        for index in range(self.position, len(self.tokens)):
            token = self.tokens[index]
            if token.kind == "word" and len(token.text) == 2 and token.text[0] == "d":
                inner = type(self)(self.tokens[self.position : index])
                body = inner.expression() if index > self.position else num(1)
                if inner.peek() is not END:
                    break
                self.position = index + 1
                return self.node("int", body, lower, upper, value=token.text[1])
        raise ParseError("an integral names its variable: dx")

"""Whether every formula and number of a rewritten text occurs in the text that it was made from.

Both are cut into tokens: numbers, words, TeX commands, signs. Spacing, delimiters, `\\left`, alignment and braces around one
token are no difference, nor are full-width digits, `1,200` for `1200`, or a sign for its command (`≤`, `\\leq`). A formula occurs
where its tokens stand together and no operator goes on at either end: `x = 1` does not occur in `x = 1 + y`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FORMULA = re.compile(
    r"\$\$(?P<display>.+?)\$\$|\\\[(?P<bracket>.+?)\\\]|\\\((?P<paren>.+?)\\\)|(?<![\\$])\$(?P<inline>[^$\n]+?)(?<!\\)\$|"
    r"\\begin\{(?P<name>equation|align|gather|multline|eqnarray|displaymath|math)\*?\}(?P<body>.+?)\\end\{(?P=name)\*?\}",
    re.S,
)
DELIMITER = re.compile(
    r"\$\$?|\\[\[\]()]|\\(?:begin|end)\{(?:equation|align|gather|multline|eqnarray|displaymath|math)\*?\}"
)
TOKEN = re.compile(
    r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\.\d+|[零〇一二三四五六七八九十百千万亿两]{2,}|[^\W\d_\u4e00-\u9fff]+|\S", re.S
)
"""Commands, numbers, numerals of two Chinese characters or more (one alone may be an article), words, signs."""
THOUSANDS = re.compile(r"(?<![\d.])(\d{1,3})((?:(?:,|\{,\}|\\,)\d{3})+)(?![\d])")
IGNORED = frozenset(
    [
        r"\left",
        r"\right",
        r"\big",
        r"\Big",
        r"\bigg",
        r"\Bigg",
        r"\bigl",
        r"\bigr",
        r"\Bigl",
        r"\Bigr",
        r"\displaystyle",
        r"\textstyle",
        r"\limits",
        r"\nolimits",
        r"\quad",
        r"\qquad",
        "\\,",
        "\\;",
        "\\:",
        "\\!",
        "\\ ",
        "~",
        "&",
        "*",
        "`",
    ]
)
"""What sets a formula and says nothing; `*` and the backtick are Markdown's."""
SAME = {
    r"\dfrac": r"\frac",
    r"\tfrac": r"\frac",
    r"\leq": r"\le",
    r"\geq": r"\ge",
    r"\neq": r"\ne",
    r"\rightarrow": r"\to",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "×": r"\times",
    "÷": r"\div",
    "·": r"\cdot",
    "⋅": r"\cdot",
    "±": r"\pm",
    "∞": r"\infty",
    "→": r"\to",
    "∈": r"\in",
    "∑": r"\sum",
    "∫": r"\int",
    "√": r"\sqrt",
    "π": r"\pi",
    "α": r"\alpha",
    "β": r"\beta",
    "γ": r"\gamma",
    "δ": r"\delta",
    "ε": r"\epsilon",
    "θ": r"\theta",
    "λ": r"\lambda",
    "μ": r"\mu",
    "σ": r"\sigma",
    "φ": r"\phi",
    "ω": r"\omega",
    "Δ": r"\Delta",
    "Σ": r"\Sigma",
    "Ω": r"\Omega",
    "’": "'",
    "′": "'",
    **dict.fromkeys("−–—‒‐‑﹣－", "-"),
}
RAISED = str.maketrans(
    {"⁰": "^0", "¹": "^1", "²": "^2", "³": "^3", "⁴": "^4", "⁵": "^5", "⁶": "^6", "⁷": "^7", "⁸": "^8", "⁹": "^9"}
)
LOWERED = str.maketrans({chr(0x2080 + digit): f"_{digit}" for digit in range(10)})
WIDE = str.maketrans({chr(0xFF01 + place): chr(0x21 + place) for place in range(94)})
OPERATORS = frozenset("+-=<>^_/") | {r"\times", r"\div", r"\cdot", r"\pm", r"\le", r"\ge", r"\ne", r"\frac", r"\sqrt"}
SIGNS = frozenset("+=<>^_") | {one for one in OPERATORS if one.startswith("\\")}
"""What makes a run of tokens outside of delimiters a formula; a dash or a slash alone does not."""
NUMBER_WORDS = {
    **{
        word: str(value)
        for value, word in enumerate(
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
        )
    },
    **dict(
        zip(
            ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"],
            map(str, range(13, 20)),
            strict=True,
        )
    ),
    **dict(
        zip(
            ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
            map(str, range(20, 100, 10)),
            strict=True,
        )
    ),
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    "billion": "1000000000",
    "half": "half",
    "third": "third",
    "quarter": "quarter",
    "twice": "twice",
    "double": "double",
    "triple": "triple",
}
COMMON = frozenset(["one", "zero", "half", "third", "quarter", "double"])
"""Number words that prose uses for other things as well: let pass."""


def tokens_of(text: str) -> list[str]:
    """The tokens of a text without delimiters, in one spelling."""
    return _tokens(DELIMITER.sub(" ", _one_spelling(text)))


def formulas_of(text: str) -> list[list[str]]:
    """The tokens of each delimited formula."""
    found = [tokens_of(_inside(one)) for one in FORMULA.finditer(text)]
    return [one for one in found if one]


def _inside(found: re.Match[str]) -> str:
    return next(part for name in ("display", "bracket", "paren", "inline", "body") if (part := found[name]) is not None)


def _one_spelling(text: str) -> str:
    text = text.translate(WIDE).translate(RAISED).translate(LOWERED)
    return THOUSANDS.sub(lambda found: found[1] + re.sub(r"\D", "", found[2]), text)


def _tokens(text: str) -> list[str]:
    found = [SAME.get(token, token) for token in TOKEN.findall(text)]
    found = [token for token in found if token not in IGNORED]
    while True:
        kept = _without_single_braces(found)
        if len(kept) == len(found):
            return kept
        found = kept


def _without_single_braces(tokens: Sequence[str]) -> list[str]:
    kept: list[str] = []
    place = 0
    while place < len(tokens):
        if (
            tokens[place] == "{"
            and place + 2 < len(tokens)
            and tokens[place + 2] == "}"
            and tokens[place + 1] not in "{}"
        ):
            kept.append(tokens[place + 1])
            place += 3
        else:
            kept.append(tokens[place])
            place += 1
    return kept


@dataclass(frozen=True, slots=True)
class Unfounded:
    """What a result holds and its source does not."""

    kind: str
    """`formula` or `number`."""
    text: str


class Source:
    """A text in which formulas and numbers are looked for."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        self._edges = {0}
        for part in DELIMITER.split(_one_spelling(text)):
            self.tokens += _tokens(part)
            self._edges.add(len(self.tokens))
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, token in enumerate(self.tokens):
            self._places[token].append(place)
        self._words = {token.lower() for token in self._places}

    def has(self, formula: Sequence[str]) -> bool:
        """Whether a formula occurs, whole."""
        size = len(formula)
        return any(
            self.tokens[start : start + size] == list(formula) and self._is_whole(start, start + size)
            for start in self._places.get(formula[0], ())
        )

    def has_number(self, token: str) -> bool:
        return token in self._places or self._has_word(token)

    def has_word(self, word: str) -> bool:
        """A number word, or its digits."""
        return word in self._words or NUMBER_WORDS[word] in self._places

    def _has_word(self, digits: str) -> bool:
        return any(word in self._words for word, value in NUMBER_WORDS.items() if value == digits)

    def _is_whole(self, start: int, end: int) -> bool:
        before = start in self._edges or self.tokens[start - 1] not in OPERATORS
        after = end in self._edges or self.tokens[end] not in OPERATORS
        return before and after


def first_unfounded(result: str, source: Source) -> Unfounded | None:
    """The first formula or number of a result that does not occur in its source; None where all do."""
    for kind, tokens in _claims(result):
        if kind == "formula" and not source.has(tokens):
            return Unfounded(kind, " ".join(tokens))
        if kind == "number" and not source.has_number(tokens[0]):
            return Unfounded(kind, tokens[0])
        if kind == "word" and not source.has_word(tokens[0]):
            return Unfounded("number", tokens[0])
    return None


def kept_share(source: str, result: str) -> float:
    """Share of the source's delimited formulas that occur in the result; 1 where it has none."""
    formulas = formulas_of(source)
    there = Source(result)
    return sum(there.has(one) for one in formulas) / len(formulas) if formulas else 1.0


def _claims(text: str) -> Iterator[tuple[str, list[str]]]:
    """The formulas of a text, delimited or not, and the numbers of its prose."""
    last = 0
    for found in FORMULA.finditer(text):
        yield from _of_prose(text[last : found.start()])
        if tokens := tokens_of(_inside(found)):
            yield "formula", tokens
        last = found.end()
    yield from _of_prose(text[last:])


def _of_prose(text: str) -> Iterator[tuple[str, list[str]]]:
    for said in _runs(text):
        tokens = tokens_of(said)
        core = _without_punctuation(tokens)
        negative = len(core) == 2 and core[0] == "-" and core[1][0].isdigit()  # the sign is part of the number
        if negative or (len(core) > 1 and SIGNS & set(core)):
            yield "formula", core
            continue
        for token in tokens:
            if _is_number(token):
                yield "number", [token]
            elif token.startswith("\\") and len(token) > 2:
                yield "formula", [token]
            elif (word := token.lower()) in NUMBER_WORDS and word not in COMMON:
                yield "word", [word]


def _runs(text: str) -> Iterator[str]:
    """The pieces between spaces; those on both sides of a sign (`E = mc^2`) are one."""
    held: list[str] = []
    goes_on = False
    for piece in text.split():
        tokens = tokens_of(piece)
        if held and not goes_on and not (tokens and tokens[0] in SIGNS):
            yield " ".join(held)
            held = []
        held.append(piece)
        goes_on = bool(tokens) and tokens[-1] in SIGNS
    if held:
        yield " ".join(held)


def _is_number(token: str) -> bool:
    return token[0].isdigit() or (len(token) > 1 and token[0] in ".零〇一二三四五六七八九十百千万亿两")


def _without_punctuation(tokens: list[str]) -> list[str]:
    first, last = 0, len(tokens)
    while first < last and tokens[first] in "\"'([{,;:.!?#>":
        first += 1
    while last > first and tokens[last - 1] in "\"')]},;:.!?":
        last -= 1
    return tokens[first:last]

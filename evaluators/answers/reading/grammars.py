"""What the grammars make of one text: numerals that fill it, amounts with units, expressions in several ways."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.collections_grammar import Answers, expand_plus_minus
from evaluators.answers.reading.cursor import repeating_value
from evaluators.answers.reading.grammar import is_amount
from evaluators.answers.reading.phrases import TEXT_COMMAND
from evaluators.answers.reading.respelling import respelled
from evaluators.answers.reading.tokens import tokenise
from evaluators.answers.reading.units import SINGLE_LETTER, nouns, parse_unit, physical
from evaluators.answers.values import Node, ParseError, num

_SCIENTIFIC = lazy_pattern(r"([-+]?)(\d+(?:\.(\d*))?|\.\d+)[eE]([-+]?\d{1,4})")
_EULER = lazy_pattern(r"-?(?:[2-9]|[1-9]\d+)e[-+]\d")
"""2e-1 is twice Euler's number less one, or 0.2 as no program prints it."""
_DIGIT_FACTOR = lazy_pattern(r"(?<![A-Za-z\\_])([kmn])(\d+)(?=\^\{?[^{}]*\1)")
_REPEATING = lazy_pattern(r"(-?)(\d*\.\d*)\((\d{1,40})\)")
_EUROPEAN = lazy_pattern(r"-?\d{1,3}(?:\.\d{3})+,\d+|-?\d{1,3}(?:\.\d{3}){2,}")
_DECIMAL_COMMA = lazy_pattern(r"-?\d+,\d+")
_LEAD = lazy_pattern(
    r"(?:(?:approximately|approx\.?|about|roughly|around|nearly|almost|some|exactly|precisely|is|are|=|:|equals?(?:\s+to)?|there\s+(?:are|is|were)|it(?:\s+is|'s)|both|\\therefore|therefore,?|thus,?|so,?|hence,?)\s+|=\s*|~\s?(?=\d))+(?=[^\s])",
    re.IGNORECASE,
)  # fmt: skip
_APPROXIMATE = lazy_pattern(r"~|approx|about|roughly|around|nearly|almost", re.IGNORECASE)
_GROUPED_FACTOR = lazy_pattern(r"^\([^()\[\]]*\d,\d{3}\s?(?:[*/+-]|\\times|\\cdot|\\div)")
_SHORT_GROUP = lazy_pattern(r"\d,\d{2,3}")
_DOLLAR_OR_POINT = lazy_pattern(r"[$.]")
_LETTER_UNIT = lazy_pattern(r"[\d})](\s*)[mgshLlNJWVKd](?![A-Za-z])")
_SPACED_UNIT = lazy_pattern(r"[\d})]\s+[mgshLlNJWVKd](?![A-Za-z])")
_OVER_A_PRODUCT = lazy_pattern(r"/\s*\d+\s*[A-Za-z\\(]")
_NAMED_VALUE = lazy_pattern(
    r"(?:the\s)?(?:equation|formula|function|expression|value|answer|result|sum|product|total|number|solution|probability|area|volume|perimeter|length|distance|"
    r"cost|price|average|mean|median|remainder|quotient|difference|age|height|width|speed|ratio|rate|vertex|cent(?:er|re)|focus|midpoint|point)(?:\sof\s[\w\s$\\']{1,40}?)?\s(?:is\s+equal\s+to|is|are|equals)\s+(?:at\s+)?(?=[-+\d\\($.]|(?!a\s+[a-z]{2})[a-z](?![a-zA-Z'’]))"
    r"|(?:the\s)?solutions?\s(?:is|are):?\s+(?=\[?[A-Za-z]\s?=)|(?:a\s|in\s)?total\sof\s(?=[\d\\($])",
    re.IGNORECASE,
)
_BARE_NAME = lazy_pattern(
    r"(?:at\s+|a\s+|the\s+)?(?:aged?|remainder|answer|total|result)\s+(?:of\s+)?(?=-?\d)|in\s+(?=\d{4}$)", re.IGNORECASE
)
_LABEL = lazy_pattern(r"(?:\\text\{)?([A-Za-z][A-Za-z ]{3,40}?)\}?\s*(?:=|:)\s*(?=[-+\d\\($.])")


_QUALIFIED = lazy_pattern(
    r"\b(?:not|or|and|if|than|where|when|unless|except|but|without|never|no|neither|plus|minus|times)\b"
)


def parsed(text: str, reference: bool, second: bool) -> list[Node]:
    """What the grammars make of a text, each reading once."""
    found: list[Node] = []
    for parse in _grammars(text, reference, second):
        try:
            node = expand_plus_minus(parse())
        except (ParseError, RecursionError):
            continue
        if node not in found:
            found.append(node)
    return found


def _grammars(surface: str, reference: bool, second: bool) -> list[Callable[[], Node]]:
    """The grammars that may read the text, as parses yet to be run, so that the first error costs nothing more."""
    text, approximate = _without_lead(surface)
    simple = simple_number(text)
    if simple is not None:
        plain = Node("approx", (simple,)) if approximate else simple
        return [lambda: plain]
    text = respelled(text)

    def parse(**options: bool) -> Callable[[], Node]:
        grouping = options.pop("grouping", True)

        def run() -> Node:
            node = Answers(tokenise(text, grouping=grouping), **options).answer()
            return Node("approx", (node,)) if approximate else node

        return run

    parses = [parse()]
    if not reference and _EULER.fullmatch(text):
        parses.append(lambda: _scientific(text))
    if (second or not reference) and _GROUPED_FACTOR.search(text):  # (1,250*2): a list, or a product in brackets
        parses.append(lambda: Answers(tokenise(text, grouping=True, everywhere=True)).answer())
    if _DIGIT_FACTOR.search(text):  # n2^{n-1}: an index has no power of its own letter
        text = _DIGIT_FACTOR.sub(r"\1 \2", text)
        parses = [parse()]
    if _SHORT_GROUP.search(text) and not _DOLLAR_OR_POINT.search(text):
        parses.append(parse(grouping=False))
    if (_SPACED_UNIT if reference else _LETTER_UNIT).search(text):
        parses.append(parse(loose=True))
    if (measured := _measured(text, reference)) is not None:
        parses.append(measured)
    if second and _OVER_A_PRODUCT.search(text):
        parses.append(parse(tight=True))
    if _DECIMAL_COMMA.fullmatch(text) and (len(text.partition(",")[2]) != 3 or text.lstrip("-").startswith("0,")):
        whole, _, places = text.partition(",")
        comma = Node("dec", (), (Fraction(f"{whole}.{places}"), len(places)))
        parses.append(lambda: comma)
    return parses


_UNIT_TAIL = lazy_pattern(
    r"(?P<number>[-+]?\\?(?:\d|[\d(].*?[\d})]))(?P<gap>\s*)(?=[A-Za-z°\\])(?P<unit>(?:\\frac\s*\{(?P<over>[^{}]+)\}\s*\{(?P<under>[^{}]+)\}"
    r"|(?:[A-Za-z°/*^{}]|\\mu|\\Omega|\\cdot|\\times|\s|(?<=[\^{])[-\d]|(?<=[\^{]-)\d)+))"
)
MAX_MEASURED = 120
"""Characters of a number with its unit; the search for where the unit begins is quadratic."""
_UNIT_SPELLING = ((r"\\mu\s*", "μ"), (r"\\Omega", "Ω"), (r"\\(?:cdot|times)", "*"), (r"[{}]", ""))


_SPACED_LETTERS = frozenset(["A", "C", "F", "T"])
"""Ampere, coulomb, farad, tesla: glued to a number these are factors."""


def _measured(text: str, reference: bool) -> Callable[[], Node] | None:
    """The number and unit of `9.8 m s^{-2}`, 1.5\\mu C, 13.6 eV, whose letters the grammar reads as factors.

    Of a reference only where a space stands before the unit: 5m may be five times m.
    """
    match = _UNIT_TAIL.fullmatch(_without_text_commands(text)) if len(text) <= MAX_MEASURED else None
    if match is None or (reference and not match["gap"] and "\\" not in match["unit"]):
        return None
    spelled = f"({match['over']})/{match['under']}" if match["over"] else match["unit"]
    for pattern, replacement in _UNIT_SPELLING:
        spelled = re.sub(pattern, replacement, spelled)
    spelled = spelled.strip("() ").replace(")/", "/")
    alone = SINGLE_LETTER | {"Ω"} | (_SPACED_LETTERS if match["gap"] else set())
    unit = parse_unit(spelled) if len(spelled) > 1 or spelled in alone else None
    if unit is None or not physical(unit) or nouns(unit):
        return None

    def run() -> Node:
        value = Answers(tokenise(match["number"], grouping=True)).answer()
        if not is_amount(value):
            raise ParseError("no number before the unit")
        return Node("qty", (value,), unit)

    return run


def _without_text_commands(text: str) -> str:
    return TEXT_COMMAND.sub(r"\1", text) if "\\" in text else text


_NUMERAL_BEGINS, _NUMERAL_ENDS = frozenset("-+.0123456789"), frozenset(".)0123456789")
_PLAIN_DECIMAL = lazy_pattern(r"(-?)\s?(\d{1,400})(?:\.(\d{1,400})?)?")


def simple_number(text: str) -> Node | None:
    """Numerals that fill the whole text: 12, -3.50, 1.2e5, 0.(3), 1.234,56."""
    if not text or text[0] not in _NUMERAL_BEGINS or text[-1] not in _NUMERAL_ENDS:
        return None
    plain = _PLAIN_DECIMAL.fullmatch(text)
    if plain:
        sign, whole, places = plain.groups()
        if not places:
            return Node("num", (), Fraction(int(sign + whole)))
        return Node("dec", (), (Fraction(int(sign + whole + places), 10 ** len(places)), len(places)))
    if (match := _SCIENTIFIC.fullmatch(text)) and not _EULER.fullmatch(text):
        value = Fraction(match[1] + match[2].rstrip(".")) * Fraction(10) ** int(match[4])
        if value.denominator == 1:
            return num(value)
        return Node("dec", (), (value, max(0, len(match[3] or "") - int(match[4]))))
    if match := _REPEATING.fullmatch(text):
        return num(repeating_value(match[2], match[3]) * (-1 if match[1] else 1))
    if _EUROPEAN.fullmatch(text):
        whole, _, places = text.replace(".", "").partition(",")
        if not places:
            return num(int(whole))
        return Node("dec", (), (Fraction(f"{whole}.{places}"), len(places)))
    return None


def _scientific(text: str) -> Node:
    mantissa, _, exponent = text.partition("e")
    value = Fraction(mantissa) * Fraction(10) ** int(exponent)
    return num(value) if value.denominator == 1 else Node("dec", (), (value, -int(exponent)))


def _without_lead(text: str) -> tuple[str, bool]:
    match = _LEAD.match(text)
    if match and match.end() < len(text):
        return text[match.end() :], bool(_APPROXIMATE.search(match.group()))
    bare = _BARE_NAME.match(text)
    if bare is not None:
        return text[bare.end() :], False
    named = _NAMED_VALUE.match(text)
    if named is not None and not _QUALIFIED.search(named.group()):
        return text[named.end() :], False
    label = _LABEL.match(text)
    if (
        label
        and (text[0].isupper() or text[0] == "\\" or "=" in label.group())
        and not _QUALIFIED.search(label[1])
        and "  " not in label[1]
    ):
        return text[label.end() :], False
    return text, False

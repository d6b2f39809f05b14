"""The readings of one text: what it says, first of all, and what it may also say.

Most texts have one. `(1, 2)` stays one node that equality compares as a point or as an interval; `1,234` is a number
that may also be a list, `5 m` five metres that may also be a product, `C` a choice that may also be a letter. An
ambiguous text never means both: the reference decides, or the problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from evaluators.answers.reading.collections_grammar import Answers, expand_plus_minus
from evaluators.answers.reading.cursor import repeating_value
from evaluators.answers.reading.grammar import is_amount
from evaluators.answers.reading.numerals import NUMBER_WORDS, english_number
from evaluators.answers.reading.phrases import (
    SAME_WORDS,
    TEXT_COMMAND,
    based,
    choice,
    clock,
    date,
    plainest,
    remainder,
    special,
    words,
)
from evaluators.answers.reading.respelling import respelled
from evaluators.answers.reading.surface import normalise
from evaluators.answers.reading.tokens import tokenise
from evaluators.answers.reading.units import SINGLE_LETTER, nouns, parse_unit, physical
from evaluators.answers.values import Node, ParseError, num

if TYPE_CHECKING:
    from evaluators.answers.reading.conditions import Condition, Congruence

_SCIENTIFIC = re.compile(r"([-+]?)(\d+(?:\.(\d*))?|\.\d+)[eE]([-+]?\d{1,4})")
_EULER = re.compile(r"-?(?:[2-9]|[1-9]\d+)e[-+]\d")
"""2e-1 is twice Euler's number less one, or 0.2 as no program prints it."""
_DIGIT_FACTOR = re.compile(r"(?<![A-Za-z\\_])([kmn])(\d+)(?=\^\{?[^{}]*\1)")
_REPEATING = re.compile(r"(-?)(\d*\.\d*)\((\d{1,40})\)")
_EUROPEAN = re.compile(r"-?\d{1,3}(?:\.\d{3})+,\d+|-?\d{1,3}(?:\.\d{3}){2,}")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_LEAD = re.compile(
    r"(?:(?:approximately|approx\.?|about|roughly|around|nearly|almost|some|exactly|precisely|is|are|=|:|equals?(?:\s+to)?|there\s+(?:are|is|were)|it(?:\s+is|'s)|both|\\therefore|therefore,?|thus,?|so,?|hence,?)\s+|=\s*|~\s?(?=\d))+(?=[^\s])",
    re.IGNORECASE,
)  # fmt: skip
_APPROXIMATE = re.compile(r"~|approx|about|roughly|around|nearly|almost", re.IGNORECASE)
_LABELS = re.compile(
    r"[(（][\dA-Ha-hivxIVXⅠ-Ⅻ一二三四五六七八九十]{1,4}\s*[)）]|[①-⑳⑴-⒇]|第\s?[(（]?[一二三四五六七八九十\d]|^\s*(?:\d{1,2}|[A-Ha-h]|[ivx]{1,4}|[IVX]{1,4})[.、．:：)）]|[甲乙丙丁戊己庚辛]"
)
"""What a text with labelled parts holds; the rules themselves are in parts.py."""
_START = re.compile(
    r"\s*(?:(?:Part|Question|Case|Problem)\s[\da-hA-HivxIVX]{1,4}|\d{1,2}|[A-Ha-h]|[ivx]{1,4}|[IVX]{1,4})[.:)]"
)
_CONDITIONAL = re.compile(
    r"<|>|\\(?:in(?![a-z])|[lgn]eq?(?![a-z])|[lg]t(?![a-z]))|mod|integer|constant|real|number|parameter|positive|negative|multiple|arbitrary|of the form|整数|常数|实数|自然数|参数"
)
"""What a text with conditions holds; see conditions.py."""
_GROUPED_FACTOR = re.compile(r"^\([^()\[\]]*\d,\d{3}\s?(?:[*/+-]|\\times|\\cdot|\\div)")
MIN_STRUCTURE = 4
"""Characters that no answer with parts or conditions has so few of."""
MIN_NAMED = 9
"""Characters that two names with values have at least."""
_NAMING = re.compile(r"[:：=]| (?:on|at|has|have|for|in|is) ")
MAY_NAME = re.compile(r"[A-Za-z\u4e00-\u9fff]{2}\}?\s*[:：=]|[a-z]\s(?:has|have|on|at|for|in|is)\s")
"""What a text with values under names holds; the rules are in named.py."""
_SHORT_GROUP = re.compile(r"\d,\d{2,3}")
_DOLLAR_OR_POINT = re.compile(r"[$.]")
_LETTER_UNIT = re.compile(r"[\d})](\s*)[mgshLlNJWVKd](?![A-Za-z])")
_SPACED_UNIT = re.compile(r"[\d})]\s+[mgshLlNJWVKd](?![A-Za-z])")
_OVER_A_PRODUCT = re.compile(r"/\s*\d+\s*[A-Za-z\\(]")
_NAMED_VALUE = re.compile(
    r"(?:the\s)?(?:value|answer|result|sum|product|total|number|solution|probability|area|volume|perimeter|length|distance|"
    r"cost|price|average|mean|median|remainder|quotient|difference|age|height|width|speed)(?:\sof\s[\w\s$\\']{1,40}?)?\s(?:is|are)\s+(?=[-+\d\\($.])"
    r"|(?:the\s)?solutions?\s(?:is|are):?\s+(?=\[?[A-Za-z]\s?=)|(?:a\s|in\s)?total\sof\s(?=[\d\\($])",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?:\\text\{)?([A-Za-z][A-Za-z ]{3,40}?)\}?\s*(?:=|:)\s*(?=[-+\d\\($.])")


_QUALIFIED = re.compile(
    r"\b(?:not|or|and|if|than|where|when|unless|except|but|without|never|no|neither|plus|minus|times)\b"
)


@lru_cache(maxsize=8192)
def readings(text: str, reference: bool, second: bool) -> tuple[Node, ...]:
    """What the text may say, the likeliest first; empty where it is outside the language of answers."""
    labelled = "(" in text or _START.match(text) if text.isascii() else _LABELS.search(text)
    if labelled and len(text) > MIN_STRUCTURE and (node := _in_parts(text, reference, second)) is not None:
        return (node,)
    if _may_name(text) and (names := _under_names(text, reference, second)) is not None:
        return (names,)
    try:
        surface = normalise(text)
    except ParseError:
        return ()
    if not surface:
        return ()
    plain = _simple_number(surface)
    if plain is not None:
        return (plain,)
    phrase, final = _phrases(surface, reference, second)
    if final:
        return phrase
    found = list(phrase)
    said = words(surface)
    if said and (known := _known_words(said)) is not None:
        return (known,)
    for node in _with_conditions(surface, reference, second) or _parsed(_counted(surface, said), reference, second):
        if node not in found:
            found.append(node)
    if not reference:
        found += _with_remark(surface, second) if not found else _with_work(surface, second)
    if said is not None and (len(surface) > 1 or not surface.isascii()) and _is_text(said, found):
        found.append(Node("text", (), plainest(said)))
    return tuple(found)


def _known_words(said: tuple[str, ...]) -> Node | None:
    """A number in words, or one of several ways to say the same."""
    number = english_number(said)
    if number is not None:
        return num(number)
    return Node("text", (), plainest(said)) if said in SAME_WORDS else None


_SHOWN_WORK = re.compile(
    r"(?P<number>[-+]?\$?\d[\d,.]*(?:\s[A-Za-z]{3,20})?)\s+\((?P<work>(?:[\d\s.,+*/=-]|\\times|\\cdot|\\div){3,80})\)$"
)


def _with_work(surface: str, second: bool) -> list[Node]:
    """72 of `72 (9 \\times 8)`, whose bracket must come to it."""
    shown = _SHOWN_WORK.match(surface) if surface.endswith(")") else None
    if shown is None:
        return []
    answer, work = (alternatives(shown[part], False, second) for part in ("number", "work"))
    return [] if answer is None or work is None else [Node("remarked", (answer, work), "near")]


def _with_remark(surface: str, second: bool) -> list[Node]:
    """The answer of a text that goes on with a remark, or that is the sentence which states it."""
    from evaluators.answers.reading.remarks import stated_number, without_remark

    remark = without_remark(surface)
    if remark is not None and (answer := alternatives(remark.answer, False, second)) is not None:
        if not remark.near and not remark.other:
            return [answer]
        beside = alternatives(remark.near or remark.other, False, second)
        return [] if beside is None else [Node("remarked", (answer, beside), "near" if remark.near else "other")]
    place = stated_number(surface)
    if place is None:
        return []
    whole = _parsed(surface[place[0] :].rstrip(" ."), False, second)
    return whole or _parsed(surface[place[0] : place[1]], False, second)


def _phrases(surface: str, reference: bool, second: bool) -> tuple[tuple[Node, ...], bool]:
    """What the whole text is as a date, a time, a choice, ...; whether it can be nothing else."""
    found: list[Node] = []
    for read in (special, date, clock, based, remainder, choice):
        node = read(surface)
        if node is None:
            continue
        if node.op == "choice" and node.args:
            node = node._replace(args=(_option_body(node, reference, second), *node.args[1:]))
        found.append(node)
        if node.op not in ("choice", "choices", "clock") or (node.op == "choice" and node.args):
            return tuple(found), True
    return tuple(found), False


def _parsed(text: str, reference: bool, second: bool) -> list[Node]:
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


def _with_conditions(surface: str, reference: bool, second: bool) -> list[Node]:
    """The readings of an answer that says for which values of its letters it holds; none where it says nothing of them."""
    if len(surface) <= MIN_STRUCTURE or not _CONDITIONAL.search(surface):
        return []
    from evaluators.answers.reading.conditions import congruences, introduced, without_conditions

    if (shorter := introduced(surface)) != surface:
        return _with_conditions(shorter, reference, second) or _parsed(shorter, reference, second)
    if (found := congruences(surface)) is not None:
        named = bool(found[0].name)
        return _residues(found) if named else _residues(found) + _parsed(surface, reference, second)
    main, conditions = without_conditions(surface)
    if not conditions:
        return []
    limits = [_limit(condition) for condition in conditions]
    kept = tuple(limit for limit in limits if limit is not None)
    if len(kept) != len(limits):
        return []
    return [Node("given", (node, *kept)) for node in _parsed(main, reference, second)]


def _limit(condition: Condition) -> Node | None:
    """A letter's domain, or the set of numbers it is kept to."""
    if condition.domain:
        return Node("declared", (), (condition.name, condition.domain))
    try:
        return Node("restricts", (Answers(tokenise(condition.text, grouping=False)).answer(),), condition.name)
    except (ParseError, RecursionError):
        return None


def _residues(found: tuple[Congruence, ...]) -> list[Node]:
    """x = 3 + 7k for x \\equiv 3 \\pmod{7}."""
    parameter = "m" if found[0].name == "k" else "k"
    branches = []
    for congruence in found:
        multiple = Node("mul", (num(congruence.modulus), Node("sym", (), parameter)))
        for text in congruence.residues:
            try:
                residue = expand_plus_minus(Answers(tokenise(text, grouping=True)).answer())
            except (ParseError, RecursionError):
                return []
            values = residue.args if residue.op == "list" else (residue,)
            branches += [Node("add", (value, multiple)) for value in values]
    name = Node("sym", (), found[0].name)
    items = tuple(Node("relation", (name, branch), ("=",)) if found[0].name else branch for branch in branches)
    main = items[0] if len(items) == 1 else Node("list", items)
    return [Node("given", (main, Node("declared", (), (parameter, "integers"))))]


def _in_parts(text: str, reference: bool, second: bool) -> Node | None:
    """The labelled parts, each with all its readings; None where one has none, or where there are no parts."""
    from evaluators.answers.reading.parts import labelled_parts

    parts = labelled_parts(text)
    if parts is None:
        return None
    bodies = [alternatives(part.text, reference, second) for part in parts]
    found = tuple(body for body in bodies if body is not None)
    return Node("parts", found, tuple(part.place for part in parts)) if len(found) == len(parts) else None


def _may_name(text: str) -> bool:
    return len(text) > MIN_NAMED and _NAMING.search(text) is not None and MAY_NAME.search(text) is not None


def _under_names(text: str, reference: bool, second: bool) -> Node | None:
    """Zoe = 5, Amy = 8 as relations of names; None where a value has no reading."""
    from evaluators.answers.reading.named import named_values

    found = named_values(text)
    if found is None:
        return None
    relations = []
    for name, value in found:
        body = alternatives(value, reference, second)
        if body is None or body.op == "text":
            return None
        relations.append(Node("relation", (Node("sym", (), name), body), ("=",)))
    return relations[0] if len(relations) == 1 else Node("list", tuple(relations))


def _option_body(choice: Node, reference: bool, second: bool) -> Node:
    """What stands after the letter, read as an answer of its own where it is one."""
    return alternatives(choice.args[0].value, reference, second) or choice.args[0]


def alternatives(text: str, reference: bool, second: bool) -> Node | None:
    """All readings of a text as one node, for where it is only a part."""
    found = readings(text, reference, second)
    return found[0] if len(found) == 1 else Node("either", found) if found else None


def _counted(surface: str, said: tuple[str, ...] | None) -> str:
    """`two hours` with its number in digits, so that the grammar reads the unit."""
    if said is None or len(said) < 2 or said[0] not in NUMBER_WORDS:
        return surface
    for count in range(len(said) - 1, 0, -1):
        number = english_number(said[:count])
        counted = said[count - 1] != "and" and not (NUMBER_WORDS | {"and", "or"}) & set(said[count:])
        if number is not None and number.denominator == 1 and counted:
            return f"{number} {' '.join(said[count:])}"
    return surface


def _is_text(said: tuple[str, ...], found: list[Node]) -> bool:
    """Words are a text where the grammar made nothing of them, or nothing but a product of letters."""
    if not found:
        return True
    if all(len(w) == 1 and w.isascii() for w in said):
        return False  # the letters of a formula are no words
    return not any(w.isdigit() for w in said) and all(n.op in ("mul", "sym", "call", "list") for n in found)


def _grammars(surface: str, reference: bool, second: bool) -> list[Callable[[], Node]]:
    """The grammars that may read the text, as parses yet to be run, so that the first error costs nothing more."""
    text, approximate = _without_lead(surface)
    simple = _simple_number(text)
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


_UNIT_TAIL = re.compile(
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
_PLAIN_DECIMAL = re.compile(r"(-?)\s?(\d{1,400})(?:\.(\d{1,400})?)?")


def _simple_number(text: str) -> Node | None:
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

"""The readings of one text: what it says, first of all, and what it may also say.

Most texts have one. `(1, 2)` stays one node that equality compares as a point or as an interval; `1,234` is a number
that may also be a list, `5 m` five metres that may also be a product, `C` a choice that may also be a letter. An
ambiguous text never means both: the reference decides, or the problem.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.grammars import parsed, simple_number
from evaluators.answers.reading.numerals import NUMBER_WORDS, english_number
from evaluators.answers.reading.phrases import (
    SAME_WORDS,
    based,
    choice,
    clock,
    date,
    figures,
    plainest,
    remainder,
    special,
    words,
)
from evaluators.answers.reading.surface import normalise
from evaluators.answers.values import Node, ParseError, num

_LABELS = lazy_pattern(
    r"[(（][\dA-Ha-hivxIVXⅠ-Ⅻ一二三四五六七八九十]{1,4}\s*[)）]|[①-⑳⑴-⒇]|第\s?[(（]?[一二三四五六七八九十\d]|^\s*(?:\d{1,2}|[A-Ha-h]|[ivx]{1,4}|[IVX]{1,4})[.、．:：)）]|[甲乙丙丁戊己庚辛]"
)
"""What a text with labelled parts holds; the rules themselves are in parts.py."""
_START = lazy_pattern(
    r"\s*(?:(?:Part|Question|Case|Problem)\s[\da-hA-HivxIVX]{1,4}|\d{1,2}|[A-Ha-h]|[ivx]{1,4}|[IVX]{1,4})[.:)]"
)
_CONDITIONAL = lazy_pattern(
    r"\bodd\b|\beven\b|where|其中|for (?:all|every|any)|divisible|[kmnj]\s?=\s?-?\d+\s?,\s?-?\d|<|>|\\(?:in(?![a-z])|[lgn]eq?(?![a-z])|[lg]t(?![a-z]))|mod|integer|constant|real|number|parameter|positive|negative|multiple|\\notin|[sS]pan|dots\s*,\s*-?\d|nmid|numbers|arbitrary|of the form|整数|常数|实数|自然数|参数"
)
"""What a text with conditions holds; see conditions.py."""
_OF_NUMBERS = lazy_pattern(r"\b(?:all|any|every|numbers?|reals|integers?|divisible|multiples?)\b")
_INLINE = lazy_pattern(r"\$([^\s$](?:[^$]{0,60}[^\s$])?)\$(?!\d)")
"""Formulas between words."""
_SHARE = lazy_pattern(r"\b(?:half|quarters?|thirds?)\b", re.IGNORECASE)
MIN_STRUCTURE = 4
"""Characters that no answer with parts or conditions has so few of."""
MIN_NAMED = 9
"""Characters that two names with values have at least."""
_NAMING = lazy_pattern(r"[:：=]| (?:on|at|has|have|for|in|is) ")
MAY_NAME = lazy_pattern(
    r"[A-Za-z\u4e00-\u9fff]{2}\}?\s*[:：=]|[a-z]\s(?:has|have|on|at|for|in|is)\s|(?:max|min)\}*\s?=|[RI][em]\b|^\s*\|"
)
"""What a text with values under names holds; the rules are in named.py."""

_BESIDE_VALUES = lazy_pattern(r"(?<![A-Za-z\\])[A-Za-z]{3,}\s*[-+$\\(\[\d]|\\text|-intercept")
"""Words right before values."""


@lru_cache(maxsize=8192)
def readings(text: str, reference: bool, second: bool) -> tuple[Node, ...]:
    """What the text may say, the likeliest first; empty where it is outside the language of answers."""
    labelled = bool(
        "(" in text or "\\textcircled" in text or _START.match(text) if text.isascii() else _LABELS.search(text)
    )
    text = _INLINE.sub(r"\1", text) if "$" in text and _OF_NUMBERS.search(text) else text
    whole = _structure(text, reference, second, labelled=labelled)
    if whole is not None:
        return (whole,)
    try:
        surface = normalise(text)
    except ParseError:
        return ()
    if not surface:
        return ()
    plain = simple_number(surface)
    if plain is not None:
        return (plain,)
    surface = _without_its_words(surface)
    phrase, final = _phrases(surface, reference, second)
    if final and phrase[0].op == "choice":
        return (*phrase, *_labelled_again(text, reference, second, labelled=labelled))
    if final:
        return phrase
    said = words(surface)
    if said and (known := _known_words(said)) is not None:
        return (known,)
    found = list(dict.fromkeys((*phrase, *_expressions(surface, said, reference, second))))
    worded = said is not None and (len(surface) > 1 or not surface.isascii()) and _is_text(said, found)
    if not reference:
        found += _with_remark(surface, second) if not found else _with_work(surface, second)
    found += _labelled_again(text, reference, second, labelled=labelled)
    if "\n" in surface and (not found or not _GOES_ON.search(surface)):
        found += _in_lines(surface, reference, second)
    if said is not None and worded:
        found.append(Node("text", (), plainest(said)))
    return tuple(found)


def _without_its_words(surface: str) -> str:
    """Saturday of `it falls on Saturday`, 3 and 5 of `3 and 5, respectively`, 1/4 hour of `a quarter of an hour`."""
    if surface.endswith("respectively"):
        surface = surface.removesuffix("respectively").rstrip(" ,")
    if surface[:1] in ("i", "I", "o", "O"):
        surface = _FALLS_ON.sub("", surface)
    if _SHARE.search(surface) is None:
        return surface
    from evaluators.answers.reading.spoken import spoken_amount

    return spoken_amount(surface)


def _labelled_again(text: str, reference: bool, second: bool, *, labelled: bool) -> list[Node]:
    """What a text also says, if what begins it is the label of a part or a letter for a quantity."""
    found = _without_label(text, reference, second) if labelled else []
    if not reference and len(text) >= MIN_NAMED - 2 * (not text.isascii()) and _LETTERED.search(text):
        found = found + _under_letters(text, second)
    return found


def _structure(text: str, reference: bool, second: bool, *, labelled: bool) -> Node | None:
    """Labelled parts, values under names, which statements hold; None for a text that is none of them."""
    if labelled and len(text) >= MIN_STRUCTURE:
        if (node := _in_parts(text, reference, second)) is not None:
            return node
        if reference and (statements := _STATEMENTS.fullmatch(text.strip())) is not None:
            return _statements(statements[0])
    return _under_names(text, reference, second) if _may_name(text) else None


def _expressions(surface: str, said: tuple[str, ...] | None, reference: bool, second: bool) -> list[Node]:
    return _with_conditions(surface, reference, second) or parsed(_counted(surface, said), reference, second)


_FALLS_ON = lazy_pattern(
    r"^(?:it\s+(?:will\s+be|would\s+be|falls\s+on|is\s+on|is|was)|on)\s+(?=(?:the\s+)?(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|\d{1,2}(?:st|nd|rd|th)\b))",
    re.IGNORECASE,
)
"""It will be June 1, it falls on Saturday."""
_ONE_LABEL = lazy_pattern(r"\s*(?:[(（](?P<count>\d{1,2}|[a-h]|i{1,3}|iv)[)）]\s+|(?P<circled>[①-⑳])\s*)(?=[^\s(（])")
_STATEMENTS = lazy_pattern(r"[(（][1-9][)）](?:\s?(?:[,，、和与]|and)?\s?[(（][1-9][)）])+[.。]?")
"""(1)(3), (2) and (4): which statements hold."""
MAX_LINES = 20
MAX_LABELLED = 400
"""Characters of a lone part."""


def _without_label(text: str, reference: bool, second: bool) -> list[Node]:
    """5 under its label of `(1) 5`, the only part there is; which statements hold, of `(1)(3)`."""
    if (statements := _STATEMENTS.fullmatch(text.strip())) is not None:
        return [_statements(statements[0])]
    label = _ONE_LABEL.match(text) if len(text) <= MAX_LABELLED else None
    if label is None or _ONE_LABEL.match(text, label.end()):
        return []
    from evaluators.answers.reading.parts import place_of

    body = alternatives(text[label.end() :], reference, second)
    return [] if body is None else [Node("parts", (body,), (place_of(label["count"] or label["circled"]),))]


def _statements(text: str) -> Node:
    """As surface.py spells ①③."""
    return Node("set", tuple(Node("sym", (), f"N_{digit}") for digit in dict.fromkeys(re.findall(r"\d", text))))


_GOES_ON = lazy_pattern(r"[-+*/=<>^,(]\s*\n|\n\s*[+*/=<>^),]")
"""A line that is not the end of its expression."""


def _in_lines(surface: str, reference: bool, second: bool) -> list[Node]:
    """A list of answers, a line each."""
    lines = [line.strip() for line in surface.split("\n") if line.strip()]
    if not 1 < len(lines) <= MAX_LINES or "begin" in surface:
        return []
    found = readings(", ".join(lines), reference, second)
    return [node for node in found if node.op == "list" and len(node.args) == len(lines)]


def _known_words(said: tuple[str, ...]) -> Node | None:
    """A number in words, or one of several ways to say the same."""
    number = english_number(said)
    if number is not None:
        return num(number)
    return Node("text", (), plainest(said)) if said in SAME_WORDS else None


_SHOWN_WORK = lazy_pattern(
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
    whole = parsed(surface[place[0] :].rstrip(" ."), False, second)
    return whole or parsed(surface[place[0] : place[1]], False, second)


def _phrases(surface: str, reference: bool, second: bool) -> tuple[tuple[Node, ...], bool]:
    """What the whole text is as a date, a time, a choice, ...; whether it can be nothing else."""
    found: list[Node] = []
    for read in (special, date, clock, based, remainder, figures, choice):
        node = read(surface)
        if node is None:
            continue
        if node.op == "choice" and node.args:
            node = node._replace(args=(_option_body(node, reference, second), *node.args[1:]))
        found.append(node)
        if node.op not in ("choice", "choices", "clock") or (node.op == "choice" and node.args):
            return tuple(found), True
    return tuple(found), False


def _with_conditions(surface: str, reference: bool, second: bool) -> list[Node]:
    """The readings of an answer that says for which values of its letters it holds; none where it says nothing of them."""
    if len(surface) <= MIN_STRUCTURE or not _CONDITIONAL.search(surface):
        return []
    from evaluators.answers.reading.conditional import with_conditions

    return with_conditions(surface, reference, second)


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
    if len(text) <= MIN_NAMED - 3 * (not text.isascii()):
        return False
    if _NAMING.search(text) is not None and MAY_NAME.search(text) is not None:
        return True
    if text.isascii():
        if text[:1] == "|" and "\n" in text:
            return True
        return ("," in text or ";" in text or " and " in text) and _BESIDE_VALUES.search(text) is not None
    return any(mark in text for mark in ",，;；、和\n")


_COUNTED = lazy_pattern(r"([-\d.,/]+[个只枚张本支朵棵头条辆位名件块颗份套双袋箱瓶盒把杯])[\u4e00-\u9fff]{1,4}")
"""30枚邮票, where the reference may say 30枚."""


def _under_names(text: str, reference: bool, second: bool) -> Node | None:
    """Zoe = 5, Amy = 8 as relations of names; None where a value has no reading."""
    from evaluators.answers.reading.named import named_values

    found = named_values(text)
    if found is None:
        return None
    if [name for name, _ in found] == ["quotient", "remainder"] and all(v.isdecimal() for _, v in found):
        return Node("remainder", tuple(num(int(value)) for _, value in found))
    relations = []
    for name, value in found:
        body = alternatives(value, reference, second)
        if body is None or body.op == "text":
            return None
        if (
            not reference
            and (counted := _COUNTED.fullmatch(value))
            and (short := alternatives(counted[1], False, second))
        ):
            body = Node("either", (body, short))
        relations.append(Node("relation", (Node("sym", (), name), body), ("=",)))
    return relations[0] if len(relations) == 1 else Node("list", tuple(relations))


_LETTERED = lazy_pattern(
    r"(?<![A-Za-z\\])[A-Za-z]\s?\$?\s?[(（:：=]|(?<![\u4e00-\u9fffA-Za-z])[\u4e00-\u9fffA-Za-z]{2,}\s?\$?\s?[-(\[\d]|(?:max|min)\}*\s?="
)


def _under_letters(text: str, second: bool) -> list[Node]:
    """C = (2, -1), r = 3 of `C(2,-1), r = 3`, the lone value of `顶点(1,4)`."""
    from evaluators.answers.reading.named import names_and_letters

    items = []
    for name, value in names_and_letters(text) or ():
        body = alternatives(value, False, second)
        if body is None or body.op == "text":
            return []
        items.append(Node("relation", (Node("sym", (), name), body), ("=",)) if name else body)
    return [items[0] if len(items) == 1 else Node("list", tuple(items))] if items else []


def _option_body(choice: Node, reference: bool, second: bool) -> Node:
    """What stands after the letter, read as an answer of its own where it is one."""
    return alternatives(choice.args[0].value, reference, second) or choice.args[0]


def alternatives(text: str, reference: bool, second: bool) -> Node | None:
    """All readings of a text as one node, for where it is only a part."""
    found = readings(text, reference, second)
    return found[0] if len(found) == 1 else Node("either", found) if found else None


_EXACTLY = {("exactly",), ("precisely",)}


def _mixed(number: Fraction) -> str:
    """4 1/2 of 9/2."""
    whole, rest = divmod(number, 1)
    return f"{whole} {rest}" if rest else str(whole)


def _counted(surface: str, said: tuple[str, ...] | None) -> str:
    """`two hours` with its number in digits, so that the grammar reads the unit."""
    if said is not None and said[:1] in _EXACTLY:
        said = said[1:]
    if said is None or len(said) < 2 or said[0] not in NUMBER_WORDS:
        return surface
    for count in range(len(said) - 1, 0, -1):
        number = english_number(said[:count])
        counted = said[count - 1] != "and" and not (NUMBER_WORDS | {"and", "or"}) & set(said[count:])
        if number is not None and counted and (number.denominator == 1 or "and" in said[:count]):
            return f"{_mixed(number)} {' '.join(said[count:])}"
    return surface


def _is_text(said: tuple[str, ...], found: list[Node]) -> bool:
    """Words are a text where the grammar made nothing of them, or nothing but a product of letters."""
    if not found:
        return True
    if all(len(w) == 1 and w.isascii() for w in said):
        return False  # the letters of a formula are no words
    return not any(w[-1].isdigit() for w in said) and all(n.op in ("mul", "sym", "call", "list") for n in found)

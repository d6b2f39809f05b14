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

from evaluators.answers.collections_grammar import Answers, expand_plus_minus
from evaluators.answers.cursor import repeating_value
from evaluators.answers.numerals import english_number
from evaluators.answers.surface import normalise
from evaluators.answers.tokens import tokenise
from evaluators.answers.values import INFINITY, Node, ParseError, negated, num

MAX_WORDS = 12
"""Words of a text answer: a longer one is prose, and prose is no answer."""

_SPECIALS = {
    "empty": "empty set|the empty set|null set|no solution|no solutions|no real solution|no real solutions|there is no solution|"
    "there are no solutions|there are no real solutions|no such solution|none|has no solution|no integer solutions|no real roots|no roots",
    "undefined": "undefined|not defined|is undefined|dne|does not exist|doesn't exist|doesnt exist|limit does not exist|the limit does not exist|nonexistent",
    "many": "infinitely many|infinitely many solutions|infinite solutions|infinite number of solutions|an infinite number|infinite|"
    "there are infinitely many solutions|infinitely many values",
    "unknown": "cannot be determined|can not be determined|not enough information|insufficient information|cannot determine|"
    "cannot be determined from the given information|cannot be determined with the given information|indeterminate",
}
_SPECIAL_WORDS = {phrase: name for name, phrases in _SPECIALS.items() for phrase in phrases.split("|")}
_REALS = frozenset(
    [
        "all real numbers",
        "all reals",
        "the set of all real numbers",
        "any real number",
        "set of all real numbers",
        "all real values",
        "reals",
        "the real numbers",
        "real numbers",
        "all real number",
    ]
)
_MONTHS = {
    m: i + 1 for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
}
_MONTH = r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s*,?\s+(?P<year>\d{{4}}))?",
        rf"(?:the\s+)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:\s*,?\s*(?P<year>\d{{4}}))?",
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
        r"(?:(?P<year>\d{4})\s*年\s*)?(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*[日号]",
    )
)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(?:(a|p)\.?\s?m\.?)?(?:\s*o'clock)?", re.IGNORECASE)
_HOUR = re.compile(r"(\d{1,2})\s*(?:(a|p)\.?\s?m\.?|o'clock)", re.IGNORECASE)
_CHOICE = re.compile(
    r"(?:(?:the\s+)?(?:answer|option|choice|correct\s+(?:answer|option|choice))\s*(?:is|:)?\s*|选(?:项|择)?\s*)?"
    r"(?:\(\s*([A-Ja-j])\s*\)\s*[.:]?|([A-J])\s*[.):、](?!\d)|([A-J])(?=\s*$|\s*选?项))\s*(.*)",
    re.DOTALL,
)
_OPTION_WORD = re.compile(r"(?:option|choice)\s+([A-Ja-j])\b[.:)]?\s*(.*)", re.IGNORECASE | re.DOTALL)
_LETTERS = re.compile(r"[A-H](?:\s*(?:,|and|\s)\s*\(?[A-H]\)?)+|[A-H]{2,6}")
_BASED = (
    re.compile(r"\(?([0-9A-F]+)\)?\s*_\s*\{?\s*(?:\\text\{)?\s*(\d{1,2}|[a-z]+)\s*\}?\}?"),
    re.compile(r"\(?([0-9A-F]+)\)?\s*\(?\s*(?:\\text\{)?\s*(?:in\s+)?base[\s-]*\{?(\d{1,2}|[a-z]+)\}?\s*\}?\)?", re.IGNORECASE),
)  # fmt: skip
_PREFIXED_BASE = re.compile(r"0([xbo])([0-9A-Fa-f]+)")
_BASE_WORDS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "sixteen": 16,
}
_SCIENTIFIC = re.compile(r"([-+]?)(\d+(?:\.(\d*))?|\.\d+)[eE]([-+]?\d{1,4})")
_REPEATING = re.compile(r"(-?)(\d*\.\d*)\((\d{1,40})\)")
_EUROPEAN = re.compile(r"-?\d{1,3}(?:\.\d{3})+,\d+|-?\d{1,3}(?:\.\d{3}){2,}")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_SPACED = re.compile(r"(?<![\d.])(\d{1,3})((?:\s\d{3})+)(?![\d/])|(?<![\d.])(\d{1,3})((?:'\d{3})+)(?!\d)")
_ORDINAL = re.compile(r"(\d+)\s*(?:st|nd|rd|th)\b")
_FRENCH = re.compile(r"([\[\]])([^\[\]]+[,;][^\[\]]+)([\[\]])")
_EXCEPT = re.compile(
    r"(?:all|any)\s+reals?(?:\s+numbers?)?\s+except\s+(?:for\s+)?(?:x\s*=\s*)?([-\d/., ]+)", re.IGNORECASE
)
_DERIVATIVE = re.compile(r"\bd([a-z])/d([a-z])\b")
_MIXED_WORDS = re.compile(r"\b(\d+)\s+and\s+(\d+\s?/\s?\d+|\\frac)(?=\D|$)")
_LEAD = re.compile(
    r"(?:(?:approximately|approx\.?|about|roughly|around|nearly|almost|some|exactly|precisely|is|are|=|:|equals?(?:\s+to)?|there\s+(?:are|is|were)|it\s+is|therefore,?|thus,?|so,?|hence,?)\s+|=\s*)+(?=[^\s])",
    re.IGNORECASE,
)  # fmt: skip
_APPROXIMATE = re.compile(r"approx|about|roughly|around|nearly|almost", re.IGNORECASE)
_LABEL = re.compile(r"(?:\\text\{)?([A-Za-z][A-Za-z ]{3,40}?)\}?\s*(?:=|:)\s*(?=[-+\d\\($.])")
_TEXT_COMMAND = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|normal|up)?|mbox|hbox|mathrm|operatorname|mathbf|mathit)\s*\{([^{}]*)\}"
)
_WORDS = re.compile(r"[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff\u4e00-\u9fff]+(?:['’][A-Za-z]+)?|\d+")
_TEXT_ONLY = re.compile(r"[\w\s.,;:'’\"()&/!?{}-]+")
_ARTICLES = frozenset({"a", "an", "the"})


@lru_cache(maxsize=8192)
def readings(text: str, reference: bool, second: bool) -> tuple[Node, ...]:
    """What the text may say, the likeliest first; empty where it is outside the language of answers."""
    try:
        surface = normalise(text)
    except ParseError:
        return ()
    if not surface:
        return ()
    found: list[Node] = []
    for read in (_special, _date, _clock, _based, _choice):
        node = read(surface)
        if node is not None:
            found.append(node)
            if node.op not in ("choice", "clock") or (node.op == "choice" and node.args):
                return tuple(found)
    words = _words(surface)
    number = english_number(words) if words else None
    if number is not None:
        return (num(number),)
    for parse in _grammars(surface, reference, second):
        try:
            node = expand_plus_minus(parse())
        except (ParseError, RecursionError):
            continue
        if node not in found:
            found.append(node)
    if words is not None and len(surface) > 1 and _is_text(words, found):
        found.append(Node("text", (), words))
    return tuple(found)


def _is_text(words: tuple[str, ...], found: list[Node]) -> bool:
    """Words are a text where the grammar made nothing of them, or nothing but a product of letters."""
    if not found:
        return True
    return not any(w.isdigit() for w in words) and all(n.op in ("mul", "sym", "call", "list") for n in found)


def _grammars(surface: str, reference: bool, second: bool) -> list[Callable[[], Node]]:
    """The grammars that may read the text, as parses yet to be run, so that the first error costs nothing more."""
    text, approximate = _without_lead(surface)
    simple = _simple_number(text)
    if simple is not None:
        plain = Node("approx", (simple,)) if approximate else simple
        return [lambda: plain]
    text = _rewritten(text)

    def parse(**options: bool) -> Callable[[], Node]:
        grouping = options.pop("grouping", True)

        def run() -> Node:
            node = Answers(tokenise(text, grouping=grouping), **options).answer()
            return Node("approx", (node,)) if approximate else node

        return run

    parses = [parse()]
    if re.search(r"\d,\d{2,3}", text) and not re.search(r"[$.]", text):
        parses.append(parse(grouping=False))
    if (not reference and re.search(r"[\d})]\s*[mgshLlNJWVKd](?![A-Za-z])", text)) or (
        reference and re.search(r"[\d})]\s+[mgshLlNJWVKd](?![A-Za-z])", text)
    ):
        parses.append(parse(loose=True))
    if second and re.search(r"/\s*\d+\s*[A-Za-z\\(]", text):
        parses.append(parse(tight=True))
    if _DECIMAL_COMMA.fullmatch(text) and len(text.partition(",")[2]) != 3:
        whole, _, places = text.partition(",")
        comma = Node("dec", (), (Fraction(f"{whole}.{places}"), len(places)))
        parses.append(lambda: comma)
    return parses


_PLAIN_DECIMAL = re.compile(r"(-?)\s?(\d{1,400})(?:\.(\d{1,400})?)?")


def _simple_number(text: str) -> Node | None:
    """Numerals that fill the whole text: 12, -3.50, 1.2e5, 0.(3), 1.234,56."""
    plain = _PLAIN_DECIMAL.fullmatch(text)
    if plain:
        sign, whole, places = plain.groups()
        if not places:
            return Node("num", (), Fraction(int(sign + whole)))
        return Node("dec", (), (Fraction(int(sign + whole + places), 10 ** len(places)), len(places)))
    if match := _SCIENTIFIC.fullmatch(text):
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


def _rewritten(text: str) -> str:
    text = _SPACED.sub(lambda m: re.sub(r"[\s']", "", m.group()), text)
    text = _MIXED_WORDS.sub(r"\1 \2", text)
    text = _ORDINAL.sub(r"\1", text)
    text = _DERIVATIVE.sub(r"\\frac{d\1}{d\2}", text)
    if (french := _FRENCH.fullmatch(text)) and (french[1], french[3]) != ("[", "]"):
        text = f"{'(' if french[1] == ']' else '['}{french[2]}{')' if french[3] == '[' else ']'}"
    if except_for := _EXCEPT.fullmatch(text):
        text = f"\\mathbb{{R}} \\setminus \\{{{except_for[1]}\\}}"
    return re.sub(r"(?<=\d)[eE]([-+]\d{1,3})\b", r"\\times 10^{\1}", text)


def _without_lead(text: str) -> tuple[str, bool]:
    match = _LEAD.match(text)
    if match and match.end() < len(text):
        return text[match.end() :], bool(_APPROXIMATE.search(match.group()))
    label = _LABEL.match(text)
    if (
        label
        and (text[0].isupper() or text[0] == "\\" or "=" in label.group())
        and not re.search(r"\b(?:not|or|and|if|than|where|when|unless)\b", label[1])
        and "  " not in label[1]
    ):
        return text[label.end() :], False
    return text, False


# ---- whole texts that are no expressions


def _special(surface: str) -> Node | None:
    plain = _plain_text(surface).lower().strip(" .")
    if plain in _REALS:
        return Node("interval", (negated(INFINITY), INFINITY), (False, False))
    if plain in ("infinity", "positive infinity", "negative infinity", "minus infinity"):
        return INFINITY if plain in ("infinity", "positive infinity") else negated(INFINITY)
    name = _SPECIAL_WORDS.get(plain)
    return None if name is None else Node("special", (), name)


def _plain_text(surface: str) -> str:
    text = surface
    while (inner := _TEXT_COMMAND.sub(r"\1", text)) != text:
        text = inner
    return " ".join(text.replace("\\ ", " ").replace("$", " ").split())


def _date(surface: str) -> Node | None:
    if not re.search(r"\d", surface) or len(surface) > 40:
        return None
    plain = _plain_text(surface)
    for pattern in _DATES:
        match = pattern.fullmatch(plain)
        if match:
            month = match["month"]
            number = int(month) if month.isdigit() else _MONTHS[month[:3].lower()]
            day = int(match["day"])
            if 1 <= number <= 12 and 1 <= day <= 31:
                return Node("date", (), (int(match["year"]) if match["year"] else None, number, day))
    return None


def _clock(surface: str) -> Node | None:
    plain = _plain_text(surface)
    if plain.lower() in ("noon", "midnight", "12 noon", "12 midnight"):
        return Node("clock", (), (12 if "noon" in plain.lower() else 0, 0, 0, "exact"))
    match = _CLOCK.fullmatch(plain)
    if match:
        hour, minute, second, half = int(match[1]), int(match[2]), int(match[3] or 0), match[4]
    elif match := _HOUR.fullmatch(plain):
        hour, minute, second, half = int(match[1]), 0, 0, match[2]
    else:
        return None
    if hour > 24 or minute > 59 or second > 59 or (half and not 1 <= hour <= 12):
        return None
    if half:
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return Node("clock", (), (hour, minute, second, "exact" if half or hour > 12 else "open"))


def _based(surface: str) -> Node | None:
    if match := _PREFIXED_BASE.fullmatch(surface):
        base = {"x": 16, "b": 2, "o": 8}[match[1]]
        return _in_base(match[2].upper(), base)
    for pattern in _BASED:
        match = pattern.fullmatch(surface)
        if match and (any(c.isdigit() for c in match[1]) or match[2] == "16"):
            name = match[2].lower()
            base = int(name) if name.isdigit() else _BASE_WORDS.get(name, 0)
            return _in_base(match[1].upper(), base) if base else None
    return None


def _in_base(digits: str, base: int) -> Node | None:
    if not 2 <= base <= 36 or any(int(c, 36) >= base for c in digits):
        return None
    return Node("base", (), (digits.lstrip("0") or "0", base))


def _choice(surface: str) -> Node | None:
    plain = _plain_text(surface)
    if _LETTERS.fullmatch(plain):
        letters = re.findall(r"[A-H](?![a-z])", plain.replace("and", " "))
        if len(set(letters)) == len(letters) > 1 and (len(plain) > len(letters) or letters == sorted(letters)):
            return Node("choices", (), "".join(sorted(letters)))
    match = _CHOICE.fullmatch(plain)
    option = _OPTION_WORD.fullmatch(plain)
    if option:
        letter, rest = option[1].upper(), option[2]
    elif match:
        letter, rest = (match[1] or match[2] or match[3]).upper(), match[4]
    else:
        return None
    rest = rest.strip()
    if not rest:
        return Node("choice", (), letter)
    if re.match(r"[-+*/^=<>!,;]|(?:and|or)\b|\(?[A-J]\)?(?:$|[\s,.])", rest):
        return None
    return Node("choice", (Node("raw", (), rest),), letter)


def _words(surface: str) -> tuple[str, ...] | None:
    """The words of a text answer, without case, articles and punctuation; None for prose and for formulas."""
    plain = _plain_text(surface)
    if not _TEXT_ONLY.fullmatch(plain) or not re.search(r"[^\W\d_]", plain):
        return None
    words = tuple(w.lower().replace("’", "'") for w in _WORDS.findall(plain))
    kept = tuple(w for w in words if w not in _ARTICLES) or words
    return kept if 0 < len(kept) <= MAX_WORDS else None

"""What stands after an answer and says for which values it holds: k \\in \\mathbb{Z}, (n \\ge 1), for x > 0, c is a constant.

Congruences are families as well: x \\equiv 3 \\pmod{7} is 3 + 7k for any integer k.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from evaluators.answers.patterns import lazy_pattern

MAX_CONDITIONS = 4
MAX_TAIL = 160
"""Characters in which a condition stands."""


class Condition(NamedTuple):
    """A letter's `domain` (integers, naturals, positive, reals, constant), or, where that is empty, what restricts it."""

    name: str
    domain: str
    text: str


_NAME = r"(?P<name>[A-Za-z](?:_\{?\w{1,2}\}?)?)"
_SETS = {"Z": "integers", "N": "naturals", "R": "reals", "C": "complex", "Q": "rationals"}
_IN = lazy_pattern(
    rf"{_NAME}\s?(?:\\in|∈)\s?\{{?\s?(?:\\(?:mathbb|mathbf|Bbb|mathrm|bf|rm)\s?\{{?)?\s?(?P<set>[ZNRCQ])\s?\}}?(?P<mark>\s?[\^_]?\s?\{{?\s?(?:[*+-]|\\ast)?(?:\s?[>\\a-z]*\s?0)?\s?\}}?)\s?\}}?"
)
_KINDS = (
    (r"正整数|positive integers?|positive whole numbers?", "positive"),
    (r"non-?negative integers?|非负整数|natural numbers?|自然数", "naturals"),
    (r"integers?|整数|whole numbers?", "integers"),
    (r"real numbers?|reals?|实数", "reals"),
    (r"constants?(?: of integration)?|parameters?|常数|参数|arbitrary numbers?", "constant"),
)
_ADJECTIVES = r"(?:(?:an?|any|some|all|every|each|arbitrary|real|given|fixed|任意|一个|the|numerical|nonzero)\s*)*"
_WORDED = tuple(
    (lazy_pattern(rf"{_NAME}\s*(?:is|are|being|denotes|=|为|是)\s*{_ADJECTIVES}(?:{words})", re.IGNORECASE), domain)
    for words, domain in _KINDS
) + tuple(
    (lazy_pattern(rf"{_ADJECTIVES}(?:{words})\s*{_NAME}", re.IGNORECASE), domain) for words, domain in _KINDS
) + ((lazy_pattern(rf"{_NAME}\s+(?:is\s+)?an?\s+(?:arbitrary\s+|real\s+)*constant"), "constant"), (lazy_pattern(rf"{_NAME}\s+real"), "reals"), (lazy_pattern(rf"{_NAME}\s+(?:an\s+)?integer"), "integers"), (lazy_pattern(rf"{_NAME}\s+(?:is\s+)?(?:an\s+)?arbitrary(?:\s+constant)?"), "constant"))  # fmt: skip
_RELATION = r"(?:<=|>=|!=|<|>|\\(?:le|ge|leq|geq|ne|neq|lt|gt)(?![A-Za-z]))"
_BOUND = lazy_pattern(rf"(?P<name>[A-Za-z])\s*(?P<sign>{_RELATION})\s*(?P<value>[^<>=]+)")
_DISTANCE = lazy_pattern(rf"\|\s*(?P<name>[A-Za-z])\s*\|\s*{_RELATION}\s*[^<>=,]+")
_REVERSED = lazy_pattern(rf"[^<>=,]+?{_RELATION}\s*(?P<name>[A-Za-z])\s*(?:{_RELATION}[^<>=,]+)?")
_WITHIN = lazy_pattern(r"(?P<name>[A-Za-z])\s*\\in\s*[\[(].*[\])]")
_SIGNED = lazy_pattern(
    rf"{_NAME}\s+(?:is|are)\s+(?:an?\s+|any\s+)?(?P<sign>positive|negative|non-?negative|non-?positive|non-?zero)(?:\s+(?:real|number|reals|value))*",
    re.IGNORECASE,
)
_SIGNS = {"positive": ">", "negative": "<", "nonnegative": r"\ge", "nonpositive": r"\le", "nonzero": r"\ne"}
_FIRST_INDEX = lazy_pattern(r"(?:\\geq?|>=)\s*[01]|>\s*0")
_INTRODUCED = lazy_pattern(
    r"(?:(?:where|for|with|when|if|given|and)(?![a-z])|其中|当)\s*(?:any|all|every|each|some)?\s*|\\forall\s*|任意\s*"
)
_STARTS = lazy_pattern(r"[,;]|(?<![A-Za-z\\])(?:where|for|when|with|if)(?![A-Za-z])|其中|\\forall")
_TEXT = lazy_pattern(r"\\(?:text|mbox|mathrm|quad|qquad)(?![A-Za-z])\s*\{?|[{}](?=\s*$)")
_MAY_HOLD = lazy_pattern(
    r"\\in(?![a-z])|∈|integer|constant|arbitrary|\breal|number|parameter|positive|negative|zero|整数|常数|实数|自然数|[<>]|\\[lgn]eq?(?![a-z])|\\[lg]t(?![a-z])|[lg]eqslant"
)
_CONGRUENCE = lazy_pattern(
    r"\s*(?:(?P<name>[A-Za-z])\s*(?:\\equiv|≡)\s*)?(?P<residues>[^=<>]{1,60}?)\s*\\(?:pmod|bmod|mod)\s*\{?\s*(?P<modulus>\d{1,9})\s*\}?\s*"
)
_MODULUS = lazy_pattern(
    r"\(?\s*(?:\\(?:text|mathrm|operatorname)\s*\{\s*)?(?<![A-Za-z])\\?b?mod(?:ulo)?(?![A-Za-z])\s*\}?\s*\{?(\d{1,9})\}?\s*\)?(?=\s*(?:$|[,;)]|or\b|and\b))"
)


_REAL_FIRST = lazy_pattern(
    r"(?P<name>[a-z])\s*(?:\\in|∈)\s*\{?\s*(?:\\mathbb\s*\{?)?\s*R\s*\}?\s*\}?\s*(?:,|;|\band\b|且)\s*(?=(?P=name)\s*(?:[<>]|\\(?:ne|neq|le|ge|leq|geq)(?![a-z])|!=))"
)
"""x \\in \\mathbb{R}, before what x is kept to: a bound of x speaks of reals anyway."""


_ALL_REALS = lazy_pattern(
    r"(?:all|any)\s+(?:reals?\s+)?(?:numbers?\s+|values\s+of\s+)?(?=[a-z]\s*(?:[<>]|\\(?:ne|neq|le|ge|leq|geq|lt|gt)(?![a-z])|!=))"
)
_ALL_INTEGERS = lazy_pattern(
    r"(?:all|any|every|the)\s+integers?\s+([a-z])\s+(?:with|such\s+that|satisfying|where|for\s+which)\s+\1\s*(?:\\equiv|≡)\s*"
)
_MULTIPLES = lazy_pattern(
    r"(?:all\s+|the\s+|any\s+|every\s+)?(?P<positive>positive\s+)?(?:integers?\s+|integral\s+)?(?P<odd>odd\s+|even\s+)?(?:integer\s+)?multiples?\s+of\s+(?P<of>\d{1,9}|\\?pi|\\frac\s*\{\\pi\s*\}\s*\{\d{1,3}\})"
)

_OF_FORM = lazy_pattern(r"(?:all\s+|the\s+|any\s+)?(?:numbers|integers)\s+of\s+the\s+form\s+(?P<form>[^,;:]{2,30})")


_PARITY = lazy_pattern(
    r"(?:(?P<all>all|any|every|each)\s+(?:the\s+)?)?(?P<positive>positive\s+)?(?P<kind>odd|even)(?P<positive2>\s+positive)?(?:\s+(?P<noun>integers?|numbers?|values\s+of))?(?:\s+[a-z])?"
)
_IS_KIND = lazy_pattern(
    r"(?P<name>[a-z])\s+is\s+(?:an?\s+)?(?:(?P<kind>odd|even)|(?:divisible\s+by|multiple\s+of)\s+(?P<of>\d{1,6}))(?:\s+(?:integer|number))?"
)
_NOT_DIVISIBLE = lazy_pattern(
    r"(?:(?:all|any|every|the)\s+)?(?:(?:integers?|numbers?)\s+)?(?:(?P<name>[a-z])\s+)?(?:(?:(?:that|which)\s+)?(?:is|are)\s+)?not\s+(?:divisible\s+by|(?:a\s+)?multiples?\s+of)\s+(?P<of>\d)|(?P<of2>\d)\s*\\nmid\s*(?P<name2>[a-z])"
)
_LEAVES = lazy_pattern(
    r"(?:(?:all|any|every|the)\s+)?(?:integers?|numbers?)(?:\s+[a-z])?\s+(?:(?:that|which)\s+)?(?:leav(?:e|es|ing)|with)\s+(?:a\s+)?remainder\s+(?:of\s+)?(?P<rest>\d{1,6})\s+(?:when|on|if|after)\s+(?:(?:being\s+)?divided|division)\s+by\s+(?P<of>\d{1,6})",
    re.IGNORECASE,
)
_COMPARED = lazy_pattern(
    r"(?:all|any|every)\s+(?:reals?(?:\s+numbers?)?|numbers?)(?:\s+[a-z])?\s+(?:(?:that|which)\s+(?:is|are)\s+)?(?:strictly\s+)?(?:(?P<above>greater|larger|bigger|more)|less|smaller)\s+than\s+(?P<equal>or\s+equal\s+to\s+)?(?P<end>[-\d./\\a-z{}]{1,20})",
    re.IGNORECASE,
)


def _in_residues(text: str) -> str:
    """The residues of `n not divisible by 3` and of `all integers that leave remainder 3 when divided by 7`; empty for others."""
    if (match := _NOT_DIVISIBLE.fullmatch(text)) is not None and int(match["of"] or match["of2"]) > 1:
        divisor = int(match["of"] or match["of2"])
        rests = " or ".join(f"{rest}" for rest in range(1, divisor))
        return f"{match['name'] or match['name2'] or 'n'} \\equiv {rests} \\pmod{{{divisor}}}"
    if (match := _LEAVES.fullmatch(text)) is not None and int(match["rest"]) < int(match["of"]):
        return f"{match['rest']} + {match['of']}k, k \\in \\mathbb{{Z}}"
    return ""


def _as_range(text: str) -> str:
    """(1, \\infty) of `all real numbers greater than 1`; empty for other texts."""
    match = _COMPARED.fullmatch(text)
    if match is None:
        return ""
    closed = bool(match["equal"])
    if match["above"]:
        return f"{'[' if closed else '('}{match['end']}, \\infty)"
    return f"(-\\infty, {match['end']}{']' if closed else ')'}"


_FOR_ALL = lazy_pattern(r",?\s+for\s+(?:all|every|any)\s+(?:real\s+)?(?:numbers?\s+)?(?P<name>[a-z])\s*$")


def _parity(text: str) -> str:
    """2k+1 of `all odd integers`, n = 6k of `n is divisible by 6`; empty for any other text."""
    if (match := _PARITY.fullmatch(text)) is not None and (match["all"] or (match["noun"] or "").endswith(("s", "of"))):
        first = {"odd": "N", "even": "Z^+"}[match["kind"]]
        form = {"odd": "2k+1", "even": "2k"}[match["kind"]]
        return f"{form}, k \\in {first if match['positive'] or match['positive2'] else 'Z'}"
    if (match := _IS_KIND.fullmatch(text)) is not None:
        index = "m" if match["name"] == "k" else "k"
        form = {"odd": f"2{index}+1", "even": f"2{index}"}.get(match["kind"] or "", f"{match['of']}{index}")
        return f"{match['name']} = {form}, {index} \\in \\mathbb{{Z}}"
    return ""


_SPAN = lazy_pattern(
    r"(?:\\(?:operatorname|mathrm|text)\s*\{\s*|\\)?[Ss]pan\s*\}?\s*(?:\\?\{|\(|\\left\\\{)\s*(?P<vectors>.{3,200}?)\s*(?:\\right)?(?:\\?\}|\))"
)
_ENDLESS = lazy_pattern(
    r"(?:\\\{)?\s*\\[lcd]?dots\s*,\s*(?P<values>-?\d{1,9}(?:\s*,\s*-?\d{1,9}){2,9})\s*,\s*\\[lcd]?dots\s*(?:\\\})?"
)
"""\\ldots, -7, 8, 23, 38, \\ldots"""
_OF_VECTOR = lazy_pattern(
    r"\\\{\s*(?P<form>[a-z]\s*(?:\\begin\{[pb]matrix\}|\().{3,120}?)\s*(?:\\mid|\||:)\s*(?P<condition>[a-z]\s*\\in\s*.{1,20}?)\s*\\\}"
)
"""\\{t (1, 2) : t \\in R\\}."""
_VECTOR = lazy_pattern(
    r"\([^()]{3,80}\)(?:\s*\^\s*\{?\s*(?:T|\\top)\s*\}?)?|\\begin\{[pb]matrix\}.{3,80}?\\end\{[pb]matrix\}"
)


def _progression(values: str) -> str:
    """8 + 15k for any whole k of a row with one step; empty for any other row."""
    numbers = [int(value) for value in values.split(",")]
    steps = {b - a for a, b in pairwise(numbers)}
    return f"{numbers[0]} + {steps.pop()} k, k \\in \\mathbb{{Z}}" if len(steps) == 1 and 0 not in steps else ""


def _spanned(vectors: str) -> str:
    """t (1, -1), t \\in R of the span of one vector; empty for the span of more."""
    match = _VECTOR.fullmatch(vectors.strip())
    return "" if match is None else f"t {match[0]}, t \\in \\mathbb{{R}}"


def introduced(text: str) -> str:
    """x \\ne 5 of `x \\in \\mathbb{R}, x \\ne 5`, x > 2 of `all real x > 2`, 6k for any integer k of `multiples of 6`."""
    if (match := _MULTIPLES.fullmatch(text)) is not None:
        factor = {"odd": "(2k+1)", "even": "(2k)"}.get((match["odd"] or "").strip(), "k")
        return f"{match['of']} {factor}, k \\in \\mathbb{{Z}}{'^+' if match['positive'] else ''}"
    if said := _parity(text) or _in_residues(text) or _as_range(text):
        return said
    if "for" in text and (match := _FOR_ALL.search(text)) is not None and match["name"] in text[: match.start()]:
        return text[: match.start()]
    if (match := _OF_FORM.fullmatch(text)) is not None and len(set(re.findall(r"[kmnt]", match["form"]))) == 1:
        return f"{match['form']}, {re.findall(r'[kmnt]', match['form'])[0]} \\in \\mathbb{{Z}}"
    if "dots" in text and (endless := _ENDLESS.fullmatch(text)) is not None:
        return _progression(endless["values"]) or text
    if (spanned := _SPAN.fullmatch(text)) is not None:
        return _spanned(spanned["vectors"]) or text
    if (multiples := _OF_VECTOR.fullmatch(text)) is not None:
        return f"{multiples['form']}, {multiples['condition']}"
    for pattern in (_REAL_FIRST, _ALL_REALS, _ALL_INTEGERS):
        if (match := pattern.match(text)) is not None:
            return text[match.end() :]
    return text


_SEVERAL_NAMES = lazy_pattern(
    r"(?P<before>(?:^|[,;(]|where|for|with|其中)\s*)(?P<one>[A-Za-z](?:_\{?\w{1,2}\}?)?)\s*(?:,|\band\b)\s*(?P<two>[A-Za-z](?:_\{?\w{1,2}\}?)?)\s*(?P<said>(?:\\in(?![a-z])|∈|are\b|为|是)[^,;]{1,60})$"
)


def _each_named(text: str) -> str:
    """c_1 \\in R, c_2 \\in R for `c_1, c_2 \\in R`."""
    match = _SEVERAL_NAMES.search(text.rstrip(" .)"), max(0, len(text) - MAX_TAIL))
    if match is None:
        return text
    return f"{text[: match.start('one')]}{match['one']} {match['said']}, {match['two']} {match['said']}" + ")" * (
        text.rstrip(" .").endswith(")") and "(" in match["before"]
    )


_EXCLUDED = lazy_pattern(
    r"(?P<not>[a-z]\s*(?:\\neq?(?![a-z])|!=|≠)\s*)(?P<values>-?[\d./]+(?:\s*(?:,|and|or)\s*-?[\d./]+)+)"
)


_NOT_IN = lazy_pattern(r"(?P<name>[a-z])\s*\\notin\s*\\\{(?P<values>[-\d./,\s]+)\\\}")


def each_excluded(text: str) -> list[str] | None:
    """x \\ne 0 and x \\ne 5 of `x \\ne 0, 5`; None for any other text."""
    if (outside := _NOT_IN.fullmatch(text.strip())) is not None:
        return [f"{outside['name']} \\ne {value}" for value in outside["values"].split(",")]
    match = _EXCLUDED.fullmatch(text.strip())
    if match is None:
        return None
    return [match["not"] + value for value in re.split(r"\s*(?:,|and|or)\s*", match["values"])]


def without_conditions(text: str) -> tuple[str, tuple[Condition, ...]]:
    """The answer and what its tail says of its letters; nothing is taken from a text that is only a condition."""
    found: list[Condition] = []
    if "," in text or "and" in text:
        text = _each_named(text)
    while len(found) < MAX_CONDITIONS and _MAY_HOLD.search(text, max(0, len(text) - MAX_TAIL)):
        cut = _last_condition(text)
        if cut is None:
            break
        text = cut[0]
        found.append(cut[1])
    return text, tuple(_as_bound(text, condition, found) for condition in reversed(found))


def _last_condition(text: str) -> tuple[str, Condition] | None:
    stripped = text.rstrip(" .,;")
    begin = _open_bracket(stripped) if stripped.endswith(")") else None
    if begin is not None and (condition := _condition(stripped[begin + 1 : -1])):
        main = _ended(stripped[:begin])
        return (main, condition) if _speaks_of(main, condition) else None
    for start in _starts(stripped):
        condition = _condition(_without_introduction(stripped[start:]))
        main = _ended(stripped[:start])
        if condition is not None and _speaks_of(main, condition):
            return main, condition
    return None


def _as_bound(main: str, condition: Condition, beside: list[Condition]) -> Condition:
    """k > 0 beside kx keeps k to some values; beside a_k or 2k\\pi it says where k begins."""
    if not condition.domain.startswith("first") or condition.name not in "km":
        return condition
    if any(other.name == condition.name and other.domain in ("integers", "naturals", "positive") for other in beside):
        return condition
    index = re.search(rf"_\{{?{condition.name}|\^\{{?[^{{}}]{{0,9}}{condition.name}|\\pi|∈|\\in", main)
    return condition if index else condition._replace(domain="")


def _starts(text: str) -> list[int]:
    """Where a condition may begin, outside brackets, the last one first."""
    lowest = max(0, len(text) - MAX_TAIL)
    return [m.start() for m in _STARTS.finditer(text, lowest) if _depth(text, m.start()) == 0][::-1][:4]


def _depth(text: str, end: int) -> int:
    return sum(text.count(c, 0, end) for c in "([") - sum(text.count(c, 0, end) for c in ")]")


def _open_bracket(text: str) -> int | None:
    """Where the bracket that ends the text was opened."""
    depth = 0
    for index in range(len(text) - 1, max(-1, len(text) - MAX_TAIL), -1):
        depth += (text[index] == ")") - (text[index] == "(")
        if depth == 0:
            return index if index else None
    return None


def _without_introduction(piece: str) -> str:
    piece = piece.strip(" ,;")
    return _INTRODUCED.sub("", piece, count=1) if _INTRODUCED.match(piece) else piece


def _ended(main: str) -> str:
    main = main.rstrip(" ,;\\")
    return re.sub(r"\\(?:text|mbox)\s*\{\s*$|\\q?quad$", "", main).rstrip(" ,;\\")


def _condition(piece: str) -> Condition | None:
    """What the piece says of one letter; None where it says anything else."""
    plain = _TEXT.sub(" ", piece) if "\\text" in piece or "\\mbox" in piece else piece
    if plain.count("}") > plain.count("{"):  # the brace of a \\text that began before the piece
        plain = plain.replace("}", "", 1)
    plain = _without_introduction(plain)
    plain = plain.strip(" .,;")
    if (match := _IN.fullmatch(plain)) or (match := _IN.fullmatch(piece.strip())):
        return Condition(match["name"], _domain(match["set"], match["mark"]), plain)
    for pattern, domain in _WORDED:
        if match := pattern.fullmatch(plain):
            return Condition(match["name"], domain, plain)
    if match := _SIGNED.fullmatch(plain):
        return Condition(match["name"], "", f"{match['name']} {_SIGNS[match['sign'].lower().replace('-', '')]} 0")
    if match := _BOUND.fullmatch(plain):
        whole = match["name"] in "nkmij" and _FIRST_INDEX.fullmatch(plain[match.start("sign") :].strip())
        first = "first 0" if whole and re.search(r"(?:=|\\ge(?:q|qslant)?)\s*0", plain) else "first"
        return Condition(match["name"], first if whole else "", plain)
    match = _DISTANCE.fullmatch(plain) or _REVERSED.fullmatch(plain) or _WITHIN.fullmatch(plain)
    return Condition(match["name"], "", plain) if match else None


def _domain(letter: str, mark: str) -> str:
    domain = _SETS[letter]
    if domain == "integers" and "+" in mark:
        return "positive"
    if domain == "naturals":
        return "positive" if "*" in mark or "+" in mark or "ast" in mark else "naturals"
    return f"{domain}{re.sub(r'[^-+*>0]', '', mark)}"


def _speaks_of(main: str, condition: Condition) -> bool:
    """The letter stands in the answer, which is no inequality about the same letter."""
    if not main.strip():
        return False
    bare = re.sub(r"\\[A-Za-z]+", " ", main)
    if condition.name.partition("_")[0] not in bare:
        return False
    return bool(condition.domain) or not re.search(r"[<>]|\\(?:le|ge|leq|geq|ne|neq)(?![A-Za-z])|\\cup", main)


class Congruence(NamedTuple):
    name: str
    residues: tuple[str, ...]
    modulus: int


def congruences(text: str) -> tuple[Congruence, ...] | None:
    """x \\equiv 1, 3 \\pmod{8}, or several with the same letter; None for any other text."""
    if "mod" not in text:
        return None
    text = _MODULUS.sub(r"\\pmod{\1}", text)
    found: list[Congruence] = []
    position = 0
    while match := _CONGRUENCE.match(text, position):
        residues = re.split(
            r"\s*(?:,|;|\bor\b|\band\b|\\text\s*\{\s*(?:or|and)\s*\})\s*", match["residues"].strip(" ,;")
        )
        name = match["name"] or (found[0].name if found else "")
        found.append(Congruence(name, tuple(r for r in residues if r), int(match["modulus"])))
        position = match.end()
        separator = re.compile(r"\s*(?:,|;|or\b|and\b|\\text\s*\{\s*(?:or|and)\s*\})*\s*").match(text, position)
        position = separator.end() if separator else position
        if position >= len(text):
            break
    if not found or position < len(text) or len({c.name for c in found}) > 1 or not found[0].modulus:
        return None
    return tuple(found)

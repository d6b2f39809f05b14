"""Notations that need more than a token's sight: one spelling for each before the grammar reads the text."""

from __future__ import annotations

import re
from collections.abc import Callable

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.printed import as_written

Replacement = str | Callable[[re.Match[str]], str]
_SCALES = {"k": "thousand", "m": "million", "b": "billion"}
_COMBINATIONS = r"(?:\{\}|(?<![\w}]))\^?_?\{?(\d{1,3}|n)\}?\s?_?\\?C\s?_?\{?(\d{1,3}|[rk])\}?(?!\w)"
# What a text must hold for the pattern to be tried, the pattern, what takes its place.
_RULES: tuple[tuple[str, re.Pattern[str], Replacement], ...] = (
    (" ", lazy_pattern(r"(?<![\d._^])\d{1,3}(?:\s\d{3})+(?![\d/])"), lambda m: re.sub(r"\s", "", m[0])),
    ("'", lazy_pattern(r"(?<![\d.])\d{1,3}(?:'\d{3})+(?!\d)"), lambda m: m[0].replace("'", "")),
    ("and", lazy_pattern(r"(?<![/\d.])(\d+)\s+and\s+(\d+\s?/\s?\d+|\\frac)(?=\D|$)"), r"\1 \2"),
    ("irst", lazy_pattern(r"^(?:the\s+)?first$", re.IGNORECASE), "1"),
    ("econd", lazy_pattern(r"^(?:the\s+)?second$", re.IGNORECASE), "2"),
    ("t", lazy_pattern(r"(\d+)\s*(?:st|th)\b"), r"\1"),
    ("d", lazy_pattern(r"(\d+)\s*(?:nd|rd)\b"), r"\1"),
    ("_", lazy_pattern(r"^([a-z])_\{?1\}?\s*=\s*\1_\{?2\}?\s*=\s*(?=[-\d\\(])"), r"\1 = "),
    (
        "diag",
        lazy_pattern(r"^\\?(?:operatorname\s*\{\s*|text\s*\{\s*|mathrm\s*\{\s*)?diag\s*\}?\s*\(([^()]{1,200})\)$"),
        lambda m: _diagonal(m[1].split(",")),
    ),
    (
        "I_",
        lazy_pattern(r"^(-?(?:\d{1,9}|\\frac\{\d{1,9}\}\{\d{1,9}\})?)\s*\\?I_\{?([2-4])\}?$"),
        lambda m: _diagonal([{"": "1", "-": "-1"}.get(m[1], m[1])] * int(m[2])),
    ),
    ("!=", lazy_pattern(r"(?<=\d)!=(?=\s?\d)"), "! ="),
    (
        "P",
        lazy_pattern(
            r"^P\s?\(((?:[^()=]|\([^()]*\)){1,60}(?:\\cup|\\cap|\\mid|\||\\vert)(?:[^()=]|\([^()]*\)){1,60})\)(?=\s*=)"
        ),
        r"P_{\1}",
    ),
    (
        " ",
        lazy_pattern(r"^([a-z]\s*=\s*[^,=<>]{1,20}?)\s+(?:when|for|at|with|if)\s+([a-z]\s*=\s*[^,=<>]{1,20})$"),
        r"\1, \2",
    ),
    ("mathcal", lazy_pattern(r"\\mathcal\s*\{\s*([NBU])\s*\}(?=\s*\()"), r"\1"),
    ("sim", lazy_pattern(r"^[A-Z]\s*\\sim\s*(?=[A-Z][A-Za-z]*\s*\()"), ""),
    (" of ", lazy_pattern(r"^(\d+)\sout\sof\s(\d+)$"), r"\1/\2"),
    ("h", lazy_pattern(r"^(\d+)\s?(?:h|hr|hrs)\s?(\d+)\s?(?:m|min|mins|minutes)$"), r"\1 hours \2 minutes"),
    ("h", lazy_pattern(r"^(\d+)\s?h\s?([0-5]\d)$"), r"\1 hours \2 minutes"),
    ("+", lazy_pattern(r"\+\s?/\s?-|\+-(?=\d)"), r"\\pm "),
    ("<", lazy_pattern(r"^<([^<>=]+,[^<>=]+)>$"), r"\\langle \1 \\rangle"),
    ("inus ", lazy_pattern(r"^[Mm]inus\s+(?=[\d\\(.])"), "-"),
    ("egative ", lazy_pattern(r"^[Nn]egative\s+(?=[\d\\(.])"), "-"),
    ("10", lazy_pattern(r"(?<=\d)\s?[xX]\s?(?=10\s?(?:\^|\*\*))"), r"\\times "),
    ("log", lazy_pattern(r"(?<![A-Za-z])log(10|2)(?=\s?\()"), r"\\log_{\1}"),
    ("C", lazy_pattern(_COMBINATIONS), r"\\binom{\1}{\2}"),
    (" ", lazy_pattern(r"(?<=\d)\s+[xX]\s+(?=\d)"), r"\\times "),
    (
        "below",
        lazy_pattern(
            r"^(\d+(?:\.\d+)?)((?:\s*(?:degrees?|\^\\circ\s?[CF]?))?(?:\s+(?:[CF]|Celsius|Fahrenheit))?)\s+below\s+zero$"
        ),
        r"-\1\2",
    ),
    ("mapsto", lazy_pattern(r"^([fghFGH])\s*(?:\\colon|:)\s*([a-z])\s*\\mapsto\s*"), r"\1(\2)="),
    (
        "equiv",
        lazy_pattern(r"(?<![A-Za-z\\])([a-zA-Z](?:\([a-z]\))?)\s*\\equiv(?![a-z])\s*"),
        lambda m: m[0] if "mod" in m.string else f"{m[1]}=",
    ),
    ("frac{d", lazy_pattern(r"^\\frac\s*\{d\s*([fgh])\}\s*\{d\s*([a-z])\}\s*(?==)"), r"\1'(\2)"),
    (
        "k",
        lazy_pattern(r"^(\d+(?:\.\d+)?)[kK]\s+(?=dollars|euros|people|miles|meters)"),
        lambda m: f"{m[1]} thousand ",
    ),
    ("mapsto", lazy_pattern(r"^[a-z]\s*\\mapsto\s*(?=\S)"), ""),
    ("//", lazy_pattern(r"^([a-z]|\([^()/]{1,40}\))\s*//\s*([a-z0-9]{1,6})$"), r"\\lfloor \1/\2 \\rfloor"),
    ("rm{d}", lazy_pattern(r"\\mathrm\s*\{d\}\s*(?=[a-z](?![a-z]))"), "d"),
    ("P", lazy_pattern(r"(?<![A-Za-z\\])P\s?\(([^()=]{1,20}=[^()=]{1,20})\)(?=\s*=)"), r"P_{\1}"),
    ("US", lazy_pattern(r"^(?:USD\s?\$?|US\s?\$)\s?(?=\d)"), "$"),
    ("RMB", lazy_pattern(r"^RMB\s?¥?\s?(?=\d)"), "¥"),
    ("CNY", lazy_pattern(r"^CNY\s?¥?\s?(?=\d)"), "¥"),
    ("人民币", lazy_pattern(r"^人民币\s?¥?\s?(?=\d)"), "¥"),
    (
        "$",
        lazy_pattern(r"^(-?\$\s?-?[\d,.]*\d)\s?([KkMmBb])(?:n|illion)?$"),
        lambda m: f"{m[1]} {_SCALES[m[2].lower()]}",
    ),
    ("/d", lazy_pattern(r"\bd([a-z])/d([a-z])\b"), r"\\frac{d\1}{d\2}"),
    ("e", lazy_pattern(r"^(-?\d+(?:\.\d+)?)[eE](\d{1,2})(?=\s)"), r"\1\\times 10^{\2}"),
    ("E", lazy_pattern(r"(?<=\d)E([-+]?\d{1,3})\b"), r"\\times 10^{\1}"),
    (
        "e",
        lazy_pattern(r"((?<![\d.])\d*\.\d+|(?<![\d.])1|(?<=\d)(?=e[-+]\d\d))e([-+]?\d{1,3})\b"),
        lambda m: m[0] if not m[1] and "e^" in m.string else rf"{m[1]}\times 10^{{{m[2]}}}",
    ),
)
MAX_DIAGONAL = 6


def _diagonal(entries: list[str]) -> str:
    r"""The matrix of \operatorname{diag}(3, 5) and of 3I_2, written out."""
    if not 2 <= len(entries) <= MAX_DIAGONAL:
        return f"diag({','.join(entries)})"
    rows = ["&".join(entry if i == j else "0" for j in range(len(entries))) for i, entry in enumerate(entries)]
    return "\\begin{pmatrix}" + "\\\\".join(rows) + "\\end{pmatrix}"


_FRENCH = lazy_pattern(r"([\[\]])([^\[\]]+[,;][^\[\]]+)([\[\]])")
_EXCEPT = lazy_pattern(
    r"(?:all|any)\s+reals?(?:\s+numbers?)?\s+except\s+(?:for\s+)?(?:x\s*=\s*)?([-\d/., ]+(?:and\s+[-\d/. ]+)?)",
    re.IGNORECASE,
)
_BETWEEN = lazy_pattern(
    r"(?:(?:all|every|any|the)\s+(?:reals?(?:\s+numbers?)?|numbers?|values?)\s+)?(?:(?P<between>between|from)\s+)?(?P<low>[-\d./\\a-z{}]{1,20})\s+(?:and|to)\s+(?P<high>[-\d./\\a-z{}]{1,20}),?\s+(?P<ends>inclusive|exclusive)",
    re.IGNORECASE,
)
"""every real number between 1 and 3 inclusive."""
_ROW = lazy_pattern(r"\[\s*(-?[\d./]+(?:\s+-?[\d./]+){1,9})\s*\]\s*(?=\^\s*\{?\s*(?:T|\\top|\\intercal|\\mathsf))")


def respelled(text: str) -> str:
    """The text in the spelling of the grammar; every pattern is linear in its length."""
    for needle, pattern, replacement in _RULES:
        if needle in text:
            text = pattern.sub(replacement, text)
    if "[" in text and "^" in text:
        text = _ROW.sub(lambda m: f"({', '.join(m[1].split())})", text)
    if "\\cup" in text and re.search(r"[<>]|\\[lg]e", text) and not re.search(r"[()\[\]]", text):
        text = text.replace("\\cup", " or ")  # x < -2 \\cup x > 2
    text = as_written(text)
    if "\\cup" in text and "]" in text and "[" in text and "(" not in text:
        text = "\\cup".join(map(_of_french, text.split("\\cup")))
    if "[" in text or "]" in text:
        text = _of_french(text)
    if "except" in text and (excepted := _EXCEPT.fullmatch(text)):
        return f"\\mathbb{{R}} \\setminus \\{{{excepted[1].replace('and', ',')}\\}}"
    if text.endswith("clusive") and (between := _BETWEEN.fullmatch(text)) is not None:
        closed = between["ends"].lower() == "inclusive"
        return f"{'[' if closed else '('}{between['low']}, {between['high']}{']' if closed else ')'}"
    return text


def _of_french(text: str) -> str:
    """(1, 4] of ]1, 4]: brackets turned away from an end that is left out."""
    french = _FRENCH.fullmatch(text.strip())
    if french is None or (french[1], french[3]) == ("[", "]"):
        return text
    return f"{'(' if french[1] == ']' else '['}{french[2]}{')' if french[3] == '[' else ']'}"

"""Commands of packages, of old TeX and of plain habit, in the LaTeX that the grammar reads."""

from __future__ import annotations

import re
from collections.abc import Callable

from evaluators.answers.patterns import lazy_pattern

Replacement = str | Callable[[re.Match[str]], str]

_NAMES = {
    "mleft": "", "mright": "", "middle": "", "lgroup": "(", "rgroup": ")", "lparen": "(", "rparen": ")", "lbrack": "[", "rbrack": "]",
    "ulcorner": r"\lceil ", "urcorner": r"\rceil ", "llcorner": r"\lfloor ", "lrcorner": r"\rfloor ",
    "nicefrac": r"\frac", "sfrac": r"\frac", "flatfrac": r"\frac", "geqq": r"\ge ", "leqq": r"\le ", "geqslant": r"\ge ", "leqslant": r"\le ",
    "textasciitilde": " ", "rm": " ", "lVert": r"\Vert ", "rVert": r"\Vert ", "R": r"\mathbb{R} ", "N": r"\mathbb{N} ", "Z": r"\mathbb{Z} ", "Q": r"\mathbb{Q} ", "C": r"\mathbb{C} ",
    "reals": r"\mathbb{R} ","dotsc": r"\ldots ", "dotsb": r"\ldots ", "hdots": r"\ldots ", "colon": ":",
    "lt": "<", "gt": ">", "ast": "*","prime": r"\prime ",
    "bigcup": r"\cup ", "bigcap": r"\cap ",
    "uppi": r"\pi ", "upalpha": r"\alpha ", "upbeta": r"\beta ", "uptheta": r"\theta ", "uplambda": r"\lambda ", "upomega": r"\omega ", "nonumber": " ", "notag": " ",
    "measuredangle": r"\angle ", "mathdollar": r"\$", "textdollar": r"\$",
    "smallsetminus": r"\setminus ", "complement": r"\complement ",
}  # fmt: skip
_NAME = lazy_pattern(r"\\(" + "|".join(sorted(_NAMES, key=len, reverse=True)) + r")(?![A-Za-z])")
_DENIED_SIGNS = {r"\nless": r"\ge ", r"\ngtr": r"\le ", r"\nleq": "> ", r"\ngeq": "< "}
# What a text must hold for the pattern to be tried, the pattern, what takes its place.
_RULES: tuple[tuple[str, re.Pattern[str], Replacement], ...] = (
    ("{", lazy_pattern(r"\\(?:num|unit|si)\s*(?:\[[^\[\]]*\])?\s*\{([^{}]*)\}"), r"\1"),
    ("\\ang", lazy_pattern(r"\\ang\s*\{([^{};]*)\}"), r"\1^\\circ "),
    (
        "{",
        lazy_pattern(r"\\(?:SI|qty)\s*(?:\[[^\[\]]*\])?\s*\{([^{}]*)\}\s*\{([^{}]*)\}"),
        lambda m: f"{m[1]} {_unit_text(m[2])}",
    ),
    ("\\root", lazy_pattern(r"\\root\s*\{?\s*(\w{1,3})\s*\}?\s*\\of(?![A-Za-z])"), r"\\sqrt[\1]"),
    ("/", lazy_pattern(r"\^\{(\d+)\}\s*/\s*_\{(\d+)\}"), r"\\frac{\1}{\2}"),
    ("\\cr", lazy_pattern(r"\\cr(?![A-Za-z])"), r"\\\\ "),
    ("\\not", lazy_pattern(r"\\not\s*="), r"\\ne "),
    ("\\not", lazy_pattern(r"\\not\s*(?:<|\\lt(?![a-z]))"), r"\\ge "),
    ("\\not", lazy_pattern(r"\\not\s*(?:>|\\gt(?![a-z]))"), r"\\le "),
    ("\\n", lazy_pattern(r"\\(?:nless|ngtr|nleq|ngeq)(?![a-z])"), lambda m: _DENIED_SIGNS[m[0]]),
    ("\\not", lazy_pattern(r"\\not\s*\\(?:leq?|leqslant)(?![a-z])"), "> "),
    ("\\not", lazy_pattern(r"\\not\s*\\(?:geq?|geqslant)(?![a-z])"), "< "),
    ("\\tag", lazy_pattern(r"\\tag\*?\s*\{[^{}]{0,20}\}|\\label\s*\{[^{}]{0,40}\}"), " "),
    ("\\checkmark", lazy_pattern(r"(?<=\S)\s*\\checkmark\s*(?=\$?\s*$)"), " "),
    (
        "\\math",
        lazy_pattern(r"\\math(?:bin|rel|ord|punct|open|close|inner)\s*\{\s*([^{}\s\\]|\\[A-Za-z]+)\s*\}"),
        r" \1 ",
    ),
    ("{", lazy_pattern(r"(?<![A-Za-z_^}])\{\s*(\\(?:sin|cos|tan|cot|sec|csc|log|ln|exp))\s*\}(?=\s*[\^_])"), r"\1"),
    ("{", lazy_pattern(r"^\{([A-Za-z])\}(?=_)"), r"\1"),
    ("{", lazy_pattern(r"(?<=[\d}])\{\s*([;:])\s*\}(?=\s*\S)"), r"\1"),
    (
        "{,}",
        lazy_pattern(r"(?<=[(\[,])(\s*-?[\w./\\]{1,20}\s?)\{,\}(?!\s*\d{3}\s*[)\]])(?=\s*-?[\w./\\]{1,20}\s*[)\]])"),
        r"\1,",
    ),
    ("{,}", lazy_pattern(r"(?<![\d,}])(\d{1,9})\{,\}(\d{1,2}|\d{4,9})(?![\d{])"), r"\1.\2"),
    ("\\\\\\\\", lazy_pattern(r"(?<!\\)\\{4}(?!\\)"), r"\\\\"),
    (
        "_",
        lazy_pattern(r"^(?:\{\s*\})?\^\{?(\d{1,9})\}?\s*(?:\\!)*\s*/\s*(?:\\!)*\s*_\{?(\d{1,9})\}?$"),
        r"\\frac{\1}{\2}",
    ),
    ("\\mathrm", lazy_pattern(r"(?<=\d)\s*\\mathrm\s*(?:\{\s*[eE]\s*\}|[eE])\s*(?=[-+]?\d{1,3}$)"), "e"),
    ("\\mathrm i", lazy_pattern(r"\\mathrm i(?![A-Za-z])"), " i"),
    ("\\mathrm d", lazy_pattern(r"\\mathrm d(?=\s*[a-z}])"), " d"),
    ("m\\angle", lazy_pattern(r"(?<![A-Za-z\\])m\s*(?=\\angle)"), ""),
    ("\\pmatrix{", lazy_pattern(r"\\([pb]?matrix)\s*\{([^{}]{1,400})\}"), r"\\begin{\1}\2\\end{\1}"),
    ("\\mathrm e", lazy_pattern(r"\\mathrm e(?![A-Za-z])"), " e"),
    ("\\text", lazy_pattern(r"(?<=[)\]}])\s*\\(?:text|mathrm)\s*\{\s*U\s*\}\s*(?=[(\[{\\])"), r"\\cup "),
    ("\\text", lazy_pattern(r"\\(?:text|mathrm)\s*\{\s*(?:°|\^\\circ\s*)\s*\}"), r"^\\circ "),
    ("&", lazy_pattern(r"^\s*&\s*="), ""),
    ("&", lazy_pattern(r"&\s*(?=[=<>]|\\[lg]e)"), " "),
    ("\\complement", lazy_pattern(r"\\complement\s*_\s*\{?\s*([A-Z])\s*\}?\s*(?=\\?[A-Z({])"), r"\\complement_{\1} "),
    ("\\not", lazy_pattern(r"\\not\s*\\in(?![A-Za-z])"), r"\\notin "),
    ("phantom", lazy_pattern(r"\\[hv]?phantom\s*\{[^{}]*\}"), " "),
    ("\\|", lazy_pattern(r"\\\|"), r"\\Vert "),
    (
        "{",
        lazy_pattern(r"\\(?:vec|overrightarrow)\s*\{\s*([A-Z])([A-Z])\s*\}"),
        lambda m: rf"\ray{{{m[1]}{m[2]}}} " if m[1] <= m[2] else rf"(-\ray{{{m[2]}{m[1]}}}) ",
    ),
    ("\\bar", lazy_pattern(r"\\bar(?=\s*\{[A-Z]{2,}\})"), r"\\overline"),
    ("\\pmod", lazy_pattern(r"\(\s*\\(?:pmod|bmod|mod)\s*(\{[^{}]*\}|\w+)\s*\)"), r"\\pmod{\1}"),
)
_UNIT_MACRO = lazy_pattern(r"\\([A-Za-z]+)")
_CIRCLED = lazy_pattern(r"\\textcircled\s*\{\s*(?:\\(?:small|scriptsize|footnotesize|tiny)\s*)?\{?(\d{1,2})\}?\s*\}")


def in_common_latex(text: str) -> str:
    """The text with the commands of packages and habits replaced."""
    text = _NAME.sub(lambda m: _NAMES[m[1]], text)
    for needle, pattern, replacement in _RULES:
        if needle in text:
            text = pattern.sub(replacement, text)
    return text


def circled(text: str) -> str:
    """\\textcircled{3} as the character ③."""
    return _CIRCLED.sub(lambda m: chr(0x2460 + int(m[1]) - 1) if 1 <= int(m[1]) <= 20 else m[0], text)


def _unit_text(unit: str) -> str:
    """cm of {cm}, and of {\\centi\\meter} its names in words."""
    return "\\text{" + _UNIT_MACRO.sub(r" \1", unit).replace(".", " ").strip() + "}"

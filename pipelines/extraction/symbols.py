"""Characters of mathematics as TeX: the table in symbols.txt, and the mathematical alphabets by their Unicode names."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files

FUNCTIONS = frozenset(
    [
        "arccos",
        "arcsin",
        "arctan",
        "arg",
        "cos",
        "cosh",
        "cot",
        "coth",
        "csc",
        "deg",
        "det",
        "dim",
        "exp",
        "gcd",
        "hom",
        "inf",
        "ker",
        "lg",
        "lim",
        "liminf",
        "limsup",
        "ln",
        "log",
        "max",
        "min",
        "Pr",
        "sec",
        "sin",
        "sinh",
        "sup",
        "tan",
        "tanh",
    ]
)
"""Operators that TeX names itself."""
ESCAPED = {"{": r"\{", "}": r"\}", "%": r"\%", "#": r"\#", "&": r"\&", "$": r"\$", "_": r"\_", "\\": r"\backslash", "‖": r"\|", "∥": r"\parallel",
           "~": r"\sim", "^": r"\hat{}", "\u00a0": r"\ ", "ﬁ": "fi", "ﬀ": "ff", "ﬂ": "fl", "″": "''", "‴": "'''", "⁗": "''''", "'": "'", "′": "'",
           "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅔": r"\frac{2}{3}", "¦": "|", "❘": "|", "∕": "/", "…": r"\ldots",
           "⊥": r"\perp", "␣": r"\ ", "ℎ": "h", "‘": "`", "’": "'"}  # fmt: skip
INVISIBLE = frozenset("\u2061\u2062\u2063\u2064\u200b\u200c\u200d\ufeff\u00ad\ufe0e\ufe0f")
ALPHABETS = (
    ("SANS-SERIF BOLD ITALIC", "mathbf"), ("SANS-SERIF BOLD", "mathbf"), ("SANS-SERIF ITALIC", "mathsf"), ("SANS-SERIF", "mathsf"),
    ("BOLD ITALIC", "boldsymbol"), ("BOLD SCRIPT", "mathcal"), ("BOLD FRAKTUR", "mathfrak"), ("BOLD", "mathbf"), ("ITALIC", ""),
    ("SCRIPT", "mathcal"), ("FRAKTUR", "mathfrak"), ("DOUBLE-STRUCK", "mathbb"), ("MONOSPACE", "mathtt"),
)  # fmt: skip
SYMBOL_FONT = str.maketrans(
    'abgdezhqiklmnxoprstufcywjvJVGDQLXPSUFYW£³¹´¸¥¶ÖòåÕÎÏÌÍËÈÇÆÞ®¬Û"$@»ºÙÚØÑ·×¢²µ±°ÅÄ',
    "αβγδεζηθικλμνξοπρστυφχψωϕϖϑςΓΔΘΛΞΠΣΥΦΨΩ≤≥≠×÷∞∂√∫∑∏∈∉⊂⊆⊄∪∩∅⇒→←⇔∀∃≅≈≡∧∨¬∇•⋅′″∝±°⊕⊗",
)
"""Latin-1 characters as Adobe's Symbol font draws them: pages before Unicode wrote mathematics so."""
COMMAND_NAME = re.compile(r"(?<![A-Za-z])[A-Za-z]{2,}(?![A-Za-z])")
UNMISTAKABLE = re.compile(
    r"(?<![A-Za-z])(?:(?:d?frac|sqrt|binom|math[a-z]{2,4}|operatorname|overline|hat|vec|bar|tilde)\s*\{|(?:sum|int|prod|lim)_"
    r"|(?:alpha|beta|gamma|delta|epsilon|zeta|theta|kappa|lambda|sigma|omega|Gamma|Delta|Theta|Lambda|Sigma|Omega|quad|qquad|ldots"
    r"|cdots|infty|nabla|partial|forall|exists|mapsto|[Rr]ightarrow|subset|subseteq|langle|rangle|leq|geq|neq|equiv|approx)(?![A-Za-z]))"
)
"""Names of commands that are no words of a description, and no names of a program."""
NAMED = re.compile(r"(\\(?:operatorname|mathrm|text|begin|end)\{)\\")
LETTER_END = re.compile(r"\\[A-Za-z]+$")
BARE_SCRIPT = re.compile(r"[\^_](?:[A-Za-z0-9]|\\[A-Za-z]+)$")


@cache
def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    text = (files("pipelines.extraction") / "symbols.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            command, _, characters = line.partition(" ")
            for character in characters.split(" "):
                table.setdefault(character, command)
    return table | ESCAPED


STRUCTURE = frozenset({"frac", "sqrt", "sum", "int", "prod", "lim", "begin", "end", "left", "right", "quad", "qquad", "mathbb", "mathbf", "mathrm",
                       "mathcal", "operatorname", "text", "overline", "hat", "vec", "bar", "tilde", "binom", "lbrace", "rbrace", "lang", "rang", "rightarrow", "leftarrow", "leftrightarrow", "Rightarrow", "Leftarrow", "longrightarrow", "colon",
                       "mathit", "mathfrak", "mathscr", "mathsf", "displaystyle", "limits", "dots", "underline", "underset", "overset", "stackrel", "array", "matrix"})  # fmt: skip


@cache
def commands() -> frozenset[str]:
    """Names of the commands that are told even where the backslash before them is lost."""
    named = {command[1:] for command in _table().values() if command[:1] == "\\" and command[1:].isalpha()}
    return frozenset(name for name in named | FUNCTIONS | STRUCTURE if len(name) > 1)


@cache
def character_tex(character: str) -> str:
    """One character as TeX; itself where TeX has no name for it."""
    if character in INVISIBLE:
        return ""
    named = _table().get(character)
    if named is not None:
        return named
    if "\U0001d400" <= character <= "\U0001d7ff":
        return _alphabet(character)
    if character.isspace():
        return " "
    return character


def _alphabet(character: str) -> str:
    name = unicodedata.name(character, "")
    plain = chr(int(unicodedata.decomposition(character).split()[-1], 16))  # one step: ϵ is ε by the next
    plain = _table().get(plain, plain)
    for style, command in ALPHABETS:
        if name.startswith(f"MATHEMATICAL {style} "):
            greek = plain.startswith("\\")
            if not command or (greek and command == "mathsf"):
                return plain
            return f"\\boldsymbol{{{plain}}}" if greek else f"\\{command}{{{plain}}}"
    return plain


def join(parts: list[str]) -> str:
    """TeX pieces side by side; a space only where a command would swallow the letter after it, or
    where an unbraced script would seem to go on."""
    written: list[str] = []
    last = ""
    for part in parts:
        if not part:
            continue
        if part[0].isascii() and (
            (part[0].isalpha() and LETTER_END.search(last)) or (part[0].isalnum() and BARE_SCRIPT.search(last))
        ):
            written.append(" ")
        written.append(part)
        last = part
    return "".join(written)


def symbols_tex(text: str) -> str:
    """A run of characters as TeX."""
    return join([character_tex(character) for character in text])


def text_tex(text: str) -> str:
    """Words inside a formula: `\\text{...}` with TeX's special characters escaped."""
    escaped = "".join(
        {"\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "#": r"\#", "&": r"\&", "_": r"\_", "^": r"\^{}", "~": r"\~{}"}.get(c, c)
        for c in text
        if c not in INVISIBLE
    )  # fmt: skip
    return f"\\text{{{escaped}}}"


def with_backslashes(text: str) -> str:
    """TeX that software took the backslashes of, `frac{1}{n pi} ldots`, with them; other text as it is."""
    if "\\" in text or not UNMISTAKABLE.search(text):
        return text
    known, words = commands(), COMMAND_NAME.findall(text)
    if any(len(word) > 3 and word not in known for word in words if f"{{{word}}}" not in text):
        return text  # a description
    written = COMMAND_NAME.sub(lambda word: f"\\{word[0]}" if word[0] in known else word[0], text)
    return NAMED.sub(r"\1", written)

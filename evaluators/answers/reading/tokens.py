"""Cuts an answer into tokens. Nothing is dropped: what no token covers is a ParseError."""

from __future__ import annotations

import re
from typing import NamedTuple

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.vocabulary import FUNCTIONS
from evaluators.answers.values import MAX_DIGITS, ParseError

MAX_TOKENS = 1_500


class Token(NamedTuple):
    """`kind`: num, word (a run of letters), cmd (LaTeX), text (\\text{...} or CJK), op, env (\\begin{...})."""

    kind: str
    text: str
    spaced: bool
    """Whether white space stands before it."""


_GROUPED = r"[1-9]\d{0,2}(?:,\d{3})+(?!\d|,\d)(?:\.\d+)?|\d{1,2}(?:,\d{2})+,\d{3}(?!\d|,\d)(?:\.\d+)?"
_PLAIN = r"\d+(?:\.(?!\.)\d*)?|\.\d+"
_REST = r"""
    |(?P<space>\s+|\\\s)
    |(?P<textcmd>\\(?:text(?:bf|it|rm|sf|normal|up)?|mbox|hbox|mathrm|rm|operatorname\*?|mathsf|textnormal)(?![A-Za-z]))\s*
    |(?P<env>\\(?:begin|end)\s*\{(?P<envname>[a-zA-Z]+\*?)\})
    |(?P<bb>\\(?:mathbb|Bbb|mathcal|mathbf)\s*\{?(?P<bbname>[A-Z])\}?)
    |(?P<cmd>\\[A-Za-z]+|\\[{}|\\%&])
    |(?P<word>[A-Za-z]+)
    |(?P<arrow><=>|=>|-->|->|<=|>=|!=|==|\*\*|\.\.\.)
    |(?P<cjk>[\u4e00-\u9fff]+)
    |(?P<op>[-+*/^_(){}\[\]|,;:=<>!%$€£¥₹¢'"&.?#@])
"""
_GROUPING = lazy_pattern(rf"(?P<num>{_GROUPED}|{_PLAIN}){_REST}", re.VERBOSE)
_NO_GROUPING = lazy_pattern(rf"(?P<num>{_PLAIN}){_REST}", re.VERBOSE)
_ZERO_GROUP = lazy_pattern(r"\d{1,3}(?:,\d{3})*,0\d\d(?!\d|,\d)")
"""5,000 within brackets: nobody writes an element as 000."""
_SIGNS = frozenset("+/^_(){}[]|,;:%$€£¥₹¢'\"&?#@")
"""Operators that begin nothing longer."""
_SPELLINGS = {"\\lbrace": "\\{", "\\rbrace": "\\}", "\\vee": "\\lor", "\\wedge": "\\land", "\\lnot": "\\neg"}
_SPELLINGS |= {"\\surd": "\\sqrt", "\\textdegree": "\\circ", "\\jmath": "\\jmath"}
"""Commands that have two names."""


def tokenise(text: str, *, grouping: bool, everywhere: bool = False) -> list[Token]:
    """The tokens of a normalised text. With `grouping`, 1,234 is one number where no bracket is open around it."""
    tokens: list[Token] = []
    position, depth, spaced = 0, 0, False
    end = len(text)
    while position < end:
        if len(tokens) > MAX_TOKENS:
            raise ParseError(f"more than {MAX_TOKENS} tokens")
        character = text[position]
        if character in _SIGNS:
            tokens.append(Token("op", character, spaced))
            position, spaced = position + 1, False
            depth = max(0, depth + (character in "([") - (character in ")]"))
            continue
        grouped = grouping and "0" <= character <= "9"
        pattern = (
            _GROUPING if grouped and (everywhere or depth == 0 or _ZERO_GROUP.match(text, position)) else _NO_GROUPING
        )
        match = pattern.match(text, position)
        if match is None:
            raise ParseError(f"unexpected character {text[position]!r}")
        kind = match.lastgroup or ""
        kind = {"envname": "env", "bbname": "bb"}.get(kind, kind)
        position = match.end()
        if kind == "space" or (kind == "textcmd" and _holds_mathematics(text, position)):
            spaced = True
            continue
        if kind == "word":
            tokens.append(Token("word", match.group(), spaced))
        else:
            token, position, depth = _token(kind, match, text, position, depth, spaced)
            tokens.append(token)
        spaced = False
    if len(tokens) > MAX_TOKENS:
        raise ParseError(f"more than {MAX_TOKENS} tokens")
    return tokens


def _token(
    kind: str, match: re.Match[str], text: str, position: int, depth: int, spaced: bool
) -> tuple[Token, int, int]:
    word = match.group()
    if kind == "num":
        if len(word) > MAX_DIGITS:
            raise ParseError(f"a number of more than {MAX_DIGITS} digits")
        return Token("num", word.replace(",", ""), spaced), position, depth
    if kind == "textcmd":
        content, position = _braced(text, position)
        if content in FUNCTIONS or content in ("i", "e", "constant", "const"):
            return Token("word", content, spaced), position, depth
        return Token("text", content, spaced), position, depth
    if kind == "env":
        name = match["envname"].rstrip("*")
        depth += 1 if word.startswith("\\begin") else -1
        if name == "array" and word.startswith("\\begin"):
            position = _after_columns(text, position)
        return Token("begin" if word.startswith("\\begin") else "end", name, spaced), position, max(depth, 0)
    if kind == "bb":
        return Token("cmd", "mathbb" + match["bbname"], spaced), position, depth
    if kind == "cmd":
        word = _SPELLINGS.get(word, word)
        depth += (word == "\\{") - (word == "\\}")
        return Token("cmd", word[1:], spaced), position, max(depth, 0)
    if kind == "cjk":
        return Token("text", word, spaced), position, depth
    if kind == "op":
        depth += (word in "([") - (word in ")]")
    return Token("op", word, spaced), position, max(depth, 0)


def _braced(text: str, position: int) -> tuple[str, int]:
    """The raw content of a brace group; without braces (`\\mboxcm`), nothing: the letters follow as a word."""
    if position >= len(text) or text[position] != "{":
        return "", position
    depth = 0
    for index in range(position, len(text)):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return text[position + 1 : index].strip(), index + 1
    raise ParseError("a brace is never closed")


def _holds_mathematics(text: str, position: int) -> bool:
    """Whether the braces of a text command hold formulas, `\\mathrm{\\frac{1}{2}}`: then they only group."""
    return "\\" in _braced(text, position)[0]


def _after_columns(text: str, position: int) -> int:
    """Past the column format of an array: `{cc|c}`."""
    match = re.compile(r"\s*\{[^{}]*\}").match(text, position)
    return match.end() if match else position

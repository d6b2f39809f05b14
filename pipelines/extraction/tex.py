"""TeX sources: what is wrong with one, and how far it can be mended.

The judgement is syntactic: braces, `\\left`/`\\right`, environments, double scripts and missing arguments. It knows no
packages: an unknown command is no mistake.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from pipelines.extraction.symbols import character_tex, join

BREAK = "\ue007"
"""A `<br>` of the page, until the spaces of the source are gone."""
TOKEN = re.compile(r"\\(?:begin|end)\s*\{[^{}]*\}|\\[A-Za-z]+|\\.|[{}^_$&]|[^\\{}^_$&\s]|\s+", re.DOTALL)
RUN = re.compile(r"\\(?:begin|end)\s*\{[^{}]*\}|\\[A-Za-z]+|\\.|[{}^_$&]|[^\\{}^_$&\s']+", re.DOTALL)
"""The same without spaces and primes, which bear nothing, ordinary characters in a run."""
PLAIN = re.compile(r"[^\\{}^_$&]*")
COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*(?:\n|$)")
PERCENT = re.compile(r"(?<!\\)((?:\\\\)*)%")
WORDS = re.compile(r"(\\(?:text\w*|mbox|hbox|operatorname)\s*\{[^{}]*\})")
WORDS_BEGIN = re.compile(r"\\(?:text(?:rm|it|bf|normal)?|mbox|hbox)\s*\{")
DOLLAR = re.compile(r"(?<!\\)\$")
BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
CDATA = re.compile(r"%?\s*<!\[CDATA\[|%?\s*\]\]>")
SPACE = re.compile(r"[ \t\n\r\f\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
BETWEEN_INDICES = re.compile(r"(?<=\d)\u2063(?=\d)")
"""Unicode's invisible separator of two indices: without it, 1 and 2 are 12."""
INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060-\u2064\ufeff\u00ad]")
SCRIPT_MARKS = {0xE002: "_{", 0xE003: "}", 0xE004: "^{", 0xE005: "}", 0xE006: None}
"""The marks of plain_math.py in a formula that goes on over elements of the page."""
PAGE_INDEX = re.compile(r"\\PageIndex\s*\{(\w+)\}")
"""LibreTexts' number of a figure or an exercise."""
RULED_COLUMNS = re.compile(r"(\\begin\s*\{(?:array|tabular)\}\s*\{)([^{}]*)\}")
BAR = re.compile(r"(\\\||\||\\[A-Za-z]+|\\.)")
BARS = {"|": r"\vert", "\\|": r"\Vert"}
ENCLOSED_DIVISION = re.compile(r"\\enclose\s*\{longdiv\}\s*\{")
LOST_BREAK = re.compile(r"(?<!\\)\\(?=\s)")
"""What Markdown leaves of the end of a row."""
DISPLAYSTYLE = re.compile(r"^\{\s*\\(?:displaystyle|textstyle)\b\s*(.*)\}$", re.DOTALL)
WRAPPER = re.compile(
    r"^\\begin\s*\{(displaymath|math|equation\*?)\}(?!.*\\begin\s*\{\1\})\s*(.*?)\s*\\end\s*\{\1\}$", re.DOTALL
)
"""Environments that only say what the delimiters say too."""
DELIMITED = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))


def clean(tex: str) -> str:
    """The source on one line: no delimiters around it, no comments, no display-style wrapper, plain spaces."""
    if not tex.isascii():
        tex = INVISIBLE.sub("", BETWEEN_INDICES.sub(",", tex)).translate(SCRIPT_MARKS)
    if "PageIndex" in tex:
        tex = PAGE_INDEX.sub(r"\1", tex)
    if BREAK in tex:
        tex = tex.replace(BREAK, "\n")
    if "CDATA" in tex or "]]>" in tex:
        tex = CDATA.sub("", tex)
    if "%" in tex and "\n" in tex:
        tex = COMMENT.sub(r"\1", tex)
    if "%" in tex:
        tex = PERCENT.sub(r"\1\\%", tex)  # on one line a comment would swallow the rest
    tex = SPACE.sub(" ", tex).strip()
    for opening, closing in DELIMITED:
        inner = tex[len(opening) : -len(closing)]
        if tex.startswith(opening) and tex.endswith(closing) and inner and opening not in inner:
            tex = inner.strip()
            break
    if tex.startswith("\\begin"):
        tex = WRAPPER.sub(r"\2", tex)
    while (wrapped := DISPLAYSTYLE.match(tex)) and _closes_last(tex):
        tex = wrapped[1].strip()
    if tex.endswith("\\") and not tex.endswith("\\\\"):
        tex += " "  # a control space lost its space to `strip`
    return _without_dollars(tex) if "$" in tex else tex


def _without_dollars(tex: str) -> str:
    """Formulas inside of words, `\\text{for $x$.}`, beside them: `\\text{for }x\\text{.}`, so that no dollar stands between two."""
    written: list[str] = []
    position = 0
    while found := WORDS_BEGIN.search(tex, position):
        end = _closing_brace(tex, found.end())
        parts = DOLLAR.split(tex[found.end() : end])
        written.append(tex[position : found.start()])
        if end < 0 or len(parts) % 2 == 0 or len(parts) == 1:
            written.append(tex[found.start() : found.end()])
            position = found.end()
            continue
        parts[::2] = [f"{found.group()}{words}}}" if words else "" for words in parts[::2]]
        written.append(join(parts))
        position = end + 1
    return "".join(written) + tex[position:]


def _closing_brace(tex: str, start: int) -> int:
    """Where the group that is open at `start` closes; -1 where it does not."""
    depth = 1
    for step in BRACE.finditer(tex, start):
        depth += {"{": 1, "}": -1}.get(step.group(), 0)
        if not depth:
            return step.start()
    return -1


@lru_cache(maxsize=8192)
def mistakes(tex: str) -> tuple[str, ...]:
    """Everything syntactically wrong with a formula; empty where TeX would read it. Remembered, since a formula is asked about
    before and after it is tidied, and pages repeat their formulas; a pure function of it."""
    if PLAIN.fullmatch(tex):
        return ()
    found: list[str] = []
    frames = [_Frame("")]
    for token in RUN.findall(tex):
        frame = frames[-1]
        if token in ("^", "_"):
            frame.script(token, found)
        elif token == "{" or token == "\\left" or (token.startswith("\\begin") and token.endswith("}")):
            frames.append(_Frame(SPACE.sub("", token), argument=frame.atom()))
        elif token == "}" or token == "\\right" or (token.startswith("\\end") and token.endswith("}")):
            _close(token, frames, found)
        elif token in ("&", "\\\\"):
            frame.expect_no_script(found)
            frame.scripts.clear()
        else:
            if token == "$" and all(each.opening != "{" for each in frames):
                found.append("dollar inside a formula")
            frame.atom()
            if len(token) > 1 and token[0] != "\\":  # several characters: the last of them bears no script yet
                frame.atom()
    frames[-1].expect_no_script(found)
    return (*found, *(f"{frame.opening} is never closed" for frame in frames[1:]))


class _Frame:
    """An open group, and what its last atom already carries."""

    __slots__ = ("argument", "opening", "pending", "scripts")

    def __init__(self, opening: str, *, argument: bool = False) -> None:
        self.opening = opening
        self.argument = argument  # the group is itself the argument of ^ or _
        self.pending = ""
        self.scripts: set[str] = set()

    def atom(self) -> bool:
        """Takes an atom; true where it is the argument of a waiting script."""
        waiting = bool(self.pending)
        if not waiting:
            self.scripts.clear()
        self.pending = ""
        return waiting

    def script(self, token: str, found: list[str]) -> None:
        self.expect_no_script(found)
        if token in self.scripts:
            found.append(f"double {token}")
        self.scripts.add(token)
        self.pending = token

    def expect_no_script(self, found: list[str]) -> None:
        if self.pending:
            found.append(f"{self.pending} without an argument")
            self.pending = ""


def _close(token: str, frames: list[_Frame], found: list[str]) -> None:
    opening = {"}": "{", "\\right": "\\left"}.get(token) or SPACE.sub("", token).replace("\\end", "\\begin")
    if all(frame.opening != opening for frame in frames):
        found.append(f"{token} closes nothing")
        return
    frames[-1].expect_no_script(found)
    while (frame := frames.pop()).opening != opening:
        found.append(f"{frame.opening} is never closed")
    if not frame.argument:
        frames[-1].scripts.clear()


def mend(tex: str) -> str:
    """The formula with the smallest repair that makes it valid TeX; its symbols named by commands."""
    if not tex.isascii():
        tex = _named(unicodedata.normalize("NFC", tex) if "\u0338" in tex else tex)
    if "\\enclose" in tex:
        tex = ENCLOSED_DIVISION.sub(r"\\overline{\\smash{)}", tex)
    if "&" in tex and "\\\\" not in tex:
        tex = LOST_BREAK.sub(r"\\\\", tex)
    if "&" in tex and _is_table(tex):
        tex = f"\\begin{{aligned}}{tex}\\end{{aligned}}"
    if not mistakes(tex):
        return tex
    for repair in (_balance_braces, _free_delimiters, _separate_scripts):
        repaired = repair(tex)
        if not mistakes(repaired):
            return repaired
    repaired = _separate_scripts(_free_delimiters(_balance_braces(tex)))
    return tex if mistakes(repaired) else repaired


def without_bars(tex: str) -> str:
    """The formula without the character `|`: norms and bars by their commands, columns without rules between them."""
    if "|" not in tex:
        return tex
    tex = RULED_COLUMNS.sub(lambda found: found[1] + found[2].replace("|", "") + "}", tex)
    return join([BARS.get(token, token) for token in BAR.split(tex) if token])


def _is_table(tex: str) -> bool:
    """Whether columns are marked outside of any environment: Sphinx leaves its own around them to the engine."""
    depth = 0
    for token in RUN.findall(tex):
        depth += (token == "{" or token.startswith("\\begin")) - (token == "}" or token.startswith("\\end"))
        if token == "&" and depth <= 0 and "\\\\" in tex:
            return True
    return False


def _named(tex: str) -> str:
    """Unicode's mathematical characters by their commands, outside of words in `\\text{...}`."""
    parts = WORDS.split(tex)
    for index in range(0, len(parts), 2):
        tokens = TOKEN.findall(parts[index].replace("√", "\\sqrt "))
        parts[index] = join([token if token.isascii() or len(token) > 1 else character_tex(token) for token in tokens])
    return "".join(parts)


def _balance_braces(tex: str) -> str:
    depth, kept = 0, []
    for token in TOKEN.findall(tex):
        if token == "}" and depth == 0:
            continue
        depth += {"{": 1, "}": -1}.get(token, 0)
        kept.append(token)
    return "".join(kept) + "}" * depth


def _free_delimiters(tex: str) -> str:
    """`\\left` without its `\\right` is only a size: without both, the brackets stay."""
    return re.sub(r"\\(?:left|right)(?![A-Za-z])\s*\.?", "", tex)


def _separate_scripts(tex: str) -> str:
    """`x^a^b` as `x^a{}^b`, a script without argument with an empty one."""
    tex = re.sub(r"([\^_])\s*(?=[\^_]|\}|&|\\\\|$)", r"\1{}", tex)
    atom = r"(?:\{[^{}]*\}|\\[A-Za-z]+|[^\\{}])"
    return re.sub(rf"(([\^_])\s*{atom})\s*(?=\2)", r"\1{}", tex)


def _closes_last(tex: str) -> bool:
    """Whether the brace that opens the formula closes only at its end."""
    depth = 0
    tokens = TOKEN.findall(tex)
    for position, token in enumerate(tokens):
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth == 0:
            return position == len(tokens) - 1
    return False

"""Formulas that a page writes as text: `$...$`, `\\(...\\)`, environments and their kin, told from prices and code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pipelines.extraction.asciimath import asciimath_tex
from pipelines.extraction.markdown_damage import give_back
from pipelines.extraction.notation import Notation
from pipelines.extraction.plain_math import EATEN, EATEN_TWICE
from pipelines.extraction.tex import BREAK, DOLLAR, clean, mistakes

ENVIRONMENTS = [
    "equation",
    "align",
    "alignat",
    "gather",
    "multline",
    "flalign",
    "eqnarray",
    "displaymath",
    "math",
    "matrix",
    "pmatrix",
    "bmatrix",
    "vmatrix",
    "Vmatrix",
    "Bmatrix",
    "cases",
    "aligned",
    "gathered",
    "split",
    "array",
    "dcases",
    "smallmatrix",
    "subequations",
    "alignedat",
    "CD",
    "tikzcd",
]
OPENER = re.compile(
    r"(?=[\\$\[`])(?:\\\\?[(\[]|(?<![\\$])\$(?:\$|\$\$|\${5})?(?!\$)|\\begin\s*\{(?P<name>"
    + "|".join(ENVIRONMENTS)
    + r")(?P<star>\*?)\}"
    r"|\[(?P<tag>i?tex|math|latex|imath|dmath|itex|eqn?)\]|(?<!\\)`)",
    re.IGNORECASE,
)
ESCAPED = re.compile(r"\\\$(.+?)\\\$", re.DOTALL)
ADJACENT = re.compile(r"\$\$?(?!\$)")
INLINE_TAGS = frozenset({"itex", "imath", "eq", "eqn", "latex"})
BBCODE = re.compile(r"tex\]|\[(?:math|imath|dmath|eqn?)\]", re.IGNORECASE)
FORUM_DELIMITERS = (
    re.compile(r"(?<![#\w&])##(?![#\s])([^#\n]{1,400}?)(?<!\s)##(?![#\w])"),
    re.compile(r"\[;(.{1,400}?);\]"),
)
"""Those of Physics Forums, and of "TeX all the things"."""
STRONG = re.compile(r"\\[A-Za-z]+|\\[,;!{}|\\]|[\^_]")
LONG = re.compile(r"[^\W\d_]{5,}|^[\s·•,.-]|[\s·•,.-]$")
"""A word, or an edge, of what stands between the signs of a price range: `$$$ · Italian · $$$`."""
COMMAND = re.compile(r"\\[A-Za-z]{2,}")
WORD = re.compile(r"[A-Za-z]{3,}")
PRICE = re.compile(
    r"\d[\d,. ]*(?:[kKmMbB]\b|\s*(?:million|billion|trillion|USD|dollars?|cents?|per|and|or|to|for|a|an|the|in|off|each)\b|[-–—/+]?\s*$)"
)
FUNCTION_WORD = re.compile(
    r"\\[A-Za-z]+|\b(?:sin|cos|tan|log|exp|lim|max|min|mod|gcd|lcm|det|dim|ker|deg|sup|inf|arg|Pr|and|for|if)\b"
)
SHORT = re.compile(r"[^\s\"`#@~;?$]{1,30}|[A-Za-z0-9()\[\]|+\-*/=<>≤≥≠.,:!' \u0370-\u03ff\u2190-\u22ff−×·…]{1,120}")
SHORTCODE_OPTIONS = re.compile(r"(?:&(?:bg|fg|s)=-?\w+)+$")
CODE = re.compile(r"[\"`;#@]|=>|->|==|&&|\|\||\)\.|^\(['\w.]|^\{[A-Z_a-z][\w.]*\}?|^[A-Z_]{2,}\b|::|//|^\w+\[|'.*'")
MAX_LENGTH = 6000
"""Characters between two delimiters; the longest formula of the 3,457 real pages tried has 3,900."""


Emit = Callable[[str, bool], str]
"""Takes a formula (TeX, display) and gives the mark that stands for it in the text."""


def mark_formulas(text: str, notation: Notation, emit: Emit) -> str:
    """`text` with every delimited formula replaced by what `emit` gives for it."""
    if notation.escaped and "\\$" in text:
        whole = text.strip()
        text = ESCAPED.sub(lambda found: emit(asciimath_tex(found[1]), found.group() == whole), text)
    if notation.delimiters or "##" in text or "[;" in text:
        text = _own_delimiters(text, notation, emit)
    if (
        "$" not in text
        and "\\" not in text
        and not (notation.asciimath and "`" in text)
        and not ("[" in text and BBCODE.search(text))
    ):
        return text
    if EATEN in text or EATEN_TWICE in text:
        text = give_back(text, lambda plain: ((start, end) for start, end, _, _ in find_formulas(plain, notation)))
    written: list[str] = []
    position = 0
    for start, end, tex, display in find_formulas(text, notation):
        written += [text[position:start], emit(tex, display)]
        position = end
    written.append(text[position:])
    return "".join(written).replace("\\`", "`") if notation.asciimath else "".join(written)


def _own_delimiters(text: str, notation: Notation, emit: Emit) -> str:
    """The formulas between delimiters that the page's own configuration names, or that forums give their meaning to."""

    def marked(found: re.Match[str], *, display: bool = False, sure: bool = True) -> str:
        tex = clean(found[1])
        if not tex or "\ue000" in tex or not (sure or _is_short_formula(tex)):
            return found.group()
        return emit(tex, display)

    for pair in notation.delimiters:
        pattern = re.compile(f"{re.escape(pair.opening)}(.{{1,{MAX_LENGTH}}}?){re.escape(pair.closing)}", re.DOTALL)
        text = pattern.sub(lambda found, shown=pair.display: marked(found, display=shown), text)  # type: ignore[misc]
    for pattern in FORUM_DELIMITERS:
        text = pattern.sub(lambda found: marked(found, sure=False), text)
    return text


def _is_short_formula(tex: str) -> bool:
    """Whether it is a formula by its own account: signs of TeX, or an operator between short names."""
    if len(WORD.findall(FUNCTION_WORD.sub(" ", tex))) > 2:
        return False
    return STRONG.search(tex) is not None or (
        re.search(r"[=<>+*/]", tex) is not None and SHORT.fullmatch(tex) is not None and CODE.search(tex) is None
    )


def find_formulas(text: str, notation: Notation) -> Iterator[tuple[int, int, str, bool]]:
    """The delimited formulas of a text: where each begins and ends with its delimiters, its TeX, whether it is displayed."""
    position = 0
    after = False  # right after a formula: a dollar here opens the next one
    while opener := (after and ADJACENT.match(text, position)) or OPENER.search(text, position):
        found = _formula(text, opener, notation)
        position, after = (opener.end(), False) if found is None else (found[1], True)
        if found is not None:
            yield opener.start(), found[1], found[0], found[2]


def _formula(text: str, opener: re.Match[str], notation: Notation) -> tuple[str, int, bool] | None:
    """The formula that begins with `opener`: its TeX, where it ends, and whether it is displayed."""
    token, start = opener.group(), opener.end()
    if token[-1] in "([" and token[0] == "\\":
        closing = token[:-1] + {"(": ")", "[": "]"}[token[-1]]
        return _until(text, start, closing, display=token[-1] == "[", strict=len(token) == 3)
    if (
        len(token) > 2
        and token[0] == "$"
        and not notation.dollars
        and text[opener.start() - 1 : opener.start()].strip(" (\n")
    ):
        return None  # a drawing of characters
    if token[:2] == "$$":  # three signs and six are those of a site for programming contests
        return _until(text, start, token, display=len(token) != 3, strict=not notation.dollars)
    if token == "$":
        return _dollars(text, opener, notation)
    if token == "`":
        return _backticks(text, start) if notation.asciimath else None
    if opener["tag"]:
        return _bbcode(text, opener)
    return _environment(text, opener)


def _bbcode(text: str, opener: re.Match[str]) -> tuple[str, int, bool] | None:
    """`[tex]...[/tex]`: a forum's one tag for both kinds, displayed where it has its line for itself."""
    found = _until(text, opener.end(), f"[/{opener['tag']}]", display=False, strict=False)
    if found is None or opener["tag"].lower() in INLINE_TAGS:
        return found
    tex, end, _ = found
    before, after = text[: opener.start()].rstrip(" \u00a0\t\n"), text[end:].lstrip(" \u00a0\t\n.,;")
    alone = before[-1:] in ("", BREAK) and after[:1] in ("", BREAK)
    return tex, end, alone or opener["tag"].lower() == "dmath"


def _until(text: str, start: int, closing: str, *, display: bool, strict: bool) -> tuple[str, int, bool] | None:
    end = text.find(closing, start, start + MAX_LENGTH)
    dollars = closing[:2] == "$$"
    while dollars and end > 0 and text[end - 1] == "\\":
        end = text.find(closing, end + 1, start + MAX_LENGTH)
    if closing[:1] == "\\":  # in `\\[2pt]` and `\\)` the backslash belongs to a line break
        while end > start and _backslashes(text, end) % 2 and len(closing) == 2:
            end = text.find(closing, end + 1, start + MAX_LENGTH)
    if end < 0:
        return None
    tex = clean(text[start:end])
    if not tex or "\ue000" in tex:
        return None
    if dollars and DOLLAR.search(tex):
        return None
    if dollars and not any(character.isalnum() for character in tex):
        return None
    if strict and len(closing) > 2 and dollars and not SHORT.fullmatch(tex) and not COMMAND.search(tex):
        return None
    if (
        strict
        and not STRONG.search(tex)
        and (PRICE.match(tex) or (dollars and LONG.search(tex)) or not SHORT.fullmatch(tex))
    ):
        return None
    if dollars and BREAK * 2 in text[start:end].strip():
        return None
    return tex, end + len(closing), display


def _backslashes(text: str, end: int) -> int:
    count = 0
    while end - count > 0 and text[end - count - 1] == "\\":
        count += 1
    return count


def _environment(text: str, opener: re.Match[str]) -> tuple[str, int, bool] | None:
    if text.find("\\end", opener.end(), opener.end() + MAX_LENGTH) < 0:
        return None
    name = opener["name"] + opener["star"]
    ending = re.compile(r"\\(begin|end)\s*\{" + re.escape(name) + r"\}")
    depth = 1
    for step in ending.finditer(text, opener.end(), opener.end() + MAX_LENGTH):
        depth += 1 if step[1] == "begin" else -1
        if depth == 0:
            body = text[opener.start() : step.end()]
            if name in ("displaymath", "math", "equation", "equation*", "subequations"):
                body = re.sub(r"^\\begin\s*\{[^}]*\}|\\end\s*\{[^}]*\}$", "", body)
            tex = clean(body)
            return (tex, step.end(), name != "math") if "\ue000" not in tex and tex else None
    return None


def _dollars(text: str, opener: re.Match[str], notation: Notation) -> tuple[str, int, bool] | None:
    start = opener.end()
    if text.startswith("latex ", start):  # WordPress shortcode: $latex x^2$
        stop = text.find("$", start)
        options = SHORTCODE_OPTIONS.search(text, start, max(stop, start))
        if options is not None:
            return clean(text[start + 6 : options.start()]), stop + 1, False
        return (clean(text[start + 6 : stop]), stop + 1, False) if 0 < stop - start < MAX_LENGTH else None
    end = _closing_dollar(text, start)
    if end is None:
        return None
    raw = text[start:end]
    if raw[:1] == "`" and raw[-1:] == "`" and len(raw) > 2:  # GitLab and GitHub: $`x^2`$
        return clean(raw[1:-1]), end + 1, False
    before, after = text[opener.start() - 1 : opener.start()], text[end + 1 : end + 2]
    if "\ue000" in raw or BREAK * 2 in raw or not _is_formula(raw, before, after, dollars=notation.dollars):
        return None
    return clean(raw), end + 1, False


def _closing_dollar(text: str, start: int) -> int | None:
    """Where the next dollar outside braces is."""
    depth, position, limit = 0, start, min(len(text), start + MAX_LENGTH // 2)
    while position < limit:
        character = text[position]
        if character == "\\":
            position += 2
            continue
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth < 0:
                return None
        elif character == "$" and depth == 0:
            return position
        position += 1
    return None


def _is_formula(raw: str, before: str, after: str, *, dollars: bool) -> bool:
    """Whether what stands between two single dollars is mathematics, not the words between two prices."""
    tex = raw.strip()
    if not tex or mistakes(tex):
        return False
    commands = bool(re.search(r"\\[A-Za-z]{2,}|\\[,;!{}|\\]|[\^_]\{", tex))
    words = len(WORD.findall(FUNCTION_WORD.sub(" ", tex)))
    if (
        PRICE.match(tex)
        and not commands
        and not re.search(r"[\^_=<>]", tex)
        and (words or not dollars or after.isdigit() or raw != tex)
    ):
        return tex.isdigit() and raw == tex and not after.isalnum() and not before.isalnum()
    if after.isdigit() and not (dollars and commands):
        return False
    if commands:
        return (
            not (CODE.search(re.sub(r"\\\S", "", tex)) and not dollars and not re.search(r"\\[A-Za-z]{2,}", tex))
            and words <= 12
        )
    if dollars and len(tex) == 1 and tex.isalpha() and not before.isalnum():
        return True  # the $k$th
    if (before.isascii() and before.isalnum()) or (after.isascii() and after.isalpha()) or CODE.search(tex):
        return False
    if raw != tex and not (dollars and raw[0].isspace() == raw[-1].isspace()):
        return False
    if words > (2 if dollars else 0):
        return False
    return bool(SHORT.fullmatch(tex)) or (dollars and len(tex) < 300) or bool(re.search(r"[\^_=]", tex))


def _backticks(text: str, start: int) -> tuple[str, int, bool] | None:
    end = text.find("`", start, start + MAX_LENGTH)
    while end > 0 and text[end - 1] == "\\":  # shown as it is
        end = text.find("`", end + 1, start + MAX_LENGTH)
    source = text[start:end] if end > 0 else ""
    if not source.strip() or "\ue000" in source:
        return None
    return asciimath_tex(source), end + 1, False

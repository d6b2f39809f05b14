"""TeX that Markdown took for its own: `$a<em>{ij}b</em>{jk}$` was `$a_{ij}b_{jk}$`.

`blocks` marks the ends of `<em>` and `<strong>` where a formula may be open. Between delimiters the marks become the signs
that were eaten; elsewhere they vanish.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from pipelines.extraction.plain_math import EATEN, EATEN_TWICE, VARIABLE
from pipelines.extraction.tex import clean, mistakes

EATEN_SIGN = re.compile(f"[{EATEN}{EATEN_TWICE}]")
SET_APART = re.compile(rf"(?<!\w){EATEN}([A-Za-z]){EATEN}(?!\w)")
SET = re.compile(r"\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
DELIMITERS = re.compile(r"(\$\$?|\\\(|\\\[)?(.*?)(\$\$?|\\\)|\\\])?", re.DOTALL)
Spans = Callable[[str], Iterable[tuple[int, int]]]
"""Where a text has formulas, from the opening delimiter to after the closing one."""


def give_back(text: str, spans: Spans) -> str:
    """`text` with what was eaten inside of its formulas, and without the marks elsewhere."""
    found: list[tuple[int, int]] = []
    for sign in "_*":  # each of them makes formulas of what the other leaves broken
        plain = EATEN_SIGN.sub(sign, text)
        found += [
            span
            for span in spans(plain)
            if EATEN_SIGN.search(text, *span) and not any(span[0] < end and start < span[1] for start, end in found)
        ]
    written: list[str] = []
    position = 0
    for start, end in sorted(found):
        written += [_outside(text[position:start]), _restored(text[start:end])]
        position = end
    return "".join([*written, _outside(text[position:])])


def _outside(text: str) -> str:
    """Text between formulas: a letter set apart is a variable, other marks say nothing."""
    return EATEN_SIGN.sub("", SET_APART.sub(rf"{VARIABLE}\1", text))


def _restored(formula: str) -> str:
    """The first reading that TeX takes: each sign by what stands beside it, all of them indices, all of them stars."""
    likely = EATEN_SIGN.sub(_sign, formula)
    readings = [likely, *(_with(formula, sign) for sign in "_*")]
    return _with_set(next((reading for reading in readings if not mistakes(clean(reading))), likely))


def _with(formula: str, sign: str) -> str:
    return formula.replace(EATEN, sign).replace(EATEN_TWICE, "**")


def _sign(mark: re.Match[str]) -> str:
    """The sign in the place of a mark: an index is no star's neighbour `^`, has no space after it and no number before."""
    if mark.group() == EATEN_TWICE:
        return "**"
    before, after = mark.string[: mark.start()], mark.string[mark.end() : mark.end() + 1]
    if before.endswith(("^", "^{")) or after in ("", "}", ")", ",", "$") or after.isspace():
        return "*"
    return "*" if re.search(r"(?<![A-Za-z0-9_^}])\d+$", before) else "_"


def _with_set(formula: str) -> str:
    """Braces around a whole formula with a comma in it: those of a set, whose backslashes Markdown ate as well."""
    found = DELIMITERS.fullmatch(formula)
    inner = SET.fullmatch(found[2].strip()) if found else None
    if found is None or inner is None or "," not in inner[1]:
        return formula
    return f"{found[1] or ''}\\{{{inner[1]}\\}}{found[3] or ''}"

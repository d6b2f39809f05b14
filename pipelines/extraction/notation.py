"""What the programs of a page say about its formulas: which delimiters it typesets, and the macros that it defines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pipelines.extraction.macros import ESCAPE, Macros

PAIRS = re.compile(r"""["']?(inlineMath|displayMath)["']?\s*:\s*\[(?:\s*\[\s*["']\s*["']\s*\]\s*,)?""")
PAIR = re.compile(r"""\s*,?\s*\[\s*(?:"((?:[^"\\]|\\.)+)"|'((?:[^'\\]|\\.)+)')\s*,\s*(?:"((?:[^"\\]|\\.)+)"|'((?:[^'\\]|\\.)+)')\s*\]""")  # fmt: skip
SIDES = re.compile(
    r"""\{\s*["']?left["']?\s*:\s*(?:"((?:[^"\\]|\\.)+)"|'((?:[^'\\]|\\.)+)')\s*,\s*["']?right["']?\s*:\s*(?:"((?:[^"\\]|\\.)+)"|'((?:[^'\\]|\\.)+)')(?:\s*,\s*["']?display["']?\s*:\s*(true|false|!0|!1))?"""
)
KNOWN = re.compile(r"\$\$?|\[\w+\]|\\\\?[(\[]|\\begin|`|\\ref|\\eqref")
"""Openings that are read on every page."""


@dataclass(frozen=True, slots=True)
class Delimiters:
    """A pair of delimiters that one page gives a meaning to."""

    opening: str
    closing: str
    display: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Notation:
    """Which delimiters a page's own scripts give a meaning to."""

    dollars: bool = False
    """It typesets `$...$`, so that weaker evidence is enough."""
    asciimath: bool = False
    """It typesets `` `...` `` as AsciiMath."""
    escaped: bool = False
    """It typesets `\\$...\\$` as AsciiMath."""
    delimiters: tuple[Delimiters, ...] = ()
    """Others that it typesets."""
    macros: Macros = field(default_factory=dict)


def configured_delimiters(scripts: str) -> tuple[Delimiters, ...]:
    """The pairs that MathJax or KaTeX is told to typeset, without those that are read on every page."""
    found: list[Delimiters] = []
    for key in PAIRS.finditer(scripts):
        position = key.end()
        while pair := PAIR.match(scripts, position):
            found.append(_pair(pair.groups(), display=key[1] == "displayMath"))
            position = pair.end()
    found += [_pair(sides.groups()[:4], display=sides[5] in ("true", "!0")) for sides in SIDES.finditer(scripts)]
    return tuple(dict.fromkeys(pair for pair in found if not KNOWN.match(pair.opening) and len(pair.opening) > 1))


def _pair(sides: tuple[str | None, ...], *, display: bool) -> Delimiters:
    opening, closing = (ESCAPE.sub(r"\1", sides[place] or sides[place + 1] or "") for place in (0, 2))
    return Delimiters(opening, closing, display)

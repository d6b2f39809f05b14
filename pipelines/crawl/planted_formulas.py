"""Formulas of the embedded crawl: one TeX source, rendered as the web would show it.

The grammar is a small part of TeX, enough for what the embedded pages say: `^`, `_`, `\\frac`, `\\sqrt`, named symbols
and functions, brackets, `\\text`. The source itself is the truth that an extractor has to give back.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Markup = Literal["mathjax", "dollars", "katex", "mathml", "mathml_bare", "image", "script", "unicode", "wikipedia"]

SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "theta": "θ", "lambda": "λ", "mu": "μ",
    "pi": "π", "sigma": "σ", "phi": "φ", "omega": "ω", "Delta": "Δ", "Omega": "Ω", "sum": "∑", "prod": "∏", "int": "∫",
    "infty": "∞", "partial": "∂", "nabla": "∇", "le": "≤", "ge": "≥", "ne": "≠", "approx": "≈", "equiv": "≡", "in": "∈",
    "subset": "⊂", "cup": "∪", "cap": "∩", "to": "→", "mapsto": "↦", "cdot": "⋅", "times": "×", "div": "÷", "pm": "±",
    "mid": "∣", "perp": "⊥", "parallel": "∥", "angle": "∠", "triangle": "△", "circ": "∘", "ldots": "…", "cdots": "⋯",
    "forall": "∀", "exists": "∃", "lt": "<", "gt": ">", "quad": " ", "mathbb R": "ℝ", "mathbb Z": "ℤ", "mathbb N": "ℕ",
    "mathbb Q": "ℚ", "mathbb C": "ℂ",
}  # fmt: skip
FUNCTIONS = ("sin", "cos", "tan", "log", "ln", "exp", "lim", "max", "min", "gcd", "det", "dim", "ker", "arctan")
BIG = ("∑", "∏", "lim")
TOKEN = re.compile(r"\\mathbb\s*\{?[A-Z]\}?|\\text\{[^}]*\}|\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.")


@dataclass(frozen=True, slots=True)
class Node:
    """`row` of parts, `i`dentifier, `n`umber, `o`perator, `text`, `frac`, `sqrt`, `sup`, `sub` or `subsup`."""

    kind: str
    text: str = ""
    parts: tuple[Node, ...] = ()


def parse(tex: str) -> Node:
    """The tree of a formula. Raises ValueError where it is not in the grammar."""
    tokens = [token for token in TOKEN.findall(tex) if not token.isspace()]
    tokens.reverse()
    row = _row(tokens, until=None)
    if tokens:
        raise ValueError(f"formula {tex!r}: expected its end, found {tokens[-1]!r}")
    return row


def _row(tokens: list[str], until: str | None) -> Node:
    parts: list[Node] = []
    while tokens and tokens[-1] != until:
        node = _scripted(tokens)
        parts.append(node)
    if until is not None:
        if not tokens:
            raise ValueError(f"formula: expected {until!r}, found the end")
        tokens.pop()
    return parts[0] if len(parts) == 1 else Node("row", parts=tuple(parts))


def _scripted(tokens: list[str]) -> Node:
    base, lower, upper = _atom(tokens), None, None
    while tokens and tokens[-1] in "^_":
        if tokens.pop() == "^":
            upper = _atom(tokens)
        else:
            lower = _atom(tokens)
    if lower is not None and upper is not None:
        return Node("subsup", parts=(base, lower, upper))
    if lower is not None:
        return Node("sub", parts=(base, lower))
    return Node("sup", parts=(base, upper)) if upper is not None else base


def _atom(tokens: list[str]) -> Node:
    token = tokens.pop()
    if token == "{":
        return _row(tokens, until="}")
    if token == "\\frac":
        return Node("frac", parts=(_atom(tokens), _atom(tokens)))
    if token == "\\sqrt":
        return Node("sqrt", parts=(_atom(tokens),))
    if token.startswith("\\text{"):
        return Node("text", token[6:-1])
    if token in ("\\left", "\\right"):
        return _atom(tokens)
    if token.startswith("\\"):
        name = re.sub(r"mathbb\s*\{?([A-Z])\}?", r"mathbb \1", token[1:])
        if name in FUNCTIONS:
            return Node("i", name)
        if name in SYMBOLS:
            symbol = SYMBOLS[name]
            return Node("i" if symbol.isalpha() or symbol == "∞" else "o", symbol)
        if name in ("{", "}", ",", ";", "%"):
            return Node("o", {",": " ", ";": " "}.get(name, name))
        raise ValueError(f"formula: expected a symbol of the grammar, found {token!r}")
    if token.isalpha():
        return Node("i", token)
    return Node("n", token) if token[0].isdigit() else Node("o", "−" if token == "-" else token)


def mathml(tex: str, *, display: bool = False, annotated: bool = True) -> str:
    """Presentation MathML, with the TeX as an annotation or without."""
    body = _mathml(parse(tex))
    mode = ' display="block"' if display else ""
    if not annotated:
        return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{mode}><mrow>{body}</mrow></math>'
    note = f'<annotation encoding="application/x-tex">{html.escape(tex)}</annotation>'
    return (
        f'<math xmlns="http://www.w3.org/1998/Math/MathML"{mode}>'
        f"<semantics><mrow>{body}</mrow>{note}</semantics></math>"
    )


def _mathml(node: Node) -> str:
    inner = [_mathml(part) for part in node.parts]
    if node.kind in ("i", "n", "o"):
        return f"<m{node.kind}>{html.escape(node.text)}</m{node.kind}>"
    if node.kind == "text":
        return f"<mtext>{html.escape(node.text)}</mtext>"
    if node.kind == "row":
        return f"<mrow>{''.join(inner)}</mrow>"
    if node.kind in ("frac", "sqrt"):
        return f"<m{node.kind}>{''.join(inner)}</m{node.kind}>"
    big = node.parts[0].text in BIG
    tag = {"sup": "mover", "sub": "munder", "subsup": "munderover"}[node.kind] if big else f"m{node.kind}"
    return f"<{tag}>{''.join(inner)}</{tag}>"


def unicode_html(tex: str) -> str:
    """The formula as people write it without any math markup: Unicode symbols with <sup>, <sub> and <i>."""
    return "".join(_unicode(parse(tex)))


def _unicode(node: Node) -> Iterator[str]:
    if node.kind == "i":
        yield f"<i>{html.escape(node.text)}</i>" if len(node.text) == 1 and node.text.isascii() else node.text
    elif node.kind in ("n", "text"):
        yield html.escape(node.text)
    elif node.kind == "o":
        yield f" {html.escape(node.text)} " if node.text in "+−=<>≤≥≠≈≡∈⊂∪∩→↦±×÷∣" else html.escape(node.text)
    elif node.kind == "frac":
        yield from (*_grouped(node.parts[0]), "/", *_grouped(node.parts[1]))
    elif node.kind == "sqrt":
        yield from ("√", *_grouped(node.parts[0]))
    elif node.kind == "row":
        for part in node.parts:
            yield from _unicode(part)
    else:
        yield from _unicode(node.parts[0])
        tags = {"sup": ("sup",), "sub": ("sub",), "subsup": ("sub", "sup")}[node.kind]
        for tag, part in zip(tags, node.parts[1:], strict=True):
            yield f"<{tag}>{''.join(_unicode(part)).strip()}</{tag}>"


def _grouped(node: Node) -> Iterator[str]:
    plain = node.kind in ("i", "n", "sqrt", "sup", "sub")
    yield from _unicode(node) if plain else ("(", *_unicode(node), ")")


def katex_html(tex: str, *, display: bool = False) -> str:
    """What KaTeX leaves in a saved page: hidden MathML beside visible spans that repeat the same characters."""
    visible = "".join(_katex(parse(tex)))
    block = (
        f'<span class="katex"><span class="katex-mathml">{mathml(tex, display=display)}</span>'
        f'<span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span>{visible}'
        "</span></span></span>"
    )
    return f'<span class="katex-display">{block}</span>' if display else block


KATEX_ATOMS = {"i": "mord mathnormal", "n": "mord", "text": "mop", "o": "mbin"}


def _katex(node: Node) -> Iterator[str]:
    """The visible spans, as KaTeX 0.16 builds them."""
    if node.kind in KATEX_ATOMS:
        yield f'<span class="{KATEX_ATOMS[node.kind]}">{html.escape(node.text)}</span>'
    elif node.kind == "frac":
        top, bottom = (f'<span class="mord">{"".join(_katex(part))}</span>' for part in node.parts)
        line = '<span class="frac-line" style="border-bottom-width:0.04em;"></span>'
        yield '<span class="mord"><span class="mopen nulldelimiter"></span><span class="mfrac">'
        yield _vlist([(-2.655, bottom), (-3.23, line), (-3.394, top)])
        yield '</span><span class="mclose nulldelimiter"></span></span>'
    elif node.kind == "sqrt":
        radicand = f'<span class="mord" style="padding-left:0.833em;">{"".join(_katex(node.parts[0]))}</span>'
        sign = '<span class="hide-tail" style="min-width:0.853em;height:1.08em;"><svg width="400em"></svg></span>'
        yield f'<span class="mord sqrt">{_vlist([(-3, radicand), (-2.76, sign)])}</span>'
    elif node.kind in ("sup", "sub", "subsup"):
        scripts = [f'<span class="mord mtight">{"".join(_katex(part))}</span>' for part in node.parts[1:]]
        heights = {"sup": [-3.063], "sub": [-2.55], "subsup": [-2.453, -3.063]}[node.kind]
        yield f'<span class="mord">{"".join(_katex(node.parts[0]))}<span class="msupsub">'
        yield _vlist(list(zip(heights, scripts, strict=True))) + "</span></span>"
    else:
        for part in node.parts:
            yield from _katex(part)


def _vlist(rows: list[tuple[float, str]]) -> str:
    """Rows one above the other, each with its height in em (negative is up); a second list says how far they reach down."""
    inner = "".join(
        f'<span style="top:{top}em;"><span class="pstrut" style="height:3em;"></span>{row}</span>' for top, row in rows
    )
    below = rows[0][0] > -2.7
    depth = (
        '<span class="vlist-r"><span class="vlist" style="height:0.15em;"><span></span></span></span>' if below else ""
    )
    strut = '<span class="vlist-s">\u200b</span>' if below else ""
    return (
        f'<span class="vlist-t{" vlist-t2" if below else ""}"><span class="vlist-r">'
        f'<span class="vlist" style="height:0.8em;">{inner}</span>{strut}</span>{depth}</span>'
    )


def render(tex: str, markup: Markup, *, display: bool = False) -> str:
    """HTML of a formula as a page with this markup carries it."""
    escaped = html.escape(tex)
    if markup == "mathjax":
        return f"\\[{escaped}\\]" if display else f"\\({escaped}\\)"
    if markup == "dollars":
        return f"$${escaped}$$" if display else f"${escaped}$"
    if markup == "katex":
        return katex_html(tex, display=display)
    if markup in ("mathml", "mathml_bare"):
        return mathml(tex, display=display, annotated=markup == "mathml")
    if markup == "image":
        source = f"https://s0.wp.example/latex.php?latex={quote(tex)}&amp;bg=ffffff&amp;fg=333333"
        return f'<img src="{source}" alt="{escaped}" title="{escaped}" class="latex" />'
    if markup == "script":
        mode = "; mode=display" if display else ""
        return f'<script type="math/tex{mode}">{tex}</script>'
    if markup == "wikipedia":
        return (
            f'<span class="mwe-math-element"><span class="mwe-math-mathml-inline mwe-math-mathml-a11y" '
            f'style="display: none;">{mathml("{" + tex + "}")}</span><img src="https://wikimedia.example/math/render/svg/'
            f'{abs(hash_of(tex)):x}" class="mwe-math-fallback-image-inline" aria-hidden="true" alt="{escaped}"/></span>'
        )
    return unicode_html(tex)


def hash_of(text: str) -> int:
    """A number that stands for a text, the same in every process."""
    value = 0
    for character in text:
        value = (value * 131 + ord(character)) % (1 << 61)
    return value

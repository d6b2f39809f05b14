"""Formulas in places that no parser of HTML looks at, rewritten as markup that is read: WIRIS's `«math»`, Word's comments, images
for browsers without scripts, and the labels of drawings."""

from __future__ import annotations

import html
import re

from pipelines.extraction.omml import mathml_of
from pipelines.extraction.rare_signs import DRAWING, QUOTED, UNSCRIPTED, WORD_COMMENT

WIRIS = re.compile(r"(?<![=\"'])«math\b.*?«/math»", re.DOTALL)
WIRIS_SIGNS = str.maketrans({"«": "<", "»": ">", "¨": '"', "§": "&", "`": "'"})
WORD = re.compile(r"<!--\[if gte msEquation \d+\]>(.*?)<!\[endif\]-->(\s*<!(?:--)?\[if !msEquation\](?:--)?>.*?<!(?:--)?\[endif\](?:--)?>)?", re.DOTALL)  # fmt: skip
SCRIPTLESS = re.compile(r"<noscript[^<>]*>\s*(<[iI][mM][gG]\b[^<>]*>)\s*</noscript>")
"""Begins with letters of one case, which are found many times as fast as those of either."""
IMAGE_BEFORE = re.compile(r"(<img\b[^<>]*>)\s*", re.IGNORECASE)
FORMULA_IMAGE = re.compile(r"latex\.php|codecogs|mathtex|mimetex|class=[\"'][^\"']*(?:latex|math|tex\b|formula|equation)|[?&](?:tex|latex)=", re.IGNORECASE)  # fmt: skip
ALTERNATIVE = re.compile(r"\balt=(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
DRAWING_START = re.compile(r"<svg\b([^<>]*)>")
LARGEST_DRAWING = 20_000
"""Characters; one that shows a formula has fewer."""
DRAWING_TITLE = re.compile(r"\s*<title\b[^<>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
LABEL = re.compile(r"\baria-label=(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
ROLE = re.compile(r"role=[\"'](?:img|math)[\"']")
LABELLED = re.compile(r"<(?:span|div|i|em|figure)\b(?=[^<>]*\brole=[\"'](?:img|math)[\"'])[^<>]*\baria-label=(?:\"([^\"]*)\"|'([^']*)')[^<>]*>(?=\s*<svg|\s*</)", re.IGNORECASE)  # fmt: skip
RENDERER = re.compile(r"data-mml-node|mjx-|MathJax|katex", re.IGNORECASE)
TEX_COMMAND = re.compile(r"\\(?:d?frac|sqrt|sum|int|prod|lim|alpha|beta|gamma|delta|theta|lambda|mu|pi|sigma|phi|omega|math[a-z]{2,4}|begin|left|text|times|cdot|leq?|geq?|in|to|infty|partial|vec|hat|bar|ldots|cdots|pm|neq?|equiv|approx|nabla)(?![A-Za-z])")  # fmt: skip
SCRIPTED = re.compile(r"[A-Za-z0-9)}]\s?[\^_]\{?[A-Za-z0-9]")
WORDS = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{4,}")
PREFIX = re.compile(r"^\s*(?:LaTeX|TeX|math|formula|equation)(?:\s+(?:math|formula|code|equation))?\s*:\s*", re.IGNORECASE)  # fmt: skip


def with_formulas(page: str, signs: int, *, labelled: bool) -> str:
    """The page with these formulas where a parser finds them. `signs` are those of `rare_signs`; `labelled`, whether a label for
    readers who do not see stands in it."""
    if signs & QUOTED:
        page = WIRIS.sub(lambda found: found.group().translate(WIRIS_SIGNS), page)
    if signs & WORD_COMMENT:
        page = WORD.sub(lambda found: mathml_of(found[1]) or (found[2] or ""), page)
    if signs & UNSCRIPTED:
        page = _with_images(page)
    if signs & DRAWING:
        page = _with_titles(page)
    return _with_labels(page) if labelled else page


def _with_images(page: str) -> str:
    """The page with the images for browsers without scripts that show formulas, each in the place of one before it that does not
    say so itself."""
    written: list[str] = []
    position = 0
    for found in SCRIPTLESS.finditer(page):
        if not FORMULA_IMAGE.search(found[1]):
            continue
        start = page.rfind("<", position, found.start())
        before = IMAGE_BEFORE.fullmatch(page, start, found.start()) if start >= 0 else None
        own, other = ALTERNATIVE.search(found[1]), ALTERNATIVE.search(before[1]) if before else None
        twice = own is not None and other is not None and own[1] == other[1]
        if before and twice and FORMULA_IMAGE.search(before[1]):
            written.append(page[position : found.start()])
        else:
            written += [page[position : start if twice else found.start()], found[1]]
        position = found.end()
    return "".join([*written, page[position:]])


def _with_titles(page: str) -> str:
    """The page with TeX in the place of each drawing whose label or title it is."""
    written: list[str] = []
    position = after = 0
    for found in DRAWING_START.finditer(page):
        end = page.find("</svg>", found.end(), found.end() + LARGEST_DRAWING + len("</svg>"))
        if end < 0 or found.start() < after:
            continue
        after = end + len("</svg>")
        if marked := _title(page, found, end):
            written += [page[position : found.start()], marked]
            position = after
    return "".join([*written, page[position:]])


def _title(page: str, drawing: re.Match[str], end: int) -> str:
    """The TeX that a drawing is labelled with, as an element; empty for the output of a renderer, which is read elsewhere."""
    label = LABEL.search(drawing[1]) if "aria-label" in drawing[1].lower() else None
    title = DRAWING_TITLE.match(page, drawing.end(), end)
    marked = _labelled((label[1] or label[2] or "") if label else "") or _labelled(title[1] if title else "")
    if not marked or RENDERER.search(drawing[1]) or RENDERER.search(page, drawing.end(), min(drawing.end() + 400, end)):
        return ""
    around = page[max(drawing.start() - 300, 0) : drawing.start()]
    nested = page.find("<svg", drawing.end(), end) >= 0
    return "" if nested or RENDERER.search(around[around.rfind("<") :]) else marked


def _with_labels(page: str) -> str:
    """The page with TeX in each element that is an image by its role and labelled with TeX."""
    written: list[str] = []
    position = 0
    for role in ROLE.finditer(page):
        start = page.rfind("<", position, role.start())
        found = LABELLED.match(page, start) if start >= 0 else None
        if found:
            written += [page[position : found.end()], _labelled(found[1] or found[2] or "")]
            position = found.end()
    return "".join([*written, page[position:]])


def _labelled(label: str) -> str:
    """A label as an element that holds TeX; empty where it says something else."""
    if not label:
        return ""
    tex = PREFIX.sub("", html.unescape(label)).strip()
    if not (TEX_COMMAND.search(tex) or SCRIPTED.search(tex)) or len(WORDS.findall(tex)) > 1 or "://" in tex:
        return ""
    return f"<tex-math>{html.escape(tex, quote=False)}</tex-math>"

"""Formulas in places that no parser of HTML looks at, rewritten as markup that is read: WIRIS's `«math»`, Word's comments, images
for browsers without scripts, and the labels of drawings."""

from __future__ import annotations

import html
import re

from pipelines.extraction.omml import mathml_of

WIRIS = re.compile(r"(?<![=\"'])«math\b.*?«/math»", re.DOTALL)
WIRIS_SIGNS = str.maketrans({"«": "<", "»": ">", "¨": '"', "§": "&", "`": "'"})
WORD = re.compile(r"<!--\[if gte msEquation \d+\]>(.*?)<!\[endif\]-->(\s*<!(?:--)?\[if !msEquation\](?:--)?>.*?<!(?:--)?\[endif\](?:--)?>)?", re.DOTALL)  # fmt: skip
UNSCRIPTED = re.compile(r"(<img\b[^<>]*>)?(\s*)<noscript[^<>]*>\s*(<img\b[^<>]*>)\s*</noscript>", re.IGNORECASE)
FORMULA_IMAGE = re.compile(r"latex\.php|codecogs|mathtex|mimetex|class=[\"'][^\"']*(?:latex|math|tex\b|formula|equation)|[?&](?:tex|latex)=", re.IGNORECASE)  # fmt: skip
ALTERNATIVE = re.compile(r"\balt=(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
DRAWING = re.compile(r"<svg\b(?P<start>[^<>]*)>(?P<inner>.{0,20000}?)</svg>", re.DOTALL | re.IGNORECASE)
DRAWING_TITLE = re.compile(r"\s*<title\b[^<>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
LABEL = re.compile(r"\baria-label=(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
LABELLED = re.compile(r"<(?:span|div|i|em|figure)\b(?=[^<>]*\brole=[\"'](?:img|math)[\"'])[^<>]*\baria-label=(?:\"([^\"]*)\"|'([^']*)')[^<>]*>(?=\s*<svg|\s*</)", re.IGNORECASE)  # fmt: skip
RENDERER = re.compile(r"data-mml-node|mjx-|MathJax|katex", re.IGNORECASE)
TEX_COMMAND = re.compile(r"\\(?:d?frac|sqrt|sum|int|prod|lim|alpha|beta|gamma|delta|theta|lambda|mu|pi|sigma|phi|omega|math[a-z]{2,4}|begin|left|text|times|cdot|leq?|geq?|in|to|infty|partial|vec|hat|bar|ldots|cdots|pm|neq?|equiv|approx|nabla)(?![A-Za-z])")  # fmt: skip
SCRIPTED = re.compile(r"[A-Za-z0-9)}]\s?[\^_]\{?[A-Za-z0-9]")
WORDS = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{4,}")
PREFIX = re.compile(r"^\s*(?:LaTeX|TeX|math|formula|equation)(?:\s+(?:math|formula|code|equation))?\s*:\s*", re.IGNORECASE)  # fmt: skip


def with_formulas(page: str) -> str:
    """The page with these formulas where a parser finds them."""
    if "«math" in page:
        page = WIRIS.sub(lambda found: found.group().translate(WIRIS_SIGNS), page)
    if "msEquation" in page:
        page = WORD.sub(lambda found: mathml_of(found[1]) or (found[2] or ""), page)
    if "<noscript" in page:
        page = UNSCRIPTED.sub(_with_image, page)
    if "<svg" in page and ("aria-label" in page or "<title" in page):
        page = DRAWING.sub(_with_label, page)
    if "aria-label" in page and "role=" in page:
        page = LABELLED.sub(lambda found: found.group() + _labelled(found[1] or found[2] or ""), page)
    return page


def _with_image(found: re.Match[str]) -> str:
    """The image for browsers without scripts, where it shows a formula and the one before it does not say so itself."""
    before, blanks, image = found.groups()
    if not FORMULA_IMAGE.search(image):
        return found.group()
    own, other = (ALTERNATIVE.search(each or "") for each in (image, before))
    if before and own and other and own[1] == other[1] and FORMULA_IMAGE.search(before):
        return f"{before}{blanks}"
    return f"{before if before and not (own and other and own[1] == other[1]) else ''}{blanks}{image}"


def _with_label(found: re.Match[str]) -> str:
    if RENDERER.search(found["start"]) or RENDERER.search(found["inner"][:400]) or "<svg" in found["inner"]:
        return found.group()
    around = found.string[max(found.start() - 300, 0) : found.start()]
    if RENDERER.search(around[around.rfind("<") :]):
        return found.group()
    label, title = LABEL.search(found["start"]), DRAWING_TITLE.match(found["inner"])
    for text in ((label[1] or label[2]) if label else "", title[1] if title else ""):
        if marked := _labelled(text or ""):
            return marked
    return found.group()


def _labelled(label: str) -> str:
    """A label as an element that holds TeX; empty where it says something else."""
    tex = PREFIX.sub("", html.unescape(label)).strip()
    if not (TEX_COMMAND.search(tex) or SCRIPTED.search(tex)) or len(WORDS.findall(tex)) > 1 or "://" in tex:
        return ""
    return f"<tex-math>{html.escape(tex, quote=False)}</tex-math>"

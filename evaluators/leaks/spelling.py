"""How one text is spelled in many ways: what becomes the same before words are compared.

The tables of commands and symbols, and the part of the work that needs whole patterns: tags, entities, compatibility
forms, Chinese that is spaced out. Each pattern begins with a character that most pages do not have.
"""

from __future__ import annotations

import html
import re
import unicodedata

from evaluators.chinese import HAN

LAYING_OUT = """
    begin big bigg biggl biggr bigl bigr bm boldsymbol boxed colon displaystyle end fbox gt hbox hspace left limits lt
    lvert mathbb mathbf mathcal mathit mathrm mathsf mbox mid nolimits operatorname phantom qquad quad right rvert text
    textbf textit textrm textstyle vert vspace
    frac dfrac tfrac cfrac
"""
LAYOUT = frozenset(LAYING_OUT.split())
"""Commands that only lay out, or stand for characters that are no words: < > | : and the bar of a fraction, for which a copy
has `1/2` or `½`."""
OTHER_NAMES = """
    dbinom:binom le:leq ge:geq leqslant:leq geqslant:geq ne:neq degree:circ rightarrow:to longrightarrow:to implies:to
    leftrightarrow:iff ldots:dots cdots:dots varnothing:emptyset varepsilon:epsilon varphi:phi vartheta:theta
"""
SAME = dict(pair.split(":") for pair in OTHER_NAMES.split())
"""Commands that mean the same."""
OF_SYMBOLS = """
    leq:≤⩽≦ geq:≥⩾≧ neq:≠ approx:≈ equiv:≡ cong:≅ times:× div:÷ cdot:·⋅∙ pm:± circ:°∘ infty:∞ sqrt:√ sum:∑
    prod:∏ int:∫ partial:∂ nabla:∇ in:∈ notin:∉ subset:⊂ subseteq:⊆ cup:∪ cap:∩ emptyset:∅ forall:∀ exists:∃
    to:→⇒⟶⟹ iff:⇔ perp:⊥ parallel:∥ angle:∠ triangle:△ lfloor:⌊ rfloor:⌋ lceil:⌈ rceil:⌉
"""
SYMBOLS = {
    symbol: name for name, _, symbols in (pair.partition(":") for pair in OF_SYMBOLS.split()) for symbol in symbols
}
"""Characters that a copy has where the original has a command."""
BLOCK = re.compile(
    r"</?(?:t[dhr]|table|p|div|br|hr|li|[ou]l|d[dtl]|h[1-6]|section|article|blockquote|pre)(?![\w-])[^<>]{0,200}>", re.I
)
"""Tags that part words; those of MARKUP may stand within one."""
MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|&(?:nbsp|#160|#xa0|ensp|emsp|thinsp);")
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
"""Soft hyphens, and what has no width."""
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31}\d{0,2});")
UNBROKEN = re.compile("[\xa0\u2007\u2009\u202f](?=[0-9]{3}(?![0-9]))")
"""Spaces at which no line may end: between digits they set thousands apart."""
GROUP = "\ue000"
"""Stands for such a space, which is one like any other in compatibility form."""
TIGHT_FRACTION = re.compile(r"\\[dtc]?frac\s*(\d)(?=\d)")
"""`\\frac12` is one half."""
RAISED_ANY = re.compile("[⁰¹²³⁴-⁹₀-₉¼-¾⅐-⅞]")
RAISED = re.compile(r"[⁰¹²³⁴-⁹]+|[₀-₉]+|(?<=\d)(?=[¼-¾⅐-⅞])")
"""Digits above and below the line, and fractions of one character, which compatibility forms would join to the number before."""
HAN_ANY = re.compile(rf"[{HAN}]")
HAN_BEFORE = re.compile(rf"[{HAN}]\W*\Z")
HAN_AFTER = re.compile(rf"\W*[{HAN}]")
BESIDE = 8
"""Characters at most, of white space and punctuation, between a run that is closed up and the Chinese beside it."""
SPACED_OUT = re.compile(
    rf"(?<![0-9A-Za-z])\d(?:\s+(?:[.,]\s+)?\d(?!\d))+|(?<![^\s{HAN}])[^\s{HAN}](?:\s+[^\s{HAN}](?![^\s{HAN}]))+"
)
"""Single digits, or any single characters, with white space between: `3 5g`, `\\ f r a c`; up to a Chinese character."""


def plain_text(text: str) -> str:
    """A text as its words are read from: without tags, entities and invisible characters, in compatibility form."""
    if "frac" in text:
        text = TIGHT_FRACTION.sub(r"\\frac \1 ", text)
    ascii_only = text.isascii()
    if "<" in text:
        text = BLOCK.sub(" ", text)
    if not ascii_only:
        text = INVISIBLE.sub("", UNBROKEN.sub(GROUP, text))
    if "<" in text or "&" in text:
        text = MARKUP.sub(lambda found: " " if found.group()[0] == "&" else "", text)
    if "&" in text:  # `&lt;` would be a word between two others
        text = ENTITY.sub(lambda found: html.unescape(found.group()), text)
        text = INVISIBLE.sub("", text)
    if not text.isascii():
        if RAISED_ANY.search(text):
            text = RAISED.sub(lambda found: f" {found.group()}", text)
        text = text.encode("utf-8", "replace").decode()
        text = unicodedata.normalize("NFKC", text)
        if HAN_ANY.search(text):
            text = SPACED_OUT.sub(_closed_up, text)
    return text


def _closed_up(found: re.Match[str]) -> str:
    """Characters spaced out beside Chinese as they were before: Chinese knows no white space, its numbers neither.

    A run within other text stays: there, `a b` are two words.
    """
    before = found.string[max(found.start() - BESIDE, 0) : found.start()]
    after = found.string[found.end() : found.end() + BESIDE]
    beside = HAN_BEFORE.search(before) or HAN_AFTER.match(after)
    return "".join(found.group().split()) if beside else found.group()

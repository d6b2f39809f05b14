"""The first sentences of a text, its menus left out. Import in functions: numba takes a second."""

from __future__ import annotations

import numpy as np

from pipelines.compiled import compiled
from pipelines.word_table import Bytes

LONGEST_MENU = 20
"""How many times as much text is looked through as is wanted of sentences."""


def first_sentences(text: str, *, size: int, least: int) -> bytes:
    """The first `size` bytes of UTF-8 of a text's lines of at least `least` bytes each; menu entries are shorter."""
    content = np.frombuffer(text[: LONGEST_MENU * size].encode("utf-8", "replace"), np.uint8)
    out = np.empty(size, np.uint8)
    return out[: _copy_lines(content, least, out)].tobytes()


@compiled
def _copy_lines(content: Bytes, least: int, out: Bytes) -> int:
    size = begin = 0
    while begin < len(content) and size < len(out):
        end = begin
        while end < len(content) and content[end] != 10:
            end += 1
        if end - begin >= least:
            if size:
                out[size] = 10
                size += 1
            taken = min(end - begin, len(out) - size)
            out[size : size + taken] = content[begin : begin + taken]
            size += taken
        begin = end + 1
    return size

"""Traditional Chinese characters as simplified ones: a copy may be of the other script."""

from __future__ import annotations

from functools import cache

HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
"""Characters of Chinese, as a class of a pattern holds them."""
RANGES = ((0x3400, 0x4DC0), (0x4E00, 0xA000))
"""CJK Unified Ideographs and their Extension A: all characters that the standards of China, Taiwan and Hong Kong share."""


@cache
def simplified() -> dict[str, str]:
    """Character -> the simplified one, for those that have one, by OpenCC's dictionaries (Taiwan's and Hong Kong's too).

    By the character alone, so that both sides of a comparison come out the same whatever the words around it are:
    OpenCC takes 乾 for 干 in 乾燥 and leaves it in 乾坤.
    """
    from opencc import OpenCC

    characters = [chr(point) for begin, end in RANGES for point in range(begin, end)]

    def table(name: str) -> dict[str, str]:
        converted = OpenCC(name).convert("\n".join(characters)).split("\n")
        return {old: new for old, new in zip(characters, converted, strict=True) if old != new}

    found = table("t2s")
    final = set(found.values())  # 么 is 幺 in Taiwan, and 麼 in China
    regional = table("tw2s") | table("hk2s")
    return {old: new for old, new in regional.items() if old not in final} | found

"""Numbers in words: Chinese numerals anywhere in a text, English ones as a whole answer."""

from __future__ import annotations

import re
from fractions import Fraction

from evaluators.answers.patterns import lazy_pattern

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "壹": 1, "贰": 2, "叁": 3}
_SMALL = {"十": 10, "百": 100, "千": 1_000}
_LARGE = {"万": 10_000, "亿": 100_000_000}
_NUMERAL = "零〇一二两三四五六七八九十百千万亿壹贰叁"
_RUN = f"[{_NUMERAL}]{{1,40}}"
_SCALED = r"\d+(?:\.\d+)?[万亿千百]+(?![克米瓦卡帕赫])"
_CHINESE = lazy_pattern(
    rf"(?P<whole>{_RUN}|\d+)又(?:(?P<wden>{_RUN}|\d+)分之(?P<wnum>{_RUN}|\d+)|(?P<wslash>\d+/\d+|\\[dt]?frac\s*(?:\{{\d+\}}\s*\{{\d+\}}|\d\d)))"
    rf"|百分之(?P<percent>{_RUN}(?:点{_RUN})?|\d+(?:\.\d+)?)"
    rf"|(?P<den>{_RUN}|\d+)分之(?P<num>{_RUN}|\d+)"
    rf"|(?P<int>{_RUN})点(?P<frac>[{_NUMERAL[:12]}]+)"
    rf"|(?P<scaled>(?:{_SCALED})+(?:(?<=[万亿千百])\d+(?![\d.]))?)"
    rf"|(?<![\d.])(?!千[克米瓦卡帕赫])(?!一[共起样定些般直律])(?P<plain>{_RUN})"
)
_NEIGHBOURS = lazy_pattern("一二|[二两]三|三四|四五|五六|六七|七八|八九|三五")
_NEGATIVE = lazy_pattern(r"负(?=[\d" + _NUMERAL + r"\\])")


def chinese_to_digits(text: str) -> str:
    """Every Chinese numeral of the text in digits: 百分之三十 -> 30%, 二又三分之一 -> 2 1/3, 3.5万 -> 35000."""
    return _CHINESE.sub(_replacement, _NEGATIVE.sub("-", text))


def _replacement(match: re.Match[str]) -> str:
    if match["whole"]:
        part = match["wslash"] or f"{_decimal(match['wnum'])}/{_decimal(match['wden'])}"
        return f" {_decimal(match['whole'])} {part} "
    if match["percent"]:
        return f"{_decimal(match['percent'])}%"
    if match["den"]:
        return f"{_decimal(match['num'])}/{_decimal(match['den'])}"
    if match["int"]:
        return f"{_integer(match['int'])}.{''.join(str(_DIGITS[c]) for c in match['frac'])}"
    if match["scaled"]:
        value = _scaled(match["scaled"])
        return str(value.numerator) if value.denominator == 1 else str(float(value))
    plain, behind = match["plain"], match.string[match.end() : match.end() + 1]
    if len(plain) > 2 and plain[-1] == "千" and plain[-2] in "十百万" and behind in tuple("克米瓦卡帕赫"):
        return f"{_integer(plain[:-1])}千"  # 四百千米
    if _vague(match["plain"], match.string[match.end() : match.end() + 1]):
        return match.group()
    return str(_integer(match["plain"]))


def _vague(numeral: str, behind: str) -> bool:
    """五六个 and 十五六: neighbours beside each other are no digits of one number."""
    if _NEIGHBOURS.search(numeral) is None:
        return False
    return (len(numeral) > 2 and not all(c in _DIGITS for c in numeral)) or (
        len(numeral) == 2 and "\u4e00" <= behind <= "\u9fff"
    )


def _scaled(text: str) -> Fraction:
    """1万2千, 3.5万, 3万4: digits with the names of their scales; a lone last digit counts the next lower scale."""
    total, last = Fraction(0), 1
    for digits, scale in re.findall(r"(\d+(?:\.\d+)?)([万亿千百]*)", text):
        factor = 1
        for letter in scale:
            factor *= _SMALL.get(letter) or _LARGE[letter]
        if not scale:
            factor = last // 10 if len(digits) == 1 else 1
        total, last = total + Fraction(digits) * factor, factor
    return total


def _decimal(text: str) -> str:
    if text[0].isascii():
        return text
    whole, _, fraction = text.partition("点")
    digits = "".join(str(_DIGITS.get(c, 0)) for c in fraction)
    return f"{_integer(whole)}{'.' + digits if digits else ''}"


def _integer(text: str) -> int:
    if len(text) > 30:
        return int("".join(str(_DIGITS.get(c, 0)) for c in text[:300]))
    if all(c in _DIGITS for c in text):
        return int("".join(str(_DIGITS[c]) for c in text))
    if len(text) > 1 and text[-1] in _DIGITS and text[-1] not in "零〇" and text[-2] in "百千万亿":
        below = {"百": 10, "千": 100, "万": 1_000, "亿": 10_000_000}[text[-2]]
        return _integer(text[:-1]) + _DIGITS[text[-1]] * below  # 一百五 is 150, and 105 is 一百零五
    for scale in ("亿", "万"):
        if scale in text:
            upper, lower = text.rsplit(scale, 1)
            return (_integer(upper) if upper else 1) * _LARGE[scale] + (_integer(lower) if lower else 0)
    total = digit = 0
    for character in text:
        if character in _DIGITS:
            digit = _DIGITS[character]
        else:
            total += (digit or 1) * _SMALL[character]
            digit = 0
    return total + digit


_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {w: i for i, w in enumerate(_ONES)} | {w: 20 + 10 * i for i, w in enumerate(_TENS)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 10**9, "trillion": 10**12}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8}
_PARTS |= {"ninth": 9, "tenth": 10, "hundredth": 100}
MAGNITUDES = _SCALES | {"hundreds": 100, "mil": 10**6, "bn": 10**9, "dozen": 12}


NUMBER_WORDS = frozenset(_WORDS) | frozenset(_SCALES)
"""The words that a number may begin with."""


def english_number(words: tuple[str, ...]) -> Fraction | None:
    """The value of an answer wholly in words: twenty-one, two thirds, three and a half, minus five; else None."""
    if not words or len(words) > 16:
        return None
    if words[0] in ("minus", "negative"):
        value = english_number(words[1:])
        return None if value is None else -value
    if "point" in words:
        at = words.index("point")
        whole, digits = _cardinal(words[:at]), [_WORDS.get(w, 10) for w in words[at + 1 :]]
        if whole is None or not digits or max(digits) > 9:
            return None
        return whole + Fraction(int("".join(map(str, digits))), 10 ** len(digits))
    last = words[-1]
    singular = {"halves": "half"}.get(last, last.rstrip("s"))
    if singular in _PARTS:
        return _with_part(words[:-1], _PARTS[singular])
    return _cardinal(words)


def _with_part(words: tuple[str, ...], denominator: int) -> Fraction | None:
    whole = Fraction(0)
    if "and" in words:
        at = words.index("and")
        value = _cardinal(words[:at])
        if value is None:
            return None
        whole, words = value, words[at + 1 :]
    count = Fraction(1) if words in ((), ("a",), ("an",), ("one",)) else _cardinal(words)
    return None if count is None else whole + count / denominator


def _cardinal(words: tuple[str, ...]) -> Fraction | None:
    total = current = 0
    seen = False
    for word in words:
        if word in _WORDS:
            if seen and current % 100 and not (current % 10 == 0 and current % 100 >= 20 and _WORDS[word] < 10):
                return None
            current += _WORDS[word]
            seen = True
        elif word in _SCALES and (seen or word == words[0] or words[0] == "a"):
            scale = _SCALES[word]
            if scale == 100:
                current = (current or 1) * 100
            else:
                total, current = total + (current or 1) * scale, 0
            seen = True
        elif not (word == "and" and seen) and not (word == "a" and not seen):
            return None
    return Fraction(total + current) if seen else None

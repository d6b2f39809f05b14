r"""Quantities that mathematics has names for, in both languages: center (2, -1), radius 3; 圆心(2,-1)，半径3; f_{\min} = -1.

A name is read as its English word, so that the same values under 圆心 and center are the same answer.
"""

from __future__ import annotations

import re
from math import gcd, lcm
from typing import NamedTuple

from evaluators.answers.patterns import lazy_pattern

MAX_TEXT = 400
MAX_NAMES = 10
# The word for each quantity, and how it is written; a longer name stands before the one that it ends with.
_VOCABULARY = (
    ("center", r"cent(?:er|re)|圆心|球心|中心"),
    ("radius", r"radius|半径"),
    ("diameter", r"diameter|直径"),
    ("vertex", r"vertex|顶点"),
    ("focus", r"focus|foci|焦点"),
    ("directrix", r"directrix|准线"),
    ("axis", r"axis(?:\s+of\s+symmetry)?|对称轴"),
    ("asymptotes", r"asymptotes?|渐近线"),
    ("eccentricity", r"eccentricity|离心率"),
    ("domain", r"domain|定义域"),
    ("range", r"range|值域|极差"),
    ("local maximum", r"(?:local|relative)\s+max(?:imum)?|极大值"),
    ("local minimum", r"(?:local|relative)\s+min(?:imum)?|极小值"),
    ("maximum", r"(?:(?:absolute|global)\s+)?max(?:imum)?|最大值"),
    ("minimum", r"(?:(?:absolute|global)\s+)?min(?:imum)?|最小值"),
    ("period", r"(?:(?:minimal|smallest|least|fundamental)\s+)?(?:positive\s+)?period|(?:最小)?正?周期"),
    ("amplitude", r"amplitude|振幅"),
    ("mean", r"mean|average|平均[数值]|均值"),
    ("median", r"median|中位数"),
    ("mode", r"mode|众数"),
    ("variance", r"variance|方差"),
    ("standard deviation", r"standard\s+deviation|标准差"),
    ("expected value", r"expected\s+value|expectation|数学期望|期望"),
    ("quotient", r"quotient|商"),
    ("remainder", r"remainder|余数"),
    ("gcd", r"gcd|gcf|hcf|greatest\s+common\s+(?:divisor|factor)|最大公[因约]数"),
    ("lcm", r"lcm|least\s+common\s+multiple|最小公倍数"),
    ("real part", r"real\s+part|Re|实部"),
    ("imaginary part", r"imaginary\s+part|Im|虚部"),
    ("modulus", r"modulus|模长?"),
    ("length", r"length|长度?"),
    ("width", r"width|breadth|宽度?"),
    ("height", r"height|高度?"),
    ("depth", r"depth|深度?"),
    ("perimeter", r"perimeter|周长"),
    ("circumference", r"circumference"),
    ("surface area", r"surface\s+area|表面积"),
    ("area", r"area|面积"),
    ("volume", r"volume|体积|容积"),
    ("slope", r"slope|gradient|斜率"),
    ("x-intercept", r"x-intercept|x轴截距|横截距"),
    ("y-intercept", r"y-intercept|y轴截距|纵截距|截距"),
    ("first term", r"first\s+term|首项"),
    ("common difference", r"common\s+difference|公差"),
    ("common ratio", r"common\s+ratio|公比"),
    ("numerator", r"numerator|分子"),
    ("denominator", r"denominator|分母"),
    ("eigenvalues", r"eigenvalues?|特征值"),
    ("eigenvectors", r"eigenvectors?|特征向量"),
    ("increasing on", r"(?:单调)?[递为]?增区间"),
    ("decreasing on", r"(?:单调)?[递为]?减区间"),
    ("sum", r"sum|和(?=[是为:：=])"),
    ("difference", r"difference|差(?=[是为:：=])"),
    ("product", r"product|积(?=[是为:：=])"),
)  # fmt: skip
_LEAD = r"\s*(?:(?:(?:and|with|the|its|so|thus|therefore|a|an)(?![A-Za-z])|且|而|其中?|它的|[圆函数抛物线椭双曲]{1,3}的|所以|则|即|故)\s*){0,3}"
_OF = r"(?:\s+values?(?![A-Za-z]))?(?:\s+(?:of|for)\s+(?:the\s+)?(?:[a-z]{2,12}|[a-zA-Z](?:\([a-z]\))?)(?![A-Za-z]))?"
_STATES = r"\s*(?:(?:[:：=]|(?:is|are|was|at)(?![A-Za-z])|of(?=\s*[-\d$\\(])|[为是]|等于)\s*){0,2}(?:(?:the\s+line\s+|直线)(?=[a-zA-Z]\s*=))?"
_NAME = lazy_pattern(
    rf"{_LEAD}\\?(?:{'|'.join(f'(?P<q{place}>{pattern})' for place, (_, pattern) in enumerate(_VOCABULARY))})"
    rf"(?:(?<=[A-Za-z])(?![A-Za-z])|(?<![A-Za-z]))(?:(?<=[RrIi][em])\s*\(?\s*z\s*\)?)?{_OF}(?:的?(?:坐标|方程|解析式|值)){{0,2}}{_STATES}",
    re.IGNORECASE,
)
_EXTREMUM = lazy_pattern(
    r"\s*(?:[a-zA-Z]\s?(?:\([a-z]\))?)\s?_\s?\{?\s?\\?(?:(?:text|mathrm|rm)\s?\{)?(?P<which>max|min)\}{0,2}\s*=\s*|\s*(?:[a-zA-Z]\s?(?:\([a-z]\))?)的?(?P<han>最[大小])值(?:[:：=为是]|\s)*"
)
r"""f(x)_{\max} = 2, y_{\min} = -1, f(x)的最大值为2."""
_BRACKETED = lazy_pattern(
    r"\s*(?:(?P<round>[(（])|(?P<square>\[)|\\?(?P<word>gcd|lcm)\s?[(（])\s?(?P<one>\d{1,9})\s?[,，]\s?(?P<two>\d{1,9})\s?[)）\]]\s*=\s*(?=(?P<value>\d{1,18})\s*$)",
    re.IGNORECASE,
)
"""(36, 30) = 6 and [36, 30] = 180, as school books write the greatest divisor and the least multiple."""
_MONOTONE = lazy_pattern(
    r"\s*(?:且|而|函数|f\(x\))*\s*在\s*(?P<value>[(（\[].{1,60}[)）\]])\s*上?\s*(?:是|为)?\s*(?:单调)?(?:递?(?P<way>[增减])(?:函数)?)\s*$"
)
"""在(0,1)上单调递减."""
_WRAPPED = lazy_pattern(r"^(\s*\\?)\\?(?:text|mathrm|operatorname|mathbf|textbf|mbox)\s*\{([^{}]{1,60})\}")
_BREAK = lazy_pattern(
    r"[,;，；、\n]|\\q?quad(?![a-z])|\\\\|\\[,;](?=\s*[A-Za-z\\])|\s(?:and|AND)\s|[。.](?=\s|$)|[和且与]"
)
_MAY_NAME = lazy_pattern(r"[,;，；、\n]|\sand\s|[和且与]|\\\\|\\q?quad")
_NO_VALUE = lazy_pattern(r"[,;，；、。.\s]*$|(?:not|or|no|if)\b|[不非无或]", re.IGNORECASE)


class Quantity(NamedTuple):
    name: str
    value: str


def quantities(text: str) -> tuple[Quantity, ...] | None:
    """The quantities that a text names one after another, at least two; None where anything else stands in it."""
    if len(text) > MAX_TEXT or not _MAY_NAME.search(text):
        return None
    found: list[list[str]] = []
    for before, piece in pieces(text):
        named = _named(piece)
        if named is not None:
            found.append([named.name, named.value])
        elif found:
            found[-1][1] += before + piece
        else:
            return None
    if not 2 <= len(found) <= MAX_NAMES or len({name for name, _ in found}) != len(found):
        return None
    if any(_NO_VALUE.match(value) for _, value in found):
        return None
    return tuple(Quantity(name, value.strip(" ,;，；、。.\n")) for name, value in found)


_LETTER = lazy_pattern(rf"{_LEAD}(?:(?P<name>[A-Za-z])\s*[:：=]|(?P<point>[A-Z])\s*(?=[(（][^()（）]*[)）]\s*$))\s*")


def partly_named(text: str) -> tuple[Quantity, ...] | None:
    """Quantities of which some have letters for names, C(2,-1), r = 3, and some none, (2,-1), r = 3; None for other texts."""
    if len(text) > MAX_TEXT or not _MAY_NAME.search(text):
        return None
    found: list[Quantity] = []
    for _, piece in pieces(text):
        named = _named(piece)
        letter = _LETTER.match(piece) if named is None else None
        if letter is not None:
            named = Quantity(letter["name"] or letter["point"], piece[letter.end() :])
        found.append(named or Quantity("", piece))
    if not 2 <= len(found) <= MAX_NAMES or any(_NO_VALUE.match(value) for _, value in found):
        return None
    names = [name for name, _ in found if name]
    return tuple(found) if names and len(set(names)) == len(names) else None


def one_quantity(text: str) -> Quantity | None:
    """The only quantity of a text: 顶点(1,4)."""
    named = _named(text) if len(text) <= MAX_TEXT else None
    return None if named is None or _NO_VALUE.match(named.value) else named


def pieces(text: str) -> list[tuple[str, str]]:
    """The text cut at its separators outside brackets, each piece after the separator before it."""
    depths, depth = [], 0
    for character in text:
        depth += (character in "([{（") - (character in ")]}）")
        depths.append(depth)
    found, begin, before = [], 0, ""
    for mark in _BREAK.finditer(text):
        if depths[mark.start()] > 0 or not text[begin : mark.start()].strip():
            continue
        found.append((before, text[begin : mark.start()]))
        begin, before = mark.end(), mark[0]
    return [*found, (before, text[begin:])] if text[begin:].strip() else found


def _named(piece: str) -> Quantity | None:
    piece = _WRAPPED.sub(r"\2", piece)
    if (extremum := _EXTREMUM.match(piece)) is not None:
        most = extremum["which"] == "max" or extremum["han"] == "最大"
        return Quantity("maximum" if most else "minimum", piece[extremum.end() :])
    if (bracketed := _BRACKETED.match(piece)) is not None:
        return _of_two(bracketed)
    if (monotone := _MONOTONE.match(piece)) is not None:
        return Quantity("increasing on" if monotone["way"] == "增" else "decreasing on", monotone["value"])
    match = _NAME.match(piece)
    if match is None:
        return None
    place = next(place for place in range(len(_VOCABULARY)) if match[f"q{place}"] is not None)
    return Quantity(_VOCABULARY[place][0], piece[match.end() :])


def _of_two(match: re.Match[str]) -> Quantity | None:
    """None where the value is neither the divisor nor the multiple that the brackets stand for."""
    numbers, value = (int(match["one"]), int(match["two"])), int(match["value"])
    multiple = match["square"] or (match["word"] or "").lower() == "lcm"
    right = (lcm if multiple else gcd)(*numbers) == value
    return Quantity("lcm" if multiple else "gcd", match["value"]) if right else None


def place_in(name: str, text: str) -> int:
    """Where a text names a quantity for the first time; -1 where it does not."""
    pattern = _PATTERNS.get(name)
    match = pattern.search(text) if pattern is not None else None
    return -1 if match is None else match.start()


_PATTERNS = {
    name: lazy_pattern(rf"(?<![A-Za-z])(?:{pattern})(?:(?<=[A-Za-z])s?(?![A-Za-z])|(?<![A-Za-z]))", re.IGNORECASE)
    for name, pattern in _VOCABULARY
}

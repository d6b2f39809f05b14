"""Units as attributes of a number: their dimensions and exact scales, and nouns as labels of what is counted."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.numerals import NUMBER_WORDS

Dimensions = tuple[tuple[str, int], ...]
_Entry = tuple[str, int, Fraction]


class Unit(NamedTuple):
    """`scale` times the base unit of its dimensions; nouns are dimensions of their own (`#apple`)."""

    dims: Dimensions
    scale: Fraction
    text: str


# name -> (dimension, exponent, scale to the base unit). SI definitions; yard and pound: 1959 international agreement.
_TABLE: dict[str, tuple[str, int, Fraction]] = {}


def _define(dimension: str, exponent: int, entries: str) -> None:
    for entry in entries.split(";"):
        names, scale = entry.rsplit("=", 1)
        for name in names.split():
            _TABLE[name.strip()] = (dimension, exponent, Fraction(scale))


_define(
    "length",
    1,
    "m meter metre 米=1;km kilometer kilometre kms 千米 公里=1000;dm decimeter decimetre 分米=1/10;"
    "cm centimeter centimetre cms 厘米=1/100;mm millimeter millimetre 毫米=1/1000;nm nanometer=1/1000000000;"
    "in inch=127/5000;ft foot feet=381/1250;yd yard=1143/1250;mi mile=201168/125;里=500",
)
_define("length", 2, "hectare ha 公顷=10000;acre=316160658/78125;平方米=1;平方厘米=1/10000;平方分米=1/100")
_define("length", 2, "平方千米 平方公里=1000000;平方毫米=1/1000000;sqft=145161/1562500")
_define("length", 3, "L l liter litre 升=1/1000;mL ml milliliter millilitre 毫升=1/1000000;cc=1/1000000;立方米=1")
_define(
    "length",
    3,
    "立方厘米=1/1000000;立方分米=1/1000;gallon gal=473176473/125000000000;quart=473176473/500000000000;pint=473176473/1000000000000",
)
_define("mass", 1, "g gram gm 克=1;kg kilogram kgs kilo 千克 公斤=1000;mg milligram 毫克=1/1000;吨 tonne=1000000")
_define("mass", 1, "lb lbs pound=45359237/100000;oz ounce=45359237/1600000;斤=500")
_define(
    "time",
    1,
    "s sec second secs 秒=1;min minute mins 分钟 分=60;h hr hour hrs 小时 钟头 时=3600;day days d 天 日=86400",
)
_define("time", 1, "week wk wks 周 星期=604800;刻钟 刻=900;ms millisecond=1/1000")
_define("month", 1, "month 个月 月=1;year yr yrs 年 岁=12")
_define("usd", 1, "dollar usd USD $ 美元=1;cent ¢=1/100")
_define("eur", 1, "euro eur EUR €=1")
_define("gbp", 1, "gbp GBP £=1")
_define("cny", 1, "yuan rmb RMB CNY 元 圆 块 人民币=1;角=1/10")
_define("yen", 1, "yen JPY 日元=1")
_define("yuan_or_yen", 1, "¥=1")
_define("inr", 1, "rupee rs Rs INR ₹=1")
_define("degree", 1, "degree deg ° 度=1")
_define("radian", 1, "radian rad 弧度=1")
_define("celsius", 1, "celsius °C 摄氏度=1")
_define("fahrenheit", 1, "fahrenheit °F=1")
_define("kelvin", 1, "kelvin K=1")
_define("current", 1, "ampere amp amps 安培 安=1")
_define("Hz", 1, "hertz Hz 赫兹=1")
_define("byte", 1, "MB=1;GB=1024;kB KB=1/1024")
_define("bit", 1, "Mb=1;Gb=1024")
_define("mole", 1, "mol mole=1")
_define("square_unit", 1, "sq=1")
_COMPOUND: dict[str, tuple[tuple[_Entry, int], ...]] = {}


def _define_compound(names: str, definition: str, scale: str = "1") -> None:
    """`N newton` as `kg m s^-2`: products of powers of what the table holds."""
    factors = [(piece.partition("^")[0], int(piece.partition("^")[2] or 1)) for piece in definition.split()]
    entries = tuple((_TABLE[name], power) for name, power in factors)
    if scale != "1":
        entries = ((("scale", 0, Fraction(scale)), 1), *entries)
    for name in names.split():
        _COMPOUND[name] = entries


_PREFIXES = {"k": 3, "M": 6, "G": 9, "m": -3, "u": -6, "μ": -6, "n": -9, "p": -12}
_PREFIX_NAMES = {"kilo": 3, "mega": 6, "giga": 9, "milli": -3, "micro": -6, "nano": -9, "pico": -12}


def _define_prefixed(symbol: str, names: str, definition: str, prefixes: str) -> None:
    """A unit, its names, and those of its SI multiples whose symbols are no words of another meaning."""
    _define_compound(f"{symbol} {names}", definition)
    for letter in prefixes:
        _define_compound(letter + symbol, definition, str(Fraction(10) ** _PREFIXES[letter]))
    for prefix, power in _PREFIX_NAMES.items():
        _define_compound(" ".join(prefix + name for name in names.split()), definition, str(Fraction(10) ** power))


# The SI brochure, 9th edition, table 4; the electronvolt by its exact value there.
_define_compound("mph", "mile hour^-1")
_define_compound("kph kmh", "km hour^-1")
_define_compound("fps", "foot second^-1")
_define_prefixed("N", "newton 牛 牛顿", "kg m s^-2", "km")
_define_prefixed("J", "joule 焦耳 焦", "kg m^2 s^-2", "kMGm")
_define_prefixed("W", "watt 瓦特 瓦", "kg m^2 s^-3", "kMGm")
_define_prefixed("Pa", "pascal 帕斯卡 帕", "kg m^-1 s^-2", "kMG")
_define_prefixed("A", "ampere amp", "ampere", "mμun")
_define_prefixed("C", "coulomb 库仑 库", "ampere s", "mμunp")
_define_prefixed("V", "volt 伏特 伏", "kg m^2 s^-3 ampere^-1", "kmμ")
_define_prefixed("Ω", "ohm 欧姆 欧", "kg m^2 s^-3 ampere^-2", "kM")
_define_prefixed("F", "farad 法拉", "ampere^2 s^4 kg^-1 m^-2", "μunp")
_define_prefixed("T", "tesla 特斯拉", "kg s^-2 ampere^-1", "mμ")
_define_prefixed("Wb", "weber", "kg m^2 s^-2 ampere^-1", "m")
_define_prefixed("Hz", "hertz", "hertz", "kMG")
_define_prefixed("mol", "mole", "mole", "km")
_define_prefixed("s", "second", "second", "mμn")
_define_prefixed("m", "meter metre", "meter", "μu")
_define_prefixed("g", "gram", "gram", "μu")
for _letter, _power in {"": 0, "k": 3, "M": 6, "G": 9}.items():
    _define_compound(f"{_letter}eV", "kg m^2 s^-2", str(Fraction(1602176634, 10**28) * 10**_power))
_define_compound("electronvolt", "kg m^2 s^-2", str(Fraction(1602176634, 10**28)))
_define_compound("kWh", "kg m^2 s^-2", "3600000")
_define_compound("cal calorie", "kg m^2 s^-2", "523/125")
_define_compound("kcal kilocalorie", "kg m^2 s^-2", "4184")
_define_compound("atm", "kg m^-1 s^-2", "101325")
SINGLE_LETTER = frozenset(["m", "g", "s", "h", "L", "l", "N", "J", "W", "V", "K", "d"])
PREFIX_CURRENCY = frozenset(["$", "€", "£", "¥", "₹"])
MONEY = frozenset({"usd", "eur", "gbp", "cny", "yen", "yuan_or_yen", "inr"})
# Words that say nothing about what is counted.
_FILLER = frozenset(
    [
        "of",
        "the",
        "a",
        "an",
        "total",
        "in",
        "all",
        "more",
        "less",
        "than",
        "lower",
        "higher",
        "faster",
        "approximately",
        "about",
        "each",
        "only",
    ]
)
_FILLER |= {"altogether", "left", "remaining", "extra", "long", "tall", "wide", "old", "high", "deep", "away", "apart"}
_FILLER |= {"longer", "shorter", "taller", "older", "younger", "good", "needed", "different", "possible", "per"}
_REFUSED = frozenset(
    [
        "or",
        "and",
        "not",
        "no",
        "none",
        "but",
        "maybe",
        "either",
        "nor",
        "if",
        "is",
        "are",
        "was",
        "be",
        "when",
        "where",
        "which",
        "equals",
        "plus",
        "minus",
    ]
)
_REFUSED |= {"than", "zero", "below", "above", "under", "until", "before", "after", "squared", "cubed"}
_REFUSED |= {"wrong", "incorrect", "false", "correct", "except", "without", "but", "five", "six", "seven"}
_REFUSED |= NUMBER_WORDS | {
    "times",
    "over",
    "percent",
    "mod",
    "base",
    "modulo",
    "dozen",
    "hundred",
    "thousand",
    "million",
    "billion",
}
_PIECE = lazy_pattern(
    r"\s*(?:(?P<power>\^\{?-?\d\}?)|(?P<slash>/|\bper\b|每)|(?P<times>\*|·|\\cdot)"
    r"|(?P<word>[A-Za-zμΩ][A-Za-zΩ'-]*\.?|°[CF]?|[$€£¥₹¢]|[\u4e00-\u9fff]+))\s*"
)
_NO_COUNTER = lazy_pattern(
    r"^(?:多(?!边)|几(?!何)|来(?!回)|余|出头|不到)|左右|上下|以[上下内外]|之[内外]|吗|的?[倍约因]数|的(?:相反数|倒数|平方|立方|[\u4e00-\u9fff]?次方)"
)
"""What stands where a measure word does and changes the number: 二十多, 10来个, 4以外, 3的倍数."""
_SHAPE_WORDS = {"square": 2, "squared": 2, "sq": 2, "sq.": 2, "cubic": 3, "cubed": 3, "cu": 3, "平方": 2, "立方": 3}


_INCHES = lazy_pattern(r"(^|square |cubic |sq\.? |cu\.? |/)\s*in\.?(?=$|\s*[\^/])")
"""`in` is a filler in `5 in total`, and inches at the end of a unit or under a power."""
_METRES_PER_SECOND = lazy_pattern(r"\bms(?=\s?\^\s?\{?-[12])")
_SPELLED = lazy_pattern(r"electron[- ]volts?")


_SHORT_NOUNS = frozenset(
    ["ant", "bag", "bee", "box", "boy", "bus", "can", "car", "cat", "cow", "cup", "dog", "egg", "fan", "hat", "hen", "jar", "job", "key",
     "kid", "map", "men", "mug", "nut", "pen", "pet", "pig", "pin", "rod", "row", "toy", "van", "way", "win", "bat", "bed", "bin", "bun", "cap", "fig", "fox", "gem", "jug", "kit", "leg", "lid", "net", "owl", "pan", "pie", "pot", "rat", "rug",
     "tag", "tie", "tub", "red", "big", "new", "hot", "wet", "raw"]
)  # fmt: skip
"""What is counted, in so few letters that they would be a product of variables."""


def is_unit_word(word: str) -> bool:
    """Whether a run of letters is a unit that stops an expression: `cm` in `12cm`, never a lone letter."""
    return len(word) > 1 and (_known(_singular(word)) or word in _SHORT_NOUNS or word == "pct")


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> Unit | None:
    """`km/h`, `square inches`, `dollars per shirt`, `rows of flowers`, 平方米; None where it is no unit at all."""
    if len(text) > 80:
        return None
    text = _METRES_PER_SECOND.sub("m s", text)
    text = _INCHES.sub(r"\1inch", _SPELLED.sub("electronvolt", text))
    reader = _UnitReader()
    position = 0
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None or piece.end() == position or not reader.take(piece):
            return None
        position = piece.end()
    return reader.finished(text.strip())


class _UnitReader:
    """What the pieces so far come to: dimensions, scale, and the word that a power would raise."""

    def __init__(self) -> None:
        self.dims: dict[str, int] = {}
        self.scale = Fraction(1)
        self.sign = 1
        self.shape = 0
        self.last: list[tuple[_Entry, int]] = []
        self.words = 0

    def take(self, piece: re.Match[str]) -> bool:
        """Read one piece; False where it makes the text no unit."""
        word = (piece["word"] or "").rstrip(".").lower()
        if piece["slash"]:
            self.sign = -1
        elif piece["power"] or word in ("squared", "cubed"):
            return self.raised(_SHAPE_WORDS.get(word) or int(piece["power"].strip("^{}")))
        elif word in _SHAPE_WORDS:
            self.shape = _SHAPE_WORDS[word]
        elif word:
            return self.word(piece["word"].rstrip("."))
        return True

    def raised(self, exponent: int) -> bool:
        if not self.last or not -4 <= exponent <= 4 or exponent == 0:
            return False
        for entry, power in self.last:
            self.scale = _apply(self.dims, entry, power * (exponent - 1), self.scale)
        self.last = []
        return True

    def word(self, word: str) -> bool:
        self.words += 1
        if word.lower() in _REFUSED or self.words > 6 or (not word.isascii() and _NO_COUNTER.search(word)):
            return False
        if word.lower() in _FILLER and not (word == "A" and self.words == 1):
            return True
        self.last = [(entry, self.sign * power) for entry, power in _entries(word)]
        for entry, power in self.last:
            self.scale = _apply(self.dims, entry, power * (self.shape or 1), self.scale)
        self.shape = 0
        return True

    def finished(self, text: str) -> Unit | None:
        if self.shape:
            return None
        if self.dims.get("celsius") or self.dims.get("fahrenheit"):
            self.dims.pop("degree", None)
        return Unit(tuple(sorted((name, power) for name, power in self.dims.items() if power)), self.scale, text)


def _entries(word: str) -> list[tuple[_Entry, int]]:
    compound = _COMPOUND.get(word) or _COMPOUND.get(_singular(word))
    if compound is None and len(word) > 3:  # the case of a symbol counts: ms is no Ms
        compound = _COMPOUND.get(_singular(word.lower()))
    if word not in _TABLE and compound is not None:
        return list(compound)
    known = _TABLE.get(word) or _TABLE.get(_singular(word)) or (_TABLE.get(word.lower()) if len(word) > 2 else None)
    if known is None and word.lower() != word:
        known = _TABLE.get(_singular(word.lower())) if len(word) > 2 else None
    return [(known or (f"#{_noun(word)}", 1, Fraction(1)), 1)]


def _apply(dims: dict[str, int], entry: _Entry, power: int, scale: Fraction) -> Fraction:
    dimension, exponent, factor = entry
    if not exponent:
        return scale * factor**power
    dims[dimension] = dims.get(dimension, 0) + exponent * power
    return scale * factor**power


def _singular(word: str) -> str:
    if _known(word):
        return word
    for ending, replacement in (("ies", "y"), ("ches", "ch"), ("es", "e"), ("s", "")):
        if word.endswith(ending) and _known(word[: -len(ending)] + replacement) and len(word) > 3:
            return word[: -len(ending)] + replacement
    return word


def _known(word: str) -> bool:
    return word in _TABLE or word in _COMPOUND


def _noun(word: str) -> str:
    lower = word.lower()
    return lower[:-1] if lower.endswith("s") and len(lower) > 3 else lower


def physical(unit: Unit) -> Dimensions:
    """Its dimensions without the nouns: $2 per pair is money."""
    return tuple((name, power) for name, power in unit.dims if not name.startswith("#"))


_FEN = (("cny", 1),)


def as_money(unit: Unit, beside: Unit) -> Unit:
    """分 is a minute, and beside 元 and 角 the hundredth of a yuan."""
    return Unit(_FEN, Fraction(1, 100), unit.text) if unit.text == "分" and physical(beside) == _FEN else unit


def nouns(unit: Unit) -> frozenset[str]:
    return frozenset(name for name, _ in unit.dims if name.startswith("#"))


def compatible(a: Unit, b: Unit) -> bool:
    """Whether amounts in both can be compared: one physical dimension; nouns of one among the other's."""
    if _loosened(physical(a)) != _loosened(physical(b)):
        return False
    mine, yours = nouns(a), nouns(b)
    if physical(a) and physical(b):
        return True
    return mine <= yours or yours <= mine


def _loosened(dims: Dimensions) -> Dimensions:
    """Degrees of any kind are one; ¥ may be either currency that uses it."""
    names = {"celsius": "degree", "cny": "¥", "yen": "¥", "yuan_or_yen": "¥"}
    return tuple((names.get(name, name), power) for name, power in dims)

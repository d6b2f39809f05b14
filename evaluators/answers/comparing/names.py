"""Whether two answers name their values alike: radius and r, 甲数 and 甲, angle A and A; and in which order a problem names them."""

from __future__ import annotations

import re
from collections.abc import Collection

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import Node

_LETTERS = {
    "center": "COMPQ", "radius": "rR", "diameter": "dD", "vertex": "VPA", "focus": "F", "directrix": "l", "domain": "D", "range": "R",
    "quotient": "q", "remainder": "r", "length": "lLa", "width": "wWb", "height": "hH", "perimeter": "PCl", "circumference": "C",
    "area": "SA", "volume": "V", "slope": "mk", "y-intercept": "b", "period": "T", "amplitude": "A", "eccentricity": "e", "mean": "m",
    "first term": "a", "common difference": "d", "common ratio": "qr", "modulus": "r", "maximum": "M", "minimum": "m",
}  # fmt: skip
"""The letters that stand for a quantity."""
_AFFIXES = lazy_pattern(
    r"^(?:angle |其中)|(?<=.)(?:种?商品|种|车|数|队|班|组|地|港|同学|小朋友|每千克|每个|每件|每支|每本|的?单价|的?价格|的?数量|的?速度|的?年龄)$"
)
_LABEL = lazy_pattern(r"(?P<label>[a-h甲乙丙丁戊己庚辛])(?P<suffix>[\u4e00-\u9fff]{0,3})")
_STEMS = "甲乙丙丁戊己庚辛"


def called_alike(mine: dict[str, Node], yours: dict[str, Node]) -> dict[str, Node] | None:
    """The values of `yours` under the names of `mine`; None where a name has no fellow, or may have two."""
    if mine.keys() == yours.keys():
        return yours
    if len(mine) != len(yours):
        return None
    found: dict[str, Node] = {}
    for name, value in yours.items():
        fellow = fellow_of(name, mine if name in mine else [other for other in mine if other not in yours])
        if fellow is None or fellow in found:
            return None
        found[fellow] = value
    return found


def fellow_of(name: str, others: Collection[str]) -> str | None:
    """The one of the other names that is meant by this one."""
    if name in others:
        return name
    alike = [other for other in others if stands_for(name, other) or stands_for(other, name)]
    alike = alike or [other for other in others if _bare(other) == _bare(name)]
    return alike[0] if len(alike) == 1 else None


def stands_for(letter: str, word: str) -> bool:
    head = letter.partition("_")[0]
    return len(head) == 1 and head in _LETTERS.get(word, "")


def _bare(name: str) -> str:
    return _AFFIXES.sub("", name).lower()


def labels_of(named: dict[str, Node]) -> dict[int, Node] | None:
    """The values of A = 5, B = 6 and of 甲车, 乙车 by what their names count; None for other names."""
    labels = [_LABEL.fullmatch(name.lower()) for name in named]
    if None in labels or len({label["suffix"] for label in labels if label is not None}) != 1:
        return None
    return {
        (_STEMS.index(label["label"]) if label["label"] in _STEMS else ord(label["label"]) - ord("a")) + 1: value
        for label, value in zip(labels, named.values(), strict=True)
        if label is not None
    }


def in_order_of(text: str, named: dict[str, Node]) -> dict[str, Node] | None:
    """The values in the order in which a text names them first; None where it does not name them all."""
    places = {name: _place(name, text) for name in named}
    if -1 in places.values() or len(set(places.values())) != len(places):
        return None
    return {name: named[name] for name in sorted(named, key=lambda name: places[name])}


def _place(name: str, text: str) -> int:
    from evaluators.answers.reading.quantities import place_in

    place = place_in(name, text)
    if place >= 0 or len(name) < 2:
        return place
    found = re.search(rf"(?<![a-z]){re.escape(name)}(?![a-z])", text.lower())
    return -1 if found is None else found.start()

r"""Several things asked for, piece by piece: `quotient 14, remainder 2` and `q = 14, r = 2`; `12 red, 18 blue` and `blue: 18, red: 12`.

The last look of a lenient profile. Pieces are matched by what their labels have in common, and in their order where the
prediction's labels say nothing of the reference's; a label that stands for another thing of the reference is never passed over.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from evaluators.answers.comparing.names import stands_for
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.chinese import simplified
from evaluators.answers.reading.remarks import HEDGE
from evaluators.answers.sentences import Judge

MAX_TEXT = 400
MAX_PIECES = 6
_TEXT = lazy_pattern(
    r"\\(?:text|mathrm|textbf|mbox|operatorname)\s*\{([^{}\\]{1,60})\}|\\(?=(?:det|max|min|gcd|arg)(?![a-z]))"
)
_MARKS = lazy_pattern(r"\*\*|\$|\\(?:quad|qquad|[,;:! ])|~")
_SPLITS = lazy_pattern(r"[;；\n、]|[,，](?!\d{3}(?!\d))|\.\s+(?=[A-Z])|\s(?:and|with|at|when|where)\s|和|与|，?且")
_OPENS, _CLOSES = "([{（", ")]}）"
_LABELLED = lazy_pattern(r"(?P<label>[^=:：]{0,60}?)\s*(?:=|:|：)\s*(?P<value>[^=:：]{1,80})")
_WORDS_FIRST = lazy_pattern(
    r"(?P<label>(?:[A-Za-z][A-Za-z'’-]+\s+|[A-Za-z]\s+(?=\d)|[\u4e00-\u9fff]\s*)+)(?P<value>[-+\d\\(\[{].*|[A-Za-z](?:_\w)?\s*=.+|[a-z](?=[\^+*/( -]|$).*|[一二三四五六七八九十百].*)"
)
_WORDS_LAST = lazy_pattern(
    r"(?P<value>[-+]?\d[\d.,/]*)\s*(?P<label>[A-Za-z]{2,}(?:\s+[A-Za-z]+){0,2}|[\u4e00-\u9fff]{1,6})"
)
_WORD = lazy_pattern(r"[A-Za-z]{2,}")
_NOTHING = frozenset({
    "the", "a", "an", "is", "are", "was", "and", "of", "at", "when", "it", "its", "has", "have", "value", "values",
    "each", "with", "for",
})  # fmt: skip
_NAMED_VALUE = lazy_pattern(r"\d?[A-Za-z](?:_\w)?\s*=\s*(?P<value>[^=]+)")
_SYMBOL = lazy_pattern(
    r"(?:[A-Za-z]|\\(?:bar|overline|hat)\s*\{?\w\}?|\\[a-z]{2,7})(?:\(\w\))?(?:\^2)?(?:_\{?\s*\w{1,6}\}?)?|[A-Za-z](?:_?\d)?[A-Za-z](?:_?\d)?|(?:[A-Za-z]_?\d\+?){2}|\W*"
)
"""\\bar x, \\sigma^2, Q(x), x_1 + x_2: what has no name in words."""


class Piece(NamedTuple):
    label: str
    value: str


def agree(left: str, right: str, judge: Judge) -> bool:
    """Whether both texts give the same things, at least two."""
    if len(left) > MAX_TEXT or len(right) > MAX_TEXT or HEDGE.search(right):
        return False
    mine = _pieces(left)
    if not 2 <= len(mine) <= MAX_PIECES or not any(piece.label for piece in mine):
        return False
    yours = _pieces(right)
    if len(yours) != len(mine):
        return False
    order = _matched(mine, yours)
    return order is not None and all(
        _same(piece, yours[place], judge) for piece, place in zip(mine, order, strict=True)
    )


def _same(mine: Piece, yours: Piece, judge: Judge) -> bool:
    """The values themselves, or that of the major axis 2a = 10 under its name in words."""
    if judge(mine.value, yours.value):
        return True
    named = _NAMED_VALUE.fullmatch(yours.value) if _SYMBOL.fullmatch(yours.label) is None else None
    return named is not None and "=" not in mine.value and judge(mine.value, named["value"])


def _pieces(text: str) -> list[Piece]:
    text = _TEXT.sub(r" \1 ", _MARKS.sub(lambda mark: "" if mark[0] in ("$", "**") else " ", simplified(text))).strip()
    return [_piece(part) for part in _parts(text.rstrip("。."))]


def _parts(text: str) -> list[str]:
    """Split at separators outside brackets."""
    found, begin = [], 0
    for mark in _SPLITS.finditer(text):
        inside = text[: mark.start()]
        if sum(inside.count(sign) for sign in _OPENS) == sum(inside.count(sign) for sign in _CLOSES):
            found.append(text[begin : mark.start()].strip())
            begin = mark.end()
    return [part for part in (*found, text[begin:].strip()) if part]


def _piece(part: str) -> Piece:
    for pattern in (_WORDS_FIRST, _LABELLED, _WORDS_LAST):
        if (match := pattern.fullmatch(part)) is not None and match["value"].strip():
            label = match["label"].strip()
            return Piece(label.lower() if len(label) > 1 else label, match["value"].strip())
    return Piece("", part)


def _matched(mine: list[Piece], yours: list[Piece]) -> list[int] | None:
    """For each of mine the place of its fellow; None where labels speak against it."""
    shared = _shared([_stems(piece.label) for piece in mine])
    fellows = [
        [place for place, other in enumerate(yours) if _alike(piece.label, other.label, shared)] for piece in mine
    ]
    if all(len(places) == 1 for places in fellows) and len({places[0] for places in fellows}) == len(mine):
        return [places[0] for places in fellows]
    in_place = range(len(mine))
    told = all(fellows[place] or _says_nothing(yours[place].label, mine[place].label) for place in in_place)
    apart = any(fellows[place] and place not in fellows[place] for place in in_place)
    return list(in_place) if told and not apart else None


def _says_nothing(label: str, reference: str) -> bool:
    """Whether a label is none, or a symbol where the reference has a word."""
    in_symbols = bool(reference) and _SYMBOL.fullmatch(reference) is not None
    return not label or (_SYMBOL.fullmatch(label) is not None and not in_symbols)


def _shared(stems: list[set[str]]) -> set[str]:
    """What several labels have, so that it tells none of them apart."""
    return {stem for at, own in enumerate(stems) for other in stems[at + 1 :] for stem in own & other}


def _alike(mine: str, yours: str, shared: set[str]) -> bool:
    if not mine or not yours:
        return False
    if mine == yours or stands_for(yours, mine) or stands_for(mine, yours):
        return True
    ours, theirs = _stems(mine) - shared, _stems(yours) - shared
    if ours & theirs:
        return True
    if any(one.startswith(other) for one in ours for other in theirs if len(other) > 1 and other.isascii()):
        return True  # trace and tr, variance and Var
    heads = mine.partition("_")[0].partition("(")[0], yours.partition("_")[0].partition("(")[0]
    if len(heads[0]) == len(heads[1]) == 1:
        return heads[0] == heads[1]
    return any(_is_initial(letter, words) for letter, words in ((heads[0], theirs), (heads[1], ours)))


def _is_initial(letter: str, words: set[str]) -> bool:
    return len(letter) == 1 and letter.lower() in {word[0] for word in words if word.isascii()}


def _stems(label: str) -> set[str]:
    words = {word[:5] for word in _WORD.findall(label) if word not in _NOTHING}
    han = re.findall(r"[\u4e00-\u9fff]+", label)
    return (
        words | {run[at : at + 2] for run in han for at in range(len(run) - 1)} | {run for run in han if len(run) == 1}
    )

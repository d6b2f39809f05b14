"""Answers in parts: (1) 5 (2) 7, (a) yes; (b) no, ① ②, A: 5, B: 6, 第一问, 甲 乙, a line each."""

from __future__ import annotations

import re
from typing import NamedTuple

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.dialect import circled

MAX_PARTS = 20
MIN_TEXT = 4
MAX_TEXT = 6_000
"""Characters of one answer, as in surface.py: labels are not sought in what no grammar reads."""
_CHINESE = "一二三四五六七八九十"
_STEMS = "甲乙丙丁戊己庚辛"
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_COUNT = rf"\d{{1,2}}|[ivx]{{1,4}}|[IVX]{{1,4}}|[Ⅰ-Ⅻⅰ-ⅻ]|[a-hA-H]|[{_CHINESE}]"
_AFTER = r"\s*(?:[:：=．]|\.(?!\d))?\s*"
_BEFORE = r"(?:(?<=^)|(?<=[\s,;，；。、.$\\}]))"


class Part(NamedTuple):
    """`place` counts from 1, whatever the labels are."""

    place: int
    text: str


_CIRCLED = "".join(map(chr, range(ord("①"), ord("⒇") + 1)))
_SMALL = "0123456789abcdefghivx"
# One family of labels a pattern, with what its labels begin with; the first whose labels begin the text decides.
_LABELS = (
    ("PQC", lazy_pattern(r"(?:Part|Question|Case|Problem)\s*[(（]?(?P<count>\d{1,2}|[a-hA-H]|[ivxIVX]{1,4})[)）]?\s*(?:[:：=]|\.(?!\d))\s*")),
    ("\\PpFf(（", lazy_pattern(rf"(?:\\text\s*\{{\s*)?(?:(?:[Ff]or\s+)?[Pp]art\s*)?[(（]\s*(?P<count>{_COUNT})\s*[)）](?:\s*\}})?{_AFTER}(?:,?\s*(?:the\s+)?(?:answer|value)\s+is\s+)?")),
    (_CIRCLED, lazy_pattern(rf"(?P<count>[①-⑳⑴-⒇]){_AFTER}")),
    ("第", lazy_pattern(rf"第\s?[(（]?(?P<count>[{_CHINESE}\d])[)）]?\s?(?:小?[问题空]|个(?:问题?|空)|部分){_AFTER}[,，]?\s*")),
    (_SMALL, lazy_pattern(rf"{_BEFORE}(?P<count>[a-h]|\d|[ivx]{{1,4}})[)）]{_AFTER}")),
    ("ABCDEFGHabcdefgh", lazy_pattern(rf"{_BEFORE}(?P<count>[A-Ha-h])\s*[:：]\s*")),
    ("ABCDEFGHIVXivx", lazy_pattern(rf"{_BEFORE}(?P<count>[A-H]|[IVX]{{1,4}}|[ivx]{{1,4}})[.、．]\s*(?=\S)")),
    (_SMALL, lazy_pattern(r"(?m:^)\s*(?P<count>\d{1,2}|[ivx]{1,4}|[a-h])\s*[.、．:：]\s+")),
    (_STEMS, lazy_pattern(rf"(?P<count>[{_STEMS}])(?:[是为有得]|[:：=])*\s*(?=[-\d{_CHINESE}两百千$\\])")),
)  # fmt: skip
_SEPARATORS = " \t\n\r,;，；。、&"
_ENDS = lazy_pattern(r"(?:\s|[,;，；。、&]|\\\\|\\q?quad|\\[,;: ]|\band\b|\.(?=\s*$)|[和与])+$")
_NO_END = lazy_pattern(r"(?:[-+*/^_=<>:(\[{]|\\(?:times|cdot|le|ge|pm|cup|cap|in|or|lor|land))$|\b(?:or|not|if)$")
_DELIMITER = lazy_pattern(r"(?<!\\)\$")
_NO_BEGIN = lazy_pattern(r"[*/^_+=<>)\]}]|or\b|and\b")


_BULLET = lazy_pattern(rf"(?m:^)[ \t]*[-*+•][ \t]+(?=(?:\*\*)?\s*[(（①-⑳]\s*(?:{_COUNT})?\s*[)）]?)")
_BOLD_LABEL = lazy_pattern(
    rf"\*\*\s*(?P<label>(?:(?:Part|Question)\s*)?(?:[(（]\s*(?:{_COUNT})\s*[)）]|[①-⑳⑴-⒇]|(?:{_COUNT})[.、:)])\s*[.:：]?)\s*\*\*|\*\*(?P<whole>\s*[(（]\s*(?:{_COUNT})\s*[)）][^*\n]{{1,80}})\*\*"
)


_ALIGNED = ("\\begin{aligned}", "\\begin{align", "\\begin{array}{l}", "\\begin{gathered}")
_ALIGNMENT = lazy_pattern(r"\\(?:begin|end)\{(?:aligned|align\*?|array|gathered)\}(?:\{l\})?|\\\\|&")
_TEXT_LABEL = lazy_pattern(
    rf"(?P<before>[(（])?\\(?:mathrm|text|textbf|mathbf|rm)\s*\{{\s*(?P<label>(?(before)(?:{_COUNT})|[(（](?:{_COUNT})[)）]))\s*\}}"
)


def without_markdown(text: str) -> str:
    """Labels without their bullets and bold type: `- (1) 9`, `**(a)** 3`; and \\textcircled{1} as ①."""
    if "\\textcircled" in text:
        text = circled(text)
    if text.startswith(_ALIGNED):
        text = _ALIGNMENT.sub("\n", text)
    if "\\" in text:
        text = _TEXT_LABEL.sub(lambda m: f"{m['before'] or ''}{m['label']} ", text)
    if len(_BULLET.findall(text)) > 1:
        text = _BULLET.sub("", text)
    if "**" in text:
        text = _BOLD_LABEL.sub(lambda m: f"{m['label'] or m['whole']} ", text)
    return text


def labelled_parts(text: str) -> tuple[Part, ...] | None:
    """The parts of an answer that carries labels, at least two; None for any other text."""
    if not MIN_TEXT <= len(text) <= MAX_TEXT:
        return None
    stripped = without_markdown(text).strip().removeprefix("$").strip()
    for begins, pattern in _LABELS:
        if stripped[:1] not in begins or pattern.match(stripped) is None:
            continue
        labels = [label for label in pattern.finditer(stripped) if not _closes_a_pair(stripped, label)]
        if 2 <= len(labels) <= MAX_PARTS and labels[0].start() == 0:
            return _cut(stripped, labels)
    return None


def _closes_a_pair(text: str, label: re.Match[str]) -> bool:
    """Whether what looks like the label 3) ends (2,3)."""
    inside = text.rfind("(", 0, label.start()) > text.rfind(")", 0, label.start())
    return inside and label.group().rstrip()[-1:] in (")", "）") and label.group()[0] not in "(（"


def _cut(text: str, labels: list[re.Match[str]]) -> tuple[Part, ...] | None:
    counts = _indices([label["count"] for label in labels])
    if counts is None:
        return None
    parts = []
    ends = [label.start() for label in labels[1:]] + [len(text)]
    for index, label, end in zip(counts, labels, ends, strict=True):
        body = _ENDS.sub("", text[label.end() : end]).strip(_SEPARATORS)
        if (body.count("$") - body.count("\\$")) % 2:
            body = _DELIMITER.sub("", body).strip()
        if not body or _NO_END.search(body) or _NO_BEGIN.match(body):
            return None
        parts.append(Part(index, body))
    return tuple(parts)


def _indices(labels: list[str]) -> list[int] | None:
    """What the labels count: distinct, of one kind; numbers from one on."""
    if all(label.lower() in _ROMAN for label in labels) and not {"i", "I"}.isdisjoint(labels):
        counts = [_ROMAN.index(label.lower()) + 1 for label in labels]
    else:
        counts = [_index(label) for label in labels]
    if len(set(counts)) != len(counts) or 0 in counts:
        return None
    if labels[0].isdigit() and sorted(counts) != list(range(1, len(counts) + 1)):
        return None
    return counts


def place_of(label: str) -> int:
    """What a lone label counts: 3 of (3), 2 of (b), (ii) and ②."""
    return _ROMAN.index(label) + 1 if label in _ROMAN else _index(label)


def _index(label: str) -> int:
    if label.isascii():
        return int(label) if label.isdigit() else ord(label[0].lower()) - ord("a") + 1 if len(label) == 1 else 0
    for first, last in (("①", "⑳"), ("⑴", "⒇"), ("Ⅰ", "Ⅻ"), ("ⅰ", "ⅻ")):
        if first <= label <= last:
            return ord(label) - ord(first) + 1
    return (_CHINESE if label in _CHINESE else _STEMS).index(label) + 1

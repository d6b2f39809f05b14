"""What the text of a problem asks for, read by its words: units, counted things, options."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import cast

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.units import MONEY, Unit, parse_unit, physical

_OPTION = lazy_pattern(r"\(([A-J])\)\s*(.+?)(?=\s*(?:\\qquad|\\quad|\\ |\\\\|,|;|\n|\$|\([A-J]\)|$))", re.DOTALL)
_OPTION_LABEL = lazy_pattern(r"(?:\\(?:textbf|mathrm|text|bf)\s*\{\s*)?(?<![A-Za-z0-9_])\(([A-J])\)\s*~?\s*\}?")
_OPTION_END = lazy_pattern(r"\n|\.\s+[A-Z]|[?？]")
_OPTION_EDGE = lazy_pattern(r"^(?:\\[ ,;:!]|[\s~])+|(?:\\qquad|\\quad|\\\\|\\[ ,;:!]|[\s,;~；，]|\b(?:and|or)\b)+$")
_LINE_OPTION = lazy_pattern(r"(?:^|\n)\s*\(?([A-J])[.)、:．：]\s*([^\n]+)")
_INLINE_OPTION = lazy_pattern(r"(?<![A-Za-z0-9])([A-J])\s?[.、:)．：]\s*((?:(?!\s[A-J]\s?[.、:)．：])[^\n]){1,300})")
_SHAPE = r"(?P<shape>(?:square|cubic|sq\.?|cu\.?)\s+)?"
_HOW_MANY = lazy_pattern(
    rf"\b(?:how\s+many|number\s+of)\s+(?:more\s+|total\s+|full\s+|whole\s+)?{_SHAPE}(?P<unit>[a-z]+(?:\s+per\s+[a-z]+)?)\b",
    re.IGNORECASE,
)
_HOW_MANY_CHINESE = lazy_pattern(r"(?:多少|几)\s*(?:个)?(?P<unit>[\u4e00-\u9fff]{1,4})")
_IN_UNITS = lazy_pattern(
    rf"\bin\s+(?:terms\s+of\s+)?{_SHAPE}(?P<unit>[a-z]{{2,}})\b(?!\s+[a-z])|\bin\s+{_SHAPE.replace('shape', 'shape2')}(?P<unit2>[a-z]{{2,}}\s+per(?:\s+[a-z]{{2,}}\b)?)",
    re.IGNORECASE,
)
_BASE = lazy_pattern(
    r"base[\s-]*\$?\{?(\d{1,2}|eight|two|three|seven|five|six|four|nine)|binary|octal|hexadecimal", re.IGNORECASE
)


_VARIABLE = lazy_pattern(r"\$[^$]{0,80}?(?<![A-Za-z\\])([mgshLlNJWVKd])(?![A-Za-z])[^$]{0,80}?\$")
_MONEY_ASKED = lazy_pattern(r"\bhow\s+much\s+(?:more\s+)?(?:money|change|profit|interest)\b", re.IGNORECASE)
THINGS = lazy_pattern(
    r"\bhow\s+many\s+(?:more\s+|fewer\s+|total\s+|whole\s+|different\s+|other\s+)?(?P<thing>[a-z]{3,}s|people|children|men|women|fish|sheep|mice)\b",
    re.IGNORECASE,
)


def things_counted(text: str) -> str:
    """What the question counts, where that is no unit: apples of `how many apples`."""
    match = THINGS.search(question_of(text))
    if match is None or parse_unit(match["thing"]) is None or physical(cast("Unit", parse_unit(match["thing"]))):
        return ""
    return match["thing"]


def asks_money(text: str) -> bool:
    return _MONEY_ASKED.search(question_of(text)) is not None


_TIME_ASKED = lazy_pattern(r"\bwhat\s+time\b|\bat\s+what\s+(?:time|hour)\b|几[点时]|什么时[候间刻]", re.IGNORECASE)
_HOW_MANY_ASKED = lazy_pattern(r"\bhow\s+(?:many|much)\b|多少|几[个元人只本]", re.IGNORECASE)


def asks_time(text: str) -> bool:
    return _TIME_ASKED.search(question_of(text)) is not None


_AFTERNOON = lazy_pattern(r"\b(?:afternoon|evening|tonight)\b|\bp\.?m\b|下午|晚上|傍晚", re.IGNORECASE)
_MORNING = lazy_pattern(r"\bmorning\b|\ba\.?m\b|上午|早上|早晨|凌晨", re.IGNORECASE)


def half_of_day(text: str) -> str:
    question = question_of(text)
    late, early = _AFTERNOON.search(question), _MORNING.search(question)
    return "" if bool(late) == bool(early) else "p" if late else "a"


_PER_ASKED = lazy_pattern(
    r"(?:\b(?:per|each|every|an?)\s+|/\s?)(?P<unit>[a-z]+)\b|每(?P<han>[\u4e00-\u9fff]{1,3})", re.IGNORECASE
)


def per_what(text: str) -> tuple[Unit, ...]:
    found = [
        _unit("", m["unit"]) if m["unit"] else _chinese_unit(m["han"]) for m in _PER_ASKED.finditer(question_of(text))
    ]
    return tuple(unit for unit in found if unit is not None)


def asks_how_many(text: str) -> bool:
    return _HOW_MANY_ASKED.search(question_of(text)) is not None


_PERCENT_ASKED = lazy_pattern(
    r"\b(?:what|which|how\s+many)\s+percent|\bpercentage\b|\b(?:as|in|find\s+the|by\s+what)\s+(?:a\s+)?percent|\bpercent\s+(?:increase|decrease|change|of\s+\w+\s+(?:is|are))|[_)）?]\s*[%％]|百分之?[几多率比数]|\brates?\b|\bprobability\b|\bchance\b|率",
    re.IGNORECASE,
)


def asks_percent(text: str) -> bool:
    """Whether the question is a percentage or a share, and does not only name one: `what is 25% of 80`."""
    return _PERCENT_ASKED.search(text) is not None


def asks_base(text: str) -> bool:
    return _BASE.search(text) is not None


_DECIMAL = lazy_pattern(
    r"\b(?:decimal(?!\s+(?:place|point|fraction))|base[\s-]*(?:ten\b|\$?\{?10))|十进制", re.IGNORECASE
)
_BASE_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_BASE_NAMES = {"binary": 2, "octal": 8, "hexadecimal": 16}


def base_asked(text: str) -> int:
    """The last base that the text names: what is converted comes first."""
    found = list(_BASE.finditer(text))
    if not found:
        return 0
    if _DECIMAL.search(text, found[-1].end()):
        return 10  # 1011 in base two as a decimal number
    name = (found[-1][1] or found[-1][0]).lower()
    return int(name) if name.isdigit() else _BASE_WORDS.get(name) or _BASE_NAMES.get(name, 0)


def formula_letters(text: str) -> frozenset[str]:
    """Letters of the text's formulas that might be units."""
    return frozenset(_VARIABLE.findall(text))


def asked(text: str) -> tuple[Unit, ...]:
    found = [_unit(m["shape"] or m["shape2"] or "", m["unit"] or m["unit2"]) for m in _IN_UNITS.finditer(text)]
    return counted(text) + tuple(unit for unit in found if unit is not None)


def wanted_in(text: str) -> tuple[Unit, ...]:
    """Those of `in cents`, `in years` in the question itself."""
    question = question_of(text)
    found = [_unit(m["shape"] or m["shape2"] or "", m["unit"] or m["unit2"]) for m in _IN_UNITS.finditer(question)]
    return tuple(unit for unit in found if unit is not None)


_SCALE_ASKED = lazy_pattern(
    r"\bhow\s+many\s+(?P<many>dozen|hundred|thousand|million|billion)s?\b|\bin\s+(?P<in>hundred|thousand|million|billion)s\b|(?:多少|几)(?P<han>[万亿])",
    re.IGNORECASE,
)
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "万": 10**4, "亿": 10**8}


def scale_asked(text: str) -> tuple[str, int] | None:
    """The word and worth of `how many dozen`, `in millions of dollars`, 多少万人: the answer is their number."""
    match = _SCALE_ASKED.search(question_of(text))
    if match is None:
        return None
    word = (match["many"] or match["in"] or match["han"]).lower()
    return word, _SCALES[word]


_AGE_ASKED = lazy_pattern(r"\bhow\s+old\b|多大年[龄纪]|几岁|多少岁", re.IGNORECASE)


def counted(text: str) -> tuple[Unit, ...]:
    if _AGE_ASKED.search(text):
        return (cast("Unit", parse_unit("years")),)
    found = [_unit(m["shape"] or "", _without_rate(m["unit"])) for m in _HOW_MANY.finditer(text)]
    if not text.isascii():
        found += [_chinese_unit(m["unit"]) for m in _HOW_MANY_CHINESE.finditer(text)]
    return tuple(unit for unit in found if unit is not None)


_END = r"(?:the\s+)?(?:\w+(?:est|iest)|least|most|left|right|first|last|top|bottom)\b"
_RISING = r"(?:increasing|ascending|decreasing|descending|alphabetical|numerical|chronological)"
_PUT = r"(?:list|arrange|write|sort|rank|put|give|enter|state|name|express|place|report|order|answer|what|which)"
_ORDER_ASKED = lazy_pattern(
    rf"\bfrom\s+{_END}(?:\s[a-z]+)?\s+to\s+{_END}|\b(?:least|smallest|lowest)\s+to\s+(?:greatest|largest|highest|biggest)\b"
    r"|\b(?:greatest|largest|highest|biggest)\s+to\s+(?:least|smallest|lowest)\b|\bwhat\s+is\s+the\s+(?:correct\s+)?order\b"
    rf"|\b{_PUT}\b.{{0,300}}?(?<!are )(?<!is )(?<!digits )(?<!stand )(?<!form )\b"
    rf"in\s+(?:(?:strictly\s+|non-?)*{_RISING}\s+order|(?:the\s+)?order\s+(?:of|from|by|they|in\s+which)|(?:the|that|this|their)\s+(?:right\s+|correct\s+|same\s+)?order\b)"
    r"|\b(?:arrange|sort|rank|order)\s+(?:the|these|those|them|following)\b"
    r"|\bfirst\s+(?:two|three|four|five|six|seven|eight|ten|\d+)\s+(?:terms|(?:positive|even|odd|prime|multiples|squares)\b)|前[几\d二两三四五六七八九十]+项"
    r"|\bnext\s+(?:two|three|four|five|six|\d+)\s+(?:terms|numbers|members|values)\b|[后下接]{1,2}[来面下]*的?[几\d二两三四五]个?[项数]"
    r"|\b(?:sort|order|arrange|list)\w*\s+(?:\w+\s+){0,4}(?:ascending|descending)(?:ly)?\b"
    r"|[从由](?:小到大|大到小|低到高|高到低|短到长|长到短|少到多|多到少|轻到重|重到轻|矮到高|高到矮|冷到热|热到冷|近到远|远到近|先到后|早到晚|快到慢|慢到快|左到右|右到左|上到下|前到后)"
    r"|[按依]照?[^，。,.]{0,12}(?:顺序|次序|排列|排序)|升序|降序|排序",
    re.IGNORECASE | re.DOTALL,
)
_ORDERED_FIRST = lazy_pattern(
    rf"(?:^|[.!?]\s)\s*(?:list|arrange|sort|rank|order)\s[^.?!]{{0,300}}?\b(?:in\s+{_RISING}\s+order|from\s+{_END})",
    re.IGNORECASE,
)


_BLANKS = lazy_pattern(r"_{2,}[^_]{1,80}_{2,}|[(（]\s*[)）][^()（）]{1,80}[(（]\s*[)）]")
_NAMED_BLANKS = lazy_pattern(r"=\s*\$?\s*_{2,}[^_]{1,80}=\s*\$?\s*_{2,}")
_SEVERAL_SOUGHT = lazy_pattern(r"[根解]|\b(?:roots|solutions|zeros|values)\b", re.IGNORECASE)


_ROOTS_ASKED = lazy_pattern(
    r"解(?:一元二次)?方程|方程[^。]{0,60}(?:的?[两二]?个?根|的解)|\bsolve\b|\beigenvalues\b|\b(?:roots|solutions|zeros)\b",
    re.IGNORECASE,
)
_TOLD_APART = lazy_pattern(
    r"_\{?\d\}?\$?\s*(?:[<>]|\\[lg][et]q?|[大小]于)|较[大小]|larger|smaller|\bsystem\b|方程组", re.IGNORECASE
)


def asks_roots(text: str) -> bool:
    return _ROOTS_ASKED.search(text) is not None and _TOLD_APART.search(text) is None


_CALCULUS = lazy_pattern(
    r"\\(?:i?int|partial)(?![a-z])|∫|\\frac\s*\{?d|\bd[yxt]/d[xt]\b|\b(?:derivatives?|differentia\w+|integra(?:l|te|tion)\w*|antiderivatives?)\b|导数|积分|求导",
    re.IGNORECASE,
)
_COMMON_LOGS = lazy_pattern(r"log\s*_\s*\{?10|\\lg(?![a-z])|\bcommon\s+log|常用对数|\blg\b", re.IGNORECASE)
_POINT_ASKED = lazy_pattern(
    r"\bpoints?\s+of\s+(?:intersection|tangency)\b|\b(?:coordinates?|ordered\s+pairs?|vertex|midpoint|centroid)\b|(?:交点|顶点|中点|圆心|点[A-Z])?的?坐标",
    re.IGNORECASE,
)


def is_calculus(text: str) -> bool:
    return _CALCULUS.search(text) is not None and _COMMON_LOGS.search(text) is None


def asks_point(text: str) -> bool:
    question = question_of(text)
    return _POINT_ASKED.search(question) is not None and not re.search(
        r"\binterval|区间|范围|\brange\b", question, re.IGNORECASE
    )


def asks_order(text: str) -> bool:
    """Whether the values shall stand in an order: `in increasing order`, `from the coldest to the warmest`, 从小到大."""
    blank = "__" in text or "(" in text or "（" in text
    if blank and _BLANKS.search(text) and (_NAMED_BLANKS.search(text) or not _SEVERAL_SOUGHT.search(text)):
        return True
    behind = text[max(0, text.rfind(question_of(text))) :]
    return _ORDER_ASKED.search(behind) is not None or _ORDERED_FIRST.search(text) is not None


_BLANK = lazy_pattern(
    r"_{2,}|(?:\\_){2,}|[(（]\s{1,9}[)）]|[(（][)）]|\\underline\s*\{(?:\s|\\[a-z]+|\\[ ,;]|~)*\}|[▁＿]+|[□◻]"
)


def blanks(text: str) -> int:
    """The blanks of a text, `b = ___, c = ___`, 3/4=(  )/20; none where they stand side by side: the roots are ___, ___."""
    found = list(_BLANK.finditer(text))
    between = [text[one.end() : other.start()] for one, other in pairwise(found)]
    return 0 if any(not _JOINS.sub("", words).strip() for words in between) else len(found)


_JOINS = lazy_pattern(r"[,;，；、$\\]|\b(?:and|or)\b|[和或与]")


def question_of(text: str) -> str:
    """The last sentence that asks, or the last one."""
    end = max(text.rfind("?"), text.rfind("？"))
    if end < 0:
        end = len(text.rstrip(" .。\n"))
    begin = max(text.rfind(mark, 0, end) for mark in (". ", "。", "？", "?", "!", "\n"))
    return text[begin + 1 : end]


def _without_rate(words: str) -> str:
    """Dollars of `how many dollars per pound`, which are given as dollars or cents; the feet per second stay together."""
    first = words.partition(" ")[0]
    unit = parse_unit(first.lower())
    return first if unit is None or MONEY & {name for name, _ in unit.dims} else words


def _unit(shape: str, word: str) -> Unit | None:
    """A physical unit spelled out; `in`, `at` and single letters are words."""
    if word.lower() in ("in", "min", "second") or len(word) < 2:
        return None
    first = word.partition(" ")[0]  # miles of `miles per hour`; loans of `loans per year` are no unit
    counted = parse_unit(first)
    if counted is None or not physical(counted):
        return None
    unit = parse_unit(shape + (word if parse_unit(word) else first))
    return unit if unit is not None and physical(unit) else None


def _chinese_unit(characters: str) -> Unit | None:
    """The longest unit that the characters begin with."""
    for length in range(len(characters), 0, -1):
        unit = parse_unit(characters[:length])
        if unit is not None and physical(unit):
            return unit
    return None


def options(text: str) -> dict[str, str]:
    """The text of each choice, by its letter; empty where the problem lists none."""
    if between := _between_labels(text):
        return dict(between)
    found = _OPTION.findall(text) or _LINE_OPTION.findall(text)
    if len(found) < 2:
        found = _INLINE_OPTION.findall(text)
        found = found if [letter for letter, _ in found] == list("ABCDEFGHIJ"[: len(found)]) else []
    options = {letter: body.strip(" $~").rstrip("\\") for letter, body in found[:10]}
    return options if len(options) > 1 else {}


def _between_labels(text: str) -> list[tuple[str, str]]:
    """Letters and what stands between (A), (B), (C), which count from A, up to the end of the last one's line."""
    labels = list(_OPTION_LABEL.finditer(text))
    starts = [place for place, label in enumerate(labels) if label[1] == "A"]
    if not starts:
        return []
    labels = labels[starts[-1] :][:10]
    if len(labels) < 2 or [label[1] for label in labels] != list("ABCDEFGHIJ"[: len(labels)]):
        return []
    ends = [label.start() for label in labels[1:]]
    last = _OPTION_END.search(text, labels[-1].end())
    ends.append(last.start() if last else len(text))
    bodies = [_OPTION_EDGE.sub("", text[label.end() : end]) for label, end in zip(labels, ends, strict=True)]
    whole = [body if body.count("$") % 2 == 0 else body.replace("$", "") for body in bodies]
    return [(label[1], _dollars_off(body)) for label, body in zip(labels, whole, strict=True)] if all(whole) else []


def _dollars_off(body: str) -> str:
    return body[1:-1] if body.count("$") == 2 and body[0] == body[-1] == "$" else body

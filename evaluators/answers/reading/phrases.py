"""Whole texts that are no expressions: words, "no solution", dates, times, choices, numbers in a base."""

from __future__ import annotations

import re
from functools import lru_cache

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.values import INFINITY, Node, negated, num

MAX_WORDS = 12
"""Words of a text answer: a longer one is prose, and prose is no answer."""

_SPECIALS = {
    "empty": "empty set|the empty set|null set|no solution|no solutions|no real solution|no real solutions|there is no solution|"
    "there are no solutions|there are no real solutions|no such solution|none|has no solution|no integer solutions|no real roots|no roots",
    "undefined": "undefined|not defined|is undefined|dne|does not exist|doesn't exist|doesnt exist|limit does not exist|the limit does not exist|nonexistent",
    "many": "infinitely many|infinitely many solutions|infinite solutions|infinite number of solutions|an infinite number|infinite|"
    "there are infinitely many solutions|infinitely many values",
    "unknown": "cannot be determined|can not be determined|not enough information|insufficient information|cannot determine|"
    "cannot be determined from the given information|cannot be determined with the given information|indeterminate",
}
_SPECIAL_WORDS = {phrase: name for name, phrases in _SPECIALS.items() for phrase in phrases.split("|")}
_NONE_AT_ALL = lazy_pattern(
    r"(?:(?:there (?:is|are|exists?)|it has|has|has got) )?no (?:such |real |integer |integral |positive |rational |possible |valid )*"
    r"(?:solutions?|roots?|values?|numbers?|integers?|triangles?|zeros|zeroes|[a-z])(?: (?:exists?|satisf\w+.*|for [a-z]))?"
)
_REAL_KINDS = lazy_pattern(
    r"(?:the set of )?(?:all |any |every )?(?:the )?(positive|negative|non-?zero|non-?negative|non-?positive) (?:reals?|real numbers?|real values)"
)
_NUMBERS = lazy_pattern(
    r"(?:the set of )?(?:all |any )?(?:the )?(?:(positive integer)s|(integer)s|(natural number)s|(rational number)s)|(?:any |every |each )(?:(positive integer)|(integer)|(natural number)|(rational number))"
)
_NUMBERS_SAID = {
    "positive integer": "positive integers", "integer": "integers", "natural number": "naturals", "rational number": "rationals",
}  # fmt: skip
_REALS = frozenset(
    [
        "all real numbers",
        "all reals",
        "the set of all real numbers",
        "any real number",
        "set of all real numbers",
        "all real values",
        "reals",
        "the real numbers",
        "real numbers",
        "all real number",
    ]
)
_MONTHS = {
    m: i + 1 for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
}
_MONTH = r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
_DATES = tuple(
    lazy_pattern(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s*,?\s+(?P<year>\d{{4}}))?",
        rf"(?:the\s+)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:\s*,?\s*(?P<year>\d{{4}}))?",
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
        r"(?:(?P<year>\d{4})\s*年\s*)?(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*[日号]",
    )
)
_CLOCK_MARK = lazy_pattern(r"\d\s?[:点时]|[apAP]\.?\s?[mM]|o'clock|noon|midnight|NOON|MIDNIGHT|Noon|Midnight")
_DATE_MARK = lazy_pattern(
    r"[jJ][aAuU]|[fF][eE]|[mM][aA]|[aA][pPuU]|[sS][eE]|[oO][cC]|[nN][oO]|[dD][eE]|[-/.]\d+[-/.]|月"
)
_SPOKEN_CLOCK = lazy_pattern(
    r" (?:past|after|to|before) |(?:in the|at) (?:morning|afternoon|evening|night)$", re.IGNORECASE
)
_CLOCK = lazy_pattern(
    r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(?:(a|p)\.?\s?m\.?)?(?:\s*o'clock)?(?:\s*(noon|midnight))?", re.IGNORECASE
)
_CHINESE_CLOCK = lazy_pattern(
    r"(?P<half>上午|早上|早晨|凌晨|清晨|下午|晚上|中午)?\s?(?P<hour>\d{1,2})(?::(?P<colon>\d{2})|[点时](?:整|钟)?(?P<minute>半|[13]刻|\d{1,2}分?)?)"
)
_HOUR = lazy_pattern(r"(\d{1,2})\s*(?:(a|p)\.?\s?m\.?|o'clock)", re.IGNORECASE)
_CHOICE = lazy_pattern(
    r"(?:(?:[Tt]he\s+)?(?:answer|option|choice|correct\s+(?:answer|option|choice))\s*(?:is|:)?\s*|选(?:项|择)?\s*)?"
    r"(?:\(\s*([A-Ja-j])\s*\)\s*[.:]?|([A-J])\s*(?:[.)、]|:(?!\d+(?::|$)))(?!\d)|([A-J])(?=\s*$|\s*选?项))\s*(.*)",
    re.DOTALL,
)
_OPTION_WORD = lazy_pattern(r"(?:option|choice)\s+([A-Ja-j])\b[.:)]?\s*(.*)", re.IGNORECASE | re.DOTALL)
_LETTERS = lazy_pattern(
    r"(?:\([A-H]\)|[A-H])(?:(?:\s?(?:,|;|&|and)\s?|\s|(?=\())(?:and )?(?:\([A-H]\)|[A-H]))+|[A-H]{2,6}(?=\s?(?:选?项)?$)"
)
_BASED = (
    lazy_pattern(r"\(?([0-9A-F]+|\d[0-9a-f]+)\)?\s*_\s*\{?\s*(?:\\text\{)?\s*(\d{1,2}|[a-z]+)\s*\}?\}?"),
    lazy_pattern(r"\(?([0-9A-F]+)\)?\s*\(?\s*(?:\\text\{)?\s*(?:in\s+)?base[\s-]*\{?(\d{1,2}|[a-z]+)\}?\s*\}?\)?", re.IGNORECASE),
)  # fmt: skip
_PREFIXED_BASE = lazy_pattern(r"0([xbo])([0-9A-Fa-f]+)")
_BASE_WORDS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "sixteen": 16,
}
TEXT_COMMAND = lazy_pattern(
    r"\\(?:text(?:bf|it|rm|sf|normal|up)?|mbox|hbox|mathrm|operatorname|mathbf|mathit)\s*\{([^{}]*)\}"
)
_WORDS = lazy_pattern(
    r"[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff\u4e00-\u9fff]+(?:['’][A-Za-z]+)?|(?<![^\s(,;:=])-\s?\d+(?:[./]\d+)?|\d+(?:[./]\d+)?"
)
"""A number with its sign and its point: (-2, 1.5) is not (2, 15)."""
_TEXT_ONLY = lazy_pattern(r"[\w\s.,;:'’\"()&/!?{}-]+")
_PRONOUNS = frozenset({"it", "they", "he", "she", "there", "this", "that", "these", "we", "you", "i"})
_DAYS = {
    short: day
    for day, shorts in {
        "monday": "mon", "tuesday": "tue tues", "wednesday": "wed weds", "thursday": "thu thur thurs", "friday": "fri", "saturday": "sat",
        "sunday": "sun",
    }.items()
    for short in (day, *shorts.split())
}  # fmt: skip
_TRUTHS = frozenset({"true", "false", "correct", "incorrect", "wrong", "right"})
SAME_WORDS = {
    ("neither", "even", "nor", "odd"): ("neither",), ("neither", "odd", "nor", "even"): ("neither",),
    ("converges",): ("convergent",), ("series", "converges"): ("convergent",), ("it", "converges"): ("convergent",),
    ("diverges",): ("divergent",), ("series", "diverges"): ("divergent",), ("it", "diverges"): ("divergent",),
    ("converges", "absolutely"): ("absolutely", "convergent"), ("converges", "conditionally"): ("conditionally", "convergent"),
    ("greater",): ("greater", "than"), ("less",): ("less", "than"), ("smaller",): ("less", "than"), ("smaller", "than"): ("less", "than"),
    ("larger", "than"): ("greater", "than"), ("equal",): ("equal", "to"), ("equals",): ("equal", "to"), ("is", "equal", "to"): ("equal", "to"),
    ("integral", "converges"): ("convergent",), ("integral", "diverges"): ("divergent",), ("does", "not", "converge"): ("divergent",),
    ("it", "does", "not", "converge"): ("divergent",), ("series", "does", "not", "converge"): ("divergent",), ("saddle",): ("saddle", "point"), ("鞍点",): ("saddle", "point"),
} | {
    said: ("第", str(place), "象限")
    for place, names in enumerate((("first", "i"), ("second", "ii"), ("third", "iii"), ("fourth", "iv")), start=1)
    for name in (*names, str(place))
    for said in ((name, "quadrant"), ("quadrant", name))
}  # fmt: skip
_REMAINDER = lazy_pattern(
    r"(?:商(?:是|为)?|[qQ]uotient(?:\s+(?:is|of))?)?\s*(\d{1,30})\s*(?:\([^()\d]{1,8}\)|[\u4e00-\u9fff]{0,2}?)[,;]?\s*(?:(?:\\ldots|\.{3,6}|\\cdots)(?:\\ldots|\.{3,6}|\\cdots|\s)*|余数?(?:是|为)?|\s[Rr]\s?|,?\s?(?:with\s)?(?:a\s)?remainder(?:\sof)?)\s*(\d{1,30})\s*(?:\([^()\d]{1,8}\)|[\u4e00-\u9fff]{0,2})"
)
_REMAINDER_MARKS = ("ldots", "cdots", "...", "余", " R", " r", "remainder")
_ARTICLES = frozenset({"a", "an", "the"})


_SIGNS = {
    ">": ("greater", "than"), "<": ("less", "than"), "=": ("equal", "to"), "\\gt": ("greater", "than"), "\\lt": ("less", "than"),
}  # fmt: skip


def special(surface: str) -> Node | None:
    if surface in _SIGNS:
        return Node("text", (), _SIGNS[surface])
    plain = plain_text(surface).lower().strip(" .").removeprefix("it ")
    if plain in _REALS:
        return Node("interval", (negated(INFINITY), INFINITY), (False, False))
    if plain in ("infinity", "positive infinity", "negative infinity", "minus infinity"):
        return INFINITY if plain in ("infinity", "positive infinity") else negated(INFINITY)
    if (numbers := _NUMBERS.fullmatch(plain)) is not None:
        return Node("special", (), _NUMBERS_SAID[next(word for word in numbers.groups() if word)])
    if kind := _REAL_KINDS.fullmatch(plain):
        return _half_of_the_reals(kind[1].replace("-", ""))
    if ", " in plain and ("not " in plain or " is " in plain or "it's " in plain) and (word := _concluded_word(plain)):
        return Node("text", (), plainest((word,)))
    if (" " in plain or "," in plain) and (answered := _yes_or_no(plain)):
        return Node("text", (), (answered,))
    name = _SPECIAL_WORDS.get(plain) or ("empty" if _NONE_AT_ALL.fullmatch(plain) else None)
    return None if name is None else Node("special", (), name)


_YES_NO = lazy_pattern(r"(?P<first>yes|no)\s?[,.;:]\s+(?P<rest>.{3,200})|(?P<reason>.{3,160}),\s+so\s+(?P<last>yes|no)")
_CONTRARY = lazy_pattern(r"\b(?:but|or|if|only|maybe|unless|however|except|although|yes|no|wait|actually)\b")
_DENIES = lazy_pattern(r"\b(?:not|never|cannot)\b|n't\b")


def _yes_or_no(plain: str) -> str:
    """no of `no, 91 is not a prime` and of `91 is 7 times 13, so no`; empty where what stands beside it may take it back."""
    match = _YES_NO.fullmatch(plain)
    if match is None or _CONTRARY.search(match["rest"] or match["reason"]):
        return ""
    if match["first"] == "yes" and _DENIES.search(match["rest"]):
        return ""
    return match["first"] or match["last"]


def _half_of_the_reals(kind: str) -> Node:
    zero = num(0)
    positive = Node("interval", (zero, INFINITY), (kind == "nonnegative", False))
    negative = Node("interval", (negated(INFINITY), zero), (False, kind == "nonpositive"))
    if kind == "nonzero":
        return Node("union", (negative, positive))
    return positive if kind in ("positive", "nonnegative") else negative


@lru_cache(maxsize=64)
def plain_text(surface: str) -> str:
    if "\\" not in surface:
        return " ".join(surface.replace("$", " ").split())
    text = surface
    while (inner := TEXT_COMMAND.sub(r"\1", text)) != text:
        text = inner
    return " ".join(text.replace("\\ ", " ").replace("$", " ").split())


def remainder(surface: str) -> Node | None:
    """48……4, 商48余4, 48 R 4: a quotient with what is left over."""
    stripped = plain_text(surface)
    if not stripped[:1].isdecimal() and stripped[:1] not in ("商", "q", "Q"):
        return None
    if not any(mark in stripped for mark in _REMAINDER_MARKS):
        return None
    match = _REMAINDER.fullmatch(stripped)
    return Node("remainder", (num(int(match[1])), num(int(match[2])))) if match else None


def date(surface: str) -> Node | None:
    if not re.search(r"\d", surface) or len(surface) > 40:
        return None
    plain = plain_text(surface)
    if not _DATE_MARK.search(plain):
        return None
    for pattern in _DATES:
        match = pattern.fullmatch(plain)
        if match:
            month = match["month"]
            number = int(month) if month.isdigit() else _MONTHS[month[:3].lower()]
            day = int(match["day"])
            if 1 <= number <= 12 and 1 <= day <= 31:
                return Node("date", (), (int(match["year"]) if match["year"] else None, number, day))
    return None


def clock(surface: str) -> Node | None:
    plain = plain_text(surface)
    if _SPOKEN_CLOCK.search(plain) and (past := _half_past(plain)) is not None:
        return past
    if not _CLOCK_MARK.search(plain):
        return None
    if plain.lower() in ("noon", "midnight", "12 noon", "12 midnight"):
        return Node("clock", (), (12 if "noon" in plain.lower() else 0, 0, 0, "exact"))
    spoken = _CHINESE_CLOCK.fullmatch(plain)
    if spoken and (spoken["half"] or not spoken["colon"]):
        return _spoken_clock(spoken)
    timed = _CLOCK.fullmatch(plain)
    if timed and timed[5] and int(timed[1]) != 12:
        return None
    if timed:
        hour, minute, second, half = int(timed[1]), int(timed[2]), int(timed[3] or 0), timed[4]
    elif hourly := _HOUR.fullmatch(plain):
        hour, minute, second, half = int(hourly[1]), 0, 0, hourly[2]
    else:
        return None
    if hour > 24 or minute > 59 or second > 59 or (half and not 1 <= hour <= 12):
        return None
    if timed and timed[5]:
        half = "p" if timed[5].lower() == "noon" else "a"
    if half:
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    bare = () if timed else (Node("raw", (), "hour"),)
    return Node("clock", bare, (hour, minute, second, "exact" if half else "full" if hour > 12 else "open"))


def _spoken_clock(match: re.Match[str]) -> Node | None:
    """下午3点半, 上午8:05; without the half of the day only 3点, since 3:30 has a pattern of its own."""
    half, hour, minute = match["half"], int(match["hour"]), match["minute"] or match["colon"] or "0"
    minutes = {"半": 30, "1刻": 15, "3刻": 45}.get(minute) or int(minute.rstrip("分刻") or 0)
    if hour > 24 or minutes > 59:
        return None
    if half and hour <= 12:
        hour = hour % 12 + (12 if half in ("下午", "晚上", "中午") and not (half == "晚上" and hour == 12) else 0)
    return Node("clock", (), (hour, minutes, 0, "exact" if half else "full" if hour > 12 else "open"))


def based(surface: str) -> Node | None:
    if match := _PREFIXED_BASE.fullmatch(surface):
        base = {"x": 16, "b": 2, "o": 8}[match[1]]
        return _in_base(match[2].upper(), base)
    for text in dict.fromkeys((surface, plain_text(surface))):
        found = _in_named_base(text)
        if found is not None:
            return found
    return None


def _in_named_base(text: str) -> Node | None:
    for pattern in _BASED:
        match = pattern.fullmatch(text)
        if match and (any(c.isdigit() for c in match[1]) or match[2] == "16"):
            name = match[2].lower()
            base = int(name) if name.isdigit() else _BASE_WORDS.get(name, 0)
            return _in_base(match[1].upper(), base) if base else None
    return None


def _in_base(digits: str, base: int) -> Node | None:
    if not 2 <= base <= 36 or any(int(c, 36) >= base for c in digits):
        return None
    return Node("base", (), (digits.lstrip("0") or "0", base))


LABEL = Node("raw", (), "label")
"""Beside the text of a choice: `C: 5` and `(a) 3` may as well be labels of parts."""
_NO_OPTION = lazy_pattern(
    r"选?项?\s?(?:[是都]|说法|明显)*(?:错|不|排除|有误)|(?:is|are|was)\s+(?:wrong|incorrect|not|false|in)|[-+*/^=<>!,;]|(?:and|or)\b|(?:\([A-Ja-j]\)|[A-J])(?:$|[\s,.:=]|\()|[a-j](?:$|[,.:=]|\()"
)


def choice(surface: str) -> Node | None:
    plain = plain_text(surface)
    several = _LETTERS.match(plain)
    if several and plain[several.end() :].strip() in ("", "项", "选项"):
        letters = re.findall(r"[A-H](?![a-z])", several.group().replace("and", " "))
        if len(set(letters)) == len(letters) > 1:
            return Node("choices", (), "".join(sorted(letters)))
    match = _CHOICE.fullmatch(plain)
    option = _OPTION_WORD.fullmatch(plain)
    if option:
        letter, rest = option[1].upper(), option[2]
    elif match:
        letter, rest = (match[1] or match[2] or match[3]).upper(), match[4]
    else:
        return None
    rest = rest.strip()
    if not rest:
        return Node("choice", (), letter)
    if _NO_OPTION.match(rest):
        return None
    label = match is not None and (match.group().strip("(").strip()[0].islower() or ":" in plain[: match.start(4)])
    return Node("choice", (Node("raw", (), rest), LABEL) if label else (Node("raw", (), rest),), letter)


_FIGURES = ("perp", "parallel", "cong", "sim", "subset", "supset", "//")


def figures(surface: str) -> Node | None:
    """AB \\perp CD and the like."""
    if not any(sign in surface for sign in _FIGURES):
        return None
    from evaluators.answers.reading.figures import related

    return related(surface)


def words(surface: str) -> tuple[str, ...] | None:
    """The words of a text answer, without case, articles and punctuation; None for prose and for formulas."""
    plain = plain_text(surface)
    if not _TEXT_ONLY.fullmatch(plain) or not re.search(r"[^\W\d_]", plain):
        return None
    words = tuple(w.lower().replace("’", "'").replace("- ", "-") for w in _WORDS.findall(plain))
    kept = tuple(w for w in words if w not in _ARTICLES) or words
    return kept if 0 < len(kept) <= MAX_WORDS else None


def plainest(said: tuple[str, ...]) -> tuple[str, ...]:
    """One form for what is said in several: `it is Wednesday`, `on Wed`, `even function`, `yes, it is`."""
    if len(said) > 2 and said[-1] in _TRUTHS and (truth := _stated_truth(said)):
        return (truth,)
    if len(said) > 2 and said[0] in ("it", "this", "that", "he", "she", "they") and said[1] in ("is", "was", "are"):
        said = said[2:]
    if "and" in said[1:-1] and not {"yes", "no"} & set(said):
        said = tuple(w for w in said if w != "and")  # red and blue is red, blue
    if len(said) == 2 and said[0] in ("on", "due") and (said[1] in _DAYS or said[0] == "due"):
        said = said[1:]
    if len(said) > 1 and said[0] in ("yes", "no") and said[1] in _PRONOUNS and _agrees(said):
        return said[:1]
    if len(said) == 3 and said[1] == "is" and said[0] in ("function", "series", "sequence", "integral", "number"):
        said = said[2:]
    if len(said) == 2 and said[0] in ("even", "odd") and said[1] in ("function", "number", "integer"):
        said = said[:1]
    said = SAME_WORDS.get(said, said)
    return (_DAYS[said[0]],) if len(said) == 1 and said[0] in _DAYS else said


def _half_past(plain: str) -> Node | None:
    from evaluators.answers.reading.spoken import half_past

    return half_past(plain)


def _concluded_word(plain: str) -> str:
    from evaluators.answers.reading.spoken import concluded_word

    return concluded_word(plain)


def _stated_truth(said: tuple[str, ...]) -> str:
    from evaluators.answers.reading.spoken import stated_truth

    return stated_truth(said)


def _agrees(said: tuple[str, ...]) -> bool:
    """Whether nothing after yes or no takes it back."""
    contrary = {"but", "or", "if", "only", "maybe", "yes", "no"} | ({"not"} if said[0] == "yes" else set())
    return not contrary & set(said[1:]) and not (said[0] == "yes" and any(w.endswith("n't") for w in said))

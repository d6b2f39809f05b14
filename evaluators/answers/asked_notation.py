"""Predictions in a notation that only the question explains: P(5, 2), 0xFF, 0915, 70k, e = 4/5, `..., so the sum is 5`."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.problem import Hints
from evaluators.answers.reading.remarks import HEDGE

_ARRANGED = lazy_pattern(
    r"\$?\s*(?:_?\{?(?P<m>\d{1,3})\}?)?P(?:\((?P<n>\d{1,3})\s*,\s*(?P<r>\d{1,3})\)|_\{?(?P<s>\d{1,3})\}?)\s*\$?"
)
_ARRANGEMENTS = lazy_pattern(r"\b(?:ways|arrange\w*|permut\w*|order(?:ed|ings?)?|seat\w*|line)\b|排", re.IGNORECASE)
_ECCENTRIC = lazy_pattern(r"\$?\s*e\s*=\s*(?P<value>[^=]{1,60})")
_DIGITS = lazy_pattern(
    r"\$?\s*(?:0[xXbBoO])?(?:\\(?:text|mathrm|mathtt)\s*\{\s*)?(?:0[xXbBoO])?(?P<digits>[0-9A-Fa-f]{1,40})\s*\}?(?:\s*_\{?\s*(?:\\(?:text|mathrm)\s*\{\s*)?(?P<base>16|8|2|hex|bin|oct|H|h)\s*\}{0,2})?\s*[hH]?\s*\$?"
)
_BASE_NAMES = {"hex": 16, "h": 16, "bin": 2, "oct": 8}
_FOUR_DIGITS = lazy_pattern(r"([01]\d|2[0-3])([0-5]\d)\s*(?:h|hours|hrs)?")
_MINUTES_TO = lazy_pattern(
    r"(\d{1,2}|five|ten|twenty|twenty-five) ((?:to|before) (?:\d{1,2}|[a-z]{3,6}))", re.IGNORECASE
)
_LASTS = lazy_pattern(r"(\d{1,2}):([0-5]\d)")
_HOURS_AND_MINUTES = lazy_pattern(r"hours?\s*:\s*min|\bhh?:mm\b|时[:：]分", re.IGNORECASE)
_THOUSANDS = lazy_pattern(r"([-$€£¥]{0,2}\d{1,6}(?:\.\d{1,3})?)\s?[kK]")
_LETTER_K = lazy_pattern(r"(?<![A-Za-z])[kK](?![A-Za-z])")
_TONNES = lazy_pattern(r"(\d[\d.,/]*)\s?t")
_SCALED = lazy_pattern(r"(?P<sign>[$€£¥]?)\s?[\d.,]+\s?(?P<word>million|billion|thousand|hundred)", re.IGNORECASE)
_BARE = lazy_pattern(r"[-$]?\d[\d,]*(?:\.\d+)?")
_SO = lazy_pattern(
    r"(?P<lead>.{3,200}?)[,;]\s*(?:and\s+)?(?:so|hence|thus|therefore|which\s+means|giving)\s+(?:that\s+)?(?:the|their|its)\s+(?P<what>[a-z][a-z ]{1,40}?)\s+(?:is|are|equals)\s+(?P<value>[^,;]{1,40}?)\.?",
    re.IGNORECASE | re.DOTALL,
)
_THEY_ARE = lazy_pattern(
    r"(?:the|their|its)\s+(?:two\s+|three\s+)?(?P<what>numbers|integers|solutions|roots|zeros|values|answers|factors)\s+are\s+(?P<value>[-$\\(\d][^;]{0,60}?)\.?",
    re.IGNORECASE,
)
"""The numbers are 13 and 7."""
_NO_MATTER = frozenset({"the", "of", "a", "an", "all", "these", "those", "two", "three", "required", "answer"})
_PRINTED = lazy_pattern(r"(?:(?:np|numpy)\.)?array\(\s*\[([^\[\]]{1,300})\]\s*\)|\[([^\[\]]{1,300})\]")
_RESIDUE = lazy_pattern(
    r"\$?\s*(?:[a-z]\s*\\equiv\s*)?(?P<value>\d{1,9})\s*(?:\\pmod\s*\{?|\\bmod\s*\{?|\(\s*(?:\\?mod|\\text\{mod\})\s*)(?P<modulus>\d{1,9})\s*[)}]?\s*\$?"
)
_ASKS_RESIDUE = lazy_pattern(r"\b(?:inverse|remainder|residue)\b|余数|逆元", re.IGNORECASE)
_MODULUS = r"(?:mod(?:ulo)?|modulus|divided\s+by|除以)[\s$}{\\]*{}(?!\d)"
_PROGRAM = lazy_pattern(r"array\(|(?<!\\)sqrt\(|\*\*")


def as_noted(left: str, right: str, hints: Hints) -> str:
    """The prediction in the notation of references; as it is where the question does not explain it."""
    bare = right.strip()
    if (
        hints.base_asked
        and (digits := _digits(bare, hints.base_asked))
        and digits == (_digits(left, hints.base_asked) or " ")
    ):
        return left
    if "mod" in bare and (residue := _RESIDUE.fullmatch(bare)) is not None and _is_its_residue(residue, hints):
        return residue["value"]
    if "P" in bare and (arranged := _ARRANGED.fullmatch(bare)) is not None and _ARRANGEMENTS.search(hints.question):
        n, r = arranged["n"] or arranged["m"], arranged["r"] or arranged["s"]
        return f"A_{{{n}}}^{{{r}}}" if n and r and int(r) <= int(n) else right
    if (
        "e" in bare
        and (named := _ECCENTRIC.fullmatch(bare)) is not None
        and re.search("eccentricity|离心率", hints.lower)
    ):
        return named["value"].rstrip("$ ")
    if " are " in bare and (they := _THEY_ARE.fullmatch(bare)) is not None and they["what"].lower()[:4] in hints.lower:
        return they["value"].strip()
    if ", " in bare and (so := _SO.fullmatch(bare)) is not None and _is_asked(so, hints.question):
        return so["value"].strip()
    if "]" in bare and hints.roots and (printed := _PRINTED.fullmatch(bare)) and _PROGRAM.search(bare):
        return right if re.search(r"[(\[\]<>]|\\[lg]e", left.replace("\\left", "")) else printed[1] or printed[2]
    return _amount(left, bare, hints) or right


def _amount(left: str, bare: str, hints: Hints) -> str:
    """9:15 am of 0915, 1 hour 30 minutes of 1:30, 70000 of 70k, 3 million of 3; empty for any other text."""
    if hints.time and ":" in left and (time := _FOUR_DIGITS.fullmatch(bare)) is not None:
        hour = int(time[1])
        return f"{hour % 12 or 12}:{time[2]} {'am' if hour < 12 else 'pm'}"
    if hints.time and (before := _MINUTES_TO.fullmatch(bare)) is not None:
        return f"{before[1]} minutes {before[2]}"
    if (lasts := _LASTS.fullmatch(bare)) is not None and ":" not in left and _HOURS_AND_MINUTES.search(hints.question):
        return f"{lasts[1]} hours {lasts[2]} minutes"
    if (thousands := _THOUSANDS.fullmatch(bare)) is not None and hints.one_number and not _LETTER_K.search(hints.text):
        return f"{thousands[1]} thousand"
    if (tonnes := _TONNES.fullmatch(bare)) is not None and left.rstrip("。. ").endswith(("吨", "tonnes", "tons")):
        return f"{tonnes[1]} tonnes"
    if (
        hints.scale is not None
        and _BARE.fullmatch(bare)
        and (scaled := _SCALED.fullmatch(left.strip("$ "))) is not None
    ):
        same = scaled["word"].lower() == hints.scale[0]
        return f"{'$' if left.strip().startswith('$') else ''}{bare.lstrip('$')} {scaled['word']}" if same else ""
    return ""


def _digits(text: str, base: int) -> str:
    """FF of 0xFF, \\text{FF}_{hex} and ff, in base 16; empty where it is in another base."""
    match = _DIGITS.fullmatch(text.strip())
    if match is None:
        return ""
    prefix = re.search(r"0([xXbBoO])", text)
    said = (match["base"] or "").lower()
    named = _BASE_NAMES.get(said) or (int(said) if said.isdigit() else 0)
    named = named or ({"x": 16, "b": 2, "o": 8}[prefix[1].lower()] if prefix and match["digits"] != prefix[0] else 0)
    digits = match["digits"].upper()
    if (named and named != base) or any(int(c, 16) >= base for c in digits):
        return ""
    return digits.lstrip("0") or "0"


def _is_asked(so: re.Match[str], question: str) -> bool:
    """Whether the question's words are those of what the last clause states, and nothing hedges."""
    what = {word for word in so["what"].lower().split() if word not in _NO_MATTER}
    words = set(re.findall(r"[a-z]+", question.lower()))
    hedged = HEDGE.search(so["value"]) or re.search(r"\b(?:not|maybe|perhaps|possibly|if)\b", so["lead"])
    return bool(what) and what <= words and not hedged


def _is_its_residue(residue: re.Match[str], hints: Hints) -> bool:
    """4 (mod 11), where one residue modulo 11 is asked for: the inverse of 3, a remainder."""
    if _ASKS_RESIDUE.search(hints.text) is None:
        return False
    said = re.compile(_MODULUS.replace("{}(", residue["modulus"] + "("), re.IGNORECASE)
    return int(residue["value"]) < int(residue["modulus"]) and said.search(hints.text) is not None

"""What the last sentence states: the text behind its verb, as far as the language of answers reads it."""

from __future__ import annotations

import re

from evaluators.answers.evidence.candidates import SENTENCE_END, Candidate, candidate
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.numerals import english_number
from evaluators.answers.reading.readings import readings
from evaluators.answers.values import Node, symbols

MAX_STATED = 200
"""Characters of a sentence whose value is sought so."""
_BEGINS = lazy_pattern(
    r"(?:\b(?:is|are|was|were|equals|be|becomes?|gives?|gets?|have|has|at|point|points|that|namely|solutions?|values?|numbers?|roots?|(?:total|sum|product)\s+of|in)\b:?\s+"
    r"|\b(?:two|three|four|five|six|\d)\s+(?:real\s+|distinct\s+|possible\s+|integer\s+)?(?:roots|solutions|values|answers|numbers),\s+"
    r"|^(?:so|therefore|thus|hence|then|finally|now|and|we\s+(?:get|have|find|obtain))\b[,:]?\s*|[,;]\s*(?:and\s+)?(?:so|therefore|thus|hence|giving|which\s+(?:gives|means)|meaning)\s+(?:that\s+)?|[:：]\s*"
    r"|(?:是|为|等于|得|所以|因此|从而|于是|故|即|∴|则|范围|有|：)\s*[:：,，]?\s*)(?=[^\s])",
    re.IGNORECASE,
)
_PROSE = lazy_pattern(
    r"(?<![\\A-Za-z])(?!(?:sin|cos|tan|cot|sec|csc|log|ln|exp|sqrt|pi|and|or|arcsin|arccos|arctan|max|min|gcd|lcm|inf|mod)\b)[A-Za-z]{3,}|\b(?:so|we|if|as|by|is|it|to|an|of|at|be|on)\b|[\u4e00-\u9fff]"
)
_CHINESE_MATHEMATICS = lazy_pattern(
    r"(?<=\d)\s+to\s+(?=\d)|根号|分之|或者?|和|余|比|无解|又|[零一二三四五六七八九十百千万两]+"
)
_RESPECTIVELY = lazy_pattern(r",?\s*respectively\.?$", re.IGNORECASE)
_PLAIN = frozenset(
    {"num", "dec", "qty", "percent", "text", "sym", "choice", "clock", "base", "special", "raw", "given"}
)
_JOINED = lazy_pattern(r"\b(?:or|and)\b|或|和")
_NUMBERED = lazy_pattern(
    r"\b(?:is|are|was|were|has|have|gets?|gives?|makes?|equals|takes?|needs?|costs?|requires?|pays?|spends?|earns?|saves?)\s+(?:a\s+total\s+of\s+|only\s+|exactly\s+)?"
    r"(?P<number>[$€£]?\d[\d,]*(?:\.\d+)?)\s+[A-Za-z]+(?:\s[A-Za-z]+){0,2}\s+(?:in|of|on|for|from|among|with|per|at|after|between)\s+[^,;=.]*$"
)
_NEEDED = lazy_pattern(
    r"\b(?:needs?|requires?|takes?)\s+(?P<number>[$€£]?\d[\d,]*(?:\.\d+)?)\s+(?:more\s+|additional\s+|extra\s+)?[a-z]+(?:\s[a-z]+)?\s+to\s+[a-z]+\s+[^,;=.]*$"
)
"""He needs 10 more points to reach 50."""
_NUMBERED_WHEN = lazy_pattern(
    r"\b(?:is|are|was|equals)\s+(?:a\s+total\s+of\s+|only\s+|exactly\s+)?(?P<number>[$€£]?-?\d[\d,]*(?:\.\d+)?)(?:\s+[A-Za-z]+){0,2}"
    r"\s+(?:when|where|at|for)\s+\$?[A-Za-z]\w?\s*=[^;]*$"
)
"""The maximum value is 12 when x = 3 and y = 5."""
_RECKONS = lazy_pattern(
    r"\b(?:so|then|thus|(?<!in\s)total|means|makes|giving|more|less|fewer|than|times|or|not)\b", re.IGNORECASE
)
_WORDED = lazy_pattern(
    r"(?:\b(?:is|are|was|were|of|be|has|have|makes?|saves?|earns?|pays?|gets?|spends?|costs?|needs?|equals)\b\s+)([A-Za-z]+(?:[ -][A-Za-z]+){0,5})\W*$"
)


def last_sentence(text: str, begin: int, closing: str = ".。!*") -> tuple[int, int]:
    """Where the last sentence stands, without what ends it."""
    end = len(text)
    while end > begin and (text[end - 1].isspace() or text[end - 1] in closing):
        end -= 1
    start = begin
    for match in SENTENCE_END.finditer(text, begin, end):
        start = match.end()
    return start, end


def stated(text: str, plural: bool = False, begin: int = 0, equations: bool = False) -> Candidate | None:
    """The longest end of the last sentence that reads as more than a number: a point, a formula, several values.

    `plural` takes bare lists (`12 and 15`) too, which a sentence about one value may end in by chance; `equations`
    takes x^2 + y^2 = 25, of which otherwise the last number counts.
    """
    start, end = last_sentence(text, begin, ".。．!*")
    if not 3 <= end - start <= MAX_STATED:
        return None
    end -= len(text[start:end]) - len(_RESPECTIVELY.sub("", text[start:end]))
    places = [start, *(match.end() for match in _BEGINS.finditer(text, start, end))]
    for place in places:
        piece = text[place:end].strip()
        if piece and not _PROSE.search(_CHINESE_MATHEMATICS.sub("", piece)) and _reads(piece, plural, equations):
            at = text.index(piece, place)
            return candidate(text, at, at + len(piece), "last_formula", 0.4)
    return None


def _reads(piece: str, plural: bool, equations: bool) -> bool:
    found = readings(piece, False, False)
    if not found:
        return False
    if found[0].op == "qty":  # 3\\sqrt{2} cm
        return found[0].args[0].op not in _PLAIN and found[0].args[0].op not in ("neg", "div", "mixed")
    if found[0].op in _PLAIN:
        return False
    if found[0].op == "relation":
        return (equations and bool(symbols(found[0]))) or _says_what(found[0])
    if found[0].op not in ("list", "set"):
        return True
    return plural or (all(item.op == "relation" for item in found[0].args) and _JOINED.search(piece) is not None)


def _says_what(relation: Node) -> bool:
    """AB = 2\\sqrt{3}, 1 <= x < 4; no chain of a calculation, and no number, which the last number is anyway."""
    if "=" not in relation.value:
        return bool(symbols(relation)) and "~" not in relation.value
    left, right = relation.args[0], relation.args[-1]
    named = left.op in ("sym", "call") or (left.op == "mul" and all(a.op == "sym" for a in left.args))
    return len(relation.args) == 2 and named and right.op not in _PLAIN


def counted(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The place of 9 in `there are 9 chairs in the 3 rows`: what the verb states, before what it stands among."""
    if (needed := _NEEDED.search(text, start, end)) is not None:
        return needed.span("number")
    match = _NUMBERED.search(text, start, end) or _NUMBERED_WHEN.search(text, start, end)
    if match is None or _RECKONS.search(text, match.end("number"), end):
        return None
    return match.span("number")


def worded(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The place of a number in words that ends the sentence: `a total of one thousand dollars`."""
    match = _WORDED.search(text, start, end)
    if match is None:
        return None
    said = re.split(r"[ -]", match.group(1).lower())
    for begin in range(len(said)):
        for stop in range(len(said), begin, -1):
            if english_number(tuple(said[begin:stop])) is not None:
                offset = match.start(1) + len(" ".join(said[:begin])) + (begin > 0)
                return offset, offset + len(" ".join(said[begin:stop]))
    return None

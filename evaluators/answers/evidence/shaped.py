"""Answers that the reference's shape tells how to find where nothing announces them: parts, letters, truth, collections.

Only what is concluded is sought here, never in `reward`: the shape says what to look for, not what it should be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Literal

from evaluators.answers.evidence.candidates import MATH, Candidate, candidate, last_match
from evaluators.answers.evidence.named import named_block
from evaluators.answers.evidence.statements import last_sentence, stated
from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.parts import labelled_parts
from evaluators.answers.reading.readings import readings
from evaluators.answers.values import Node, symbols

Shape = Literal["", "list", "parts", "choice", "truth", "remainder", "structure"]
Conclude = Callable[[str], str]
_STRUCTURES = frozenset({"tuple", "interval", "union", "bracket", "angle", "relation", "ratio", "given"})
_TRUTHS = frozenset({("true",), ("false",), ("yes",), ("no",)})
_INTRODUCTION = lazy_pattern(
    r"\s*(?:(?:解|答|解答|答案|所以|因此|综上|故|Solution|Answers?|So|Therefore|Thus)(?:是|为|\s+(?:is|are))?\s*[:：,，]?\s*)+"
)
_ANSWERED = lazy_pattern(
    r"答[:：]|答案(?:是|为)?[:：]?|综上(?:所述)?[,，:：]?|\banswers?\s*(?:is|are)?\s*[:：]", re.IGNORECASE
)
_ANSWERED_LAST = lazy_pattern(r"答[:：][^。\n]{0,40}(?:和|或|、)[^。\n]{0,20}[。.]?\s*$")
_STEMS = lazy_pattern(r"(?:^|[\s，,。；;：:])(?=[甲乙][^，。；\n]{0,6}\d)")
_LETTER = r"\\?\(?\**[(（]?\s*([A-J])\s*[)）]?\**"
_CHOSEN = lazy_pattern(
    rf"(?:\b(?:option|choice|answer)\s+)?(?<![A-Za-z]){_LETTER}\s+(?:is|must\s+be|has\s+to\s+be)\s+(?:therefore\s+|thus\s+)?(?:the\s+)?(?:correct|right|best|only\s+correct)\b"
    rf"|\b(?:correct|right|best|only)\s+(?:answer|choice|option|one)\s*(?:is|:|=)+\s*(?:option\s+|choice\s+)?{_LETTER}(?![A-Za-z'])"
    rf"|\b(?:matches|corresponds\s+to|which\s+is|choose|select|pick)\s+(?:option|choice|answer)\s+{_LETTER}(?![A-Za-z'])"
    rf"|(?<![不非除])(?:选择|选项|应选|故选|选)\s*(?:是|为|[:：])?\s*{_LETTER}"
    rf"|(?<![A-Za-z]){_LETTER}\s*(?:选?项)?(?:是)?(?:正确|符合题意|对的)"
)
_CHOSEN_LAST = lazy_pattern(
    rf"(?:(?i:\b(?:is|so|hence|thus|therefore|leaving|leaves|namely)),?\s+|(?:所以|因此|故|只有|只剩|剩下|是)[,，]?\s?)(?:[Oo]ption\s+|[Cc]hoice\s+|选?项)?(?<![A-Za-z]){_LETTER}(?![A-Za-z'])(?:选?项)?\W*$",
)
"""So the largest is (A). Hence A."""
_UNDECIDED = lazy_pattern(r"\b(?:not|or|either|maybe|perhaps|possibly|neither|if)\b|n['’]t|不|可能|或", re.IGNORECASE)
_TRUTH_FIRST = lazy_pattern(
    r"[\s*_]*(?P<truth>yes|no|true|false|是的?|否|不是|对|错|正确|错误|能|不能)[\s*_]*(?:[,.，。:：;；—–]|\bbecause\b|\bsince\b|$)(?P<rest>(?s:.)*)",
    re.IGNORECASE,
)
_TURNS = lazy_pattern(
    r"\b(?:but|however|yet|although|unless|wait|actually|yes|no|true|false|maybe|not\s+(?:sure|certain))\b|但|不过|然而|可能|不一定|是的|不是|不能|错",
    re.IGNORECASE,
)
_WHOLE_OPTION = lazy_pattern(r"[\s*]*[(（]?([A-J])\s*[)）.:．、]\**\s*\S.{0,200}$")
_REJECTED = lazy_pattern(
    r"(?<![A-Za-z])(?:[Oo]ption|[Cc]hoice)?\s*\(?([A-J])\)?\s+(?:is|are|was|can)\s*(?:n['’]t|not|in(?:correct|valid)|wrong|false)"
)
_REMAINDER = lazy_pattern(
    r"\d{1,20}\s*(?:[(（][^()（）\d]{1,8}[)）])?\s*(?:(?:…|⋯|·{3,}|\.{3,}|\\[lc]?dots)+|\s+[Rr]\s*|\s*余(?:数是?)?)\s*\d{1,20}"
)
_JSON = lazy_pattern(r"\s*(?:```(?:json)?\s*)?(\{.*\})\s*(?:```)?\s*", re.DOTALL)
MAX_JSON = 10_000


def shape_of(reference: str) -> Shape:
    """What kind of answer the reference is, as far as that tells where to look."""
    found = readings(reference, True, False)
    if not found:
        return ""
    node = found[0]
    if node.op == "parts" or _named(node):
        return "parts"
    if node.op in ("list", "set"):
        return "list"
    if node.op in ("choice", "remainder"):
        return "choice" if node.op == "choice" else "remainder"
    if any(said.op == "text" and said.value in _TRUTHS for said in found):
        return "truth"
    return "structure" if node.op in _STRUCTURES else ""


def _named(node: Node) -> bool:
    """x = 1, y = 2: values of different names."""
    if node.op != "list" or any(a.op != "relation" or a.args[0].op != "sym" for a in node.args):
        return False
    return len({a.args[0].value for a in node.args}) == len(node.args)


def by_shape(text: str, shape: Shape, conclude: Conclude, *, announced: bool) -> Candidate | None:
    """The conclusion of such a shape; None where the text has none. An announcement gives way to parts alone.

    `conclude` finds what one part comes to.
    """
    if shape == "parts":
        return labelled_values(text, conclude) or (None if announced else named_block(text) or _fields(text))
    if announced and shape == "list" and _ANSWERED_LAST.search(text):
        return stated(text, True)
    if announced or not shape:
        return None
    if shape == "choice":
        return lettered(text)
    if shape == "truth" and (first := _first_word(text)) is not None:
        return first
    if shape == "remainder":
        last = last_match(_REMAINDER, text, 0, len(text))
        return last and candidate(text, *last.span(), "conclusion", 0.5)
    if shape == "list" and "{" in text and (fields := _fields(text)) is not None:
        return fields
    return stated(text, shape == "list", equations=shape == "structure") or _whole_formula(text, shape)


def _first_word(text: str) -> Candidate | None:
    """The yes or no with which the whole text begins, and which nothing behind it takes back."""
    first = _TRUTH_FIRST.fullmatch(text) if len(text) <= MAX_JSON else None
    return None if first is None or _TURNS.search(first["rest"]) else candidate(
        text, *first.span("truth"), "conclusion", 0.5
    )  # fmt: skip


def _whole_formula(text: str, shape: Shape) -> Candidate | None:
    """The last formula with both its sides, where the reference is an equation."""
    last = last_match(MATH, text, 0, len(text)) if shape == "structure" else None
    if last is None:
        return None
    found = readings(last.group(), False, False)
    relation = bool(found) and found[0].op == "relation" and len(found[0].args) == 2 and bool(symbols(found[0]))
    return candidate(text, *last.span(), "last_formula", 0.4) if relation else None


def labelled_values(text: str, conclude: Conclude) -> Candidate | None:
    """(1) ...; (2) ... of a whole text or of what its last 答： begins, each part by its own conclusion."""
    starts = [*[match.end() for match in _ANSWERED.finditer(text)][-1:], 0]
    for start in starts:
        lead = _INTRODUCTION.match(text, start)
        begin = lead.end() if lead else start
        parts = labelled_parts(text[begin:].rstrip(" .。\n"))
        if parts is None and (stem := _STEMS.search(text, start)) is not None:
            parts = labelled_parts(text[stem.end() :].rstrip(" .。\n"))
        if parts is not None:
            values = [f"({part.place}) {_value(part.text, conclude)}" for part in parts]
            return Candidate(method="parts", answer="; ".join(values), start=begin, end=len(text), confidence=0.5)
    return None


def _value(body: str, conclude: Conclude) -> str:
    """What a part comes to: itself, where it is an answer, else what it concludes."""
    found = readings(body, False, False)
    if found and found[0].op != "text" and not ("=" in body and len(body) > 12):
        return body
    return conclude(body) or body


def lettered(text: str) -> Candidate | None:
    """The letter that the text calls right, or with which the whole text begins."""
    last = last_match(_CHOSEN, text, 0, len(text))
    if last is not None:
        group = next(i for i in range(1, len(last.groups()) + 1) if last.group(i))
        return candidate(text, *last.span(group), "conclusion", 0.5)
    whole = _WHOLE_OPTION.fullmatch(text.strip("\n "))
    if whole is not None and _REJECTED.search(text) is None:
        begin = text.index(whole.group(1))
        return candidate(text, begin, begin + 1, "conclusion", 0.5)
    start, end = last_sentence(text, 0)
    chosen = _CHOSEN_LAST.search(text, start, end)
    if chosen is not None and not _UNDECIDED.search(text, max(start, chosen.start() - 20), chosen.start()):
        return candidate(text, *chosen.span(1), "conclusion", 0.5)
    rejected = _REJECTED.search(text, start, end)
    return None if rejected is None else Candidate(
        method="conclusion", answer="", start=start, end=end, confidence=0.3, denied=True
    )  # fmt: skip


def _fields(text: str) -> Candidate | None:
    """Values that a JSON object names without calling one of them the answer."""
    match = _JSON.fullmatch(text) if len(text) <= MAX_JSON else None
    if match is None:
        return None
    try:
        fields = json.loads(match.group(1))
    except (ValueError, RecursionError):
        return None
    scalars = {k: v for k, v in fields.items() if isinstance(v, int | float | str) and not isinstance(v, bool)}
    if len(scalars) < 2 or len(scalars) != len(fields):
        return None
    letters = all(len(name) == 1 and name.isalpha() for name in scalars)
    values = [f"{name} = {value}" if letters else str(value) for name, value in scalars.items()]
    return Candidate(method="json", answer=", ".join(values), start=match.start(1), end=match.end(1), confidence=0.5)

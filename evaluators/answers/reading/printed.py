"""Answers as programs print them: sympy's and numpy's names in the spelling that the grammar reads."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern

_NAME = lazy_pattern(
    r"Interval|Union|FiniteSet|Fraction|Rational|Matrix|array|EmptySet|Reals|Tuple|set\(|list\(|matrix"
)
_CALL = lazy_pattern(
    r"(?:(?:sp|np|sympy|numpy|S)\.)?(?P<name>Interval(?:\.(?:open|Lopen|Ropen))?|FiniteSet|Fraction|Rational)\((?P<inside>[^()]*)\)"
)
_WRAPPER = lazy_pattern(
    r"(?:(?:sp|np|sympy|numpy)\.)?(?:Immutable(?:Dense)?)?(?:Mutable(?:Dense)?)?"
    r"(?:Matrix|matrix|array|Tuple|set|tuple|list)\s?\((.*)\)",
    re.DOTALL,
)
_SET = lazy_pattern(r"set\(\[([^\[\]]*)\]\)")
_UNION = lazy_pattern(r"Union\((.*)\)", re.DOTALL)
_MAPPING = lazy_pattern(r"\[?\\?\{?((?:\s*'?[A-Za-z]\w{0,3}'?\s*:\s*[-\d\\(][^:{}]*(?:,|(?=\\?\}|$))){2,})\\?\}?\]?")
_FLOAT_DOT = lazy_pattern(r"(?<=\d)\.(?=\s*[,\])])")
"""array([3., 1.])."""
_MODULE = lazy_pattern(
    r"(?<![\w.])(?:math|np|numpy|sp|sympy|cmath|torch|mpmath|mp)\.(?=(?:pi|e|sqrt|cbrt|log|exp|sin|cos|tan|asin|acos|atan|inf|oo|Integer)\b)"
)
_PAIR = lazy_pattern(r"'?([A-Za-z]\w{0,3})'?\s*:\s*([^:{}]+?)\s*(?:,(?=\s*'?[A-Za-z]\w{0,3}'?\s*:)|$)")
_JOINED = lazy_pattern(r"\([^()|&]*[<>=][^()|&]*\)(?:\s*[|&]\s*\([^()|&]*[<>=][^()|&]*\))+")
BACKSLASH = "\\"
MAX_ROUNDS = 20
MAX_MAPPING = 300
"""Characters of a printed dictionary."""


def as_written(text: str) -> str:
    """`Union(Interval(-oo, 0), Interval.open(1, 2))` as `(-oo, 0] \\cup (1, 2)`; other texts as they are."""
    if ":" in text and len(text) < MAX_MAPPING and (mapping := _MAPPING.fullmatch(text)):
        pairs = _PAIR.findall(mapping[1])
        return ", ".join(f"{name} = {value.rstrip(BACKSLASH)}" for name, value in pairs) if pairs else text
    if text.startswith("(") and ("|" in text or "&" in text) and _JOINED.fullmatch(text):
        return re.sub(r"[()]", "", text).replace("|", " or ").replace("&", " and ")
    if "." in text and _FLOAT_DOT.search(text):
        text = _FLOAT_DOT.sub("", text)
    if "." in text and _MODULE.search(text):
        text = _MODULE.sub("", text)
    if not _NAME.search(text):
        return text
    text = _SET.sub(r"\\{\1\\}", text)
    for _ in range(MAX_ROUNDS):
        before = text
        text = _CALL.sub(_spelled, text)
        if wrapped := _WRAPPER.fullmatch(text):
            text = wrapped[1]
        if union := _UNION.fullmatch(text):
            text = re.sub(r"(?<=[\])}]),\s*(?=[\[({\\])", r" \\cup ", union[1])
        if text == before:
            break
    return text.replace("EmptySet()", "\\emptyset").replace("EmptySet", "\\emptyset").replace("Reals", "\\mathbb{R}")


def _spelled(match: re.Match[str]) -> str:
    name, inside = match["name"], match["inside"]
    parts = [part.strip() for part in inside.split(",")]
    if name == "FiniteSet":
        return "\\{" + inside + "\\}"
    if len(parts) != 2:
        return f"({inside})" if name in ("Fraction", "Rational") else match[0]
    if name in ("Fraction", "Rational"):
        return f"\\frac{{{parts[0]}}}{{{parts[1]}}}"
    left = "(" if name.endswith((".open", ".Lopen")) or "oo" in parts[0] else "["
    right = ")" if name.endswith((".open", ".Ropen")) or "oo" in parts[1] else "]"
    return f"{left}{parts[0]}, {parts[1]}{right}"

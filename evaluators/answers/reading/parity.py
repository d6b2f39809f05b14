"""Answers that differ for even and odd numbers: `n/2 if n is even, (n+1)/2 if n is odd`, in words or as a table of cases."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern

_TEXT = r"(?:\\(?:text|mbox|mathrm)\s*\{)?"
_CONDITION = (
    rf"{_TEXT}\s*(?:,\s*)?(?:if|when|for|,|&)(?:\s*,|\s*&)*\s*{_TEXT}\s*(?:(?:if|when|for)\s*\}}?\s*)?{_TEXT}\s*(?:(?P<name>[a-z])\s*)?"
    rf"{_TEXT}\s*(?:is\s+)?(?:an?\s+)?(?P<kind>even|odd)(?:\s+(?:number|integer|[a-z](?![a-z])))?\s*\}}?"
)
_ENTRY = lazy_pattern(rf"\s*(?P<value>[^&;]+?)\s*{_CONDITION}\s*(?:\\\\|[,;.]|and\b|\s)*")
_TABLE = lazy_pattern(r"(?P<head>.{0,40}?)\\begin\s*\{cases\}(?P<rows>.*)\\end\s*\{cases\}\s*", re.DOTALL)
MAX_TEXT = 300


def by_parity(text: str) -> dict[str, str] | None:
    """The value for even and the one for odd numbers; None for any other text."""
    if len(text) > MAX_TEXT or "even" not in text or "odd" not in text:
        return None
    table = _TABLE.fullmatch(text)
    rows = table["rows"] if table is not None else text
    first = _ENTRY.match(rows)
    second = _ENTRY.fullmatch(rows, first.end()) if first is not None else None
    if first is None or second is None or first["kind"] == second["kind"]:
        return None
    head = table["head"].strip() if table is not None else ""
    if head and not head.endswith("="):
        return None
    return {entry["kind"]: entry["value"].strip(" ,&") for entry in (first, second)}

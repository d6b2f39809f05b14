"""Piecewise answers in one line: x - 1 for x >= 1; 1 - x for x < 1; 当n=1时，a_1=2；当n≥2时，a_n=2n-1; a_1 = 2, a_n = 2n - 1 (n >= 2)."""

from __future__ import annotations

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.quantities import pieces

MAX_TEXT = 300
MAX_PIECES = 6
_SIGN = r"(?:<=|>=|!=|[<>=]|\\(?:le|ge|ne|lt|gt)(?:q|qslant|slant)?(?![A-Za-z]))"
_CONDITION = rf"(?:[^,;:<>=]{{1,20}}(?:<=?|\\(?:le|lt)(?:q|qslant|slant)?(?![A-Za-z])))?\s*[a-zA-Z]\s*{_SIGN}\s*[^,;:<>=()]{{1,30}}?"
_FIRST = lazy_pattern(
    rf"\s*(?:[Ii]f|[Ww]hen|[Ff]or|当|若|如果)?\s*(?P<condition>{_CONDITION})\s*(?:时\s*[,:]?|,?\s*then\s|[:,])\s*(?P<value>\S.*)"
)
_LAST = lazy_pattern(
    rf"\s*(?P<value>\S.*?)\s*(?:,?\s*(?:(?:if|when|for)(?![A-Za-z])|当)\s*(?P<after>{_CONDITION})|\(\s*(?P<inside>{_CONDITION})\s*\))\s*(?:时)?\s*"
)
_TERM = lazy_pattern(r"\s*(?P<name>[a-zA-Z])_\{?(?P<index>\d{1,3})\}?\s*=\s*(?P<value>[^=<>]+)")
_GENERAL = lazy_pattern(r"\s*[a-zA-Z](?:_\{?[a-z]\}?|\([a-z]\))\s*=\s*(?=\S)")
_DEFINES = lazy_pattern(r"[<>]|\\[lgn]e|!=|=\s*\d")
_SOLUTIONS = lazy_pattern(
    r"^(?:(?:原|该|此)?(?:方程|不等式)的?(?:组的?)?)?(?:解集?|根)?(?:[为是]|有(?=[无唯一两]))\s*[:]?\s*"
)
_REALS = lazy_pattern(r"^[a-z]\s*\\in\s*\{?\s*(?:\\math(?:bb|bf|rm)\s*\{?\s*)?R\s*\}{0,2}$")


def branches(surface: str) -> list[tuple[str, str]] | None:
    """The values and their conditions, at least two; None where a piece has none."""
    if len(surface) > MAX_TEXT or not _DEFINES.search(surface):
        return None
    texts = _split(surface)
    found: list[tuple[str, str]] = []
    for text in texts:
        if (term := _TERM.fullmatch(text)) is not None:
            found.append((term["value"].strip(), f"n={term['index']}"))
        elif (match := _FIRST.fullmatch(text) or _LAST.fullmatch(text)) is not None:
            groups = match.groupdict()
            condition = groups.get("condition") or groups.get("after") or groups.get("inside") or ""
            found.append((_value(match["value"]), condition.strip()))
        else:
            return None
    conditional = [text for text in texts if not _TERM.fullmatch(text)]
    return found if 2 <= len(found) <= MAX_PIECES and conditional else None


def _value(text: str) -> str:
    term = _TERM.fullmatch(text)
    if term is not None:
        return term["value"].strip()
    return _REALS.sub(r"\\mathbb{R}", _SOLUTIONS.sub("", _GENERAL.sub("", text, count=1)).strip(" ,"))


def _split(surface: str) -> list[str]:
    """At semicolons and lines, or else at the commas of which each ends a piece."""
    cut = [text for before, text in _at(surface, ";\n.")]
    if len(cut) > 1:
        return cut
    texts: list[str] = []
    for before, text in pieces(surface):
        whole = not texts or _FIRST.fullmatch(texts[-1]) or _LAST.fullmatch(texts[-1]) or _TERM.fullmatch(texts[-1])
        if texts and not whole:
            texts[-1] += before + text
        else:
            texts.append(text)
    return texts


def _at(surface: str, marks: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for before, text in pieces(surface):
        if found and before.strip(" ") not in marks and before != "\n":
            found[-1] = (found[-1][0], found[-1][1] + before + text)
        else:
            found.append((before, text))
    return found

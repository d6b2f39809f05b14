"""Mathematics written without any math markup: `x<sup>2</sup>`, `a<sub>n</sub>`, `x² ≤ 2πr`.

Blocks mark scripts with private-use characters; here they become `$x^2$` where they are mathematics, `1st` where they
are an ordinal, and `word^2` where nobody can tell: never `word2`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from pipelines.extraction.symbols import FUNCTIONS, character_tex, join
from pipelines.extraction.tex import mistakes

MARK_OPEN, MARK_CLOSE = "\ue000", "\ue001"
SUB, SUB_END, SUP, SUP_END, VARIABLE = "\ue002", "\ue003", "\ue004", "\ue005", "\ue006"
EATEN, EATEN_TWICE = "\ue008", "\ue009"
"""An end of `<em>` or of `<strong>` in a line that may hold TeX: Markdown may have eaten `_` or `*` there."""
FRACTION, FRACTION_BAR, FRACTION_END = "\ue00a", "\ue00b", "\ue00c"
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵃᵇᶜᵈᵉᵏᵐᵗˣʸ", "0123456789+-=()niabcdekmtxy", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ", "0123456789+-=()aeoxhklmnpstijruv", strict=True))
ORDINAL = re.compile(r"(\d)\ue004\s*(st|nd|rd|th|er|ers|re|ère|e|ème|eme|es|º|ª|mo|ma)\s*\ue005", re.IGNORECASE)
ROMAN = re.compile(r"\b([IVXLC]+)\ue004\s*(er|e|ème|o|a)\s*\ue005")
MARKS = re.compile(r"\s*\ue004\s*\(?(TM|SM|®|™|℠|©|MC|MD)\)?\s*\ue005", re.IGNORECASE)
TITLES = re.compile(r"\b([A-Z]\w*|n|N)\ue004(me|lle|r|gr|o|os|mes|a|er|te)\ue005")
REFERENCE = re.compile(
    r"\ue004\s*(\[[^\]\ue004]{1,12}\](?:\s*,?\s*\[[^\]\ue004]{1,12}\])*|[*†‡§¶]+|:[^\ue002-\ue005]{1,30})\s*\ue005"
)
LOGO = re.compile(r"(?:L\s*\ue004\s*A\s*\ue005\s*)?T\s*\ue002\s*E\s*\ue003\s*X|L\s*\ue004\s*A\s*\ue005\s*TE\s*X")
MARKS_ONLY = re.compile(r"[\s\ue002-\ue005]")
EMPTY = re.compile(r"\ue002\s*\ue003|\ue004\s*\ue005")
SCRIPT = (
    r"[\ue002\ue004][^\ue002-\ue005]*(?:[\ue002\ue004][^\ue002-\ue005]*[\ue003\ue005][^\ue002-\ue005]*)*[\ue003\ue005]"
)
DRAWN = r"\ue00a(?:[^\ue00a-\ue00c]|\ue00a[^\ue00a-\ue00c]*\ue00b[^\ue00a-\ue00c]*\ue00c)*\ue00b(?:[^\ue00a-\ue00c]|\ue00a[^\ue00a-\ue00c]*\ue00b[^\ue00a-\ue00c]*\ue00c)*\ue00c"
"""A fraction; its parts may hold one each."""
STACKED = re.compile(
    r"\ue004\s*((?:[^\W\d_]{0,2}|[-−+\d.,()\s\ue006])+?)\s*\ue005\s*[/⁄∕]\s*\ue002\s*((?:[^\W\d_]{0,2}|[-−+\d.,()\s\ue006])+?)\s*\ue003"
    r"|\ue004\s*(\d+)\s*\ue005⁄(\d+)|(?<![\d.,])(\d+)⁄\ue002\s*(\d+)\s*\ue003|(?<![\d.,])(\d+)⁄(\d+)(?![\d.,]*\d)|([⁰¹²³⁴-⁹]+)[⁄/]([₀-₉]+)"
)
"""A raised number, a slash, a lowered one; and what Unicode's fraction slash stands between."""
WORDS = frozenset(
    {"min", "max", "deg", "dim", "arg", "inf", "sup", "hom", "sec", "lim", "det", "exp", "Pr", "lg", "ker"}
)
"""Operators that are also words or units: only a formula's own markup makes operators of them."""
NAMES = "|".join(sorted(FUNCTIONS - WORDS, key=len, reverse=True))
APPLIED_WORD = rf"(?<![^\W_])(?:{'|'.join(sorted(WORDS, key=len, reverse=True))})(?=[(\ue002])"
"""One of these words before its bracket or subscript, `max(`: an operator all the same."""
LETTER = r"(?<![A-Za-zÀ-ɏ])[A-Za-z]{2}(?=[\ue002\ue004²³ⁿ₀-₉])|\ue006[A-Za-z](?![A-Za-zÀ-ɏ])|(?<![A-Za-zÀ-ɏ])[A-Za-z](?![A-Za-zÀ-ɏ])|(?<![Ͱ-Ͽἀ-῿])[Α-ΝΞΠ-Ωα-νξπ-ωϑϕϖϵ](?![Ͱ-Ͽἀ-῿])|[ℂℍℕℙℚℝℤℓℏ∂∇∆∞∅ℵ𝐀-𝟿]"
NUMBER = r"\d+(?:[.,]\d+)*(?![A-Za-zÀ-ɏ]{2}|[.,]?\d)"
OPERATOR = r"(?:[＋－＝＜＞+\-−–=<>≤≥≠≈≡∈∉∋⊂⊆⊃⊇∪∩→←↔⇒⇔↦±∓×÷·⋅∗*/∣|∘⊕⊗∧∨¬∀∃∥⊥∠△∴∵≅∼≃∝≪≫√∑∏∫!'′″…⋯^]|[,:;](?=\S))"
BRACKET = r"[()\[\]{}⟨⟩⌊⌋⌈⌉]"
PRODUCT = r"(?:(?<=[+\-−–=<>≤≥(])|(?<=[+\-−–=<>≤≥] ))\d*[A-Za-z]{2}(?= ?[+\-−–=<>≤≥≠])|(?<![^\W_])[A-Za-z]{2}(?=[+=<>≤≥]\ue006?\d*[A-Za-z]{1,2}(?![A-Za-z]))"
"""Two letters between operators: `b² - 4ac ≥ 0`, `au+bv`."""
ATOM = rf"(?:{PRODUCT}|{LETTER}|{NUMBER}|(?<![^\W_])(?:{NAMES})(?![^\W_])|{APPLIED_WORD}|{OPERATOR}|{BRACKET}|{SCRIPT}|{DRAWN}|[{''.join(RAISED)}{''.join(LOWERED)}])"
JOINED = rf"(?:(?<={OPERATOR})|(?<={BRACKET})|(?<=sin|cos|tan|log)|(?<=ln)|(?<=[∑∏∫⋃⋂][ᵢⱼₖₙ₀-₉])|(?=[ \u00a0\u2009](?:{OPERATOR}|[)\]}}]|\ue006|[A-Za-z] ?[+=<>≤≥])))[ \u00a0\u2009]"
"""A space within a formula: beside an operator, after a function, before a marked variable."""
RUN = re.compile(rf"{ATOM}(?:(?:{JOINED})?{ATOM})*")
APPLIED = re.compile(
    rf"((?:(?<![^\W_])(?:{NAMES})|[∑∏∫⋃⋂]){SCRIPT}(?:{SCRIPT})?) (?=\ue006?[A-Za-zα-ω0-9](?![A-Za-z]))"
)
RUNNING = re.compile(rf"{DRAWN}|{SCRIPT}|\ue006[A-Za-z]|[A-Za-z]+|{NUMBER}|.", re.DOTALL)
EVIDENCE = re.compile(
    r"[\ue002\ue004\ue00a²³¹⁰⁴-⁹ⁿ₀-₉ₙᵢⱼₖ≤≥≠≈≡∈∉⊂⊆∪∩⇒⇔↦±∘⊕⊗∀∃√∑∏∫∇∂∞∧∨¬∝≅×÷⋅−]|\ue006[A-Za-z]\s*[=<>+]|(?:sin|cos|tan|log|ln) ?\ue006[A-Za-z]|[=<>+]\s*\ue006"
)
SIGNS = "²³¹⁰⁴⁵⁶⁷⁸⁹ⁿ₀₁₂₃₄₅₆₇₈₉ₙᵢⱼₖ≤≥≠≈≡∈∉⊂⊆∪∩⇒⇔↦±∘⊕⊗∀∃√∑∏∫∇∂∞∧∨¬∝≅×÷⋅−"
"""Signs of plain mathematics; compiled into `scanning`, which tells those that a page has."""
MAYBE = re.compile(f"[\ue002\ue004\ue006\ue00a{SIGNS}]")
"""A character that all evidence has one of: one class is looked for faster than alternatives."""
PRIVATE = re.compile("[\ue000-\ue00f]")
"""The marks of this package; in a page they stand for nothing."""
VARIABLES = re.compile(r"[A-Za-zΑ-Ωα-ωℂℕℚℝℤ∞∅]")
SCRIPTED = re.compile(r"[\ue002\ue004\ue00a²³¹⁰⁴-⁹ⁿ₀-₉ₙᵢⱼₖ]")
UNMISTAKABLE = re.compile(r"[≤≥≠≈≡∈∉⊂⊆∪∩⇔↦∘⊕⊗∀∃√∑∏∫∇∂∝≅∞=<>]")
OPEN_ENDED = " \u00a0\u2009=<>≤≥≠≈≡+-−–*/×÷·⋅∈"
"""What no formula ends with: its other side is no mathematics."""
EDGE = " \u00a0\u2009,.:;!…"
WORDY = (
    r"(?:(?<![\w\ue006])(?!(?:"
    + NAMES
    + r")(?![^\W_])|"
    + APPLIED_WORD
    + r")[A-Za-z]{3,} ?)+|[\u0400-\u052f\u3041-\u30fe\u3400-\u9fff\uac00-\ud7a3]+"
)
WORDY_OR_RUN = re.compile(f"{WORDY}|({RUN.pattern})")
"""Words are passed over at once: nothing of them is an atom, and to find that out letter by letter takes ten times as long."""


def mark_plain(text: str, emit: Callable[[str, bool], str], signs: str) -> str:
    """`text` without script marks: what is mathematics goes through `emit`, the rest is written as plain text.

    `signs` are those that the page has, or all (`SIGNS`)."""
    if text.isascii():
        return text
    if "⁄" in text or ("/" in text and ("/\ue002" in text or "/ \ue002" in text or max(text) >= "₀")):
        text = STACKED.sub(_stacked, text)
    scripted = "\ue002" in text or "\ue004" in text or FRACTION in text
    if not scripted and "\ue006" not in text:
        for sign in signs:
            if sign in text:
                break
        else:
            return text
    if scripted:
        text = LOGO.sub(lambda logo: MARKS_ONLY.sub("", logo.group()), EMPTY.sub("", text))
        for pattern in (ORDINAL, ROMAN, TITLES):
            text = pattern.sub(r"\1\2", text)
        text = APPLIED.sub(r"\1", text)
        text = MARKS.sub(r"\1", REFERENCE.sub(f"{VARIABLE}\\1", text))  # before a bracket it only parts the two
    if "）" in text:
        text = FULL_BRACKETS.sub(r"(\1)", text)
    parts = MARKED.split(text)
    for index in range(0, len(parts), 2):
        if MAYBE.search(parts[index]):
            part = SPACES.sub(" ", parts[index]) if "  " in parts[index] else parts[index]
            parts[index] = _mark_runs(part, emit)
    text = "".join(parts)
    return _plain_scripts(text).replace(VARIABLE, "") if scripted else text.replace(VARIABLE, "")


def _stacked(found: re.Match[str]) -> str:
    above, below = (part for part in found.groups() if part is not None)
    digits = {ord(sign): digit for sign, digit in (RAISED | LOWERED).items()}
    return f"{FRACTION}{above.translate(digits)}{FRACTION_BAR}{below.translate(digits)}{FRACTION_END}"


def _mark_runs(text: str, emit: Callable[[str, bool], str]) -> str:
    written: list[str] = []
    position = 0
    for run in WORDY_OR_RUN.finditer(text):
        if run.lastindex and MAYBE.search(run.group()):
            written.append(text[position : run.start()])
            written.append(_run(run, emit))
            position = run.end()
    written.append(text[position:])
    return "".join(written)


def _run(run: re.Match[str], emit: Callable[[str, bool], str]) -> str:
    whole = run.group()
    found = _formula_in(whole)
    if found is None:
        return whole
    start, end, tex = found
    if _in_source(run.string, run.start() + start, end - start):
        return whole
    return whole[:start] + emit(tex, False) + whole[end:]


@lru_cache(maxsize=8192)
def _formula_in(whole: str) -> tuple[int, int, str] | None:
    """Where in a run its formula stands, and its TeX. Remembered, since pages repeat their formulas; a pure function of it."""
    bars = "|" if whole.count("|") % 2 else ""
    core = whole.strip(EDGE + "-–/*:'<>=+→←" + bars) if not SCRIPTED.search(whole) else whole.strip(EDGE)
    core = _balanced(core).rstrip(OPEN_ENDED)
    start = whole.find(core) if core else -1
    if start < 0 or not _is_mathematics(core):
        return None
    tex = plain_tex(core)
    return (start, start + len(core), tex) if tex and not mistakes(tex) else None


def _balanced(core: str) -> str:
    """The run without brackets at its ends that its text opened or closes."""
    depth = 0
    for place, character in enumerate(core):
        depth += (character in "([{") - (character in ")]}")
        if depth < 0 and place:  # `f(A) + b(` of `f(A) + b(c)`: the longer side is the run
            core = max(core[:place].rstrip(EDGE), core[place + 1 :].lstrip(EDGE), key=len)
            break
    for opening, closing in ("()", "[]", "{}"):
        while (
            core.count(opening) > core.count(closing)
            and core.startswith(opening)
            and not _is_closed(core, opening, closing)
        ):
            core = core[1:].lstrip(EDGE)
        while core.count(closing) > core.count(opening) and core.endswith(closing):
            core = core[:-1].rstrip(EDGE)
        if (
            core.count(opening) < core.count(closing)
            and core.rfind(closing) > 0
            and not SCRIPTED.search(core[core.rfind(closing) :])
        ):
            core = core[: core.rfind(closing)].rstrip(EDGE)
        elif core.count(opening) > core.count(closing) and opening in core:
            core = core[: core.rfind(opening)].rstrip(EDGE)
    return core


def _in_source(text: str, start: int, length: int) -> bool:
    """Whether the run is a part of `∑_{i ∈ I} a_i`: half of it as a formula would be none."""
    before, after = text[max(start - 2, 0) : start], text[start + length : start + length + 1]
    return after in ("_", "^") or before in ("_{", "^{") or (before[-1:] in ("_", "^") and text[start] == "{")


def _is_closed(core: str, opening: str, closing: str) -> bool:
    """Whether the bracket that the run begins with closes in it."""
    depth = 0
    for character in core:
        depth += (character == opening) - (character == closing)
        if not depth:
            return True
    return False


def _is_mathematics(core: str) -> bool:
    if FRACTION in core or re.fullmatch(r"√\s?\d+|√\s?\(.*\)", core):
        return True
    if not EVIDENCE.search(core) or not VARIABLES.search(core.replace("\ue006", "")):
        return bool(re.fullmatch(r"\d+(?:\.\d+)?(?:\s*[×·]\s*10)?(?:\ue004[-−–]?\d+\ue005|[⁰¹²³⁴-⁹⁻]+)", core))
    if SCRIPTED.search(core):
        return re.match(r"[\ue002²³]|\ue004(?!\d+\ue005\ue006?[A-Z])", core) is None
    return bool(UNMISTAKABLE.search(core)) and len(re.sub(r"[\s\ue006]", "", core)) >= 3


def plain_tex(core: str) -> str:
    """A run of Unicode mathematics with marked scripts, as TeX."""
    parts: list[str] = []
    tokens = RUNNING.findall(_marked(core))
    for token, following in zip(tokens, [*tokens[1:], " "], strict=False):
        if token[0] in (SUB, SUP):
            inner = plain_tex(token[1:-1])
            mark = "_" if token[0] == SUB else "^"
            braced = inner if len(inner) == 1 or re.fullmatch(r"\\[A-Za-z]+", inner) else f"{{{inner}}}"
            parts.append((mark if parts else "{}" + mark) + braced)
        elif token[0] == FRACTION:
            parts.append(_fraction_tex(token))
        elif token[0] == VARIABLE:
            parts.append(token[1:])
        elif token in FUNCTIONS and (token not in WORDS or following[0] in ("(", SUB)):
            parts.append("\\" + token)
        elif len(token) > 1 or (token.isalnum() and token.isascii()):
            parts.append(token if not token.isalpha() or len(token) <= 2 else f"\\mathrm{{{token}}}")
        elif token.isspace():
            parts.append(" ")
        else:
            parts.append(
                {**FULL_WIDTH, "-": "-", "–": "-", "'": "'", "^": "^", "/": "/"}.get(token) or character_tex(token)
            )
    tex = re.sub(r"\\sqrt\{\}|\\surd\s*", lambda _: "\\sqrt ", re.sub(r" +", " ", join(parts))).strip()
    return RADICAND.sub(r"\\sqrt{\1}", tex)


def _fraction_tex(token: str) -> str:
    depth = 0
    for place, character in enumerate(token):
        depth += (character == FRACTION) - (character == FRACTION_END)
        if character == FRACTION_BAR and depth == 1:
            above, below = token[1:place], token[place + 1 : -1]
            return f"\\frac{{{_part_tex(above)}}}{{{_part_tex(below)}}}"
    return token


def _part_tex(part: str) -> str:
    """A numerator or a denominator as TeX; words in characters that no letter of a formula is written with stay words."""
    return f"\\text{{{part}}}" if HAN.fullmatch(part) else plain_tex(part)


FULL_WIDTH = {"＋": "+", "－": "-", "＝": "=", "＜": "<", "＞": ">"}
FULL_BRACKETS = re.compile(r"（([^（）\u3041-\u30fe\u3400-\u9fff]{1,60})）(?=[\ue002\ue004²³¹⁰⁴-⁹ⁿ₀-₉])")
"""Brackets in full width around what is raised as a whole."""
HAN = re.compile(r"[\u3041-\u30fe\u3400-\u9fff\uac00-\ud7a3\s]+")
SPACES = re.compile("  +")
MARKED = re.compile(r"(\ue000\d+\ue001)")
RADICAND = re.compile(r"\\sqrt \(([^()]*)\)")


def _marked(core: str) -> str:
    core = re.sub(
        f"[{''.join(RAISED)}]+", lambda found: SUP + "".join(RAISED[c] for c in found.group()) + SUP_END, core
    )
    core = re.sub(
        f"[{''.join(LOWERED)}]+", lambda found: SUB + "".join(LOWERED[c] for c in found.group()) + SUB_END, core
    )
    return re.sub(
        r"√\s*\(([^()]*)\)|√\s*(\ue006?[A-Za-z]|\d+)",
        lambda found: "√" + (f"({found[1]})" if found[1] else found[2]),
        core,
    )


def _plain_scripts(text: str) -> str:
    """Scripts that are no formula, in plain characters: `word^2`, `H_2`."""
    while found := re.search(r"([\ue002\ue004])([^\ue002-\ue005]*)[\ue003\ue005]", text):
        inner = found[2].replace(VARIABLE, "").strip()
        mark = "_" if found[1] == SUB else "^"
        around = text[found.start() - 1 : found.start()] + text[found.end() : found.end() + 1]
        attached = bool(around.strip())
        written = (
            inner if not attached else f"{mark}{inner}" if len(inner) < 2 or inner.isdigit() else f"{mark}({inner})"
        )
        text = text[: found.start()] + written + text[found.end() :]
    while found := re.search("\ue00a([^\ue00a-\ue00c]*)\ue00b([^\ue00a-\ue00c]*)\ue00c", text):
        text = f"{text[: found.start()]}{found[1]}/{found[2]}{text[found.end() :]}"
    return re.sub("[\ue002-\ue005\ue00a-\ue00c]", "", text)

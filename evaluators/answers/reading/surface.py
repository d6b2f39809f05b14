"""The surface of an answer: Unicode, Chinese and Markdown brought to one plain or LaTeX spelling; no meaning changes."""

from __future__ import annotations

import re
import unicodedata

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.dialect import circled, in_common_latex
from evaluators.answers.values import MAX_DIGITS, ParseError

MAX_CHARS = 6_000
"""Characters of one answer; the longest reference of the MATH benchmark has about 150."""

_LONG_NUMBER = lazy_pattern(rf"\d{{{MAX_DIGITS + 1}}}")
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿˣ⁽⁾ᵗʰ", "0123456789+-nx()th", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₐₓₙₖ", "0123456789+-axnk", strict=True))
_FRACTIONS = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5"}
_FRACTIONS |= {
    "⅘": "4/5",
    "⅙": "1/6",
    "⅚": "5/6",
    "⅛": "1/8",
    "⅜": "3/8",
    "⅝": "5/8",
    "⅞": "7/8",
    "⅐": "1/7",
    "⅑": "1/9",
}
_SYMBOLS = {
    "×": r"\times ", "✕": r"\times ", "÷": "/", "∕": "/", "⁄": "/", "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-",
    "·": r"\cdot ", "•": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "∗": "*", "⋆": "*", "√": r"\sqrt ", "∛": r"\cbrt ", "π": r"\pi ", "℃": r"^\circ C", "℉": r"^\circ F", "Ω": r"\Omega ", "µ": r"\mu ", "¬": r"\neg ",
    "∞": r"\infty ", "±": r"\pm ", "∓": r"\mp ", "≤": r"\le ", "≥": r"\ge ", "≦": r"\le ", "≧": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\ne ", "≈": r"\approx ",
    "∪": r"\cup ", "⋃": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∉": r"\notin ", "∅": r"\emptyset ", "∖": r"\setminus ", "ø": r"\emptyset ", "Ø": r"\emptyset ",
    "ℝ": r"\mathbb{R} ", "ℤ": r"\mathbb{Z} ", "ℕ": r"\mathbb{N} ", "ℚ": r"\mathbb{Q} ", "ℂ": r"\mathbb{C} ", "∠": r"\angle ", "△": r"\triangle ", "⊥": r"\perp ", "∥": r"\parallel ", "≅": r"\cong ", "≌": r"\cong ", "∽": r"\sim ", "⊆": r"\subseteq ", "⊇": r"\supseteq ", "⊂": r"\subset ", "⊃": r"\supset ",
    "°": r"^\circ ", "º": r"^\circ ", "˚": r"^\circ ", "′": "'", "’": "'", "‘": "'", "“": '"', "”": '"', "″": '"',
    "㎡": "m^2 ", "㎥": "m^3 ", "㎠": "cm^2 ", "㎢": "km^2 ", "㎤": "cm^3 ",
    "⟨": r"\langle ", "⟩": r"\rangle ", "〈": r"\langle ", "〉": r"\rangle ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    "⇒": r"\Rightarrow ", "→": r"\to ", "∶": ":", "：": ":", "，": ",", "、": ",", "；": ";", "。": ".", "∧": r"\land ", "∨": r"\lor ",
    "∑": r"\sum ", "∫": r"\int ", "∏": r"\prod ", "∣": "|", "ı": "i", "ⅈ": "i", "ⅇ": "e", "ℯ": "e", "…": r"\ldots ", "⋯": r"\ldots ", "￥": "¥", "％": "%", "〇": "零",
    "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ", "δ": r"\delta ", "λ": r"\lambda ", "μ": r"\mu ", "φ": r"\phi ", "ω": r"\omega ",
    "ρ": r"\rho ", "ζ": r"\zeta ", "η": r"\eta ", "ξ": r"\xi ", "ψ": r"\psi ", "χ": r"\chi ", "κ": r"\kappa ", "ν": r"\nu ", "ϕ": r"\phi ", "ϑ": r"\theta ", "Φ": r"\Phi ", "Ψ": r"\Psi ", "Λ": r"\Lambda ", "Θ": r"\Theta ", "Π": r"\Pi ", "Ξ": r"\Xi ", "σ": r"\sigma ", "τ": r"\tau ", "ε": r"\epsilon ", "Δ": r"\Delta ", "Σ": r"\Sigma ", "Γ": r"\Gamma ",
}  # fmt: skip
_INVISIBLE = lazy_pattern("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u00ad\ufe00-\ufe0f]")
_FORBIDDEN = lazy_pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SUPERSCRIPT_RUN = lazy_pattern(f"[{''.join(_SUPERSCRIPTS)}]+")
_SUBSCRIPT_RUN = lazy_pattern(f"[{''.join(_SUBSCRIPTS)}]+")
_FRACTION_MARK = lazy_pattern(rf"(\d?)\s?([{''.join(_FRACTIONS)}])")
_SYMBOL = lazy_pattern("[" + "".join(map(re.escape, _SYMBOLS)) + "]")
_ORNAMENT = lazy_pattern(
    "(?<![^\\s\ufffd])\ufffd|[\\s\u200d\ufe0f\ud83c-\ud83e\udc00-\udfff\u2705\u2728\u2b50\u263a\u2764\U0001f300-\U0001f44d\U0001f44f-\U0001f5ff\U0001f600-\U0001f614"
    "\U0001f617-\U0001f64f\U0001f680-\U0001f6aa\U0001f6ac-\U0001f6ff\U0001f970-\U0001f97a]"
)
"""An emoji that takes no answer back, or what a cut or a lossy copy leaves of one."""
_LETTER_POINT = lazy_pattern(r"\s*[A-JＡ-Ｊ]．")
_HAN = lazy_pattern("[\u4e00-\u9fff]")
_BAR_ABOVE = lazy_pattern("((?:\\d\u0305)+)")
_DOT_ABOVE = lazy_pattern("(\\d)\u0307((?:\\d*\\d\u0307)?)")

# What a text must hold for the step to be tried (nothing: always), the pattern, what takes its place.
_STEPS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    (("{,}", ",\\", "\\!", "\\,"), lazy_pattern(r"(?<=\d)\s*(?:\{,\}|,\\[!,;:]|\\[!,](?=\d{3}))\s*(?:\\!)?\s*(?=\d{3})"), ""),
    (("\\left", "\\right", "\\big", "\\Big", "style", "\\bf", "\\it", "ensuremath", "\\large", "\\Large", "size", "limits", "hfill", "strut"), lazy_pattern(r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|bf|it|ensuremath|large|Large|normalsize|limits|nolimits|hfill|strut)(?![A-Za-z])\.?"), ""),
    (("frac",), lazy_pattern(r"\\(?:[dtc]frac)(?![a-z])"), r"\\frac"),
    (("\\,", "\\:", "\\;", "\\!", "\\>", "quad", "space", "\\ ", "~"), lazy_pattern(r"(?<!\\)\\(?:[,:;!>]|(?:quad|qquad|enspace|thinspace)(?![A-Za-z]))|(?<!\\)\\ |~"), " "),
    (("begin",), lazy_pattern(r"\\(?:begin|end)\{(?:equation|align|gather|split|displaymath|center)\*?\}"), " "),
    (("\\textdollar", "\\text{\\$}"), lazy_pattern(r"\\text\s*\{\s*(?:\\textdollar|\\\$)\s*\}|\\textdollar(?![a-z])"), r"\\$"),
    (("color",), lazy_pattern(r"\\(?:text)?color\s*\{[a-zA-Z]+\}"), ""),
    (("text", "mbox"), lazy_pattern(r"^\\(?:text(?:bf|rm|it)?|mbox|mathrm)\s*\{\s*(?:(?:so|thus|hence|therefore),?\s+)?(?:the\s+)?(?:(?:final\s+|correct\s+)?(?:answer|result|solution|value)(?:\s+is|\s*[:=])|point)\s*:?\s*\}\s*(?=\S)", re.IGNORECASE), ""),
    (("text",), lazy_pattern(r"^\\text\{([^{}]*\d[^{}]*)\}$"), r"\1"),
    (("text", "mbox"), lazy_pattern(r"\\(?:text|mbox)\s*\{\s*([A-Za-z]+)\s+(and|or)\s*\}"), r"\\text{\1} \2 "),
    (("text", "mbox"), lazy_pattern(r"\\(?:text|mbox)\s*\{\s*,?\s*(when|at|where|for|if)\s*\}"), r" \1 "),
    (("text", "mbox"), lazy_pattern(r"\\(?:text|mbox)\s*\{\s*([和或且与及])\s*\}"), r"\1"),
    (("mbox",), lazy_pattern(r"\\mbox(?=[A-Za-z])"), r"\\mbox "),
    (("text", "mathrm"), lazy_pattern(r"\\(?:text(?:bf|it|rm|normal)?|mathrm)\s*\{\s*([-+\d.,/%$€£¥ ]*[\d€£¥][-+\d.,/%$€£¥ ]*)\}"), r"\1"),
    (("degree",), lazy_pattern(r"\\degrees?(?![A-Za-z])"), r"^\\circ "),
    (("\\",), lazy_pattern(r"(?<!\\)\\$"), ""),
    (("{",), lazy_pattern(r"(?<=\d)\{([A-Za-z]{1,12})\}"), r"\\text{\1}"),
    (("box",), lazy_pattern(r"\\(?:boxed|fbox)\s*\{((?:[^{}]|\{[^{}]*\})*)\}"), r"\1"),
    (("text",), lazy_pattern(r"(?<!circ)(?<!circ )(?<!\\mu)(?<!\\mu )(?<![\d})])(?<![\d})] )(?<![\d})]  )\\text(?:bf|it|rm|sf|normal)?\s*\{\s*\(?([A-J])\)?[.:]?\s*\}"), r"(\1)"),
    (("mathbf ", "mathbb "), lazy_pattern(r"\\math(?:bf|bb)\s+([RZQNC])(?![a-zA-Z])"), r"\\mathbf{\1}"),
    (("vec", "bold", "bm", "mathbf"), lazy_pattern(r"\\(?:vec|boldsymbol|bm|mathbf)\s+(?=[a-zA-Z](?![a-zA-Z]))"), " "),
    (("mathbf", "bold", "vec", "arrow", "hat", "mathit", "bm", "under", "emph"), lazy_pattern(r"\\(?:mathbf(?!\s*\{[RZQNC]\})|boldsymbol|vec|overrightarrow|hat|mathit|bm|underline|emph)\s*(?=\{)"), ""),
)  # fmt: skip
_WRAPPERS = (
    ("$$", "$$"),
    ("$", "$"),
    ("\\(", "\\)"),
    ("\\[", "\\]"),
    ("**", "**"),
    ("__", "__"),
    ("_", "_"),
    ("*", "*"),
    ("`", "`"),
    ('"', '"'),
    ("'", "'"),
)
_OPENINGS = frozenset("$\\*_`\"'<{")
"""What a text that is wrapped begins with."""
_TAGGED = lazy_pattern(r"^<(b|i|em|strong|span|p|u)>(.*)</\1>$", re.DOTALL)
_SET_BUILDER = lazy_pattern(r"^\{\s*[a-zA-Z]\s*(?:[|:]|\\mid|\\in)")
_MATH_PAIR = lazy_pattern(r"(?<!\\)\$(?![\s\d])([^$]+?)(?<![\s\\])\$|(?<!\\)\$(\d[^$]*?[^\s$\\,])\$(?!\d)")
_INNER = lazy_pattern(r"\\\(|\\\)")


_CASES = lazy_pattern(r"\\begin\{cases\}.{1,200}?\\end\{cases\}", re.DOTALL)
_TEXT_STOP = lazy_pattern(r"\\text\s*\{\s*[.。]\s*\}$")
_INDEXED = lazy_pattern(r"(?:(?<![A-Za-z\\])|(?<=\\\\))([a-z])_\{?(\d)\}?(?=\s*=)")


def _without_index(block: re.Match[str]) -> str:
    """x = 2, y = 3 of the first solution x_1 = 2, y_1 = 3: the index counts solutions where all of a block have the same."""
    names, equations = _INDEXED.findall(block[0]), block[0].count("=")
    alone = len(names) == equations and len({index for _, index in names}) == 1 < len({name for name, _ in names})
    return _INDEXED.sub(r"\1", block[0]) if alone else block[0]


def normalise(text: str) -> str:
    """The text in plain or LaTeX spelling. Raises ParseError over the caps, or on control characters."""
    if len(text) > MAX_CHARS:
        raise ParseError(f"longer than {MAX_CHARS} characters")
    if _LONG_NUMBER.search(text):
        raise ParseError(f"a number of more than {MAX_DIGITS} digits")
    if "\\textcircled" in text:
        text = circled(text)
    if not text.isascii():
        text = _ascii_spelling(text)
    if _FORBIDDEN.search(text):
        raise ParseError("holds control characters or lone surrogates")
    text = text.strip()
    if "~" in text:
        text = _TIED.sub("", text)
    if "**" in text:
        text = _BOLD_NUMBER.sub(r"\1", text)
    if "\\" in text or "$" in text or "{" in text or text[:1] in "^&~":
        text = _latex_spelling(text)
    text = _unwrapped(text)
    if "[" in text and "]" in text and (bent := _TURNED.fullmatch(text)) is not None:
        text = _turned(bent)
    if text.count("$") == 1 and text.endswith(".$"):
        text = text[:-2]
    while text and text[-1] in ".,;:" and not text.endswith(("...", "\\!", "\\,", "\\;", "\\:")):
        text = text[:-1].rstrip()
    return text


_BOLD_NUMBER = lazy_pattern(r"^(?:\*\*)?([^*]{1,60})\*\*(?=\s+[A-Za-z]{2,}|\s*[.,;:]|\s*$|\s?[\u4e00-\u9fff])")
"""**83** stickers, of which a cue may have taken the first two stars."""
_TIED = lazy_pattern(r"(?<=\d)~(?=\d{3}(?!\d))")
_TURNED = lazy_pattern(r"((?:[a-z]\s*\\in\s*)?)([\[\]])([^\[\]()]+,[^\[\]()]+)([\[\]])")


def _turned(match: re.Match[str]) -> str:
    """]1, 4[ as (1, 4): brackets turned away from an end that is left out."""
    left = "(" if match[2] == "]" else "["
    right = ")" if match[4] == "[" else "]"
    return f"{match[1]}{left}{match[3]}{right}"


_TICKS = {"√": "true", "✓": "true", "✔": "true", "☑": "true", "×": "false", "✗": "false", "✘": "false", "✕": "false"}
_TICK_LEAD = lazy_pattern(r"^\s*(?:判断|答案?|答案是)\s*[:：]?\s*")
MAX_TICK = 12
_STATED = lazy_pattern(
    r"^(?:其中)?(?:正确|真命题|错误|成立|符合)的?(?:命题|结论|说法|序号|编号|选项)?(?:的)?(?:有|是|为)?\s*[:：]?\s*(?=[①-⑳$])"
)
_STATEMENTS = lazy_pattern(r"[①-⑳](?:(?:[\s,，、和与及]|and)*[①-⑳])*[。.]?")


def _ascii_spelling(text: str) -> str:
    text = _unadorned(text) or text
    if len(text) < MAX_TICK and (bare := _TICK_LEAD.sub("", text).strip(" ()（）。")) in _TICKS:
        return _TICKS[bare]
    if _STATEMENTS.fullmatch(
        bare := _STATED.sub("", text.strip(" $")).strip(" $")
    ):  # ①③: which hold, a set and no number
        text = bare
        return "\\{" + ", ".join(f"N_{{{unicodedata.numeric(c):.0f}}}" for c in text if "①" <= c <= "⑳") + "\\}"
    if _FORBIDDEN.search(text):
        raise ParseError("holds control characters or lone surrogates")
    text = _INVISIBLE.sub("", text)
    text = _FRACTION_MARK.sub(lambda m: f"{m[1]} {_FRACTIONS[m[2]]} " if m[1] else f"({_FRACTIONS[m[2]]})", text)
    text = _SUPERSCRIPT_RUN.sub(lambda m: "^{" + "".join(_SUPERSCRIPTS[c] for c in m[0]) + "}", text)
    text = _SUBSCRIPT_RUN.sub(lambda m: "_{" + "".join(_SUBSCRIPTS[c] for c in m[0]) + "}", text)
    text = _BAR_ABOVE.sub(lambda m: "\\overline{" + m[0].replace("\u0305", "") + "}", text)
    text = _DOT_ABOVE.sub(
        _dotted, unicodedata.normalize("NFKD", text) if "\u0307" in unicodedata.normalize("NFD", text) else text
    )
    text = _SYMBOL.sub(lambda m: _SYMBOLS[m[0]], text)
    text = unicodedata.normalize("NFKC", text.replace("．", ". ") if _LETTER_POINT.match(text) else text)
    text = "".join(_ascii_digit(c) for c in text)
    if _HAN.search(text):
        from evaluators.answers.reading.chinese import chinese_spelling

        text = chinese_spelling(text)
    return text


def _unadorned(text: str) -> str:
    begin, end = 0, len(text)
    while end and _ORNAMENT.match(text, end - 1):
        end -= 1
    while begin < end and _ORNAMENT.match(text, begin):
        begin += 1
    return text[begin:end]


def _dotted(match: re.Match[str]) -> str:
    """0.1(dot)6(dot) is a repeating decimal."""
    return "\\overline{" + match[0].replace("\u0307", "") + "}"


def _ascii_digit(character: str) -> str:
    if character.isascii() or unicodedata.category(character) != "Nd":
        return character
    return str(unicodedata.decimal(character))


_DOUBLED = lazy_pattern(r"\\\\(?=[A-Za-z%$({\[])|\\\\\s*$")


def _latex_spelling(text: str) -> str:
    if "begin{cases}" in text and "_" in text:
        text = _CASES.sub(_without_index, text)
    if text.endswith("}"):
        text = _TEXT_STOP.sub("", text)
    if "\\\\" in text and "begin" not in text:
        text = _DOUBLED.sub(lambda m: "" if m[0].endswith(" ") or m.end() == len(text) else "\\", text)
    text = in_common_latex(text)
    for needles, pattern, replacement in _STEPS:
        for needle in needles:
            if needle in text:
                text = pattern.sub(replacement, text)
                break
        else:
            text = text if needles else pattern.sub(replacement, text)
    if text.count("$") - text.count("\\$") >= 2:
        text = _MATH_PAIR.sub(lambda m: " " + (m[1] or m[2]) + " ", text)
    return _INNER.sub(" ", text).replace("\\$", "$").replace("\\%", "%").strip()


def _unwrapped(text: str) -> str:
    """Without the $...$, **...**, quotes around the whole of it."""
    for _ in range(6):
        before = text
        text = text.strip()
        if not text or text[0] not in _OPENINGS:
            return text
        for left, right in _WRAPPERS:
            if text[:1] != left[0]:
                continue
            inner = text[len(left) : -len(right)]
            if (
                len(text) > len(left) + len(right)
                and text.startswith(left)
                and text.endswith(right)
                and left not in inner
            ):
                text = inner
        for box in ("\\boxed", "\\fbox"):
            if text.startswith(box + "{") and _closes_at_end(text):
                text = text[len(box) :]
        text = _TAGGED.sub(r"\2", text)
        if text == "{}":
            return "\\emptyset"
        if _SET_BUILDER.match(text) and text.endswith("}"):
            return "\\{" + text[1:-1] + "\\}"
        if text.startswith("{") and text.endswith("}") and _closes_at_end(text):
            text = text[1:-1]
        if text == before:
            return text
    return text


def _closes_at_end(text: str) -> bool:
    depth = 0
    for index, character in enumerate(text):
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return index == len(text) - 1
    return False

"""Presentation MathML to LaTeX, every element of MathML Core and those of MathML 3 that pages use."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from pipelines.extraction.content_mathml import TAGS as CONTENT_TAGS
from pipelines.extraction.content_mathml import content_tex
from pipelines.extraction.document import Element
from pipelines.extraction.symbols import FUNCTIONS, character_tex, join, symbols_tex, text_tex

SKIPPED = frozenset(
    {
        "annotation",
        "annotation-xml",
        "mprescripts",
        "none",
        "maligngroup",
        "malignmark",
        "mjx-assistive-mml",
        "script",
        "style",
    }
)
VARIANTS = {
    "bold": "mathbf", "double-struck": "mathbb", "script": "mathcal", "fraktur": "mathfrak", "sans-serif": "mathsf", "monospace": "mathtt",
    "bold-italic": "boldsymbol", "bold-script": "mathcal", "bold-fraktur": "mathfrak", "bold-sans-serif": "mathbf", "normal": "mathrm",
    "-tex-caligraphic": "mathcal", "-tex-calligraphic": "mathcal", "-tex-bold-calligraphic": "mathcal", "sans-serif-italic": "mathsf",
}  # fmt: skip
OVER = {"^": "hat", "ˆ": "hat", "\u0302": "hat", "⌃": "hat", "~": "tilde", "˜": "tilde", "∼": "tilde", "\u0303": "tilde", "¯": "bar", "ˉ": "bar", "ˊ": "acute", "ˋ": "grave", "‾": "bar", "_": "bar", "\u0304": "bar",
        "\u0305": "bar", "―": "bar", "-": "bar", "−": "bar", "–": "bar", "→": "vec", "⟶": "vec", "⃗": "vec", "⇀": "vec", "˙": "dot", "\u0307": "dot", ".": "dot", "¨": "ddot", "\u0308": "ddot",
        "⃛": "dddot", "ˇ": "check", "\u030c": "check", "˘": "breve", "\u0306": "breve", "´": "acute", "\u0301": "acute", "`": "grave", "\u0300": "grave", "˚": "mathring",
        "⏞": "overbrace", "︷": "overbrace", "⎴": "overbracket", "←": "overleftarrow", "↔": "overleftrightarrow", "⏜": "overparen", "⌢": "overset{\\frown}"}  # fmt: skip
WIDE = {"hat": "widehat", "tilde": "widetilde", "bar": "overline", "vec": "overrightarrow"}
UNDER = {"_": "underline", "\u0332": "underline", "¯": "underline", "―": "underline", "‾": "underline", "⏟": "underbrace", "︸": "underbrace", "⎵": "underbracket",
         "→": "underrightarrow", "←": "underleftarrow", "-": "underline", "−": "underline", "–": "underline"}  # fmt: skip
ARROWS = {"→": "xrightarrow", "⟶": "xrightarrow", "←": "xleftarrow", "⟵": "xleftarrow", "⇒": "xRightarrow", "⟹": "xRightarrow", "⇐": "xLeftarrow", "↔": "xleftrightarrow", "↦": "xmapsto", "⇌": "xrightleftharpoons"}  # fmt: skip
LIMITS = frozenset("∑∏∐⋃⋂⋁⋀⨁⨂⨀⨄⨆∫∬∭⨌∮∯")
LIMIT_WORDS = frozenset(
    {
        "lim",
        "max",
        "min",
        "sup",
        "inf",
        "limsup",
        "liminf",
        "lim sup",
        "lim inf",
        "det",
        "gcd",
        "Pr",
        "arg max",
        "arg min",
        "argmax",
        "argmin",
        "colim",
    }
)
OPENING = {
    "(": ")",
    "[": "]",
    "{": "}",
    "⟨": "⟩",
    "〈": "〉",
    "⌊": "⌋",
    "⌈": "⌉",
    "|": "|",
    "‖": "‖",
    "∥": "∥",
    "∣": "∣",
}
CLOSING = frozenset(OPENING.values())
MATRICES = {("(", ")"): "pmatrix", ("[", "]"): "bmatrix", ("{", "}"): "Bmatrix", ("|", "|"): "vmatrix", ("∣", "∣"): "vmatrix", ("‖", "‖"): "Vmatrix", ("∥", "∥"): "Vmatrix"}  # fmt: skip
TALL = re.compile(r"\\(?:frac|dfrac|sum|prod|int|begin|binom|bigcup|bigcap|over|underset|overset|sqrt\{.*\\frac)")
STRETCHED = {"{": r"\{", "}": r"\}", "‖": r"\|", "∥": r"\|", "∣": "|"}
SCRIPTED = re.compile(r"[\^_']|^\\(?:frac|sqrt|sum|int|prod)")
APPLICATION = re.compile("[\u2061-\u2064\u200b]")
SCRIPTED_MARK = "^"
PRIMED = re.compile(r"('+)(\s*[^'\s].*)", re.DOTALL)
SPACING = re.compile(r"(?:\\[,;:! ]|\\q?quad|\s)+")
MATRIX = re.compile(r"^\\begin\{(?:matrix|aligned)\}(.*)\\end\{(?:matrix|aligned)\}$", re.DOTALL)
SIMPLE = re.compile(r"\\[A-Za-z]+|\\.|[^\\{}^_\s]|\\(?:math\w+|text|boldsymbol|operatorname)\{[^{}]*\}|\d+(?:\.\d+)?")


def convert(math: Element) -> str:
    """The formula of a `math` element (or of any MathML element) as LaTeX, without delimiters."""
    return re.sub(r" {2,}", " ", _tex(math)).strip()


def _tex(element: Element) -> str:
    tag = element.tag.rpartition(":")[2].lower()
    if tag in SKIPPED:
        return ""
    handler = HANDLERS.get(tag)
    if handler is None and tag in CONTENT_TAGS:
        return content_tex(element)
    return handler(element) if handler else _row(element)


def _children(element: Element) -> list[Element]:
    return [child for child in element.elements() if child.tag not in SKIPPED or child.tag == "none"]


def _argument(element: Element, position: int) -> str:
    children = _children(element)
    return _tex(children[position]).strip() if position < len(children) else ""


def _row(element: Element) -> str:
    items = [(_operator(child) or _scripted_closing(child), _tex(child)) for child in _children(element)]
    stray = "".join(child for child in element.children if isinstance(child, str)).strip()
    if stray and not items:
        return symbols_tex(stray)
    return fenced_row(items)


def _operator(element: Element) -> str:
    """The characters of an `mo`, looked for through rows that hold nothing else; empty for anything but an operator."""
    while element.tag in ("mrow", "mstyle", "mpadded", "texatom"):
        children = element.elements()
        if len(children) != 1:
            return ""
        element = children[0]
    return element.text().strip() if element.tag == "mo" else ""


def _scripted_closing(element: Element) -> str:
    """The closing bracket that bears a script, with a mark that it does."""
    if element.tag not in ("msub", "msup", "msubsup"):
        return ""
    base = _operator(next(iter(element.elements()), element))
    return base + SCRIPTED_MARK if base in CLOSING else ""


def fenced_row(items: list[tuple[str, str]]) -> str:
    """Pieces of a row, each with its operator character or empty: brackets grow around tall content, and brackets
    around a table become its matrix."""
    parts: list[str] = []
    operators: list[str] = []
    waiting: list[tuple[int, str]] = []
    for operator, tex in items:
        closing = operator.removesuffix(SCRIPTED_MARK)
        if waiting and closing and OPENING.get(waiting[-1][1]) == closing:
            start, opening = waiting.pop()
            inner = join(parts[start + 1 :])
            norm = closing in "∥‖" and (not start or operators[start - 1] != "")
            parts[start:] = [
                _fence(opening, inner, closing, r"\|" if norm else parts[start], _norm(tex) if norm else tex)
            ]
            operators[start:] = [""]
            continue
        if operator in OPENING:
            waiting.append((len(parts), operator))
        parts.append(tex)
        operators.append(operator)
    for start, opening in reversed(waiting):
        inner = join(parts[start + 1 :]).strip()
        cases = MATRIX.match(inner)
        if opening == "{" and cases and "\\begin{matrix}" not in cases[1]:
            parts[start:] = [f"\\begin{{cases}}{cases[1]}\\end{{cases}}"]
    return join(parts)


def _norm(tex: str) -> str:
    return tex.replace(r"\parallel ", r"\|", 1).replace(r"\parallel", r"\|", 1)


def _fence(opening: str, inner: str, closing: str, opening_tex: str, closing_tex: str) -> str:
    stripped = inner.strip()
    bare = symbols_tex(closing)
    scripts_tex = closing_tex.removeprefix(r"\|" if closing_tex.startswith(r"\|") else bare).lstrip()
    if not closing_tex.startswith((bare, r"\|")) or scripts_tex[:1] not in ("_", "^", "'"):
        scripts_tex = ""
    matrix = MATRIX.match(stripped)
    if matrix and (opening, closing) in MATRICES and "\\end{matrix}" not in matrix[1]:
        name = MATRICES[opening, closing]
        return f"\\begin{{{name}}}{matrix[1]}\\end{{{name}}}{scripts_tex}"
    if opening == "(" and stripped.startswith("{") and stripped.endswith("}") and stripped.count("\\atop") == 1:
        top, bottom = stripped[1:-1].split("\\atop")
        return f"\\binom{{{top.strip()}}}{{{bottom.strip()}}}{scripts_tex}"
    if TALL.search(inner):
        left, right = STRETCHED.get(opening, opening_tex), STRETCHED.get(closing, bare)
        return join([f"\\left{left}", inner, f"\\right{right}{scripts_tex}"])
    return join([opening_tex, inner, closing_tex])


def _identifier(element: Element) -> str:
    text = element.text().strip()
    variant = element.get("mathvariant").lower() or element.get("data-mjx-variant").lower()
    if len(text) > 1 and " ".join(text.split()) in LIMIT_WORDS | FUNCTIONS:
        return _function(" ".join(text.split()))
    plain = "" if text.isascii() else unicodedata.normalize("NFD", text)
    if len(plain) == 2 and plain[1] in OVER:  # `â` in one character
        return f"\\{OVER[plain[1]]}{{{plain[0]}}}"
    tex = symbols_tex(text)
    command = VARIANTS.get(variant)
    if len(text) > 1 and text.isascii() and text.replace(" ", "").isalpha():
        return f"\\{command or 'mathrm'}{{{text}}}"
    if command and tex.isalnum() and not (command == "mathrm" and not text.isascii()):
        return f"\\{command}{{{tex}}}"
    if command in ("mathbf", "boldsymbol") and tex.startswith("\\") and "{" not in tex:
        return f"\\boldsymbol{{{tex}}}"
    return tex


def _function(name: str) -> str:
    if name.replace(" ", "") in FUNCTIONS:
        return "\\" + name.replace(" ", "")
    return f"\\operatorname*{{{name}}}"


def _number(element: Element) -> str:
    text = element.text().strip()
    command = VARIANTS.get(element.get("mathvariant").lower())
    return f"\\{command}{{{symbols_tex(text)}}}" if command and command != "mathrm" else symbols_tex(text)


def _operator_tex(element: Element) -> str:
    text = unicodedata.normalize("NFC", " ".join(element.text().split()))  # a stroke over its relation: one character
    if text == "\u2063" and _is_between_numbers(element):
        return ","
    if text in FUNCTIONS or text in LIMIT_WORDS:
        return _function(text)
    if text == "mod":
        return "\\bmod "
    if len(text) > 1 and text.isalpha() and text.isascii():
        return text_tex(f" {text} ") if text in ("and", "or", "if", "for", "where") else f"\\operatorname{{{text}}}"
    if text in ("⊥", "∥", "∣", "~") and not element.get("fence"):
        return character_tex(text)
    return "|" if text == "∣" else symbols_tex(text)


def _is_between_numbers(element: Element) -> bool:
    """Whether an invisible separator stands between two numbers: without it, the indices 1 and 2 are 12."""
    beside = element.parent.elements() if element.parent is not None else []
    place = next((place for place, each in enumerate(beside) if each is element), 0)
    return 0 < place < len(beside) - 1 and beside[place - 1].tag == beside[place + 1].tag == "mn"


def _text(element: Element) -> str:
    inner = [_tex(child) if child.tag in ("math", "mrow") else text_tex(child.text()) for child in element.elements()]
    text = "".join(child for child in element.children if isinstance(child, str))
    text = re.sub(r"\s+", " ", text.replace("\u00a0", " "))
    if not text.strip():
        return join(inner) if inner else (r"\ " if text else "")
    return join([text_tex(text), *inner])


def _space(element: Element) -> str:
    width = re.match(r"(-?\d*\.?\d+)em", element.get("width"))
    if not width:
        return " " if element.get("width") or element.get("linebreak") else ""
    return (
        "\\qquad "
        if float(width[1]) >= 1.9
        else "\\quad "
        if float(width[1]) >= 0.9
        else "\\, "
        if float(width[1]) > 0.1
        else ""
    )


def _fraction(element: Element) -> str:
    top, bottom = _argument(element, 0), _argument(element, 1)
    thickness = element.get("linethickness")
    if thickness and re.match(r"0+(?:\.0*)?(?![\d.])", thickness):
        return f"{{{top} \\atop {bottom}}}"
    if element.get("bevelled") == "true":
        return f"{group(top)}/{group(bottom)}"
    return f"\\frac{{{top}}}{{{bottom}}}"


def group(tex: str) -> str:
    """The piece as one argument: braces unless it is a single token."""
    return tex if SIMPLE.fullmatch(tex) and not tex[1:2].isdigit() else f"{{{tex}}}"


def _base(tex: str) -> str:
    tex = tex.strip()
    if not tex:
        return "{}"
    if SIMPLE.fullmatch(tex) or re.fullmatch(r"\\(?:left.*\\right.*|begin\{(\w+)\}.*\\end\{\1\})", tex, re.DOTALL):
        return tex
    if re.fullmatch(r"[(\[][^()\[\]^_]*[)\]]", tex):
        return tex
    return f"{{{tex}}}"


def scripts(base: str, lower: str = "", upper: str = "") -> str:
    """A base with its subscript and superscript; primes are written as primes."""
    written = _base(base)
    if lower:
        written += "_" + group(lower)
    if upper and not upper.strip("'"):
        return written + upper
    if upper in (r"\prime", r"{\prime}"):
        return written + "'"
    if primed := PRIMED.fullmatch(upper):
        return f"{written}{primed[1]}^{group(primed[2].strip())}"
    return written + ("^" + group(upper) if upper else "")


def _sup(element: Element) -> str:
    return scripts(_argument(element, 0), upper=_argument(element, 1))


def _sub(element: Element) -> str:
    return scripts(_argument(element, 0), lower=_argument(element, 1))


def _subsup(element: Element) -> str:
    return scripts(_argument(element, 0), _argument(element, 1), _argument(element, 2))


def _under(element: Element) -> str:
    return _stacked(element, _argument(element, 1), "")


def _over(element: Element) -> str:
    return _stacked(element, "", _argument(element, 1))


def _underover(element: Element) -> str:
    return _stacked(element, _argument(element, 1), _argument(element, 2))


def _stacked(element: Element, lower: str, upper: str) -> str:
    children = _children(element)
    if not children:
        return ""
    lower, upper = (("" if SPACING.fullmatch(side) else side) for side in (lower, upper))
    base = _tex(children[0]).strip()
    if not lower and not upper and len(children) > 1:
        return base  # a strut above or below
    plain = APPLICATION.sub("", children[0].text()).strip()
    mark = children[-1].text().strip()
    if plain in LIMITS or plain in LIMIT_WORDS or base.startswith(("\\overbrace", "\\underbrace", "\\operatorname*")):
        written = base + (("_" + group(lower)) if lower else "")
        return written + (("^" + group(upper)) if upper else "")
    if plain in ARROWS and (lower or upper):
        return f"\\{ARROWS[plain]}" + (f"[{lower}]" if lower else "") + f"{{{upper}}}"
    if upper and not lower and mark in OVER:
        command = OVER[mark]
        wide = len(re.sub(r"\\[A-Za-z]+", "x", base)) > 1 and not SIMPLE.fullmatch(base)
        return f"\\{WIDE.get(command, command) if wide else command}{{{base}}}"
    if lower and not upper and mark in UNDER:
        return f"\\{UNDER[mark]}{{{base}}}"
    if upper and SIMPLE.fullmatch(base) and not lower and mark in "′″‴":
        return scripts(base, upper=upper)
    written = f"\\underset{{{lower}}}{{{base}}}" if lower else base
    return f"\\overset{{{upper}}}{{{written}}}" if upper else written


def _multiscripts(element: Element) -> str:
    children = [child for child in element.elements() if not child.tag.startswith("annotation")]
    if not children:
        return ""
    before = next((i for i, child in enumerate(children) if child.tag == "mprescripts"), len(children))
    written = _tex(children[0]).strip()
    for pair in _pairs(children[1:before]):
        written = scripts(written, *pair) if any(pair) else written
    prescripts = [scripts("", *pair) for pair in _pairs(children[before + 1 :]) if any(pair)]
    return join([*prescripts, written])


def _pairs(children: list[Element]) -> list[tuple[str, str]]:
    texts = [_tex(child).strip() for child in children]
    return list(zip(texts[::2], [*texts[1::2], ""], strict=False))


def _table(element: Element) -> str:
    rows = [child for child in element.iterate() if child.tag in ("mtr", "mlabeledtr") and _owner(child) is element]
    written, tags, margins = [], [], False
    for row in rows:
        cells = [child for child in row.elements() if child.tag == "mtd"]
        if row.tag == "mlabeledtr" and len(cells) > 1:
            tags.append(cells.pop(0).text().strip().strip("()"))
        elif len(cells) > 2 and all("width:50%" in cell.get("style") for cell in (cells[0], cells[-1])):
            number = cells[-1].text().strip()  # Temml's margins, of which the right one holds the number
            tags += [number.strip("()")] if number else []
            cells = cells[1:-1]
            margins = True
        written.append(" & ".join(_tex(cell).strip() for cell in cells))
    columns = element.get("columnalign").split()
    aligned = columns[:2] == ["right", "left"] or (element.get("displaystyle") == "true" and len(rows) > 1)
    if len(rows) == 1 and (tags or margins):
        return written[0].replace(" & ", " ") + (f" \\tag{{{tags[0]}}}" if tags else "")
    name = "aligned" if aligned else "matrix"
    body = r" \\ ".join(written)
    return f"\\begin{{{name}}}{body}\\end{{{name}}}"


def _owner(element: Element) -> Element | None:
    parent = element.parent
    while parent is not None and parent.tag != "mtable":
        parent = parent.parent
    return parent


def _mfenced(element: Element) -> str:
    opening = element.attributes.get("open", "(").strip()
    closing = element.attributes.get("close", ")").strip()
    separators = element.attributes.get("separators", ",").replace(" ", "")
    items: list[tuple[str, str]] = []
    for position, child in enumerate(_children(element)):
        if position and separators:
            items.append(("", symbols_tex(separators[min(position, len(separators)) - 1])))
        items.append(("", _tex(child)))
    if opening and closing:
        inner = join([tex for _, tex in items])
        return _fence(opening, inner, closing, symbols_tex(opening), symbols_tex(closing))
    ends = [(fence, symbols_tex(fence)) for fence in (opening, closing)]
    return fenced_row([*(ends[:1] if opening else []), *items, *(ends[1:] if closing else [])])


def _enclosed(element: Element) -> str:
    inner = _row(element).strip()
    notation = element.attributes.get("notation", "longdiv").split()
    for name, command in (
        ("radical", "sqrt"),
        ("box", "boxed"),
        ("roundedbox", "boxed"),
        ("circle", "boxed"),
        ("top", "overline"),
        ("bottom", "underline"),
    ):
        if name in notation:
            return f"\\{command}{{{inner}}}"
    if "longdiv" in notation:
        return f"\\overline{{\\smash{{)}}{inner}}}"
    return f"\\cancel{{{inner}}}" if any("strike" in name for name in notation) else inner


def _long_division(element: Element) -> str:
    """MathML 3's elementary division: divisor, quotient, dividend, then the steps of the work."""
    divisor, quotient, dividend = (_argument(element, place) for place in range(3))
    drawn = f"{divisor}\\overline{{\\smash{{)}}{dividend}}}"
    return f"\\overset{{{quotient}}}{{{drawn}}}" if quotient else drawn


def _first(element: Element) -> str:
    return _argument(element, 0)


HANDLERS: dict[str, Callable[[Element], str]] = {
    "mi": _identifier, "mn": _number, "mo": _operator_tex, "mtext": _text, "ms": _text, "mspace": _space, "mfrac": _fraction,
    "msqrt": lambda element: f"\\sqrt{{{_row(element).strip()}}}",
    "mroot": lambda element: f"\\sqrt[{_argument(element, 1)}]{{{_argument(element, 0)}}}",
    "msup": _sup, "msub": _sub, "msubsup": _subsup, "munder": _under, "mover": _over, "munderover": _underover,
    "mmultiscripts": _multiscripts, "mtable": _table, "mfenced": _mfenced, "menclose": _enclosed, "mlongdiv": _long_division, "semantics": _first, "maction": _first,
    "mphantom": lambda element: f"\\phantom{{{_row(element).strip()}}}", "mglyph": lambda element: symbols_tex(element.get("alt")),
}  # fmt: skip

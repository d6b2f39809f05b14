"""Formulas that are set in HTML alone, as MathML: italics for variables, sub and sup, spans that name what they are.

So write docutils and eLyXer (`class="formula"`), pandoc without an engine (`class="math inline"`), Wikipedia (`texhtml`),
and TtH and HeVeA in the cells of their tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from pipelines.extraction.document import Element
from pipelines.extraction.mathml import convert
from pipelines.extraction.rendered import node
from pipelines.extraction.symbols import FUNCTIONS, SYMBOL_FONT, join
from pipelines.extraction.tags import OVERLINE, OVERLINED, SYMBOLS

Nodes = list[Element]

LEAF = re.compile(r"[A-Za-z]{2,}(?:\s+[A-Za-z]{2,})+|[^\W\d_]+|\d+(?:[.,]\d+)*|\|\||\s+|.", re.DOTALL)
ITALIC = frozenset({"i", "em", "var"})
BOLD = frozenset({"b", "strong"})
SETTING = (
    ITALIC
    | BOLD
    | {"span", "sub", "sup", "small", "big", "font", "u", "br", "nobr", "tt", "code", "wbr", OVERLINED, SYMBOLS}
)
"""What a formula is set with. Anything else in an element says that it holds more than one formula."""
FONTS = {"mathbf": "bold", "bold": "bold", "mathbb": "double-struck", "blackboard": "double-struck", "mathcal": "script",
         "mathscr": "script", "scriptfont": "script", "mathfrak": "fraktur", "fraktur": "fraktur"}  # fmt: skip
LATER = ("surd", "limit", "ruled")
"""Nodes that formula_tables.py puts together with their neighbours."""
MATHML = frozenset({*LATER, "mrow", "mfrac", "msqrt", "mroot", "mtable", "msub", "msup", "msubsup", "mover", "munder", "munderover", "mi", "mo", "mn", "mtext"})  # fmt: skip
IGNORED = frozenset({"equationnumber", "equationnumber-valign", "ignored", "sr-only", "visually-hidden"})
CONNECTIVES = frozenset({"if", "for", "and", "or", "otherwise", "where", "when", "with", "all", "else", "otherwise,"})
PRODUCT = 3
"""Letters side by side in italics that can be a product; more of them, or of upright ones, are a name."""
BEFORE_BRACES = frozenset(
    {"sqrt", "overline", "underline", "hat", "bar", "tilde", "vec", "pmod", "text", "hbox", "mbox"}
)
RAISED_PRIME = re.compile(r"\^('+)")
SIMPLE = re.compile(r"[A-Za-z]+|\d+|\s+|.", re.DOTALL)
ENGLISH = re.compile(r"[A-Za-z]+")
NAMES = sorted(FUNCTIONS, key=len, reverse=True)
BRACKETS = {**dict.fromkeys("⎛⎜⎝", "("), **dict.fromkeys("⎞⎟⎠", ")"), **dict.fromkeys("⎡⎢⎣", "["), **dict.fromkeys("⎤⎥⎦", "]"),
            **dict.fromkeys("⎧⎨⎩⎪", "{"), **dict.fromkeys("⎫⎬⎭", "}"), **dict.fromkeys("|∣│", "|"), **dict.fromkeys("‖∥", "‖"),
            **dict.fromkeys("⌠⌡⎮", "∫"), **{sign: sign for sign in "()[]{}⌊⌋⌈⌉⟨⟩"}}  # fmt: skip
"""The pieces that a tall bracket or integral sign is built of."""


def typeset_tex(element: Element) -> str:
    """The formula that the element shows, as LaTeX."""
    return convert(row(inside(element)))


@lru_cache(maxsize=8192)
def named_tex(text: str) -> str:
    """TeX whose commands are written as the characters or words that they stand for (GAPDoc's `SimpleMath`), as LaTeX:
    a brace groups after a script's sign or a word, any other is shown. Remembered, since pages repeat their formulas."""
    written: list[str] = []
    shown: list[bool] = []
    for token in SIMPLE.findall(RAISED_PRIME.sub(r"\1", text)):
        before = written[-1] if written else ""
        if token == "{":
            shown.append(before not in ("_", "^") and before[1:] not in BEFORE_BRACES)
            written.append("\\{" if shown[-1] else "{")
        elif token == "}":
            written.append("\\}" if not shown or shown.pop() else "}")
        elif token in ("#", "&", "%"):
            written.append(f"\\{token}")
        elif len(token) > 1 and before in ("_", "^"):
            written.append(f"{{{token}}}")  # whose braces the notation leaves out
        elif len(token) > 1 and token.isalpha():
            known = token in FUNCTIONS or token in BEFORE_BRACES or token in ("perp", "bmod")
            written.append(f"\\{token}" if known else token if len(token) <= PRODUCT - 1 else f"\\mathrm{{{token}}}")
        else:
            written.append(token)
    return join(written)


def named_lines(element: Element) -> str:
    """The same of all that an element holds, a line of the formula for each of its lines."""
    if element.find("br") is None:
        return named_tex(" ".join(element.text().split()))
    lines = [""]
    for child in element.children:
        if isinstance(child, Element) and child.tag == "br":
            lines.append("")
        else:
            lines[-1] += child if isinstance(child, str) else child.text()
    written = [named_tex(" ".join(line.split())) for line in lines if line.strip()]
    return written[0] if len(written) == 1 else "\\begin{gathered}" + r" \\ ".join(written) + "\\end{gathered}"


def is_typeset(element: Element) -> bool:
    """Whether all that the element holds can be one formula set in HTML."""
    text = element.text()
    return (
        "\\" not in text
        and "$" not in text
        and all(part.tag in SETTING for part in element.iterate() if part is not element)
    )


def row(inner: Iterable[Element | str]) -> Element:
    """The nodes as one."""
    inner = [*inner]
    return inner[0] if len(inner) == 1 and isinstance(inner[0], Element) else node("mrow", inner)


def inside(element: Element) -> Nodes:
    """MathML of all that the element holds."""
    return nodes(element.children)


def nodes(children: Iterable[Element | str], *, italic: bool = False, variant: str = "") -> Nodes:
    """MathML of what stands side by side; what is MathML already stays."""
    found: Nodes = []
    for child in children:
        if isinstance(child, str):
            found += leaves(child, italic=italic, variant=variant)
            continue
        if child.tag == SYMBOLS:
            found += leaves(child.text().translate(SYMBOL_FONT), variant=variant)
            continue
        if child.tag in MATHML:
            found.append(child)
            continue
        names = child.get("class").split()
        if not IGNORED.isdisjoint(names):
            continue
        scheme = next((SCHEMES[name] for name in names if name in SCHEMES), None)
        if scheme is not None:
            scheme(child, found)
        elif child.tag in ("sub", "sup"):
            attach(found, f"m{child.tag}", row(inside(child)))
        elif child.tag == OVERLINED or OVERLINE.search(child.get("style")):
            rooted(found, inside(child))
        else:
            bold = child.tag in BOLD or "font-weight:bold" in child.get("style")
            own = next((FONTS[name] for name in names if name in FONTS), "bold" if bold else variant)
            slanted = italic or child.tag in ITALIC or "italic" in child.get("style")
            found += nodes(child.children, italic=slanted, variant=own)
    return found


def leaves(text: str, *, italic: bool = False, variant: str = "") -> Nodes:
    """MathML of a run of characters."""
    found: Nodes = []
    for token in LEAF.findall(text):
        words = token.split()
        if len(words) > 1 and token[0].isalpha():
            if max(map(len, words)) > PRODUCT:
                found.append(node("mtext", [f" {' '.join(words)} "]))
            else:
                found += [letter for word in words for letter in _letters(word, italic=italic, variant=variant)]
        elif token[0].isalpha():
            found += _letters(token, italic=italic, variant=variant)
        elif token[0].isdigit():
            found.append(node("mn", [token], **({"mathvariant": variant} if variant else {})))
        elif token == "||":
            found.append(node("mo", ["‖"]))
        elif not token.isspace():
            found.append(node("mo", [token]))
    return found


def _letters(word: str, *, italic: bool, variant: str) -> Nodes:
    said = {"mathvariant": variant} if variant else {}
    if not ENGLISH.fullmatch(word):
        if any(character > "\u2e7f" or "\u0400" <= character <= "\u052f" for character in word):
            return [node("mtext", [word])] if not "\U0001d400" <= word[0] <= "\U0001d7ff" else _each(word, said)
        return _each(word, said)
    if italic and word in FUNCTIONS:
        return [node("mi", [word])]
    if not italic:
        if word in CONNECTIVES:
            return [node("mtext", [f" {word} "])]
        name = next((name for name in NAMES if word.startswith(name) and len(word) - len(name) < 2), "")
        if name:
            return [node("mi", [name]), *_each(word[len(name) :], said)]
    return _each(word, said) if len(word) <= PRODUCT - (not italic) else [node("mi", [word], **said)]


def _each(word: str, said: dict[str, str]) -> Nodes:
    return [node("mi", [character], **said) for character in word]


def attach(found: Nodes, kind: str, script: Element) -> None:
    """Gives the last node a script (`msub` or `msup`); a second of the other kind stands above or below the first."""
    base = found.pop() if found else node("mrow", [])
    if base.tag in ("msub", "msup") and base.tag != kind:
        inner, first = base.children
        scripts = [first, script] if base.tag == "msub" else [script, first]
        found.append(node("msubsup", [inner, *scripts]))
    else:
        found.append(node(kind, [base, script]))


def stacked(operator: Element, below: Nodes, above: Nodes) -> Element:
    """An operator with its limits."""
    if below and above:
        return node("munderover", [operator, row(below), row(above)])
    if below:
        return node("munder", [operator, row(below)])
    return node("mover", [operator, row(above)]) if above else operator


def _named(element: Element, *names: str) -> Element | None:
    return next(
        (part for part in element.iterate() if part is not element and any(part.has_class(name) for name in names)),
        None,
    )


def _fraction(element: Element, found: Nodes) -> None:
    parts = _named(element, "numerator", "num"), _named(element, "denominator", "den")
    if parts[0] is None or parts[1] is None:
        found += inside(element)
    else:
        found.append(node("mfrac", [row(inside(part)) for part in parts if part is not None]))


def _root(element: Element, found: Nodes) -> None:
    parts = [part for part in element.elements() if part.has_class("root")]
    index = next((part for part in parts if part.tag == "sup"), None)
    inner = next((part for part in parts if part.tag != "sup"), None)
    if inner is None:
        found += inside(element)
    elif index is None:
        found.append(node("msqrt", [*inside(inner)]))
    else:
        found.append(node("mroot", [row(inside(inner)), row(inside(index))]))


def _scripts(element: Element, found: Nodes) -> None:
    for part in element.elements():
        if part.tag in ("sub", "sup"):
            attach(found, f"m{part.tag}", row(inside(part)))


def _limits(element: Element, found: Nodes) -> None:
    parts = {part.tag: inside(part) for part in element.elements()}
    operator = [inner for tag, nodes_ in parts.items() if tag not in ("sub", "sup") for inner in nodes_]
    found.append(stacked(row(operator), parts.get("sub", []), parts.get("sup", [])))


def rooted(found: Nodes, radicand: Nodes) -> None:
    """What stands under a line: in a root where its sign stands before, else just that."""
    if found and found[-1].tag == "mo" and found[-1].text() == "√":
        found[-1] = node("msqrt", [*radicand])
    else:
        found.append(node("mover", [row(radicand), node("mo", ["¯"])]))


def _overline(element: Element, found: Nodes) -> None:
    rooted(found, inside(element))


def _underline(element: Element, found: Nodes) -> None:
    found.append(node("munder", [row(inside(element)), node("mo", ["_"])]))


def _embellished(element: Element, found: Nodes) -> None:
    base, mark = _named(element, "base"), _named(element, "smallsymbol")
    if base is None or mark is None:
        found += inside(element)
    else:
        found.append(node("mover", [row(inside(base)), node("mo", [mark.text().strip()])]))


def _array(element: Element, found: Nodes) -> None:
    """Rows of cells, or the pieces of a tall bracket."""
    rows = [part for part in element.iterate() if part.has_class("arrayrow")]
    if not any(part.has_class("arraycell") for part in element.iterate()):
        found += bracket(element.text())
        return
    cells = [[cell for cell in line.elements() if cell.has_class("arraycell")] for line in rows]
    found.append(
        table([[inside(cell) for cell in line] for line in cells if any(cell.text().strip() for cell in line)])
    )


def table(cells: list[list[Nodes]]) -> Element:
    """The node of a matrix, without columns that nothing stands in."""
    width = max(map(len, cells), default=0)
    shown = [column for column in range(width) if any(column < len(line) and line[column] for line in cells)]
    cells = [[line[column] for column in shown if column < len(line)] for line in cells]
    return node("mtable", [node("mtr", [node("mtd", [*cell]) for cell in line]) for line in cells])


def bracket(text: str) -> Nodes:
    """The bracket that these pieces build; nothing where they build none."""
    pieces = text.split()
    if not pieces or any(character not in BRACKETS for piece in pieces for character in piece):
        return []
    return [node("mo", [BRACKETS[pieces[0][0]]])]


def _text(element: Element, found: Nodes) -> None:
    found.append(node("mtext", [element.text()]))


SCHEMES: dict[str, Callable[[Element, Nodes], None]] = {
    "fraction": _fraction, "sfrac": _fraction, "frac": _fraction, "sqrt": _root, "scripts": _scripts, "limits": _limits,
    "overline": _overline, "bar": _overline, "underline": _underline, "embellished": _embellished, "array": _array, "cases": _array,
    "text": _text, "textrm": _text, "mbox": _text,
}  # fmt: skip
"""Spans that are more than what they hold, by their class."""

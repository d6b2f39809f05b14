"""The text of a page's content: headings, lists, tables, quotations and code in light Markdown, one block at a time."""

from __future__ import annotations

import re
from collections.abc import Callable

from pipelines.extraction.delimiters import Notation, mark_formulas
from pipelines.extraction.document import Element
from pipelines.extraction.formula_tables import Line, tth_inline, tth_lines
from pipelines.extraction.plain_math import (
    MARK_CLOSE,
    MARK_OPEN,
    SIGNS,
    SUB,
    SUB_END,
    SUP,
    SUP_END,
    VARIABLE,
    mark_plain,
)
from pipelines.extraction.symbols import SYMBOL_FONT
from pipelines.extraction.tables import grid, is_data, is_numbered, rows_of
from pipelines.extraction.tags import BLOCK, CLASSIFIER, OVERLINED, SYMBOLS
from pipelines.extraction.tex import BREAK, clean, mend

DISPLAYED = f"{MARK_OPEN}0"
"""How the marks of displayed formulas begin."""
DISPLAY_MARK = re.compile(f"{DISPLAYED}\\d+{MARK_CLOSE}")
MARK = re.compile(f"{MARK_OPEN}(\\d+){MARK_CLOSE}")
SPACE = re.compile(r"[ \t\r\f\v\u00a0\u2000-\u200a\u202f\u3000]+")
HEADINGS = {"h1": "# ", "h2": "## ", "h3": "### ", "h4": "#### ", "h5": "##### ", "h6": "###### "}
CODE = frozenset({"pre", "listing", "xmp", "plaintext"})
LINES = frozenset({"div", "li", "tr", "p"})
"""What breaks lines in program text."""
TERMS = frozenset({"code", "kbd", "samp", "tt"})
LANGUAGE = re.compile(
    r"(?:^|\s)(?:(?:lang(?:uage)?|brush|highlight(?:-source)?)[-:]\s?|sourceCode )(?!default|none|text|plain)(\w[\w+#-]*)"
)
LANGUAGE_SIGN = re.compile("lang|brush|highlight|sourceCode")
LISTS = frozenset({"ul", "ol", "menu", "dir"})
EQUATION_TABLE = re.compile(r"ltx_eqn|ltx_equation|(?:^|\s)(?:eq|equation|displaymath|eqnarray)(?:\s|$)")
PUNCTUATED = re.compile(f"({MARK_CLOSE})\n([.,;:!?)](?:\\s|$))")
RELATIONS = frozenset("=<>≤≥≠≈≡+-−")
"""What stands in a cell of its own between the two sides of an equation."""
DEFINITION = re.compile(
    r"\\(?:begingroup|endgroup|bgroup|egroup|(?:re)?newcommand\*?|providecommand|def|let|DeclareMathOperator\*?|require|definecolor)(?![A-Za-z])\s*(?:\{?\\\w+\}?|\{\w+\})?\s*(?:\[\d\])?(?:\[[^\]]*\])?(?:#\d)*\s*(?:\{(?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*\})?|\\label\{[^{}]*\}|%.*|\{[\d.]+\}"
)
DEFINING = ("", "\\", "{", "%", " ", "~")
"""How a formula begins that shows nothing."""
SPACING = re.compile(r"(?:\\[,;:!> ]|\\(?:q?quad|(?:thin|med|thick|en)space)(?![A-Za-z])|[~\s{}])+")
LETTER = re.compile(r"\s*[A-Za-z]\s*")
LISTS_DEPTH = 12
ITEM = re.compile(r" *(?:- |\d+\. )")


def keep(piece: str, kept: list[str]) -> str:
    """The mark for a piece that no later step may touch. `kept` begins with an empty piece, so that a zero says: displayed."""
    kept.append(piece)
    return f"{DISPLAYED if piece.startswith('$$') else MARK_OPEN}{len(kept) - 1}{MARK_CLOSE}"


def only_defines(tex: str) -> bool:
    """Whether a formula shows nothing: it defines macros, or is empty."""
    return tex[:1] in DEFINING and not DEFINITION.sub("", tex).strip()


def only_space(tex: str) -> bool:
    """Whether a formula is only the space between a number and its unit."""
    return tex[:1] in DEFINING and SPACING.fullmatch(tex) is not None


class BlockWriter:
    """Writes the blocks of one page. `kept` holds formulas and code, for which marks stand in the text until the end."""

    def __init__(self, notation: Notation, kept: list[str], signs: str) -> None:
        self.notation = notation
        self.kept = kept
        self.signs = signs  # of plain mathematics, which the page has
        self.blocks: list[str] = []
        self.line: list[str] = []
        self.formulas = 0  # that were put in the place of their marks
        self.prefix = ""
        self.indent = ""

    def keep(self, text: str) -> str:
        return keep(text, self.kept)

    def formula(self, tex: str, display: bool) -> str:
        """The mark for a formula; nothing for one that only defines macros or groups."""
        if only_space(tex):
            return " "
        if only_defines(tex):
            return ""
        tex = mend(tex)
        return self.keep(f"$${tex}$$" if display else f"${tex}$")

    def write(self, element: Element) -> None:
        """Appends an element with all it holds."""
        writer = WRITERS.get(element.tag)
        if writer is None:
            self.inside(element)
        else:
            writer(self, element)

    def inside(self, element: Element) -> None:
        append = self.line.append
        for child in element.children:
            if child.__class__ is str:
                append(child)
            else:
                writer = WRITERS.get(child.tag)  # type: ignore[union-attr]  # an element, since it is no text
                if writer is None:
                    self.inside(child)  # type: ignore[arg-type]
                else:
                    writer(self, child)  # type: ignore[arg-type]

    def _block(self, element: Element) -> None:
        if element.traits.program:
            self.code(element)
            return
        self.flush()
        self.inside(element)
        self.flush()

    def _break(self, element: Element) -> None:
        self.line.append(BREAK)

    def _classifier(self, element: Element) -> None:
        self.line.append(" : ")
        self.inside(element)

    def _symbols(self, element: Element) -> None:
        """Text in the Symbol font: what its letters look like."""
        self.signs = SIGNS
        self.line.append(element.text().translate(SYMBOL_FONT))

    def _overlined(self, element: Element) -> None:
        """The radicand behind a root sign, in brackets."""
        rooted = "".join(self.line[-2:]).rstrip().endswith("√")
        self.line.append("(" if rooted else "")
        self.inside(element)
        self.line.append(")" if rooted else "")

    def _script(self, element: Element) -> None:
        opening, closing = SCRIPTS[element.tag]
        only = element.children[0] if element.tag == "sup" and len(element.children) == 1 else None
        if isinstance(only, Element) and only.tag == "a" and (number := only.text().strip()).isdigit():
            self.line.append(f"[{number}]")  # a footnote
            return
        parent = element.parent
        if parent is not None and parent.tag == element.tag and len(parent.children) == 1:
            self.inside(element)  # said twice, by tag and by style
            return
        self.line.append(opening)
        self.inside(element)
        self.line.append(closing)

    def _emphasis(self, element: Element) -> None:
        """A letter set apart is a variable, any other emphasis is not written."""
        only = element.children[0] if len(element.children) == 1 else None
        if isinstance(only, str) and len(only) < 8 and LETTER.fullmatch(only):
            self.line.append(VARIABLE)
        self.inside(element)

    def _term(self, element: Element) -> None:
        children = element.children
        text = children[0] if len(children) == 1 and isinstance(children[0], str) else element.text()
        text = " ".join(text.split())
        if not text:
            return
        if len(children) > 1 and element.find("sub", "sup") is not None:
            self.inside(element)  # mathematics set in a typewriter face
            return
        if MARK_OPEN in text:
            if MARK.fullmatch(text):
                self.inside(element)  # a formula
                return
            text = self.restore(text)
        self.line.append(self.keep(f"`{text}`" if "`" not in text else text))

    def flush(self) -> None:
        """Ends the block that is being collected."""
        if not self.line:
            return
        text = "".join(self.line)
        self.line.clear()
        text = self.mathematics(text)
        if MARK_OPEN in text:
            if MARK_CLOSE + MARK_OPEN in text:
                text = text.replace(
                    MARK_CLOSE + MARK_OPEN, f"{MARK_CLOSE} {MARK_OPEN}"
                )  # `$a$$b$` would be one formula
            if DISPLAYED in text:
                text = DISPLAY_MARK.sub(r"\n\g<0>\n", text)
        if "\n" in text:
            lines = [" ".join(line.split()) for line in text.split("\n")]
            text = PUNCTUATED.sub(r"\1\2", "\n".join(line for line in lines if line))
        else:
            text = " ".join(text.split())
        if text:
            if "\n" in text:
                text = text.replace("\n", "\n" + self.indent + " " * len(self.prefix))
            self.blocks.append(self.indent + self.prefix + text)
            if self.prefix:
                self.prefix = " " * len(self.prefix) if self.prefix.strip("# ") else ""

    def mathematics(self, text: str) -> str:
        """Formulas that are written as text, marked."""
        text = mark_formulas(text, self.notation, self.formula)  # lines still count: they end comments of TeX
        return mark_plain(text.replace("\n", " ").replace(BREAK, "\n"), self.formula, self.signs)

    def restore(self, text: str) -> str:
        """The pieces that marks stand for."""
        while MARK_OPEN in text:
            parts = MARK.split(text)
            if len(parts) == 1:
                break
            pieces = [self.kept[int(number)] for number in parts[1::2]]
            self.formulas += sum(piece[:1] == "$" for piece in pieces)
            parts[1::2] = pieces
            text = "".join(parts)
        return text

    def heading(self, element: Element) -> None:
        self.flush()
        self.prefix, before = HEADINGS.get(element.tag, HEADINGS["h1"]), self.prefix
        self.inside(element)
        self.line[:] = ["".join(self.line).replace(BREAK, " ")]  # the same list, which callers hold
        self.flush()
        self.prefix = before

    def code(self, element: Element) -> None:
        self.flush()
        text = self.restore(_verbatim(element)).strip("\n").rstrip()
        if not text.strip():
            return
        language = _language(element)
        if language == "math":  # GitHub's and GitLab's Markdown: a displayed formula
            self._display([Line(clean(text))])
            return
        fence = "```" if "```" not in text else "~~~~"
        body = f"{fence}{language}\n{text}\n{fence}"
        self.blocks.append(self.indent + self.prefix + self.keep(body))
        self.prefix = " " * len(self.prefix)

    def items(self, element: Element) -> None:
        self.flush()
        number = int(element.get("start")) if element.get("start").isdigit() else 1
        before, indent = self.prefix, self.indent
        if before.strip():  # a list that begins its item
            self.blocks.append(indent + before.rstrip())
        if len(indent) < 2 * LISTS_DEPTH:
            self.indent = indent + " " * len(before)
        for child in element.children:
            if isinstance(child, str):
                continue
            if child.tag == "li":
                self.prefix = f"{number}. " if element.tag == "ol" else "- "
                number += 1
            self.inside(child) if child.tag == "li" else self.write(child)
            self.flush()
        self.prefix, self.indent = (" " * len(before) if before else ""), indent

    def quotation(self, element: Element) -> None:
        self.flush()
        start, before = len(self.blocks), (self.prefix, self.indent)
        self.prefix = self.indent = ""
        self.inside(element)
        self.flush()
        self.prefix, self.indent = before
        quoted = "\n\n".join(self.blocks[start:])
        self.blocks[start:] = ["\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))] if quoted else []

    def table(self, element: Element) -> None:
        inline = tth_inline(element)
        if inline:
            self.line.append(self.formula(inline, False))
            return
        self.flush()
        lines = tth_lines(element)
        if lines is not None:
            self._display(lines)
            return
        rows = rows_of(element)
        if EQUATION_TABLE.search(element.get("class")) or is_numbered(rows):
            for row in rows:
                self._equation(row)
        elif is_data(element, rows):
            self._data_table(element, rows)
        else:
            self.inside(element)
            self.flush()

    def _display(self, lines: list[Line]) -> None:
        for line in lines:
            written = self.formula(line.tex, True) + (f" {line.number}" if line.number else "")
            self.blocks.append(self.indent + self.prefix + written)
            self.prefix = " " * len(self.prefix)

    def _equation(self, row: list[Element]) -> None:
        text = SPACE.sub(" ", "".join(self.mathematics(cell.text()) for cell in row)).strip()
        tex: list[str] = []
        beside: list[str] = []
        for position, part in enumerate(MARK.split(text)):
            if position % 2:
                tex.append(self.kept[int(part)].strip("$"))
            else:
                (tex if part.strip() in RELATIONS else beside).append(part)
        rest = " ".join("".join(beside).split())
        if MARK_OPEN in text and len(rest) < 20:
            cleaned = " ".join(part.removeprefix("\\displaystyle").strip() for part in tex)
            self.blocks.append(self.indent + self.formula(cleaned, True) + (f" {rest}" if rest else ""))
        elif text:
            self.blocks.append(self.indent + text)

    def _data_table(self, element: Element, rows: list[list[Element]]) -> None:
        caption = next((child for child in element.elements() if child.tag == "caption"), None)
        if caption is not None:
            self.inside(caption)
            self.flush()
        written = [[self._cell(cell) if isinstance(cell, Element) else cell for cell in row] for row in grid(rows)]
        used = [
            column
            for column in range(max(map(len, written)))
            if any(row[column : column + 1] > [""] for row in written)
        ]
        written = [[row[column] for column in used if column < len(row)] for row in written if any(row)]
        width = len(used)
        if width < 2:
            self.blocks += [self.indent + row[0] for row in written if row and row[0]]
            return
        lines: list[str] = []
        for position, cells in enumerate(written):
            lines.append("| " + " | ".join(cells + [""] * (width - len(cells))) + " |")
            if position == 0 and len(written) > 1:
                lines.append("|" + " --- |" * width)
        if lines:
            self.blocks.append("\n".join(self.indent + line for line in lines))

    def _cell(self, cell: Element) -> str:
        inner = BlockWriter(self.notation, self.kept, self.signs)
        inner.inside(cell)
        inner.flush()
        text = " ".join(" ".join(inner.blocks).split())
        return re.sub(r"\$\$(.*?)\$\$", r"$\1$", self.restore(text)).replace("\n", " ") if MARK_OPEN in text else text

    def rule(self, element: Element) -> None:
        self.flush()

    def text(self) -> str:
        """Everything written so far, with formulas and code in their places."""
        self.flush()
        written = self.restore(self._joined())
        if " \n" in written or "\t\n" in written:
            written = "\n".join([line.rstrip(" \t") for line in written.split("\n")])
        return written.strip()

    def _joined(self) -> str:
        """The blocks with a blank line between them, items of a list without."""
        parts: list[str] = []
        item = False
        for block in self.blocks:
            begins = ITEM.match(block) is not None
            parts.append("\n" if begins and item else "\n\n")
            parts.append(block)
            item = begins if "\n" not in block else ITEM.match(block, block.rfind("\n") + 1) is not None
        return "".join(parts[1:])


def _language(element: Element) -> str:
    """What a highlighter was told: on the program text, on its only element, or on the boxes around it."""
    around = [element, *element.elements()[:1]]
    parent = element.parent
    while parent is not None and parent.tag == "div" and len(around) < 5:
        around.append(parent)
        parent = parent.parent
    found = (LANGUAGE.search(part.get("class")) for part in around if LANGUAGE_SIGN.search(part.start))
    return next((language[1] for language in found if language), "")


def _verbatim(element: Element) -> str:
    parts: list[str] = []
    nodes = element.children
    if element.tag not in CODE and any(part.tag in LINES for part in element.elements()):
        nodes = [node for node in nodes if not isinstance(node, str) or node.strip()]  # only a `pre` shows them
    stack = nodes[::-1]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
        elif node.tag == "br":
            parts.append("\n")
        else:
            if node.tag in LINES:
                stack.append("\n")
            stack.extend(reversed(node.children))
    return "".join(parts)


SCRIPTS = {"sub": (SUB, SUB_END), "sup": (SUP, SUP_END), "q": ('"', '"')}
WRITERS: dict[str, Callable[[BlockWriter, Element], None]] = {
    **dict.fromkeys(BLOCK, BlockWriter._block),
    **dict.fromkeys(HEADINGS, BlockWriter.heading),
    **dict.fromkeys(CODE, BlockWriter.code),
    **dict.fromkeys(LISTS, BlockWriter.items),
    **dict.fromkeys(TERMS, BlockWriter._term),
    **dict.fromkeys(SCRIPTS, BlockWriter._script),
    **dict.fromkeys(("i", "em", "var"), BlockWriter._emphasis),
    SYMBOLS: BlockWriter._symbols,
    CLASSIFIER: BlockWriter._classifier,
    OVERLINED: BlockWriter._overlined,
    "br": BlockWriter._break,
    "blockquote": BlockWriter.quotation,
    "table": BlockWriter.table,
    "hr": BlockWriter.rule,
}
"""Elements that are more than what they hold."""

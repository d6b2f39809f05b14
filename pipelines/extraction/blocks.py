"""The text of a page's content: headings, lists, tables, quotations and code in light Markdown, one block at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice

from pipelines.extraction.delimiters import mark_formulas
from pipelines.extraction.document import Document, Element
from pipelines.extraction.formula_tables import Line, tth_inline, tth_lines
from pipelines.extraction.fractions import table_fraction
from pipelines.extraction.macros import expand
from pipelines.extraction.nodes import BLANKS, ESCAPES, MARKED_UP, VERBATIM
from pipelines.extraction.notation import Notation
from pipelines.extraction.plain_math import (
    EATEN,
    EATEN_TWICE,
    FRACTION,
    FRACTION_BAR,
    FRACTION_END,
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
from pipelines.extraction.tags import (
    BOX,
    CLASSIFIER,
    EMPHASIS,
    FLOW,
    GONE,
    GONE_BOX,
    HEADING,
    LINE_BREAK,
    LIST,
    OVERLINED,
    PROGRAM,
    QUOTATION,
    RULE,
    SCRIPT,
    SIGNED,
    SYMBOLS,
    TABLE,
    TERM,
    attributes_of,
)
from pipelines.extraction.tex import BREAK, clean, mend, without_bars

DISPLAYED = f"{MARK_OPEN}0"
"""How the marks of displayed formulas begin."""
DISPLAY_MARK = re.compile(f"{DISPLAYED}\\d+{MARK_CLOSE}")
MARK = re.compile(f"{MARK_OPEN}(\\d+){MARK_CLOSE}")
SPACE = re.compile(r"[ \t\r\f\v\u00a0\u2000-\u200a\u202f\u3000]+")
HASHES = {"h1": "# ", "h2": "## ", "h3": "### ", "h4": "#### ", "h5": "##### ", "h6": "###### "}
CODE = frozenset({"pre", "listing", "xmp", "plaintext"})
LINES = frozenset({"div", "li", "tr", "p"})
"""What breaks lines in program text."""
LANGUAGE = re.compile(
    r"(?:^|\s)(?:(?:lang(?:uage)?|brush|highlight(?:-source)?)[-:]\s?|sourceCode )(?!default|none|text|plain)(\w[\w+#-]*)"
)
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
SENTENCE_ENDS = frozenset(".!?。！？:：|`>$")
LETTER = re.compile(r"\s*[A-Za-z]\s*")
TEX = re.compile(r"\\[A-Za-z]|\\[,;!{}]|\^|_\{")
"""Signs of TeX that no name of a variable in a program has."""
LISTS_DEPTH = 12
UNMARKED = re.compile(r"list-style[a-z-]*\s*:\s*none|ltx_item")
"""Start tags of items before which the browser draws no mark."""
LABEL = re.compile(r"\s*(?:\(?\w{1,4}[.)]|[•–—*-])\s")
OWN_LABEL = re.compile(r"\(?\w{1,4}[.)]|[•–—*∗·-]")
BULLETS = frozenset("•–—-*∗·")
ITEM = re.compile(r" *(?:- |\d+\. )")


def keep(piece: str, kept: list[str]) -> str:
    """The mark for a piece that no later step may touch. `kept` begins with an empty piece, so that a zero says: displayed."""
    kept.append(piece)
    return f"{DISPLAYED if piece.startswith('$$') else MARK_OPEN}{len(kept) - 1}{MARK_CLOSE}"


def merge_marks(plain: str, kept: list[str]) -> str:
    """Plain mathematics as it is; with the marks of formulas in it, all of it as a formula of its own."""
    if MARK_OPEN not in plain:
        return plain
    parts = MARK.split(plain)
    parts[1::2] = [kept[int(number)].strip("$") for number in parts[1::2]]
    return keep(f"${_joined_tex(parts)}$", kept)


def _joined_tex(parts: list[str]) -> str:
    """A fraction whose parts hold formulas already: its marks are the braces of one."""
    return "".join(
        part if place % 2 else part.replace(FRACTION, "\\frac{").replace(FRACTION_BAR, "}{").replace(FRACTION_END, "}")
        for place, part in enumerate(parts)
    )


def only_defines(tex: str) -> bool:
    """Whether a formula shows nothing: it defines macros, or is empty."""
    return tex[:1] in DEFINING and not DEFINITION.sub("", tex).strip()


def only_space(tex: str) -> bool:
    """Whether a formula is only the space between a number and its unit."""
    return tex[:1] in DEFINING and SPACING.fullmatch(tex) is not None


class BlockWriter:
    """Writes the blocks of one page. `kept` holds formulas and code, for which marks stand in the text until the end."""

    def __init__(self, document: Document, notation: Notation, kept: list[str]) -> None:
        self.document = document
        self.breaks = document.breaks  # before which nodes a block begins or has ended
        self.notation = notation
        self.kept = kept
        self.signs = document.signs  # of plain mathematics
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
        if self.notation.macros:
            tex = expand(tex, self.notation.macros).strip()
            if not tex or tex.startswith("\\%"):  # definitions, and the comment after them
                return ""
        tex = mend(tex)
        return self.keep(f"$${tex}$$" if display else f"${tex}$")

    def write(self, row: int) -> None:
        """Appends an element with all it holds."""
        WRITERS[self.document.forms[row]](self, row)

    def inside(self, row: int) -> None:
        """Appends all that an element holds. The loop that every piece of the content passes: kept in one piece for speed."""
        document = self.document
        if row in document.instead:
            return self._instead(row)
        forms, ends, breaks = document.forms, document.ends, self.breaks
        firsts, lasts, written = document.firsts, document.lasts, document.written
        line, append = self.line, self.line.append
        place, stop = row + 1, ends[row]
        while place < stop:
            if breaks[place] and line:
                self.flush()
            form = forms[place]
            if form == VERBATIM:
                append(written[firsts[place] : lasts[place]])
            elif form == BLANKS:
                append(" ")
            elif form > BOX:  # others are no more than what they hold, which comes next
                WRITERS[form](self, place)
                place = ends[place]
                continue
            place += 1
        return None

    def _text(self, row: int) -> None:
        self.line.append(self.document.text(row))

    def _instead(self, row: int) -> None:
        """What has taken the element's place."""
        for child in self.document.instead[row]:
            if isinstance(child, str):
                self.line.append(child)
            else:
                self.write(child.row)

    def _block(self, row: int) -> None:
        self.flush()
        self.inside(row)
        self.flush()

    def _break(self, row: int) -> None:
        self.line.append(BREAK)

    def _signed(self, row: int) -> None:
        """What a style sheet adds a sign to, or draws in another way."""
        tag = self.document.tag(row)
        if tag == SYMBOLS:  # text in the Symbol font: what its letters look like
            self.signs = SIGNS
            self.line.append(self.document.text_in(row).translate(SYMBOL_FONT))
        elif tag == OVERLINED and "".join(self.line[-2:]).rstrip().endswith("√"):  # a radicand
            self.line.append("(")
            self.inside(row)
            self.line.append(")")
        else:
            self.line.append(" : " if tag == CLASSIFIER else "")
            self.inside(row)

    def _script(self, row: int) -> None:
        element = self.document.element(row)
        opening, closing = SCRIPTS[element.tag]
        only = element.children[0] if element.tag == "sup" and len(element.children) == 1 else None
        if isinstance(only, Element) and only.tag == "a" and (number := only.text().strip()).isdigit():
            self.line.append(f"[{number}]")  # a footnote
            return
        if self._is_footnote(element):
            self.line.append(f"[{element.text().strip()}]")
            return
        parent = element.parent
        if parent is not None and parent.tag == element.tag and len(parent.children) == 1:
            self.inside(row)  # said twice, by tag and by style
            return
        self.line.append(opening)
        self.inside(row)
        self.line.append(closing)

    def _is_footnote(self, element: Element) -> bool:
        """Whether a raised number is all that a link within the page holds."""
        link = element.parent
        return (
            element.tag == "sup"
            and link is not None
            and link.tag == "a"
            and link.get("href").startswith("#")
            and link.text().strip() == element.text().strip()
            and element.text().strip().isdigit()
        )

    def _emphasis(self, row: int) -> None:
        """A letter set apart is a variable, any other emphasis is not written."""
        tag = self.document.tag(row)
        eaten = EATEN_BY[tag] if tag in EATEN_BY and self._may_be_in_tex() else ""
        if tag == "strong" and not eaten:
            self.inside(row)
            return
        only = self.document.only_text(row)
        if eaten:
            self.line.append(eaten)
        elif only is not None and len(only) < 8 and LETTER.fullmatch(only):
            self.line.append(VARIABLE)
        elif only is not None and TEX.search(only) and tag == "var":  # KaTeX is to set it
            self.line.append(self.formula(clean(only), False))
            return
        self.inside(row)
        if eaten:
            self.line.append(eaten)

    def _may_be_in_tex(self) -> bool:
        """Whether a formula may have begun in this line and not ended yet."""
        return any("$" in piece or "\\" in piece for piece in self.line)

    def _term(self, row: int) -> None:
        only = self.document.only_text(row)
        text = only if only is not None else self.document.text_in(row)
        text = " ".join(text.split())
        if not text:
            return
        if only is None and self.document.element(row).find("sub", "sup") is not None:
            self.inside(row)  # mathematics set in a typewriter face
            return
        if MARK_OPEN in text:
            if MARK.fullmatch(text):
                self.inside(row)  # a formula
                return
            text = self.restore(text)
        self.line.append(self.keep(f"`{text}`" if "`" not in text else text))

    def flush(self) -> None:
        """Ends the block that is being collected."""
        if not self.line:
            return
        text = "".join(self.line)
        self.line.clear()
        text = mark_formulas(text, self.notation, self.formula)  # lines still count: they end comments of TeX
        if text.isascii():
            text = " ".join(text.split())
            if text:
                self._append(text)
            return
        if "\ufeff" in text or "\u200b" in text:
            text = text.replace("\ufeff", "").replace("\u200b", "")  # of no width; editors write them around formulas
        text = mark_plain(text.replace("\n", " ").replace(BREAK, "\n"), self.formula, self.signs)
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
            self._append(text)

    def _append(self, text: str) -> None:
        """Appends a block, of which only the first carries the mark of its item or heading."""
        self.blocks.append(self.indent + self.prefix + text)
        if self.prefix:
            self.prefix = " " * len(self.prefix) if self.prefix.strip("# ") else ""

    def mathematics(self, text: str) -> str:
        """Formulas that are written as text, marked."""
        text = mark_formulas(text, self.notation, self.formula)
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

    def heading(self, row: int) -> None:
        self.flush()
        self.prefix, before = HASHES.get(self.document.tag(row), HASHES["h1"]), self.prefix
        self.inside(row)
        self.line[:] = ["".join(self.line).replace(BREAK, " ")]  # the same list, which callers hold
        self.flush()
        self.prefix = before

    def code(self, row: int) -> None:
        self.flush()
        only = self.document.only_text(row)
        text = self.restore(_verbatim(self.document.element(row)) if only is None else only).strip("\n").rstrip()
        if not text.strip():
            return
        language = _language(self.document, row)
        if language == "math":  # GitHub's and GitLab's Markdown: a displayed formula
            self._display([Line(clean(text))])
            return
        fence = "```" if "```" not in text else "~~~~"
        body = f"{fence}{language}\n{text}\n{fence}"
        self.blocks.append(self.indent + self.prefix + self.keep(body))
        self.prefix = " " * len(self.prefix)

    def items(self, row: int) -> None:
        self.flush()
        numbered, number = self.document.tag(row) == "ol", 1
        if numbered and (start := self.document.element(row).get("start")).isdigit():
            number = int(start)
        before, indent = self.prefix, self.indent
        if before.strip():  # a list that begins its item
            self.blocks.append(indent + before.rstrip())
        if len(indent) < 2 * LISTS_DEPTH:
            self.indent = indent + " " * len(before)
        for place in self.document.rows_in(row):
            if self.document.forms[place] >= VERBATIM:
                continue
            if self.document.is_item(place):
                label = self._own_label(place)
                if numbered and (value := self.document.element(place).get("value")).isdigit():
                    number = int(value)
                self.prefix = label if label is not None else f"{number}. " if numbered else "- "
                number += 1
                self.inside(place)
            else:
                self.write(place)
            self.flush()
        self.prefix, self.indent = (" " * len(before) if before else ""), indent

    def _own_label(self, item: int) -> str | None:
        """The prefix of an item that writes its own mark, LaTeXML's for one; None where the browser draws it."""
        document = self.document
        start = document.start(item)
        if not UNMARKED.search(start):
            return None
        label = document.take_label(item, OWN_LABEL)
        if label:
            return "- " if label in BULLETS else f"{label} "
        return "" if LABEL.match(document.text_in(item)) else None

    def quotation(self, row: int) -> None:
        self.flush()
        start, before = len(self.blocks), (self.prefix, self.indent)
        self.prefix = self.indent = ""
        self.inside(row)
        self.flush()
        self.prefix, self.indent = before
        quoted = "\n\n".join(self.blocks[start:])
        self.blocks[start:] = ["\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))] if quoted else []

    def table(self, row: int) -> None:
        document = self.document
        may_be_tth = document.holds(row, "nowrap")
        inline = tth_inline(document.element(row)) if may_be_tth else ""
        if inline:
            self.line.append(self.formula(inline, False))
            return
        self.flush()
        lines = tth_lines(document.element(row)) if may_be_tth else None
        if lines is not None:
            self._display(lines)
            return
        rows = rows_of(document, row)
        fraction = table_fraction(document, row, rows)
        if fraction is not None:
            self._go_on_with(fraction, row)
        elif _is_equation(document.start(row)) or is_numbered(document, rows):
            for cells in rows:
                self._equation(cells)
        elif is_data(document, row, rows):
            self._data_table(row, rows)
        else:
            self.inside(row)
            self.flush()

    def _go_on_with(self, fraction: str, table: int) -> None:
        """Writes a fraction into the line that a parser ended before its table: no table stands in a paragraph."""
        before = self.document.parent_of(table) + 1
        while self.document.ends[before] < table:
            before = self.document.ends[before]
        if self.blocks and self.document.tag(before) == "p" and self.blocks[-1][-1:] not in SENTENCE_ENDS:
            before_it = self.blocks.pop().strip()
            self.line.append(before_it + " " * before_it[-1:].isascii())
        self.line.append(merge_marks(fraction, self.kept))

    def _display(self, lines: list[Line]) -> None:
        for line in lines:
            written = self.formula(line.tex, True) + (f" {line.number}" if line.number else "")
            self.blocks.append(self.indent + self.prefix + written)
            self.prefix = " " * len(self.prefix)

    def _equation(self, cells: list[int]) -> None:
        pieces = [self.mathematics(self.document.text_in(cell)) for cell in cells]
        text = SPACE.sub(" ", "".join(pieces).replace("\n", " ")).strip()
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

    def _data_table(self, table: int, rows: list[list[int]]) -> None:
        document = self.document
        caption = next((row for row in document.elements_in(table) if document.tag(row) == "caption"), None)
        if caption is not None:
            self.inside(caption)
            self.flush()
        inner = BlockWriter(document, self.notation, self.kept)
        inner.signs = self.signs
        written = [[inner.cell(cell) if cell is not None else "" for cell in row] for row in grid(document, rows)]
        self.formulas += inner.formulas
        used = [
            column
            for column in range(max(map(len, written)))
            if any(row[column : column + 1] > [""] for row in written)
        ]
        written = [[row[column] for column in used if column < len(row)] for row in written if any(row)]
        width = len(used)
        if width < 2:
            self.blocks += [self.indent + row[0].replace("\\|", "|") for row in written if row and row[0]]
            return
        lines: list[str] = []
        for position, cells in enumerate(written):
            lines.append("| " + " | ".join(cells + [""] * (width - len(cells))) + " |")
            if position == 0 and len(written) > 1:
                lines.append("|" + " --- |" * width)
        if lines:
            self.blocks.append("\n".join(self.indent + line for line in lines))

    def cell(self, row: int) -> str:
        """The text of a cell, in one line. For a writer of nothing else."""
        self.inside(row)
        self.flush()
        text = " ".join(self.blocks)
        if len(self.blocks) > 1 or "\n" in text:
            text = " ".join(text.split())
        self.blocks.clear()
        self.prefix = self.indent = ""
        if "|" in text or MARK_OPEN in text:
            parts = MARK.split(text.replace("|", "\\|"))
            parts[1::2] = [self._in_cell(self.restore(f"{MARK_OPEN}{number}{MARK_CLOSE}")) for number in parts[1::2]]
            text = "".join(parts).replace("\n", " ")
        return text

    def _in_cell(self, piece: str) -> str:
        """A formula or a term as a cell can hold it: on the line, and with no bar, which ends the cell for every reader."""
        if piece[:1] == "$":
            piece = f"${without_bars(piece.strip('$'))}$"
        return piece if piece[:1] == "$" else piece.replace("|", "\\|")

    def rule(self, row: int) -> None:
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


def _is_equation(start: str) -> bool:
    """Whether the class of a table says that its rows are equations."""
    return ("eq" in start or "displaymath" in start) and (
        EQUATION_TABLE.search(attributes_of(start).get("class", "")) is not None
    )


def _language(document: Document, program: int) -> str:
    """What a highlighter was told: on the program text, on its only element, or on the boxes around it."""
    around = [program, *islice(document.elements_in(program), 1)]
    above = document.parent_of(program)
    while above >= 0 and document.tag(above) == "div" and len(around) < 5:
        around.append(above)
        above = document.parent_of(above)
    starts = (document.start(row) for row in around if document.traits(row).language)
    found = (LANGUAGE.search(attributes_of(start).get("class", "")) for start in starts)
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


EATEN_BY = {"em": EATEN, "strong": EATEN_TWICE}
"""What Markdown makes of `_` and `*`, and of two of them."""
SCRIPTS = {"sub": (SUB, SUB_END), "sup": (SUP, SUP_END), "q": ('"', '"')}
WRITERS: tuple[Callable[[BlockWriter, int], None], ...] = tuple(
    writer
    for _, writer in sorted(
        {
            FLOW: BlockWriter.inside,
            BOX: BlockWriter._block,
            HEADING: BlockWriter.heading,
            PROGRAM: BlockWriter.code,
            LIST: BlockWriter.items,
            TERM: BlockWriter._term,
            SCRIPT: BlockWriter._script,
            EMPHASIS: BlockWriter._emphasis,
            SIGNED: BlockWriter._signed,
            LINE_BREAK: BlockWriter._break,
            QUOTATION: BlockWriter.quotation,
            TABLE: BlockWriter.table,
            RULE: BlockWriter.rule,
            GONE: BlockWriter._instead,
            GONE_BOX: BlockWriter._block,
            **dict.fromkeys((VERBATIM, ESCAPES, BLANKS, MARKED_UP), BlockWriter._text),
        }.items()
    )
)
"""How each kind of node is written."""

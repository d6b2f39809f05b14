"""What stands beside the longest part of a page and belongs to it all the same: the question before its answer, the
theorem before its proof, the formula before the text that explains it.

`content.main_element` finds where most of the running text is. A statement is short, so that its weight alone loses it;
here each part that was passed over on the way there is asked whether it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.extraction.document import Document
from pipelines.extraction.nodes import CODE, LINKS, OUT, STATE, VERBATIM
from pipelines.extraction.plain_math import MARK_OPEN
from pipelines.extraction.tags import CONTENT_SIGN, GONE_BOX, HEADING, IN_LINE, IS_FORMULA, PROGRAM, SCRIPT, Traits

STATEMENT_WORDS = (
    r"questions?|q|qn|problems?|prob|exercises?|theorem|thm|lemma|corollary|proposition|definition|defn?|axiom|conjecture|claim|examples?"
    r"|statement|stmt|stem|prompt|puzzle|riddle|task|rule|formulas?|equations?|hints?|solutions?|sol|answers?|ans|proof|given|remark"
    r"|timu|tigan|shiti|wenti|liti|daan|jiexi|jieda|jieti|question-?(?:text|body|title|stem)|aufgabe|satz|beweis|ejercicio|problema|teorema|enunciado|exercice|enonce|probleme"
)
NAMED_STATEMENT = re.compile(rf"(?:^|[\s_-])(?:{STATEMENT_WORDS})(?=$|[\s_\d-])", re.IGNORECASE)
"""Classes and ids of statements and of what answers them."""
COUNTING = re.compile(r"(?:^|[\s_-])(?:counts?|list|form|nav|menu|bar|btn|button|buttons|stats|meta|info|links?|tools?|actions?|ads?|more|related|author)(?=$|[\s_-])", re.IGNORECASE)  # fmt: skip
"""Words beside those that make a list, a form or figures of it: `answer-count`, `question-list`."""
BEGINS = re.compile(
    r"[QA]\s?[.:)]\s|(?:Question|Answer|Problem|Exercise|Theorem|Lemma|Corollary|Proposition|Definition|Example|Claim|Given|Hint|Solution|Check|Remark|Rule|Aufgabe|Satz|Beweis|Ejercicio|Problema|Teorema|Exercice|Théorème|Задача|Теорема|Пример)\s?(?:\d|[.:(])"
    r"|[【\[(（]?\s*(?:题目|例题?|问题?|解析?|已知|求|试?题|证明|计算|答案?|如图|练习)"
)
"""How statements, and answers to them, begin."""
EQUATION = re.compile(r"(?<![\w&?/.])[-−+\w()²³^*/ ]{0,30}[\w)²³]\s?[=≤≥≠≈＝]\s?(?:[-−+√∑∫(\d]|[^\W\d_](?!\w\w))")
TEX_DELIMITED = re.compile(
    r"\\\(.{1,400}?\\\)|\\\[.{1,2000}?\\\]|\$\$.{1,2000}?\$\$|\\begin\s*\{|(?<![\w$\\])\$(?=\S)[^$\n]{0,300}(?:\\[A-Za-z]|[\^_=<>])[^$\n]{0,300}\$(?!\d)|(?<![\w$\\])\$[A-Za-z]\$(?!\w)",
    re.DOTALL,
)
SENTENCE_END = re.compile(r"[.?!。？！．：:…)\]）】”\"]\s*$|[.?!]\s+[A-ZÀ-Þ]|[。？！．]")
DATED = re.compile(
    r"\b\d{1,2}:\d\d\b|\b(?:19|20)\d\d[-/.年]\s?\d{1,2}|\b\d{1,2}[-/.]\s?\d{1,2}[-/.]\s?(?:19|20)?\d\d\b|\b\d{1,2}(?:st|nd|rd|th)?\.?\s+[A-Za-zÀ-ÿ]{3,9}\.?,?\s+(?:19|20)\d\d\b|\b[A-Za-zÀ-ÿ]{3,9}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+(?:19|20)\d\d\b|https?://|©|\(c\)|@|\d%? (?:views|comments|replies)"
)
"""Dates, addresses and rights: what the lines about a text have, and a statement seldom."""
ENDS = frozenset("?？.．。!！:：")
"""What ends a sentence."""
ORDINALS = frozenset({"st", "nd", "rd", "th", "er", "re", "ème", "tm", "sm"})
"""What is raised and no power."""
CUT, BLOCK_CUT = Traits("-cut", {}), Traits("div", {})
"""What has taken the place of an element: nothing, or only the break that a block makes."""
BLOCK_CUT.code = BLOCK_CUT.code & ~(15 << 4) | GONE_BOX << 4
FURNITURE = frozenset({"nav", "footer", "aside", "form"})
SHORTEST_STATEMENT = 8
"""Characters; `求3+5的值` has seven, a title of a box fewer still."""
BYLINE = 200
"""Characters up to which a text with a date is taken for a line about the page, not of it."""
LEAD = 60
"""Characters, more than the captions and slogans of news pages mostly have, and fewer than the sentence that begins a text."""


@dataclass(frozen=True, slots=True)
class Part:
    """A child of an element on the way to the longest part, or the text and inline elements between two of them."""

    rows: tuple[int, ...]
    before: bool
    """Whether it stands before the longest part."""


@dataclass(frozen=True, slots=True)
class Level:
    """An element on the way from the longest part up to the body, and what it holds beside that way."""

    around: int
    inner: int
    parts: tuple[Part, ...]
    marked: bool
    """Whether it, or an element around it, says that it is the content."""


def widen(document: Document, longest: int, headline: int) -> int:
    """The row of the element that holds the longest part and all that belongs to it; what else that holds, and stands outside of
    these, is cut. `headline` is the row of the page's heading, or -1."""
    levels = _levels(document, longest)
    outermost = -1
    belonging: list[set[Part]] = []
    for place, level in enumerate(levels):
        belonging.append({part for part in level.parts if _belongs(document, part, level, headline)})
        if belonging[-1]:
            outermost = place
    for level, own in zip(levels[: outermost + 1], belonging, strict=False):
        _cut_strangers(document, level, own, headline)
    return levels[outermost].around if outermost >= 0 else longest


def _levels(document: Document, longest: int) -> list[Level]:
    above = [longest]
    while above[-1] != document.body and document.parent_of(above[-1]) >= 0:
        above.append(document.parent_of(above[-1]))
    levels: list[Level] = []
    marked = False
    for inner, around in zip(above[-2::-1], above[:0:-1], strict=True):
        marked = marked or bool(document.nodes[CODE, around] & CONTENT_SIGN)
        levels.append(Level(around, inner, tuple(_parts(document, around, inner)), marked))
    return levels[::-1]


def _parts(document: Document, around: int, inner: int) -> Iterator[Part]:
    """What an element holds beside one of its children. Text and inline elements that follow each other are one part."""
    nodes = document.nodes
    run: list[int] = []
    for row in document.rows_in(around):
        if nodes[STATE, row] == OUT:
            continue
        if row != inner and (document.forms[row] >= VERBATIM or nodes[CODE, row] & (IN_LINE | IS_FORMULA)):
            run.append(row)
            continue
        if run:
            yield Part(tuple(run), row <= inner)
            run = []
        if row != inner and document.length(row):
            yield Part((row,), row < inner)
    if run:
        yield Part(tuple(run), False)


def _belongs(document: Document, part: Part, level: Level, headline: int) -> bool:
    """Whether a part is content as much as the longest part is."""
    text = " ".join("".join(_text(document, row) for row in part.rows).split())
    if (len(text) < SHORTEST_STATEMENT and MARK_OPEN not in text) or text[:1] == "<" or _is_menu(document, part):
        return False
    if _states(document, part, text):
        return True
    if part.before:
        return _leads(document, part, level, headline, text)
    few_links = 10 * document.nodes[LINKS, part.rows[0]] <= len(text)
    return level.marked and len(text) >= LEAD and few_links and _is_alike(document, part.rows[0], level.inner)


def _text(document: Document, row: int) -> str:
    return document.text(row) if document.forms[row] >= VERBATIM else document.text_in(row)


def _is_menu(document: Document, part: Part) -> bool:
    """Whether it is mostly links, or says of itself that it is no content, though too large to be cut for it."""
    rows = [row for row in part.rows if document.forms[row] < VERBATIM]
    if 2 * sum(int(document.nodes[LINKS, row]) for row in rows) > sum(document.length(row) for row in rows) > 0:
        return True
    return any(
        document.tag(row) in FURNITURE or document.element(row).traits.kind in ("chrome", "never", "comments")
        for row in rows
    )


def _states(document: Document, part: Part, text: str) -> bool:
    """Whether it is a statement by its formulas, its name or how it begins."""
    if MARK_OPEN in text or TEX_DELIMITED.search(text) or EQUATION.search(text):
        return True
    if any(
        document.forms[row] == PROGRAM or _is_script(document, row)
        for top in part.rows
        for row in range(top, document.ends[top])
    ):
        return True
    if BEGINS.match(text):
        return True
    names = _names(document, part.rows[0])
    return NAMED_STATEMENT.search(names) is not None and COUNTING.search(names) is None


def _is_script(document: Document, row: int) -> bool:
    """Whether it is an index or a power: a letter or number alone, no link."""
    if document.forms[row] != SCRIPT or document.nodes[STATE, row] == OUT or document.tag(row) == "q":
        return False
    raised = document.text_in(row).strip()
    return (
        0 < len(raised) < 4 and raised.isalnum() and raised.lower() not in ORDINALS and not document.nodes[LINKS, row]
    )


def _names(document: Document, row: int) -> str:
    """The class and id of an element."""
    if document.forms[row] >= VERBATIM:
        return ""
    element = document.element(row)
    return f"{element.get('class')} {element.get('id')}"


def _leads(document: Document, part: Part, level: Level, headline: int, text: str) -> bool:
    """Whether it is what the text begins with: sentences below the page's heading, or, where it has none, beside the text itself."""
    if (len(text) < BYLINE and DATED.search(text)) or not SENTENCE_END.search(text):
        return False
    if headline >= 0:
        if any(row <= headline < document.ends[row] for row in part.rows):
            return len(text) - document.length(headline) >= LEAD
        return headline < part.rows[0] and (len(text) >= LEAD or text[-1] in ENDS)
    if level.around == document.body:
        return False
    return len(text) >= LEAD or text[-1] in ENDS


def _is_alike(document: Document, row: int, other: int) -> bool:
    """Whether two elements are of one kind by tag and first class, as the sections of a text are."""
    if document.forms[row] >= VERBATIM or document.tag(row) != document.tag(other):
        return False
    names, others = _names(document, row).split(), _names(document, other).split()
    return names[:1] == others[:1] and bool(names)


def _cut_strangers(document: Document, level: Level, belonging: set[Part], headline: int) -> None:
    """Cuts the parts outside of those that belong to the text: what stands among them is content like them."""
    first = min((part.rows[0] for part in belonging), default=level.inner)
    last = max((part.rows[-1] for part in belonging), default=level.inner)
    first, last = min(first, level.inner), max(last, level.inner)
    headings = [headline, *(each.row for each in document.headlines() if each.tag == "h1")]
    heading = -1  # the part right before the first that belongs, where it is a heading
    for part in level.parts:
        if part.rows[0] < first:
            heading = part.rows[0] if document.forms[part.rows[0]] == HEADING else -1
    for part in level.parts:
        if part in belonging or part.rows[0] == heading:
            continue
        if first < part.rows[0] < last and not _is_menu(document, part):
            continue
        for row in part.rows:
            if document.forms[row] < VERBATIM and not any(row <= each < document.ends[row] for each in headings):
                document.replace(row, BLOCK_CUT if document.element(row).traits.block else CUT, [])

"""The tree of a page as a table: a row for each element and text in document order, each element before all it holds.

Built from the tokens of `scanning` in machine code. Markup that can never matter (spans that only carry a style, head,
icons, forms) has no row. An element's rows are those from its own to `ENDS`, so that walking the tree is counting.

Compiled by numba. Import this module in functions: it takes a second.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.compiled import compiled, inlined
from pipelines.extraction.scanning import (
    BEGIN,
    BLANK,
    END,
    ESCAPED,
    FROM,
    FULL,
    INNER,
    INNER_END,
    IS_BARE,
    IS_BLOCK,
    IS_FRAMES,
    IS_SCRIPT,
    IS_SHOWN,
    IS_VOID,
    KIND,
    LEAD,
    LENGTH,
    NAME,
    RAW,
    REMARK,
    SAYS,
    SHOWN,
    SORT,
    START,
    STOP,
    TEXT,
    TO,
)
from pipelines.extraction.start_tags import Hashes, Ints
from pipelines.extraction.tags import (
    CANDIDATE,
    ELEMENT,
    HEADLINE,
    IGNORED,
    IMAGE,
    IN_PROGRAM,
    IS_MAIN,
    IS_PRE,
    MATH_SOURCE,
    NEVER_SHOWN,
    NUMBERS,
    PREFORMATTED,
    RULED,
    SILENT,
    SKIPPED,
    SUSPECT,
    TEX_SOURCE,
    TITLE,
    TRANSPARENT,
    VISIBLE_KATEX,
    VOID,
    WHOLE_FORMULA,
)

FORM, CODE, PARENT, ENDS, FIRST, LAST, OWN, STATE, UNDER, LENGTHS, LINKS, RUN, WEIGHT, WHICH = range(14)
"""What is known of a node: how it is written (tags.FLOW and the others, or one of the texts below); `Traits.code`; the
row of its parent; the row after all it holds; the characters of its start tag or text; how many characters of text stand
in it itself; PRESENT and the others; IN_MAIN, IN_PRE; then, set by `measure`, how many characters of text it holds, how many
of them in links, how many stand in this block itself, and how many are running text, where a formula counts as a sentence;
and its sort of start tag."""
ROWS = 14
VERBATIM, ESCAPES, BLANKS, MARKED_UP = range(15, 19)  # after the forms of elements
"""Texts: as it stands, with escapes, a space in its place, a program's with markup that says nothing."""
PRESENT, OUT, MOVED_INTO_CUT, MOVED_INTO_BLOCK = range(4)
"""Whether a node is still in the page; a heading can be kept of an element that is cut."""
IN_MAIN, IN_PRE = 1, 2
"""What a node lies in."""
State = npt.NDArray[np.int64]
READ, WHOLE, PROGRAM_TEXT = range(3)
"""Modes: the page, without what cannot matter; all that an element holds; program text, of whose markup only that is kept
which breaks lines, names a language or may be a formula."""
MAX_DEPTH = 150
"""Elements below this depth give up their structure and keep their text, so that a hostile page cannot exhaust the stack. Of the 3,457 real
pages this was tried on, none nests deeper than 70."""
SUSPECTS, HEADLINES, CANDIDATES, SCRIPTS, TITLES, FRAMES = range(6)
"""Lists of rows, and of tokens, in document order: what may have to be cut; what may head the page; what may be a formula; scripts; titles; what browsers without frames show."""


COUNT, DEPTH, CURRENT, MODE, BARE, ANNOTATED = range(6)
"""Where the builder stands: nodes so far, elements that are open, the row that new nodes lie in, its mode; whether the program
text it is in has no attributes; whether the formula it is in has given its TeX."""
ABOVE, OPENED, BEFORE, ENTERED, BARE_BEFORE = range(5)
"""An element that is open: the row that it lies in, its own (-1 where it is none, its text being its parent's), the mode before
it, the mode that it began (-1 for none), and `BARE` before it."""


def build_tree(tokens: Ints, names: Hashes, codes: Ints, *, whole: bool) -> tuple[Ints, list[Ints]]:
    """The nodes, one a column of the table whose rows are `FORM` and the others, and the lists `SUSPECTS` and the others.
    Node 0 holds all. `codes` are those of each sort of start tag. With `whole`, all that the page holds is kept."""
    tokens[:, SAYS] = np.append(codes, 0)[tokens[:, SORT]]
    nodes = np.empty((ROWS, 3 * len(tokens) + 1), np.int32)
    lists = np.empty((6, len(tokens) + 1), np.int32)
    lists[:, 0] = 0
    stack, state = np.empty((len(tokens) + 1, 5), np.int32), np.zeros(6, np.int64)
    state[MODE] = WHOLE if whole else READ
    _build(tokens, names, nodes, lists, stack, state)
    return nodes[:, : state[COUNT]], [entries[1 : entries[0] + 1] for entries in lists]


@inlined
def _add(nodes: Ints, state: State, form: int, code: int, first: int, last: int, sort: int) -> int:
    """Appends a node without content; its row."""
    row, parent = state[COUNT], state[CURRENT]
    state[COUNT] = row + 1
    nodes[FORM, row], nodes[CODE, row], nodes[WHICH, row] = form, code, sort
    nodes[FIRST, row], nodes[LAST, row] = first, last
    nodes[PARENT, row], nodes[ENDS, row] = parent, row + 1
    nodes[OWN, row], nodes[STATE, row] = 0, PRESENT
    under = nodes[UNDER, parent] if row else 0
    if row and nodes[CODE, parent] & IS_MAIN:
        under |= IN_MAIN
    if row and nodes[CODE, parent] & IS_PRE:
        under |= IN_PRE
    nodes[UNDER, row] = under
    return int(row)


@inlined
def _note(lists: Ints, kind: int, row: int) -> None:
    """Appends to a list, whose first number is its length."""
    lists[kind, 0] += 1
    lists[kind, lists[kind, 0]] = row


@inlined
def _add_element(nodes: Ints, state: State, tokens: Ints, place: int) -> int:
    code = tokens[place, SAYS]
    return _add(nodes, state, code >> 4 & 15, code, tokens[place, START], tokens[place, STOP], tokens[place, SORT])


@inlined
def _add_noted(nodes: Ints, lists: Ints, state: State, tokens: Ints, place: int) -> int:
    """Appends an element that may have to be cut or may be a formula; its row."""
    row, code = _add_element(nodes, state, tokens, place), tokens[place, SAYS]
    if code & (SUSPECT | NEVER_SHOWN):
        _note(lists, SUSPECTS, row)
    if (
        code & 15 == WHOLE_FORMULA
        or code & 15 == CANDIDATE
        or code & (IMAGE | MATH_SOURCE)
        or (code & IS_PRE and not tokens[place, NAME] & IS_BARE)
    ):
        _note(lists, CANDIDATES, row)
    return row


@inlined
def _open(nodes: Ints, stack: Ints, state: State, row: int, enters: int, bare: int) -> None:
    """What follows lies in this element (-1 for one that has no row), up to its end tag; with a mode of its own, or -1."""
    depth = state[DEPTH]
    stack[depth, ABOVE], stack[depth, OPENED], stack[depth, BEFORE] = state[CURRENT], row, state[MODE]
    stack[depth, ENTERED], stack[depth, BARE_BEFORE] = enters, state[BARE]
    state[DEPTH] = depth + 1
    if row >= 0:
        state[CURRENT] = row
    if enters >= 0:
        state[MODE], state[BARE], state[ANNOTATED] = enters, bare, 0


@inlined
def _close(nodes: Ints, stack: Ints, state: State) -> None:
    """Ends the element that was opened last."""
    depth = state[DEPTH] - 1
    state[DEPTH] = depth
    if stack[depth, OPENED] >= 0:
        nodes[ENDS, stack[depth, OPENED]] = state[COUNT]
    state[CURRENT] = stack[depth, ABOVE]
    if stack[depth, ENTERED] >= 0:
        state[MODE], state[BARE] = stack[depth, BEFORE], stack[depth, BARE_BEFORE]


@inlined
def _skip(tokens: Ints, names: Hashes, token: int) -> int:
    """The end tag of the element that begins with a token; the number of tokens where it has none."""
    depth = 1
    name = names[token]
    for place in range(token + 1, len(tokens)):
        if names[place] == name:
            if tokens[place, KIND] == END:
                depth -= 1
                if depth == 0:
                    return place
            elif tokens[place, KIND] == BEGIN:
                depth += 1
    return len(tokens)


@inlined
def _plain_end(tokens: Ints, names: Hashes, begin: int) -> int:
    """Where a `pre` ends in which no markup counts, a highlighter's for one; -1 where some counts."""
    bare = tokens[begin, NAME] & IS_BARE
    for place in range(begin + 1, len(tokens)):
        kind = tokens[place, KIND]
        if kind == END:
            if names[place] == names[begin]:
                return place
            continue
        if kind != BEGIN:
            return -1
        code = tokens[place, SAYS]
        action = code & 15
        if (action > PREFORMATTED or action == VOID) if bare else action > TRANSPARENT:
            return -1
        if code & (IN_PROGRAM | NUMBERS):
            return -1
    return -1


@inlined
def _program_length(tokens: Ints, begin: int, end: int) -> int:
    """How long the texts after these tokens are together, without white space at both ends."""
    full = lead = tail = 0
    for place in range(begin, end):
        if tokens[place, LENGTH] == 0:
            if lead == full:
                lead += tokens[place, FULL]
            tail += tokens[place, FULL]
        else:
            if lead == full:
                lead += tokens[place, LEAD]
            tail = tokens[place, FULL] - tokens[place, LEAD] - tokens[place, LENGTH]
        full += tokens[place, FULL]
    return full - lead - tail if lead < full else 0


@compiled
def _build(tokens: Ints, names: Hashes, nodes: Ints, lists: Ints, stack: Ints, state: State) -> None:
    """Fills the tables of `build_tree`."""
    state[CURRENT] = -1
    state[CURRENT] = _add(nodes, state, 0, 0, 0, 0, -1)
    place = 0
    while place < len(tokens):
        following = place  # the token whose text comes next
        if tokens[place, KIND] == END:
            depth = state[DEPTH]
            void = state[MODE] == WHOLE and tokens[place, NAME] & IS_VOID  # in a formula it is one without content
            if depth and not (void and stack[depth - 1, ENTERED] < 0):
                _close(nodes, stack, state)
        elif tokens[place, KIND] != REMARK:
            if state[MODE] == READ:
                following = _begin(tokens, names, nodes, lists, stack, state, place)
            elif state[MODE] == WHOLE:
                following = _begin_whole(tokens, names, nodes, lists, stack, state, place)
            else:
                following = _begin_program(tokens, names, nodes, lists, stack, state, place)
        if following < len(tokens):
            _add_text(nodes, state, tokens, following)
        place = following + 1
    while state[DEPTH]:
        _close(nodes, stack, state)
    nodes[ENDS, 0] = state[COUNT]


@inlined
def _add_text(nodes: Ints, state: State, tokens: Ints, place: int) -> None:
    """The text after a tag. White space between blocks is none."""
    if tokens[place, TO] == tokens[place, FROM]:
        return
    if state[MODE] != READ or not tokens[place, TEXT] & BLANK:
        form = ESCAPES if tokens[place, TEXT] & ESCAPED else VERBATIM
        _add(nodes, state, form, 0, tokens[place, FROM], tokens[place, TO], -1)
        nodes[OWN, state[CURRENT]] += tokens[place, LENGTH]
    elif not tokens[place, NAME] & IS_BLOCK:
        _add(nodes, state, BLANKS, 0, 0, 0, -1)


@inlined
def _begin(tokens: Ints, names: Hashes, nodes: Ints, lists: Ints, stack: Ints, state: State, place: int) -> int:
    """Reads a start tag of the page; the token whose text comes next."""
    code = tokens[place, SAYS]
    action = code & 15
    if action <= CANDIDATE and state[DEPTH] < MAX_DEPTH:
        row = _add_element(nodes, state, tokens, place)
        if code & SUSPECT:
            _note(lists, SUSPECTS, row)
        if code & HEADLINE:
            _note(lists, HEADLINES, row)
        if (action == CANDIDATE and place + 1 < len(tokens) and tokens[place + 1, KIND] == END) or code & RULED:
            _note(lists, CANDIDATES, row)  # only text: with elements it is no bare TeX
        _open(nodes, stack, state, row, -1, 0)
    elif action <= TRANSPARENT:
        _open(nodes, stack, state, -1, -1, 0)
    else:
        return _begin_special(tokens, names, nodes, lists, stack, state, place)
    return place


@inlined
def _begin_whole(tokens: Ints, names: Hashes, nodes: Ints, lists: Ints, stack: Ints, state: State, place: int) -> int:
    """Reads a start tag within a formula."""
    code = tokens[place, SAYS]
    action = code & 15
    if state[ANNOTATED] and code & VISIBLE_KATEX:
        return _skip(tokens, names, place)
    if tokens[place, KIND] == RAW:
        _add_raw(nodes, lists, state, tokens, place)
    elif action in (VOID, IGNORED):
        _add_noted(nodes, lists, state, tokens, place)
    else:
        if code & TEX_SOURCE:
            state[ANNOTATED] = 1
        row = _add_noted(nodes, lists, state, tokens, place) if state[DEPTH] < MAX_DEPTH else -1
        _open(nodes, stack, state, row, -1, 0)
    return place


@inlined
def _begin_program(tokens: Ints, names: Hashes, nodes: Ints, lists: Ints, stack: Ints, state: State, place: int) -> int:
    """Reads a start tag within program text; the token whose text comes next."""
    code = tokens[place, SAYS]
    action = code & 15
    if code & NUMBERS:
        return _skip(tokens, names, place)
    if action == ELEMENT and code & IN_PROGRAM and state[DEPTH] < MAX_DEPTH:
        row = _add_noted(nodes, lists, state, tokens, place)
        _open(nodes, stack, state, row, -1, 0)
    elif action <= TRANSPARENT or (
        state[BARE] and action in (WHOLE_FORMULA, PREFORMATTED)
    ):  # a highlighter's, in every word
        _open(nodes, stack, state, -1, -1, 0)
    else:
        return _begin_special(tokens, names, nodes, lists, stack, state, place)
    return place


@inlined
def _begin_special(tokens: Ints, names: Hashes, nodes: Ints, lists: Ints, stack: Ints, state: State, place: int) -> int:
    """Reads a start tag that does more than open an element; the token whose text comes next."""
    code = tokens[place, SAYS]
    action = code & 15
    if action == VOID:
        _add_noted(nodes, lists, state, tokens, place)
    elif action == WHOLE_FORMULA:
        row = _add_noted(nodes, lists, state, tokens, place)
        _open(nodes, stack, state, row, WHOLE, 0)
    elif action == PREFORMATTED:
        row = _add_noted(nodes, lists, state, tokens, place)
        end = _plain_end(tokens, names, place) if code & IS_PRE else -1
        _open(nodes, stack, state, row, PROGRAM_TEXT, tokens[place, NAME] & IS_BARE)
        if end >= 0:
            first, last = tokens[place, FROM], tokens[end, START] - 1
            if last > first:
                _add(nodes, state, MARKED_UP, 0, first, last, -1)
                nodes[OWN, row] = _program_length(tokens, place, end)
            _close(nodes, stack, state)
            return end
    elif action in (SKIPPED, TITLE):
        if action == TITLE:
            _note(lists, TITLES, place)
        elif not code & SILENT:  # the reading of a character stands above it
            _add(nodes, state, BLANKS, 0, 0, 0, -1)
        return _skip(tokens, names, place)
    elif tokens[place, KIND] == RAW:
        _add_raw(nodes, lists, state, tokens, place)
    return place


@inlined
def _add_raw(nodes: Ints, lists: Ints, state: State, tokens: Ints, place: int) -> None:
    """Notes an element whose content is no markup, and keeps it where it is shown or the source of a formula."""
    if tokens[place, NAME] & IS_SCRIPT:
        _note(lists, SCRIPTS, place)
    elif tokens[place, NAME] & IS_FRAMES:
        _note(lists, FRAMES, place)
    if tokens[place, NAME] & IS_SHOWN or tokens[place, SAYS] & MATH_SOURCE:
        row = _add_noted(nodes, lists, state, tokens, place)
        if tokens[place, INNER_END] > tokens[place, INNER]:
            text = _add(nodes, state, VERBATIM, 0, tokens[place, INNER], tokens[place, INNER_END], -1)
            nodes[PARENT, text] = row
        nodes[OWN, row] = tokens[place, SHOWN] if tokens[place, NAME] & IS_SHOWN else 0
        nodes[ENDS, row] = state[COUNT]

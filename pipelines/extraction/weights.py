"""How much text the elements of a page hold, and which of them hold most: loops over the table of `nodes` in machine code.

Compiled by numba. Import this module in functions: it takes a second.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.compiled import compiled, inlined
from pipelines.extraction.nodes import CODE, ENDS, FORM, LENGTHS, LINKS, OUT, OWN, PARENT, RUN, STATE, VERBATIM, WEIGHT
from pipelines.extraction.start_tags import Ints
from pipelines.extraction.tags import (
    BOX,
    CONTENT_SIGN,
    EMPHASIS,
    IN_LINE,
    IS_FORMULA,
    LEAF,
    LINK,
    LINK_HOLDER,
    SCRIPT,
    TERM,
    TEXT_BLOCK,
)

SENTENCE = 40
"""What one formula weighs, in characters, and the length from which text counts as running text."""


@compiled
def measure(nodes: Ints, suspects: Ints, headlines: Ints) -> None:
    """Fills `LENGTHS`, `LINKS`, `RUN` and `WEIGHT` of what is present.

    What lies in a link is measured as if it did not, but for what may be cut or may head the page."""
    count = nodes.shape[1]
    for row in range(count):
        nodes[LENGTHS, row] = nodes[RUN, row] = nodes[OWN, row]
        nodes[LINKS, row] = nodes[WEIGHT, row] = 0
    for row in range(count - 1, 0, -1):
        if nodes[FORM, row] >= VERBATIM or nodes[STATE, row] == OUT:
            continue
        code, parent = nodes[CODE, row], nodes[PARENT, row]
        length, run = nodes[LENGTHS, row], nodes[RUN, row]
        nodes[LENGTHS, parent] += length
        if code & LINK:
            nodes[LINKS, row], nodes[WEIGHT, row] = length, 0
            nodes[LINKS, parent] += length
            continue
        weight = nodes[WEIGHT, row]
        if code & IN_LINE:
            weight += run
        elif code & IS_FORMULA:
            weight += run + SENTENCE if nodes[OWN, row] else run
        else:
            weight += run if run >= SENTENCE or code & TEXT_BLOCK else run // 4
        nodes[WEIGHT, row] = weight
        nodes[LINKS, parent] += nodes[LINKS, row]
        nodes[RUN if code & (IN_LINE | IS_FORMULA) else WEIGHT, parent] += weight
    for marked in (suspects, headlines):
        for row in marked:
            parent = nodes[PARENT, row] if nodes[LENGTHS, row] and nodes[STATE, row] != OUT else -1
            while parent >= 0:
                if nodes[CODE, parent] & LINK:
                    nodes[LINKS, row], nodes[WEIGHT, row] = nodes[LENGTHS, row], 0
                    break
                parent = nodes[PARENT, parent]


@compiled
def break_places(nodes: Ints) -> npt.NDArray[np.uint8]:
    """Before which rows a block begins or has ended. What ends with a table, list or heading around it is left to that."""
    places = np.zeros(nodes.shape[1] + 1, np.uint8)
    for row in range(nodes.shape[1]):
        if nodes[FORM, row] != BOX or nodes[STATE, row] == OUT:
            continue
        places[row] = 1
        around = nodes[PARENT, row]
        while around >= 0 and nodes[ENDS, around] == nodes[ENDS, row] and nodes[FORM, around] <= BOX:
            around = nodes[PARENT, around]
        if around < 0 or nodes[ENDS, around] != nodes[ENDS, row] or nodes[FORM, around] in (SCRIPT, EMPHASIS, TERM):
            places[nodes[ENDS, row]] = 1
    return places


@compiled
def heaviest(nodes: Ints, element: int) -> int:
    """The child with most running text that may be the content; -1 for none."""
    best, most = -1, -1
    row = element + 1
    while row < nodes[ENDS, element]:
        if nodes[STATE, row] == OUT:
            row += 1
            continue
        if nodes[FORM, row] < VERBATIM and not nodes[CODE, row] & LEAF and nodes[WEIGHT, row] > most:
            best, most = row, nodes[WEIGHT, row]
        row = nodes[ENDS, row]
    return best


@compiled
def lead_of(nodes: Ints, element: int, largest: int, heading: int) -> int:
    """How much running text stands before the largest part, in an element that says it is the content, or after the headline
    of the page."""
    lead, counts = 0, nodes[CODE, element] & CONTENT_SIGN != 0
    row = element + 1
    while row < largest:
        if nodes[STATE, row] == OUT:
            row += 1
            continue
        if nodes[FORM, row] < VERBATIM:
            if not counts and row <= heading < nodes[ENDS, row]:
                counts, lead = True, -nodes[WEIGHT, heading]
            if counts:
                lead += nodes[WEIGHT, row]
        row = nodes[ENDS, row]
    return lead


@compiled
def content_signs(nodes: Ints, element: int) -> list[int]:
    """The elements below that say they are the content and hold running text, none in another."""
    found = [0]
    row = element + 1
    while row < nodes[ENDS, element]:
        if nodes[STATE, row] == OUT or nodes[FORM, row] >= VERBATIM:
            row += 1
        elif nodes[WEIGHT, row] < SENTENCE or nodes[CODE, row] & LEAF:
            row = nodes[ENDS, row]
        elif nodes[CODE, row] & CONTENT_SIGN:
            found.append(row)
            row = nodes[ENDS, row]
        else:
            row += 1
    return found[1:]


@compiled
def link_lists(nodes: Ints, content: int, prose: int, share: float) -> list[int]:
    """The blocks below that are lists of links: three links or more, of fewer characters than two sentences on average, with at
    least this share of the block's text."""
    found = [0]
    row = content + 1
    while row < nodes[ENDS, content]:
        if nodes[STATE, row] == OUT or nodes[FORM, row] >= VERBATIM:
            row += 1
        elif not nodes[LINKS, row]:
            row = nodes[ENDS, row]
        elif nodes[CODE, row] & LINK_HOLDER and _is_link_list(nodes, row, prose, share):
            found.append(row)
            row = nodes[ENDS, row]
        else:
            row += 1
    return found[1:]


@inlined
def _is_link_list(nodes: Ints, element: int, prose: int, share: float) -> bool:
    length, links = nodes[LENGTHS, element], nodes[LINKS, element]
    if length > prose or nodes[WEIGHT, element] > 3 * SENTENCE or links < share * length:
        return False
    anchors = 0
    for row in range(element + 1, nodes[ENDS, element]):
        anchors += nodes[STATE, row] != OUT and nodes[CODE, row] & LINK != 0
    return anchors >= 3 and links < 2 * SENTENCE * anchors

"""Which programs need none of the preloaded packages: their sessions are forked from a server that holds none.

A fork costs by the memory of what is forked: SymPy, NumPy and SciPy are most of it. Both servers run the same
interpreter, so that a program which is sent to the wrong one only imports what it names anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

_IMPORT = re.compile(r"\bfrom[ \t]+([\w.]+)[ \t]+import\b|\bimport[ \t]+([\w.,\t ]+)")
_WORD = re.compile(r"[^\W\d]\w*")


def is_plain(code: str, preload: Iterable[str]) -> bool:
    """Whether a program imports the standard library alone, and nowhere holds the name of a preloaded package."""
    packages = {name.partition(".")[0] for name in preload}
    if not packages.isdisjoint(_WORD.findall(code)):
        return False
    for source, listed in _IMPORT.findall(code):
        for name in (source or listed).split(","):
            top = name.split(".")[0].split()
            if top and top[0] not in sys.stdlib_module_names:
                return False
    return True

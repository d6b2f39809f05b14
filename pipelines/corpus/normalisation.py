"""The words that the classifier sees. Positives and negatives pass through here alike, or it would learn the extractor.

Chinese is kept, one character a word; so is LaTeX, one command a word; so are digits and operators.
"""

from __future__ import annotations

import re
import unicodedata

from evaluators.chinese import HAN

CHARACTERS = 8_000
"""Default number of a page's first characters that are read: where a page is about mathematics they say so, and one
page of a million characters must not cost as much as 500 others."""
MENU = 20
"""How many times `characters` a page is looked through for its body."""
LEAST_BODY = 200
LINE = 50
"""Characters of a line that is no menu entry; a Chinese character counts three, as in UTF-8."""
SYMBOL = re.compile(r"[=^\\∑∫≤≥±√∈⊂→×÷≠≈∞]")
LONGEST_WORD = 40
"""Characters; longer runs are hashes and encoded data, not words."""
WITHIN = re.compile(rf"(?:\\|[^\W{HAN}])[^\W{HAN}]")
"""Two characters of one word, or of one LaTeX command."""
WORD = re.compile(rf"\\?[a-z]+|[{HAN}]|\d+|[^\W\d_{HAN}]+|[^\s\w]|_")


def body(text: str) -> str:
    """A page's sentences and formulas: lines of menus and breadcrumbs are short and hold no operator.

    Some sites begin each page with 10 KB of menu, which would be all that the classifier ever read. A page with
    little else is left as it is.
    """
    if len(text) < LEAST_BODY or "\n" not in text:
        return text
    kept = "\n".join([line for line in text.split("\n") if len(line) >= LINE or SYMBOL.search(line) or _is_wide(line)])
    return kept if len(kept) >= LEAST_BODY else text


def words(text: str, characters: int = CHARACTERS) -> list[str]:
    """Lower-cased words, LaTeX commands, Chinese characters, numbers and operators, in order. Never raises."""
    text = body(text[: characters * MENU])[:characters].replace("\0", " ")
    if not text.isascii():
        text = unicodedata.normalize("NFKC", without_surrogates(text))
    found = WORD.findall(text.lower())
    return [word[:LONGEST_WORD] for word in found] if len(text) > 60 * (len(found) + 1) else found


def line(text: str, characters: int = CHARACTERS) -> str:
    """The same as one line for fastText: it breaks on newlines and lone surrogates, of which none is left."""
    return " ".join(words(text, characters))


def excerpt(text: str, characters: int) -> str:
    """The beginning of a text on one line, cut after a word or a Chinese character, and marked where it was cut."""
    whole = " ".join(text.split())
    if len(whole) <= characters:
        return whole
    ends = range(characters - 1, characters * 2 // 3, -1)  # a word of a third of it is none
    end = next((end for end in ends if not WITHIN.match(whole, end - 1)), characters - 1)
    return whole[:end].rstrip() + "…"


def _is_wide(line: str) -> bool:
    return not line.isascii() and len(line.encode("utf-8", "replace")) >= LINE


def without_surrogates(text: str) -> str:
    """Lone surrogates, which no encoding can write, replaced by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


_SURROGATE = re.compile(r"[\ud800-\udfff]")

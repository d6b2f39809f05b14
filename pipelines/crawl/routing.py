"""Whether a page shows any evidence of mathematics, at 0.1 ms a page.

Markers (formula markup) are looked for in the raw HTML with hyperscan, and in the same pass words with weights, in the
languages of evidence.tsv: word problems and Chinese pages carry no marker. A table of words that was learned from a
seed (evidence_training.py) decides instead of those, on a glimpse of the page's text. Either is enough. This routes; it
never drops: a page without evidence keeps its row, and a fixed sample of such pages is kept whole as negatives.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.crawl.settings import CrawlError
from pipelines.math_evidence import EVIDENCE_WORDS as WORDS
from pipelines.math_evidence import MARKERS, MOST_MARKERS, literal, read_weights

if TYPE_CHECKING:
    from pipelines.crawl.word_weights import WordWeights

SHORTEST, LONGEST = 3, 20
WORD = re.compile(rf"[a-z]{{{SHORTEST},{LONGEST}}}|[\u4e00-\u9fff]{{2}}|[^\W\d_a-z]{{{SHORTEST},{LONGEST}}}")
"""Words of a learned table; of Chinese, pairs of characters."""


def evidence(html: bytes, *, words: bool = True) -> tuple[int, bool]:
    """(count of math markers, whether the words of evidence.tsv, if asked for, weigh enough) in UTF-8 HTML."""
    database, weights, enough = _database(words)
    found = _Found(weights)
    try:
        database.scan(html, match_event_handler=found.handler)
    except _terminated():
        pass  # MOST_MARKERS were found: there is evidence enough
    return found.markers, found.weight >= enough


def weighs_enough(text: str, table: Path) -> bool:
    """Whether the words of a text, each counted once, weigh what a learned table asks for."""
    from pipelines.crawl.word_weights import weight_of

    weights, enough = _learned(table)
    return weight_of(text, weights) >= enough


def words_of(text: str) -> set[str]:
    return set(WORD.findall(text.lower()))


def route(url_key: str, markers: int, words: bool, negatives: float) -> str:
    """`kept`, `sampled` or `counted`; the sample depends on the URL alone, whatever the order and the workers."""
    if markers or words:
        return "kept"
    share = int.from_bytes(hashlib.blake2b(url_key.encode("utf-8", "replace"), digest_size=8).digest(), "big") / 2**64
    return "sampled" if share < negatives else "counted"


class _Found:
    def __init__(self, weights: dict[int, int]) -> None:
        self.markers = self.weight = 0
        self._weights = weights
        self.handler: Callable[..., bool | None] = self._found

    def _found(self, number: int, start: int, end: int, flags: int, context: object) -> bool | None:
        weight = self._weights.get(number)
        if weight is None:
            self.markers += 1
            return self.markers >= MOST_MARKERS or None
        self.weight += weight
        return None


@cache
def _terminated() -> type[Exception]:
    import hyperscan

    return hyperscan.ScanTerminated


@cache
def _learned(table: Path) -> tuple[WordWeights, int]:
    from pipelines.crawl.word_weights import WordWeights

    weights, enough = read_table(table)
    return WordWeights(weights), enough


@cache
def _database(with_words: bool) -> tuple[Any, dict[int, int], int]:
    import hyperscan

    words, enough = read_table(WORDS) if with_words else ({}, 1)
    patterns = list(MARKERS)
    flags = [hyperscan.HS_FLAG_DOTALL] * len(MARKERS)
    weights: dict[int, int] = {}
    for word, weight in words.items():
        # Case folding of other scripts would need valid UTF-8, which pages do not promise: both spellings instead.
        for spelling in sorted({word} if word.isascii() else {word, word.capitalize()}):
            weights[len(patterns)] = weight
            patterns.append(literal(spelling))
            flags.append(hyperscan.HS_FLAG_SINGLEMATCH | (hyperscan.HS_FLAG_CASELESS if word.isascii() else 0))
    database = hyperscan.Database()
    database.compile(expressions=patterns, ids=list(range(len(patterns))), elements=len(patterns), flags=flags)
    return database, weights, enough


def read_table(table: Path) -> tuple[dict[str, int], int]:
    """Word -> weight, and the weight that is enough. Raises CrawlError."""
    try:
        return read_weights(table)
    except (OSError, ValueError, StopIteration) as error:
        raise CrawlError(
            f"{table}: expected a table of weight<TAB>word with a line `# enough<TAB>weight`: {error}"
        ) from error

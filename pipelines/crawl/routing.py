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

if TYPE_CHECKING:
    from pipelines.crawl.word_weights import WordWeights

MARKERS = (
    rb"\\(?:[dt]?frac|sqrt|sum|prod|int|lim|alpha|beta|gamma|theta|lambda|sigma|omega|infty|partial|nabla|math(?:bb|rm|cal|bf)"
    rb"|operatorname|begin\{|left[(\[\\|]|leq?|geq?|neq|cdot|times|ldots|pmod|binom|displaystyle)[^a-zA-Z]",
    rb"<math[\s>]",
    rb"math/(?:tex|asciimath|mml)",
    rb"[Mm]ath[Jj]ax",
    rb"[Kk]a[Tt]e[Xx]",
    rb"mwe-math|ltx_Math|mathml|MathML|imgmath|mimetex|mathtex|codecogs|latex\.php|\blatex\b",
    rb"class=[\"'][^\"']{0,40}\b(?:math|formula|equation|tex)\b",
    rb"\$\$[^$<>]{2,200}\$\$",
    rb"\$[^$<>\n{}]{0,60}[\^_\\][^$<>\n]{0,60}\$",
    rb"\xe2\x88[\x80-\x97\x9a-\xbf]|\xe2\x89[\x80-\xbf]|\xe2\x8a[\x80-\xab]",  # U+2200-22AB: mathematical operators
    rb"&(?:sum|int|radic|infin|part|nabla|isin|notin|forall|exist|asymp|sube?|supe?|cap|cup|prod|equiv|lt;=|ne|le|ge);",
    rb"<su[bp]>\s*(?:<[a-z]+>)?[-+]?[0-9a-z](?:</[a-z]+>)?\s*</su[bp]>",
    rb"\d\s*[+*/\xc3\x97\xb7-]\s*\d+\s*=\s*[\d?_]",
)
MOST_MARKERS = 100  # counting stops there: a page of a thousand formulas is no more routed than one of a hundred
WORDS = Path(__file__).with_name("evidence.tsv")
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
            patterns.append(b"".join(b"\\x%02x" % byte for byte in spelling.encode()))
            flags.append(hyperscan.HS_FLAG_SINGLEMATCH | (hyperscan.HS_FLAG_CASELESS if word.isascii() else 0))
    database = hyperscan.Database()
    database.compile(expressions=patterns, ids=list(range(len(patterns))), elements=len(patterns), flags=flags)
    return database, weights, enough


def read_table(table: Path) -> tuple[dict[str, int], int]:
    """Word -> weight, and the weight that is enough. Raises CrawlError."""
    try:
        lines = table.read_text(encoding="utf-8").splitlines()
        rows = [
            line.split("\t") for line in lines if line and (not line.startswith("#") or line.startswith("# enough\t"))
        ]
        return {number: int(word) for word, number in rows if word != "# enough"}, int(
            next(number for word, number in rows if word == "# enough")
        )
    except (OSError, ValueError, StopIteration) as error:
        raise CrawlError(
            f"{table}: expected a table of weight<TAB>word with a line `# enough<TAB>weight`: {error}"
        ) from error

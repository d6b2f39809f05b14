"""Signs of mathematics in the bytes of a page: formula markup, and words with weights. Crawl and corpus look for the same."""

from __future__ import annotations

from pathlib import Path

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
EVIDENCE_WORDS = Path(__file__).with_name("crawl") / "evidence.tsv"


def read_weights(table: Path) -> tuple[dict[str, int], int]:
    """Word -> weight, and the weight that is enough. Raises OSError, ValueError or StopIteration where it is no such table."""
    lines = table.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and (not line.startswith("#") or line.startswith("# enough\t"))]
    return {number: int(word) for word, number in rows if word != "# enough"}, int(
        next(number for word, number in rows if word == "# enough")
    )


def literal(word: str) -> bytes:
    """A word as a pattern of hyperscan, byte by byte."""
    return b"".join(b"\\x%02x" % byte for byte in word.encode())

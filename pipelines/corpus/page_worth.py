"""What a page is worth: the log-odds that it is mathematics, and how much it teaches, 0 to 5 (docs/labels.md).

A linear head over a few dozen figures: what the page is made of (page_structure.py), formulas and words of mathematics
(the crawl's evidence), and signs of what kind of page it is (worth_words.tsv). None of them is a word of one site, so
that what labels taught holds on sites that nobody labelled. It reads cheap text and exact text alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.math_evidence import EVIDENCE_WORDS, MARKERS, MOST_MARKERS, literal, read_weights
from pipelines.storage import StorageError, atomic_file

WORDS = Path(__file__).with_name("worth_words.tsv")
HEAD = Path(__file__).with_name("worth_head.json")
"""Taught by the labels of `page_labels/pages.jsonl`: `python -m bench.page_worth --teach`."""
READ = 24_000
"""Bytes of a page that are read for words; ours: three times what the classifier reads."""
LEAST_TEXT = 20
"""Characters, added to a page's own so that shares of an empty page are shares of something."""
Figures = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHead:
    """Weights for the figures of a page; `mean` and `spread` bring each to the same scale."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    mathematics: tuple[float, ...]
    """Log-odds for each figure; the last is what a page of average figures has."""
    teaching: tuple[float, ...]
    """Likewise, of the value 0 to 5."""

    def judge(self, figures: Figures) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """(log-odds of mathematics, teaching value) of each row of figures[pages, names]."""
        scaled = (figures - np.array(self.mean)) / np.array(self.spread)
        odds = scaled @ np.array(self.mathematics[:-1]) + self.mathematics[-1]
        value = np.clip(scaled @ np.array(self.teaching[:-1]) + self.teaching[-1], 0, 5)
        return odds.astype(np.float32), value.astype(np.float32)

    def save(self, path: Path) -> None:
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def load_head(path: Path = HEAD) -> PageHead:
    """Raises StorageError where the file is no head of this version's figures."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        head = PageHead(**{name: tuple(values) for name, values in found.items()})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise StorageError(f"{path}: expected the head of a page's worth; found: {error}. Teach it again.") from error
    if head.names != FIGURES:
        raise StorageError(f"{path}: expected a head over {len(FIGURES)} figures of this version. Teach it again.")
    return head


def figures_of(texts: Iterable[str]) -> Figures:
    """[pages, FIGURES] of their texts."""
    rows = [_figures(text) for text in texts]
    return np.array(rows, dtype=np.float64).reshape(-1, len(FIGURES))


def evidence_of(text: str) -> tuple[int, int]:
    """(formula markers, weight of the words of mathematics) of a text."""
    markers, weight, _ = _signs(text.encode("utf-8", "replace")[:READ])
    return markers, weight


CLASSES = ("states", "reasons", "asks", "objects", "reference", "software", "frame")
OF_STRUCTURE = (
    *("length", "lines", "prose", "fenced", "short_lines", "bullets", "sentences", "questions", "capitals"),
    *("identifiers", "calls", "singles", "digits", "numbers", "sums", "operators", "commands", "dollars"),
    *("punctuation", "wide", "bars", "has_formulas"),
)
FIGURES = (
    *OF_STRUCTURE,
    *("markers", "evidence", "evidence_share"),
    *CLASSES,
    *(f"{name}_share" for name in CLASSES),
)


def _figures(text: str) -> list[float]:
    from pipelines.corpus.page_structure import COUNTS, structure

    counts = dict(zip(COUNTS, structure(text).tolist(), strict=True))
    markers, weight, signs = _signs(text.encode("utf-8", "replace")[:READ])
    pieces = 1 + counts["words"] / 100 + counts["wide"] / 200
    room = np.sqrt(pieces)  # different signs grow about with the root of a page's length
    found = [np.log1p(markers), np.log1p(weight), weight / room]
    found += [np.log1p(signs[name]) for name in CLASSES]
    found += [signs[name] / room for name in CLASSES]
    return [*_of_structure(counts), *map(float, found)]


def _of_structure(counts: dict[str, float]) -> list[float]:
    """Shares and densities, the latter by their logarithm: a page with twice the formulas is not twice as mathematical."""
    characters, lines = max(1.0, counts["characters"]), max(1.0, counts["lines"])
    words = counts["words"] + counts["wide"] / 2 + 1

    def density(name: str, per: float, scale: float) -> float:
        return float(np.log1p(scale * counts[name] / per))

    return [
        float(np.log(counts["characters"] + LEAST_TEXT)),
        float(np.log1p(counts["lines"])),
        counts["prose"] / characters,
        counts["fenced"] / characters,
        counts["short_lines"] / lines,
        counts["bullets"] / lines,
        density("sentences", words, 50),
        density("questions", words, 100),
        *(density(name, words, 20) for name in ("capitals", "identifiers", "calls", "singles")),
        density("digits", characters, 20),
        density("numbers", words, 20),
        density("sums", words, 100),
        *(density(name, words, 20) for name in ("operators", "commands", "dollars")),
        density("punctuation", characters, 50),
        counts["wide"] / characters,
        density("bars", lines, 5),
        float(counts["dollars"] + counts["commands"] > 4),
    ]


def _signs(content: bytes) -> tuple[int, int, dict[str, int]]:
    """(formula markers, weight of the words of mathematics, different signs of each class) in UTF-8, in one pass."""
    database, meanings = _database()
    found: dict[str, int] = dict.fromkeys((MARKER, EVIDENCE, *CLASSES), 0)

    def handler(number: int, start: int, end: int, flags: int, context: object) -> None:
        name, weight = meanings[number]
        found[name] += weight

    database.scan(content, match_event_handler=handler)
    return min(found[MARKER], MOST_MARKERS), found[EVIDENCE], found


MARKER, EVIDENCE = "marker", "evidence"


@cache
def _database() -> tuple[Any, Sequence[tuple[str, int]]]:
    """All patterns, and of each what it counts for and how much."""
    import hyperscan

    signs = [line.split("\t") for line in WORDS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    words = [(word, EVIDENCE, weight) for word, weight in read_weights(EVIDENCE_WORDS)[0].items()]
    words += [(sign, name, 1) for name, sign in signs]
    once = hyperscan.HS_FLAG_SINGLEMATCH
    database = hyperscan.Database()
    database.compile(
        expressions=[*MARKERS, *(literal(word) for word, _, _ in words)],
        ids=list(range(len(MARKERS) + len(words))),
        elements=len(MARKERS) + len(words),
        flags=[hyperscan.HS_FLAG_DOTALL] * len(MARKERS)
        + [once | (hyperscan.HS_FLAG_CASELESS if word.isascii() else 0) for word, _, _ in words],
    )
    return database, [(MARKER, 1)] * len(MARKERS) + [(name, weight) for _, name, weight in words]

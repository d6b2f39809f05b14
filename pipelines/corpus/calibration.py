"""Margins calibrated by language, with a witness that no classifier was taught.

The classifier's zero lies between the classes where both were learnt. In a language of which it knows few positives it
lies too high: word problems in Chinese, met for the first time, rank above all other Chinese pages and still below
zero. Formulas in the HTML and words of mathematics in the text (both found when the page was read) say how far down
it may go: as far as nearly all of the pages that this adds are witnessed.

Departs from §2.1, which ranks all languages on one scale: there, half of a million positives were not of one site.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from evaluators.records import Settings

WIDTH = 0.05
"""Of a bin of margins, natural-log odds."""


class CalibrationSettings(Settings):
    """How far a language's zero may be lowered."""

    witnessed_share: float = Field(default=0.85, gt=0, le=1)  # of the pages added: ours; a witness misses some itself
    support: int = Field(default=10, ge=1)  # pages added; of fewer, a share says nothing
    farthest: float = Field(default=5.0, ge=0)  # natural-log odds; 0 leaves every language where it is


class WitnessedMargins:
    """Of each language the pages below zero, by margin, with and without a witness."""

    def __init__(self, settings: CalibrationSettings) -> None:
        self._settings = settings
        self._bins = round(settings.farthest / WIDTH)
        self._pages: dict[str, npt.NDArray[np.int64]] = defaultdict(lambda: np.zeros((2, self._bins), np.int64))

    def add(self, languages: pa.Array, margins: npt.NDArray[np.float32], witnessed: npt.NDArray[np.bool_]) -> None:
        """Count pages. All three have one entry for each page."""
        bins = np.floor(-margins.astype(np.float64) / WIDTH).astype(np.int64)
        inside = (margins < 0) & (bins < self._bins)
        coded = languages.filter(pa.array(inside)).fill_null("").dictionary_encode()
        places = (coded.indices.to_numpy() * 2 + witnessed[inside]) * self._bins + bins[inside]
        counted = np.bincount(places, minlength=len(coded.dictionary) * 2 * self._bins)
        self.merge(coded.dictionary.to_pylist(), counted.reshape(len(coded.dictionary), 2, self._bins))

    def merge(self, languages: Sequence[str], pages: npt.NDArray[np.int64]) -> None:
        """Add what was counted elsewhere, one array [2, bins] for each language."""
        for language, counted in zip(languages, pages, strict=True):
            self._pages[language] += counted

    def counted(self) -> tuple[list[str], npt.NDArray[np.int64]]:
        """The languages, sorted, and what was counted of each, for `merge`."""
        languages = sorted(self._pages)
        pages = [self._pages[language] for language in languages]
        return languages, np.stack(pages) if pages else np.zeros((0, 2, self._bins), np.int64)

    def shifts(self) -> dict[str, float]:
        """What to add to the margins of each language, where that is anything."""
        found = {language: self._shift(*pages) for language, pages in sorted(self._pages.items())}
        return {language: shift for language, shift in found.items() if shift}

    def _shift(self, without: npt.NDArray[np.int64], witnessed: npt.NDArray[np.int64]) -> float:
        """The lowest bin down to which enough of the pages are witnessed: of all that it adds, and of the last few."""
        share, support = self._settings.witnessed_share, self._settings.support
        with_witness, total = (np.append(0, np.cumsum(pages)) for pages in (witnessed, witnessed + without))
        last = np.maximum(np.searchsorted(total, total - support, side="right") - 1, 0)  # where the last few begin
        enough = (with_witness >= share * total) & (with_witness - with_witness[last] >= share * (total - total[last]))
        places = np.flatnonzero(enough & (total >= support) & (np.append(0, witnessed) > 0))
        return round(int(places[-1]) * WIDTH, 4) if len(places) else 0.0

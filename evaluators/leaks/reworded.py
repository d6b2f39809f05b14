"""Questions in other words: a name changed, a number written as a word, a number more, the last sentence, a translation.

Runs of four words that a question and a text share say where to look; there the two are laid beside each other
(`alignment`), and what differs decides which strength of match it is, if any.

Import in functions: numba takes a second.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.compiled import compiled
from evaluators.leaks.alignment import Alignment, align
from evaluators.leaks.index import Grams, known_hashes, known_windows
from evaluators.leaks.numerals import Reading, reading_of
from evaluators.leaks.settings import Rewording, RewordingSettings
from evaluators.leaks.translations import Translations
from evaluators.leaks.words import Integers, Words, window_hashes, words_of

SEED = 4
"""Words of a run that says where to look: between two names there are as many."""
COMMON = 24
"""Questions; a run of so many says nothing."""
SHARE = 0.12
"""Of a question's runs, that a text must have: five names in 45 words leave a quarter."""
LONGEST = 300
"""Words of a question that is looked for; of a longer one its 10-grams say more."""
SENTENCE = re.compile(r"(?<=[.!?。！？])(?<!\d\.)\s*(?=\S)")
INSERTED = 0.125  # of the words: `twenty dollars` for `$20`
ALIKE = 0.9  # of the words, where nothing else holds a match: few numbers, or other names


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A question in other words: which, by what it differs, and where, in the words without operators."""

    problem: int
    match: Rewording
    start: int
    end: int
    share: float
    """Of the question's words, that stand there."""


class Rewordings:
    """Questions by number, ready to be found in texts in other words."""

    def __init__(self, questions: Sequence[str], matches: Sequence[Rewording], settings: RewordingSettings) -> None:
        self._matches, self._settings = frozenset(matches), settings
        words = [words_of(question).without_operators() for question in questions]
        self._readings = [reading_of(own) for own in words]
        long_enough = [settings.shortest <= len(own.hashes) <= LONGEST for own in self._readings]
        marks = [np.full(len(own.hashes), wanted) for own, wanted in zip(self._readings, long_enough, strict=True)]
        seeds = Grams.of([_as_words(own) for own in self._readings], SEED, marks)
        counts = seeds.ends - seeds.starts()
        self._seeds, self._rare = seeds, counts <= COMMON
        self._needed = np.array([max(2, SHARE * (len(own.hashes) - SEED + 1)) for own in self._readings])
        self._sentences = _own_sentences(questions, settings) if "last_sentence" in self._matches else {}
        self._starts = known_hashes(np.array(list(self._sentences), np.uint64))
        translated = "translated" in self._matches
        self._translations = Translations(questions, self._readings, settings) if translated else None

    def found(self, words: Words) -> Iterator[Found]:
        """In words without operators."""
        if not self._matches or not len(words):
            return
        reading = reading_of(words)
        for problem, begin, end in self._candidates(reading):
            found = self._judged(problem, reading, begin, end)
            if found is not None:
                yield found
        if self._sentences:
            yield from self._last_sentences(reading)
        if self._translations is not None:
            for problem, start, end, share in self._translations.found(words, reading):
                yield Found(problem=problem, match="translated", start=start, end=end, share=share)

    def _candidates(self, reading: Reading) -> list[tuple[int, int, int]]:
        """Problems with enough of their runs within a stretch of the text, and that stretch."""
        places, rows = known_windows(reading.hashes, SEED, self._seeds.known)
        rare = self._rare[rows]
        places, rows = places[rare], rows[rare]
        if not len(places):
            return []
        starts = self._seeds.starts()[rows]
        counts = self._seeds.ends[rows] - starts
        flat = np.repeat(starts - np.concatenate(([0], np.cumsum(counts)[:-1])), counts) + np.arange(counts.sum())
        owners, inside, at = self._seeds.owners[flat], self._seeds.places[flat], np.repeat(places, counts)
        enough = np.bincount(owners, minlength=len(self._needed)) >= self._needed
        kept = enough[owners]
        if not kept.any():
            return []
        owners, inside, at = owners[kept], inside[kept], at[kept]
        order = np.lexsort((at, owners))
        found = np.empty((len(order), 3), np.int64)
        lengths = np.array([len(self._readings[owner].hashes) for owner in owners[order].tolist()], np.int64)
        size = _stretches(owners[order], inside[order], at[order], lengths, self._needed, found)
        return [
            (problem, max(begin, 0), min(end, len(reading.hashes))) for problem, begin, end in found[:size].tolist()
        ]

    def _judged(self, problem: int, reading: Reading, begin: int, end: int) -> Found | None:
        own = self._readings[problem]
        laid = align(own.hashes, own.numbers, reading.hashes[begin:end], reading.numbers[begin:end])
        match = self._match(laid, len(own.hashes), int(own.numbers.sum()))
        if match is None:
            return None
        start, stop = (int(reading.places[begin + laid.begin]), int(reading.places[begin + laid.end - 1]) + 1)
        return Found(problem=problem, match=match, start=start, end=stop, share=laid.agreeing / len(own.hashes))

    def _match(self, laid: Alignment, size: int, numbers: int) -> Rewording | None:
        """The mildest change that the recipe takes for a copy."""
        settings, allowed = self._settings, self._matches
        if laid.missing:
            return None
        whole = laid.agreeing + laid.renamed
        if (
            laid.agreeing == size
            and not laid.added
            and laid.end - laid.begin <= size + size * INSERTED
            and "numerals" in allowed
        ):
            return "numerals"
        enough = numbers >= settings.numbers
        few_names = laid.names <= max(1, settings.names * size)
        if whole >= ALIKE * size and few_names and enough and not laid.added and "renamed" in allowed:
            return "renamed"
        if laid.agreeing < (settings.words if enough else ALIKE) * size:
            return None
        if laid.added:
            return "extended" if enough and laid.added <= max(1, numbers // 2) and "extended" in allowed else None
        return "reworded" if "reworded" in allowed else None

    def _last_sentences(self, reading: Reading) -> Iterator[Found]:
        size = self._settings.sentence
        places, rows = known_windows(reading.hashes, size, self._starts)
        for place, row in zip(places.tolist(), rows.tolist(), strict=True):
            for problem, own in self._sentences[int(self._starts.keys[row])]:
                end = place + len(own)
                if np.array_equal(reading.hashes[place:end], own):
                    start, stop = int(reading.places[place]), int(reading.places[end - 1]) + 1
                    share = len(own) / len(self._readings[problem].hashes)
                    yield Found(problem=problem, match="last_sentence", start=start, end=stop, share=share)


@compiled
def _stretches(
    owners: Integers,
    inside: Integers,
    at: Integers,
    lengths: Integers,
    needed: npt.NDArray[np.float64],
    found: Integers,
) -> int:
    """Stretches of a text, as long as a question and half of it more, that hold enough of its runs; one stretch a place."""
    count, begin, size = 0, 0, len(owners)
    while begin < size:
        problem, room = owners[begin], lengths[begin] + lengths[begin] // 2 + 8
        end = begin
        while end + 1 < size and owners[end + 1] == problem and at[end + 1] - at[begin] <= room:
            end += 1
        if end - begin + 1 >= needed[problem]:
            last = lengths[begin] - inside[end]
            found[count, 0], found[count, 1], found[count, 2] = (
                problem,
                at[begin] - inside[begin] - 8,
                at[end] + last + 8,
            )
            count, begin = count + 1, end + 1
        else:
            begin += 1
    return count


def _own_sentences(
    questions: Sequence[str], settings: RewordingSettings
) -> dict[int, list[tuple[int, npt.NDArray[np.uint64]]]]:
    """The last sentences that one question alone asks, by the hash of their first words."""
    last = [reading_of(words_of(SENTENCE.split(one.strip())[-1]).without_operators()).hashes for one in questions]
    asked = Counter(own.tobytes() for own in last)
    sentences: dict[int, list[tuple[int, npt.NDArray[np.uint64]]]] = {}
    for problem, own in enumerate(last):
        if len(own) >= settings.sentence and asked[own.tobytes()] == 1:
            start = int(window_hashes(own[: settings.sentence], settings.sentence)[0])
            sentences.setdefault(start, []).append((problem, own))
    return sentences


def _as_words(reading: Reading) -> Words:
    """A reading's hashes where words are asked for."""
    nothing = np.zeros(0, np.int64)
    return Words("", reading.hashes, reading.hashes, np.zeros(0, np.uint8), nothing, nothing)

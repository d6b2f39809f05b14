"""The trained fastText model as what it is: one number for each word and each n-gram bucket.

With two labels and softmax, fastText's log-odds are the mean over a text's words and n-grams of x . (u - v), where x is
the row of the input matrix and u, v are the two rows of the output matrix. That product is taken once per row; a model
of 2 GB becomes 8 MB, needs no fastText to be read, and a page costs a table look-up per word instead of 256
multiplications. The margins are fastText's own, to float rounding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.corpus.normalisation import words
from pipelines.storage import StorageError, atomic_file

MULTIPLIER = np.uint64(116049371)  # fastText, Dictionary::addWordNgrams
END = "</s>"
"""fastText ends every line with this word, and it takes part in n-grams."""
LARGEST_CACHE = 2_000_000
"""Words whose hashes are remembered by one process, about 200 MB."""


def word_hash(word: str) -> int:
    """fastText's hash of a word: FNV-1a over signed bytes, 32 bits."""
    value = 2166136261
    for byte in word.encode():
        value = ((value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619) & 0xFFFFFFFF
    return value


class _Words(dict[str, int]):
    """Word -> its hash, and above 32 bits its row or that of the zero weight; unknown words are hashed once."""

    def __init__(self, vocabulary: Sequence[str], unknown: int) -> None:
        super().__init__((word, row << 32 | word_hash(word)) for row, word in enumerate(vocabulary))
        self._unknown = unknown << 32

    def __missing__(self, word: str) -> int:
        entry = self._unknown | word_hash(word)
        if len(self) < LARGEST_CACHE:
            self[word] = entry
        return entry


class LinearClassifier:
    """Log-odds of `math` for texts."""

    def __init__(
        self, vocabulary: Sequence[str], weights: npt.NDArray[np.float32], *, ngrams: int, characters: int
    ) -> None:
        self.vocabulary, self.weights, self.ngrams, self.characters = list(vocabulary), weights, ngrams, characters
        self._bucket = np.uint64(len(weights) - len(self.vocabulary))
        self._padded = np.append(weights, np.float32(0))
        self._words = _Words(self.vocabulary, len(weights))

    @classmethod
    def of_fasttext(cls, model: Any, characters: int) -> LinearClassifier:
        """From a trained supervised model with the labels math and other."""
        labels = model.get_labels()
        if sorted(labels) != ["__label__math", "__label__other"]:
            raise StorageError(f"expected a model with the labels math and other; found {labels}")
        output = model.get_output_matrix()
        direction = output[labels.index("__label__math")] - output[labels.index("__label__other")]
        weights = (model.get_input_matrix() @ direction).astype(np.float32)
        return cls(model.get_words(), weights, ngrams=model.f.getArgs().wordNgrams, characters=characters)

    @classmethod
    def load(cls, folder: Path) -> LinearClassifier:
        """From a classifier artifact."""
        facts = json.loads((folder / "linear.json").read_text(encoding="utf-8"))
        weights = np.load(folder / "linear.npy")
        return cls(facts["vocabulary"], weights, ngrams=facts["ngrams"], characters=facts["characters"])

    def save(self, folder: Path) -> None:
        facts = {"vocabulary": self.vocabulary, "ngrams": self.ngrams, "characters": self.characters}
        with atomic_file(folder / "linear.npy") as temporary, temporary.open("wb") as handle:
            np.save(handle, self.weights)
        with atomic_file(folder / "linear.json") as temporary:
            temporary.write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")

    def margins(self, texts: Iterable[str]) -> npt.NDArray[np.float32]:
        """Natural-log odds of each text, in order. A text without any known word has its prior: that of an empty page."""
        tokens: list[str] = []
        lengths: list[int] = []
        for text in texts:
            found = words(text, self.characters)
            found.append(END)
            tokens += found
            lengths.append(len(found))
        if not lengths:
            return np.zeros(0, dtype=np.float32)
        entries = np.fromiter(map(self._words.__getitem__, tokens), np.int64, len(tokens))
        return self._means(entries & 0xFFFFFFFF, entries >> 32, np.array(lengths))

    def weight(self, ngram: Sequence[str]) -> float:
        """What one word or n-gram adds to a text's sum; 0 for an unknown word."""
        hashes = [np.array(word_hash(word), np.uint32).astype(np.int32).astype(np.int64) for word in ngram]
        if len(ngram) == 1:
            return float(self._padded[self._words[ngram[0]] >> 32])
        with np.errstate(over="ignore"):
            running = hashes[0].astype(np.uint64)
            for value in hashes[1:]:
                running = running * MULTIPLIER + value.astype(np.uint64)
        return float(self.weights[len(self.vocabulary) + int(running % self._bucket)])

    def _means(
        self, hashes: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        left = np.repeat(starts + lengths, lengths) - np.arange(len(hashes))  # words from here to the text's end
        sums = np.add.reduceat(self._padded[rows].astype(np.float64), starts)
        counts = np.add.reduceat((rows < len(self.weights)).astype(np.int64), starts)
        signed = hashes.astype(np.uint32).astype(np.int32).astype(np.int64).astype(np.uint64)  # fastText sign-extends
        running = signed.copy()
        for span in range(1, self.ngrams):
            running[:-span] = running[:-span] * MULTIPLIER + signed[span:]
            buckets = (running % self._bucket).astype(np.int64) + len(self.vocabulary)
            whole = left > span
            buckets[~whole] = len(self.weights)
            sums += np.add.reduceat(self._padded[buckets].astype(np.float64), starts)
            counts += np.add.reduceat(whole.astype(np.int64), starts)
        means: npt.NDArray[np.float32] = (sums / np.maximum(counts, 1)).astype(np.float32)
        return means

"""The trained fastText model as what it is: one number for each word and each n-gram bucket.

With two labels and softmax, fastText's log-odds are the mean over a text's words and n-grams of x . (u - v), where x is
the row of the input matrix and u, v are the two rows of the output matrix. That product is taken once per row; a model
of 2 GB becomes 8 MB, needs no fastText to be read, and a page costs a table look-up per word instead of 256
multiplications. The margins are fastText's own, to float rounding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipelines.storage import StorageError, atomic_file
from pipelines.word_hash import word_hash

if TYPE_CHECKING:
    from pipelines.word_table import WordTable

MULTIPLIER = np.uint64(116049371)  # fastText, Dictionary::addWordNgrams
END = "</s>"
"""fastText ends every line with this word, and it takes part in n-grams."""


class LinearClassifier:
    """Log-odds of `math` for texts."""

    def __init__(
        self, vocabulary: Sequence[str], weights: npt.NDArray[np.float32], *, ngrams: int, characters: int
    ) -> None:
        self.vocabulary, self.weights, self.ngrams, self.characters = list(vocabulary), weights, ngrams, characters
        self._rows = {word: row for row, word in enumerate(self.vocabulary)}

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
        from pipelines.corpus.word_sums import mean_weight, word_rows

        end = np.array([word_hash(END)]).astype(np.uint32).astype(np.int32), np.array([self._rows.get(END, -1)])
        means = []
        for text in texts:
            hashes, rows = word_rows(text, self.characters, self._table)
            hashes, rows = np.append(hashes, end[0]), np.append(rows, end[1])
            means.append(mean_weight(hashes, rows, self.weights, len(self.vocabulary), self.ngrams))
        return np.array(means, dtype=np.float32)

    @cached_property
    def _table(self) -> WordTable:
        from pipelines.word_table import word_table

        return word_table(self.vocabulary)

    def weight(self, ngram: Sequence[str]) -> float:
        """What one word or n-gram adds to a text's sum; 0 for an unknown word."""
        hashes = [np.array(word_hash(word), np.uint32).astype(np.int32).astype(np.int64) for word in ngram]
        if len(ngram) == 1:
            return float(self.weights[self._rows[ngram[0]]]) if ngram[0] in self._rows else 0.0
        with np.errstate(over="ignore"):
            running = hashes[0].astype(np.uint64)
            for value in hashes[1:]:
                running = running * MULTIPLIER + value.astype(np.uint64)
        return float(
            self.weights[len(self.vocabulary) + int(running % np.uint64(len(self.weights) - len(self.vocabulary)))]
        )

"""fastText's lid.176 read from its file and asked in machine code: a tenth of the time that the library takes.

The file's format and the model are those of fastText 0.9 (src/fasttext.cc, dictionary.cc, quantmatrix.cc): a text's
vector is the mean of the rows of its words and of their n-grams of 2 to 4 characters; a Huffman tree of logistic
regressions over the labels (hierarchical softmax) gives their probabilities. Import in functions: numba takes a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.compiled import compiled
from pipelines.word_hash import FNV_PRIME, FNV_START
from pipelines.word_table import Bytes, Integers, WordTable, hash_of, row_of, word_table

MAGIC, VERSION = 793712314, 12
HIERARCHICAL_SOFTMAX = 1  # loss_name::hs
LABEL = "__label__"
END = "</s>"
CENTROIDS = 256
FLOOR = 1e-5  # std_log of fastText adds it
Floats = npt.NDArray[np.float32]
Small = npt.NDArray[np.int32]


class Ngrams(NamedTuple):
    """The n-grams that the model knows, by fastText's hash of them modulo the number of buckets."""

    rows: Small
    """[buckets]: the row of each bucket's n-grams, -1 where they were pruned."""
    kept: Bytes
    """[buckets / 8]: a bit for each bucket that was not pruned, small enough to stay in the processor's cache."""
    shortest: int
    """Characters."""
    longest: int


class Tree(NamedTuple):
    """Labels are numbered 0 ... labels - 1, inner nodes follow; the root comes last."""

    nodes: Floats
    """[labels - 1, dim]: the regression of each inner node."""
    children: Integers
    """[labels - 1, 2]: its left and right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModel:
    """A quantised supervised fastText model, dequantised."""

    labels: list[str]
    words: WordTable
    ngrams: Ngrams
    matrix: Floats
    """[words + kept n-grams, dim]."""
    end: int
    """The row of the word that ends each line; -1 where there is none."""
    tree: Tree

    def label(self, text: str) -> str:
        """The likeliest label of one line, without its prefix; empty for a text of which the model knows nothing."""
        line = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
        best = _best(line, self.words, self.ngrams, self.matrix, self.end, self.tree)
        return self.labels[best] if best >= 0 else ""


class _File:
    def __init__(self, path: Path) -> None:
        self._content, self._at = path.read_bytes(), 0

    def take(self, kind: str, count: int) -> npt.NDArray[np.generic]:
        found = np.frombuffer(self._content, np.dtype(kind).newbyteorder("<"), count, self._at)
        self._at += found.nbytes
        return found

    def number(self, kind: str = "i4") -> int:
        return int(self.take(kind, 1)[0])

    def word(self) -> str:
        end = self._content.index(b"\0", self._at)
        word, self._at = self._content[self._at : end], end + 1
        return word.decode("utf-8", "replace")


def read_language_model(path: Path) -> LanguageModel:
    """The model of an .ftz file. Raises ValueError where it is not one of hierarchical softmax without word n-grams."""
    file = _File(path)
    head = [file.number() for _ in range(14)]
    file.take("f8", 1)
    buckets, shortest, longest = head[10], head[11], head[12]
    if head[:2] != [MAGIC, VERSION] or head[7] != 1 or head[8] != HIERARCHICAL_SOFTMAX or not longest:
        raise ValueError(f"{path}: expected a fastText model (version 12, hs, wordNgrams 1, subwords); found {head}")
    count, known, _ = (file.number() for _ in range(3))
    file.take("i8", 1)
    pruned = file.number("i8")
    entries = []
    for _ in range(count):
        entries.append((file.word(), file.number("i8")))
        file.take("i1", 1)
    rows = np.full(buckets, -1, np.int32)
    pairs = file.take("i4", 2 * max(pruned, 0)).reshape(-1, 2)
    rows[pairs[:, 0]] = known + pairs[:, 1]
    if pruned < 0:
        rows[:] = known + np.arange(buckets)
    matrix = _quantised(file) if file.number("i1") else _dense(file)
    nodes = _quantised(file) if file.number("i1") else _dense(file)
    words = [word for word, _ in entries[:known]]
    return LanguageModel(
        labels=[word.removeprefix(LABEL) for word, _ in entries[known:]],
        words=word_table(words),
        ngrams=Ngrams(rows, np.packbits(rows >= 0, bitorder="little"), shortest, longest),
        matrix=matrix,
        end=words.index(END) if END in words else -1,
        tree=Tree(nodes[: len(entries) - known - 1], _huffman([number for _, number in entries[known:]])),
    )


def _dense(file: _File) -> Floats:
    rows, columns = file.number("i8"), file.number("i8")
    return file.take("f4", rows * columns).astype(np.float32).reshape(rows, columns)


def _quantised(file: _File) -> Floats:
    """A product-quantised matrix, with the rows' norms by themselves where they were quantised too."""
    has_norms = file.number("i1")
    rows, columns, size = file.number("i8"), file.number("i8"), file.number()
    codes = file.take("u1", size).reshape(rows, -1)
    found = _centroids(file, codes)[:, :columns]
    if has_norms:
        norms = file.take("u1", rows).reshape(rows, 1)
        found = found * _centroids(file, norms)
    return np.ascontiguousarray(found, np.float32)


def _centroids(file: _File, codes: npt.NDArray[np.generic]) -> Floats:
    dim, parts, width, last = (file.number() for _ in range(4))
    centroids = file.take("f4", dim * CENTROIDS).astype(np.float32)
    columns = []
    for part in range(parts):
        wide = last if part == parts - 1 else width
        start = part * CENTROIDS * width
        columns.append(centroids[start : start + CENTROIDS * wide].reshape(CENTROIDS, wide)[codes[:, part]])
    return np.concatenate(columns, axis=1)


def _huffman(counts: list[int]) -> Integers:
    """fastText's tree over labels in descending order of their counts (Model::buildTree)."""
    labels = len(counts)
    weights = [*counts, *[10**15] * (labels - 1)]
    children = np.zeros((labels - 1, 2), np.int64)
    leaf, node = labels - 1, labels
    for inner in range(labels, 2 * labels - 1):
        for side in range(2):
            if leaf >= 0 and weights[leaf] < weights[node]:
                children[inner - labels, side], leaf = leaf, leaf - 1
            else:
                children[inner - labels, side], node = node, node + 1
        weights[inner] = sum(weights[child] for child in children[inner - labels])
    return children


@compiled
def _best(line: Bytes, words: WordTable, ngrams: Ngrams, matrix: Floats, end: int, tree: Tree) -> int:
    vector, count, at = np.zeros(matrix.shape[1], np.float32), 0, 0
    word = np.empty(len(line) + 2, np.uint8)
    while at < len(line):
        if line[at] <= 32:
            at += 1
            continue
        size = 1
        while at < len(line) and line[at] > 32:
            word[size] = line[at]
            at, size = at + 1, size + 1
        row = row_of(word[1:], size - 1, hash_of(word, 1, size), words)
        if row >= 0:
            vector += matrix[row]
            count += 1
        word[0], word[size] = 60, 62  # "<" and ">"
        count += _add_ngrams(word, size + 1, ngrams, matrix, vector)
    if end >= 0:
        vector += matrix[end]
        count += 1
    return _likeliest(vector / np.float32(count), tree) if count else -1


@compiled
def _add_ngrams(word: Bytes, size: int, ngrams: Ngrams, matrix: Floats, vector: Floats) -> int:
    """The rows of a word's n-grams of characters, added to `vector`; how many they were."""
    rows, kept, shortest, longest = ngrams
    count, buckets = 0, np.uint32(len(rows))
    for begin in range(size):
        if word[begin] & 0xC0 == 0x80:
            continue
        end, length, value = begin, 0, FNV_START
        while end < size and length < longest:
            first = True
            while end < size and (first or word[end] & 0xC0 == 0x80):
                byte = int(word[end])
                value = ((value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * FNV_PRIME) & 0xFFFFFFFF
                first, end = False, end + 1
            length += 1
            if length < shortest or (length == 1 and (begin == 0 or end == size)):
                continue
            bucket = np.uint32(value) % buckets
            if kept[bucket >> 3] >> (bucket & 7) & 1:
                row = rows[bucket]
                for column in range(matrix.shape[1]):
                    vector[column] += matrix[row, column]
                count += 1
    return count


@compiled
def _likeliest(vector: Floats, tree: Tree) -> int:
    nodes, children = tree
    labels = len(nodes) + 1
    scores = np.zeros(2 * labels - 1, np.float64)
    for inner in range(labels - 2, -1, -1):  # a node's parent has the higher number
        product = 0.0
        for column in range(len(vector)):
            product += vector[column] * nodes[inner, column]
        right = 1.0 / (1.0 + np.exp(-product))
        scores[children[inner, 0]] = scores[labels + inner] + np.log(1.0 - right + FLOOR)
        scores[children[inner, 1]] = scores[labels + inner] + np.log(right + FLOOR)
    return int(np.argmax(scores[:labels]))

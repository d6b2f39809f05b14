"""Which benchmark problems a training mixture or a corpus contains.

A problem counts as contained in a text that holds at least half of its question's word 10-grams. The paper's rule,
which drops a page for a single one, is for cleaning a corpus: problems of one template share phrases without being
the same problem. Numbers are words: two problems that differ in them are two problems.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field
from tqdm import tqdm

from evaluators.benchmarks import problems_file
from evaluators.chinese import simplified
from evaluators.records import Problem, Settings
from evaluators.stages import Stage
from evaluators.tables import atomic_file, read_table

WORD = re.compile(r"[0-9]+|[一-鿿㐀-䶿]|[^\W\d_一-鿿㐀-䶿]+")
"""A number, a Chinese character, or a word; punctuation and formatting are none."""
TEXT_COLUMNS = ("text", "prompt", "response", "question", "solution")


class ContaminationSettings(Settings):
    ngram: int = Field(default=10, ge=1)  # §2.1: "any text segment containing a 10-gram string"
    minimum_share: float = Field(default=0.5, gt=0, le=1)  # ours; any share above 0 is the paper's rule for pages


class QuestionIndex:
    """The n-grams of all questions; a question shorter than n words is one n-gram of its own length."""

    def __init__(self, problems: Sequence[Problem], settings: ContaminationSettings) -> None:
        self._places: dict[int, dict[tuple[str, ...], list[int]]] = defaultdict(lambda: defaultdict(list))
        self._totals: list[int] = []
        self._ids = [problem.id for problem in problems]
        self._minimum = settings.minimum_share
        for index, problem in enumerate(problems):
            grams = set(_ngrams(words_of(problem.question), settings.ngram))
            self._totals.append(len(grams))
            for gram in grams:
                self._places[len(gram)][gram].append(index)
        self._first = {gram[0] for grams in self._places.values() for gram in grams}

    def contained_in(self, text: str) -> dict[str, float]:
        """Problem id -> share of its n-grams that the text holds, for those that it contains."""
        words = words_of(text)
        found: dict[int, int] = defaultdict(int)
        starts = [position for position, word in enumerate(words) if word in self._first]
        for length, grams in self._places.items():
            for gram in {tuple(words[start : start + length]) for start in starts}:
                for index in grams.get(gram, ()):
                    found[index] += 1
        shares = {index: count / self._totals[index] for index, count in found.items()}
        return {self._ids[index]: share for index, share in shares.items() if share >= self._minimum}


def words_of(text: str) -> list[str]:
    """Words in lower case, numbers as they are (1,000 is 1000), each Chinese character by itself, in simplified script."""
    words = WORD.findall(re.sub(r"(?<=\d),(?=\d{3})", "", text).lower())
    return words if text.isascii() else [simplified().get(word, word) for word in words]


def write_contamination(
    folder: Path, settings: ContaminationSettings, *, problems: Path, tables: Mapping[str, Sequence[Path]]
) -> dict[str, Any]:
    """contamination.json: for each named table (`mixture`, `corpus`) the problems it contains and how much of each.

    Tables are Parquet files with any of the columns text, prompt, response, question, solution.
    """
    index = QuestionIndex(read_table(problems, Problem), settings)
    contained = {name: _contained(index, name, files) for name, files in sorted(tables.items())}
    with atomic_file(folder / "contamination.json") as temporary:
        temporary.write_text(json.dumps(contained, indent=1, sort_keys=True, ensure_ascii=False), encoding="utf-8")
    return {name: len(found) for name, found in contained.items()}


CONTAINED_PROBLEMS = Stage(
    name="contained_problems",
    version="2",
    write=write_contamination,
    arguments=lambda settings, problems, corpus, mixture: {
        "problems": problems_file(problems),
        "tables": {"corpus": corpus.files("data/*.parquet"), "mixture": mixture.files()},
    },
    settings=ContaminationSettings,
    inputs=("problems", "corpus", "mixture"),
    description="Which benchmark problems the corpus or the training mixture contains; scores are given with and without them.",
    kinds=("json",),
)


def _contained(index: QuestionIndex, name: str, files: Iterable[Path]) -> dict[str, float]:
    best: dict[str, float] = {}
    for text in tqdm(_texts(files), desc=f"contamination, {name}", unit="text", disable=None):
        for problem_id, share in index.contained_in(text).items():
            best[problem_id] = max(share, best.get(problem_id, 0.0))
    return {problem_id: round(share, 4) for problem_id, share in sorted(best.items())}


def _texts(files: Iterable[Path]) -> Iterator[str]:
    import pyarrow.parquet as pq

    for path in files:
        with pq.ParquetFile(path) as file:
            columns = [column for column in TEXT_COLUMNS if column in file.schema_arrow.names]
            for batch in file.iter_batches(batch_size=512, columns=columns):
                for row in batch.to_pylist():
                    yield "\n".join(row[column] for column in columns if row[column])


def _ngrams(words: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    if not words:
        return
    if len(words) < n:
        yield tuple(words)
    for start in range(len(words) - n + 1):
        yield tuple(words[start : start + n])

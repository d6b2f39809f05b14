"""Which problem of a benchmark a row is about: by its question, within its prompt, or by its id."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from evaluators.benchmarks import Benchmark, BenchmarkError, benchmark, load_problems, names
from evaluators.outputs._files import OutputsError
from evaluators.outputs._format import ReadRow
from evaluators.records import Problem

DATA_VARIABLE = "MATHSIEVE_REAL_DATA"
"""Names the folder whose `benchmarks/` is looked in where no path is given."""
TAIL = 24
"""Characters of a question's end by which it is sought within a prompt; a shorter question is sought whole."""
SHORTEST = 8
"""Characters of a question that is sought within a prompt at all."""


def normalised(text: str) -> str:
    """A question without what copies of it differ in: white space, case, width, quotes and commas."""
    return re.sub(r"[\s,.，。'\"’‘“”`?？]+", "", unicodedata.normalize("NFKC", text).casefold())


class Index:
    """The problems of a benchmark, to be found by what rows say."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems
        self._by_question: dict[str, list[Problem]] = {}
        self._by_id: dict[str, Problem] = {}
        self._by_tail: dict[int, dict[str, list[str]]] = {}
        for place, problem in enumerate(problems):
            for text in _wordings(problem):
                self._by_question.setdefault(text, []).append(problem)
                if len(text) >= SHORTEST:
                    self._by_tail.setdefault(min(len(text), TAIL), {}).setdefault(text[-TAIL:], []).append(text)
            for name in (problem.id, problem.id.rpartition("/")[2]):
                self._by_id.setdefault(name, problem)
            self._by_id.setdefault(f"#{place}", problem)

    def find(self, row: ReadRow) -> list[Problem]:
        """The problems with the row's question (several where the benchmark repeats one), or else with its id."""
        texts = [normalised(question) for question in row.questions]
        for text in texts:
            if text in self._by_question:
                return self._by_question[text]
        for text in texts:
            if (found := self._within(text)) is not None:
                return self._by_question[found]
        if texts or row.id is None:
            return []
        place = f"#{row.id}"
        spellings = [row.id, row.id.rpartition("/")[2], place] if not row.id_is_place else [place, row.id]
        return next(([self._by_id[one]] for one in spellings if one in self._by_id), [])

    def _within(self, text: str) -> str | None:
        """The question that ends last in a prompt: before it stand exemplars."""
        for end in range(len(text), SHORTEST - 1, -1):
            for size, tails in self._by_tail.items():
                for question in tails.get(text[max(0, end - size) : end], ()):
                    if text.endswith(question, 0, end):
                        return question
        return None


def _wordings(problem: Problem) -> set[str]:
    """The question as we put it, and as the source has it: HumanEval's prompt stands in a block of ours."""
    texts = {normalised(problem.question)}
    if block := re.search(r"```python\n(.*?)```", problem.question, re.DOTALL):
        texts.add(normalised(block.group(1)))
    return texts - {""}


def known_problems(chosen: Benchmark, path: str | None) -> list[Problem] | None:
    """The benchmark's own problems, from a path or where the environment says; None where neither has them.

    Raises OutputsError where a path was given and does not hold them.
    """
    if chosen.generate is not None:
        return chosen.generate("test", chosen.splits["test"].rows)
    if path is None:
        folder = os.environ.get(DATA_VARIABLE)
        if not folder or not (Path(folder) / "benchmarks").is_dir():
            return None
        try:
            return load_problems(chosen.name, str(Path(folder) / "benchmarks"))
        except BenchmarkError:
            return None
    try:
        return load_problems(chosen.name, path)
    except BenchmarkError as error:
        raise OutputsError(str(error)) from error


def hub_problems(chosen: Benchmark, wanting: str) -> list[Problem]:
    """The benchmark's own problems from the hub, since references are wanting. Raises OutputsError."""
    try:
        return load_problems(chosen.name)
    except BenchmarkError as error:
        raise OutputsError(
            f"{wanting}, and they could not be had elsewhere: {error} Or name the folder with --path, or set "
            f"{DATA_VARIABLE}."
        ) from error


def better_benchmark(rows: Sequence[ReadRow], chosen: Benchmark, path: str | None) -> str | None:
    """Another benchmark, of those at hand, that most of the rows ask questions of."""
    folder = path or (os.environ.get(DATA_VARIABLE, "") and str(Path(os.environ[DATA_VARIABLE]) / "benchmarks"))
    for other in names() if folder and Path(folder).is_dir() else ():
        if other == chosen.name or benchmark(other).generate is not None:
            continue
        try:
            index = Index(load_problems(other, folder))
        except BenchmarkError:
            continue
        if sum(bool(index.find(row)) for row in rows if row.questions) > len(rows) / 2:
            return other
    return None

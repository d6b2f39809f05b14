"""A file of somebody's own questions and references as a benchmark."""

from __future__ import annotations

import re
from pathlib import Path

from evaluators.benchmarks._benchmark import Benchmark, BenchmarkError, Row, Split
from evaluators.benchmarks._loading import SUFFIXES, read_rows_of
from evaluators.benchmarks._registry import benchmark
from evaluators.records import Problem

QUESTIONS = ("question", "problem", "query", "prompt", "input", "题目", "问题", "题干", "試題", "題目")
REFERENCES = (
    "reference",
    "answer",
    "gold",
    "expected_answer",
    "ground_truth",
    "target",
    "final_answer",
    "label",
    "标准答案",
    "参考答案",
    "正确答案",
    "答案",
    "參考答案",
)
IDS = ("id", "unique_id", "problem_id", "question_id", "problem_idx", "task_id", "idx", "index", "编号", "题号")
NAMED = re.compile(r"(?P<name>[A-Za-z][\w .-]*)=(?P<path>.+)", re.DOTALL)
HAN = re.compile(r"[一-鿿]")


def benchmark_of(text: str) -> Benchmark:
    """The benchmark that `text` names: one of this folder, a file of references, or `NAME=FILE`. Raises BenchmarkError."""
    named = NAMED.fullmatch(text)
    path = Path(named["path"] if named else text)
    if named or path.name.lower().endswith(SUFFIXES):
        return own_benchmark(named["name"] if named else path.name.split(".")[0], path)
    return benchmark(text)


def own_benchmark(name: str, path: Path) -> Benchmark:
    """A file of one question and reference a row, under the usual names. Raises BenchmarkError."""
    if not path.is_file():
        raise BenchmarkError(
            f"{path}: expected a file of questions and references ({', '.join(SUFFIXES)}); there is no such file. Check "
            "the path, or name a known benchmark."
        )
    key = re.sub(r"[\W_]+", "_", name).strip("_").lower() or "own"
    rows = read_rows_of(path)
    problems = []
    for place, row in enumerate(rows):
        try:
            problems.append(_problem(key, row, place))
        except ValueError as error:
            raise BenchmarkError(f"{path}: row {place + 1}: {error}. Rename the columns.") from error
    if not problems:
        raise BenchmarkError(f"{path}: expected questions and references, one a row; found none")
    if len({problem.id for problem in problems}) != len(problems):
        raise BenchmarkError(
            f"{path}: expected every row to have an id of its own, or none to have one; some are repeated"
        )
    chinese = sum(bool(HAN.search(problem.question)) for problem in problems) > len(problems) / 2

    def parse(row: Row, index: int, split: str) -> Problem:
        return _problem(key, row, index)

    def generate(split: str, count: int) -> list[Problem]:
        return problems

    return Benchmark(
        name=key,
        title=name,
        language="zh" if chinese else "en",
        splits={"test": Split(rows=len(problems), hub_split=None, files=())},
        parse=parse,
        example=rows[0],
        example_reference=problems[0].reference,
        licence="its owner's",
        generate=generate,
    )


def _problem(name: str, row: Row, place: int) -> Problem:
    """The problem of a row. Raises ValueError where it lacks question or reference."""
    question, reference, identity = (_first(row, names) for names in (QUESTIONS, REFERENCES, IDS))
    if question is None or reference is None:
        raise ValueError(
            f"expected a question under one of {', '.join(QUESTIONS)} and a reference under one of {', '.join(REFERENCES)}; "
            f"found the columns {', '.join(map(str, row))}"
        )
    return Problem(
        id=f"{name}/test/{place if identity is None else identity}",
        benchmark=name,
        question=question,
        reference=_answer(reference),
        language="zh" if HAN.search(question) else "en",
        subject=_first(row, ("subject", "type", "subfield")),
        level=_first(row, ("level", "difficulty")),
    )


def _first(row: Row, names: tuple[str, ...]) -> str | None:
    """The first of the columns that holds anything, as text."""
    known = {str(name).strip().lower(): value for name, value in row.items()}
    for name in names:
        value = known.get(name)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return None


def _answer(reference: str) -> str:
    """The answer alone where GSM8K's mark or a box says where it is."""
    from evaluators.benchmarks.math import boxed_answers

    if "####" in reference:
        return reference.rpartition("####")[2].strip().replace(",", "")
    boxed = list(dict.fromkeys(boxed_answers(reference)))
    return ", ".join(boxed) if boxed else reference

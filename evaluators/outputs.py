"""Outputs made elsewhere as Problems and Completions: JSON Lines in the usual spellings, lm-eval samples, ToRA, Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evaluators.benchmarks import Benchmark, BenchmarkError, Row, benchmark
from evaluators.benchmarks.math import boxed_answers
from evaluators.records import Completion, Form, Problem, Program

IDS = ("id", "doc_id", "idx", "index", "problem_id", "question_id", "task_id", "unique_id")
QUESTIONS = ("question", "problem", "query", "instruction", "input", "prompt")
RESPONSES = [
    "response",
    "responses",
    "completion",
    "completions",
    "generation",
    "generations",
    "generated_text",
    "model_output",
    "model_outputs",
    "output",
    "outputs",
    "code",
    "prediction",
    "predictions",
    "pred",
    "preds",
    "resps",
    "text",
]
REFERENCES = [
    "gold",
    "reference",
    "ground_truth",
    "gt",
    "target",
    "expected",
    "expected_answer",
    "reference_answer",
    "label",
    "answer",
    "golden",
]
OUTPUT_BLOCK = re.compile(r"```output\n(.*?)\n?```", re.DOTALL)
CODE_BLOCK = re.compile(r"```python\n(.*?)\n?```", re.DOTALL)


class OutputsError(Exception):
    """A file of outputs cannot be read as one; the message names what was expected and found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Somebody's outputs: every problem has `samples` completions."""

    problems: list[Problem]
    completions: list[Completion]
    samples: int
    format: str
    missing: int
    """Completions that the file lacks, put in as failed so that every problem has as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    key: str
    question: str | None
    reference: str | None
    responses: list[str | None]


def read_outputs(path: Path, name: str, *, problems: Sequence[Problem] = ()) -> Outputs:
    """Outputs on benchmark `name`. `problems` serve files that name no reference. Raises OutputsError."""
    chosen = benchmark(name)
    rows = list(_rows(path))
    if not rows:
        raise OutputsError(f"{path}: expected outputs, one JSON object a line; found none")
    style = _format_of(rows[0])
    by_key: dict[str, list[_Row]] = {}
    for number, row in enumerate(_one_filter(rows)):
        try:
            read = _read(row, style, chosen, number)
        except _Missing as error:
            raise OutputsError(f"{path}: row {number + 1}: {error}; found the keys {sorted(row)}") from error
        by_key.setdefault(read.key, []).append(read)
    known = {problem.id.rpartition("/")[2]: problem for problem in problems} | {p.question.strip(): p for p in problems}
    return _assemble(path, chosen, by_key, known, style)


def _assemble(
    path: Path, chosen: Benchmark, by_key: Mapping[str, Sequence[_Row]], known: Mapping[str, Problem], style: str
) -> Outputs:
    responses = {key: [text for row in rows for text in row.responses] for key, rows in by_key.items()}
    samples = max(len(texts) for texts in responses.values())
    problems, completions, missing = [], [], 0
    for key, rows in by_key.items():
        problem = _problem(path, chosen, key, rows[0], known)
        problems.append(problem)
        texts = responses[key] + [None] * (samples - len(responses[key]))
        missing += sum(text is None for text in texts)
        completions += [_completion(problem, sample, text) for sample, text in enumerate(texts)]
    return Outputs(problems=problems, completions=completions, samples=samples, format=style, missing=missing)


def _problem(path: Path, chosen: Benchmark, key: str, row: _Row, known: Mapping[str, Problem]) -> Problem:
    identity = f"{chosen.name}/{key}"
    found = known.get((row.question or "").strip()) or known.get(key.rpartition("/")[2])
    if found is not None:
        return replace(found, id=identity)
    if row.reference is None:
        raise OutputsError(
            f"{path}: {identity}: expected a reference answer under one of {', '.join(REFERENCES)}; found none. Give "
            "--path with the benchmark's own data, and references are looked up there."
        )
    return Problem(
        id=identity,
        benchmark=chosen.name,
        question=row.question or "",
        reference=row.reference,
        language=chosen.language,
    )


def _completion(problem: Problem, sample: int, text: str | None) -> Completion:
    """Program outputs that stand in a text are what its programs gave; the code is not run again."""
    blocks = OUTPUT_BLOCK.findall(text or "")
    codes = CODE_BLOCK.findall(text or "")
    programs = tuple(
        Program(code=code, status="ok", output=output, seconds=0.0) for code, output in zip(codes, blocks, strict=False)
    )
    form: Form = "tir" if programs else "cot"
    return Completion(
        problem_id=problem.id,
        sample=sample,
        form=form,
        text=text or "",
        finish="stop" if text is not None else "error",
        programs=programs,
        error=None if text is not None else "the file holds no response",
    )


class _Missing(Exception):
    """A row lacks something that every row needs."""


def _read(row: Row, style: str, chosen: Benchmark, number: int) -> _Row:
    if style == "lm-eval":
        return _read_lm_eval(row, chosen, number)
    key = _first(row, IDS)
    question = _first(row, QUESTIONS)
    names = [name for name in RESPONSES if name in row]
    if style == "ToRA":
        names = ["code"]
    if not names and "answer" in row and _first(row, [n for n in REFERENCES if n != "answer"]) is not None:
        names = ["answer"]  # a response called `answer` beside a gold of another name
    if not names:
        raise _Missing(f"expected a response under one of {', '.join(RESPONSES)}")
    reference = _first(row, [name for name in REFERENCES if name not in names])
    return _Row(
        key=str(key if key is not None else question if question is not None else number),
        question=None if question is None else str(question),
        reference=None if reference is None else _reference(reference),
        responses=_texts(row[names[0]]),
    )


def _read_lm_eval(row: Row, chosen: Benchmark, number: int) -> _Row:
    """lm-eval's `samples_*.jsonl`: the benchmark's own row is `doc`, one list of repeats in `resps`."""
    doc = row["doc"] if isinstance(row.get("doc"), Mapping) else {}
    question = _first(doc, QUESTIONS)
    try:
        problem = chosen.parse(doc, int(row.get("doc_id", number)), "test")
        question, reference = problem.question, problem.reference
    except (KeyError, ValueError, TypeError, AttributeError):  # another form of the data: the task's own target then
        if row.get("target") is None:
            raise _Missing("expected `target`, or the benchmark's row in `doc`") from None
        reference = _reference(row["target"])
    return _Row(
        key=str(row.get("doc_id", number)),
        question=None if question is None else str(question),
        reference=reference,
        responses=_texts(row["resps"]),
    )


def _one_filter(rows: Iterable[Row]) -> Iterator[Row]:
    """lm-eval writes each document once per answer filter; the responses are the same."""
    first = None
    for row in rows:
        if "filter" in row and "resps" in row:
            first = first or row["filter"]
            if row["filter"] != first:
                continue
        yield row


def _format_of(row: Row) -> str:
    if "resps" in row and "doc" in row:
        return "lm-eval"
    if "gt" in row and isinstance(row.get("code"), list):
        return "ToRA"
    return "JSON Lines"


def _first(row: Row, names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _texts(value: Any) -> list[str | None]:
    """Responses of one row: a text, a list of texts, or lists within a list; an object gives its text."""
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, Mapping):
        inner = _first(value, ("text", "content", "response", "output", "generated_text", "message"))
        return _texts(inner)
    return [None if value is None else str(value)]


def _reference(value: Any) -> str:
    """The answer in whatever the file calls its reference: GSM8K's `####`, a boxed solution, a number."""
    if isinstance(value, list):
        return ", ".join(_reference(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    if "####" in text:
        return text.rpartition("####")[2].strip()
    if "\\boxed" in text and (boxed := boxed_answers(text)):
        return boxed[-1]
    return text.strip()


def _rows(path: Path) -> Iterator[Row]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        yield from pq.read_table(path).to_pylist()
        return
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputsError(f"{path}: expected a file of outputs; {error}") from error
    if text.lstrip().startswith("["):
        content = _json(path, text, 1)
        yield from (_object(path, row, number) for number, row in enumerate(content, 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _object(path, _json(path, line, number), number)


def _json(path: Path, text: str, number: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise OutputsError(f"{path}: line {number}: expected JSON; found {text[:60]!r} ({error})") from error


def _object(path: Path, value: Any, number: int) -> Row:
    if not isinstance(value, Mapping):
        raise OutputsError(f"{path}: row {number}: expected a JSON object; found {type(value).__name__}")
    return value


def load_reference_problems(name: str, path: str) -> list[Problem]:
    """The benchmark's own problems, for files without references. Raises OutputsError."""
    from evaluators.benchmarks import load_problems

    try:
        return load_problems(name, path)
    except BenchmarkError as error:
        raise OutputsError(str(error)) from error

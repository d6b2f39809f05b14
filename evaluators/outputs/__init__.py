"""Outputs made elsewhere as Problems and Completions.

    file -> rows (_files, _containers) -> what each says (_rows, _spellings) -> which problem it is (_matching)

The reference is the file's own where it carries one and no path is given; else the benchmark's.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaluators.benchmarks import Benchmark, benchmark
from evaluators.outputs._files import OutputsError, read_rows
from evaluators.outputs._matching import Index, better_benchmark, hub_problems, known_problems, normalised
from evaluators.outputs._rows import Missing, ReadRow, one_filter, read_row
from evaluators.outputs._spellings import REFERENCES
from evaluators.records import Completion, Form, Problem, Program

__all__ = ["Outputs", "OutputsError", "read_outputs"]

OUTPUT_BLOCK = re.compile(r"```output\n(.*?)\n?```", re.DOTALL)
CODE_BLOCK = re.compile(r"```python\n(.*?)\n?```", re.DOTALL)
ANNOUNCES = re.compile(r"boxed|####|answer|答案", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Somebody's outputs: every problem has `samples` completions."""

    problems: list[Problem]
    completions: list[Completion]
    samples: int
    format: str
    missing: int
    """Completions that the file lacks, put in as failed so that every problem has as many."""
    repeated: int
    """Rows left out, since their problem has as many responses as the others without them."""
    matched: int | None
    """Problems whose question is one of the benchmark's; None where its data was not at hand."""
    notes: tuple[str, ...]
    """What a reader of the score must know, as sentences."""


@dataclass(slots=True)
class _Item:
    """A problem and its rows."""

    problem: Problem
    rows: list[ReadRow]
    matched: bool


def read_outputs(path: Path, name: str, *, data: str | None = None) -> Outputs:
    """Outputs on benchmark `name`; `data` is a path of the benchmark's own problems. Raises OutputsError."""
    chosen = benchmark(name)
    numbered = list(one_filter(read_rows(path, chosen.name)))
    if not numbered:
        raise OutputsError(f"{path}: expected outputs, one JSON object a line; found none")
    known = known_problems(chosen.name, data)
    rows = _read(path, numbered, chosen, gold_elsewhere=known is not None)
    tests = chosen.judged_by == "tests"
    if known is None and any(row.reference is None for row in rows):
        if not any(row.questions or row.id for row in rows):
            raise OutputsError(
                f"{path}: expected a reference answer under a name like {', '.join(REFERENCES[:6])}, or a question or id to look "
                f"it up by; found neither, but {sorted(map(str, numbered[0][1]))}"
            )
        known = hub_problems(chosen.name)
        rows = _read(path, numbered, chosen, gold_elsewhere=True)
    index = None if known is None else Index(known)
    found = [[] if index is None else index.find(row) for row in rows]
    of_it = sum(map(bool, found))
    if index is not None and 2 * of_it < len(rows) and (other := better_benchmark(rows, chosen.name, data)):
        raise OutputsError(
            f"{path}: expected answers to {chosen.title}; {of_it} of {len(rows)} questions are of it, and most are of "
            f"{other}. Give --benchmark {other}."
        )
    items = _items(path, chosen, rows, found, theirs=data is not None or tests)
    matched = None if index is None else sum(item.matched for item in items)
    return _assembled(chosen, items, _format_of(numbered[0][1]), matched)


def _read(
    path: Path, numbered: Sequence[tuple[int, Mapping[str, object]]], chosen: Benchmark, *, gold_elsewhere: bool
) -> list[ReadRow]:
    rows = []
    for line, row in numbered:
        try:
            rows.append(read_row(row, line, chosen, gold_elsewhere=gold_elsewhere))
        except Missing as error:
            raise OutputsError(f"{path}: row {line}: {error}; found the keys {sorted(map(str, row))}") from error
    return rows


def _items(
    path: Path, chosen: Benchmark, rows: Sequence[ReadRow], known: Sequence[Sequence[Problem]], *, theirs: bool
) -> list[_Item]:
    """One item for every problem, in the file's order. `known`: the benchmark's problems that each row may be about."""
    found: dict[str, _Item] = {}
    keys = _keys(rows)
    seen: dict[str, list[str]] = {}
    for row, key, candidates in zip(rows, keys, known, strict=True):
        problem: Problem | None = None
        if candidates:  # a question that the benchmark repeats: each of the file's ids takes one of them
            own = seen.setdefault(candidates[0].id, [])
            if key not in own:
                own.append(key)
            problem = candidates[min(own.index(key), len(candidates) - 1)]
            key = problem.id
        if key in found:
            found[key].rows.append(row)
        else:
            found[key] = _Item(_problem(path, chosen, key, row, problem, theirs=theirs), [row], problem is not None)
    return list(found.values())


def _keys(rows: Sequence[ReadRow]) -> list[str]:
    """What tells the problems of a file apart: id and question, or the question alone where ids number the rows."""
    questions = [normalised("\n".join(row.questions)) for row in rows]
    ids = [row.id for row in rows]
    if None not in ids and all(questions) and len(set(ids)) == len(ids):
        counts = set(Counter(questions).values())
        if len(counts) == 1 and counts != {1}:  # every question as often as every other: samples with ids of their own
            return questions
    keys = []
    for row, question in zip(rows, questions, strict=True):
        parts = [part for part in (row.id, question) if part]
        keys.append("/".join(parts) if parts else f"line {row.line}")
    if None not in ids and len(set(keys)) == len(set(ids)):
        return [str(one) for one in ids]
    return keys


def _problem(path: Path, chosen: Benchmark, key: str, row: ReadRow, found: Problem | None, *, theirs: bool) -> Problem:
    reference = row.reference
    if found is not None and (theirs or reference is None):
        return found
    if reference is None or (chosen.judged_by == "tests" and "check(" not in reference):
        raise OutputsError(
            f"{path}: row {row.line}: expected a reference answer under a name like {', '.join(REFERENCES[:6])}, or a question "
            f"of {chosen.title}; found neither{_asked(row)}. Give --path with the benchmark's own data, or the right --benchmark."
        )
    if found is not None:
        return replace(found, reference=reference)
    question = row.questions[0] if row.questions else ""
    short = key if len(key) <= 60 else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]
    return Problem(
        id=short if short.startswith(f"{chosen.name}/") else f"{chosen.name}/{short}",
        benchmark=chosen.name,
        question=question,
        reference=reference,
        language=chosen.language,
    )


def _asked(row: ReadRow) -> str:
    return f" ({row.questions[0][:60]!r})" if row.questions else ""


def _assembled(chosen: Benchmark, items: Sequence[_Item], style: str, matched: int | None) -> Outputs:
    counts = Counter(len(item.rows) for item in items)
    usual = max(counts, key=lambda count: (counts[count], count))
    kept = [_unrepeated(item.rows, usual) for item in items]
    repeated = sum(len(item.rows) for item in items) - sum(map(len, kept))
    responses = [[(text, row) for row in rows for text in row.responses] for rows in kept]
    samples = max(map(len, responses))
    completions, missing = [], 0
    for item, given in zip(items, responses, strict=True):
        missing += samples - sum(text is not None for text, _ in given)
        texts = [None if text is None else _boxed(text, row) for text, row in given]
        texts += [None] * (samples - len(texts))
        completions += [_completion(item.problem, sample, text) for sample, text in enumerate(texts)]
    # a model that reasons in words writes a block now and then: what most completions do is the form
    with_program = sum(bool(completion.programs) for completion in completions)
    form: Form = "tir" if 2 * with_program >= len(completions) else "cot"
    completions = [
        replace(completion, form=form, programs=completion.programs if form == "tir" else ())
        for completion in completions
    ]
    problems = [item.problem for item in items]
    return Outputs(
        problems=problems,
        completions=completions,
        samples=samples,
        format=style,
        missing=missing,
        repeated=repeated,
        matched=matched,
        notes=tuple(_notes(chosen, items, matched, repeated, missing)),
    )


def _unrepeated(rows: list[ReadRow], usual: int) -> list[ReadRow]:
    """At most as many rows as problems usually have: copies go first, then the later ones."""
    if len(rows) <= usual:
        return rows
    distinct = list({(row.sample, row.responses): row for row in rows}.values())
    return (distinct if len(distinct) >= usual else rows)[:usual]


def _boxed(text: str, row: ReadRow) -> str:
    """An answer that somebody extracted is the whole answer, not a text to seek one in."""
    word = text.strip()
    bare = word and (row.answers_only or not re.search(r"\s", word)) and ANNOUNCES.search(text) is None
    return f"\\boxed{{{word}}}" if bare else text


def _notes(chosen: Benchmark, items: Sequence[_Item], matched: int | None, repeated: int, missing: int) -> list[str]:
    notes = []
    if missing:
        notes.append(f"{missing} responses are missing from the file; they count as wrong.")
    if repeated:
        notes.append(f"{repeated} rows repeat a problem that has its responses already; they were left out.")
    if matched is not None and matched < len(items):
        notes.append(
            f"{len(items) - matched} of {len(items)} questions are not in {chosen.title} as published; they were graded by "
            "the file's own references."
        )
    published = chosen.splits["test"].rows if "test" in chosen.splits else None
    if published not in (None, len(items)):
        notes.append(
            f"The published test split has {published} problems, the file {len(items)}: not a score on the whole."
        )
    return notes


def _completion(problem: Problem, sample: int, text: str | None) -> Completion:
    """Program outputs that stand in a text are what its programs gave; the code is not run again."""
    blocks = OUTPUT_BLOCK.findall(text or "")
    codes = CODE_BLOCK.findall(text or "")
    programs = tuple(
        Program(code=code, status="ok", output=output, seconds=0.0) for code, output in zip(codes, blocks, strict=False)
    )
    return Completion(
        problem_id=problem.id,
        sample=sample,
        form="cot",
        text=text or "",
        finish="stop" if text is not None else "error",
        programs=programs,
        error=None if text is not None else "the file holds no response",
    )


def _format_of(row: Mapping[str, object]) -> str:
    if "resps" in row or "filtered_resps" in row:
        return "lm-eval"
    if "gt" in row and isinstance(row.get("code"), list):
        return "ToRA"
    return "JSON Lines"

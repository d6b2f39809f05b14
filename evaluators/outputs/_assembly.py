"""Rows to Problems and Completions: every problem once, with as many completions as any other."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from evaluators.answers import same_answer
from evaluators.benchmarks import Benchmark
from evaluators.outputs._files import OutputsError
from evaluators.outputs._format import ReadRow
from evaluators.outputs._matching import normalised
from evaluators.outputs._spellings import REFERENCES
from evaluators.records import Completion, Form, Problem, Program

OUTPUT_BLOCK = re.compile(r"```output\n(.*?)\n?```", re.DOTALL)
CODE_BLOCK = re.compile(r"```python\n(.*?)\n?```", re.DOTALL)
Value = TypeVar("Value")
ANNOUNCES = re.compile(r"boxed|####|answer|答案", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a completion came from, and what its harness said of it."""

    place: str
    verdicts: Mapping[str, float]
    """By the harness's name of the score, 0 to 1."""
    extracted: Mapping[str, str]
    """What the harness took for the answer, by score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A problem whose reference the file has otherwise than the benchmark."""

    place: str
    problem: Problem
    """As the benchmark has it."""
    reference: str
    """The file's."""


@dataclass(slots=True)
class Item:
    """A problem and its rows."""

    problem: Problem
    rows: list[ReadRow]
    published: Problem | None
    """The benchmark's own."""


@dataclass(slots=True, kw_only=True)
class Assembled:
    """Completions of all items, in their order."""

    completions: list[Completion] = field(default_factory=list)
    origins: dict[tuple[str, int], Origin] = field(default_factory=dict)
    samples: int = 0
    missing: int = 0
    repeated: int = 0


def make_items(
    path: Path, chosen: Benchmark, rows: Sequence[ReadRow], known: Sequence[Sequence[Problem]], *, theirs: bool
) -> list[Item]:
    """One item for every problem, in the file's order. `known`: the benchmark's problems that each row may be about."""
    found: dict[str, Item] = {}
    seen: dict[str, list[str]] = {}
    for row, key, candidates in zip(rows, _keys(rows), known, strict=True):
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
            found[key] = Item(_problem(path, chosen, key, row, problem, theirs=theirs), [row], problem)
    return list(found.values())


def _keys(rows: Sequence[ReadRow]) -> list[str]:
    """What tells the problems of a file apart: id and question, or the question alone where ids number the rows."""
    questions = [normalised("\n".join(row.questions[:1] if row.published else row.questions)) for row in rows]
    ids = [row.id for row in rows]
    if None not in ids and all(questions) and len(set(ids)) == len(ids):
        counts = set(Counter(questions).values())
        if len(counts) == 1 and counts != {1}:  # every question as often as every other: samples with ids of their own
            return questions
    keys = []
    for row, question in zip(rows, questions, strict=True):
        parts = [part for part in (row.id, question) if part]
        keys.append("/".join(parts) if parts else row.place)
    if None not in ids and len(set(keys)) == len(set(ids)):
        return [str(one) for one in ids]
    return keys


def _problem(path: Path, chosen: Benchmark, key: str, row: ReadRow, found: Problem | None, *, theirs: bool) -> Problem:
    reference = row.reference
    if found is not None and (theirs or reference is None):
        return found
    if reference is None or (chosen.judged_by == "tests" and "check(" not in reference):
        raise OutputsError(
            f"{path}: {row.place}: expected a reference answer under a name like {', '.join(REFERENCES[:6])}, or a question "
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


def conflicts_of(items: Sequence[Item]) -> list[Conflict]:
    """The matched problems whose reference in the file is another answer than the benchmark's own."""
    found = []
    for item in items:
        reference, published = item.rows[0].reference, item.published
        if published is None or reference is None or reference == published.reference:
            continue
        if not same_answer(published.reference, reference, profile="strict"):
            found.append(Conflict(place=item.rows[0].place, problem=published, reference=reference))
    return found


def assemble(items: Sequence[Item]) -> Assembled:
    """As many completions for each problem as most have; those that a problem lacks are put in as failed."""
    counts = Counter(len(item.rows) for item in items)
    usual = max(counts, key=lambda count: (counts[count], count))
    kept = [_unrepeated(item.rows, usual) for item in items]
    made = Assembled(repeated=sum(len(item.rows) for item in items) - sum(map(len, kept)))
    responses = [[one for row in rows for one in _samples(row)] for rows in kept]
    made.samples = max(map(len, responses))
    for item, given in zip(items, responses, strict=True):
        made.missing += made.samples - sum(text is not None for text, _, _ in given)
        for sample in range(made.samples):
            text, row, origin = given[sample] if sample < len(given) else (None, None, None)
            made.completions.append(_completion(item.problem, sample, text, row))
            if origin is not None:
                made.origins[item.problem.id, sample] = origin
    made.completions = _in_one_form(made.completions)
    return made


def _samples(row: ReadRow) -> Iterator[tuple[str | None, ReadRow, Origin]]:
    """The responses of a row, each with what the harness said of it."""
    for number, text in enumerate(row.responses):
        verdicts = {name: value for name, own in row.verdicts.items() if (value := _at(own, number)) is not None}
        extracted = {
            name: taken
            for name in verdicts
            if (taken := _at(row.extracted_by.get(name, row.extracted), number)) is not None
        }
        yield text, row, Origin(place=row.place, verdicts=verdicts, extracted=extracted)


def _at(values: Sequence[Value], number: int) -> Value | None:
    return values[number] if number < len(values) else None


def _unrepeated(rows: list[ReadRow], usual: int) -> list[ReadRow]:
    """At most as many rows as problems usually have: copies go first, then the later ones."""
    if len(rows) <= usual:
        return rows
    distinct = list({(row.sample, row.responses): row for row in rows}.values())
    return (distinct if len(distinct) >= usual else rows)[:usual]


def _in_one_form(completions: Sequence[Completion]) -> list[Completion]:
    """A model that reasons in words writes a block now and then: what most completions do is the form."""
    with_program = sum(bool(completion.programs) for completion in completions)
    form: Form = "tir" if 2 * with_program >= len(completions) else "cot"
    return [
        replace(completion, form=form, programs=completion.programs if form == "tir" else ())
        for completion in completions
    ]


def _completion(problem: Problem, sample: int, text: str | None, row: ReadRow | None) -> Completion:
    """Program outputs that stand in a text are what its programs gave; the code is not run again."""
    if text is not None and row is not None:
        text = _boxed(text, row)
    blocks = OUTPUT_BLOCK.findall(text or "")
    codes = CODE_BLOCK.findall(text or "")
    programs = tuple(
        Program(code=code, status="ok", output=output, seconds=0.0) for code, output in zip(codes, blocks, strict=False)
    )
    failure = (row.failure if row is not None else None) or "the file holds no response"
    return Completion(
        problem_id=problem.id,
        sample=sample,
        form="cot",
        text=text or "",
        finish="stop" if text is not None else "error",
        programs=programs,
        error=None if text is not None else failure,
    )


def _boxed(text: str, row: ReadRow) -> str:
    """An answer that somebody extracted is the whole answer, not a text to seek one in."""
    word = text.strip()
    bare = word and (row.answers_only or not re.search(r"\s", word)) and ANNOUNCES.search(text) is None
    return f"\\boxed{{{word}}}" if bare else text

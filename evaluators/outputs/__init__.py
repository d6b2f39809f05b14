"""Outputs made elsewhere as Problems and Completions.

    path -> rows (_files, _folders) -> what each says (one file a format, else guessed by _rows) -> which problem it is
    (_matching) -> problems and completions (_assembly), with what is doubtful about them (_doubts)

The reference is the file's own where it carries one and no path is given; else the benchmark's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluators.benchmarks import Benchmark, benchmark_of
from evaluators.outputs._assembly import Conflict, Item, Origin, assemble, conflicts_of, make_items
from evaluators.outputs._doubts import alarms_of, are_most, notes_of
from evaluators.outputs._files import OutputsError
from evaluators.outputs._format import ReadRow
from evaluators.outputs._matching import Index, better_benchmark, hub_problems, known_problems
from evaluators.outputs._reading import Layout, read_layout, read_rows, tasks_in
from evaluators.outputs._spellings import REFERENCES
from evaluators.records import Completion, Problem

__all__ = ["Origin", "Outputs", "OutputsError", "read_outputs", "tasks_in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Somebody's outputs: every problem has `samples` completions."""

    problems: list[Problem]
    completions: list[Completion]
    samples: int
    format: str
    """The tool that writes such files, or `guessed`."""
    missing: int
    """Completions that the file lacks, put in as failed so that every problem has as many."""
    repeated: int
    """Rows left out, since their problem has as many responses as the others without them."""
    matched: int | None
    """Problems whose question is one of the benchmark's; None where its data was not at hand."""
    alarms: tuple[str, ...]
    """What makes a score of these outputs doubtful, as sentences."""
    notes: tuple[str, ...]
    """What a reader of the score must know, as sentences."""
    origins: Mapping[tuple[str, int], Origin]
    """(problem, sample) -> where it came from and what its harness said."""
    clusters: Mapping[str, str]
    """Problem -> its cluster, where a column was named that says so."""


def read_outputs(
    path: Path,
    name: str | Benchmark,
    *,
    data: str | None = None,
    cluster_by: str | None = None,
    files: Sequence[Path] | None = None,
) -> Outputs:
    """Outputs on a benchmark; `data` is a path of the benchmark's own problems. Raises OutputsError.

    `cluster_by` names a column that says which problems belong together, such as those of one template; `files` those of
    the folder `path` that are read.
    """
    chosen = benchmark_of(name) if isinstance(name, str) else name
    layout = read_layout(path, chosen.name, files)
    if not layout.rows:
        raise OutputsError(f"{path}: expected outputs, one JSON object a line; found none")
    rows, known = _rows_and_problems(layout, chosen, data, cluster_by)
    index = None if known is None else Index(known)
    found = [[] if index is None else index.find(row) for row in rows]
    of_it = sum(map(bool, found))
    if index is not None and 2 * of_it < len(rows) and (other := better_benchmark(rows, chosen, data)):
        raise OutputsError(
            f"{path}: expected answers to {chosen.title}; {of_it} of {len(rows)} questions are of it, and most are of "
            f"{other}. Give --benchmark {other}."
        )
    tests = chosen.judged_by == "tests"
    items = make_items(path, chosen, rows, found, theirs=data is not None or tests)
    conflicts = [] if tests else conflicts_of(items)
    return _outputs(layout, chosen, items, conflicts, looked_up=index is not None)


def _rows_and_problems(
    layout: Layout, chosen: Benchmark, data: str | None, cluster_by: str | None
) -> tuple[list[ReadRow], list[Problem] | None]:
    """What the rows say, and the benchmark's own problems: from the hub only where references are wanting."""
    known = known_problems(chosen, data)
    rows = read_rows(layout, chosen, gold_elsewhere=known is not None, group=cluster_by)
    wanting = [row for row in rows if row.reference is None]
    if known is not None or not wanting:
        return rows, known
    if not any(row.questions or row.id for row in wanting):
        raise OutputsError(
            f"{layout.path}: {wanting[0].place}: expected a reference answer under a name like {', '.join(REFERENCES[:6])}, "
            f"or a question or id to look it up by; found neither, but {sorted(map(str, layout.rows[0][1]))}"
        )
    told = (
        f"{layout.path}: none of the {len(rows)} rows holds a reference answer"
        if len(wanting) == len(rows)
        else f"{layout.path}: {len(wanting)} of {len(rows)} rows hold no reference answer, the first of them {wanting[0].place}"
    )
    known = hub_problems(chosen, told)
    return read_rows(layout, chosen, gold_elsewhere=True, group=cluster_by), known


def _outputs(
    layout: Layout, chosen: Benchmark, items: list[Item], conflicts: Sequence[Conflict], *, looked_up: bool
) -> Outputs:
    if are_most(conflicts, items):
        for item in items:
            item.problem = item.published or item.problem
    made = assemble(items)
    clusters = {item.problem.id: row.group for item in items for row in item.rows[:1] if row.group is not None}
    return Outputs(
        problems=[item.problem for item in items],
        completions=made.completions,
        samples=made.samples,
        format=layout.title,
        missing=made.missing,
        repeated=made.repeated,
        matched=sum(item.published is not None for item in items) if looked_up else None,
        alarms=tuple(alarms_of(layout, chosen, items, conflicts, made)),
        notes=tuple(notes_of(layout, chosen, items, conflicts, made, looked_up=looked_up)),
        origins=made.origins,
        clusters=clusters,
    )

"""The data behind the report's browser of problems: an index, and details in compressed pieces opened on demand.

A page with 5,000 problems of 8 samples holds some 60 MB of text. It is embedded as gzip in base64, in pieces that
the page decodes only when somebody looks at a problem; the list itself draws only what is in view.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evaluators.records import Completion, Grade, Problem
from evaluators.tables import read_table

if TYPE_CHECKING:
    from pipelines.reports.benchmark import Scored

PIECE = 100  # problems: at 8 samples some 200 KB, decoded in a few milliseconds


@dataclass(frozen=True, slots=True)
class Chunk:
    """One embedded piece: its element id, and its bytes."""

    id: str
    data: str


def browser_chunks(scored: Sequence[Scored]) -> list[Chunk]:
    """The pieces for every evaluation; `index` names them all and holds what the list shows and filters by."""
    index, chunks = [], []
    for number, one in enumerate(scored):
        entry, pieces = _evaluation(number, one)
        index.append(entry)
        chunks += pieces
    return [_chunk("index", index), *chunks]


def _evaluation(number: int, one: Scored) -> tuple[dict[str, Any], list[Chunk]]:
    problems = read_table(one.evaluation.problems, Problem)
    completions = _by_problem(read_table(one.evaluation.completions, Completion))
    grades = _by_problem(read_table(one.evaluation.grades, Grade))
    flagged = {problem for found in one.scores["contaminated"].values() for problem in found}
    places = one.scores.get("contaminated_places", {})
    pieces = [
        _chunk(
            f"piece-{number}-{start // PIECE}",
            [
                _detail(p, completions[p.id], grades[p.id], places.get(p.id, []))
                for p in problems[start : start + PIECE]
            ],
        )
        for start in range(0, len(problems), PIECE)
    ]
    entry = {
        "model": one.model,
        "title": one.scores["title"],
        "form": one.scores["form"],
        "profiles": list(one.scores["profiles"]),
        "piece": PIECE,
        "problems": [_line(p, completions[p.id], grades[p.id], p.id in flagged) for p in problems],
    }
    return entry, pieces


def _line(
    problem: Problem, completions: Sequence[Completion], grades: Sequence[Grade], flagged: bool
) -> dict[str, Any]:
    """What the list shows, and what search and filters see."""
    outcomes: dict[str, list[str]] = {}
    for grade in grades:
        outcomes.setdefault(grade.profile, []).append(grade.outcome)
    return {
        "id": problem.id,
        "question": problem.question,
        "reference": problem.reference if len(problem.reference) <= 200 else f"{problem.reference[:199]}…",
        "subject": problem.subject or "",
        "level": problem.level or "",
        "steps": problem.steps,
        "outcomes": outcomes,
        "predictions": sorted({grade.prediction[:80] for grade in grades if grade.prediction}),
        "truncated": any(completion.finish.startswith("length") for completion in completions),
        "empty": any(completion.finish != "error" and not completion.text.strip() for completion in completions),
        "programs": sum(len(completion.programs) for completion in completions),
        "timeouts": sum(program.status == "timeout" for completion in completions for program in completion.programs),
        "contaminated": flagged,
    }


def _detail(
    problem: Problem, completions: Sequence[Completion], grades: Sequence[Grade], places: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """What is shown of one problem when it is opened; `places` in the training data hold it."""
    prompts = list(dict.fromkeys(completion.prompt for completion in completions if completion.prompt))
    return {
        "places": list(places),
        "reference": problem.reference,
        "solution": problem.solution,
        "prompts": prompts,
        "samples": [
            {
                "text": completion.text,
                "finish": completion.finish,
                "error": completion.error,
                "prompt": prompts.index(completion.prompt) if completion.prompt else None,
                "reasoning": completion.reasoning,
                "tokens": completion.completion_tokens,
                "prompt_tokens": completion.prompt_tokens,
                "reasoning_tokens": completion.reasoning_tokens,
                "discarded_tokens": completion.discarded_tokens,
                "calls": completion.calls,
                "seconds": round(completion.seconds, 2),
                "programs": [[p.code, p.status, p.output, round(p.seconds, 3)] for p in completion.programs],
                "grades": [
                    [g.profile, g.outcome, g.prediction, g.reason, g.stage, g.program_correct]
                    for g in grades
                    if g.sample == completion.sample
                ],
            }
            for completion in completions
        ],
    }


def _by_problem(rows: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in sorted(rows, key=lambda row: row.sample):
        found.setdefault(row.problem_id, []).append(row)
    return found


def _chunk(name: str, value: Any) -> Chunk:
    packed = gzip.compress(
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), compresslevel=6, mtime=0
    )
    return Chunk(id=name, data="\n".join(_lines(base64.b64encode(packed).decode())))


def _lines(text: str, width: int = 4096) -> Iterator[str]:
    """One line of twenty megabytes would stop most editors."""
    return (text[start : start + width] for start in range(0, len(text), width))

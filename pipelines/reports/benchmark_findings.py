"""What may be said of differences: models against the baseline, and forms of reasoning of one model against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evaluators.comparison import Pair, compare_evaluations

if TYPE_CHECKING:
    from pipelines.reports.benchmark import Scored

PLAIN = "cot"
"""The form that the others of a model are compared with."""


def findings_of(scored: Sequence[Scored], baseline: str | None, profile: str) -> list[dict[str, Any]]:
    """Every comparison that the report makes; Holm's correction is over all of them together."""
    compared = [
        *(("models", a, b) for a, b in _models(scored, baseline)),
        *(("forms", a, b) for a, b in _forms(scored)),
    ]
    comparable = [(kind, a, b) for kind, a, b in compared if _same_problems(a, b, profile)]
    if not comparable:
        return []
    pairs: list[Pair] = [(_called(kind, a), a.scores, _called(kind, b), b.scores) for kind, a, b in comparable]
    findings = compare_evaluations(pairs, profile=profile)
    return [
        {
            **asdict(finding),
            "flips": [list(flip) for flip in finding.flips],
            "kind": kind,
            "evaluation_a": a.shown,
            "evaluation_b": b.shown,
        }
        for finding, (kind, a, b) in zip(findings, comparable, strict=True)
    ]


def _models(scored: Sequence[Scored], baseline: str | None) -> Iterator[tuple[Scored, Scored]]:
    base = {one.task: one for one in scored if one.model == baseline}
    return ((one, base[one.task]) for one in scored if one.model != baseline and one.task in base)


def _forms(scored: Sequence[Scored]) -> Iterator[tuple[Scored, Scored]]:
    plain = {(one.model, one.task[0]): one for one in scored if one.task[1] == PLAIN}
    for one in scored:
        other = plain.get((one.model, one.task[0]))
        if one.task[1] != PLAIN and other is not None:
            yield one, other


def _called(kind: str, one: Scored) -> str:
    return one.model if kind == "models" else f"{one.model} {one.task[1]}"


def _same_problems(a: Scored, b: Scored, profile: str) -> bool:
    return bool(a.scores["profiles"][profile]["scores"].keys() == b.scores["profiles"][profile]["scores"].keys())

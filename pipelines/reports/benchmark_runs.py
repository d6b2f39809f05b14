"""The spread from run to run of one evaluation, beside the interval that its problems being a sample gives it.

The interval says how far another set of problems could have moved the score; the spread says how far the same problems
do, when samples are drawn with other seeds, or batches of another size round otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.reports.benchmark import Scored


def run_spreads(main: Sequence[Scored], further: Sequence[Scored], profile: str) -> list[dict[str, Any]]:
    """One row for each evaluation that was run more than once. Accuracies are percent."""
    rows = []
    for one in main:
        others = [run for run in further if run.evaluation.run_of == one.model and run.task == one.task]
        if others:
            rows.append(_row(one, [one, *others], profile))
    return rows


def _row(one: Scored, runs: Sequence[Scored], profile: str) -> dict[str, Any]:
    figures = [run.scores["profiles"][profile] for run in runs]
    accuracies = [own["accuracy"] for own in figures]
    by_problem = [{own["scores"].get(problem) for own in figures} for problem in figures[0]["scores"]]
    low, high = figures[0]["interval"]
    return {
        "model": one.model,
        "title": one.scores["title"],
        "form": one.scores["form"],
        "accuracies": accuracies,
        "mean": round(fmean(accuracies), 4),
        "deviation": round(stdev(accuracies), 4),
        "unsteady": sum(len(scores) > 1 for scores in by_problem),
        "problems": len(by_problem),
        "interval": [low, high],
    }

"""Grades to scores.json: every figure of one model on one benchmark in one form, each with its uncertainty.

Accuracies, intervals and differences in it are percent (0 to 100); p-values and shares are 0 to 1.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import Field

from evaluators.answers import same_answer
from evaluators.benchmarks import benchmark, names, problems_file
from evaluators.grading import grades_file
from evaluators.intervals import Interval, accuracy_interval
from evaluators.metrics import (
    BREAKDOWNS,
    Graded,
    accuracy,
    breakdown,
    graded_problems,
    majority_scores,
    pass_scores,
    powers_up_to,
    program_accuracy,
    sampling_figures,
)
from evaluators.models.trajectory import completions_file
from evaluators.records import Completion, Form, Grade, Problem, Settings
from evaluators.stages import Stage, Stored
from evaluators.statistics import detectable_difference, unpaired_discordance
from evaluators.tables import atomic_file, read_table
from evaluators.usage import Prices, length_bins, lengths_of, right_of, same_problem, spent, spent_by

TIMES = ("generation_seconds", "program_seconds")


class ScoreSettings(Settings):
    prompt_price: float | None = Field(default=None, ge=0)
    """Of a million prompt tokens, in any one currency; without prices no cost is told."""
    completion_price: float | None = Field(default=None, ge=0)

    @property
    def prices(self) -> Prices | None:
        if self.prompt_price is None or self.completion_price is None:
            return None
        return self.prompt_price, self.completion_price


def write_scores(
    folder: Path,
    settings: ScoreSettings,
    *,
    problems: Path,
    completions: Path,
    grades: Path,
    contamination: Path | None = None,
    places: Path | None = None,
    seen: Sequence[str] | None = None,
) -> dict[str, Any]:
    """scores.json. Raises DenominatorError unless there is one grade for every problem, sample and profile.

    `places` says where contaminated problems stand (`evaluators.leaks.contained`). `seen` names those tables of
    `contamination` that the model was trained on; None: all of them.
    """
    known = read_table(problems, Problem)
    given = read_table(completions, Completion)
    judged = read_table(grades, Grade)
    contained = json.loads(contamination.read_text(encoding="utf-8")) if contamination is not None else {}
    scores = scores_of(known, given, judged, contained, settings, seen=seen)
    scores["contaminated_places"] = {} if places is None else _places_by_problem(places, seen)
    with atomic_file(folder / "scores.json") as temporary:
        temporary.write_text(json.dumps(scores, indent=1, ensure_ascii=False), encoding="utf-8")
    return {
        "problems": scores["problems"],
        "samples": scores["samples"],
        "profiles": {name: _headline(figures) for name, figures in scores["profiles"].items()},
        "sampling": {name: value for name, value in scores["sampling"].items() if name not in TIMES},
    }


def _of_artifacts(
    settings: ScoreSettings,
    *,
    problems: Stored,
    completions: Stored,
    grades: Stored,
    name: str,
    form: Form,
    contamination: Stored | None = None,
    seen: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "problems": problems_file(problems),
        "completions": completions.file(completions_file(name, form)),
        "grades": grades_file(grades),
        "contamination": None if contamination is None else contamination.file("contamination.json"),
        "places": None if contamination is None else contamination.file("places.parquet"),
        "seen": seen,
    }


SCORES_STAGE = Stage(
    name="scores",
    version="5",
    write=write_scores,
    arguments=_of_artifacts,
    settings=ScoreSettings,
    inputs=("problems", "completions", "grades", "contamination?"),
    description="Accuracy with its interval, maj@k, pass@k, program accuracy, and the breakdowns.",
    kinds=("json",),
)


def scores_of(
    problems: Sequence[Problem],
    completions: Sequence[Completion],
    grades: Sequence[Grade],
    contained: Mapping[str, Mapping[str, float]],
    settings: ScoreSettings,
    seen: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Everything that scores.json holds. `contained`: training table -> the problems that it contains."""
    samples = max((completion.sample for completion in completions), default=-1) + 1
    profiles = list(dict.fromkeys(grade.profile for grade in grades))
    charged = {source: found for source, found in contained.items() if seen is None or source in seen}
    flagged = {problem_id for found in charged.values() for problem_id in found} if charged else None
    first = [grade for grade in grades if profiles and grade.profile == profiles[0]]
    name = problems[0].benchmark if problems else ""
    sampling: dict[str, Any] = sampling_figures(completions, first)
    return {
        "benchmark": name,
        "title": benchmark(name).title if name in names() else name,
        "language": problems[0].language if problems else "en",
        "form": next((completion.form for completion in completions if completion.form != "cot"), "cot"),
        "problems": len(problems),
        "samples": samples,
        "profiles": {
            profile: _figures(graded_problems(problems, grades, profile, samples), profile, flagged)
            | usage_figures(completions, [grade for grade in grades if grade.profile == profile], settings.prices)
            for profile in profiles
        },
        "sampling": sampling
        | {
            "cost": spent(completions, settings.prices).cost,
            "spent_by_finish": _spent_by(completions, {_key(one): one.finish for one in completions}, settings.prices),
        },
        "contaminated": {source: sorted(found) for source, found in charged.items()},
        "not_seen": {source: len(found) for source, found in contained.items() if source not in charged},
        "disagreements": disagreements(grades),
    }


def _places_by_problem(places: Path, seen: Sequence[str] | None) -> dict[str, list[dict[str, Any]]]:
    """Problem id -> the pages and examples that hold it, each with the words that agree."""
    import pyarrow.parquet as pq

    found: dict[str, list[dict[str, Any]]] = {}
    for row in pq.read_table(places).to_pylist():
        if seen is not None and row["table"] not in seen:
            continue
        found.setdefault(row.pop("problem_id"), []).append(row)
    return dict(sorted(found.items()))


def _figures(graded: Sequence[Graded], profile: str, flagged: set[str] | None) -> dict[str, Any]:
    def equivalent(a: str, b: str) -> bool:
        return same_answer(a, b, profile=profile)

    samples = len(graded[0].grades) if graded else 0
    several = [k for k in powers_up_to(samples) if samples > 1] if samples else []
    passed = {k: pass_scores(graded, k) for k in several}
    voted = {k: majority_scores(graded, k, equivalent) for k in several}
    programs = program_accuracy(graded)
    return {
        **part_figures(graded),
        "correct": sum(grade.correct for one in graded for grade in one.grades),
        "detectable": percent(detectable_difference(len(graded), unpaired_discordance(accuracy(graded)))),
        "pass_at": _means(passed),
        "pass_at_interval": _intervals(passed),
        "majority_at": _means(voted),
        "majority_at_interval": _intervals(voted),
        "program_accuracy": None if programs is None else percent(programs),
        "program_interval": None if programs is None else _interval(_program_interval(graded)),
        "outcomes": dict(sorted(Counter(grade.outcome for one in graded for grade in one.grades).items())),
        "breakdowns": {
            name: {value: part_figures(part) for value, part in parts.items()}
            for name, key in BREAKDOWNS.items()
            if len(parts := breakdown(graded, key)) > 1
        },
        "clean": None if flagged is None else part_figures([one for one in graded if one.problem.id not in flagged]),
        "scores": {one.problem.id: round(one.score, 6) for one in graded},
    }


def part_figures(graded: Sequence[Graded]) -> dict[str, Any]:
    """Problems, accuracy and its interval of any set of problems."""
    interval = _interval(accuracy_interval([one.score for one in graded]))
    return {"problems": len(graded), "accuracy": percent(accuracy(graded)), "interval": interval}


def disagreements(grades: Sequence[Grade]) -> list[dict[str, Any]]:
    """Every completion on which the profiles do not agree whether it is right, with what each said."""
    by_completion: dict[tuple[str, int], dict[str, Grade]] = {}
    for grade in grades:
        by_completion.setdefault((grade.problem_id, grade.sample), {})[grade.profile] = grade
    return [
        {
            "problem_id": problem_id,
            "sample": sample,
            "verdicts": {
                profile: {"outcome": grade.outcome, "prediction": grade.prediction, "reason": grade.reason}
                for profile, grade in own.items()
            },
        }
        for (problem_id, sample), own in by_completion.items()
        if len({grade.correct for grade in own.values()}) > 1
    ]


def percent(share: float) -> float:
    return round(100 * share, 4)


def _means(scores: Mapping[int, Sequence[float]]) -> dict[str, float]:
    return {str(k): percent(sum(own) / len(own)) for k, own in scores.items()}


def _intervals(scores: Mapping[int, Sequence[float]]) -> dict[str, list[float]]:
    return {str(k): _interval(accuracy_interval(own)) for k, own in scores.items()}


def _interval(interval: Interval) -> list[float]:
    return [percent(interval.low), percent(interval.high)]


def _program_interval(graded: Sequence[Graded]) -> Interval:
    return accuracy_interval([sum(bool(g.program_correct) for g in one.grades) / len(one.grades) for one in graded])


def usage_figures(completions: Sequence[Completion], grades: Sequence[Grade], prices: Prices | None) -> dict[str, Any]:
    """What right and wrong answers took, and how right answers of each length are, under one profile."""
    outcomes: dict[tuple[str, int], str] = {(grade.problem_id, grade.sample): grade.outcome for grade in grades}
    measure, lengths = lengths_of(completions)
    right = right_of(completions, grades)
    told = len(set(lengths)) > 1  # a server that counts no tokens says 0 of every answer
    both = same_problem(completions, lengths, right) if told else None
    bins = length_bins(completions, lengths, right) if told else []
    return {
        "spent_by_outcome": _spent_by(completions, outcomes, prices),
        "length_measure": measure,
        "lengths": [
            asdict(one) | {"accuracy": percent(one.accuracy), "interval": _interval(one.interval)} for one in bins
        ],
        "lengths_same_problem": None if both is None else asdict(both),
    }


def _spent_by(
    completions: Sequence[Completion], names: Mapping[tuple[str, int], str], prices: Prices | None
) -> dict[str, Any]:
    return {name: asdict(one) for name, one in spent_by(completions, names, prices).items()}


def _key(completion: Completion) -> tuple[str, int]:
    return completion.problem_id, completion.sample


def _headline(figures: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: figures[name] for name in ("accuracy", "interval", "correct", "program_accuracy")}
    return kept if figures["clean"] is None else kept | {"clean_accuracy": figures["clean"]["accuracy"]}

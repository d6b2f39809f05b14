"""Grade outputs made elsewhere, with intervals.

FILE is what a known tool writes (lm-eval, inspect, evalscope, lighteval, OpenCompass, HELM, OLMES, NeMo-Skills, NeMo Gym,
verl, TRL, MathArena and others; a folder of theirs too), or JSON Lines, JSON, CSV or Parquet (also gzip, Zstandard) whose
columns are guessed. Several responses a problem give pass@k and maj@k too. A file without gold answers is matched with the
benchmark's own data by question or id: --path, or the folder that MATHSIEVE_REAL_DATA names, or the hub. What makes the
score doubtful is said first; where the file carries its harness's own verdicts, so is where we differ from them, and why.

  mathsieve grade outputs.jsonl --benchmark gsm8k
  mathsieve grade logs/ --benchmark math --html report.html                     a folder of inspect, lm-eval, NeMo-Skills, ...
  mathsieve grade outputs.jsonl --benchmark mine=references.jsonl               a benchmark of your own
  mathsieve grade outputs.jsonl --benchmark gsm8k --profile deepseek --profile strict --json
  mathsieve grade samples.jsonl --benchmark humaneval --path data/humaneval     references from the benchmark's data
  mathsieve grade outputs.jsonl --benchmark gsm8k --json > a.json               for `mathsieve compare` too
  mathsieve grade outputs.jsonl --benchmark math --grades graded/               kept for `mathsieve compare`
  mathsieve grade outputs.jsonl --benchmark math --grades graded.jsonl          one line for every verdict
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluators.benchmarks import Benchmark
    from evaluators.outputs import Outputs
    from evaluators.records import Grade

LINES = ".jsonl"
TABLES = frozenset({".json", ".csv", ".tsv", ".parquet", ".html", ".txt"})
"""Ends of the names of files that --grades does not write."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the outputs: a file, or a folder that some tool wrote")
    parser.add_argument(
        "--benchmark",
        required=True,
        metavar="NAME",
        help="gsm8k, math, aime25, ...; or a file of questions and references, also as NAME=FILE",
    )
    parser.add_argument(
        "--profile",
        action="append",
        choices=("deepseek", "strict", "reward"),
        help="how strict: deepseek (as published), strict (right; the default), reward; repeat it for several",
    )
    parser.add_argument(
        "--path", metavar="DATA", help="the benchmark's own data: its references count, not those of FILE"
    )
    parser.add_argument(
        "--grades",
        type=Path,
        metavar="FOLDER",
        help="write scores.json and the tables there; a name that ends in .jsonl is a file of one verdict a line",
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write the report there as well, a page that opens offline"
    )
    parser.add_argument(
        "--rows", type=_count, default=20, metavar="N", help="show N rows judged differently (default 20)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number from 0 on; found {text!r}")
    return int(text)


def has_workers(arguments: argparse.Namespace) -> bool:
    return True


def run(arguments: argparse.Namespace) -> int:
    from evaluators.grade_report import page_of, table_of

    if arguments.grades is not None:
        _make(arguments.grades)
    report, outputs, grades, scores = _grade(arguments)
    if arguments.grades is not None:
        _keep(arguments.grades, outputs, grades, scores)
    if arguments.html is not None:
        arguments.html.write_text(page_of(report, outputs), encoding="utf-8")
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        print(table_of(report, rows=arguments.rows))
    return 0


def graded(outputs: Outputs, chosen: Benchmark, profiles: list[str]) -> tuple[list[Grade], dict[str, Any]]:
    """The grades of outputs, and what scores.json would hold."""
    from evaluators.scores import ScoreSettings, scores_of

    grades = _grades_of(outputs, profiles)
    scores = scores_of(outputs.problems, outputs.completions, grades, {}, ScoreSettings())
    return grades, scores | {"title": chosen.title, "clusters": dict(outputs.clusters)}


def _grade(arguments: argparse.Namespace) -> tuple[dict[str, Any], Outputs, list[Grade], dict[str, Any]]:
    from evaluators.alarms import result_alarms
    from evaluators.benchmarks import benchmark_of
    from evaluators.outputs import read_outputs
    from evaluators.referee import referee

    profiles = list(dict.fromkeys(arguments.profile or ["strict"]))
    chosen = benchmark_of(arguments.benchmark)
    outputs = read_outputs(arguments.file, chosen, data=arguments.path)
    grades, scores = graded(outputs, chosen, profiles)
    refereed = referee(outputs, grades, profiles[0])
    report = {
        "benchmark": chosen.name,
        "profile": profiles[0],
        "title": chosen.title,
        "form": scores["form"],
        **_figures(scores, profiles[0]),
        "problems": len(outputs.problems),
        "samples": outputs.samples,
        "format": outputs.format,
        "missing": outputs.missing,
        "repeated": outputs.repeated,
        "matched": outputs.matched,
        "alarms": [*outputs.alarms, *result_alarms(outputs, grades, profiles[0], refereed)],
        "notes": list(outputs.notes),
        "harness": [asdict(one) for one in refereed],
        "published_problems": chosen.splits["test"].rows if "test" in chosen.splits else None,
        "profiles": {
            profile: _figures(scores, profile) | {"scores": scores["profiles"][profile]["scores"]}
            for profile in profiles
        },
        "published": _published(scores, profiles[0]),
        "disagreements": scores["disagreements"],
    }
    return report, outputs, grades, scores


def _grades_of(outputs: Outputs, profiles: list[str]) -> list[Grade]:
    from evaluators.grading import grade_all, grade_all_by_tests, judged_by_tests
    from evaluators.models.settings import EvaluationSettings

    if judged_by_tests(outputs.problems[0]):
        settings = EvaluationSettings.model_validate({"profiles": profiles})
        return asyncio.run(grade_all_by_tests(outputs.problems, outputs.completions, settings))
    return grade_all(outputs.problems, outputs.completions, profiles)


def _figures(scores: dict[str, Any], profile: str) -> dict[str, Any]:
    figures = scores["profiles"][profile]
    names = (
        "correct",
        "accuracy",
        "interval",
        "outcomes",
        "pass_at",
        "pass_at_interval",
        "majority_at",
        "majority_at_interval",
        "program_accuracy",
    )
    return {"n": scores["problems"] * scores["samples"], **{name: figures[name] for name in names}}


def _published(scores: dict[str, Any], profile: str) -> list[dict[str, Any]]:
    from evaluators.comparison import against_published

    return [asdict(row) for row in against_published(scores, profile)]


def _make(place: Path) -> None:
    """Before the work, not after it. Raises OutputsError."""
    from evaluators.outputs import OutputsError

    lines = place.suffix == LINES
    if place.suffix in TABLES and not place.is_dir():
        raise OutputsError(
            f"--grades {place}: expected a folder, or a file of JSON Lines; found a name that ends in {place.suffix}. Name "
            f"{place.with_suffix('')} or {place.with_suffix(LINES)}."
        )
    folder = place.parent if lines else place
    try:
        if lines and place.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputsError(
            f"--grades {place}: expected a {'file' if lines else 'folder'} that can be written; found: {error.strerror}. "
            "Name another."
        ) from error


def _keep(place: Path, outputs: Outputs, grades: list[Grade], scores: dict[str, Any]) -> None:
    from evaluators.records import Completion, Grade, Problem
    from evaluators.tables import atomic_file, write_table

    if place.suffix == LINES:
        with atomic_file(place) as temporary:
            temporary.write_text("".join(_lines(outputs, grades)), encoding="utf-8")
        return
    write_table(place / "problems.parquet", [asdict(one) for one in outputs.problems], Problem)
    write_table(place / "completions.parquet", [asdict(one) for one in outputs.completions], Completion)
    write_table(place / "grades.parquet", [asdict(one) for one in grades], Grade)
    with atomic_file(place / "scores.json") as temporary:  # last: whose presence says that all is there
        temporary.write_text(json.dumps(scores, ensure_ascii=False, indent=1), encoding="utf-8")


def _lines(outputs: Outputs, grades: list[Grade]) -> Iterator[str]:
    """Every verdict with where its response stands in the file and what it was held against."""
    references = {problem.id: problem.reference for problem in outputs.problems}
    for grade in grades:
        origin = outputs.origins.get((grade.problem_id, grade.sample))
        row = asdict(grade) | {
            "reference": references[grade.problem_id],
            "place": None if origin is None else origin.place,
        }
        yield json.dumps(row, ensure_ascii=False) + "\n"

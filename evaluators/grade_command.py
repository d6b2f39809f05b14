"""Grade outputs made elsewhere, with intervals.

Formats are detected: JSON Lines, JSON, CSV or Parquet (also gzip, Zstandard) with question, response and gold in the
usual spellings, and what lm-eval, lighteval, ToRA, OpenCompass, HELM, inspect, simple-evals and others write. Several
responses a problem give pass@k and maj@k too. A file without gold answers is matched with the benchmark's own data by
question or id: --path, or the folder that MATHSIEVE_REAL_DATA names, or the hub.

  mathsieve grade outputs.jsonl --benchmark gsm8k
  mathsieve grade outputs.jsonl --benchmark gsm8k --profile deepseek --profile strict --json
  mathsieve grade samples.jsonl --benchmark humaneval --path data/humaneval     references from the benchmark's data
  mathsieve grade outputs.jsonl --benchmark gsm8k --json > a.json               for `mathsieve compare` too
  mathsieve grade outputs.jsonl --benchmark math --grades graded/               kept for `mathsieve compare`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluators.outputs import Outputs
    from evaluators.records import Grade


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the outputs")
    parser.add_argument("--benchmark", required=True, metavar="NAME", help="gsm8k, math, math500, mgsm_zh, cmath, ...")
    parser.add_argument(
        "--profile",
        action="append",
        choices=("deepseek", "strict", "reward"),
        help="how strict: deepseek (as published), strict (right; the default), reward; repeat it for several",
    )
    parser.add_argument(
        "--path", metavar="DATA", help="the benchmark's own data: its references count, not those of FILE"
    )
    parser.add_argument("--grades", type=Path, metavar="FOLDER", help="write scores.json and the tables there")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def has_workers(arguments: argparse.Namespace) -> bool:
    return True


def run(arguments: argparse.Namespace) -> int:
    report = _grade(arguments)
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        print(_table(report))
    return 0


def graded(file: Path, name: str, profiles: list[str], data: str | None) -> tuple[Outputs, list[Grade], dict[str, Any]]:
    """Outputs, their grades, and what scores.json would hold. Raises OutputsError, BenchmarkError."""
    from evaluators.outputs import read_outputs
    from evaluators.scores import ScoreSettings, scores_of

    outputs = read_outputs(file, name, data=data)
    grades = _grades_of(outputs, profiles)
    return outputs, grades, scores_of(outputs.problems, outputs.completions, grades, {}, ScoreSettings())


def _grade(arguments: argparse.Namespace) -> dict[str, Any]:
    from evaluators.benchmarks import benchmark

    profiles = list(dict.fromkeys(arguments.profile or ["strict"]))
    if arguments.grades is not None:
        _make(arguments.grades)
    outputs, grades, scores = graded(arguments.file, arguments.benchmark, profiles, arguments.path)
    if arguments.grades is not None:
        _keep(arguments.grades, outputs, grades, scores)
    chosen = benchmark(arguments.benchmark)
    return {
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
        "notes": list(outputs.notes),
        "published_problems": chosen.splits["test"].rows if "test" in chosen.splits else None,
        "profiles": {
            profile: _figures(scores, profile) | {"scores": scores["profiles"][profile]["scores"]}
            for profile in profiles
        },
        "published": _published(scores, profiles[0]),
        "disagreements": scores["disagreements"],
    }


def _grades_of(outputs: Outputs, profiles: list[str]) -> list[Grade]:
    from evaluators.grading import grade_all, grade_all_by_tests, judged_by_tests
    from evaluators.trajectory import EvaluationSettings

    if judged_by_tests(outputs.problems[0]):
        settings = EvaluationSettings.model_validate({"profiles": profiles})
        return asyncio.run(grade_all_by_tests(outputs.problems, outputs.completions, settings))
    return grade_all(outputs.problems, outputs.completions, profiles)


def _figures(scores: dict[str, Any], profile: str) -> dict[str, Any]:
    figures = scores["profiles"][profile]
    names = ("correct", "accuracy", "interval", "outcomes", "pass_at", "majority_at", "program_accuracy")
    return {"n": scores["problems"] * scores["samples"], **{name: figures[name] for name in names}}


def _published(scores: dict[str, Any], profile: str) -> list[dict[str, Any]]:
    from evaluators.comparison import against_published

    return [asdict(row) for row in against_published(scores, profile)]


def _make(folder: Path) -> None:
    """Before the work, not after it. Raises OutputsError."""
    from evaluators.outputs import OutputsError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputsError(
            f"--grades {folder}: expected a folder that can be written; found: {error.strerror}. Name another."
        ) from error


def _keep(folder: Path, outputs: Outputs, grades: list[Grade], scores: dict[str, Any]) -> None:
    from evaluators.records import Completion, Grade, Problem
    from evaluators.tables import atomic_file, write_table

    write_table(folder / "problems.parquet", [asdict(one) for one in outputs.problems], Problem)
    write_table(folder / "completions.parquet", [asdict(one) for one in outputs.completions], Completion)
    write_table(folder / "grades.parquet", [asdict(one) for one in grades], Grade)
    with atomic_file(folder / "scores.json") as temporary:  # last: whose presence says that all is there
        temporary.write_text(json.dumps(scores, ensure_ascii=False, indent=1), encoding="utf-8")


def _table(report: dict[str, Any]) -> str:
    lines = [
        f"{report['title']}, {report['form']}: {report['problems']} problems, {report['samples']} sample(s) each ({report['format']})",
        "",
        "| profile | correct | accuracy | 95 % interval | no answer | program accuracy |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for profile, figures in report["profiles"].items():
        programs = figures["program_accuracy"]
        lines.append(
            f"| {profile} | {figures['correct']} of {figures['n']} | {figures['accuracy']:.2f} | "
            f"{figures['interval'][0]:.2f} to {figures['interval'][1]:.2f} | {figures['outcomes'].get('no_answer', 0)} | "
            f"{'-' if programs is None else f'{programs:.2f}'} |"
        )
    for name, label in (("majority_at", "maj"), ("pass_at", "pass")):
        values = report[name]
        if values:
            lines += ["", ", ".join(f"{label}@{k} {value:.2f}" for k, value in values.items())]
    lines += [""] if report["published"] else []
    lines += [f"- {row['sentence']}" for row in report["published"]]
    if report["disagreements"]:
        lines += ["", f"{len(report['disagreements'])} completions are judged differently by the profiles:"]
        lines += [f"  {_disagreement(item)}" for item in report["disagreements"]]
    lines += [line for note in report["notes"] for line in ("", note)]
    return "\n".join(lines)


def _disagreement(item: dict[str, Any]) -> str:
    verdicts = "; ".join(
        f"{profile}: {verdict['outcome']} ({verdict['prediction']!r}: {verdict['reason']})"
        for profile, verdict in item["verdicts"].items()
    )
    return f"{item['problem_id']} sample {item['sample']}: {verdicts}"

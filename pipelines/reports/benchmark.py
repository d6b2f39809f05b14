"""The benchmark report: one HTML page that opens offline, with Markdown and JSON beside it.

It says "better" only where a paired test, corrected for all that were made, allows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evaluators.benchmarks import benchmark, names, problems_file
from evaluators.comparison import Finding, against_published, compare_evaluations
from evaluators.errors import MathsieveError
from evaluators.evaluate import completions_file
from evaluators.grading import grades_file
from evaluators.published import PUBLISHED
from evaluators.records import Form, Settings
from evaluators.stages import Stage, Stored
from pipelines.reports.benchmark_browser import browser_chunks
from pipelines.reports.benchmark_plots import bars, forest, growth
from pipelines.reports.benchmark_runs import run_spreads
from pipelines.storage import atomic_file

FORMS: dict[Form, str] = {"cot": "Chain-of-thought reasoning", "tir": "Tool-integrated reasoning"}
TABLE_5 = ("gsm8k", "math", "mgsm_zh", "cmath")
SHOWN_DISAGREEMENTS = 200  # ours: a table of thousands of rows makes the page slow, and report.json has them all
FOLDER = Path(__file__).parent


class ReportError(MathsieveError):
    """The evaluations cannot be reported together; the message names the remedy."""


class ReportSettings(Settings):
    title: str = "Benchmark report"
    baseline: str | None = None
    """The model that the others are compared with; None takes the first."""
    published: bool = True
    """Whether to show the rows of the paper's Table 5 beside ours."""
    browser: bool = True
    """Whether to embed every problem and completion. Off, the page is small and holds no benchmark text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One model on one benchmark in one form: where its tables are."""

    model: str
    problems: Path
    completions: Path
    grades: Path
    scores: Path
    run_of: str | None = None
    """Of a further run of a model that model: it tells the spread from run to run, and stands in no table."""
    lineage: Mapping[str, int] = field(default_factory=dict)
    """Training run -> steps done in it: checkpoints of one run make a growth curve, and all start from one base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """An evaluation and its scores."""

    evaluation: Evaluation
    scores: Mapping[str, Any]

    @property
    def model(self) -> str:
        return self.evaluation.model

    @property
    def task(self) -> tuple[str, Form]:
        return self.scores["benchmark"], self.scores["form"]


def write_benchmark_report(
    folder: Path, settings: ReportSettings, *, evaluations: Sequence[Evaluation]
) -> dict[str, Any]:
    """report.html, report.md and report.json. Raises ReportError where two evaluations say to be the same thing."""
    every = [Scored(evaluation=one, scores=json.loads(one.scores.read_text(encoding="utf-8"))) for one in evaluations]
    _must_differ(every)
    scored = [one for one in every if one.evaluation.run_of is None]
    content = report_content(scored, settings, [one for one in every if one.evaluation.run_of is not None])
    chunks = browser_chunks(scored) if settings.browser else []
    plots = {
        "forest": forest(content["rows"]),
        "growth": growth(content["growth"]),
        "breakdowns": [
            (name, bars(name, parts, dict.fromkeys(row["model"] for row in content["rows"])))
            for name, parts in content["breakdowns"].items()
        ],
    }
    _write(folder / "report.html", _render("benchmark.html", content, settings, plots=plots, chunks=chunks))
    _write(folder / "report.md", _render("benchmark.md", content, settings))
    _write(folder / "report.json", json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True))
    return {
        "evaluations": len(scored),
        "baseline": content["baseline"],
        "table": [
            {key: row[key] for key in ("model", "benchmark", "form", "profile", "accuracy", "interval")}
            for row in content["rows"]
        ],
        "findings": [finding["sentence"] for finding in content["findings"]],
    }


def _evaluations(
    settings: ReportSettings,
    *,
    problems: Mapping[str, Stored],
    completions: Mapping[str, Stored],
    grades: Mapping[str, Stored],
    scores: Mapping[str, Stored],
    lineage: Mapping[str, Mapping[str, int]],
    runs: Mapping[str, str],
) -> dict[str, Any]:
    """Tables are named `sft/gsm8k|cot`. `runs`: further run -> the model that it is a run of."""
    found = []
    for name in scores:
        model, _, key = name.partition("/")
        benchmark, form = key.split("|")
        found.append(
            Evaluation(
                model=model,
                problems=problems_file(problems[benchmark]),
                completions=completions[name].file(completions_file(benchmark, form)),  # type: ignore[arg-type]  # a Form
                grades=grades_file(grades[name]),
                scores=scores[name].file("scores.json"),
                run_of=runs.get(model),
                lineage=lineage.get(model, {}),
            )
        )
    return {"evaluations": found}


BENCHMARK_REPORT = Stage(
    name="benchmark_report",
    version="4",
    write=write_benchmark_report,
    arguments=_evaluations,
    settings=ReportSettings,
    inputs=("problems/*", "completions/*", "grades/*", "scores/*"),
    description="The table of the paper with our rows, intervals, paired comparisons, and a browser of every answer.",
    kinds=("html",),
)


def report_content(
    scored: Sequence[Scored], settings: ReportSettings, further: Sequence[Scored] = ()
) -> dict[str, Any]:
    """Everything the report says, as report.json holds it. `further`: more runs of the same evaluations."""
    baseline = settings.baseline or (scored[0].model if scored else None)
    if scored and baseline not in {one.model for one in scored}:
        known = ", ".join(dict.fromkeys(one.model for one in scored))
        raise ReportError(f"report.baseline: expected one of the evaluated models ({known}); found {baseline!r}")
    rows = [row for one in scored for row in _rows(one)]
    profile = _main_profile(scored)
    return {
        "title": settings.title,
        "baseline": baseline,
        "profile": profile,
        "profiles": list(dict.fromkeys(row["profile"] for row in rows)),
        "titles": {row["benchmark"]: row["title"] for row in rows},
        "rows": rows,
        "tables": [_table(form, rows, settings) for form in FORMS if any(row["form"] == form for row in rows)],
        "findings": [_plain(finding) for finding in _findings(scored, baseline, profile)],
        "published": [
            {"evaluated": one.model, "title": one.scores["title"], "form": one.scores["form"], **asdict(row)}
            for one in scored
            if settings.published
            for row in against_published(one.scores, _published_profile(one))
        ],
        "sampling": [
            {"model": one.model, "title": one.scores["title"], "form": one.scores["form"], **one.scores["sampling"]}
            for one in scored
        ],
        "contamination": [row for one in scored for row in _contamination(one, profile)],
        "breakdowns": _breakdowns(scored, profile),
        "growth": _growth(scored, profile),
        "runs": run_spreads(scored, further, profile),
        "disagreements": [
            {"model": one.model, "title": one.scores["title"], "form": one.scores["form"], **item}
            for one in scored
            for item in one.scores["disagreements"]
        ],
    }


def _must_differ(scored: Sequence[Scored]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for one in scored:
        key = (one.model, *one.task)
        if key in seen:
            raise ReportError(
                f"expected one evaluation of {' '.join(key)}; found two. Give the models names that differ."
            )
        seen.add(key)


def _main_profile(scored: Sequence[Scored]) -> str:
    """The profile for what is not compared with published figures: the right one, where everybody has it."""
    shared = set.intersection(*[set(one.scores["profiles"]) for one in scored]) if scored else set()
    if scored and not shared:
        raise ReportError("expected one answer profile that all evaluations were graded under; they share none")
    return "strict" if "strict" in shared or not shared else min(shared)


def _published_profile(one: Scored) -> str:
    """Published figures were graded by the published grader."""
    profiles = one.scores["profiles"]
    return "deepseek" if "deepseek" in profiles else next(iter(profiles))


def _rows(one: Scored) -> list[dict[str, Any]]:
    common = {key: one.scores[key] for key in ("benchmark", "title", "form", "language", "problems", "samples")}
    kept = (
        "accuracy",
        "interval",
        "correct",
        "detectable",
        "program_accuracy",
        "program_interval",
        "pass_at",
        "majority_at",
        "clean",
    )
    return [
        {"model": one.model, **common, "profile": profile, **{name: figures[name] for name in kept}}
        for profile, figures in one.scores["profiles"].items()
    ]


def _table(form: Form, rows: Sequence[Mapping[str, Any]], settings: ReportSettings) -> dict[str, Any]:
    """The layout of the paper's Table 5: a block for each form, a row for each model, a column for each benchmark."""
    own = [row for row in rows if row["form"] == form]
    evaluated = list(dict.fromkeys(row["benchmark"] for row in own))
    columns = [name for name in TABLE_5 if name in evaluated] + [name for name in evaluated if name not in TABLE_5]
    titles = {row["benchmark"]: row["title"] for row in own}
    lines = []
    for published in PUBLISHED if settings.published else ():
        cells = [{"accuracy": published.accuracies.get((name, form))} for name in columns]
        if any(cell["accuracy"] is not None for cell in cells):
            lines.append(
                {
                    "model": published.model,
                    "note": f"{published.source}, {published.prompting}",
                    "published": True,
                    "cells": cells,
                }
            )
    keys = dict.fromkeys((row["model"], row["profile"]) for row in own)
    for model, profile in keys:
        found = {row["benchmark"]: row for row in own if row["model"] == model and row["profile"] == profile}
        cells = [_cell(found.get(name)) for name in columns]
        lines.append({"model": model, "note": f"{profile} grader", "published": False, "cells": cells})
    return {"form": form, "title": FORMS[form], "columns": [titles[name] for name in columns], "lines": lines}


def _cell(row: Mapping[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {"accuracy": None}
    kept = {key: row[key] for key in ("accuracy", "interval", "problems", "program_accuracy")}
    return {**kept, "part_of": _published_size(row)}


def _published_size(row: Mapping[str, Any]) -> int | None:
    """The size of the published test split, where the evaluation ran another number of problems."""
    known = benchmark(row["benchmark"]).splits.get("test") if row["benchmark"] in names() else None
    return None if known is None or known.rows == row["problems"] else known.rows


def _findings(scored: Sequence[Scored], baseline: str | None, profile: str) -> list[Finding]:
    """Every model against the baseline on what both evaluated; Holm's correction is over all of them together."""
    base = {one.task: one for one in scored if one.model == baseline}
    others = [one for one in scored if one.model != baseline and one.task in base]
    comparable = [one for one in others if _same_problems(one, base[one.task], profile)]
    if baseline is None or not comparable:
        return []
    return compare_evaluations(
        [(one.model, one.scores, baseline, base[one.task].scores) for one in comparable], profile=profile
    )


def _same_problems(a: Scored, b: Scored, profile: str) -> bool:
    return bool(a.scores["profiles"][profile]["scores"].keys() == b.scores["profiles"][profile]["scores"].keys())


def _plain(finding: Finding) -> dict[str, Any]:
    plain = asdict(finding)
    plain["flips"] = [list(flip) for flip in finding.flips]
    return plain


def _contamination(one: Scored, profile: str) -> list[dict[str, Any]]:
    figures = one.scores["profiles"][profile]
    if figures["clean"] is None:
        return []
    return [
        {
            "model": one.model,
            "title": one.scores["title"],
            "form": one.scores["form"],
            "contaminated": {source: len(found) for source, found in one.scores["contaminated"].items()},
            "accuracy": figures["accuracy"],
            "interval": figures["interval"],
            "clean": figures["clean"],
        }
    ]


def _breakdowns(scored: Sequence[Scored], profile: str) -> dict[str, list[dict[str, Any]]]:
    """`MATH, cot, by level` -> one entry for each value and model."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in scored:
        for name, parts in one.scores["profiles"][profile]["breakdowns"].items():
            key = f"{one.scores['title']}, {one.scores['form']}, by {name}"
            found.setdefault(key, []).extend(
                {"model": one.model, "value": value, **part} for value, part in parts.items()
            )
    return found


def _growth(scored: Sequence[Scored], profile: str) -> list[dict[str, Any]]:
    """One curve for each training run, benchmark and form with at least two checkpoints."""
    curves: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for one in scored:
        figures = {key: one.scores["profiles"][profile][key] for key in ("accuracy", "interval")}
        for family, step in one.evaluation.lineage.items():
            key = (family, one.scores["title"], one.scores["form"])
            curves.setdefault(key, []).append({"step": step, "model": one.model, **figures})
    return [
        {"family": family, "title": title, "form": form, "points": sorted(points, key=lambda point: point["step"])}
        for (family, title, form), points in sorted(curves.items())
        if len(points) > 1
    ]


def _render(template: str, content: Mapping[str, Any], settings: ReportSettings, **more: Any) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=template.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = ((FOLDER / name).read_text(encoding="utf-8") for name in ("benchmark.css", "benchmark.js"))
    return environment.get_template(template).render(
        **content, forms=FORMS, style=style, script=script, shown_disagreements=SHOWN_DISAGREEMENTS, **more
    )


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")

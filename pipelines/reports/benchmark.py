"""The benchmark report: one HTML page that opens offline, with Markdown and JSON beside it.

It says "better" only where a paired test, corrected for all that were made, allows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from evaluators.benchmarks import benchmark, names, problems_file
from evaluators.comparison import against_published
from evaluators.conditions import conditions_file, grader
from evaluators.errors import MathsieveError
from evaluators.evaluate import completions_file
from evaluators.grading import GRADES, grades_file
from evaluators.published import PUBLISHED
from evaluators.records import Form, Settings
from evaluators.stages import Stage, Stored
from pipelines.reports.benchmark_browser import browser_chunks
from pipelines.reports.benchmark_conditions import conditions_table, row_note
from pipelines.reports.benchmark_findings import findings_of
from pipelines.reports.benchmark_plots import bars, forest, growth
from pipelines.reports.benchmark_runs import run_spreads
from pipelines.reports.benchmark_usage import length_plots, length_rows, length_sentences, score_alarms, spent_rows
from pipelines.storage import atomic_file

FORMS = {
    "cot": "Chain-of-thought reasoning",
    "tir": "Tool-integrated reasoning",
    "tools": "Reasoning with native tool calls",
}
UNFIT = ("truncated", "empty")
"""Shares of answers that stand beside every score."""
MISHAPS = (
    ("no_answer", "No answer"),
    ("unparsed", "Unparsed"),
    ("truncated", "Cut"),
    ("cut_in_thinking", "while thinking"),
    ("empty", "Empty"),
    ("refused", "Refused"),
    ("filtered", "Filtered"),
    ("called_no_tool", "Called a tool that is not there"),
    ("repeating", "Repeating"),
    ("calls_exhausted", "Calls used up"),
    ("failed", "Failed"),
)
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
    conditions: Path | None = None
    """Under which the model answered (evaluators.conditions)."""
    run_of: str | None = None
    """Of a further run of a model that model: it tells the spread from run to run, and stands in no table."""
    lineage: Mapping[str, int] = field(default_factory=dict)
    """Training run -> steps done in it: checkpoints of one run make a growth curve, and all start from one base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """An evaluation and its scores."""

    evaluation: Evaluation
    scores: Mapping[str, Any]
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """As evaluators.conditions has them, and the grader; empty where they were not kept."""

    @property
    def model(self) -> str:
        return self.evaluation.model

    @property
    def shown(self) -> str:
        """As the page's browser of problems calls it."""
        return f"{self.model} · {self.scores['title']} {self.scores['form']}"

    @property
    def task(self) -> tuple[str, Form]:
        return self.scores["benchmark"], self.scores["form"]


def write_benchmark_report(
    folder: Path, settings: ReportSettings, *, evaluations: Sequence[Evaluation]
) -> dict[str, Any]:
    """report.html, report.md and report.json. Raises ReportError where two evaluations say to be the same thing."""
    every = [_read(one) for one in evaluations]
    _must_differ(every)
    scored = [one for one in every if one.evaluation.run_of is None]
    content = report_content(scored, settings, [one for one in every if one.evaluation.run_of is not None])
    chunks = browser_chunks(scored) if settings.browser else []
    mishaps = [(name, title) for name, title in MISHAPS if any(row.get(name) for row in content["sampling"])]
    plots = {
        "forest": forest(content["rows"]),
        "growth": growth(content["growth"]),
        "breakdowns": [
            (name, bars(name, parts, dict.fromkeys(row["model"] for row in content["rows"])))
            for name, parts in content["breakdowns"].items()
        ],
        "lengths": [
            (name, bars(name, parts, dict.fromkeys(row["model"] for row in content["rows"])))
            for name, parts in length_plots(content["lengths"]).items()
        ],
    }
    _write(
        folder / "report.html",
        _render("benchmark.html", content, settings, plots=plots, chunks=chunks, mishaps=mishaps),
    )
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
        "alarms": content["alarms"],
    }


def _read(evaluation: Evaluation) -> Scored:
    scores = json.loads(evaluation.scores.read_text(encoding="utf-8"))
    if evaluation.conditions is None:
        return Scored(evaluation=evaluation, scores=scores)
    conditions = json.loads(evaluation.conditions.read_text(encoding="utf-8"))
    return Scored(evaluation=evaluation, scores=scores, conditions=conditions | {"grader": grader(GRADES.version)})


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
        benchmark, form = cast("tuple[str, Form]", tuple(key.split("|")))
        found.append(
            Evaluation(
                model=model,
                problems=problems_file(problems[benchmark]),
                completions=completions[name].file(completions_file(benchmark, form)),
                grades=grades_file(grades[name]),
                scores=scores[name].file("scores.json"),
                conditions=next(iter(completions[name].files(conditions_file(benchmark, form))), None),
                run_of=runs.get(model),
                lineage=lineage.get(model, {}),
            )
        )
    return {"evaluations": found}


BENCHMARK_REPORT = Stage(
    name="benchmark_report",
    version="9",
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
    lengths = length_rows(scored, profile)
    return {
        "title": settings.title,
        "baseline": baseline,
        "profile": profile,
        "profiles": list(dict.fromkeys(row["profile"] for row in rows)),
        "titles": {row["benchmark"]: row["title"] for row in rows},
        "rows": rows,
        "tables": [
            _table(cast("Form", form), rows, settings) for form in FORMS if any(row["form"] == form for row in rows)
        ],
        "findings": findings_of(scored, baseline, profile),
        "alarms": score_alarms(scored),
        "conditions": conditions_table(scored),
        "spent": spent_rows(scored, profile),
        "lengths": lengths,
        "length_sentences": length_sentences(lengths),
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
        "not_seen": _not_seen(scored),
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
    sampling = one.scores["sampling"]
    common |= {name: sampling.get(name, 0) / max(1, sampling["completions"]) for name in UNFIT}
    common["conditions"] = row_note(one.conditions)
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
        asked = "; ".join(dict.fromkeys(row["conditions"] for row in found.values() if row["conditions"]))
        line = {"model": model, "note": f"{profile} grader", "published": False, "cells": cells}
        lines.append(line | {"conditions": asked})
    return {"form": form, "title": FORMS[form], "columns": [titles[name] for name in columns], "lines": lines}


def _cell(row: Mapping[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {"accuracy": None}
    kept = {key: row[key] for key in ("accuracy", "interval", "problems", "program_accuracy", "samples", *UNFIT)}
    return {**kept, "part_of": _published_size(row)}


def _published_size(row: Mapping[str, Any]) -> int | None:
    """The size of the published test split, where the evaluation ran another number of problems."""
    known = benchmark(row["benchmark"]).splits.get("test") if row["benchmark"] in names() else None
    return None if known is None or known.rows == row["problems"] else known.rows


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
            "places": [
                {"problem": problem, **place}
                for problem, places in one.scores.get("contaminated_places", {}).items()
                for place in places[:1]
            ],
            "accuracy": figures["accuracy"],
            "interval": figures["interval"],
            "clean": figures["clean"],
        }
    ]


def _not_seen(scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """Benchmark problems in tables that a model was not trained on: nobody's score is taken without them."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in scored:
        for source, count in one.scores["not_seen"].items():
            row = found.setdefault((one.scores["title"], source), {"problems": count, "models": []})
            if count and one.model not in row["models"]:
                row["models"].append(one.model)
    return [{"title": title, "source": source, **row} for (title, source), row in found.items() if row["models"]]


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
        **content,
        percent=_percent,
        forms=FORMS,
        style=style,
        script=script,
        shown_disagreements=SHOWN_DISAGREEMENTS,
        **more,
    )


def _percent(share: float) -> str:
    """A share as people write it; what there is a little of is never 0 %."""
    return f"{100 * share:.0f} %" if share >= 0.005 else "under 1 %"


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")

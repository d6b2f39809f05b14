"""What `mathsieve grade` says of a file: as a table for the terminal, and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evaluators.outputs import Outputs

TEMPLATE = Path(__file__).with_name("grade_report.html")


def table_of(report: Mapping[str, Any], *, rows: int) -> str:
    """The report as text: what is doubtful first, then the figures, then where others judge differently."""
    lines = [*_alarms(report), *_figures(report), *_harness(report, rows)]
    lines += [""] if report["published"] else []
    lines += [f"- {row['sentence']}" for row in report["published"]]
    if report["disagreements"]:
        lines += ["", f"{len(report['disagreements'])} completions are judged differently by the profiles:"]
        lines += [f"  {_disagreement(item)}" for item in report["disagreements"]]
    lines += [line for note in report["notes"] for line in ("", note)]
    return "\n".join(lines)


def page_of(report: Mapping[str, Any], outputs: Outputs) -> str:
    """The report as HTML that needs nothing else; with it, each output that is judged differently."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    texts = {(one.problem_id, one.sample): one.text for one in outputs.completions}
    questions = {problem.id: problem.question for problem in outputs.problems}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(report=report, texts=texts, questions=questions)


def _alarms(report: Mapping[str, Any]) -> Iterator[str]:
    for alarm in report["alarms"]:
        yield f"!! {alarm}"
    if report["alarms"]:
        yield ""


def _figures(report: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{report['title']}, {report['form']}: {report['problems']} problems, {report['samples']} sample(s) each "
        f"({report['format']})"
    )
    yield ""
    yield "| profile | correct | accuracy | 95 % interval | no answer | program accuracy |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for profile, figures in report["profiles"].items():
        programs = figures["program_accuracy"]
        yield (
            f"| {profile} | {figures['correct']} of {figures['n']} | {figures['accuracy']:.2f} | "
            f"{figures['interval'][0]:.2f} to {figures['interval'][1]:.2f} | {figures['outcomes'].get('no_answer', 0)} | "
            f"{'-' if programs is None else f'{programs:.2f}'} |"
        )
    for name, label in (("majority_at", "maj"), ("pass_at", "pass")):
        values, intervals = report[name], report[f"{name}_interval"]
        if values:
            yield ""
            yield ", ".join(
                f"{label}@{k} {value:.2f} ({intervals[k][0]:.2f} to {intervals[k][1]:.2f})"
                for k, value in values.items()
            )


def _harness(report: Mapping[str, Any], rows: int) -> Iterator[str]:
    """The referee's table, and the rows that differ."""
    if not report["harness"]:
        return
    yield ""
    yield f"| the file's own score | judged | it says | we say ({report['profile']}) | rows that differ |"
    yield "| --- | --- | --- | --- | --- |"
    for one in report["harness"]:
        yield (
            f"| {one['score']} | {one['judged']} | {one['harness']:.2f} | {one['ours']:.2f} | {len(one['differences'])} |"
        )
    for one in report["harness"]:
        if not one["differences"]:
            continue
        yield ""
        yield f"{_rows(len(one['differences']))} where {one['score']} and we differ:"
        for row in one["differences"][:rows]:
            yield f"  {difference(row)}"
        if len(one["differences"]) > rows:
            yield f"  ... and {len(one['differences']) - rows} more; --rows N, --html and --json show them"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def difference(row: Mapping[str, Any]) -> str:
    """A completion that is judged differently, in a line."""
    theirs, ours = ("right" if verdict else "wrong" for verdict in (row["harness"] >= 0.5, row["ours"]))
    return (
        f"{row['place']} ({row['problem_id']} sample {row['sample']}): {theirs} there, {ours} here; reference "
        f"{_short(row['reference'])}; {row['why']}"
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else f"{line[:57]}...")


def _disagreement(item: Mapping[str, Any]) -> str:
    verdicts = "; ".join(
        f"{profile}: {verdict['outcome']} ({verdict['prediction']!r}: {verdict['reason']})"
        for profile, verdict in item["verdicts"].items()
    )
    return f"{item['problem_id']} sample {item['sample']}: {verdicts}"

"""The mixture report: what the mixture consists of, what was verified, how well it packs, and examples to read.

<folder>/report.html    one page that opens offline
<folder>/report.md      its figures as Markdown
<folder>/report.json    its figures as JSON
<folder>/README.md      the data card: sources, revisions, licences
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.example_text import VERIFIED, example_text
from pipelines.figures import MixtureFacts, PackedFacts, ProblemFieldsFacts, SourceFacts
from pipelines.reports.mixture_card import Origins, data_card, origin_rows
from pipelines.reports.mixture_left_out import leak_figures, rejected_samples
from pipelines.storage import Artifact, Json, atomic_file

COLUMNS = (
    "source",
    "form",
    "language",
    "field",
    "topic",
    "subject",
    "licence",
    "verification",
    "field_from",
    "topic_from",
)
SHOWN = COLUMNS[:8]
"""Those that the report shows as tables of their own."""
UNKNOWN = {"verification": "not looked at"}
"""What a missing value is called, where that is not `not given`."""
BARS = 24
"""Bars of a histogram."""


class MixtureReportSettings(Settings):
    """How much the report shows."""

    title: str = "The SFT mixture"
    samples: int = Field(default=12, ge=1)
    """Examples to read, of each source in each form and language."""
    subjects: int = Field(default=20, ge=1)
    """Subjects named; the others are counted together. Topics all are."""
    rejected_samples: int = Field(default=3, ge=0)
    """Rejected solutions to read, of each source and reason; and leaks of each rule."""


@dataclass(slots=True)
class _Group:
    """What is counted of one source in one form."""

    examples: int = 0
    verified: int = 0
    characters: int = 0


@dataclass(slots=True)
class _Counts:
    """One pass over the examples."""

    by: dict[str, Counter[str]] = field(default_factory=lambda: {column: Counter() for column in COLUMNS})
    groups: dict[tuple[str, str], _Group] = field(default_factory=lambda: defaultdict(_Group))
    characters: list[int] = field(default_factory=list)
    origins: Origins = field(default_factory=Counter)
    samples: dict[tuple[str, str, str], list[tuple[str, dict[str, Any]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Smallest hashes of ids: the same examples whatever the order of shards."""


def write_mixture_report(
    folder: Path,
    settings: MixtureReportSettings | None = None,
    *,
    mixture: Artifact,
    packed: Artifact,
    sources: Mapping[str, Artifact] | None = None,
    problem_fields: Artifact | None = None,
) -> dict[str, Json]:
    """Reads both tables once. `sources`, where given, add what verification rejected and why."""
    settings = settings or MixtureReportSettings()
    counts = _count(mixture, settings)
    figures = _figures(counts, settings, mixture, packed, sources or {})
    figures["fields"] = _told_fields(counts, problem_fields)
    figures["leaks"] = leak_figures(mixture, settings.rejected_samples)
    samples = [
        sample for _, found in sorted(counts.samples.items()) for _, sample in sorted(found, key=lambda pair: pair[0])
    ]
    samples += rejected_samples(sources or {}, settings.rejected_samples)
    _write(folder / "README.md", data_card(figures, settings.title))
    _write(folder / "report.json", json.dumps(figures, ensure_ascii=False, indent=1))
    _write(folder / "report.md", _markdown(figures, settings.title))
    _write(folder / "report.html", _page(figures, samples, settings.title))
    return {"rows": figures["examples"], "samples": len(samples), "efficiency": figures["packing"]["efficiency"]}


MIXTURE_REPORT = Stage(
    name="mixture_report",
    version="8",
    write=write_mixture_report,
    inputs=("mixture", "packed", "sources/*", "problem_fields?"),
    description="What the mixture is made of, how much of it was verified by execution, and how well it packs.",
    kinds=("html",),
)


def _rows(artifact: Artifact, pattern: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for path in artifact.files(pattern):
        with pq.ParquetFile(path) as table:
            yield from table.iter_batches(batch_size=2048, columns=list(columns))


def _count(mixture: Artifact, settings: MixtureReportSettings) -> _Counts:
    counts = _Counts()
    names = ["id", *COLUMNS, "dataset", "revision", "messages", "reference", "flaws"]
    for batch in _rows(mixture, "examples-*.parquet", names):
        for row in map(_shown, batch.to_pylist()):
            for column in COLUMNS:
                counts.by[column][row[column] or UNKNOWN.get(column, "not given")] += 1
            counts.origins[_origin(row)] += 1
            group = counts.groups[row["source"], row["form"]]
            group.examples += 1
            group.verified += row["verified"]
            group.characters += len(row["response"])
            counts.characters.append(len(row["response"]))
            _keep_sample(counts.samples[row["source"], row["form"], row["language"]], row, settings.samples)
    return counts


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its text in place of its messages."""
    text, verified = example_text(row), row["verification"] in VERIFIED
    told = {"prompt": text.prompt, "response": text.response, "verified": verified, "outcome": "kept"}
    return {**row, "messages": None, **told}


def _origin(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return row["source"], row["dataset"] or "", row["revision"] or "", row["licence"] or ""


def _keep_sample(kept: list[tuple[str, dict[str, Any]]], row: dict[str, Any], limit: int) -> None:
    rank = hashlib.sha256(row["id"].encode()).hexdigest()
    if len(kept) < limit or rank < kept[-1][0]:
        kept.append((rank, row))
        kept.sort(key=lambda pair: pair[0])
        del kept[limit:]


def _figures(
    counts: _Counts,
    settings: MixtureReportSettings,
    mixture: Artifact,
    packed: Artifact,
    sources: Mapping[str, Artifact],
) -> dict[str, Json]:
    total = sum(counts.by["source"].values())
    return {
        "examples": total,
        "verified": sum(group.verified for group in counts.groups.values()),
        "composition": {
            column: _shares(
                counts.by[column], total, len(counts.by["topic"]) if column == "topic" else settings.subjects
            )
            for column in SHOWN
        },
        "groups": [
            {
                "source": source,
                "form": form,
                "examples": group.examples,
                "verified": group.verified,
                "mean_characters": round(group.characters / group.examples, 1),
            }
            for (source, form), group in sorted(counts.groups.items())
        ],
        "characters": _histogram(counts.characters),
        "origins": origin_rows(counts.origins),
        "dropped": _left_out(MixtureFacts.of(mixture).dropped),
        "benchmark_questions": MixtureFacts.of(mixture).benchmark_questions,
        "rejected": {name: _rejected(artifact) for name, artifact in sorted(sources.items())},
        "packing": _packing(packed),
        "content": {"mixture": mixture.content[:16], "packed": packed.content[:16]},
    }


def _shares(counts: Counter[str], total: int, limit: int) -> list[dict[str, Json]]:
    named = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown, rest = named[:limit], named[limit:]
    if rest:
        shown.append((f"{len(rest)} others", sum(count for _, count in rest)))
    return [{"name": name, "examples": count, "share": round(count / max(total, 1), 4)} for name, count in shown]


def _told_fields(counts: _Counts, problem_fields: Artifact | None) -> dict[str, Json]:
    """Who tells fields and topics of the examples, and how often the classifier is right on problems that it did not see."""
    told = {
        what: {name: counts.by[f"{what}_from"][name] for name in ("source", "classifier", "not given")}
        for what in ("field", "topic")
    }
    if problem_fields is None:
        return {"from": told, "confidence": None, "held_out": []}
    facts = ProblemFieldsFacts.of(problem_fields)
    return {"from": told, "confidence": facts.confidence, "held_out": [dict(row) for row in facts.held_out]}


def _rejected(source: Artifact) -> dict[str, Json]:
    facts = SourceFacts.of(source)
    by_count = sorted(facts.rejected.items(), key=lambda item: (-item[1], item[0]))
    return {"kept": facts.rows, "reasons": dict(by_count), "flaws_kept": dict(facts.flaws_kept)}


def _histogram(values: Sequence[int]) -> dict[str, Json]:
    """Equal bars up to the 99th percentile; the last one holds what is beyond it."""
    if not values:
        return {"low": 0, "step": 1, "bars": [], "mean": 0, "median": 0, "longest": 0}
    ordered = sorted(values)
    low, high = ordered[0], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    step = max(1, -(-(high - low + 1) // BARS))
    bars = Counter(min((value - low) // step, BARS - 1) for value in ordered)
    return {
        "low": low,
        "step": step,
        "bars": [bars[index] for index in range(max(bars) + 1)],
        "mean": round(sum(ordered) / len(ordered), 1),
        "median": ordered[len(ordered) // 2],
        "longest": ordered[-1],
    }


def _left_out(dropped: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Without the reasons for which nothing was."""
    counted = {name: {reason: n for reason, n in reasons.items() if n} for name, reasons in dropped.items()}
    return {name: reasons for name, reasons in counted.items() if reasons}


def _packing(packed: Artifact) -> dict[str, Json]:
    """Facts of the packing, with the lengths of examples and rows as they are stored."""
    rows: list[int] = []
    examples: list[int] = []
    trained = 0
    for batch in _rows(packed, "packed-*.parquet", ["seq_lengths", "labels"]):
        rows += pc.list_value_length(batch["labels"]).to_pylist()
        examples += pc.list_flatten(batch["seq_lengths"]).to_pylist()
        trained += pc.sum(pc.not_equal(pc.list_flatten(batch["labels"]), -100)).as_py() or 0
    facts = PackedFacts.of(packed)
    context = facts.context or max(rows, default=1)
    return {
        "rows": len(rows),
        "examples": len(examples),
        "tokens": sum(rows),
        "trained_tokens": trained,
        "context": context,
        "strategy": facts.strategy,
        "attention": facts.attention,
        "efficiency": round(sum(rows) / (len(rows) * context), 5) if rows else 0.0,
        "efficiency_by_strategy": facts.efficiency_by_strategy,
        "too_long": facts.too_long,
        "example_tokens": _histogram(examples),
        "row_tokens": _histogram(rows),
    }


def _markdown(figures: Mapping[str, Any], title: str) -> str:
    packing = figures["packing"]
    lines = [
        f"# {title}",
        "",
        f"{figures['examples']:,} examples, {figures['verified']:,} of them verified; {packing['tokens']:,} tokens in "
        f"{packing['rows']:,} rows of {packing['context']:,}, {packing['efficiency']:.1%} full; loss on "
        f"{packing['trained_tokens']:,} tokens.",
        "",
        "| source | form | examples | verified | mean characters |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for group in figures["groups"]:
        share = group["verified"] / group["examples"]
        lines.append(
            f"| {group['source']} | {group['form']} | {group['examples']:,} | {share:.1%} | {group['mean_characters']:,} |"
        )
    for column in ("language", "field", "topic", "subject", "licence", "verification"):
        lines += ["", f"| {column} | examples | share |", "| --- | ---: | ---: |"]
        lines += [
            f"| {one['name']} | {one['examples']:,} | {one['share']:.1%} |" for one in figures["composition"][column]
        ]
    lines += _classifier_lines(figures["fields"])
    lines += ["", "| left out of | reason | examples |", "| --- | --- | ---: |"]
    for name, reasons in figures["dropped"].items():
        lines += [f"| {name} | {reason} | {count:,} |" for reason, count in reasons.items() if count]
    return "\n".join(lines) + "\n"


def _classifier_lines(fields: Mapping[str, Any]) -> list[str]:
    lines = ["", "| | from the source | from the classifier | not known |", "| --- | ---: | ---: | ---: |"]
    for what, told in fields["from"].items():
        lines.append(f"| {what} | {told['source']:,} | {told['classifier']:,} | {told['not given']:,} |")
    if fields["held_out"]:
        lines += [
            "",
            f"The classifier on problems that it did not see, above a confidence of {fields['confidence']:g}:",
            "",
            "| of | language | class | problems | told | right | 95 % interval |",
            "| --- | --- | --- | ---: | ---: | ---: | --- |",
        ]
    for model in fields["held_out"]:
        for one in ({**model, "name": "all"}, *model["by_class"]):
            share = f"{one['right'] / one['told']:.1%}" if one["told"] else "-"
            lines.append(
                f"| {model['what']} | {model['language']} | {one['name']} | {one['problems']:,} | {one['told']:,} | {share} "
                f"| {one['low']:.1%} to {one['high']:.1%} |"
            )
    return lines


def _page(figures: Mapping[str, Any], samples: Sequence[Mapping[str, Any]], title: str) -> str:
    from jinja2 import Environment, StrictUndefined

    here = files("pipelines.reports")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(here.joinpath("mixture.html").read_text(encoding="utf-8"))
    # `<` would let a text end the script that carries it.
    carried = json.dumps(samples, ensure_ascii=False).replace("<", "\\u003c")
    return template.render(
        title=title,
        figures=figures,
        style=here.joinpath("benchmark.css").read_text(encoding="utf-8"),
        script=here.joinpath("mixture.js").read_text(encoding="utf-8"),
        samples=carried,
        sample_count=len(samples),
    )


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")

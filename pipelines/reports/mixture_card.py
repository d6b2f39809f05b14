"""The data card of the mixture, as the hub reads it: what it holds, from where, under which licences and at which revisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

Origins = Counter[tuple[str, str, str, str]]
"""(source, dataset, revision, licence) -> examples; what is not known is empty."""


def origin_rows(origins: Origins) -> list[dict[str, Any]]:
    """One row for each source, dataset, revision and licence."""
    names = ("source", "dataset", "revision", "licence")
    return [{**dict(zip(names, key, strict=True)), "examples": count} for key, count in sorted(origins.items())]


def data_card(figures: Mapping[str, Any], title: str) -> str:
    """Markdown with the front matter of a dataset on the hub."""
    rows = figures["origins"]
    licences = sorted({row["licence"] for row in rows if row["licence"]})
    languages = sorted(one["name"] for one in figures["composition"]["language"])
    lines = [
        "---",
        f"license: {'other' if len(licences) != 1 else licences[0].lower()}",
        "language:",
        *(f"- {name}" for name in languages),
        "configs:",
        "- config_name: default",
        "  data_files: examples-*.parquet",
        "---",
        f"# {title}",
        "",
        f"{figures['examples']:,} examples as messages, {figures['verified']:,} of them verified. `messages` is what a model is trained on, "
        "with tool calls and their outputs; the other columns say what it is about and where it comes from.",
        "",
        "| source | dataset | revision | licence | examples |",
        "| --- | --- | --- | --- | ---: |",
    ]
    for row in rows:
        known = [row[name] or "not given" for name in ("dataset", "revision", "licence")]
        lines.append(f"| {row['source']} | {' | '.join(known)} | {row['examples']:,} |")
    if len(licences) > 1:
        lines += ["", f"Each example is under the licence of its source: {', '.join(licences)}."]
    return "\n".join(lines) + "\n"

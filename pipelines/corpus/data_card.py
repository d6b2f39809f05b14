"""The data card of an exported corpus: front matter that `datasets.load_dataset` reads, figures and plots."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.storage import Json, atomic_file

SAMPLES = 200_000
"""Lengths and scores kept for the plots."""
TOP = 20
EXAMPLES = 5
"""Pages named for each tier, each of another domain."""
TIER_NAMES = {0: "L0: no mathematics", 1: "L1: mathematics", 2: "L2: good", 3: "L3: best"}


@dataclass(slots=True)
class CorpusFigures:
    """What the data card says of the exported documents, gathered while they pass."""

    rows: int = 0
    tokens: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)
    iterations: Counter[str] = field(default_factory=Counter)
    lengths: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    pages_by_tier: Counter[int] = field(default_factory=Counter)
    tokens_by_tier: Counter[int] = field(default_factory=Counter)
    examples: dict[int, list[str]] = field(default_factory=dict)

    def add(self, document: Mapping[str, Json]) -> None:
        self.rows += 1
        self.tokens += document["tokens"] or 0
        self.languages[document["language"] or "?"] += 1
        self.domains[document["domain"] or "?"] += 1
        self.iterations[str(document["iteration"] if document["iteration"] is not None else "?")] += 1
        if document.get("tier") is not None:
            self._add_tier(document["tier"], document)
        if len(self.lengths) < SAMPLES:
            self.lengths.append(document["tokens"] or 0)
        if document["score"] is not None and len(self.scores) < SAMPLES:
            self.scores.append(document["score"])

    def _add_tier(self, tier: int, document: Mapping[str, Json]) -> None:
        self.pages_by_tier[tier] += 1
        self.tokens_by_tier[tier] += document["tokens"] or 0
        shown = self.examples.setdefault(tier, [])
        if len(shown) < EXAMPLES and all(document["domain"] not in line for line in shown):
            shown.append(f"{document['url'] or document['url_key']} ({document['teaching']:.1f})")


def write_data_card(
    folder: Path, figures: CorpusFigures, *, title: str, licence: str, dropped: Mapping[str, int]
) -> None:
    """README.md and its plots."""
    _write_plots(folder, figures)
    languages = sorted(name for name in figures.languages if len(name) == 2)
    front = ["---", f"pretty_name: {title}", f"license: {licence}", "task_categories:", "- text-generation"]
    front += ["language:", *(f"- {name}" for name in languages)] if languages else []
    front += ["tags:", "- mathematics", f"size_categories:\n- {_size_category(figures.rows)}"]
    front += [
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        "    path: data/*.parquet",
        "---",
    ]
    median = int(statistics.median(figures.lengths)) if figures.lengths else 0
    body = f"""
# {title}

{figures.rows:,} pages, about {figures.tokens:,} tokens (estimated), from {len(figures.domains):,} domains; the median page has
{median:,} tokens. Made by the loop of DeepSeekMath (arXiv 2402.03300, §2.1): classify, recall, discover domains, annotate,
re-seed, until hardly anything new is found; then exact extraction, near-deduplication and decontamination.

```python
from datasets import load_dataset

corpus = load_dataset("path/to/this/folder", split="train")
```

## Columns

| column | what |
| --- | --- |
| text | the page, formulas as LaTeX |
| url, url_key, title, domain, language | the page's own; `url_key` is the canonical form of its URL |
| score | log-odds of `math` by the last classifier; null where only a URL prefix vouches for the page |
| mathematics, teaching, tier | the page's own worth: log-odds that it is mathematics, what it teaches (0 to 5), 1 to 3 |
| tokens | estimated |
| iteration | that collected the page first |
| snapshot, warc_file, warc_offset, digest | where its bytes lie in the crawl |
| cluster, cluster_size | its cluster of near-duplicates, of which this is the only copy here |

## Tiers

{_tiers(figures)}

## What was dropped

{_table(("reason", "pages"), dropped)}

`ledger/` holds one row for each page that was dropped, with the reason; no page of the corpus holds a 10-gram of a benchmark's
question, answer or solution, nor a shorter one whole.

## Languages, domains, length, score

{_table(("language", "pages"), dict(figures.languages.most_common(TOP)))}

{_table(("domain", "pages"), dict(sorted(figures.domains.items(), key=lambda item: (-item[1], item[0]))[:TOP]))}

![Languages](languages.png) ![Domains](domains.png) ![Tokens in a page](length.png) ![Score](score.png)

## Rights

The pages belong to their authors; this corpus keeps each one's URL so that they can be named, asked and left out.
"""
    with atomic_file(folder / "README.md") as temporary:
        temporary.write_text("\n".join(front) + "\n" + body, encoding="utf-8")


def _write_plots(folder: Path, figures: CorpusFigures) -> None:
    top = sorted(figures.domains.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    _bars(folder / "languages.png", dict(figures.languages.most_common(TOP)), "pages")
    _bars(folder / "domains.png", dict(top), "pages")
    _histogram(folder / "length.png", [length for length in figures.lengths if length], "tokens in a page", log=True)
    _histogram(folder / "score.png", figures.scores, "score (log-odds)", log=False)


def _figure() -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _bars(path: Path, counts: Mapping[str, int], label: str) -> None:
    figure, axes = _figure()
    names = list(counts)[::-1]
    axes.barh(range(len(names)), [counts[name] for name in names], color="#3b6ea5")
    axes.set_yticks(range(len(names)), [name.encode("ascii", "replace").decode() for name in names], fontsize=7)
    axes.set_xlabel(label)
    _save(figure, path)


def _histogram(path: Path, values: list[Any], label: str, *, log: bool) -> None:
    import numpy as np

    figure, axes = _figure()
    if values:
        low, high = max(min(values), 1) if log else min(values), max(values)
        bins = np.geomspace(low, max(high, 2 * low), 41) if log else np.linspace(low, max(high, low + 1), 41)
        axes.hist(values, bins=bins, color="#3b6ea5")
        axes.set_xscale("log" if log else "linear")
    axes.set_xlabel(label)
    axes.set_ylabel("pages")
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})  # a version would change the bytes


def _table(head: tuple[str, str], rows: Mapping[str, int]) -> str:
    lines = [
        f"| {head[0]} | {head[1]} |",
        "| --- | --- |",
        *(f"| {name} | {count:,} |" for name, count in rows.items()),
    ]
    return "\n".join(lines if rows else [*lines, "| none | 0 |"])


def _tiers(figures: CorpusFigures) -> str:
    lines = ["| tier | pages | tokens | pages of it (what they teach, 0 to 5) |", "| --- | --- | --- | --- |"]
    for tier, pages in sorted(figures.pages_by_tier.items()):
        shown = "; ".join(line.replace("|", "%7C") for line in figures.examples[tier])
        lines.append(f"| {TIER_NAMES[tier]} | {pages:,} | {figures.tokens_by_tier[tier]:,} | {shown} |")
    return "\n".join(lines if figures.pages_by_tier else [*lines, "| not judged | 0 | 0 | |"])


def _size_category(rows: int) -> str:
    steps = [
        (1_000, "n<1K"),
        (10_000, "1K<n<10K"),
        (100_000, "10K<n<100K"),
        (1_000_000, "100K<n<1M"),
        (10_000_000, "1M<n<10M"),
    ]
    return next((name for limit, name in steps if rows < limit), "10M<n<100M")

"""The corpus report: how the corpus grew, what it is made of, and which URL prefixes wait for a person.

One HTML page that opens offline, beside growth.png and quality.png; everything in it is read from stored artifacts.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.storage import Artifact, Json, atomic_file

PLOTS = ("languages.png", "domains.png", "length.png", "score.png")
WAITING = 200
"""Prefixes listed; `mathsieve annotate` shows them all."""


def write_corpus_report(
    folder: Path,
    *,
    seed: Artifact,
    iterations: Mapping[int, Mapping[str, Artifact]],
    math_corpus: Artifact,
    proxy_models: Artifact | None = None,
) -> dict[str, Json]:
    """Fill `folder` with report.html and its plots. Each iteration brings classifier, domains, annotations, corpus."""
    rows = [_iteration(number, iterations[number]) for number in sorted(iterations)]
    done = [row for row in rows if not row["passed_on"]]
    waiting = _waiting(iterations)
    _growth_plot(folder / "growth.png", seed.facts, done)
    _quality_plot(folder / "quality.png", iterations)
    page = _template().render(
        style=Path(__file__).with_name("benchmark.css").read_text(encoding="utf-8"),
        seed=seed.facts,
        iterations=rows,
        waiting=waiting[:WAITING],
        waiting_count=len(waiting),
        decisions=_decisions(iterations),
        corpus=math_corpus.facts,
        dropped={k.removeprefix("dropped_"): v for k, v in math_corpus.facts.items() if k.startswith("dropped_")},
        telling=_telling(iterations),
        proxies=[] if proxy_models is None else proxy_models.facts["compared"],
        plots={name: _embedded(folder / name) for name in ("growth.png", "quality.png")}
        | {name: _embedded(math_corpus.path / name) for name in PLOTS if (math_corpus.path / name).exists()},
    )
    with atomic_file(folder / "report.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    last = done[-1] if done else {"pages": seed.facts.get("rows", 0), "overlap": None, "converged": False}
    return {
        "iterations": len(done),
        "pages": last["pages"],
        "overlap": last["overlap"],
        "converged": last["converged"],
        "waiting": len(waiting),
    }


def _iteration(number: int, parts: Mapping[str, Artifact]) -> dict[str, Json]:
    facts = parts["corpus"].facts
    return {
        "number": number,
        "passed_on": facts.get("iteration") != number,  # it had converged before: nothing was done
        "pages": facts.get("rows", 0),
        "tokens": facts.get("tokens", 0),
        "new_pages": facts.get("new_pages", 0),
        "new_tokens": facts.get("new_tokens", 0),
        "overlap": facts.get("overlap"),
        "converged": bool(facts.get("converged")),
        "languages": facts.get("languages", {}),
        "gained": facts.get("domains_gained", {}),
        "grown": facts.get("domains_grown", {}),
        "lost": facts.get("domains_lost", {}),
        "quality": facts.get("classifier", {}),
        "candidates": parts["domains"].facts.get("candidates", 0),
        "prefixes": parts["domains"].facts.get("prefixes", 0),
    }


def _lines(artifact: Artifact, name: str) -> list[dict[str, Json]]:
    path = artifact.path / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _waiting(iterations: Mapping[int, Mapping[str, Artifact]]) -> list[dict[str, Json]]:
    """What waits for a person after the last iteration that asked, the largest prefixes first."""
    for number in sorted(iterations, reverse=True):
        annotations = iterations[number]["annotations"]
        if not annotations.facts.get("converged"):
            found = _lines(annotations, "waiting.jsonl")
            return sorted(found, key=lambda row: (-row["collected"], row["prefix"]))
    return []


def _decisions(iterations: Mapping[int, Mapping[str, Artifact]]) -> list[dict[str, Json]]:
    """The decisions of all iterations, the last one on each prefix."""
    found: dict[str, dict[str, Json]] = {}
    for number in sorted(iterations):
        for row in _lines(iterations[number]["annotations"], "decisions.jsonl"):
            if row["verdict"] != "undecided":
                found[row["prefix"]] = row | {"iteration": number}
    return [found[prefix] for prefix in sorted(found)]


def _classifier_report(parts: Mapping[str, Artifact]) -> dict[str, Json]:
    path = parts["classifier"].path / "report.json"
    report: dict[str, Json] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return report


def _telling(iterations: Mapping[int, Mapping[str, Artifact]]) -> dict[str, list[Json]]:
    reports = [report for n in sorted(iterations) if (report := _classifier_report(iterations[n]))]
    return dict(reports[-1].get("telling", {})) if reports else {}


def _growth_plot(path: Path, seed: Mapping[str, Json], rows: list[dict[str, Json]]) -> None:
    figure, axes = _figure()
    numbers = [0, *(row["number"] for row in rows)]
    axes.plot(numbers, [seed.get("rows", 0), *(row["pages"] for row in rows)], "o-", color="#3b6ea5", label="pages")
    axes.set_xticks(numbers)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("iteration")
    axes.set_ylabel("pages collected")
    overlap = axes.twinx()
    overlap.plot(numbers[1:], [100 * (row["overlap"] or 0) for row in rows], "s--", color="#c2703d", label="overlap")
    overlap.set_ylim(0, 100)
    overlap.set_ylabel("found that was known before, %")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    _save(figure, path)


def _quality_plot(path: Path, iterations: Mapping[int, Mapping[str, Artifact]]) -> None:
    figure, axes = _figure()
    for number in sorted(iterations):
        curve = _classifier_report(iterations[number]).get("precision_recall", [])
        if curve:
            xs, ys = [point["recall"] for point in curve], [point["precision"] for point in curve]
            axes.plot(xs, ys, label=f"iteration {number}")
    axes.set_xlabel("recall, held out")
    axes.set_ylabel("precision at even odds, held out")
    axes.set_xlim(0, 1.02)
    if axes.lines:
        axes.legend(frameon=False, loc="lower left")
    _save(figure, path)


def _figure() -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _save(figure: Any, path: Path) -> None:
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})  # a version would change the bytes


def _embedded(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pipelines.reports", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["percent"] = lambda share: "–" if share is None else f"{100 * share:.1f} %"
    return environment.get_template("corpus.html")

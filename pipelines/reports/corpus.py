"""The corpus report: how the corpus grew, what it is made of, and which URL prefixes wait for a person.

One HTML page that opens offline, beside its own plots; everything in it is read from stored artifacts.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.stages import Stage
from pipelines.figures import CorpusFacts, DomainFacts, ExportFacts, LoopFacts, PrecisionFacts, ProxyFacts
from pipelines.storage import Artifact, Json, atomic_file

OF_CORPUS = ("languages.png", "domains.png", "length.png", "score.png")
OWN = ("growth.png", "precision_recall.png", "calibration.png")
WAITING = 200
"""Prefixes listed; `mathsieve annotate` shows them all."""


def write_corpus_report(
    folder: Path,
    *,
    seed: Artifact,
    iterations: Mapping[int, Mapping[str, Artifact]],
    math_corpus: Artifact,
    proxy_models: Artifact | None = None,
    page_precision: Artifact | None = None,
    label_sample: Artifact | None = None,
) -> dict[str, Json]:
    """Fill `folder` with report.html and its plots. Each iteration brings classifier, domains, annotations, corpus."""
    rows = [_iteration(number, iterations[number]) for number in sorted(iterations)]
    done = [row for row in rows if not row["passed_on"]]
    waiting = _waiting(iterations)
    reports = _classifier_reports(iterations)
    _growth_plot(folder / "growth.png", seed.facts, done)
    _precision_recall_plot(folder / "precision_recall.png", reports)
    _calibration_plot(folder / "calibration.png", reports)
    page = _template().render(
        style=Path(__file__).with_name("benchmark.css").read_text(encoding="utf-8"),
        seed=seed.facts,
        iterations=rows,
        waiting=waiting[:WAITING],
        waiting_count=len(waiting),
        decisions=_decisions(iterations),
        corpus=math_corpus.facts,
        dropped={k.removeprefix("dropped_"): v for k, v in math_corpus.facts.items() if k.startswith("dropped_")},
        classifiers=reports,
        telling=reports[max(reports)]["telling"] if reports else {},
        tiers=_tiers(ExportFacts.of(math_corpus)),
        precision=None if page_precision is None else PrecisionFacts.of(page_precision),
        sample=[] if label_sample is None else _lines(label_sample, "sample.jsonl"),
        labelling=Path(__file__).with_name("labelling.js").read_text(encoding="utf-8"),
        proxies=[] if proxy_models is None else ProxyFacts.of(proxy_models).compared,
        plots={name: _embedded(folder / name) for name in OWN}
        | {name: _embedded(math_corpus.file(name)) for name in OF_CORPUS if name in math_corpus.names("*")},
    )
    with atomic_file(folder / "report.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    last = done[-1] if done else {"pages": CorpusFacts.of(seed).rows, "overlap": None, "converged": False}
    return {
        "iterations": len(done),
        "pages": last["pages"],
        "overlap": last["overlap"],
        "converged": last["converged"],
        "waiting": len(waiting),
    }


TIER_NAMES = {"0": "L0: no mathematics", "1": "L1: mathematics", "2": "L2: good", "3": "L3: best"}


def _tiers(facts: ExportFacts) -> list[dict[str, Json]]:
    return [
        {
            "name": TIER_NAMES[tier],
            "pages": pages,
            "tokens": facts.tokens_by_tier.get(tier, 0),
            "examples": list(facts.examples.get(tier, ())),
        }
        for tier, pages in sorted(facts.tiers.items())
    ]


OF_AN_ITERATION = ("classifier", "domains", "annotations", "corpus")
"""What the report reads of each."""


def _by_iteration(settings: None, *, iterations: Mapping[str, Artifact], **others: Any) -> dict[str, Any]:
    """`iterations` are named `1/classifier`."""
    numbers = sorted({int(name.partition("/")[0]) for name in iterations})
    parts = {number: {part: iterations[f"{number}/{part}"] for part in OF_AN_ITERATION} for number in numbers}
    return {"iterations": parts, **others}


CORPUS_REPORT = Stage(
    name="corpus_report",
    version="7",
    write=write_corpus_report,
    arguments=_by_iteration,
    inputs=("seed", "iterations/*", "math_corpus", "proxy_models?", "page_precision?", "label_sample?"),
    description="How the corpus grew over the iterations, what it is made of, and which URL prefixes wait for a person.",
    kinds=("html",),
)


def _iteration(number: int, parts: Mapping[str, Artifact]) -> dict[str, Json]:
    facts, domains = CorpusFacts.of(parts["corpus"]), DomainFacts.of(parts["domains"])
    return {
        "number": number,
        "passed_on": facts.iteration != number,  # it had converged before: nothing was done
        "pages": facts.rows,
        "tokens": facts.tokens,
        "new_pages": facts.new_pages,
        "new_tokens": facts.new_tokens,
        "overlap": facts.overlap,
        "converged": facts.converged,
        "languages": facts.languages,
        "gained": facts.domains_gained,
        "grown": facts.domains_grown,
        "lost": facts.domains_lost,
        "quality": facts.classifier,
        "candidates": domains.candidates,
        "prefixes": domains.prefixes,
    }


def _lines(artifact: Artifact, name: str) -> list[dict[str, Json]]:
    if name not in artifact.names("*"):
        return []
    return [json.loads(line) for line in artifact.file(name).read_text(encoding="utf-8").splitlines()]


def _waiting(iterations: Mapping[int, Mapping[str, Artifact]]) -> list[dict[str, Json]]:
    """What waits for a person after the last iteration that asked, the largest prefixes first."""
    for number in sorted(iterations, reverse=True):
        annotations = iterations[number]["annotations"]
        if not LoopFacts.of(annotations).converged:
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


def _classifier_reports(iterations: Mapping[int, Mapping[str, Artifact]]) -> dict[int, dict[str, Json]]:
    """What each iteration's classifier says of itself; those after convergence trained none."""
    made = {number: iterations[number]["classifier"] for number in sorted(iterations)}
    with_report = {number: one.file("report.json") for number, one in made.items() if "report.json" in one.names("*")}
    return {number: json.loads(path.read_text(encoding="utf-8")) for number, path in with_report.items()}


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


def _precision_recall_plot(path: Path, reports: Mapping[int, Mapping[str, Json]]) -> None:
    figure, axes = _figure()
    for number, report in reports.items():
        xs, ys = zip(*((point["recall"], point["precision"]) for point in report["precision_recall"]), strict=True)
        axes.plot(xs, ys, ".-", label=f"iteration {number}")
    axes.set_xlabel("recall, held out")
    axes.set_ylabel("precision at even odds, held out")
    _frame(axes, "lower left")
    axes.set_ylim(0.48, 1.02)  # at even odds a guess is right half of the time
    _save(figure, path)


def _calibration_plot(path: Path, reports: Mapping[int, Mapping[str, Json]]) -> None:
    """Predicted against observed; a point's area is the share of the pages in its bin, since few pages wander far."""
    figure, axes = _figure()
    axes.plot([0, 1], [0, 1], "--", color="#999999", label="calibrated")
    for number, report in reports.items():
        bins = report["calibration"]
        xs, ys = [point["predicted"] for point in bins], [point["observed"] for point in bins]
        axes.scatter(xs, ys, [8 + 250 * point["weight"] for point in bins], alpha=0.6, label=f"iteration {number}")
    axes.set_xlabel("predicted probability of math")
    axes.set_ylabel("observed share, held out")
    _frame(axes, "upper left")
    axes.set_ylim(-0.05, 1.05)
    _save(figure, path)


def _frame(axes: Any, legend: str) -> None:
    axes.set_xlim(-0.05, 1.05)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(frameon=False, fontsize=8, loc=legend)


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

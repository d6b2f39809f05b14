"""The recall pass, from WARC bytes to scored pages: this project in both routes, beside datatrove's stock recipe.

One fastText model (dim 256, word 3-grams; REFERENCE: DeepSeekMath §2.1) for all, trained on three of realweb's four
WARC files; precision and recall against the labels of the fourth, which it has not seen, say what it is worth, and its
pages labelled math that the stock recipe finds are those that have to be found again. Ours reads the files repeated to
20,000 pages and more; the peer the unseen file once. Rates are CPU time, children included, imports and loading left
out. The stock recipe's reader takes some pages for no HTML and drops them at once: `same WARC` divides the time for the
same file, `times stock` the time for each page that it did read. The last rows are wall time with one and two workers.

    MATHSIEVE_REAL_DATA=... python -m bench.recall_pass
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPEATED = 8  # times 2,662 pages
SEEN_PAGES = 700  # of the peer: all of the unseen file, which has 666
# 25 epochs at rate 1.0 for these 2,000 pages, where the paper takes 3 at 0.1 for a million: with those nothing is
# learned from so few, and every page is math.
MODEL = {
    "dim": 256,
    "lr": 1.0,
    "wordNgrams": 3,
    "minCount": 3,
    "epoch": 25,
    "thread": 1,
    "bucket": 200_000,
    "verbose": 0,
}


def main() -> int:
    root = os.environ.get("MATHSIEVE_REAL_DATA")
    if root is None:
        print("skipped: set MATHSIEVE_REAL_DATA to the folder that holds realweb/*.warc.gz and realweb/labels.csv")
        return 0
    missing = [
        name
        for name in ("trafilatura", "cchardet", "magic", "lxml_html_clean", "fasteners", "warcio")
        if not importlib.util.find_spec(name)
    ]
    if missing:
        print(f"datatrove's stock recipe is skipped: not installed: {', '.join(missing)}\n")
    with tempfile.TemporaryDirectory(prefix="recall-pass-") as folder:
        work = Path(folder)
        labels = topics_of(Path(root, "realweb", "labels.csv"))
        warcs = _warcs(root, "realweb")
        _prepare(warcs, labels, work)
        for name in ("realweb", "messyweb"):
            files = _warcs(root, name)
            stock = None if missing else _part("stock", work, files[0])
            rows = [(route, _part(route, work, *files)) for route in ("all", "routed")]
            seen = {route: _part(f"seen-{route}", work, files[0]) for route in ("all", "routed")}
            _table(name, stock, rows, seen, labels)
        _scaling(work, warcs)
    return 0


def _warcs(root: str, name: str) -> list[str]:
    return sorted(str(path) for path in Path(root, name).glob("*.warc.gz"))


def topics_of(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8") as handle:
        return {row["url"]: row["topic"] for row in csv.DictReader(handle)}


def _prepare(warcs: list[str], topics: dict[str, str], work: Path) -> None:
    """The classifier, and routing's table of words, from the pages of all files but the first."""
    from pipelines.crawl.evidence_training import write_evidence

    texts = train_classifier(warcs[1:], topics, work / "model.bin")
    write_evidence(work / "evidence.tsv", texts["math"], texts["other"])


def train_classifier(warcs: list[str], topics: dict[str, str], model: Path) -> dict[str, list[str]]:
    """Trains on all pages of some files; gives their cheap texts by topic."""
    import fasttext

    from pipelines.corpus.normalisation import line
    from pipelines.crawl.decoding import decode_html
    from pipelines.crawl.text import cheap_text
    from pipelines.crawl.warc import Capture, read_warc

    texts: dict[str, list[str]] = {"math": [], "other": []}
    for warc in warcs:
        for fate in read_warc(warc):
            if isinstance(fate, Capture) and topics.get(fate.url) in texts:
                html = decode_html(fate.body, fate.content_type)[0].encode("utf-8", "replace")
                texts[topics[fate.url]].append(cheap_text(html)[1])
    lines = [f"__label__{topic} {line(text)}" for topic, found in texts.items() for text in found]
    training = model.with_name("train.txt")
    training.write_text("\n".join(sorted(lines, key=hash_of)) + "\n", encoding="utf-8")
    fasttext.train_supervised(str(training), **MODEL).save_model(str(model))
    return texts


def hash_of(text: str) -> str:
    """An order that mixes the classes and is the same in every run."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def _part(name: str, work: Path, *warcs: str) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "bench.recall_pass", name, str(work), *warcs]
    # The stock recipe copies the model into this cache, which would outlive the run.
    environment = os.environ | {"HF_ASSETS_CACHE": str(work / "assets")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(name: str, work: Path, warcs: list[str]) -> dict[str, Any]:
    if name == "stock":
        return _stock(work, warcs[0])
    if name.startswith("workers"):
        return _ours(work, "routed", warcs * (REPEATED // 2), int(name.removeprefix("workers")))
    return _ours(work, name.removeprefix("seen-"), warcs * (1 if name.startswith("seen-") else REPEATED), 1)


def _stock(work: Path, warc: str) -> dict[str, Any]:
    """datatrove's own steps, as its examples put them together."""
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import FastTextClassifierFilter
    from datatrove.pipeline.readers import WarcReader

    from pipelines.corpus.normalisation import line

    # It asks for one distribution of fastText by name; the one installed here is another build of the same code.
    FastTextClassifierFilter._requires_dependencies = ["fasteners"]
    path = Path(warc)
    reader = WarcReader(str(path.parent), glob_pattern=path.name, limit=SEEN_PAGES)
    keeper = FastTextClassifierFilter(str(work / "model.bin"), keep_labels=[("math", 0.5)])
    _ = keeper.model
    pages = 0

    def counted(documents: Any) -> Iterator[Any]:
        nonlocal pages
        for document in documents:
            pages += 1
            yield document

    def normalised(documents: Any) -> Iterator[Any]:
        for document in documents:
            document.text = line(document.text)
            yield document

    started, clock = _cpu(), time.perf_counter()
    documents = Trafilatura(favour_precision=True).run(counted(reader.run()))
    found = [document.metadata["url"] for document in keeper.run(normalised(documents))]
    return {"pages": pages, "cpu": _cpu() - started, "wall": time.perf_counter() - clock, "found": found}


def _ours(work: Path, route: str, warcs: list[str], workers: int) -> dict[str, Any]:
    from datatrove.executor import LocalPipelineExecutor

    from bench._scoring_step import ScoreShards, StartTogether, peak_memory, wall_time, warm_up
    from pipelines.crawl.datatrove_step import WarcsToPages
    from pipelines.crawl.settings import CrawlSettings

    settings = CrawlSettings(
        files={"bench": tuple(warcs)}, route=route, evidence=work / "evidence.tsv", shortest_text=0
    )
    with tempfile.TemporaryDirectory(dir=work) as folder:
        jobs = [(warc, Path(folder) / f"raw-{number:05d}.parquet") for number, warc in enumerate(warcs)]
        scorer = ScoreShards(work / "model.bin")
        if workers == 1:
            warm_up(work / "evidence.tsv", scorer)
        started = _cpu()
        LocalPipelineExecutor(
            pipeline=[
                StartTogether(Path(folder), work / "evidence.tsv", scorer),
                WarcsToPages(jobs, settings, "bench", quiet=True),
                scorer,
            ],
            tasks=workers,
            workers=workers,
            logging_dir=str(Path(folder) / "logs"),
        ).run()
        cpu, wall, peak = _cpu() - started, wall_time(Path(folder)), peak_memory(Path(folder))
        facts = [json.loads(path.read_text()) for path in sorted(Path(folder).glob("raw-*.json"))]
    return {
        "pages": sum(fact["pages"] for fact in facts),
        "kept": sum(fact["kept"] for fact in facts),
        "cpu": cpu,
        "wall": wall,
        "peak": peak / 1024,
        "found": sorted({url for fact in facts for url in fact["found"]}) if len(warcs) == 1 else [],
        "urls": sorted({url for fact in facts for url in fact["urls"]}) if len(warcs) == 1 else [],
    }


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _table(
    name: str, stock: dict[str, Any] | None, rows: list[tuple[str, Any]], seen: dict[str, Any], labels: dict[str, str]
) -> None:
    print(
        f"| {name} | pages | kept whole | ms/page | pages/s/core | times stock | same WARC | stock's math found again |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    found = {"stock": set(stock["found"])} if stock else {}
    found |= {route: set(ours["found"]) for route, ours in seen.items()}
    if stock:
        cost = 1000 * stock["cpu"] / stock["pages"]
        print(f"| datatrove stock | {stock['pages']:,} | all | {cost:.1f} | {1000 / cost:.1f} | 1.0 | 1.0 | - |")
    for route, ours in rows:
        cost = 1000 * ours["cpu"] / ours["pages"]
        times = (
            [1000 * stock["cpu"] / stock["pages"] / cost, 1000 * stock["cpu"] / seen[route]["pages"] / cost]
            if stock
            else []
        )
        print(
            f"| mathsieve, {route} | {ours['pages']:,} | {ours['kept'] / ours['pages']:.0%} | {cost:.2f} | {1000 / cost:,.0f} | "
            f"{' | '.join(f'{value:.1f}' for value in times) or '- | -'} | {_again(found, route, labels)} |"
        )
    for route, urls in found.items():
        print(_quality(route, urls, seen["all"]["urls"], labels))
    print(flush=True)


def _again(found: dict[str, set[str]], route: str, labels: dict[str, str]) -> str:
    math = {url for url in found.get("stock", ()) if labels.get(url) == "math"}
    return f"{len(math & found[route])} of {len(math)}" if math else "-"


def _quality(route: str, urls: set[str], pages: list[str], labels: dict[str, str]) -> str:
    """Against the labels, where there are any: what "math page" is worth."""
    math = {url for url in pages if labels.get(url) == "math"}
    if not math:
        return f"{route}: {len(urls)} pages of the first file taken for mathematics"
    right = len(urls & math)
    return f"{route}: precision {right / max(1, len(urls)):.1%}, recall {right / len(math):.1%} of the {len(math)} pages labelled math"


def _scaling(work: Path, warcs: list[str]) -> None:
    print("| routed, wall time, median of 3 | pages/s | peak memory of a process, MiB |\n| --- | --- | --- |")
    runs = [(workers, _part(f"workers{workers}", work, *warcs)) for _ in range(3) for workers in (1, 2)]
    for workers in (1, 2):
        ours = [run for count, run in runs if count == workers]
        rate = statistics.median(run["pages"] / run["wall"] for run in ours)
        peak = max(run["peak"] for run in ours)
        print(f"| {workers} worker{'s' if workers > 1 else ''} | {rate:,.0f} | {peak:,.0f} |")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_measured(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])))
        sys.exit(0)
    sys.exit(main())

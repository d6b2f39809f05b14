"""The recall pass, from WARC bytes to scored pages: this project in both routes, beside datatrove's stock recipe.

One fastText model (dim 256, word 3-grams; REFERENCE: DeepSeekMath §2.1) for all, trained on three of four WARC files;
the fourth, which it has not seen, decides how many of the stock recipe's math pages are found again. Ours reads the
files repeated to 20,000 pages and more; the peer, 50 times slower, the unseen file once. Rates are pages per CPU
second, children included, imports and loading left out; the last rows are wall time with one and two workers.

    MATHSIEVE_REAL_DATA=... python -m bench.recall_pass
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import resource
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
    warcs = sorted(str(path) for path in Path(root, "realweb").glob("*.warc.gz"))
    missing = [
        name
        for name in ("trafilatura", "cchardet", "magic", "lxml_html_clean", "fasteners")
        if not importlib.util.find_spec(name)
    ]
    with tempfile.TemporaryDirectory(prefix="recall-pass-") as folder:
        work = Path(folder)
        _prepare(warcs, Path(root, "realweb", "labels.csv"), work)
        stock = None
        if missing:
            print(f"datatrove's stock recipe is skipped: not installed: {', '.join(missing)}\n")
        else:
            stock = _part("stock", work, warcs[0])
        rows = [(name, _part(name, work, *warcs)) for name in ("all", "routed")]
        seen = {name: _part(f"seen-{name}", work, warcs[0]) for name in ("all", "routed")}
        _table(stock, rows, seen)
        _scaling(work, warcs)
    return 0


def _prepare(warcs: list[str], labels: Path, work: Path) -> None:
    """The classifier, and routing's table of words, from the pages of all files but the first."""
    import fasttext

    from pipelines.corpus.normalisation import line
    from pipelines.crawl.decoding import decode_html
    from pipelines.crawl.evidence_training import write_evidence
    from pipelines.crawl.text import cheap_text
    from pipelines.crawl.warc import Capture, read_warc

    with labels.open(encoding="utf-8") as handle:
        topics = {row["url"]: row["topic"] for row in csv.DictReader(handle)}
    texts: dict[str, list[str]] = {"math": [], "other": []}
    for warc in warcs[1:]:
        for fate in read_warc(warc):
            if isinstance(fate, Capture) and topics.get(fate.url) in texts:
                html = decode_html(fate.body, fate.content_type)[0].encode("utf-8", "replace")
                texts[topics[fate.url]].append(cheap_text(html)[1])
    lines = [f"__label__{topic} {line(text)}" for topic, found in texts.items() for text in found]
    (work / "train.txt").write_text("\n".join(sorted(lines, key=hash_of)) + "\n", encoding="utf-8")
    fasttext.train_supervised(str(work / "train.txt"), **MODEL).save_model(str(work / "model.bin"))
    write_evidence(work / "evidence.tsv", texts["math"], texts["other"])


def hash_of(text: str) -> str:
    """An order that mixes the classes and is the same in every run."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def _part(name: str, work: Path, *warcs: str) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "bench.recall_pass", name, str(work), *warcs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(name: str, work: Path, warcs: list[str]) -> dict[str, Any]:
    if name == "stock":
        return _stock(work, warcs[0])
    if name.startswith("workers"):
        return _ours(work, "routed", warcs * REPEATED, int(name.removeprefix("workers")))
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
    documents = Trafilatura(favour_precision=True, timeout=10).run(counted(reader.run()))
    found = [document.metadata["url"] for document in keeper.run(normalised(documents))]
    return {"pages": pages, "cpu": _cpu() - started, "wall": time.perf_counter() - clock, "found": found}


def _ours(work: Path, route: str, warcs: list[str], workers: int) -> dict[str, Any]:
    from datatrove.executor import LocalPipelineExecutor

    from bench._scoring_step import ScoreShards
    from pipelines.crawl.crawl_step import WarcsToPages
    from pipelines.crawl.language import language_of
    from pipelines.crawl.routing import evidence
    from pipelines.crawl.settings import CrawlSettings
    from pipelines.crawl.text import cheap_text
    from pipelines.crawl.urls import registered_domain

    settings = CrawlSettings(
        files={"bench": tuple(warcs)}, route=route, evidence=work / "evidence.tsv", shortest_text=0
    )
    with tempfile.TemporaryDirectory(dir=work) as folder:
        jobs = [(warc, Path(folder) / f"raw-{number:05d}.parquet") for number, warc in enumerate(warcs)]
        scorer = ScoreShards(work / "model.bin")
        language_of("loaded before the clock starts")
        cheap_text(b"<p>compiled before the clock starts")
        evidence(b"", words=False)
        registered_domain("example.org")
        _ = scorer.classifier if workers == 1 else None
        started, clock = _cpu(), time.perf_counter()
        LocalPipelineExecutor(
            pipeline=[WarcsToPages(jobs, settings, "bench", quiet=True), scorer],
            tasks=workers,
            workers=workers,
            logging_dir=str(Path(folder) / "logs"),
        ).run()
        cpu, wall = _cpu() - started, time.perf_counter() - clock
        facts = [json.loads(path.read_text()) for path in sorted(Path(folder).glob("*.json"))]
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "pages": sum(fact["pages"] for fact in facts),
        "kept": sum(fact["kept"] for fact in facts),
        "cpu": cpu,
        "wall": wall,
        "peak": peak / 1024,
        "found": sorted({url for fact in facts for url in fact["found"]}) if len(warcs) == 1 else [],
    }


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _table(stock: dict[str, Any] | None, rows: list[tuple[str, Any]], seen: dict[str, Any]) -> None:
    print(
        "| recall pass | pages | kept whole | ms/page (CPU) | pages/s/core | times stock | stock's math pages found |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rate = stock["pages"] / stock["cpu"] if stock else None
    if stock:
        print(
            f"| datatrove stock | {stock['pages']:,} | all | {1000 / rate:.1f} | {rate:.1f} | 1.0 | {len(stock['found'])} |"
        )
    for name, ours in rows:
        speed = ours["pages"] / ours["cpu"]
        both = len(set(stock["found"]) & set(seen[name]["found"])) / max(1, len(stock["found"])) if stock else None
        print(
            f"| mathsieve, {name} | {ours['pages']:,} | {ours['kept'] / ours['pages']:.0%} | {1000 / speed:.2f} | {speed:,.0f} | "
            f"{speed / rate if rate else float('nan'):.1f} | {f'{both:.2%}' if both is not None else '-'} |"
        )


def _scaling(work: Path, warcs: list[str]) -> None:
    print("\n| routed, wall time | pages/s | peak memory of a process, MiB |\n| --- | --- | --- |")
    for workers in (1, 2):
        ours = _part(f"workers{workers}", work, *warcs)
        print(
            f"| {workers} worker{'s' if workers > 1 else ''} | {ours['pages'] / ours['wall']:,.0f} | {ours['peak']:,.0f} |"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_measured(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])))
        sys.exit(0)
    sys.exit(main())

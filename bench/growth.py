"""Time and memory of the stages that see every page, at growing sizes, with the exponent of the growth.

    python -m bench.growth 100000 1000000            CPU seconds and MiB of the largest process, by stage
    python -m bench.growth 1000000 --stages url_index recalled domains
    python -m bench.growth 1000000 --beside ../other-checkout

The pages are generated: hosts with a heavy tail, keys and paths as the web has them, a quarter of the URLs captured again in
a second snapshot, margins of two humps, and texts of a line. `--beside` runs the stages of another checkout on the same
pages, one after the other in one run. Each stage runs in a process of its own with one worker, so that its CPU seconds and
its largest resident memory are those of a task.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
SNAPSHOTS = ("CC-MAIN-2026-05", "CC-MAIN-2026-09")
SHARD = 27_000  # pages of a WARC file of Common Crawl
AGAIN = 0.25  # of the second snapshot's URLs are in the first as well
STAGES = ("url_index", "recalled", "domains", "corpus", "near_duplicates", "contamination")
TEXT_ROWS = 200_000  # of the stages that read texts: their rows are survivors, not pages


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", type=int, nargs="*", default=[100_000, 1_000_000], help="pages in all")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--beside", type=Path, help="another checkout, with an environment of its own")
    arguments = parser.parse_args()
    checkouts = {"this": ROOT} | ({"beside": arguments.beside.absolute()} if arguments.beside else {})
    figures: dict[tuple[str, str], dict[int, dict[str, float]]] = {}
    for rows in sorted(arguments.rows):
        with tempfile.TemporaryDirectory() as folder:
            _child(ROOT, "make", Path(folder), rows)
            for stage in arguments.stages:
                for name, checkout in checkouts.items():
                    figures.setdefault((stage, name), {})[rows] = _child(checkout, stage, Path(folder), rows)
    _print(figures, sorted(arguments.rows))
    return 0


def _child(checkout: Path, stage: str, folder: Path, rows: int) -> dict[str, float]:
    """One stage of one checkout in a process of its own: its CPU seconds and MiB."""
    python = checkout / ".venv" / "bin" / "python"
    command = [str(python if python.exists() else sys.executable), str(Path(__file__)), "--child", stage, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
    done = subprocess.run([*command, str(rows)], env=environment, capture_output=True, text=True, cwd=checkout)
    if done.returncode:
        print(done.stderr[-2_000:], file=sys.stderr)
        return {"seconds": math.nan, "mebibytes": math.nan}
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _print(figures: dict[tuple[str, str], dict[int, dict[str, float]]], sizes: Sequence[int]) -> None:
    heads = [f"{rows:,} rows: CPU s | MiB" for rows in sizes]
    print("| stage | build | " + " | ".join(heads) + " | exponent |")
    print("|" + " --- |" * (3 + 2 * len(sizes)))
    for (stage, build), by_size in figures.items():
        cells = [f"{by_size[rows]['seconds']:,.1f} | {by_size[rows]['mebibytes']:,.0f}" for rows in sizes]
        first, last = by_size[sizes[0]]["seconds"], by_size[sizes[-1]]["seconds"]
        grown = math.log(last / first) / math.log(sizes[-1] / sizes[0]) if len(sizes) > 1 else math.nan
        print(f"| {stage} | {build} | " + " | ".join(cells) + f" | {grown:.2f} |")


def child(stage: str, folder: Path, rows: int) -> None:
    """What `_child` starts, in whichever checkout is on the path."""
    if stage == "make":
        make_pages(folder, rows)
        print(json.dumps({"seconds": 0.0, "mebibytes": 0.0}))
        return
    work = _stage(stage, folder)
    started = time.process_time()
    work()
    spent = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": spent, "mebibytes": peak}))


def make_pages(folder: Path, rows: int) -> None:
    """pages/<snapshot>/pages-*.parquet, scores/<snapshot>/scores-*.parquet and extracted/extracted-*.parquet."""
    generator = np.random.default_rng(0)
    half = rows // 2
    urls = np.arange(half)
    again = generator.random(half) < AGAIN
    for number, snapshot in enumerate(SNAPSHOTS):
        ids = urls if number == 0 else np.where(again, urls, urls + half)
        generator.shuffle(ids)
        for place in ("pages", "scores"):
            (folder / place / snapshot).mkdir(parents=True)
        for shard, start in enumerate(range(0, half, SHARD)):
            _write_shard(folder, snapshot, shard, ids[start : start + SHARD], generator)
    (folder / "extracted").mkdir()
    _write_extracted(folder / "extracted", min(rows, TEXT_ROWS) // 4, generator)


def _write_shard(
    folder: Path, snapshot: str, shard: int, ids: npt.NDArray[np.int64], generator: np.random.Generator
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.records import PAGES, SCORES

    site = (60_000 * (ids * 2654435761 % 2**32 / 2**32) ** 4).astype(np.int64)  # a few sites hold most pages
    domain = [f"site{one}.example" for one in site]
    host = [f"{('www', 'blog', 'm')[one % 3]}.{name}" for one, name in zip(ids, domain, strict=True)]
    path = [f"/{('a', 'forum', 'notes', 'x/y')[one % 4]}/{one % 97}/page-{one}.html" for one in ids]
    keys = [f"{name.removeprefix('www.')}{inner}" for name, inner in zip(host, path, strict=True)]
    mathematical = (site % 40 == 0) & (ids % 4 != 1)
    margins = np.where(mathematical, 3.0, -4.0) + generator.normal(0, 1.5, len(ids))
    text = [f"A line of text about the number {one}." for one in ids]
    columns = {
        "url": [f"https://{name}{inner}" for name, inner in zip(host, path, strict=True)],
        "url_key": keys,
        "host": host,
        "domain": domain,
        "path": path,
        "snapshot": [snapshot] * len(ids),
        "fetched": [f"{snapshot[8:12]}-01-{one % 28 + 1:02d}T00:00:00Z" for one in ids],
        "warc_file": [f"{shard:05d}.warc.gz"] * len(ids),
        "warc_offset": np.arange(len(ids)),
        "language": [("en", "zh", "de")[one % 3] for one in ids],
        "title": [f"Page {one}" for one in ids],
        "text": text,
        "markers": np.where(mathematical, 3, 0).astype(np.int32),
        "words": mathematical,
        "route": ["kept"] * len(ids),
    }
    nothing = {field.name: pa.nulls(len(ids), field.type) for field in PAGES if field.name not in columns}
    pages = pa.table({**{name: pa.array(value) for name, value in columns.items()}, **nothing})
    pages = pages.select(PAGES.names).cast(PAGES)
    pq.write_table(
        pages, folder / "pages" / snapshot / f"pages-{shard:05d}.parquet", compression="zstd", row_group_size=1_000
    )
    scored = {
        "url_key": pages["url_key"],
        "domain": pages["domain"],
        "language": pages["language"],
        "margin": pa.array(margins.astype(np.float32)),
        "tokens": pa.array(np.full(len(ids), 9, np.int32)),
        "witnessed": pages["words"],
        "row": pa.array(np.arange(len(ids), dtype=np.int32)),
    }
    table = pa.table({name: scored[name] for name in (*SCORES.names, *(["row"] if "row" not in SCORES.names else []))})
    pq.write_table(
        table, folder / "scores" / snapshot / f"scores-{shard:05d}.parquet", compression="zstd", row_group_size=20_000
    )


def _write_extracted(folder: Path, rows: int, generator: np.random.Generator) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.records import EXTRACTED

    words = np.array([f"word{number}" for number in range(5_000)])
    for shard, start in enumerate(range(0, rows, 2_000)):
        ids = range(start, min(start + 2_000, rows))
        text = [" ".join(words[generator.integers(0, 5_000, 60)]) for _ in ids]
        columns = {"url_key": [f"a{one}.example/" for one in ids], "domain": [f"a{one % 999}.example" for one in ids]}
        known = {**columns, "text": text, "snapshot": [SNAPSHOTS[0]] * len(text)}
        table = pa.table(
            {field.name: pa.array(known.get(field.name, [None] * len(text)), field.type) for field in EXTRACTED}
        )
        pq.write_table(table, folder / f"extracted-{shard:05d}.parquet", compression="zstd")


def _stage(stage: str, folder: Path) -> Callable[[], Any]:
    """The stage on what `make_pages` and the stages before it left, with one worker where the checkout has executors."""
    build = folder / f"made-{os.environ['PYTHONPATH'].replace('/', '_')}"
    own: dict[str, Any] = {}
    try:
        from evaluators.executors import LocalExecutor

        own = {"executor": LocalExecutor(workers=1)}
    except ImportError:  # a checkout from before
        pass
    pages = {name: _artifact(folder / "pages" / name) for name in SNAPSHOTS}
    out = build / stage
    out.mkdir(parents=True)
    if stage == "url_index":
        from pipelines.crawl.settings import CrawlSettings
        from pipelines.crawl.url_index import write_url_index

        return partial(write_url_index, out, CrawlSettings(), pages=pages, **own)
    if stage in ("near_duplicates", "contamination"):
        return _of_texts(stage, out, _artifact(folder / "extracted"), own)
    loop = {"pages": pages, "url_index": _artifact(build / "url_index")}
    return _of_loop(stage, out, folder, loop | own, build)


def _of_loop(stage: str, out: Path, folder: Path, given: dict[str, Any], build: Path) -> Callable[[], Any]:
    if stage == "recalled":
        from pipelines.corpus.recall import RecallSettings, write_recalled

        scores = {name: _artifact(folder / "scores" / name) for name in SNAPSHOTS}
        return partial(write_recalled, out, RecallSettings(), scores=scores, **given)
    recalled = _artifact(build / "recalled")
    if stage == "domains":
        from pipelines.corpus.domains import DomainSettings, write_domains

        return partial(write_domains, out, DomainSettings(), recalled=recalled, **given)
    from pipelines.corpus.growth import GrowthSettings, write_corpus

    decisions = [
        {
            "prefix": f"blog.site{number}.example/notes",
            "verdict": "math",
            "by": "rule",
            "who": "bench",
            "why": "generated",
        }
        for number in range(0, 4_000, 40)
    ]
    notes = build / "annotations"
    notes.mkdir()
    (notes / "decisions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in decisions))
    inputs = {"previous": recalled, "recalled": recalled, "annotations": _artifact(notes), "iteration": 1}
    return partial(write_corpus, out, GrowthSettings(), **inputs, **given)


def _of_texts(stage: str, out: Path, extracted: Any, own: dict[str, Any]) -> Callable[[], Any]:
    if stage == "near_duplicates":
        from pipelines.corpus.near_duplicates import NearDuplicateSettings, write_near_duplicates

        settings = NearDuplicateSettings()
        return partial(write_near_duplicates, out, settings, extracted=extracted, **own)
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.corpus.decontamination import DecontaminationSettings, write_contamination
    from pipelines.records import PROBLEMS

    folder = out.parent / "problems"
    folder.mkdir()
    rows = [
        {"id": f"p/{n}", "benchmark": "p", "question": " ".join(f"word{n + k}" for k in range(14))} for n in range(500)
    ]
    pq.write_table(pa.Table.from_pylist(rows, PROBLEMS), folder / "problems.parquet")
    given = {"extracted": extracted, "problems": {"p": _artifact(folder)}}
    return partial(write_contamination, out, DecontaminationSettings(), **given, **own)


def _artifact(folder: Path) -> Any:
    from pipelines.storage import Artifact

    facts = {"rows": 0, "converged": False, "candidates": 0, "prefixes": 0}
    try:
        return Artifact(name=folder.name, place=folder, content=folder.name, facts=facts)
    except TypeError:  # a checkout from before
        return Artifact(name=folder.name, path=folder, content=folder.name, facts=facts)  # type: ignore[call-arg]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(main())

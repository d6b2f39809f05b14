"""Time and memory of the stages that see every page, or every survivor, at growing sizes, with the exponent of the growth.

    python -m bench.growth 100000 1000000            CPU seconds and MiB of the largest process, by stage
    python -m bench.growth 10000000 --stages url_index recalled domains
    python -m bench.growth 1000000 --beside ../other-checkout
    python -m bench.growth 10000000 --folder /disk/growth      keeps what was generated and made there

The pages are generated: hosts with a heavy tail, keys and paths as the web has them, a quarter of the URLs captured again in
a second snapshot, margins of two humps, and texts of a line. Survivors are 35.5 M of 2.5 billion pages, as in DeepSeekMath,
with texts of 600 words, a tenth of them alike. `--beside` runs the stages of another checkout on the same pages, one after
the other in one run. Each stage runs in a process of its own with one worker, first on 2,000 pages, so that what is
measured is neither imports nor the loading of compiled code; its CPU seconds and its largest resident memory are those of a
single task.
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
STAGES = ("newest", "url_index", "recalled", "domains", "corpus", "near_duplicates", "contamination", "export")
SURVIVORS = 35.5e6 / 2.5e9  # of DeepSeekMath's pages, of one snapshot's
SITES = 0.06  # registered domains a page
WARM = 2_000  # pages that each stage is run on first
WORDS = 600  # of a survivor, about 4 KB


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", type=int, nargs="*", default=[100_000, 1_000_000], help="pages in all")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--beside", type=Path, help="another checkout, with an environment of its own")
    parser.add_argument("--folder", type=Path, help="for what is generated and made: a temporary one, unless given")
    arguments = parser.parse_args()
    checkouts = {"this": ROOT} | ({"beside": arguments.beside.absolute()} if arguments.beside else {})
    figures: dict[tuple[str, str], dict[int, dict[str, float]]] = {}
    for rows in sorted(arguments.rows):
        with tempfile.TemporaryDirectory() as temporary:
            folder = (arguments.folder or Path(temporary)) / str(rows)
            _child(ROOT, "make", folder, rows)
            for stage in arguments.stages:
                for name, checkout in checkouts.items():
                    found = figures.setdefault((stage, name), {})[rows] = _child(checkout, stage, folder, rows)
                    print(f"{rows} {stage} {name}: {found}", file=sys.stderr, flush=True)
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
        for place, count in ((folder / "small", WARM), (folder / "all", rows)):
            if not place.exists():
                make_pages(place, count)
        print(json.dumps({"seconds": 0.0, "mebibytes": 0.0}))
        return
    _stage(stage, folder / "small")()
    work = _stage(stage, folder / "all")
    started = time.process_time()
    work()
    spent = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": spent, "mebibytes": peak}))


def make_pages(folder: Path, rows: int) -> None:
    """pages/<snapshot>/pages-*.parquet, scores/<snapshot>/scores-*.parquet and extracted/extracted-*.parquet."""
    generator = np.random.default_rng(0)
    half = rows // 2
    urls, sites = np.arange(half), max(1_000, round(rows * SITES))
    again = generator.random(half) < AGAIN
    for number, snapshot in enumerate(SNAPSHOTS):
        ids = urls if number == 0 else np.where(again, urls, urls + half)
        generator.shuffle(ids)
        for place in ("pages", "scores"):
            (folder / place / snapshot).mkdir(parents=True)
        for shard, start in enumerate(range(0, half, SHARD)):
            _write_shard(folder, snapshot, shard, (ids[start : start + SHARD], sites), generator)
    (folder / "extracted").mkdir()
    _write_extracted(folder / "extracted", max(50, round(rows * SURVIVORS)), generator)


def _joined(*parts: Any) -> Any:
    """Strings, or columns of what can be one, put together row by row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [part if isinstance(part, str) else pa.array(part).cast(pa.string()) for part in parts]
    return pc.binary_join_element_wise(*columns, "")


def _write_shard(
    folder: Path, snapshot: str, shard: int, given: tuple[npt.NDArray[np.int64], int], generator: np.random.Generator
) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from pipelines.records import PAGES, SCORES

    ids, sites = given
    site = (sites * (ids * 2654435761 % 2**32 / 2**32) ** 4).astype(np.int64)  # a few sites hold most pages
    domain = _joined("site", site, ".example")
    host = _joined(np.array(["www.", "blog.", "m."])[site % 3], domain)
    path = _joined("/", np.array(["a", "forum", "notes", "x/y"])[ids % 4], "/", ids % 97, "/page-", ids, ".html")
    keys = pc.replace_substring_regex(_joined(host, path), r"^www\.", "")
    mathematical = (site % 40 == 0) & (ids % 4 != 1)
    margins = np.where(mathematical, 3.0, -4.0) + generator.normal(0, 1.5, len(ids))
    day = np.array([f"{number:02d}" for number in range(1, 29)])[ids % 28]
    columns = {
        "url": _joined("https://", host, path),
        "url_key": keys,
        "host": host,
        "domain": domain,
        "path": path,
        "snapshot": pa.repeat(snapshot, len(ids)),
        "fetched": _joined(f"{snapshot[8:12]}-01-", day, "T00:00:00Z"),
        "warc_file": pa.repeat(f"{shard:05d}.warc.gz", len(ids)),
        "warc_offset": np.arange(len(ids)),
        "language": np.array(["en", "zh", "de"])[ids % 3],
        "title": _joined("Page ", ids),
        "text": _joined("A line of text about the number ", ids, "."),
        "markers": np.where(mathematical, 3, 0).astype(np.int32),
        "words": mathematical,
        "route": pa.repeat("kept", len(ids)),
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
    """Texts of which every tenth is the one before it but for a word."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.records import EXTRACTED

    words, text = np.array([f"word{number}" for number in range(5_000)]), [""]
    for shard, start in enumerate(range(0, rows, 2_000)):
        ids = range(start, min(start + 2_000, rows))
        for one in ids:
            new = " ".join(words[generator.integers(0, 5_000, WORDS)].tolist())
            text.append(new if one % 10 else text[-1].replace(" ", " other ", 1))
        text = text[-len(ids) :]
        columns = {"url_key": [f"a{one}.example/" for one in ids], "domain": [f"a{one % 999}.example" for one in ids]}
        known = {**columns, "text": text, "snapshot": [SNAPSHOTS[0]] * len(text), "language": ["en"] * len(text)}
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
    if stage == "newest":
        from pipelines.crawl.newest import Captures, find_older

        captures = Captures.of(pages[SNAPSHOTS[0]].files(), out / "scratch")
        return partial(find_older, captures, label="newest", **own)
    if stage in ("near_duplicates", "contamination", "export"):
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
        for number in range(0, 4_000, 40)  # the largest sites
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
    if stage == "export":
        from pipelines.corpus.export import ExportSettings, write_math_corpus

        made = {name: _artifact(out.parent / name) for name in ("near_duplicates", "contamination")}
        return partial(write_math_corpus, out, ExportSettings(), extracted=extracted, **made)
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

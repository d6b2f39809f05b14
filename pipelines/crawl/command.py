"""WARC files, or a Common Crawl snapshot, to pages in Parquet.

    mathsieve crawl a.warc.gz b.warc.gz --out pages/
    mathsieve crawl folder/ --out pages/ --route routed
    mathsieve crawl --snapshot CC-MAIN-2026-05 --files 2 --out pages/
    mathsieve crawl --snapshot CC-MAIN-2026-05 --urls openwebmath.parquet --out pages/
    mathsieve crawl --snapshot CC-MAIN-2026-05 --domains sites.txt --prefixes decisions.jsonl --out pages/

The last two read only the records of what the lists name, which they find in the snapshot's columnar index.

Run again after an interruption, it goes on after the last finished WARC file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from evaluators.errors import UnusableArguments
from evaluators.executors import ExecutorSettings
from evaluators.records import Settings
from pipelines.crawl.settings import KINDS, WARC_NAMES, CommonCrawlSettings, CrawlSettings, ListedSettings
from pipelines.recipe_file import validate
from pipelines.storage import Artifact, atomic_file


class _Section(Settings):
    """As a recipe has it."""

    executor: Annotated[ExecutorSettings, Field(discriminator="kind")]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "warcs", nargs="*", metavar="WARC", help="WARC files (.warc, .warc.gz, .warc.zst) or folders of them"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for pages-*.parquet and the ledger of what was dropped"
    )
    parser.add_argument("--snapshot", help="a Common Crawl snapshot, such as CC-MAIN-2026-05")
    parser.add_argument("--base-url", help="where Common Crawl's layout is served (https://, s3://commoncrawl)")
    parser.add_argument("--endpoint-url", help="server of an s3:// base URL that is not Amazon's")
    parser.add_argument("--files", type=int, help="only the first WARC files of the snapshot")
    for kind in ("urls", "hosts", "domains", "prefixes"):
        parser.add_argument(
            f"--{kind}",
            type=Path,
            nargs="+",
            default=(),
            metavar="FILE",
            help=f"read the pages of these {kind} only: text with one a line, CSV, JSONL or Parquet",
        )
    parser.add_argument(
        "--background-files", type=int, default=0, help="WARC files that are read whole beside the lists (default 0)"
    )
    parser.add_argument(
        "--route",
        choices=["all", "routed"],
        default="all",
        help="routed: pages without any sign of mathematics keep only their facts",
    )
    parser.add_argument(
        "--negatives", type=float, default=0.05, help="routed: share of those that is kept whole (default 0.05)"
    )
    parser.add_argument("--workers", type=int, help="processes of this machine (default: all cores)")
    parser.add_argument(
        "--executor",
        metavar="EXECUTOR",
        help="where WARC files are read: local, ray, or a recipe's executor section: '{kind: slurm, shared: /shared/jobs, "
        "partition: cpu}'",
    )


def has_workers(arguments: argparse.Namespace) -> bool:
    return True


def run(arguments: argparse.Namespace) -> int:
    try:
        settings, snapshot = _settings(arguments)
        executor = executor_of(arguments.executor, arguments.workers)
    except ValidationError as error:
        told = [f"--{problem['loc'][-1]}: {problem['msg']}; found {problem['input']!r}" for problem in error.errors()]
        raise UnusableArguments("\n".join(told)) from error
    return _crawl(arguments.out, settings, snapshot, executor)


def executor_of(told: str | None, workers: int | None) -> ExecutorSettings:
    """The executor that `--executor` and `--workers` name. Raises UnusableArguments and RecipeError."""
    try:
        given = yaml.safe_load(told) if told else "local"
    except yaml.YAMLError:
        given = None
    section = {"kind": given} if isinstance(given, str) else given
    if not isinstance(section, dict):
        raise UnusableArguments(
            f"--executor {told}: expected local, ray, or a section such as {{kind: slurm, shared: /shared/jobs}}; found {given!r}."
        )
    if workers is not None:
        section = {**section, "workers": workers}
    read: _Section = validate("--executor", {"executor": section}, _Section)
    return read.executor


def _crawl(out: Path, settings: CrawlSettings, snapshot: str, executor: ExecutorSettings) -> int:
    from evaluators.stages import ContentDigests
    from evaluators.stages.identity import settings_identity
    from pipelines.crawl.pages import write_pages
    from pipelines.crawl.settings import list_warcs

    digests = ContentDigests()
    asked = {"settings": settings_identity(settings, digests), "warcs": list_warcs(settings, snapshot)}
    if settings.listed is not None:
        asked["listed"] = {"snapshot": snapshot, **settings_identity(settings.listed, digests)}
    plan = _claim(out, asked)
    listed = _find_listed(out / "listed", settings, snapshot, executor) if settings.listed is not None else None
    facts = write_pages(out, settings, snapshot=snapshot, listed=listed, executor=executor)
    plan.write_text(json.dumps({"asked": asked, "facts": facts}, indent=1, ensure_ascii=False), encoding="utf-8")
    found = f"{facts['listed_captures']:,} listed captures and " if listed is not None else ""
    print(f"{facts['rows']:,} pages from {found}{facts['warc_files']:,} WARC files in {out}")
    for outcome, count in facts["outcomes"].items():
        print(f"  {count:>10,}  {outcome}")
    return 0


def _find_listed(folder: Path, settings: CrawlSettings, snapshot: str, executor: ExecutorSettings) -> Artifact:
    """The captures of the lists, found or looked up; the last file that is written says that all are there."""
    from pipelines.crawl.index_captures import write_index_captures

    assert settings.listed is not None
    told = folder / "facts.json"
    if not told.exists():
        folder.mkdir(exist_ok=True)
        made = write_index_captures(folder, settings.listed, crawl=settings, snapshot=snapshot, executor=executor)
        with atomic_file(told) as temporary:
            temporary.write_text(json.dumps(made, indent=1), encoding="utf-8")
    facts = json.loads(told.read_text(encoding="utf-8"))
    print(
        f"{facts['rows']:,} captures of {', '.join(f'{n:,} {kind}' for kind, n in facts['listed'].items() if n)} "
        f"in {facts['index_files']:,} files of the index: {facts['bytes'] / 1e6:,.1f} MB in {facts['warc_files']:,} WARC files"
    )
    return Artifact(name="index_captures", place=folder, content="", facts=facts)


def _claim(out: Path, asked: dict[str, Any]) -> Path:
    """The file that says whose folder it is. Raises UnusableArguments where that is another crawl's, or none can be made."""
    plan = out / "crawl.json"
    try:
        if plan.exists() and json.loads(plan.read_text(encoding="utf-8")).get("asked") != asked:
            raise UnusableArguments(
                f"{out}: expected an empty folder, or one of the same crawl; found another crawl's pages. Name another --out."
            )
        out.mkdir(parents=True, exist_ok=True)
        plan.write_text(json.dumps({"asked": asked}, indent=1), encoding="utf-8")
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or error
        raise UnusableArguments(
            f"{out}: expected a folder that can be written; found: {found}. Name another --out."
        ) from error
    return plan


def _settings(arguments: argparse.Namespace) -> tuple[CrawlSettings, str]:
    kept = {"route": arguments.route, "negatives": arguments.negatives}
    lists = {kind: tuple(arguments.__dict__[kind]) for kind in KINDS if arguments.__dict__[kind]}
    if arguments.snapshot:
        if arguments.warcs:
            raise UnusableArguments("expected WARC files or --snapshot; found both. Leave one out.")
        where = {"base_url": arguments.base_url} if arguments.base_url else {}
        if arguments.endpoint_url:
            where["endpoint_url"] = arguments.endpoint_url
        listed = ListedSettings(**lists, background_files=arguments.background_files) if lists else None
        published = CommonCrawlSettings(snapshots=(arguments.snapshot,), files=arguments.files, listed=listed, **where)
        return CrawlSettings(common_crawl=published, **kept), arguments.snapshot
    if lists:
        raise UnusableArguments(
            f"--{next(iter(lists))}: expected --snapshot beside it, whose columnar index is searched; found none."
        )
    if not arguments.warcs:
        raise UnusableArguments("expected WARC files, or --snapshot with a Common Crawl name; found neither.")
    return CrawlSettings(files={"local": tuple(_files(arguments.warcs))}, **kept), "local"


def _files(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        path = Path(name)
        if "://" in name:
            found.append(name)
        elif path.is_dir():
            inner = sorted(str(file) for file in path.rglob("*") if file.is_file() and file.name.endswith(WARC_NAMES))
            if not inner:
                raise UnusableArguments(f"{name}: expected files that end in {', '.join(WARC_NAMES)}; found none.")
            found += inner
        elif path.is_file():
            found.append(str(path.absolute()))
        else:
            raise UnusableArguments(f"{name}: expected a WARC file or a folder of them; there is none. Check the path.")
    return found

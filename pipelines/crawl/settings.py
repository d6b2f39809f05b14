"""Where the crawl comes from: folders of WARC files, or Common Crawl itself, and what is kept of it."""

from __future__ import annotations

import functools
import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from evaluators.records import Settings
from evaluators.stages import HowItRuns, NamesFiles, Stored
from evaluators.stages.stage import ReadFile
from pipelines.crawl.folders import WARC_NAMES as WARC_NAMES
from pipelines.crawl.folders import CrawlError as CrawlError
from pipelines.crawl.folders import is_url, matching_urls, snapshot_folders, stamps, warc_names

Kind = Literal["urls", "hosts", "domains", "prefixes"]
KINDS: tuple[Kind, ...] = ("urls", "hosts", "domains", "prefixes")
"""What a list may hold."""
SNAPSHOT = re.compile(r"^[\w.-]+$")


class NotAWarc(CrawlError):
    """A file was read and holds no WARC record at all."""


class ListedSettings(Settings):
    """Pages that lists name, looked up in the snapshot's columnar index: only their records are read.

    Each field takes files, or folders of them: text with an entry a line, CSV, JSONL or Parquet (a column `url`, `host`,
    `domain` or `prefix`), compressed or not. A file of decisions on prefixes counts for what it calls mathematics.
    """

    urls: tuple[Path, ...] = ()
    hosts: tuple[Path, ...] = ()
    domains: tuple[Path, ...] = ()
    """With every host below them."""
    prefixes: tuple[Path, ...] = ()
    """Host and path, cut at whole path segments: `mathoverflow.net/questions`."""
    background_files: int = Field(default=0, ge=0)
    """WARC files of each snapshot read whole beside the lists: the random pages that a classifier needs as negatives."""

    @model_validator(mode="after")
    def _names_a_list(self) -> ListedSettings:
        if not (self.urls or self.hosts or self.domains or self.prefixes):
            raise ValueError("expected files of urls, hosts, domains or prefixes; found none. Name one.")
        return self


class CommonCrawlSettings(Settings):
    """Snapshots as Common Crawl publishes them. Which there are is no part of what one of them gives: its files are."""

    base_url: str = "https://data.commoncrawl.org"  # https://commoncrawl.org/get-started; s3://commoncrawl inside AWS
    listing_url: HowItRuns[str] = "https://index.commoncrawl.org/collinfo.json"
    endpoint_url: HowItRuns[str | None] = None
    """Server of an s3:// base_url that is not Amazon's: MinIO, Ceph ... Credentials come from the environment."""
    snapshots: HowItRuns[tuple[str, ...]] = ()
    """Names such as CC-MAIN-2026-05; none given: every snapshot of the listing since `since`."""
    since: HowItRuns[str] = "CC-MAIN-2024-01"
    files: HowItRuns[int | None] = Field(default=None, gt=0)
    """Only the first WARC files of each snapshot."""
    listed: HowItRuns[ListedSettings | None] = None
    """Not whole WARC files, but the pages of a list. What it selects is an artifact, whose content decides."""
    connections: HowItRuns[int] = Field(default=8, ge=1, le=64)
    """Requests of a worker in flight where single records are read."""
    attempts: HowItRuns[int] = Field(default=8, ge=1)  # ours: with doubling delays about four minutes of an outage
    timeout: HowItRuns[float] = Field(default=60.0, gt=0)

    def patience(self) -> dict[str, Any]:
        """What open_source is told beside the URL."""
        return {"attempts": self.attempts, "timeout": self.timeout, "endpoint": self.endpoint_url}


class CrawlSettings(Settings):
    """One crawl: exactly one of `folder` (a snapshot for each subfolder, or one if there are none), `folders`, `files` and `common_crawl`.

    Where the files lie is no part of what they give: the identity of a pages table holds their content.
    """

    folder: HowItRuns[NamesFiles[str | Path | None]] = None
    folders: HowItRuns[NamesFiles[dict[str, str | Path]]] = Field(default_factory=dict)
    """Snapshot name -> folder of WARC files, for folders whose names are no snapshots."""
    files: HowItRuns[NamesFiles[dict[str, tuple[str, ...]]]] = Field(default_factory=dict)
    """Snapshot name -> paths, globs or URLs of WARC files. ${VARIABLES} of the environment are expanded."""
    common_crawl: CommonCrawlSettings | None = None
    route: Literal["all", "routed"] = "all"
    negatives: float = Field(default=0.05, gt=0, le=1)
    """Routed: share of the pages without any math evidence that are kept whole, as negatives for the classifier."""
    evidence: Path | None = None
    """Routed: a table of words learned by evidence_training.write_evidence; none: the one written for this project."""
    largest_record: int = Field(default=16_000_000, gt=0)  # bytes; Common Crawl itself cuts payloads at 5 MiB
    shortest_text: int = Field(default=80, ge=0)  # characters; ours: below, a page has nothing to judge

    def patience(self) -> dict[str, Any]:
        """How often and how long a remote file is tried, and where its store is."""
        return (self.common_crawl or CommonCrawlSettings()).patience()

    def planted_in(self, planted: Stored | None) -> CrawlSettings:
        """These settings; where the crawl is planted, with the folder that it was planted in."""
        return self if planted is None else self.model_copy(update={"folder": planted.path})

    @property
    def listed(self) -> ListedSettings | None:
        """The lists whose pages are read, where it is not everything."""
        return self.common_crawl.listed if self.common_crawl is not None else None

    @property
    def names_a_source(self) -> bool:
        """False where the crawl is planted: its files are an artifact."""
        return bool(self.folder or self.folders or self.files or self.common_crawl)


def list_snapshots(settings: CrawlSettings) -> list[str]:
    """The names of the crawl's snapshots, oldest first. Raises CrawlError where there are none."""
    if settings.common_crawl is not None:
        from pipelines.crawl.common_crawl import published_snapshots

        return published_snapshots(settings.common_crawl)
    return sorted({**settings.files, **({} if settings.files else _folders(settings))})


def list_warcs(settings: CrawlSettings, snapshot: str) -> list[str]:
    """Paths or URLs of a snapshot's WARC files, sorted. Raises CrawlError where there are none."""
    if settings.common_crawl is not None:
        from pipelines.crawl.common_crawl import published_warcs

        return published_warcs(settings.common_crawl, snapshot)
    if settings.files:
        if snapshot not in settings.files:
            raise CrawlError(
                f"snapshot {snapshot!r} is not in the crawl; there are: {', '.join(sorted(settings.files))}"
            )
        return _expanded(settings.files[snapshot])
    folders = _folders(settings)
    if snapshot not in folders:
        raise CrawlError(f"snapshot {snapshot!r} is not in the crawl; there are: {', '.join(sorted(folders))}")
    names = warc_names(folders[snapshot])
    if not names:
        raise CrawlError(
            f"crawl folder {folders[snapshot]}: expected files that end in {', '.join(WARC_NAMES)}; found none."
        )
    return [f"{folders[snapshot]}/{name}" for name in names]


def snapshot_files(settings: CrawlSettings, *, snapshot: str) -> list[ReadFile]:
    """A snapshot's WARC files: the name under which a pages table keeps each, and where it lies, if it lies here.

    An object store's bears its size and tag, which are another's where the file was written again."""
    if not settings.names_a_source:
        return []
    paths = list_warcs(settings, snapshot)
    elsewhere = [] if settings.common_crawl is not None else [path for path in paths if is_url(path)]
    told = stamps(elsewhere)
    names = warc_names_of(settings, snapshot, paths)
    return [
        (f"{name} {told[path]}" if path in told else name, None if is_url(path) else Path(path))
        for name, path in zip(names, paths, strict=True)
    ]


def local_files(settings: CrawlSettings) -> list[ReadFile]:
    """Those of all snapshots that lie here, by snapshot; published ones never change."""
    if not settings.names_a_source or settings.common_crawl is not None:
        return []
    return [
        (f"{snapshot}/{name}", path)
        for snapshot in list_snapshots(settings)
        for name, path in snapshot_files(settings, snapshot=snapshot)
        if path is not None
    ]


def warc_path(settings: CrawlSettings, snapshot: str, warc_file: str) -> str:
    """Where a file named in a pages table lies now."""
    if settings.common_crawl is not None:
        return f"{settings.common_crawl.base_url.rstrip('/')}/{warc_file}"
    if settings.files:
        return warc_file
    return f"{_folder_of(settings, snapshot)}/{warc_file}"


def warc_name(settings: CrawlSettings, snapshot: str, path: str) -> str:
    """The name under which a pages table keeps a WARC file: relative, so that the crawl may be moved."""
    return warc_names_of(settings, snapshot, [path])[0]


def warc_names_of(settings: CrawlSettings, snapshot: str, paths: Sequence[str]) -> list[str]:
    """The same for several, with one look at where they lie."""
    if settings.common_crawl is not None:
        base = settings.common_crawl.base_url.rstrip("/")
    elif settings.files:
        return list(paths)
    else:
        base = _folder_of(settings, snapshot)
    return [path.removeprefix(base + "/") for path in paths]


def _folders(settings: CrawlSettings) -> dict[str, str]:
    """Snapshot name -> path or URL of its folder. Raises CrawlError."""
    if settings.folders:
        return {name: _place_of(folder) for name, folder in settings.folders.items()}
    if settings.folder is None:
        raise CrawlError(
            "crawl: expected one of folder, folders, files and common_crawl; found none. Set one in the recipe."
        )
    return snapshot_folders(_place_of(settings.folder))


def _folder_of(settings: CrawlSettings, snapshot: str) -> str:
    once = settings.folder is not None and not settings.folders and is_url(settings.folder)
    folders = _listing(str(settings.folder)) if once else _folders(settings)
    if snapshot not in folders:
        raise CrawlError(f"snapshot {snapshot!r} is not in the crawl; there are: {', '.join(sorted(folders))}")
    return folders[snapshot]


@functools.lru_cache(maxsize=8)
def _listing(folder: str) -> dict[str, str]:
    """A bucket is not listed again for each WARC file that is looked up."""
    return snapshot_folders(_place_of(folder))


def _expanded(names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        path = _with_environment(name)
        matches = matching_urls(path) if is_url(path) else sorted(glob.glob(path, recursive=True))  # noqa: PTH207  # pathlib cannot glob an absolute pattern
        if not matches:
            raise CrawlError(
                f"{name}: expected a WARC file, or a pattern that matches some; nothing does. Check the path."
            )
        found += matches
    return found


def _with_environment(name: str) -> str:
    def value(found: re.Match[str]) -> str:
        if found.group(1) not in os.environ:
            raise CrawlError(
                f"{name}: expected the environment variable {found.group(1)} to be set; it is not. Set it."
            )
        return os.environ[found.group(1)]

    return re.sub(r"\$\{(\w+)\}", value, name)


def _place_of(folder: str | Path) -> str:
    """An absolute path or a URL without a slash at its end."""
    text = _with_environment(str(folder)).rstrip("/")
    return text if is_url(text) else str(Path(text).expanduser().absolute())

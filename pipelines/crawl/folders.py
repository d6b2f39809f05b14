"""The WARC files of a folder, on this disk or in an object store. Credentials and endpoints come from the environment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluators.errors import MathsieveError
from pipelines.storage.faults import storage_faults

WARC_NAMES = (".warc", ".warc.gz", ".warc.zst")
PATTERN = re.compile(r"[*?\[]")


class CrawlError(MathsieveError):
    """The crawl cannot be read; the message names the remedy."""


def is_url(place: str | Path) -> bool:
    return "://" in str(place)


def warc_names(folder: str) -> list[str]:
    """The WARC files at any depth, relative, sorted part by part. Raises CrawlError where there is no such folder."""
    if is_url(folder):
        files, top = _store(folder)
        with storage_faults(folder):
            found = [name.removeprefix(top + "/") for name in files.find(top)]
    else:
        found = [path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()]
        if not Path(folder).is_dir():
            raise _missing(folder)
    if not found and is_url(folder):
        raise _missing(folder)
    return sorted((name for name in found if name.endswith(WARC_NAMES)), key=lambda name: name.split("/"))


def snapshot_folders(folder: str) -> dict[str, str]:
    """A snapshot for each subfolder that holds WARC files, or else one for the folder itself. Raises CrawlError."""
    names = warc_names(folder)
    if not names:
        raise CrawlError(
            f"crawl folder {folder}: expected files that end in {', '.join(WARC_NAMES)}; found none. Put WARC files there, "
            "or name another folder in the recipe."
        )
    inner = sorted({name.partition("/")[0] for name in names if "/" in name})
    if inner:
        return {name: f"{folder}/{name}" for name in inner}
    return {folder.rpartition("/")[2]: folder}


def matching_urls(pattern: str) -> list[str]:
    """The files of an object store that match a glob, sorted; a URL without one as it is."""
    if not PATTERN.search(pattern) or pattern.startswith(("http://", "https://")):
        return [pattern]
    files, top = _store(pattern)
    scheme = pattern.partition("://")[0]
    with storage_faults(pattern):
        return sorted(f"{scheme}://{name}" for name in files.glob(top))


def stamps(urls: Sequence[str]) -> dict[str, str]:
    """What tells two contents of one URL apart without reading it: its size and its tag. Nothing for http(s)."""
    told: dict[str, str] = {}
    for parent in sorted({url.rpartition("/")[0] for url in urls if not url.startswith(("http://", "https://"))}):
        files, top = _store(parent)
        scheme = parent.partition("://")[0]
        with storage_faults(parent):
            try:
                listed = files.ls(top, detail=True, refresh=True)
            except FileNotFoundError as error:
                raise _missing(parent) from error
        told |= {f"{scheme}://{one['name']}": f"{one['size']} {one.get('ETag', '')}".strip() for one in listed}
    return {url: told[url] for url in urls if url in told}


def _store(url: str) -> tuple[Any, str]:
    import fsspec

    with storage_faults(url):
        files, place = fsspec.core.url_to_fs(url)
    return files, str(place).rstrip("/")


def _missing(folder: str) -> CrawlError:
    return CrawlError(
        f"crawl folder {folder}: expected a folder of WARC files; there is none. Check the recipe's crawl section."
    )

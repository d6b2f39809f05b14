"""The seed: mathematics that somebody vouches for. The paper's is OpenWebMath (DeepSeekMath §2.1).

It comes from URL prefixes and patterns inside the crawl, from files of text + url, or both. A file's page that the
crawl holds too is taken in the crawl's own cheap text: else the classifier would learn whose extractor wrote a page.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.page_tables import CorpusError, NewestRows, TableWriter, estimated_tokens, table_batches
from pipelines.figures import CorpusFacts
from pipelines.records import COLLECTED
from pipelines.storage import Artifact, Json
from pipelines.urls import place_of as place_of
from pipelines.urls import place_of_prefix as place_of_prefix

COLUMNS = [
    *("url", "url_key", "domain", "path", "snapshot", "language", "text", "host", "warc_file", "warc_offset"),
    *("digest", "charset", "truncated"),
]


class SeedPages(Settings):
    """Pages of the crawl: those under `prefix` and, where given, whose URL matches `pattern`."""

    prefix: str = ""  # host and path: docs.scipy.org/doc/
    pattern: str | None = None  # regular expression, searched in the URL
    limit: int | None = Field(default=None, gt=0)  # the pages whose key hashes come first: no order of the crawl

    @model_validator(mode="after")
    def _says_which(self) -> SeedPages:
        if not self.prefix and self.pattern is None:
            raise ValueError(
                "expected a prefix or a pattern; found neither. Give one, e.g. prefix: docs.scipy.org/doc/"
            )
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"expected a regular expression; found {self.pattern!r}: {error}") from error
        return self

    def matches(self, place: str, url: str) -> bool:
        return is_under(place, self.prefix) and (self.pattern is None or re.search(self.pattern, url) is not None)


class SeedSettings(Settings):
    """Where the seed comes from."""

    crawl: tuple[SeedPages, ...] = ()
    files: tuple[Path, ...] = ()  # Parquet or JSON lines with the columns text and url
    least_characters: int = 50  # a shorter text is an error page or a stub; it would teach nothing


def write_seed(
    folder: Path, settings: SeedSettings, *, pages: Mapping[str, Artifact], url_index: Artifact
) -> dict[str, Json]:
    """Fill `folder` with a COLLECTED table. Raises CorpusError where no page is found."""
    counts: dict[str, int] = {"from_crawl": 0, "from_files": 0, "replaced_by_crawl": 0, "too_short": 0, "malformed": 0}
    outside: dict[str, dict[str, str]] = {}
    for row in _file_rows(settings, counts):
        outside.setdefault(place_of(row["url"]), row)
    writer = TableWriter(folder, "seed", COLLECTED)
    chosen = _chosen(settings, pages, url_index)
    for batch in NewestRows(pages, url_index).batches(COLUMNS):
        rows = [row for row in batch.to_pylist() if row["text"] is not None]
        taken = []
        for row in rows:
            known = outside.pop(place_of(row["url"]), None) if outside else None
            counts["replaced_by_crawl"] += known is not None
            if known is None and row["url_key"] not in chosen:
                continue
            if len(row["text"]) < settings.least_characters:
                counts["too_short"] += 1
                continue
            taken.append(_collected(row))
        counts["from_crawl"] += len(taken)
        writer.write(taken)
    counts["from_files"] = len(outside)
    for start in range(0, len(outside), 1000):
        writer.write([_collected(row) for row in list(outside.values())[start : start + 1000]])
    rows_written = writer.close()
    if not rows_written:
        raise CorpusError(_nothing_found(settings, counts))
    return {"rows": rows_written, "converged": False, **counts}


SEED_CORPUS = Stage(
    name="seed_corpus",
    version="3",
    write=write_seed,
    settings=SeedSettings,
    inputs=("pages/*", "url_index"),
    facts=CorpusFacts,
    description="The mathematics that the first classifier learns from (the paper: OpenWebMath).",
    kinds=("parquet",),
)


def _nothing_found(settings: SeedSettings, counts: Mapping[str, int]) -> str:
    places = [rule.prefix + (f" matching {rule.pattern}" if rule.pattern else "") for rule in settings.crawl]
    wanted = ", ".join([*places, *map(str, settings.files)]) or "seed.crawl or seed.files, which name nothing"
    counted = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)
    return (
        f"the seed is empty: expected pages from {wanted}; found {counted or 'none in the crawl'}. Name a prefix (host and "
        f"path) that the crawl holds, or a file of text and url with texts of {settings.least_characters} characters or more."
    )


def is_under(place: str, prefix: str) -> bool:
    """Whether a place lies under a prefix, cut at whole path segments: `a.org/doc` is not above `a.org/doctors`."""
    prefix = place_of_prefix(prefix)
    if not place.startswith(prefix):
        return False
    return not prefix or len(place) == len(prefix) or place[len(prefix)] in "/?"


def _chosen(settings: SeedSettings, pages: Mapping[str, Artifact], url_index: Artifact) -> set[str]:
    """URL keys of the crawl's pages that the settings name."""
    wanted: list[list[tuple[str, str]]] = [[] for _ in settings.crawl]
    for batch in NewestRows(pages, url_index).batches(["url", "url_key", "text"]) if settings.crawl else ():
        for url, key, text in zip(*(batch[name].to_pylist() for name in ("url", "url_key", "text")), strict=True):
            for rule, found in zip(settings.crawl, wanted, strict=True):
                if text is not None and len(text) >= settings.least_characters and rule.matches(place_of(url), url):
                    found.append((hashlib.sha256(key.encode()).hexdigest(), key))
    return {
        key
        for rule, found in zip(settings.crawl, wanted, strict=True)
        for _, key in heapq.nsmallest(rule.limit or len(found), found)
    }


def _file_rows(settings: SeedSettings, counts: dict[str, int]) -> Iterator[dict[str, str]]:
    for path in settings.files:
        for row in _parquet_rows(path) if path.suffix == ".parquet" else _json_rows(path, counts):
            text, url = row.get("text"), row.get("url")
            if not isinstance(text, str) or not isinstance(url, str) or not url:
                counts["malformed"] += 1
            elif len(text) < settings.least_characters:
                counts["too_short"] += 1
            else:
                yield {"text": writable(text), "url": writable(url)}


def writable(text: str) -> str:
    """Lone surrogates, which Parquet cannot hold, as U+FFFD, and no NULs."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _parquet_rows(path: Path) -> Iterator[dict[str, object]]:
    try:
        names = pq.ParquetFile(path).schema_arrow.names
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise CorpusError(f"{path}: expected a Parquet file with the columns text and url; found: {error}") from error
    if not {"text", "url"} <= set(names):
        raise CorpusError(f"{path}: expected the columns text and url; found {names}. Rename them.")
    for batch in table_batches(path, ["text", "url"]):
        yield from batch.to_pylist()


def _json_rows(path: Path, counts: dict[str, int]) -> Iterator[dict[str, object]]:
    """Rows of a JSON lines file; a line that is no object is counted, since one bad line must not cost the others."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in filter(str.strip, lines):
                try:
                    row = json.loads(line)
                except (json.JSONDecodeError, RecursionError):
                    row = None
                if isinstance(row, dict):
                    yield row
                else:
                    counts["malformed"] += 1
    except (FileNotFoundError, IsADirectoryError) as error:
        raise CorpusError(f"{path}: expected JSON lines with text and url; found no such file") from error


def _collected(row: Mapping[str, object]) -> dict[str, object]:
    text, url = str(row["text"]), str(row["url"])
    parts = place_of(url).partition("/")
    return {
        "url_key": row.get("url_key") or place_of(url),
        "url": url,
        "domain": row.get("domain") or parts[0],
        "path": row.get("path") or f"/{parts[2]}",
        "snapshot": row.get("snapshot"),
        "language": row.get("language") or language_of(text),
        "tokens": estimated_tokens(pa.array([text], pa.large_string()))[0].as_py(),
        "origin": "seed",
        "text": text,
        "warc_file": row.get("warc_file"),
        **{name: row.get(name) for name in ("warc_offset", "digest", "charset", "truncated")},
    }


def language_of(text: str) -> str:
    """Chinese or English, for seed files that do not say: the languages of the paper's corpus."""
    sample = text[:4000]
    han = sum("\u4e00" <= character <= "\u9fff" for character in sample)
    return "zh" if han > 0.1 * len(sample) else "en"

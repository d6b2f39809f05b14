"""Lists of URLs, hosts, domains or URL prefixes, as sorted runs on disk in which a range of the index finds its entries.

A run holds up to a million entries in the order of Common Crawl's SURT keys, in which the columnar index is sorted: labels of
the host reversed (`org,example`), then the path. So a row group asks for one slice of each run, whatever the list's length.

    urls-00000.hosts.npy     the different hosts of the run as SURT, fixed-width bytes, sorted
    urls-00000.ends.npy      where the entries of each host end
    urls-00000.hashes.npy    uint64 of each entry: of its canonical URL or its prefix; 0 where the host says all
"""

from __future__ import annotations

import gzip
import io
import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.crawl.settings import CrawlError, Kind
from pipelines.storage import atomic_file
from pipelines.urls import canonical_url, host_of, place_of_prefix

COLUMNS = {
    "urls": ("url", "uri", "link"),
    "hosts": ("host", "url_host_name", "url"),
    "domains": ("domain", "url_host_registered_domain", "host", "url"),
    "prefixes": ("prefix", "url"),
}
"""Names under which tables keep each kind; the first that a table has is read."""
ENDINGS = (".txt", ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
COMPRESSED = (".gz", ".zst")
ROWS_A_RUN = 1_000_000  # about 200 MB while it is sorted
BATCH = 10_000
WWW = re.compile(r"^www\d*\.")
ADDRESS = re.compile(r"\d+(?:\.\d+){3}$")
Hashes = npt.NDArray[np.uint64]


def host_surt(host: str) -> str:
    """A host as SURT keys begin: labels reversed, without `www.`, `www2.` ..., which Common Crawl's keys leave out."""
    return ",".join(reversed(WWW.sub("", host).split(".")))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list: its host as SURT, and what is hashed of it."""

    surt: str
    text: str


def entry_of(kind: Kind, said: str) -> Entry | None:
    """An entry as somebody wrote it, a URL or a bare name; None where no host can be read."""
    said = said.strip()
    try:
        if kind == "urls":
            text = said if "://" in said else f"https://{said}"
            parts, key = urlsplit(text), canonical_url(text)
            if parts.scheme not in ("http", "https"):
                return None
            host = host_of(parts.netloc)
        else:
            key = place_of_prefix(said) if kind == "prefixes" else ""
            host = host_of(urlsplit(said if "://" in said else f"https://{said}").netloc).lstrip(".")
    except ValueError:
        return None
    return Entry(surt=host_surt(host), text=key) if host else None


def read_entries(kind: Kind, paths: Sequence[Path]) -> Iterator[str]:
    """What the files of a list say, as written. Raises CrawlError where one cannot be read."""
    for path in paths:
        for file in _files(path):
            try:
                yield from _rows(kind, file)
            except (OSError, UnicodeDecodeError, pa.ArrowInvalid, EOFError) as error:
                raise CrawlError(f"{file}: expected a list of {kind}; found: {error}. Check the file.") from error


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if _ending(file) in ENDINGS and file.is_file())
        if not found:
            raise CrawlError(f"{path}: expected files that end in {', '.join(ENDINGS)}; found none.")
        return found
    return [path]


def _ending(path: Path) -> str:
    return Path(path.stem).suffix if path.suffix in COMPRESSED else path.suffix


def _rows(kind: Kind, file: Path) -> Iterator[str]:
    ending = _ending(file)
    if ending == ".parquet":
        yield from _parquet_rows(kind, file)
    elif ending in (".csv", ".tsv"):
        yield from _csv_rows(kind, file, "," if ending == ".csv" else "\t")
    elif ending in (".jsonl", ".ndjson"):
        yield from _json_rows(kind, file)
    else:
        with _text(file) as lines:
            yield from (line for line in lines if line.strip() and not line.startswith("#"))


def _text(file: Path) -> io.TextIOWrapper:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8")
    if file.suffix == ".zst":
        import zstandard

        return io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file.open("rb")), encoding="utf-8")
    return file.open(encoding="utf-8-sig")


def _parquet_rows(kind: Kind, file: Path) -> Iterator[str]:
    with pq.ParquetFile(file) as table:
        column = _column(kind, table.schema_arrow.names, file)
        for batch in table.iter_batches(batch_size=BATCH, columns=[column]):
            yield from (said for said in batch[column].to_pylist() if said)


def _csv_rows(kind: Kind, file: Path, delimiter: str) -> Iterator[str]:
    import csv

    with _text(file) as lines:
        table = csv.DictReader(lines, delimiter=delimiter)
        column = _column(kind, table.fieldnames or (), file)
        yield from (row[column] for row in table if row[column])


def _json_rows(kind: Kind, file: Path) -> Iterator[str]:
    """Of decisions on prefixes (`verdict`), those that say mathematics."""
    with _text(file) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise CrawlError(f"{file}:{number}: expected a JSON object a line; found {line[:80]!r}.") from error
            if isinstance(row, str):
                yield row
            elif not isinstance(row, dict):
                raise CrawlError(f"{file}:{number}: expected a text or an object; found {line[:80]!r}.")
            elif row.get("verdict", "math") == "math" and (said := row.get(_column(kind, list(row), file))):
                yield str(said)


def _column(kind: Kind, names: Sequence[str], file: Path) -> str:
    for name in COLUMNS[kind]:
        if name in names:
            return name
    found = ", ".join(map(str, names[:12])) or "none"
    raise CrawlError(
        f"{file}: expected a column {' or '.join(COLUMNS[kind])}; found {found}. Rename it, or name another file."
    )


def write_runs(folder: Path, kind: Kind, entries: Iterator[str], rows_a_run: int = ROWS_A_RUN) -> tuple[int, int]:
    """The runs of one list. Returns its entries, and how many of them name no host."""
    surts: list[str] = []
    texts: list[str] = []
    total = unreadable = number = 0
    for said in entries:
        total += 1
        entry = entry_of(kind, said)
        if entry is None:
            unreadable += 1
            continue
        surts.append(entry.surt)
        texts.append(entry.text)
        if len(surts) >= rows_a_run:
            _write_run(folder, f"{kind}-{number:05d}", surts, texts)
            surts, texts, number = [], [], number + 1
    if surts:
        _write_run(folder, f"{kind}-{number:05d}", surts, texts)
    return total, unreadable


def _write_run(folder: Path, name: str, surts: Sequence[str], texts: Sequence[str]) -> None:
    from pipelines.key_hash import hash_strings

    hashes = hash_strings(pa.array(texts, pa.large_string()))
    keys = np.array([surt.encode() for surt in surts], dtype=np.bytes_)
    order = np.lexsort((hashes, keys))
    keys, hashes = keys[order], hashes[order]
    hosts, counts = np.unique(keys, return_counts=True)
    for part, array in (("hosts", hosts), ("ends", np.cumsum(counts)), ("hashes", hashes)):
        with atomic_file(folder / f"{name}.{part}.npy") as temporary, temporary.open("wb") as handle:
            np.save(handle, array)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a range of the index may hold of one list."""

    kind: Kind
    hosts: frozenset[str]
    """As SURT."""
    hashes: Hashes
    """Sorted."""

    def includes_host(self, surt: str) -> bool:
        """Whether pages of a host may be wanted."""
        if self.kind != "domains":
            return surt in self.hosts
        return any(surt == host or surt.startswith(host + ",") for host in _ancestors(surt) if host in self.hosts)


def _ancestors(surt: str) -> Iterator[str]:
    labels = surt.split(",")
    return (",".join(labels[:count]) for count in range(1, len(labels) + 1))


class UrlList:
    """The runs of one kind."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.kind = kind
        self._runs = [_Run(path) for path in sorted(folder.glob(f"{kind}-*.hosts.npy"))]

    def __bool__(self) -> bool:
        return bool(self._runs)

    def between(self, least: str, most: str) -> Wanted | None:
        """The entries whose pages may have SURT keys from `least` to `most`; None where there are none."""
        found = [run.between(least.encode(), most.encode()) for run in self._runs]
        hosts = frozenset(host for names, _ in found for host in names)
        if not hosts:
            return None
        return Wanted(self.kind, hosts, np.unique(np.concatenate([hashes for _, hashes in found])))


class _Run:
    def __init__(self, path: Path) -> None:
        beside = str(path).removesuffix(".hosts.npy")
        self._hosts = np.load(path, mmap_mode="r")
        self._ends = np.load(f"{beside}.ends.npy", mmap_mode="r")
        self._hashes = np.load(f"{beside}.hashes.npy", mmap_mode="r")

    def between(self, least: bytes, most: bytes) -> tuple[list[str], Hashes]:
        # Keys of a host go on with `)`, `:` (a port) or `,` (a host below it). So they lie above the host's own name;
        # and of the hosts that sort before `least`, only those that it begins with reach into the range.
        first, last = bisect_right(self._hosts, least), bisect_right(self._hosts, most)
        ranges = [(place, place + 1) for place in self._beginnings_of(least)] + [(first, last)]
        names = [bytes(host).decode() for begin, end in ranges for host in self._hosts[begin:end]]
        parts = [self._hashes[self._start(begin) : self._start(end)] for begin, end in ranges if begin < end]
        return names, np.concatenate([np.zeros(0, np.uint64), *parts])

    def _start(self, host: int) -> int:
        return int(self._ends[host - 1]) if host else 0

    def _beginnings_of(self, key: bytes) -> Iterator[int]:
        """The hosts with which a key begins."""
        while key and (place := bisect_right(self._hosts, key)):
            host = bytes(self._hosts[place - 1])
            if key.startswith(host):
                yield place - 1
                key = host[:-1]
            else:
                key = key[: _shared(key, host)]


def _shared(one: bytes, other: bytes) -> int:
    """Bytes with which both begin."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )

"""What domains and URL prefixes hold, counted over all pages: passes over their shards, and reductions by domain.

counts-*.arrow    of each task: pages, collected and formulas by domain and host, a batch for each partition
shares-*.parquet  of each partition of domains: DOMAINS
trees-*.arrow     of each task: the same by prefix, in candidate domains
chosen-*.json     of each partition: the proposed prefixes
examples-*        of each task: the pages shown of each
"""

from __future__ import annotations

import heapq
import json
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluators.executors import ExecutorSettings, run_shards
from pipelines.corpus.page_tables import NewestRows, PageShards, key_hashes
from pipelines.corpus.url_prefixes import folder_paths, segments
from pipelines.row_flags import RowFlags
from pipelines.storage import Artifact, atomic_file

DOMAINS = pa.schema(
    [
        ("domain", pa.string()),
        ("hosts", pa.int32()),
        ("pages", pa.int64()),
        ("collected", pa.int64()),
        ("share", pa.float64()),
        ("with_formulas", pa.int64()),  # pages with math markers in their HTML
        ("candidate", pa.bool_()),
    ]
)
ROWS_A_TASK = 1_000_000
ROWS_A_PARTITION = 10_000_000  # pages whose domains are counted together: their hosts are a tenth or less
SMALL = 200_000
"""Pages below which starting processes costs more than it saves."""
KINDS = ("collected", "uncollected")
PrefixCount = tuple[str, int, int, int, int]
"""Prefix, pages, collected, with formulas, with words."""
Propose = Callable[[Sequence[PrefixCount]], list[PrefixCount]]
Example = tuple[int, dict[str, str]]
"""Hash of the key, and what is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Shards of pages with the flags of what was collected."""

    pages: PageShards
    collected: tuple[Path, Path]

    def __str__(self) -> str:
        return str(self.pages)

    def tables(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """Of each shard its number and its newest rows, with `is_collected` and their place, `row`."""
        flags = RowFlags(*self.collected)
        for number, path, newest in self.pages.numbered():
            table = pq.read_table(path, columns=list(columns))
            table = table.append_column("is_collected", pa.array(flags.of_shard(number)))
            table = table.append_column("row", pa.array(np.arange(table.num_rows)))
            yield number, table.filter(pa.array(newest)).combine_chunks()


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainPasses:
    """The passes over one crawl and what was recalled of it; each leaves its files in `scratch`."""

    scratch: Path
    tasks: tuple[Task, ...]
    executor: ExecutorSettings
    rows: int

    @classmethod
    def of(cls, scratch: Path, newest: NewestRows, recalled: Artifact, executor: ExecutorSettings) -> DomainPasses:
        tasks = tuple(
            Task(
                pages=task,
                collected=(
                    recalled.file(f"collected-{task.snapshot}.bits"),
                    recalled.file(f"collected-{task.snapshot}.rows"),
                ),
            )
            for task in newest.tasks(ROWS_A_TASK)
        )
        return cls(scratch=scratch, tasks=tasks, executor=executor, rows=newest.rows)

    @property
    def partitions(self) -> int:
        return max(1, -(-self.rows // ROWS_A_PARTITION))

    def shares(self, candidate_share: float, least: int) -> list[Path]:
        """A table of DOMAINS for each partition, sorted by domain."""
        counts = self._map(partial(_count_hosts, self.partitions), "counts", "domains")
        work = partial(_share, counts, candidate_share, least)
        return self._reduce(work, "shares", "shares of domains")

    def by_domain(self, depth: int, propose: Propose) -> list[tuple[str, list[PrefixCount]]]:
        """What `propose` says of every candidate domain's prefixes. After `shares`."""
        work = partial(_count_prefixes, self.scratch, self.partitions, depth)
        trees = self._map(work, "trees", "prefixes")
        chosen = self._reduce(partial(_propose, trees, propose), "chosen", "cutting prefixes")
        return [
            (domain, [(name, *counts) for name, *counts in prefixes])
            for path in chosen
            for domain, prefixes in json.loads(path.read_bytes())
        ]

    def examples(self, prefixes: set[str], depth: int, count: int) -> dict[str, dict[str, list[dict[str, str]]]]:
        """For each prefix some of its collected and some of its other pages: those whose key hashes come first."""
        with atomic_file(self.scratch / "prefixes.pickle") as temporary:
            temporary.write_bytes(pickle.dumps(sorted(prefixes)))
        places = self._map(partial(_find_examples, self.scratch, depth, count), "places", "examples")
        first = _first_of_each(pa.concat_tables(pq.read_table(path) for path in places), count)
        with atomic_file(self.scratch / "first.parquet") as temporary:
            pq.write_table(first, temporary)
        shown = self._map(partial(_show, self.scratch), "shown", "reading examples")
        found: dict[str, dict[str, list[Example]]] = {}
        for path in shown:
            for prefix, kind, number, example in json.loads(path.read_bytes()):
                found.setdefault(prefix, {name: [] for name in KINDS})[KINDS[kind]].append((number, example))
        return {
            prefix: {
                kind: [example for _, example in heapq.nsmallest(count, held, key=itemgetter(0))]
                for kind, held in kinds.items()
            }
            for prefix, kinds in found.items()
        }

    def domains_named(self, names: set[str]) -> dict[str, float]:
        """Of some domains the share that was collected."""
        wanted = pa.array(sorted(names), pa.string())
        found: dict[str, float] = {}
        for path in self._paths("shares", self.partitions):
            table = pq.read_table(path, columns=["domain", "share"])
            table = table.filter(pc.is_in(table["domain"], wanted))
            found.update(zip(table["domain"].to_pylist(), table["share"].to_pylist(), strict=True))
        return found

    def _paths(self, kind: str, count: int) -> list[Path]:
        return [self.scratch / f"{kind}-{number:05d}" for number in range(count)]

    def _map(self, work: Callable[[Path, Task], None], kind: str, label: str) -> list[Path]:
        paths = self._paths(kind, len(self.tasks))
        self._run(work, list(zip(paths, self.tasks, strict=True)), label)
        return paths

    def _reduce(self, work: Callable[[Path, int], None], kind: str, label: str) -> list[Path]:
        paths = self._paths(kind, self.partitions)
        self._run(work, list(zip(paths, range(self.partitions), strict=True)), label)
        return paths

    def _run(self, work: Callable[..., None], jobs: Sequence[tuple[Path, object]], label: str) -> None:
        here = self.rows <= SMALL
        run_shards(partial(_into, work), jobs, self.executor, done=_is_there, label=label, here=here)


def _into(work: Callable[[Path, object], None], job: tuple[Path, object]) -> None:
    path, given = job
    with atomic_file(path) as temporary:
        work(temporary, given)


def _is_there(job: tuple[Path, object]) -> bool:
    return job[0].exists()


def _summed(table: pa.Table, keys: Sequence[str], values: Sequence[str]) -> pa.Table:
    """The sums of `values` for each of `keys`, under the same names."""
    grouped = table.group_by(list(keys), use_threads=False).aggregate([(value, "sum") for value in values])
    return grouped.rename_columns([*keys, *values] if grouped.column_names[0] == keys[0] else [*values, *keys])


def _write_partitions(path: Path, table: pa.Table, partitions: int) -> None:
    """A batch for each partition of the domains."""
    from pipelines.key_hash import hash_strings

    ends = [table.num_rows]
    if partitions > 1:
        partition = (hash_strings(table["domain"]) % np.uint64(partitions)).astype(np.int64)
        table = table.take(pa.array(np.argsort(partition, kind="stable")))
        ends = np.cumsum(np.bincount(partition, minlength=partitions)).tolist()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        for begin, end in zip([0, *ends], ends, strict=False):
            batches = table.slice(begin, end - begin).combine_chunks().to_batches()
            writer.write_batch(batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema))


def _read_partition(paths: Sequence[Path], partition: int) -> pa.Table:
    batches = []
    for path in paths:
        with pa.OSFile(str(path), "rb") as source:
            batches.append(pa.ipc.open_file(source).get_batch(partition))
    return pa.Table.from_batches(batches)


def _as_counts(flags: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(flags, False).cast(pa.int64())


def _count_hosts(partitions: int, path: Path, task: Task) -> None:
    parts = []
    for _, table in task.tables(["domain", "host", "markers"]):
        columns = {
            "domain": table["domain"],
            "host": table["host"],
            "pages": pa.array(np.ones(table.num_rows, np.int64)),
            "collected": _as_counts(table["is_collected"]),
            "with_formulas": _as_counts(pc.greater(table["markers"], 0)),
        }
        parts.append(_summed(pa.table(columns), ["domain", "host"], ["pages", "collected", "with_formulas"]))
    summed = _summed(pa.concat_tables(parts), ["domain", "host"], ["pages", "collected", "with_formulas"])
    _write_partitions(path, summed, partitions)


def _share(counts: Sequence[Path], candidate_share: float, least: int, path: Path, partition: int) -> None:
    values = ["pages", "collected", "with_formulas"]
    hosts = _summed(_read_partition(counts, partition), ["domain", "host"], values)
    hosts = hosts.append_column("hosts", pa.array(np.ones(hosts.num_rows, np.int32)))
    table = _summed(hosts, ["domain"], [*values, "hosts"]).sort_by("domain")
    pages, collected = table["pages"].to_numpy(), table["collected"].to_numpy()
    columns = {name: table[name] for name in ("domain", *values)} | {
        "hosts": table["hosts"].cast(pa.int32()),
        "share": pa.array(collected / pages),
        "candidate": pa.array((collected > candidate_share * pages) & (collected >= least)),
    }
    pq.write_table(pa.table({name: columns[name] for name in DOMAINS.names}, schema=DOMAINS), path)


@lru_cache(maxsize=1)
def _candidates(scratch: Path) -> pa.Array:
    names = [
        pq.read_table(path, filters=[("candidate", "=", True)])["domain"] for path in sorted(scratch.glob("shares-*"))
    ]
    return pa.chunked_array([chunk for name in names for chunk in name.chunks], pa.string()).combine_chunks()


def _candidate_rows(scratch: Path, task: Task, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
    """The newest rows of candidate domains, with the path that stands for their folder's."""
    for number, table in task.tables(["domain", "host", "path", *columns]):
        rows = table.filter(pc.is_in(table["domain"], _candidates(scratch))).combine_chunks()
        yield number, rows.set_column(rows.column_names.index("path"), "path", folder_paths(rows["path"]))


def _count_prefixes(scratch: Path, partitions: int, depth: int, path: Path, task: Task) -> None:
    values, parts = ["pages", "collected", "formulas", "words"], []
    for _, rows in _candidate_rows(scratch, task, ["markers", "words"]):
        columns = {name: rows[name] for name in ("domain", "host", "path")} | {
            "pages": pa.array(np.ones(rows.num_rows, np.int64)),
            "collected": _as_counts(rows["is_collected"]),
            "formulas": _as_counts(pc.greater(rows["markers"], 0)),
            "words": _as_counts(rows["words"]),
        }
        parts.append(_summed(pa.table(columns), ["domain", "host", "path"], values))
    folders = _summed(pa.concat_tables(parts), ["domain", "host", "path"], values)
    places = zip(folders["host"].to_pylist(), folders["path"].to_pylist(), strict=True)
    prefixes = pa.array(["/".join(segments(host, inner, depth)) for host, inner in places], pa.string())
    table = pa.table({"domain": folders["domain"], "prefix": prefixes, **{name: folders[name] for name in values}})
    _write_partitions(path, _summed(table, ["domain", "prefix"], values), partitions)


def _propose(trees: Sequence[Path], propose: Propose, path: Path, partition: int) -> None:
    values = ["pages", "collected", "formulas", "words"]
    table = _summed(_read_partition(trees, partition), ["domain", "prefix"], values)
    table = table.sort_by([("domain", "ascending"), ("prefix", "ascending")]).select(["domain", "prefix", *values])
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    found = [(domain, propose([row[1:] for row in group])) for domain, group in groupby(rows, key=itemgetter(0))]
    path.write_text(json.dumps([entry for entry in found if entry[1]], ensure_ascii=False), encoding="utf-8")


@lru_cache(maxsize=1)
def _prefixes(scratch: Path) -> dict[str, int]:
    names: list[str] = pickle.loads((scratch / "prefixes.pickle").read_bytes())
    return {name: number for number, name in enumerate(names)}


def _prefix_numbers(rows: pa.Table, known: Mapping[str, int], depth: int) -> npt.NDArray[np.int64]:
    """For each row the number of the longest of the known prefixes that it lies under; -1: under none."""
    coded = pc.binary_join_element_wise(rows["host"], rows["path"], "\0").combine_chunks().dictionary_encode()
    numbers = np.full(len(coded.dictionary), -1, np.int64)
    for place, name in enumerate(coded.dictionary.to_pylist()):
        host, _, inner = name.partition("\0")
        parts = segments(host, inner, depth)
        found = (known.get("/".join(parts[:count])) for count in range(len(parts), 0, -1))
        numbers[place] = next((number for number in found if number is not None), -1)
    chosen: npt.NDArray[np.int64] = numbers[coded.indices.to_numpy()]
    return chosen


def _find_examples(scratch: Path, depth: int, count: int, path: Path, task: Task) -> None:
    """Of each prefix and kind the first pages of the task by the hash of their keys, and where they are."""
    parts = []
    for number, rows in _candidate_rows(scratch, task, ["url_key"]):
        prefix = _prefix_numbers(rows, _prefixes(scratch), depth)
        rows = rows.filter(pa.array(prefix >= 0))
        columns = {
            "prefix": pa.array(prefix[prefix >= 0]),
            "kind": pc.if_else(rows["is_collected"], 0, 1).cast(pa.int8()),
            "hash": pa.array(key_hashes(rows["url_key"].to_pylist())),
            "task": pa.array([task.pages.name] * rows.num_rows, pa.string()),
            "shard": pa.array(np.full(rows.num_rows, number, np.int32)),
            "row": rows["row"],
        }
        parts.append(_first_of_each(pa.table(columns), count))
    pq.write_table(_first_of_each(pa.concat_tables(parts), count), path)


def _first_of_each(table: pa.Table, count: int) -> pa.Table:
    """The rows of each prefix and kind with the lowest hashes, in the order of those three."""
    table = table.sort_by([("prefix", "ascending"), ("kind", "ascending"), ("hash", "ascending")]).combine_chunks()
    group = table["prefix"].to_numpy() * 2 + table["kind"].to_numpy()
    starts = np.searchsorted(group, group, side="left")
    return table.filter(pa.array(np.arange(len(group)) - starts < count))


def _show(scratch: Path, path: Path, task: Task) -> None:
    """What is shown of the examples that lie in the task's shards."""
    names = {number: name for name, number in _prefixes(scratch).items()}
    first = pq.read_table(scratch / "first.parquet", filters=[("task", "=", task.pages.name)])
    shown = []
    for number, shard in enumerate(task.pages.paths, task.pages.first):
        mine = first.filter(pc.equal(first["shard"], number)).sort_by("row")
        if not mine.num_rows:
            continue
        rows = _rows_at(shard, mine["row"].to_numpy(), ["url", "title", "text"])
        for place, row in zip(mine.to_pylist(), rows, strict=True):
            example = {"url": row["url"], "title": row["title"] or "", "text": _excerpt(row["text"] or "")}
            shown.append((names[place["prefix"]], place["kind"], place["hash"], example))
    path.write_text(json.dumps(shown, ensure_ascii=False), encoding="utf-8")


def _rows_at(shard: Path, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> Iterator[dict[str, str | None]]:
    """Rows of a shard by their place, rising; only row groups that hold one are read."""
    first = 0
    with pq.ParquetFile(shard) as file:
        for group in range(file.num_row_groups):
            last = first + file.metadata.row_group(group).num_rows
            here = rows[np.searchsorted(rows, first) : np.searchsorted(rows, last)]
            if len(here):
                yield from file.read_row_group(group, columns=list(columns)).take(pa.array(here - first)).to_pylist()
            first = last


def _excerpt(text: str) -> str:
    """300 characters at most, from where the menus have usually ended."""
    from pipelines.corpus.normalisation import body, excerpt

    return excerpt(body(text[:40_000]), 300)


def write_domain_table(folder: Path, shares: Sequence[Path]) -> dict[str, int]:
    """domains.parquet: the partitions' tables one after the other; how many there are, and how many candidates."""
    domains = candidates = 0
    with (
        atomic_file(folder / "domains.parquet") as temporary,
        pq.ParquetWriter(temporary, DOMAINS, compression="zstd") as writer,
    ):
        for table in map(pq.read_table, shares) if shares else [DOMAINS.empty_table()]:
            writer.write_table(table.combine_chunks())
            domains += table.num_rows
            candidates += pc.sum(table["candidate"]).as_py() or 0
    return {"domains": domains, "candidates": candidates}


def top_domains(folder: Path, count: int = 10) -> list[str]:
    """The domains of which most pages were collected."""
    table = pq.read_table(folder / "domains.parquet", columns=["domain", "collected"])
    table = table.filter(pc.greater(table["collected"], 0))
    order = pc.select_k_unstable(table, count, [("collected", "descending"), ("domain", "ascending")])
    names: list[str] = table.take(order)["domain"].to_pylist()
    return names

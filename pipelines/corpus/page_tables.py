"""Reading what the crawl stored, and writing tables whose bytes depend on their rows alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluators.errors import MathsieveError
from pipelines.row_flags import Flags, RowFlags, consecutive
from pipelines.storage import Artifact, StorageError, atomic_file

BATCH = 2_000
"""Rows held at once: about 20 MB of cheap text."""
BYTES_PER_TOKEN = 4
"""UTF-8 bytes for one token: 4 of English, a little over one Chinese character (LLaMA-like vocabularies)."""


class CorpusError(MathsieveError):
    """A stage of the corpus cannot go on; the message says what was expected, what was found, and the remedy."""


def table_shards(table: Artifact) -> list[Path]:
    """The shards of an artifact's table, without the ledger that may lie beside them."""
    return [path for path in table.files() if not path.name.startswith("ledger")]


def table_batches(table: Artifact | Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet table in stored order, a bounded number at a time."""
    for shard in table_shards(table) if isinstance(table, Artifact) else [table]:
        try:
            with pq.ParquetFile(shard) as file:
                yield from file.iter_batches(batch_size=BATCH, columns=list(columns) if columns else None)
        except pa.ArrowInvalid as error:
            raise StorageError(f"{shard}: expected a Parquet table; found: {error}. Run its stage again.") from error


def key_hashes(keys: Iterable[str]) -> npt.NDArray[np.uint64]:
    """64-bit hashes of URL keys, the same in every process: 8 bytes where a key takes a hundred."""
    from pandas.util import hash_array

    hashed: npt.NDArray[np.uint64] = hash_array(np.array(list(keys), dtype=object), categorize=False)
    return hashed


@dataclass(frozen=True, slots=True, kw_only=True)
class PageShards:
    """Consecutive shards of one snapshot's pages, and which of their rows are the newest capture of their URL: what a task
    is given."""

    snapshot: str
    first: int
    """Number of the first of them among the snapshot's."""
    paths: tuple[Path, ...]
    newest: tuple[Path, Path]
    """The two files of the flags."""
    rows: int

    def __str__(self) -> str:
        return f"{self.snapshot}, {self.paths[0].name} to {self.paths[-1].name}"

    @property
    def name(self) -> str:
        return f"{self.snapshot}-{self.first:05d}"

    def numbered(self) -> Iterator[tuple[int, Path, Flags]]:
        """Each shard with its number and the flags of its rows."""
        flags = RowFlags(*self.newest)
        for number, path in enumerate(self.paths, self.first):
            yield number, path, flags.of_shard(number)


class NewestRows:
    """Of all snapshots' pages, the one row for each URL that the URL index calls the newest."""

    def __init__(self, pages: Mapping[str, Artifact], url_index: Artifact) -> None:
        self.pages = {snapshot: table_shards(pages[snapshot]) for snapshot in sorted(pages)}
        self._files = {
            snapshot: (url_index.file(f"newest-{snapshot}.bits"), url_index.file(f"newest-{snapshot}.rows"))
            for snapshot in self.pages
        }
        self._rows = {snapshot: RowFlags(*files).rows.tolist() for snapshot, files in self._files.items()}
        for snapshot, shards in self.pages.items():
            if len(shards) != len(self._rows[snapshot]):
                raise StorageError(
                    f"{url_index.location}: expected flags for the {len(shards)} shards of {snapshot}; found those of "
                    f"{len(self._rows[snapshot])}. Make url_index again."
                )

    def tasks(self, rows_a_task: int) -> list[PageShards]:
        """All shards, in order, cut into tasks of about so many rows and one shard at least."""
        return [
            PageShards(
                snapshot=snapshot,
                first=first,
                paths=tuple(shards[first:last]),
                newest=self._files[snapshot],
                rows=sum(self._rows[snapshot][first:last]),
            )
            for snapshot, shards in self.pages.items()
            for first, last in consecutive(self._rows[snapshot], rows_a_task)
        ]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of the newest captures, snapshot by snapshot in name order."""
        for task in self.tasks(1):
            for _, path, flags in task.numbered():
                yield from flagged_batches(path, flags, columns)

    def rows_of(self, snapshot: str) -> list[int]:
        """Rows of each shard, newest or not."""
        return list(self._rows[snapshot])

    @property
    def rows(self) -> int:
        return sum(map(sum, self._rows.values()))


def flagged_batches(path: Path, flags: Flags, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The flagged rows of a shard, a bounded number at a time."""
    first = 0
    for batch in table_batches(path, columns):
        yield batch.filter(pa.array(flags[first : first + batch.num_rows]))
        first += batch.num_rows


_NONE: npt.NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)


def sorted_keys(table: Artifact, without_origin: str | None = None) -> npt.NDArray[np.uint64]:
    """The hashes of a table's URL keys, sorted, for `is_among`; without the rows of one origin, where it is given."""
    columns = ["url_key"] if without_origin is None else ["url_key", "origin"]
    parts = []
    for batch in table_batches(table, columns):
        rows = batch if without_origin is None else batch.filter(pc.not_equal(batch["origin"], without_origin))
        parts.append(key_hashes(rows["url_key"].to_pylist()))
    return np.sort(np.concatenate(parts)) if parts else _NONE


def is_among(hashes: npt.NDArray[np.uint64], known: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Which of `hashes` are in the sorted array `known`."""
    if not len(known):
        return np.zeros(len(hashes), dtype=np.bool_)
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    found: npt.NDArray[np.bool_] = known[places] == hashes
    return found


def estimated_tokens(text: pa.Array) -> pa.Array:
    """Tokens of each text, estimated from its UTF-8 bytes; 0 for null."""
    size = pc.fill_null(pc.binary_length(text.cast(pa.large_binary())), 0)
    return pc.divide(pc.add(size, BYTES_PER_TOKEN - 1), BYTES_PER_TOKEN).cast(pa.int32())


class TableWriter:
    """Writes rows of one schema to Parquet shards of at most `rows` rows: same rows, same bytes."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema, rows: int = 200_000) -> None:
        self._folder, self._name, self._schema, self._limit = folder, name, schema, rows
        self._held: list[pa.Table] = []
        self._rows = self._shards = 0
        self.rows = 0

    def write(self, rows: pa.Table | pa.RecordBatch | Sequence[Mapping[str, object]]) -> None:
        """Add rows; a table's columns are selected and cast by the schema's names."""
        table = self._as_table(rows)
        while table.num_rows:
            part = table.slice(0, self._limit - self._rows)
            self._held.append(part)
            self._rows += part.num_rows
            self.rows += part.num_rows
            table = table.slice(part.num_rows)
            if self._rows == self._limit:
                self._flush()

    def close(self) -> int:
        """Write what is held; an empty table is one empty shard, so that its schema can be read. The rows written."""
        if self._rows or not self._shards:
            self._flush()
        return self.rows

    def _as_table(self, rows: pa.Table | pa.RecordBatch | Sequence[Mapping[str, object]]) -> pa.Table:
        if isinstance(rows, pa.RecordBatch):
            rows = pa.Table.from_batches([rows])
        if not isinstance(rows, pa.Table):
            return pa.Table.from_pylist([dict(row) for row in rows], schema=self._schema)
        return rows.select(self._schema.names).cast(self._schema)

    def _flush(self) -> None:
        table = pa.concat_tables(self._held) if self._held else self._schema.empty_table()
        with atomic_file(self._folder / f"{self._name}-{self._shards:05d}.parquet") as temporary:
            pq.write_table(table, temporary, compression="zstd", row_group_size=20_000)
        self._shards += 1
        self._held, self._rows = [], 0


def hand_on(folder: Path, previous: Artifact) -> None:
    """The previous artifact's files as this one's: what a converged iteration costs."""
    for path in previous.files("*"):
        with atomic_file(folder / path.name) as temporary:
            temporary.write_bytes(path.read_bytes())

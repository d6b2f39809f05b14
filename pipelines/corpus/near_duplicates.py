"""Near-duplicates: MinHash signatures find candidates, their shingles decide; the best copy of a cluster is kept.

Out of core: signatures and shingle hashes go to flat files, one band of the signatures is sorted at a time, and the
shingles of a candidate pair are read through a memory map. A pair counts by its exact Jaccard similarity, so neither
the number of processes nor the luck of a hash decides what is a duplicate.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field
from tqdm import tqdm

from evaluators.executors import LOCAL, ExecutorSettings, run_shards
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.corpus.normalisation import WORD
from pipelines.corpus.page_tables import TableWriter, table_batches, table_shards
from pipelines.storage import Artifact, Json, atomic_file
from pipelines.word_hash import word_hash

CLUSTERS = pa.schema(
    [
        ("row", pa.int64()),  # of the extracted table
        ("url_key", pa.string()),
        ("cluster", pa.int64()),  # the smallest row in it
        ("cluster_size", pa.int32()),
        ("kept", pa.bool_()),  # the best copy
        ("kept_url_key", pa.string()),
    ]
)
SMALL = 500
"""Documents below which starting processes costs more than it saves."""
MAPS = 256
"""Files of shingles that are mapped at once; a process may usually open 1,024."""
ALL_PAIRS = 64
"""Members of a bucket that are all compared; of a larger one, each with one of every cluster in it."""


class NearDuplicateSettings(Settings):
    """What a near-duplicate is, and how hard it is looked for."""

    threshold: float = Field(
        default=0.8, gt=0, le=1
    )  # Jaccard of word 5-grams; the usual one (e.g. GPT-3, FineWeb 0.75)
    shingle: int = Field(default=5, ge=1)  # words; datatrove's default
    bands: int = Field(default=21, ge=1)  # 21 x 6: a pair at 0.8 shares a band with probability 0.998
    rows: int = Field(default=6, ge=1)  # hashes in a band


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """What decides which copy is best: a whole page before a truncated one, then formulas, then length."""

    url_key: str
    whole: bool
    formulas: int
    length: int
    snapshot: str


def write_near_duplicates(
    folder: Path, settings: NearDuplicateSettings, *, extracted: Artifact, executor: ExecutorSettings = LOCAL
) -> dict[str, Json]:
    """Fill `folder` with clusters-*.parquet (CLUSTERS), one row for each extracted document, in order."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    parts = _sign(scratch, settings, extracted, executor)
    shingles = _Shingles(parts)
    roots = _Forest(len(shingles))
    pairs = 0
    for band in tqdm(range(settings.bands), desc="matching bands", disable=None):
        pairs += _link_band(_band(parts, band, settings), shingles, roots, settings)
    facts = _write_clusters(folder, extracted, roots)
    del shingles
    for path in [*scratch.iterdir()]:
        path.unlink()
    scratch.rmdir()
    return {**facts, "pairs_compared": pairs}


NEAR_DUPLICATES = Stage(
    name="near_duplicates",
    version="1",
    write=write_near_duplicates,
    settings=NearDuplicateSettings,
    inputs=("extracted",),
    description="Clusters of near-duplicates (MinHash LSH); the best copy of each is kept.",
    kinds=("parquet",),
    by_shards=True,
)


def shingle_hashes(text: str, size: int) -> npt.NDArray[np.uint64]:
    """The distinct hashes of a text's word n-grams, sorted; Chinese counts by character. A shorter text is one shingle."""
    words = WORD.findall(text.lower().replace("\0", " "))
    if not words:
        return np.zeros(0, np.uint64)
    hashes = np.fromiter(map(_word_hashes.__getitem__, words), np.uint64, len(words))
    size = min(size, len(words))
    running = hashes[: len(hashes) - size + 1].copy()
    for offset in range(1, size):
        running = running * _MULTIPLIER + hashes[offset : len(hashes) - size + 1 + offset]
    running ^= running >> np.uint64(29)
    return np.unique(running * _FINAL)


_MULTIPLIER, _FINAL = np.uint64(6364136223846793005), np.uint64(0xBF58476D1CE4E5B9)  # Knuth's MMIX; splitmix64


class _WordHashes(dict[str, int]):
    """Word -> hash, remembered: most words of a page were met before."""

    def __missing__(self, word: str) -> int:
        value = word_hash(word[:200].encode("utf-8", "replace").decode()) * 0x9E3779B97F4A7C15 + len(word)
        value &= 0xFFFFFFFFFFFFFFFF
        if len(self) < 2_000_000:
            self[word] = value
        return value


_word_hashes = _WordHashes()


def jaccard(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> float:
    """Of two sorted sets of shingles; two empty texts share nothing that could be told."""
    if not len(left) or not len(right):
        return 0.0
    if min(len(left), len(right)) < 0.2 * max(len(left), len(right)):
        return 0.2  # an upper bound, and all that a far lower one needs
    places = np.minimum(np.searchsorted(right, left), len(right) - 1)
    shared = int((right[places] == left).sum())
    return shared / (len(left) + len(right) - shared)


def _sign(
    scratch: Path, settings: NearDuplicateSettings, extracted: Artifact, executor: ExecutorSettings
) -> list[Path]:
    """Band keys and shingles of each shard of the table, in its order."""
    shards = table_shards(extracted)
    total = sum(pq.read_metadata(shard).num_rows for shard in shards)
    jobs = [(shard, scratch / f"part-{number:06d}") for number, shard in enumerate(shards)]
    work = partial(_sign_part, settings)
    run_shards(work, jobs, executor, done=_is_signed, label="signing", here=total <= SMALL)
    return [part for _, part in jobs]


def _is_signed(job: tuple[Path, Path]) -> bool:
    return job[1].with_suffix(".ends").exists()


def _sign_part(settings: NearDuplicateSettings, job: tuple[Path, Path]) -> None:
    """Of one shard: <part>.bands (uint64, bands x documents), .shingles and .ends (int64), the texts of a batch at a time."""
    shard, part = job
    ends, size, keys = [np.zeros(0, np.int64)], 0, [np.zeros((0, settings.bands), np.uint64)]
    with (
        atomic_file(part.with_suffix(".bands")) as bands,
        atomic_file(part.with_suffix(".shingles")) as shingles,
        bands.open("wb") as band_file,
        shingles.open("wb") as shingle_file,
    ):
        for texts in _texts(shard):
            flat, lengths, signatures = _signed(texts, settings)
            keys.append(signatures)
            shingle_file.write(flat.tobytes())
            ends.append(lengths + size)
            size += len(flat)
        band_file.write(np.ascontiguousarray(np.concatenate(keys).T).tobytes())
    with atomic_file(part.with_suffix(".ends")) as temporary:
        temporary.write_bytes(np.concatenate(ends).tobytes())


def _texts(shard: Path) -> Iterator[list[str | None]]:
    with pq.ParquetFile(shard) as file:
        for batch in file.iter_batches(batch_size=1_000, columns=["text"]):
            yield batch["text"].to_pylist()


def _signed(
    texts: Sequence[str | None], settings: NearDuplicateSettings
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """The shingles of all texts, where each text's end, and the keys of its bands."""
    from rensa import RMinHash

    sets = [shingle_hashes(text or "", settings.shingle) for text in texts]
    ends = np.cumsum([len(found) for found in sets], dtype=np.int64) if sets else np.zeros(0, np.int64)
    flat = np.concatenate(sets) if sets else np.zeros(0, np.uint64)
    permutations = settings.bands * settings.rows
    offsets = np.concatenate(([0], ends)).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, permutations, 1)
    digests = np.array(matrix.to_rows(), dtype=np.uint64).reshape(len(sets), settings.bands, settings.rows)
    keys = np.zeros((len(sets), settings.bands), np.uint64)
    for row in range(settings.rows):
        keys = (keys ^ digests[:, :, row]) * _MULTIPLIER + _FINAL
        keys ^= keys >> np.uint64(31)
    return flat, ends, keys


def _band(parts: Sequence[Path], band: int, settings: NearDuplicateSettings) -> npt.NDArray[np.uint64]:
    """One band's keys of all documents, in order."""
    keys = []
    for part in parts:
        path = part.with_suffix(".bands")
        rows = path.stat().st_size // (8 * settings.bands)
        keys.append(np.fromfile(path, np.uint64, rows, offset=8 * rows * band))
    return np.concatenate(keys) if keys else np.zeros(0, np.uint64)


class _Shingles:
    """Each document's shingles, read from the files of its part: as many of them are open as a process may always have."""

    def __init__(self, parts: Sequence[Path]) -> None:
        self._parts = parts
        self._ends = [np.fromfile(part.with_suffix(".ends"), np.int64) for part in parts]
        self._starts = np.cumsum([0, *(len(ends) for ends in self._ends)])
        self._mapped = lru_cache(maxsize=MAPS)(self._map)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, row: int) -> npt.NDArray[np.uint64]:
        part = int(np.searchsorted(self._starts, row, side="right")) - 1
        inside, ends = row - int(self._starts[part]), self._ends[part]
        return self._mapped(part)[int(ends[inside - 1]) if inside else 0 : int(ends[inside])]

    def _map(self, part: int) -> npt.NDArray[np.uint64]:
        path = self._parts[part].with_suffix(".shingles")
        empty = path.stat().st_size == 0  # which cannot be mapped
        return np.zeros(0, np.uint64) if empty else np.memmap(path, np.uint64, "r")


class _Forest:
    """Union-find over rows; the root of a cluster is its smallest row."""

    def __init__(self, size: int) -> None:
        self.parent: npt.NDArray[np.int64] = np.arange(size)

    def find(self, row: int) -> int:
        root = row
        while self.parent[root] != root:
            root = int(self.parent[root])
        while self.parent[row] != root:
            self.parent[row], row = root, int(self.parent[row])
        return root

    def roots(self) -> npt.NDArray[np.int64]:
        """The root of every row."""
        while not np.array_equal(above := self.parent[self.parent], self.parent):
            self.parent = above
        return self.parent

    def join(self, left: int, right: int) -> None:
        low, high = sorted((self.find(left), self.find(right)))
        self.parent[high] = low


def _link_band(
    keys: npt.NDArray[np.uint64], shingles: _Shingles, roots: _Forest, settings: NearDuplicateSettings
) -> int:
    """Join the documents that share this band's key and are as similar as the threshold asks. The pairs compared."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    edges = (
        np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1], [True]))) if len(keys) else np.zeros(0, int)
    )
    compared = 0
    for start, end in itertools.pairwise(edges):
        if end - start > 1:
            for left, right in _bucket_pairs([int(row) for row in order[start:end]], roots):
                compared += 1
                if jaccard(shingles[left], shingles[right]) >= settings.threshold:
                    roots.join(left, right)
    return compared


def _bucket_pairs(rows: list[int], roots: _Forest) -> Iterator[tuple[int, int]]:
    """Pairs of a bucket that are not in one cluster yet; asked again after each join."""
    if len(rows) <= ALL_PAIRS:
        for position, right in enumerate(rows):
            for left in rows[:position]:
                if roots.find(left) != roots.find(right):
                    yield left, right
        return
    seen: list[int] = []
    for right in rows:
        for left in seen:
            if roots.find(left) == roots.find(right):
                break
            yield left, right
            if roots.find(left) == roots.find(right):
                break
        else:
            seen.append(right)


def _write_clusters(folder: Path, extracted: Artifact, roots: _Forest) -> dict[str, Json]:
    clusters = roots.roots()
    sizes = np.bincount(clusters, minlength=len(clusters))
    best: dict[int, tuple[_Document, int]] = {}
    columns = ["url_key", "truncated", "formulas", "text", "snapshot"]
    row = 0
    for batch in table_batches(extracted, columns):
        for values in batch.to_pylist():
            cluster = int(clusters[row])
            if sizes[cluster] > 1:
                document = _document(values)
                if cluster not in best or _rank(document) < _rank(best[cluster][0]):
                    best[cluster] = (document, row)
            row += 1
    writer, row = TableWriter(folder, "clusters", CLUSTERS), 0
    for batch in table_batches(extracted, ["url_key"]):
        rows = []
        for key in batch["url_key"].to_pylist():
            cluster = int(clusters[row])
            kept_key, kept_row = (best[cluster][0].url_key, best[cluster][1]) if cluster in best else (key, row)
            rows.append(
                {"row": row, "url_key": key, "cluster": cluster, "cluster_size": int(sizes[cluster])}
                | {"kept": kept_row == row, "kept_url_key": kept_key}
            )
            row += 1
        writer.write(rows)
    return {
        "rows": writer.close(),
        "clusters": len(best),
        "duplicates": row - int(np.count_nonzero(sizes)),
        "largest": int(sizes.max(initial=0)),
    }


def _document(row: dict[str, Json]) -> _Document:
    return _Document(
        url_key=row["url_key"],
        whole=row["truncated"] is None,
        formulas=row["formulas"] or 0,
        length=len(row["text"] or ""),
        snapshot=row["snapshot"] or "",
    )


def _rank(document: _Document) -> tuple[bool, int, int, int, str]:
    """The best first; the shortest URL, then its letters, among equals: mirrors tend to have longer ones."""
    return not document.whole, -document.formulas, -document.length, len(document.url_key), document.url_key

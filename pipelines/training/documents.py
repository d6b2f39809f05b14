"""Documents of a corpus as packed rows for continued pre-training, and texts held out to measure on.

A row is filled to the brim: a document that does not fit goes on in the next row, as in pre-training; each piece keeps
to itself (position ids restart), so no document sees another.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.records import PACKED
from pipelines.storage import Artifact, Json, atomic_file

ROWS_PER_GROUP = 256
DOCUMENTS_PER_CALL = 64
"""Documents tokenized at once: the tokenizer uses all cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    key: str
    """What tells pages apart: the canonical URL, or the text's own hash."""
    text: str


def read_documents(artifacts: Sequence[Artifact], seed: int) -> Iterator[Document]:
    """The documents of every table with a `text` column, in an order that `seed` fixes; one row group is held."""
    groups = [
        (path, number)
        for artifact in artifacts
        for path in artifact.files()
        if "text" in pq.read_schema(path).names
        for number in range(pq.read_metadata(path).num_row_groups)
    ]
    generator = random.Random(seed)
    generator.shuffle(groups)
    for path, number in groups:
        file = pq.ParquetFile(path)
        columns = [name for name in ("text", "url_key") if name in file.schema_arrow.names]
        rows = file.read_row_group(number, columns=columns).to_pylist()
        for row in generator.sample(rows, len(rows)):
            if row["text"]:
                text = row["text"].encode("utf-8", "replace").decode("utf-8")  # the tokenizer refuses lone surrogates
                yield Document(key=row.get("url_key") or hashlib.sha256(text.encode()).hexdigest(), text=text)


def read_worked_problems(artifact: Artifact) -> Iterator[Document]:
    """Question and solution of each row of a PROBLEMS table, as one text."""
    for path in artifact.files():
        for batch in pq.ParquetFile(path).iter_batches(columns=["id", "question", "solution", "reference"]):
            for row in batch.to_pylist():
                yield Document(key=row["id"], text=f"{row['question']}\n{row['solution'] or row['reference']}")


def is_held_out(key: str, share: float) -> bool:
    """Whether a page is kept out of training: decided by its key alone, so the same in every corpus."""
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "replace")).digest()[:8], "big") < share * 2**64


def take_bytes(documents: Iterable[Document], limit: int) -> list[Document]:
    """The first documents, up to `limit` bytes of text; the last one is cut to fit, on a character."""
    taken: list[Document] = []
    left = limit
    for document in documents:
        size = len(document.text.encode())
        text = document.text if size <= left else document.text.encode()[:left].decode("utf-8", "ignore")
        if text:
            taken.append(Document(key=document.key, text=text))
        left -= size
        if left <= 0:
            break
    return taken


def pack_documents(
    path: Path,
    documents: Iterable[Document],
    encode: Callable[[list[str]], list[list[int]]],
    *,
    context: int,
    budget: int,
) -> dict[str, Json]:
    """Write a PACKED table of at most `budget` tokens. Returns its documents, bytes and tokens.

    `encode` gives the ids of each text, with begin and end markers.
    """
    schema = PACKED.with_metadata({})
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = {"documents": 0, "bytes": 0, "tokens": 0}
    rows: list[dict[str, list[int]]] = []
    row = _empty()
    with atomic_file(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for text, ids in _encoded(documents, encode):
            if counts["tokens"] >= budget:
                break
            counts["documents"] += 1
            counts["bytes"] += len(text.encode())
            for piece in _pieces(ids[: budget - counts["tokens"]], row, context):
                _append(row, piece)
                counts["tokens"] += len(piece)
                if len(row["input_ids"]) == context:
                    rows.append(row)
                    row = _empty()
            if len(rows) >= ROWS_PER_GROUP:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                rows = []
        rows += [row] if row["input_ids"] else []
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    return counts


def _encoded(
    documents: Iterable[Document], encode: Callable[[list[str]], list[list[int]]]
) -> Iterator[tuple[str, list[int]]]:
    source = iter(documents)
    while batch := [document.text for document in islice(source, DOCUMENTS_PER_CALL)]:
        yield from zip(batch, encode(batch), strict=True)


def _pieces(ids: Sequence[int], row: dict[str, list[int]], context: int) -> Iterator[Sequence[int]]:
    """A document's ids in pieces: the first fills what is left of the row, the others a row each."""
    room = context - len(row["input_ids"])
    if ids:
        yield ids[:room]
    for start in range(room, len(ids), context):
        yield ids[start : start + context]


def _append(row: dict[str, list[int]], piece: Sequence[int]) -> None:
    row["input_ids"] += piece
    row["labels"] += piece
    row["position_ids"] += range(len(piece))
    row["seq_lengths"].append(len(piece))


def _empty() -> dict[str, list[int]]:
    return {"input_ids": [], "labels": [], "position_ids": [], "seq_lengths": []}

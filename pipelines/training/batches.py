"""Rows of tokens as tensors: packed rows of a PACKED table, and single sequences drawn from a policy.

A row may hold several examples. Each restarts `position_ids` at 0, and attention never crosses that border: the model
sees `position_ids` and no mask, from which transformers keeps the examples apart (sdpa) or FlashAttention does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import torch
from torch import Tensor

from pipelines.training.rows import IGNORED, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows side by side, padded; and the scored tokens of all of them in one line.

    A padding token is an example of its own (position 0), so it neither sees nor is seen.
    """

    input_ids: Tensor  # [rows, width]
    position_ids: Tensor  # [rows, width]
    scored: Tensor  # [tokens], index into the flattened [rows * width] of each token that is predicted
    sequence: Tensor  # [tokens], the sequence of each: 0, 1, ... in the order of rows
    sequences: int  # that have at least one scored token

    def to(self, device: torch.device) -> Batch:
        return Batch(
            input_ids=self.input_ids.to(device),
            position_ids=self.position_ids.to(device),
            scored=self.scored.to(device),
            sequence=self.sequence.to(device),
            sequences=self.sequences,
        )


def batch_of(rows: Sequence[Row], *, flat: bool = False) -> Batch:
    """A batch of rows. `flat` lays them end to end in one row without padding, which FlashAttention needs."""
    width = sum(len(row.input_ids) for row in rows) if flat else max(len(row.input_ids) for row in rows)
    shape = (1, width) if flat else (len(rows), width)
    input_ids, position_ids = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    flat_ids, flat_positions = input_ids.view(-1), position_ids.view(-1)
    scored: list[int] = []
    sequence: list[int] = []
    sequences = 0
    offset = 0
    for row in rows:
        length = len(row.input_ids)
        flat_ids[offset : offset + length] = torch.as_tensor(row.input_ids)
        flat_positions[offset : offset + length] = torch.as_tensor(row.position_ids)
        for example in row.examples():
            places = [i for i in range(example.start + 1, example.stop) if row.labels[i] != IGNORED]
            scored += [offset + i for i in places]
            sequence += [sequences] * len(places)
            sequences += bool(places)
        offset += length if flat else width
    return Batch(
        input_ids=input_ids,
        position_ids=position_ids,
        scored=torch.tensor(scored, dtype=torch.long),
        sequence=torch.tensor(sequence, dtype=torch.long),
        sequences=sequences,
    )


def micro_batches(rows: Sequence[Row], tokens: int) -> list[list[int]]:
    """Indices of rows in groups that hold at most `tokens` tokens with padding; longest first, so memory shows early.

    A row longer than `tokens` is a group of its own.
    """
    order = sorted(range(len(rows)), key=lambda i: (-len(rows[i].input_ids), i))
    groups: list[list[int]] = []
    width = 0
    for index in order:
        if groups and (len(groups[-1]) + 1) * width <= tokens:
            groups[-1].append(index)
        else:
            groups.append([index])
            width = len(rows[index].input_ids)
    return groups


class PackedRows:
    """The rows of a PACKED table by number, in bounded memory: one row group of the Parquet shards at a time is held."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._groups: list[tuple[Path, int, int]] = []  # file, row group, rows
        for path in files:
            metadata = pq.read_metadata(path)
            self._groups += [(path, g, metadata.row_group(g).num_rows) for g in range(metadata.num_row_groups)]
        self._cached: tuple[int, list[dict[str, list[int]]]] | None = None

    def __len__(self) -> int:
        return sum(rows for _, _, rows in self._groups)

    def order(self, seed: int) -> Iterator[Row]:
        """Rows without end, each epoch in a new order that `seed` fixes: groups are shuffled, then rows inside them."""
        epoch = 0
        while True:
            generator = random.Random(f"{seed}/{epoch}")
            groups = list(range(len(self._groups)))
            generator.shuffle(groups)
            for group in groups:
                rows = self._rows(group)
                for index in generator.sample(range(len(rows)), len(rows)):
                    yield Row(**rows[index])
            epoch += 1

    def _rows(self, group: int) -> list[dict[str, list[int]]]:
        if self._cached is None or self._cached[0] != group:
            path, number, _ = self._groups[group]
            table = pq.ParquetFile(path).read_row_group(number, columns=["input_ids", "labels", "position_ids"])
            self._cached = (group, table.to_pylist())
        return self._cached[1]

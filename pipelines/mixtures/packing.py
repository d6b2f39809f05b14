"""Examples become rows of tokens up to the context length (§3.2: "randomly concatenated").

    <folder>/packed-00000.parquet    PACKED: input_ids, labels (-100 where no loss is taken), position_ids, seq_lengths

No example is split. Loss is taken on what the model writes: not on prompts and not on the output of its programs, which
the harness injects. Position ids restart with each example, so that attention is kept inside it, or run on through the row.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field

from evaluators.errors import MathsieveError
from evaluators.models.prompting import beginning_ids
from evaluators.progress import report_progress
from evaluators.records import Settings
from evaluators.stages import Stage
from pipelines.example_text import TEXT_COLUMNS, example_text
from pipelines.figures import PackedFacts
from pipelines.mixtures.source import write_rows
from pipelines.records import PACKED
from pipelines.storage import Artifact, Json

INJECTED = re.compile(r"```output(\n.*?\n?```\n?)", re.DOTALL)
"""The harness writes what follows "```output", at which generation stops; that word itself the model has to learn."""
NO_LOSS = -100
ROWS_PER_SHARD = 512
BATCH = 1000
"""Examples tokenized at once."""


class PackingError(MathsieveError):
    """The mixture cannot be packed; the message names the remedy."""


class PackingSettings(Settings):
    """How rows are filled."""

    context: int = Field(default=4096, gt=0)  # §3.2: "a maximum context length of 4K tokens"
    strategy: Literal["best_fit", "random"] = "best_fit"
    """`random`: in random order, a row closed when the next example does not fit (the paper's, as far as it says).
    `best_fit`: longest first, each into the fullest row that has room: same examples, less empty room."""
    attention: Literal["within", "across"] = "within"
    """`across`: position ids run on through a row, so that an example sees those before it, as in plain concatenation (the
    paper's, which names no mask). `within`: they restart, and it sees itself alone."""
    too_long: Literal["drop", "truncate"] = "drop"
    """What becomes of examples longer than the context. A cut solution teaches to stop nowhere."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Tokenized:
    """Examples as tokens, on disk: example i is `ids[starts[i]:starts[i + 1]]`."""

    ids: NDArray[np.int32]
    trained: NDArray[np.bool_]
    starts: NDArray[np.int64]

    @property
    def lengths(self) -> list[int]:
        return [int(length) for length in np.diff(self.starts)]


def write_packed_mixture(
    folder: Path, settings: PackingSettings, *, mixture: Artifact, tokenizer_dir: Path
) -> dict[str, Json]:
    """Tokenizes the mixture and packs it. Raises PackingError."""
    tokenized, dropped = _tokenize(folder, settings, mixture, tokenizer_dir)
    lengths = tokenized.lengths
    if not lengths:
        raise PackingError(
            f"packing: expected examples of at most {settings.context} tokens; all {dropped} are longer. Raise `context`, "
            "or set `too_long: truncate`."
        )
    plan = plan_rows(lengths, settings)
    _write_rows(folder, tokenized, plan, settings)
    facts = _facts(settings, tokenized, plan, dropped)
    for path in folder.glob("*.tmp"):
        path.unlink()
    return facts


PACKED_MIXTURE = Stage(
    name="packed_mixture",
    version="3",
    write=write_packed_mixture,
    arguments=lambda settings, mixture, base_model: {"mixture": mixture, "tokenizer_dir": base_model.path},
    settings=PackingSettings,
    inputs=("mixture", "base_model"),
    facts=PackedFacts,
    description="Token rows of the context length; no loss on prompts and program output (§3.2).",
    kinds=("parquet",),
)


def plan_rows(lengths: Sequence[int], settings: PackingSettings) -> list[list[int]]:
    """Which examples share a row, in which order; every example exactly once."""
    order = list(range(len(lengths)))
    shuffle = random.Random(settings.seed)
    shuffle.shuffle(order)
    if settings.strategy == "random":
        return _next_fit(lengths, order, settings.context)
    rows = _best_fit(lengths, order, settings.context)
    shuffle.shuffle(rows)  # else training would see the long examples first
    return rows


def _next_fit(lengths: Sequence[int], order: Iterable[int], context: int) -> list[list[int]]:
    rows: list[list[int]] = []
    room = 0
    for example in order:
        if lengths[example] > room:
            rows.append([])
            room = context
        rows[-1].append(example)
        room -= lengths[example]
    return rows


def _best_fit(lengths: Sequence[int], order: Sequence[int], context: int) -> list[list[int]]:
    """Best-fit decreasing. Open rows hang in lists by their room; bit r of `rooms` says whether list r has any."""
    rows: list[list[int]] = []
    by_room: list[list[int]] = [[] for _ in range(context + 1)]
    rooms = 0
    for example in sorted(order, key=lambda index: -lengths[index]):  # stable: equal lengths stay shuffled
        length = lengths[example]
        enough = rooms >> length
        if enough:
            room = length + (enough & -enough).bit_length() - 1
            row = by_room[room].pop()
            if not by_room[room]:
                rooms &= ~(1 << room)
        else:
            room, row = context, len(rows)
            rows.append([])
        rows[row].append(example)
        left = room - length
        if left > 0:
            by_room[left].append(row)
            rooms |= 1 << left
    return rows


def efficiency(lengths: Sequence[int], rows: int, context: int) -> float:
    """Share of the rows' room that holds tokens."""
    return sum(lengths) / (rows * context) if rows else 0.0


def untrained_spans(prompt: str, response: str) -> list[tuple[int, int]]:
    """Character spans of prompt + response on which no loss is taken."""
    spans = [(0, len(prompt))]
    spans += [(len(prompt) + found.start(1), len(prompt) + found.end(1)) for found in INJECTED.finditer(response)]
    return spans


def trained_tokens(starts: Sequence[int], spans: Sequence[tuple[int, int]]) -> list[bool]:
    """Of each token, by the character that it starts at: whether loss is taken on it. Spans stand in order, apart."""
    borders = np.asarray(spans, dtype=np.int64).ravel()
    inside: NDArray[np.bool_] = np.searchsorted(borders, np.asarray(starts, dtype=np.int64), side="right") % 2 == 1
    flags: list[bool] = (~inside).tolist()
    return flags


def _tokenize(folder: Path, settings: PackingSettings, mixture: Artifact, tokenizer_dir: Path) -> tuple[Tokenized, int]:
    """All examples that fit, in two flat files that the store never publishes; and how many did not."""
    tokenizer = _tokenizer(tokenizer_dir)
    beginning, end = _special_tokens(tokenizer, tokenizer_dir)
    starts, dropped = [0], 0
    with (folder / "ids.tmp").open("wb") as ids_file, (folder / "trained.tmp").open("wb") as trained_file:
        progress = report_progress(desc="tokenized examples", unit="example")
        for batch in _batches(mixture):
            texts = [example_text(row) for row in batch]
            encoded = tokenizer(
                [one.prompt + one.response for one in texts], add_special_tokens=False, return_offsets_mapping=True
            )
            for text, ids, offsets in zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
                trained = trained_tokens([start for start, _ in offsets], untrained_spans(text.prompt, text.response))
                ids, flags = [*beginning, *ids, end], [*(False for _ in beginning), *trained, True]
                if len(ids) > settings.context:
                    dropped += settings.too_long == "drop"
                    if settings.too_long == "drop":
                        continue
                    ids, flags = ids[: settings.context], flags[: settings.context]
                ids_file.write(np.asarray(ids, dtype=np.int32).tobytes())
                trained_file.write(np.asarray(flags, dtype=np.bool_).tobytes())
                starts.append(starts[-1] + len(ids))
            progress.update(len(batch))
        progress.close()
    if starts[-1] == 0:
        return Tokenized(np.zeros(0, np.int32), np.zeros(0, np.bool_), np.zeros(1, np.int64)), dropped
    all_ids = np.memmap(folder / "ids.tmp", dtype=np.int32, mode="r")
    all_trained = np.memmap(folder / "trained.tmp", dtype=np.bool_, mode="r")
    return Tokenized(all_ids, all_trained, np.asarray(starts, dtype=np.int64)), dropped


def _tokenizer(tokenizer_dir: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(tokenizer_dir)
    except (OSError, ValueError) as error:
        raise PackingError(
            f"{tokenizer_dir}: expected a model folder with a tokenizer; found none that loads ({error}). Check the base "
            "model of the recipe."
        ) from error
    if not tokenizer.is_fast:
        raise PackingError(
            f"{tokenizer_dir}: expected a fast tokenizer (tokenizer.json), which tells where each token stands in the "
            "text; found a slow one. Convert it with transformers."
        )
    return tokenizer


def _special_tokens(tokenizer: Any, tokenizer_dir: Path) -> tuple[list[int], int]:
    """The beginning-of-sequence token, where the tokenizer puts one before prompts, and the end-of-sequence token."""
    if tokenizer.eos_token_id is None:
        raise PackingError(
            f"{tokenizer_dir}: expected the tokenizer to name an end-of-sequence token; it names none. Set `eos_token` in "
            "its tokenizer_config.json."
        )
    return beginning_ids(tokenizer), int(tokenizer.eos_token_id)


def _batches(mixture: Artifact) -> Iterator[list[Mapping[str, Any]]]:
    for path in mixture.files("examples-*.parquet"):
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=BATCH, columns=list(TEXT_COLUMNS)):
                yield batch.to_pylist()


def _write_rows(folder: Path, tokenized: Tokenized, plan: Sequence[Sequence[int]], settings: PackingSettings) -> None:
    remaining = iter(report_progress(plan, desc="packed rows", unit="row"))
    for shard in range((len(plan) + ROWS_PER_SHARD - 1) // ROWS_PER_SHARD):
        mine = list(islice(remaining, ROWS_PER_SHARD))
        path = folder / f"packed-{shard:05d}.parquet"
        if not path.exists():
            write_rows(path, [packed_row(tokenized, examples, settings) for examples in mine], PACKED)


def packed_row(
    tokenized: Tokenized, examples: Sequence[int], settings: PackingSettings
) -> dict[str, NDArray[np.int32]]:
    """These examples, one after the other, as a row of PACKED."""
    ids, labels, positions = [], [], []
    for example in examples:
        span = slice(tokenized.starts[example], tokenized.starts[example + 1])
        own, trained = tokenized.ids[span], tokenized.trained[span]
        ids.append(own)
        labels.append(np.where(trained, own, np.int32(NO_LOSS)))
        positions.append(np.arange(len(own), dtype=np.int32))
    row = np.concatenate(ids)
    across = settings.attention == "across"
    return {
        "input_ids": row,
        "labels": np.concatenate(labels),
        "position_ids": np.arange(len(row), dtype=np.int32) if across else np.concatenate(positions),
        "seq_lengths": np.array([len(own) for own in ids], dtype=np.int32),
    }


def _facts(
    settings: PackingSettings, tokenized: Tokenized, plan: Sequence[Sequence[int]], dropped: int
) -> dict[str, Json]:
    lengths = tokenized.lengths
    other = settings.model_copy(update={"strategy": "random" if settings.strategy == "best_fit" else "best_fit"})
    shares = {
        settings.strategy: efficiency(lengths, len(plan), settings.context),
        other.strategy: efficiency(lengths, len(plan_rows(lengths, other)), settings.context),
    }
    return {
        "rows": len(plan),
        "examples": len(lengths),
        "tokens": sum(lengths),
        "trained_tokens": int(np.count_nonzero(tokenized.trained)),
        "context": settings.context,
        "strategy": settings.strategy,
        "attention": settings.attention,
        "efficiency": round(shares[settings.strategy], 5),
        "efficiency_by_strategy": {name: round(share, 5) for name, share in sorted(shares.items())},
        "longest_example": max(lengths),
        "mean_example_tokens": round(sum(lengths) / len(lengths), 2),
        "too_long": dropped,
    }

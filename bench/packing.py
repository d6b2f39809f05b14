"""Packing examples into rows: ours beside TRL's `pack_dataset`, on the same token lists, turn and turn about.

    python -m bench.packing [--examples 20000] [--context 4096] [--repeats 3]

Lengths are lognormal (median 180 tokens, a tail beyond the context), as in mixtures of GSM8K, MATH and tool-integrated
solutions. Utilisation: share of the rows' room that holds tokens. Cut: examples that lost tokens or were split, of which
a split teaches to begin in the middle. Our rows also carry labels, positions and lengths; TRL's carry lengths. CPU time, median.

A second table trains a model of 40,000 parameters on both packings of templated problems, byte by byte: as many steps, of rows of
the same size, from the same beginning; the loss is that of held-out problems, each alone.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluators import templated
from pipelines.mixtures.packing import PackingSettings, Tokenized, packed_row, plan_rows

PEERS = ("bfd", "bfd_split", "wrapped")


@dataclass(frozen=True)
class Outcome:
    rows: int
    tokens: int
    cut: int
    dropped: int


def tokenized(lengths: list[int]) -> Tokenized:
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = np.arange(starts[-1], dtype=np.int32) % 49_152
    return Tokenized(ids, np.ones(len(ids), dtype=np.bool_), starts)


def ours(strategy: str, lengths: list[int], context: int) -> Outcome:
    """Examples longer than the context are left out, as the stage does by default."""
    kept = [length for length in lengths if length <= context]
    data = tokenized(kept)
    settings = PackingSettings(context=context, strategy=strategy)  # type: ignore[arg-type]
    rows = [packed_row(data, examples, settings) for examples in plan_rows(kept, settings)]
    return Outcome(len(rows), sum(len(row["input_ids"]) for row in rows), 0, len(lengths) - len(kept))


def trl(strategy: str, lists: list[NDArray[np.int32]], context: int) -> Outcome:
    import datasets
    from trl.data_utils import pack_dataset

    datasets.disable_progress_bars()
    packed = pack_dataset(datasets.Dataset.from_dict({"input_ids": lists}), context, strategy)
    tokens = sum(len(row) for row in packed["input_ids"])
    long = sum(len(one) > context for one in lists)
    if strategy == "wrapped":  # ignores boundaries: an example is cut wherever a row ends inside it
        ends = set(np.cumsum([len(one) for one in lists]).tolist())
        long = sum((row + 1) * context not in ends for row in range(len(packed) - 1))
    return Outcome(len(packed), tokens, long, 0)


def measure(runs: dict[str, Callable[[], Outcome]], repeats: int) -> dict[str, tuple[Outcome, float]]:
    """Interleaved, so that what else the machine does falls on all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    outcomes: dict[str, Outcome] = {}
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.process_time()
            outcomes[name] = run()
            seconds[name].append(time.process_time() - start)
    return {name: (outcomes[name], statistics.median(seconds[name])) for name in runs}


LOSS_CONTEXT, LOSS_EXAMPLES, LOSS_STEPS, LOSS_ROWS = 512, 300, 60, 2
"""Tokens of a row; examples that are packed; steps; rows of a step."""
Packed = list[tuple[list[int], list[int]]]
"""Token ids of a row, and the lengths of its examples."""


def byte_lists(count: int, split: str, seed: int) -> list[list[int]]:
    made = templated.generate(count, split=split, seed=seed)  # type: ignore[arg-type]
    texts = [f"{one.problem.question}\n{one.cot}".encode() for one in made]
    return [[*text[: LOSS_CONTEXT - 1], 0] for text in texts]


def packed_by_us(lists: list[list[int]], **choice: str) -> tuple[Packed, bool]:
    settings = PackingSettings.model_validate({"context": LOSS_CONTEXT, **choice})
    flat = np.concatenate([np.asarray(one, dtype=np.int32) for one in lists])
    starts = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
    data = Tokenized(flat, np.ones(len(flat), dtype=np.bool_), starts)
    rows = [packed_row(data, plan, settings) for plan in plan_rows(data.lengths, settings)]
    return [(row["input_ids"].tolist(), row["seq_lengths"].tolist()) for row in rows], settings.attention == "across"


def packed_by_trl(lists: list[list[int]], strategy: str) -> tuple[Packed, bool]:
    import datasets
    from trl.data_utils import pack_dataset

    packed = pack_dataset(datasets.Dataset.from_dict({"input_ids": lists}), LOSS_CONTEXT, strategy)
    if strategy == "wrapped":
        return [(list(row), [len(row)]) for row in packed["input_ids"]], True
    return list(zip(packed["input_ids"], packed["seq_lengths"], strict=True)), False


def heldout_loss(rows: Packed, across: bool, heldout: list[list[int]]) -> float:
    """Mean loss in nats a byte after LOSS_STEPS steps on these rows, in their order, from the beginning again where they end."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=256, hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4)
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for step in range(LOSS_STEPS):
        optimiser.zero_grad()
        for index in range(LOSS_ROWS):
            ids, lengths = rows[(step * LOSS_ROWS + index) % len(rows)]
            positions = list(range(len(ids))) if across else [place for length in lengths for place in range(length)]
            labels = list(ids)
            for start in np.cumsum([0, *lengths[:-1]]).tolist():
                labels[start] = -100
            out = model(
                input_ids=torch.tensor([ids]), position_ids=torch.tensor([positions]), labels=torch.tensor([labels])
            )
            (out.loss / LOSS_ROWS).backward()
        optimiser.step()
    with torch.no_grad():
        losses = [model(input_ids=torch.tensor([one]), labels=torch.tensor([one])).loss.item() for one in heldout]
    return statistics.mean(losses)


def print_losses(with_trl: bool) -> None:
    lists, heldout = byte_lists(LOSS_EXAMPLES, "train", 1), byte_lists(60, "test", 2)
    made = {
        "mathsieve best_fit": packed_by_us(lists),
        "mathsieve random": packed_by_us(lists, strategy="random"),
        "mathsieve random, attention across": packed_by_us(lists, strategy="random", attention="across"),
    }
    if with_trl:
        made |= {f"trl {strategy}": packed_by_trl(lists, strategy) for strategy in ("bfd", "wrapped")}
    print("\n| packer | rows | held-out loss, nats a byte |\n| --- | ---: | ---: |")
    for name, (rows, across) in made.items():
        print(f"| {name} | {len(rows):,} | {heldout_loss(rows, across, heldout):.4f} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--loss", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    draw, context = random.Random(0), arguments.context
    lengths = [max(8, int(draw.lognormvariate(5.2, 0.9))) for _ in range(arguments.examples)]
    lists = [np.arange(length, dtype=np.int32) for length in lengths]
    runs: dict[str, Callable[[], Outcome]] = {
        f"mathsieve {name}": lambda name=name: ours(name, lengths, context) for name in ("best_fit", "random")
    }
    try:
        import trl as _trl  # noqa: F401  # only whether it is installed
    except ImportError:
        print("trl is not installed: its rows are missing. pip install -e '.[training]'", file=sys.stderr)
    else:
        runs |= {f"trl {name}": lambda name=name: trl(name, lists, context) for name in PEERS}
    with tempfile.TemporaryDirectory() as folder:
        import os

        os.environ["HF_DATASETS_CACHE"] = str(Path(folder))  # nothing is left behind
        found = measure(runs, arguments.repeats)
    print("| packer | rows | utilisation | examples cut | left out | CPU s | examples/s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, (outcome, seconds) in found.items():
        share = outcome.tokens / (outcome.rows * context)
        print(
            f"| {name} | {outcome.rows:,} | {share:.2%} | {outcome.cut:,} | {outcome.dropped:,} | {seconds:.2f} "
            f"| {len(lengths) / seconds:,.0f} |"
        )
    if arguments.loss:
        print_losses(with_trl=len(runs) > 2)
    return 0


if __name__ == "__main__":
    sys.exit(main())

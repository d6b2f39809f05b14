"""Packing examples into rows: ours beside TRL's `pack_dataset`, on the same token lists, turn and turn about.

    python -m bench.packing [--examples 20000] [--context 4096] [--repeats 3]

Lengths are lognormal (median 180 tokens, a tail beyond the context), as in mixtures of GSM8K, MATH and tool-integrated
solutions. Utilisation: share of the rows' room that holds tokens. Cut: examples that lost tokens or were split, of which
a split teaches to begin in the middle. Our rows also carry labels and positions; TRL's carry lengths. CPU time, median.
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

from pipelines.mixtures.packing import PackingSettings, Tokenized, _packed, plan_rows

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
    plan = plan_rows(kept, PackingSettings(context=context, strategy=strategy))  # type: ignore[arg-type]
    rows = [_packed(data, examples) for examples in plan]
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=3)
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
    return 0


if __name__ == "__main__":
    sys.exit(main())

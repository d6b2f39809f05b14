"""Time and memory of mixing, packing and the report as the mixture grows: peak memory, and seconds against a quarter of the rows.

    python -m bench.mixture_scale [--rows 776000] [--parts 4] [--keep FOLDER]

Rows are templated problems, repeated with other numbers; the tokenizer is a byte-level BPE trained on them. Each size runs in a
process of its own. No benchmark is compared with: what that costs grows with the rows alone. FOLDER gets the report of the
largest.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evaluators import templated
from pipelines.example_text import example_messages
from pipelines.mixtures.mixing import MixtureSettings, write_sft_mixture
from pipelines.mixtures.packing import PackingSettings, write_packed_mixture
from pipelines.records import EXAMPLES
from pipelines.reports.mixture import write_mixture_report
from pipelines.storage import Artifact, Store

BATCH = 10_000
SEEDS = 2_000
"""Templated problems whose numbers are changed."""


def changed_rows(count: int) -> Iterator[dict[str, Any]]:
    """Numbers of several digits take the place of a problem's own, so that no two rows are the same."""
    made = templated.generate(SEEDS, split="train", seed=3)
    for number in range(count):
        one, draw = made[number % SEEDS], random.Random(number)
        problem, answer = _changed(one.problem.question, draw), _changed(one.cot, draw)
        yield {
            **dict.fromkeys(EXAMPLES.names),
            "id": f"scale/{number}",
            "problem_id": f"scale/{number}",
            "problem": problem,
            "messages": example_messages(problem, answer, "cot"),
            "form": "cot",
            "language": "en",
            "field": one.problem.subject,
            "subject": one.problem.subject,
            "source": "scale",
            "verification": "answer",
            "flaws": [],
        }


def _changed(text: str, draw: random.Random) -> str:
    return re.sub(r"\d+", lambda _: str(draw.randrange(10, 10**6)), text)


def source_of(store: Store, count: int) -> Artifact:
    def write(folder: Path) -> dict[str, int]:
        rows = changed_rows(count)
        for shard in range(-(-count // BATCH)):
            batch = [row for row, _ in zip(rows, range(min(BATCH, count - shard * BATCH)), strict=False)]
            path = folder / f"examples-{shard:05d}.parquet"
            pq.write_table(pa.Table.from_pylist(batch, schema=EXAMPLES), path, compression="zstd", row_group_size=1024)
        return {"rows": count}

    return store.build({"name": "scale", "settings": count}, write)


def tokenizer_in(folder: Path) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=4000, special_tokens=["<end>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    texts = (f"{one.problem.question}\n{one.cot}" for one in templated.generate(SEEDS, split="train", seed=3))
    tokenizer.train_from_iterator(texts, trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>").save_pretrained(folder)
    return folder


def measure(rows: int, place: Path, keep: Path | None) -> dict[str, float]:
    """In this process: what mixing, packing and the report take after the source is there."""
    store = Store(place / "store")
    source = source_of(store, rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, cpu = time.perf_counter(), time.process_time()
    mixture = store.build(
        {"name": "mixture", "settings": rows},
        lambda folder: write_sft_mixture(
            folder, MixtureSettings(weights={"scale": 1.0}), sources={"scale": source}, problems={}
        ),
    )
    mixed = time.process_time() - cpu
    packed = store.build(
        {"name": "packed", "settings": rows},
        lambda folder: write_packed_mixture(
            folder, PackingSettings(), mixture=mixture, tokenizer_dir=tokenizer_in(place / "t")
        ),
    )
    tokens = time.process_time() - cpu - mixed
    report = keep or place / "report"
    report.mkdir(parents=True, exist_ok=True)
    write_mixture_report(report, mixture=mixture, packed=packed)
    return {
        "rows": rows,
        "examples": packed.facts["examples"],
        "tokens": packed.facts["tokens"],
        "mixing": mixed,
        "packing": tokens,
        "report": time.process_time() - cpu - mixed - tokens,
        "wall": time.perf_counter() - start,
        "before": before / 1024,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=776_000)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        with tempfile.TemporaryDirectory() as place:
            print(json.dumps(measure(arguments.one, Path(place), arguments.keep)))
        return 0
    print(
        "| rows | examples | tokens | mixing, CPU s | packing, CPU s | report, CPU s | wall s | peak MiB "
        "| CPU a row, against the first |"
    )
    print("| ---: " * 9 + "|", flush=True)
    first = None
    for rows in (arguments.rows // arguments.parts, arguments.rows):
        command = [sys.executable, "-m", "bench.mixture_scale", "--one", str(rows)]
        command += ["--keep", str(arguments.keep)] if arguments.keep and rows == arguments.rows else []
        told = json.loads(
            subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
        )
        each = sum(told[name] for name in ("mixing", "packing", "report")) / rows
        first = first or each
        print(
            f"| {rows:,} | {told['examples']:,} | {told['tokens']:,} | {told['mixing']:.0f} | {told['packing']:.0f} "
            f"| {told['report']:.0f} | {told['wall']:.0f} | {told['peak']:,.0f} | {each / first:.2f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

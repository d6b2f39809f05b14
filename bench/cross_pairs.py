"""Every reference of the benchmarks against every other: what the checker accepts, to be read by a person.

    MATHSIEVE_REAL_DATA=... python bench/cross_pairs.py [--pairs 100000] [--profile strict] [--seed 1]

Two references of one spelling are one; whole numbers are left out, since they equal only themselves. Prints the number
of pairs, then each accepted pair with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # bench/ is a folder of scripts, not a package

from evaluators.answers import check

FIELDS = {
    "math500/test.jsonl": "answer",
    "cmath/test.jsonl": "golden",
    "cmath/dev.jsonl": "golden",
    "aime24/test.jsonl": "answer",
    "amc23/test.jsonl": "answer",
}


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def references(folder: Path) -> list[str]:
    found = {str(row[field]) for name, field in FIELDS.items() for row in rows(folder / "benchmarks" / name)}
    found |= {row["reference"] for row in rows(folder / "answers/real_pairs.jsonl")}
    return sorted(text for text in found if not text.lstrip("-").isdigit())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=int, default=100_000)
    arguments.add_argument("--profile", default="strict")
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    folder = os.environ.get("MATHSIEVE_REAL_DATA")
    if not folder:
        sys.exit("MATHSIEVE_REAL_DATA is not set: it names the folder that holds benchmarks/ and answers/")
    texts = references(Path(folder))
    pairs = [(a, b) for a in texts for b in texts if a != b]
    sample = random.Random(options.seed).sample(pairs, min(options.pairs, len(pairs)))
    accepted = [(a, b, verdict) for a, b in sample if (verdict := check(a, b, profile=options.profile)).correct]
    print(f"{len(texts)} references, {len(sample):,} pairs, {len(accepted)} accepted")
    for a, b, verdict in sorted(accepted, key=lambda found: found[:2]):
        print(f"{a}  <-  {b}  ({verdict.reason})")


if __name__ == "__main__":
    main()

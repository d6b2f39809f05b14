"""The answer checker beside its peers, in one run: verdicts on real pairs, speed, bombs.

    MATHSIEVE_REAL_DATA=... python bench/answers.py [--pairs 2000] [--seed 1]

Prints Markdown. Rates are per second of CPU time (children included) on one core, medians of interleaved rounds;
a peer that is not installed is named and skipped. Peers run with their own defaults, time limits included.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # bench/ is a folder of scripts, not a package

from evaluators.answers import check
from evaluators.answers.reading.readings import readings

Judge = Callable[[dict[str, Any]], bool]
ROUNDS = 3
BOMBS = (
    "9^9^9^9",
    "(10^6)!",
    "{" * 2_000,
    r"\frac{" * 500,
    "9!!!!!!!!",
    r"\binom{10^9}{10^8}",
    "1" * 20_000,
    "(x+1)^{1000000}",
)


def mathsieve(row: dict[str, Any]) -> bool:
    return check(row["reference"], row["prediction"], problem=row["problem"] or None).correct


def math_verify() -> Judge | None:
    if importlib.util.find_spec("math_verify") is None:
        print("skipped: math-verify is not installed (pip install math-verify==0.9.0)", file=sys.stderr)
        return None
    from math_verify import parse, verify

    logging.disable(logging.CRITICAL)

    def judge(row: dict[str, Any]) -> bool:
        return bool(verify(parse(f"${row['reference']}$"), parse(f"${row['prediction']}$")))

    return judge


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=int, default=300, help="pairs of each group that peers are timed on")
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    folder = os.environ.get("MATHSIEVE_REAL_DATA")
    if not folder:
        sys.exit("MATHSIEVE_REAL_DATA is not set: it names the folder that holds answers/real_pairs.jsonl")
    rows = [json.loads(line) for line in (Path(folder) / "answers/real_pairs.jsonl").open(encoding="utf-8")]
    judges: dict[str, Judge] = {"mathsieve": mathsieve}
    if (peer := math_verify()) is not None:
        judges["math-verify"] = peer
    groups = {
        "GSM8K": [r for r in rows if "gsm" in r["source"].lower()],
        "MATH": [r for r in rows if "gsm" not in r["source"].lower()],
    }
    print_quality(groups, judges, options.pairs, options.seed)
    print_speed(groups, judges, options.pairs, options.seed)
    print_bombs(judges)


def print_quality(groups: dict[str, list[dict[str, Any]]], judges: dict[str, Judge], pairs: int, seed: int) -> None:
    """Weighted by count. Peers see a sample (they take seconds for what takes us milliseconds), we see it and all."""
    print(
        "| pairs | checker | judged | false rejects of right | false accepts of wrong |\n| --- | --- | --- | --- | --- |"
    )
    for name, group in groups.items():
        sample = random.Random(seed).sample(group, min(pairs, len(group)))
        for judge_name, judge in judges.items():
            print(f"| {name}, sample | {judge_name} | {quality(sample, judge)} |")
        print(f"| {name}, all | mathsieve | {quality(group, mathsieve)} |")
        undisputed = [row for row in group if (row["reference"], row["prediction"]) not in disputes()]
        print(f"| {name}, without the disputed labels | mathsieve | {quality(undisputed, mathsieve)} |")


@cache
def disputes() -> frozenset[tuple[str, str]]:
    """The pairs whose labels are wrong, each with why in the file."""
    path = Path(__file__).resolve().parents[1] / "tests/evaluators/answers/disputes.json"
    return frozenset((d["reference"], d["prediction"]) for d in json.loads(path.read_text(encoding="utf-8")))


def quality(rows: list[dict[str, Any]], judge: Judge) -> str:
    right = wrong = rejects = accepts = 0
    for row in rows:
        correct = judge(row)
        right += row["count"] * row["correct"]
        wrong += row["count"] * (not row["correct"])
        rejects += row["count"] * (row["correct"] and not correct)
        accepts += row["count"] * (correct and not row["correct"])
    return f"{len(rows)} | {rejects} of {right} ({100 * rejects / max(right, 1):.3f} %) | {accepts} of {wrong} ({100 * accepts / max(wrong, 1):.4f} %)"


def cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def print_speed(groups: dict[str, list[dict[str, Any]]], judges: dict[str, Judge], pairs: int, seed: int) -> None:
    """Each distinct pair once a round, with our cache of parsed texts emptied before each round."""
    print("\n| pairs | checker | checks/s |\n| --- | --- | --- |")
    for name, group in groups.items():
        sample = random.Random(seed + 1).sample(group, min(pairs, len(group)))
        rates: dict[str, list[float]] = {judge_name: [] for judge_name in judges}
        for _ in range(ROUNDS):
            for judge_name, judge in judges.items():
                chosen = group if judge_name == "mathsieve" else sample
                readings.cache_clear()
                begun = cpu_seconds()
                for row in chosen:
                    judge(row)
                rates[judge_name].append(len(chosen) / max(cpu_seconds() - begun, 1e-9))
        for judge_name, found in rates.items():
            print(f"| {name} | {judge_name} | {statistics.median(found):,.0f} |")


def print_bombs(judges: dict[str, Judge]) -> None:
    print("\n| checker | bombs over 2 s | slowest | memory of this process |\n| --- | --- | --- | --- |")
    for judge_name, judge in judges.items():
        times = []
        for bomb in BOMBS:
            begun = time.monotonic()
            try:
                judge({"reference": "5", "prediction": bomb, "problem": ""})
            except Exception as error:  # noqa: BLE001 - whatever a peer raises is its result, and is told
                print(f"{judge_name} raised {type(error).__name__} on {bomb[:20]}", file=sys.stderr)
            times.append(time.monotonic() - begun)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        slow = sum(seconds > 2 for seconds in times)
        print(f"| {judge_name} | {slow} of {len(BOMBS)} | {max(times):.2f} s | {memory:.0f} MiB |")


if __name__ == "__main__":
    main()

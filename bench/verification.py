"""Programs a minute that verification runs and judges: ToRA's recorded solutions to GSM8K, held against their references.

    MATHSIEVE_REAL_DATA=... python -m bench.verification [--solutions 2638] [--repeats 3]
    PYTHONPATH=OTHER_CHECKOUT python bench/verification.py ...       the same of another build

Starting the sandbox is left out of the seconds (it is paid once a shard of 4,096); judging the answers is part of them.
CPU seconds are of all processes, the sandbox's start included: where the machine is shared, trust those.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

from evaluators.records import Problem
from evaluators.sandbox import Sandbox, SandboxSettings
from pipelines.mixtures.verification import Solution, Verdict, VerificationSettings, verified


def solutions(folder: Path) -> list[Solution]:
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            row = json.loads(line)
            problem = Problem(
                id=f"{path.stem}/{number}", benchmark="tora", question=row["question"], reference=row["gt"]
            )
            found.append(Solution(problem=problem, form="tir", response=row["code"][0]))
    return found


def cpu_seconds() -> float:
    """Of this process and of those that it waited for."""
    return sum(os.times()[:4])


async def timed(wanted: list[Solution], settings: VerificationSettings) -> tuple[float, list[Verdict]]:
    async with Sandbox(SandboxSettings()) as sandbox:
        await verified(wanted[:8], settings, executor=sandbox)
        start = time.perf_counter()
        verdicts = await verified(wanted, settings, executor=sandbox)
        return time.perf_counter() - start, verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--solutions", type=int, default=None)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    place = os.environ.get("MATHSIEVE_REAL_DATA")
    if place is None:
        print("MATHSIEVE_REAL_DATA is not set: ToRA's recorded solutions are not there to be verified", file=sys.stderr)
        return 0
    wanted = solutions(Path(place) / "model_outputs" / "tora_gsm8k")[: arguments.solutions]
    programs = sum(one.response.count("```python") for one in wanted)
    before = cpu_seconds()
    runs = [asyncio.run(timed(wanted, VerificationSettings(protocol="tora"))) for _ in range(arguments.repeats)]
    cpu = (cpu_seconds() - before) / len(runs)
    seconds = statistics.median(seconds for seconds, _ in runs)
    reasons = Counter(verdict.reason for verdict in runs[-1][1])
    print("| solutions | programs | s, median | programs/min | CPU s | programs/CPU min | verdicts |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    told = ", ".join(f"{name} {count}" for name, count in reasons.most_common())
    rates = f"{seconds:.1f} | {60 * programs / seconds:,.0f} | {cpu:.1f} | {60 * programs / cpu:,.0f}"
    print(f"| {len(wanted):,} | {programs:,} | {rates} | {told} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Re-run the programs of recorded ToRA trajectories and compare what the model would be shown, byte for byte.

python -m bench.tora_replay FOLDER        FOLDER holds ToRA's *.jsonl outputs (microsoft/ToRA, src/outputs)
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluators.sandbox import PROTOCOLS, SandboxSettings, run_many

OUTPUT = "```output\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One program of a trajectory and the block that followed it; None where the trajectory ends there."""

    place: str
    code: str
    block: str | None


def recorded(folder: Path) -> Iterator[Recorded]:
    protocol = PROTOCOLS["tora"]
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            text = row["code"][0]
            before, fence, after = text.partition("\n" + OUTPUT)
            code = protocol.program(before)
            if code is None:
                raise ValueError(f"{path}: row {row['idx']}: no program before the first output")
            output = after.partition("\n```\n")[0]
            block = f"\n{OUTPUT}{output}\n```\n" if fence else None
            yield Recorded(place=f"{path.stem} {row['idx']}", code=code, block=block)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tier", default="auto")
    arguments = parser.parse_args()
    traces = list(recorded(arguments.folder))
    if not traces:
        print(f"{arguments.folder}: expected ToRA's *.jsonl outputs; found none", file=sys.stderr)
        return 2
    settings = SandboxSettings(tier=arguments.tier, protocol="tora")
    began = time.monotonic()
    results = run_many([trace.code for trace in traces], settings, progress=True)
    seconds, processor = time.monotonic() - began, sum(os.times()[:4])
    protocol = PROTOCOLS["tora"]
    different = [(t, r) for t, r in zip(traces, results, strict=True) if t.block != protocol.render(r)]
    print(
        "| traces | reproduced | not | wall s | caller's CPU s | sum of seconds | tier |\n| --- | --- | --- | --- | --- | --- | --- |"
    )
    same = len(traces) - len(different)
    print(
        f"| {len(traces)} | {same} | {len(different)} | {seconds:.1f} | {processor:.1f} "
        f"| {sum(r.seconds for r in results):.1f} | {results[0].tier} |\n"
    )
    for trace, result in different:
        print(f"- {trace.place}: recorded {trace.block!r}, now {protocol.render(result)!r} ({result.status})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A run that has nothing to do: `mathsieve run` of what is made already, beside another checkout's, in turns.

    python -m bench.no_op                                  this checkout's demo
    python -m bench.no_op --beside ../other-checkout       and that of a build from before
    python -m bench.no_op --recipe my_recipe.yaml --rounds 9

The recipe is a path in each checkout; what of it is not there is made first. CPU seconds are those of the command and of
all processes below it, user and system; the first turn after a run that made something is told apart.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
APART = ("MATHSIEVE_HOME", "MATHSIEVE_RECIPE", "DAGSTER_HOME")
"""Each checkout keeps its artifacts and its history in itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one run took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of all its processes."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.no_op", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--recipe", default="recipes/demo.yaml", help="a path in each checkout")
    parser.add_argument("--beside", type=Path, help="another checkout, with an environment of its own")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    builds = {"this": ROOT} | ({"beside": arguments.beside.absolute()} if arguments.beside else {})
    for checkout in builds.values():
        run(checkout, arguments.recipe)
    turns: dict[str, list[Turn]] = {name: [] for name in builds}
    for _ in range(arguments.rounds + 1):
        for name, checkout in builds.items():
            turns[name].append(run(checkout, arguments.recipe))
    print("| build | CPU s, median (all) | wall s, median | first turn, CPU s |")
    print("| --- | --- | --- | --- |")
    for name, (first, *later) in turns.items():
        spent = sorted(turn.cpu for turn in later)
        wall = statistics.median(turn.wall for turn in later)
        shown = f"{statistics.median(spent):.2f} ({spent[0]:.2f} to {spent[-1]:.2f})"
        print(f"| {name} | {shown} | {wall:.1f} | {first.cpu:.2f} |")
    if arguments.beside:
        pairs = zip(turns["this"][1:], turns["beside"][1:], strict=True)
        ratios = sorted(theirs.cpu / ours.cpu for ours, theirs in pairs)
        print(f"\nthe other takes {statistics.median(ratios):.1f} times the CPU ({ratios[0]:.1f} to {ratios[-1]:.1f})")
    return 0


def run(checkout: Path, recipe: str) -> Turn:
    """One `mathsieve run`; ends this program where it fails."""
    python = checkout / ".venv" / "bin" / "python"
    command = [str(python if python.exists() else sys.executable), "-m", "assets.command_line", "run", recipe]
    environment = {name: value for name, value in os.environ.items() if name not in APART}
    before, started = _spent(), time.monotonic()
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{checkout}: mathsieve run {recipe} ended with {done.returncode}:\n{done.stderr[-2_000:]}")
    return Turn(wall=time.monotonic() - started, cpu=_spent() - before)


def _spent() -> float:
    """CPU seconds of all processes below this one that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())

"""Honest programs beside hostile sessions, with more work than cores: how many verdicts are wrong, and how long they waited.

    python -m bench.sandbox_fairness [--honest 64] [--hostile 24] [--seconds 1] [--overload 4] [--memory-mb 0]

An honest program computes for `--seconds` of CPU time under a limit of twice that. Hostile sessions leave spinning
threads behind after a block, and then go on: spin, print without end, take memory, start threads, ignore the interrupt.
`--overload` blocks a core run at once. `--memory-mb` runs all of it in a memory cgroup of its own below this process's
(as root, cgroups of the first version); 0 leaves that out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluators.sandbox import ExecutorFault, Result, Sandbox, SandboxSettings
from evaluators.sandbox.machine import cores

HONEST = """
import time
end, n = time.process_time() + {seconds}, 0
while time.process_time() < end:
    n += sum(i * i for i in range(500)) % 7
print("done")
"""
LEFT_BEHIND = """
import threading
def spin():
    while True: pass
for _ in range(4): threading.Thread(target=spin, daemon=True).start()
"""
HOSTILE = (
    "while True: pass",
    "while True: print('x' * 1000)",
    "kept = []\nwhile True: kept.append(bytes(1 << 20))",
    "import threading, time\nfor _ in range(40): threading.Thread(target=lambda: [time.sleep(0.001) for _ in range(10**6)], daemon=True).start()\ntime.sleep(60)",
    "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
    "import os\nfor i in range(10**6): open(f'f{i}', 'wb').write(bytes(1 << 16))",
)


async def hostile(sandbox: Sandbox, number: int, stop: asyncio.Event) -> Counter[str]:
    """One session that never gives up; what its blocks ended as."""
    statuses: Counter[str] = Counter()
    while not stop.is_set():
        async with sandbox.session() as session:
            try:
                statuses[(await session.run(LEFT_BEHIND)).status] += 1
                await asyncio.sleep(0.5)
                statuses[(await session.run(HOSTILE[number % len(HOSTILE)], wall_seconds=1.0)).status] += 1
            except ExecutorFault:
                statuses["executor fault"] += 1
    return statuses


async def honest(sandbox: Sandbox, seconds: float) -> Result | None:
    try:
        return await sandbox.run(HONEST.format(seconds=seconds), wall_seconds=2 * seconds)
    except ExecutorFault as fault:
        print(f"executor fault: {fault}")
        return None


async def measure(arguments: argparse.Namespace, settings: SandboxSettings) -> list[Result | None]:
    async with Sandbox(settings) as sandbox:
        stop = asyncio.Event()
        enemies = [asyncio.create_task(hostile(sandbox, n, stop)) for n in range(arguments.hostile)]
        await asyncio.sleep(2)
        results = await asyncio.gather(*[honest(sandbox, arguments.seconds) for _ in range(arguments.honest)])
        stop.set()
        ended = sum((await asyncio.gather(*enemies)), Counter[str]())
        print(f"hostile blocks ended as {dict(ended)}; memory a session {sandbox.settings.memory_mb} MiB")
        return list(results)


@contextmanager
def memory_cgroup(megabytes: int) -> Iterator[None]:
    """This process, and what it starts, in a cgroup of so many MiB below its own. Left and removed at the end."""
    if not megabytes:
        yield
        return
    lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    own = next(line.split(":", 2)[2] for line in lines if line.split(":", 2)[1] == "memory")
    parent = Path("/sys/fs/cgroup/memory") / own.strip("/")
    folder = parent / f"mathsieve-bench-{os.getpid()}"
    folder.mkdir()
    try:
        (folder / "memory.limit_in_bytes").write_text(str(megabytes << 20))
        (folder / "cgroup.procs").write_text(str(os.getpid()))
        yield
    finally:
        (parent / "cgroup.procs").write_text(str(os.getpid()))
        time.sleep(0.5)
        folder.rmdir()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--honest", type=int, default=64)
    parser.add_argument("--hostile", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--overload", type=int, default=4)
    parser.add_argument("--memory-mb", type=int, default=0)
    parser.add_argument("--tier", default="auto")
    arguments = parser.parse_args()
    settings = SandboxSettings(tier=arguments.tier, preload=(), concurrency=arguments.overload * cores())
    began = time.monotonic()
    with memory_cgroup(arguments.memory_mb):
        results = asyncio.run(measure(arguments, settings))
    right = [result for result in results if result is not None and (result.status, result.output) == ("ok", "done\n")]
    statuses = Counter(result.status if result is not None else "executor fault" for result in results)
    waits = sorted(result.waited_seconds for result in right) or [0.0]
    print(
        f"{arguments.honest} honest programs of {arguments.seconds:g} CPU s beside {arguments.hostile} hostile sessions, "
        f"{settings.concurrency} blocks at once on {cores()} cores, {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}\n\n"
        "| honest | right | wrong verdicts | faults | waited for a core, median s | most s |\n| --- | --- | --- | --- | --- | --- |"
    )
    faults = statuses["executor fault"]
    wrong = len(results) - len(right) - faults
    print(
        f"| {len(results)} | {len(right)} | {wrong} | {faults} | {statistics.median(waits):.1f} | {waits[-1]:.1f} |\n\n{dict(statuses)}"
    )
    return 1 if wrong or faults else 0


if __name__ == "__main__":
    sys.exit(main())

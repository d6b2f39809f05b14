"""The sandbox beside its peers, in one run: executions per second, session start, and a soak.

    python -m bench.sandbox [--soak 10000] [--tier strict]

Programs import SymPy and NumPy and solve an equation, as tool-integrated traces do. `python -c` pays for the imports
each time; so does bubblewrap around it. Rounds are interleaved and medians shown, since other work shares the cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evaluators.sandbox import Sandbox, SandboxSettings
from evaluators.sandbox.servers import Servers

PROGRAM = "import sympy, numpy\nx = sympy.symbols('x')\nprint(sympy.solve(x**2 - {n}, x), numpy.arange(4).sum())"
EXPECTED = {4: "[-2, 2] 6\n", 9: "[-3, 3] 6\n", 16: "[-4, 4] 6\n"}
CORES = os.cpu_count() or 1


def programs(count: int) -> list[tuple[str, str]]:
    squares = sorted(EXPECTED)
    return [(PROGRAM.format(n=squares[i % 3]), EXPECTED[squares[i % 3]]) for i in range(count)]


def rate(run: Callable[[str], str], count: int) -> float:
    """Right results per second, as many at once as there are cores. Raises where one is wrong."""
    work = programs(count)
    began = time.monotonic()
    with ThreadPoolExecutor(CORES) as pool:
        outputs = list(pool.map(run, [code for code, _ in work]))
    wrong = [output for output, (_, expected) in zip(outputs, work, strict=True) if output != expected]
    if wrong:
        raise RuntimeError(f"wrong result: {wrong[0]!r}")
    return count / (time.monotonic() - began)


def process(*prefix: str) -> Callable[[str], str]:
    environment = {"OPENBLAS_NUM_THREADS": "1", "PATH": os.environ["PATH"]}

    def run(code: str) -> str:
        command = [*prefix, sys.executable, "-c", code]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    return run


def compare(sandbox: Sandbox, rounds: int) -> None:
    peers: dict[str, tuple[Callable[[str], str], int]] = {
        f"sandbox, {sandbox.tier}": (lambda code: sandbox.submit(code).result().output, 150),
        "python -c": (process(), 2 * CORES),
    }
    bubblewrap = shutil.which("bwrap")
    if bubblewrap:
        peers["bubblewrap + python -c"] = (process(bubblewrap, "--ro-bind", "/", "/", "--unshare-all"), 2 * CORES)
    else:
        print("bubblewrap is not installed: left out\n")
    rates: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, (run, count) in peers.items():
            rates[name].append(rate(run, count))
    base = statistics.median(rates["python -c"])
    print(f"Fresh executions, {CORES} cores, median of {rounds} interleaved rounds (wall clock)\n")
    print("| executor | executions/s | against python -c |\n| --- | --- | --- |")
    for name, values in rates.items():
        middle = statistics.median(values)
        print(f"| {name} | {middle:.1f} | {middle / base:.1f}x |")


def starts(settings: SandboxSettings, count: int) -> None:
    """Time from asking for a session to its readiness, one after the other."""
    servers = Servers(settings)
    servers.start()
    times = []
    for _ in range(count):
        began = time.monotonic()
        session = servers.open_session()
        times.append((time.monotonic() - began) * 1000)
        servers.close_session(session)
    servers.close()
    cuts = statistics.quantiles(times, n=100)
    load = os.getloadavg()[0]
    print("\n| session starts | p50 ms | p95 ms | p99 ms | load |\n| --- | --- | --- | --- | --- |")
    print(f"| {count} | {cuts[49]:.1f} | {cuts[94]:.1f} | {cuts[98]:.1f} | {load:.1f} |")


def resident_kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])


def soak(settings: SandboxSettings, count: int) -> None:
    print(f"\nSoak: {count} sessions\n\n| sessions | wrong | descriptors | caller RSS MiB | processes | sessions/s |")
    print("| --- | --- | --- | --- | --- | --- |")
    with Sandbox(settings) as sandbox:
        done = wrong = 0
        while done < count:
            began, step = time.monotonic(), min(1000, count - done)
            work = programs(step)
            futures = [sandbox.submit(code) for code, _ in work]
            outputs = [future.result().output for future in futures]
            wrong += sum(output != expected for output, (_, expected) in zip(outputs, work, strict=True))
            done += step
            descriptors = len(list(Path("/proc/self/fd").iterdir()))
            children = sum(1 for path in Path("/proc").glob("[0-9]*/stat") if _is_ours(path))
            memory = resident_kib(os.getpid()) / 1024
            speed = step / (time.monotonic() - began)
            print(f"| {done} | {wrong} | {descriptors} | {memory:.1f} | {children} | {speed:.0f} |", flush=True)


def _is_ours(stat: Path) -> bool:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid()
    except (FileNotFoundError, ProcessLookupError):
        return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=300)
    parser.add_argument("--soak", type=int, default=10_000, metavar="SESSIONS")
    arguments = parser.parse_args()
    settings = SandboxSettings(tier=arguments.tier)
    with Sandbox(settings) as sandbox:
        compare(sandbox, arguments.rounds)
    starts(settings, arguments.starts)
    if arguments.soak:
        soak(settings, arguments.soak)
    return 0


if __name__ == "__main__":
    sys.exit(main())

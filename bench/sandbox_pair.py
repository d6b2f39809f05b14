"""This build's sandbox beside another checkout's, in one run: CPU of a fresh session, its start, and recorded programs.

    python -m bench.sandbox_pair OTHER_CHECKOUT [FOLDER] [--every 10] [--rounds 2] [--sessions 100]

OTHER_CHECKOUT is a worktree of this project, run by its own .venv where it has one. FOLDER holds ToRA's *.jsonl outputs.
CPU is that of the caller and of everything below the sandbox's servers, which other work on the machine does not change;
rounds are interleaved. Outputs of both are compared byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
CHILD = r"""
import json, os, statistics, sys, time
sys.path.insert(0, os.getcwd())
from evaluators.sandbox import Sandbox, SandboxSettings
asked = json.loads(sys.stdin.read())
def below(roots):
    table = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = open(f"/proc/{name}/stat", errors="replace").read().rpartition(")")[2].split()
        except OSError:
            continue
        table[int(name)] = (int(fields[1]), sum(map(int, fields[11:15])))
    total = 0
    for pid, (_, ticks) in table.items():
        while pid in table and pid not in roots:
            pid = table[pid][0]
        total += ticks if pid in roots else 0
    return total / os.sysconf("SC_CLK_TCK")
settings = SandboxSettings(protocol="tora", **asked["settings"])
with Sandbox(settings) as sandbox:
    for code in ("import sympy", "print(1)"):
        sandbox.submit(code).result()
    def cpu():
        interpreter = getattr(sandbox, "interpreter", None)
        servers = (sandbox._servers, getattr(sandbox, "_plain", None), interpreter and interpreter._servers)
        return sum(os.times()[:2]) + below({s._current._process.pid for s in servers if s})
    def timed(codes):
        began, spent = time.monotonic(), cpu()
        results = [future.result() for future in [sandbox.submit(code) for code in codes]]
        time.sleep(0.5)
        return [[r.status, r.output, r.value, r.error] for r in results], cpu() - spent, time.monotonic() - began - 0.5
    sessions = asked["sessions"]
    _, fresh, _ = timed(["import sympy; print(sympy.Integer(6) * 7)"] * sessions)
    starts = []
    for _ in range(sessions):
        time.sleep(0.03)
        began = time.monotonic()
        session = sandbox._servers.open_session()
        starts.append(1000 * (time.monotonic() - began))
        sandbox._servers.close_session(session)
    cuts = statistics.quantiles(starts, n=20)
    outputs, replay, seconds = timed(asked["codes"])
    print(json.dumps({"fresh_ms": 1000 * fresh / sessions, "start_p50": cuts[9], "start_p95": cuts[18],
                      "trace_ms": 1000 * replay / max(1, len(outputs)), "traces_s": len(outputs) / seconds, "outputs": outputs}))
"""


def measured(checkout: Path, asked: dict[str, Any]) -> dict[str, Any]:
    own = checkout / ".venv" / "bin" / "python"
    command = [str(own) if own.exists() else sys.executable, "-c", CHILD]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=checkout, env=environment, input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{checkout}: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> int:
    from bench.tora_replay import recorded

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--every", type=int, default=10, help="take each so-manieth trace")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sessions", type=int, default=100)
    arguments = parser.parse_args()
    codes = [trace.code for trace in recorded(arguments.folder)][:: arguments.every] if arguments.folder else []
    builds = {
        "other": (arguments.other.resolve(), {}),
        "this": (HERE, {}),
        "this, interpreter on": (HERE, {"interpreter": "on"}),
    }
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in builds}
    for _ in range(arguments.rounds):
        for name, (checkout, settings) in builds.items():
            asked = {"settings": settings, "sessions": arguments.sessions, "codes": codes}
            rounds[name].append(measured(checkout, asked))
    keys = ("fresh_ms", "start_p50", "start_p95", "trace_ms", "traces_s")
    print(
        f"{len(codes)} recorded programs, {arguments.rounds} rounds, load {os.getloadavg()[0]:.1f}\n\n"
        "| build | CPU ms a fresh session | start p50 ms | p95 ms | CPU ms a trace | traces/s |\n| --- | --- | --- | --- | --- | --- |"
    )
    middle = {
        name: {key: statistics.median(one[key] for one in found) for key in keys} for name, found in rounds.items()
    }
    for name, values in middle.items():
        print(f"| {name} | " + " | ".join(f"{values[key]:.2f}" for key in keys) + " |")
    base, different = middle["other"], 0
    for name in list(builds)[1:]:
        different += sum(one["outputs"] != rounds["other"][0]["outputs"] for one in rounds[name])
        print(
            f"\n{name}: {middle[name]['fresh_ms'] / base['fresh_ms']:.2f} of the CPU of a fresh session, "
            f"{base['trace_ms'] / middle[name]['trace_ms']:.1f}x less CPU a trace, "
            f"{middle[name]['traces_s'] / base['traces_s']:.1f}x the traces/s"
        )
    print(f"\nruns whose statuses, outputs, values and errors differ from the other build's: {different}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

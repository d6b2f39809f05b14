"""What asking costs: CPU a completion and memory of an evaluation's client, whose server answers at once.

    python -m bench.evaluation_client [--completions 5000] [--samples 1] [--servers 1] [--against CHECKOUT]
    python -m bench.evaluation_client --completions 32000 --samples 16 --servers 8 [--together 1]

The server is a process of its own that says the same 600 characters to everybody, so that only the client is measured: its
loop, HTTP, cache and tables, from problems.parquet to the file of completions. With `--against` another checkout of this
project runs the same problems after it, turn and turn about, and the ratio is told. With `--servers` as many replicas answer;
with `--together` so many samples of a problem share a request at most. What one client can do at most is the inverse of its
CPU a completion.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ANSWER = "We add the numbers one after the other, and the sum is what was asked for. " * 8 + "It is $\\boxed{42}$."
CLIENT = """
import json, resource, sys, time
from pathlib import Path
from evaluators.evaluate import EndpointSettings, EvaluationSettings, write_completions
folder, urls, samples, more = Path(sys.argv[1]), sys.argv[2].split(","), int(sys.argv[3]), json.loads(sys.argv[4])
if urls[1:]:
    more["replicas"] = urls[1:]
(folder / "out").mkdir()
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before, started = spent(), time.monotonic()
facts = write_completions(folder / "out", EvaluationSettings(samples=samples, temperature=0.7), model_dir=None,
    server_settings=EndpointSettings(base_url=urls[0], **more), tasks=[("t", "cot", folder / "problems.parquet")],
    cache=folder / "cache.sqlite")
print(json.dumps({"cpu": spent() - before, "wall": time.monotonic() - started,
    "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "completions": facts["t.cot"]["completions"]}))
"""


class Instant(asyncio.Protocol):
    """HTTP as far as this client speaks it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            mark = head.find(b"content-length:")
            size = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
            if len(self._received) < end + 4 + size:
                return
            body, self._received = self._received[end + 4 : end + 4 + size], self._received[end + 4 + size :]
            self._answer(json.loads(body) if body else {})

    def _answer(self, asked: dict[str, Any]) -> None:
        count = asked.get("n", 1)
        choices = [{"index": n, "text": ANSWER, "finish_reason": "stop"} for n in range(count)]
        usage = {"prompt_tokens": 60, "completion_tokens": 16 * count}
        body = json.dumps({"choices": choices, "usage": usage}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self._transport.write(head + body)  # type: ignore[attr-defined]  # of a stream


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Instant, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def started_server() -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "bench.evaluation_client", "--serve"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    finally:
        server.terminate()
        server.wait()


def measured(checkout: Path, urls: str, problems: int, samples: int, more: dict[str, int]) -> dict[str, float]:
    from dataclasses import asdict

    from evaluators.records import Problem
    from evaluators.tables import write_table

    with tempfile.TemporaryDirectory() as name:
        rows = [
            asdict(Problem(id=f"t/{n}", benchmark="t", question=f"What is {n} + 42 - {n}? " * 8, reference="42"))
            for n in range(problems)
        ]
        write_table(Path(name) / "problems.parquet", rows, Problem)
        command = [sys.executable, "-c", CLIENT, name, urls, str(samples), json.dumps(more)]
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        ran = subprocess.run(command, cwd=name, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--completions", type=int, default=5000)
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--together", type=int, help="samples of a request at most")
    parser.add_argument("--against", type=Path, help="another checkout of this project")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve())
        return
    checkouts = {"this": Path(__file__).resolve().parents[1]}
    if arguments.against is not None:
        checkouts["other"] = arguments.against.resolve()
    more = {} if arguments.together is None else {"samples_per_request": arguments.together}
    with ExitStack() as stack:
        urls = ",".join(stack.enter_context(started_server()) for _ in range(arguments.servers))
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
        for _ in range(arguments.repeats):
            for name, checkout in checkouts.items():
                problems = arguments.completions // arguments.samples
                runs[name].append(measured(checkout, urls, problems, arguments.samples, more))
    print(
        "| checkout | CPU a completion (ms) | completions a CPU second | completions/s here | peak memory (MiB) |\n"
        "| --- | --- | --- | --- | --- |"
    )
    cost = {}
    for name, found in runs.items():
        cost[name] = statistics.median(1000 * one["cpu"] / one["completions"] for one in found)
        rate = statistics.median(one["completions"] / one["wall"] for one in found)
        print(
            f"| {name} | {cost[name]:.3f} | {1000 / cost[name]:.0f} | {rate:.0f} | {max(one['mib'] for one in found):.0f} |"
        )
    if "other" in cost:
        print(f"\nCPU a completion: {cost['this'] / cost['other']:.2f} of the other's")


if __name__ == "__main__":
    main()

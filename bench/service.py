"""The server beside its peers, in one run: checks and tool-integrated programs a second, p99, memory, kills.

    python -m bench.service [--clients 256] [--checks 20000] [--programs 1000] [--soak 20000] [--tora FOLDER]

Clients are connections of one event loop that each send a request, wait for its answer, and send the next. Beside the
server, in turn: Math-Verify behind a pool of four spawned processes, as verl's reward_score/math_verify.py runs it, and
smolagents' LocalPythonExecutor (in this process: an interpreter without walls) where it is installed. Wall-clock rates
of a shared machine are worth little; CPU a request is told beside them. Pairs are templated problems' references, with
predictions written in another way or wrong; programs are templated ones, or ToRA's recorded ones (microsoft/ToRA) with --tora.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from evaluators.launch import descendants
from evaluators.service.calls import Retries
from evaluators.service.errors import Unreachable, error_of
from evaluators.templated import generate

CHECKOUT = Path(__file__).resolve().parents[1]
HEAD = "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and what a right answer to it says."""

    path: str
    body: bytes
    right: Callable[[Any], bool]


@contextlib.contextmanager
def server(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "assets.command_line", "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        yield process, int(line.split()[2].rsplit(":", 1)[1])
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def pairs(count: int) -> list[tuple[str, str, bool]]:
    """(reference, prediction, whether it is right): the reference itself, a decimal or a sum of it, or another number."""
    references = [worked.problem.reference for worked in generate(min(count, 1000))]
    made = []
    for index in range(count):
        reference = references[index % len(references)]
        wrong = index % 4 == 3
        prediction = f"({reference})+1" if wrong else reference if index % 2 else f"({reference})+0"
        made.append((reference, prediction, not wrong))
    return made


def checks(count: int, batch: int) -> list[Asked]:
    rows = [{"reference": r, "prediction": p} for r, p, _ in pairs(count)]
    if batch == 1:
        return [
            Asked("/v1/check", json.dumps(row).encode(), lambda told: told["verdict"] in ("correct", "incorrect"))
            for row in rows
        ]
    parts = [rows[start : start + batch] for start in range(0, count, batch)]
    return [_batch(part) for part in parts]


def _batch(part: list[dict[str, str]]) -> Asked:
    body = json.dumps({"pairs": part}).encode()
    return Asked("/v1/check/many", body, lambda told: len(told["verdicts"]) == len(part))


def programs(count: int, tora: Path | None) -> list[tuple[str, str]]:
    """(program, what it prints)."""
    if tora is None:
        made = [(worked.program, worked.output) for worked in generate(min(count, 1000))]
    else:
        from bench.tora_replay import recorded

        made = [
            (trace.code, trace.block.partition("output\n")[2].rpartition("\n```")[0])
            for trace in recorded(tora)
            if trace.block is not None
        ]
    return [made[index % len(made)] for index in range(count)]


def executions(count: int, tora: Path | None) -> list[Asked]:
    """Programs that are run, and whose answer is checked."""
    return [
        Asked(
            "/v1/execute-and-check",
            json.dumps({"code": code, "reference": output, "protocol": "tora"}).encode(),
            lambda told, output=output: told["run"]["shown"].strip() == output.strip(),  # type: ignore[misc]
        )
        for code, output in programs(count, tora)
    ]


@dataclass(slots=True)
class Outcome:
    """What became of the requests of some clients."""

    seconds: float
    latencies: list[float]
    answers: list[int]
    """Answers by request: each must have one."""
    wrong: int
    retried: int

    def row(self, name: str, items: int, cpu: float) -> str:
        cuts = statistics.quantiles(self.latencies, n=100)
        each = cpu / items * 1e6
        return (
            f"| {name} | {items} | {items / self.seconds:.0f} | {each:.0f} | {cuts[49] * 1000:.1f} | {cuts[98] * 1000:.1f} "
            f"| {self.wrong} | {self.retried} |"
        )


class Connection(asyncio.Protocol):
    """One client's connection, as cheap as Python has it: the clients share the cores with the server."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) == size and self._answer is not None and not self._answer.done():
            self._received = b""
            self._answer.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the server closed the connection"))

    async def ask(self, asked: Asked) -> tuple[int, bytes]:
        if self._transport is None:
            raise ConnectionResetError("the server closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(HEAD.format(path=asked.path, size=len(asked.body)).encode() + asked.body)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def drive(port: int, clients: int, work: Sequence[Asked]) -> Outcome:
    """Each request is asked until it has one answer; a refused or broken one is asked again, as the clients do."""
    outcome = Outcome(0.0, [], [0] * len(work), 0, 0)
    positions = iter(range(len(work)))
    loop = asyncio.get_running_loop()

    async def client() -> None:
        connection: Connection | None = None
        for position in positions:
            asked, retries, began = work[position], Retries(patience=120), time.monotonic()
            while True:
                try:
                    if connection is None:
                        _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
                    status, content = await connection.ask(asked)
                    if status == 200:
                        break
                    failure = error_of(status, content)
                except OSError as error:
                    failure, connection = Unreachable(str(error)), None
                outcome.retried += 1
                await asyncio.sleep(retries.pause_after(failure))
            outcome.latencies.append(time.monotonic() - began)
            outcome.answers[position] += 1
            outcome.wrong += not asked.right(json.loads(content))
        if connection is not None:
            connection.close()

    began = time.monotonic()
    await asyncio.gather(*[client() for _ in range(clients)])
    outcome.seconds = time.monotonic() - began
    return outcome


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and all below it, those that have ended and were waited for included."""
    ticks = 0
    for one in [pid, *descendants(pid)]:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text(errors="replace").rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def through_server(arguments: argparse.Namespace) -> None:
    print("| requests | items | items/s | server CPU us/item | p50 ms | p99 ms | wrong | retried |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with server() as (process, port):
        uvloop.run(drive(port, 8, checks(200, 1)))  # warm
        for batch in (1, 16, 128):
            before = cpu_of(process.pid)
            outcome = uvloop.run(
                drive(port, min(arguments.clients, arguments.checks // batch), checks(arguments.checks, batch))
            )
            name = "one check" if batch == 1 else f"{batch} checks"
            print(outcome.row(name, arguments.checks, cpu_of(process.pid) - before), flush=True)
        before = cpu_of(process.pid)
        outcome = uvloop.run(drive(port, arguments.clients, executions(arguments.programs, arguments.tora)))
        print(outcome.row("a program, run and checked", arguments.programs, cpu_of(process.pid) - before), flush=True)


def math_verify_pool(count: int) -> None:
    """As verl's reward_score/math_verify.py: four spawned processes, each answer waited for at most 30 s."""
    work = pairs(count)
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(verified_by_math_verify, work[:8]))  # warm
        before, began = cpu_of(os.getpid()), time.monotonic()
        told = list(pool.map(verified_by_math_verify, work))
        seconds, cpu = time.monotonic() - began, cpu_of(os.getpid()) - before
    wrong = sum(one != right for one, (_, _, right) in zip(told, work, strict=True))
    print(
        f"| Math-Verify behind 4 processes | {count} | {count / seconds:.0f} | {cpu / count * 1e6:.0f} | - | - | {wrong} | - |"
    )


def verified_by_math_verify(pair: tuple[str, str, bool]) -> bool:
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

    reference, prediction, _ = pair
    gold = parse(f"\\boxed{{{reference}}}", (LatexExtractionConfig(),))
    said = parse(f"\\boxed{{{prediction}}}", (ExprExtractionConfig(), LatexExtractionConfig()))
    return any(verify(right, one) for right in gold for one in said)


def smolagents_executor(count: int, tora: Path | None) -> None:
    try:
        from smolagents.local_python_executor import LocalPythonExecutor
    except ImportError:
        print("| smolagents' LocalPythonExecutor | not installed: pip install smolagents | | | | | | |")
        return
    work = programs(count, tora)
    allowed = ["sympy", "sympy.*", "numpy", "numpy.*", "scipy", "scipy.*", "math", "fractions", "decimal", "datetime"]
    before, latencies, wrong = time.process_time(), [], Counter[str]()
    began = time.monotonic()
    for code, output in work:
        start = time.monotonic()
        executor = LocalPythonExecutor(additional_authorized_imports=allowed)
        executor.send_tools({})
        try:
            shown = executor(code).logs.strip()
        except Exception as error:  # noqa: BLE001 - the peer's own refusals, counted
            shown = type(error).__name__
        wrong["wrong"] += shown != output.strip()
        latencies.append(time.monotonic() - start)
    outcome = Outcome(time.monotonic() - began, latencies, [], wrong["wrong"], 0)
    print(outcome.row("smolagents' LocalPythonExecutor, one at a time", count, time.process_time() - before))


def killed_under_load(arguments: argparse.Namespace) -> None:
    """The server is killed twice, and its workers once, while clients ask."""
    work = checks(arguments.checks, 1) + executions(arguments.programs // 4, arguments.tora)

    async def go(pid: int, port: int) -> Outcome:
        driving = asyncio.create_task(drive(port, arguments.clients, work))
        await asyncio.sleep(1.0)
        for worker in descendants(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        await asyncio.sleep(2.0)
        os.kill(pid, signal.SIGKILL)
        with server(port):
            return await driving

    with server() as (process, port):
        outcome = uvloop.run(go(process.pid, port))
    lost, doubled = outcome.answers.count(0), sum(count > 1 for count in outcome.answers)
    print("\n| killed under load: requests | lost | doubled | wrong | retried |\n| --- | --- | --- | --- | --- |")
    print(f"| {len(work)} | {lost} | {doubled} | {outcome.wrong} | {outcome.retried} |", flush=True)


def soak(arguments: argparse.Namespace) -> None:
    """Memory and descriptors of every process while requests go by."""
    print(
        "\n| requests so far | server MiB | all processes MiB | descriptors | processes |\n| --- | --- | --- | --- | --- |"
    )
    step = max(1, arguments.soak // 8)
    with server() as (process, port):
        for done in range(0, arguments.soak + 1, step):
            own = descendants(process.pid)
            everything = [resident_mib(one) for one in [process.pid, *own]]
            open_files = sum(descriptors(one) for one in [process.pid, *own])
            print(
                f"| {done} | {everything[0]:.1f} | {sum(everything):.0f} | {open_files} | {1 + len(own)} |", flush=True
            )
            uvloop.run(drive(port, 64, checks(step - step // 20, 1) + executions(step // 20, arguments.tora)))


def resident_mib(pid: int) -> float:
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/status").read_text(errors="replace").partition("VmRSS:")[2].split()[0]) / 1024
    return 0.0


def descriptors(pid: int) -> int:
    with contextlib.suppress(OSError):
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=256)
    parser.add_argument("--checks", type=int, default=20_000)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--peers", type=int, default=1000, metavar="ITEMS", help="items that each peer gets")
    parser.add_argument("--soak", type=int, default=20_000, metavar="REQUESTS", help="0 leaves it away")
    parser.add_argument("--tora", type=Path, metavar="FOLDER", help="ToRA's recorded *.jsonl outputs")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {arguments.clients} clients\n")
    through_server(arguments)
    math_verify_pool(arguments.peers)
    smolagents_executor(arguments.peers, arguments.tora)
    killed_under_load(arguments)
    if arguments.soak:
        soak(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What of an evaluation is asked again and made again after a change, counted by a server that answers at once.

    python -m bench.asked_again [--problems 40]

The server stands for any endpoint; `revision` stands for other weights, another dtype or quantisation behind one address
(with a server of our own those are settings, and `tests/pipelines/test_evaluation.py` counts them). Of the 40 problems of the
benchmark that is added seven stand in templated_easy_zh too, and were asked there: 33 x 3 samples.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from evaluators.models.sampling import SMALLEST_CALL
from pipelines.evaluate_command import add_arguments, benchmarks_of, evaluation_maker, evaluation_of, make_all

BENCHMARKS = "templated_easy,templated_easy_zh"


class Server:
    """Counts the answers that it gives; from `hold_after` on it gives none."""

    def __init__(self) -> None:
        self.answered = 0
        self.hold_after: int | None = None
        self.holding, self.guard = threading.Event(), threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.send({"data": [{"id": "model"}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                count = body.get("n", 1)
                if body["max_tokens"] != SMALLEST_CALL:
                    with server.guard:
                        held = server.hold_after is not None and server.answered >= server.hold_after
                        server.answered += 0 if held else count
                    if held:
                        server.holding.set()
                        self.close_connection = True
                        threading.Event().wait(2.0)
                        return
                own = {"message": {"role": "assistant", "content": "\\boxed{7}"}, "finish_reason": "stop"}
                choices = [{"index": index, **own} for index in range(count)]
                self.send({"choices": choices, "usage": {"prompt_tokens": 9, "completion_tokens": 5 * count}})

            def send(self, content: dict[str, Any]) -> None:
                raw = json.dumps(content).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)
                except OSError:
                    self.close_connection = True  # whoever asked was killed

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda request, address: None  # type: ignore[method-assign, assignment]  # of a killed client
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    def count(self) -> int:
        answered, self.answered = self.answered, 0
        return answered


def words_of(server: Server, problems: int, benchmarks: str, *more: str) -> list[str]:
    sampling = ("--temperature", "0.7", "--set", "sampling.profiles=[strict]")
    return [f"m={server.url}", "--benchmarks", benchmarks, "--limit", str(problems), *sampling, *more]


def made(server: Server, problems: int, benchmarks: str, *more: str) -> tuple[int, str]:
    """(answers that were asked for, what was made: each kind of asset with its number)."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    arguments = parser.parse_args(words_of(server, problems, benchmarks, *more))
    said: list[str] = []
    make_all(evaluation_maker(evaluation_of(arguments), benchmarks_of(arguments)), said.append)
    kinds = Counter(name.split("/")[1] if name.startswith("m/") else name.split("/")[0] for name in said)
    return server.count(), ", ".join(f"{kind} x {count}" for kind, count in kinds.items()) or "nothing"


def killed(server: Server, problems: int, after: int) -> int:
    """Start the evaluation in a process, and kill it with SIGKILL after some answers."""
    server.hold_after = after
    words = ["evaluate", *words_of(server, problems, BENCHMARKS, "--set", "sampling.concurrency=4")]
    code = f"from assets.command_line import main; main({words!r})"
    child = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    server.holding.wait(300)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    server.hold_after = None
    return server.count()


@contextmanager
def own_home() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MATHSIEVE_HOME"] = str(Path(folder) / "home")
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=40)
    problems = parser.parse_args().problems
    one = BENCHMARKS.partition(",")[0]
    server = Server()
    with own_home():
        print(f"{'change':<34}{'asked':>6}  made again")
        asked = killed(server, problems, problems)
        print(f"{'killed by SIGKILL half-way':<34}{asked:>6}  -")
        steps: tuple[tuple[str, str, tuple[str, ...]], ...] = (
            ("the same command again", BENCHMARKS, ()),
            ("once more", BENCHMARKS, ()),
            ("concurrency 256 -> 8", BENCHMARKS, ("--set", "sampling.concurrency=8")),
            ("grader: another profile", BENCHMARKS, ("--set", "sampling.profiles=[reward]")),
            ("samples 1 -> 3", BENCHMARKS, ("--samples", "3")),
            ("one benchmark less", one, ("--samples", "3")),
            ("a benchmark more (templated_zh)", f"{BENCHMARKS},templated_zh", ("--samples", "3")),
            ("the endpoint's revision", one, ("--set", "models.0.endpoint.revision=second")),
        )
        for name, benchmarks, more in steps:
            asked, what = made(server, problems, benchmarks, *more)
            print(f"{name:<34}{asked:>6}  {what}", flush=True)


if __name__ == "__main__":
    main()

"""`mathsieve evaluate` against a server that counts: what is asked again and what is made again; only that."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assets.command_line import main
from evaluators.models.sampling import SMALLEST_CALL
from pipelines.evaluate_command import add_arguments, benchmarks_of, evaluation_maker, evaluation_of, make_all
from pipelines.evaluation import EvaluatedModel
from pipelines.recipe import RecipeError


class CountingServer:
    """Answers 7 to every question, after `hold_after` answers none until it is released."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.models, self.root = ["org/seven-7B"], "org/seven-7B@first"
        self.finish = "stop"
        self.hold_after: int | None = None
        self.holding, self.released = threading.Event(), threading.Event()
        self.guard = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                listed = [{"id": name, "root": server.root} for name in server.models]
                known = {"/v1/models": {"object": "list", "data": listed}}
                self.send(200 if self.path in known else 404, known.get(self.path, {}))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with server.guard:
                    server.asked.append(body)
                    questions = sum(not is_probe(one) for one in server.asked)
                    held = server.hold_after is not None and questions > server.hold_after
                if held:
                    server.holding.set()
                    server.released.wait(60)
                self.send(200, server.answer(body))

            def send(self, status: int, content: dict[str, Any]) -> None:
                raw = json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # whoever asked was killed, as a test wants

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        text = "It is \\boxed{7}."
        own = {"message": {"role": "assistant", "content": text}} if "messages" in body else {"text": text}
        count = body.get("n", 1)
        choices = [{"index": index, "finish_reason": self.finish, **own} for index in range(count)]
        return {"choices": choices, "usage": {"prompt_tokens": 9, "completion_tokens": 5 * count}}

    def problems(self) -> int:
        """How many generations were asked for since the last look."""
        count = sum(body.get("n", 1) for body in self.asked if not is_probe(body))
        self.asked.clear()
        return count


def is_probe(body: dict[str, Any]) -> bool:
    """Whether a request only finds out what the server takes: it goes before the first, with the least limit there is."""
    return bool(body["max_tokens"] == SMALLEST_CALL)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    monkeypatch.setenv("MATHSIEVE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MATHSIEVE_REAL_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    counting = CountingServer()
    yield counting
    counting.released.set()
    counting.http.shutdown()
    counting.http.server_close()


def arguments_of(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def made(server: CountingServer, *words: str, benchmarks: str = "templated_easy") -> tuple[int, list[str]]:
    """(generations asked for, assets that were made) by one call of the command."""
    arguments = arguments_of(server.url, "--benchmarks", benchmarks, "--limit", "5", *words)
    said: list[str] = []
    make_all(evaluation_maker(evaluation_of(arguments), benchmarks_of(arguments)), said.append)
    return server.problems(), said


def test_what_changed_is_asked_and_made_again_and_nothing_else(server: CountingServer) -> None:
    everything = ["problems/templated_easy", "seven_7B/completions"]
    judged = ["seven_7B/grades/templated_easy.cot", "seven_7B/scores/templated_easy.cot", "benchmark_report"]
    hot = ("--temperature", "0.5")
    assert made(server, *hot) == (5, [*everything, *judged])
    assert made(server, *hot) == (0, [])
    assert made(server, *hot, "--set", "sampling.concurrency=3") == (0, [])
    assert made(server, *hot, "--set", "sampling.profiles=[strict]") == (0, judged)
    assert made(server, *hot, "--samples", "3") == (10, [everything[1], *judged])
    more = made(server, *hot, "--samples", "3", benchmarks="templated_easy,templated_easy_zh")
    assert more == (
        15,
        [
            "problems/templated_easy_zh",
            "seven_7B/completions",
            "seven_7B/grades/templated_easy_zh.cot",
            "seven_7B/scores/templated_easy_zh.cot",
            "benchmark_report",
        ],
    )
    assert made(server, *hot, "--max-tokens", "77") == (5, [everything[1], *judged])


def test_a_killed_evaluation_goes_on_from_where_it_was(server: CountingServer, tmp_path: Path) -> None:
    server.hold_after = 3
    words = [
        "evaluate",
        server.url,
        "--benchmarks",
        "templated_easy",
        "--limit",
        "5",
        "--set",
        "sampling.concurrency=1",
    ]
    code = f"from assets.command_line import main; main({words!r})"
    child = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=os.environ, start_new_session=True)
    try:
        assert server.holding.wait(60)
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    server.hold_after = None
    server.released.set()
    assert server.problems() == 4
    assert made(server)[0] == 2  # three of five were answered


def test_the_report_and_the_scores_lie_where_a_comparison_finds_them(
    server: CountingServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = [server.url, "--benchmarks", "templated_easy", "--limit", "5"]
    assert main(["evaluate", *common, "--out", "a"]) == 0
    assert main(["evaluate", *common, "--out", "b", "--set", "sampling.seed=4"]) == 0
    assert "report: " in capsys.readouterr().out
    assert (tmp_path / "a" / "report.html").is_file()
    assert main(["compare", "a", "b"]) == 0
    assert "no difference shown between a and b" in capsys.readouterr().out


def test_the_conditions_stand_in_the_report_of_a_model_behind_a_url(server: CountingServer, tmp_path: Path) -> None:
    words = [server.url, "--benchmarks", "templated_easy", "--limit", "5", "--system", "Be brief.", "--out", "out"]
    assert main(["evaluate", *words]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    told = {row["title"]: row["cells"] for row in report["conditions"]["rows"]}
    assert (told["Prompt"], told["System prompt"], told["Temperature"]) == (["chat"], ["Be brief."], ["0.0"])
    assert (told["Address"], told["Model"], told["Kind"]) == ([server.url], ["org/seven-7B"], ["chat"])
    assert told["Grader: mathsieve"] != [""]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "chat, T 0, at most 1,024 tokens, endpoint" in page


def test_a_score_of_answers_that_were_cut_has_its_warning_at_the_terminal_too(
    server: CountingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.finish = "length"
    words = [server.url, "--benchmarks", "templated_easy", "--limit", "5", "--max-tokens", "20"]
    assert (
        main(["evaluate", *words, "--set", "models.0.endpoint.context=14"]) == 0
    )  # of a prompt of 9 tokens, 5 are left
    warning = capsys.readouterr().err
    assert "WARNING: seven_7B: many answers were cut by a limit of tokens (Templated-easy cot 5 of 5)" in warning
    assert "Raise sampling.max_new_tokens" in warning


def test_another_model_under_the_same_name_is_asked_again(server: CountingServer) -> None:
    assert made(server)[0] == 5
    assert made(server, "--max-tokens", "55")[0] == 5
    server.root = "org/seven-7B@second"
    assert made(server, "--max-tokens", "55") == (0, [])  # finished artifacts are found: who serves is not looked at
    assert made(server, "--max-tokens", "55", "--set", "sampling.tolerated_error_share=0.1")[0] == 5


def test_a_server_of_several_models_must_be_told_which(
    server: CountingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.models = ["one", "two"]
    assert main(["evaluate", server.url, "--benchmarks", "templated_easy"]) == 2
    assert "it lists one, two. Name it" in capsys.readouterr().err


def test_several_runs_tell_their_spread(server: CountingServer, tmp_path: Path) -> None:
    words = [server.url, "--benchmarks", "templated_easy", "--limit", "5", "--runs", "3", "--out", "out"]
    assert main(["evaluate", *words]) == 0
    assert server.problems() == 15
    (row,) = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["runs"]
    assert (len(row["accuracies"]), row["deviation"], row["unsteady"], row["problems"]) == (3, 0.0, 0, 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sft", {"name": "sft", "source": None, "by_template": False}),
        ("hub:Qwen/Qwen2.5-Math-1.5B@abc", {"name": "Qwen2_5_Math_1_5B", "source": "hub:Qwen/Qwen2.5-Math-1.5B"}),
        ("checkpoints/step-100", {"name": "step_100", "source": "checkpoints/step-100", "by_template": True}),
        ("http://10.0.0.1:8000/v1", {"name": "10_0_0_1_8000", "source": None, "by_template": True}),
    ],
)
def test_an_entry_of_a_recipe_may_be_plain_text(text: str, expected: dict[str, Any]) -> None:
    entry = EvaluatedModel.model_validate(text)
    assert {name: getattr(entry, name) for name in expected} == expected


def test_a_value_that_cannot_be_set_is_told_as_in_a_recipe(server: CountingServer) -> None:
    words = (server.url, "--benchmarks", "templated_easy", "--set", "sampling.samples=0")
    with pytest.raises(RecipeError, match=r"sampling\.samples: expected greater than or equal to 1; found 0"):
        evaluation_of(arguments_of(*words))


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("{root}",), "{root}/v1 answers: write that."),
        (("{host}/v1",), "Write http://{host}/v1\n"),
        (("localhost:8000/v1",), "Write http://localhost:8000/v1\n"),
        (("{url}/chat/completions",), "Write {url}\n"),
        (("{url}", "--limit", "0"), "limit: expected greater than 0; found 0"),
        (("{url}", "--baseline", "other"), "report.baseline: expected one of the evaluated models (seven_7B); found 'other'"),
        (("{url}", "--out", "taken"), "taken: expected a file or folder that can be used; found: File exists."),
        (("{url}", "--forms", "cot,tirr"), "forms.1: expected 'cot', 'tir' or 'tools'; found 'tirr'"),
        (("{url}", "--set", "sampling.top_q=1"), "sampling.top_q: unknown key. Did you mean top_p?"),
    ],
)  # fmt: skip
def test_a_slip_of_the_command_line_is_told_before_anything_is_asked(
    words: tuple[str, ...], remedy: str, server: CountingServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    root = server.url.removesuffix("/v1")
    places = {"url": server.url, "root": root, "host": root.removeprefix("http://")}
    written = [word.format(**places) for word in words]
    assert main(["evaluate", "--benchmarks", "templated_easy", *written]) == 2
    assert remedy.format(**places) in capsys.readouterr().err
    assert server.asked == []


def test_an_address_without_a_scheme_is_no_folder_in_a_recipe_either() -> None:
    with pytest.raises(ValueError, match="Write http://localhost:8000/v1"):
        EvaluatedModel.model_validate("localhost:8000/v1")

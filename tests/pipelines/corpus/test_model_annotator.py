"""The model annotator against a server on loopback that speaks the OpenAI protocol, and one that does not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipelines.corpus.annotations import ModelSettings
from pipelines.corpus.model_annotator import by_model, read_answer
from pipelines.corpus.page_tables import CorpusError

PROPOSAL = {
    "prefix": "uni.example/notes",
    "pages": 40,
    "collected": 12,
    "with_formulas": 30,
    "examples": {
        "collected": [{"title": "Rings", "url": "https://uni.example/notes/1", "text": "A ring is a set"}],
        "uncollected": [],
    },
}


@contextmanager
def server(*replies: tuple[int, str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Gives each reply (status, body) once, in order; tells its address and what it was asked."""
    left, asked = list(replies), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({"path": self.path, "key": self.headers.get("Authorization"), **body})
            status, text = left.pop(0)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}/v1", asked
        finally:
            listening.shutdown()
            thread.join()


def completion(text: str | None) -> tuple[int, str]:
    return 200, json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})


def test_a_model_is_shown_the_evidence_and_its_answer_is_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNOTATOR_KEY", "secret")
    with server((503, "busy"), completion("Yes.\nLecture notes on algebra.")) as (address, asked):
        settings = ModelSettings(base_url=address, model="judge", api_key_variable="ANNOTATOR_KEY")
        decision = by_model(settings)(PROPOSAL)
    assert (decision.prefix, decision.verdict, decision.by, decision.who) == (
        "uni.example/notes",
        "math",
        "model",
        "judge",
    )
    assert decision.why == "Lecture notes on algebra"
    assert [one["path"] for one in asked] == ["/v1/chat/completions"] * 2
    assert asked[1]["key"] == "Bearer secret"
    assert (asked[1]["model"], asked[1]["temperature"]) == ("judge", 0)
    prompt = asked[1]["messages"][0]["content"]
    for told in ("uni.example/notes", "40 pages", "took 12", "30 carry formulas", "Rings", "A ring is a set"):
        assert told in prompt


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ((500, "broken"), "500"),
        ((200, "no JSON"), "no chat completion"),
        ((200, '{"choices": []}'), "no chat completion"),
    ],
)
def test_an_endpoint_that_gives_no_completion_stops_the_run(reply: tuple[int, str], found: str) -> None:
    with server(reply) as (address, _), pytest.raises(CorpusError) as told:
        by_model(ModelSettings(base_url=address, model="judge", attempts=1))(PROPOSAL)
    assert f"{address}: expected a chat completion of judge; found" in str(told.value)
    assert found in str(told.value)
    assert "Start the endpoint, or take `model` out of annotations.annotators." in str(told.value)


@pytest.mark.parametrize(
    ("answer", "verdict", "why"),
    [
        ("no\nA shop.", "other", "A shop"),
        ("**Unsure** - few samples", "undecided", "- few samples"),
        ("I know not", "undecided", "I know not"),
        ("", "undecided", "the model gave no reason"),
    ],
)
def test_an_answer_is_read_whatever_its_dress(answer: str, verdict: str, why: str) -> None:
    assert read_answer(answer) == (verdict, why)

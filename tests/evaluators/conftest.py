"""A real HTTP server that can misbehave in every way that endpoints do."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Answer = Callable[[dict[str, Any], int], "Misbehaviour | str"]
"""(request body, how often this prompt was asked before) -> the text, or a way to fail."""


@dataclass(frozen=True)
class Misbehaviour:
    """`kind`: drop, cut_body, delay, status, not_json, body."""

    kind: str
    value: Any = None


@dataclass
class FakeEndpoint:
    """An OpenAI-compatible completions server whose answers a function decides."""

    answer: Answer
    asked: list[dict[str, Any]] = field(default_factory=list)
    base_url: str = ""
    _seen: dict[str, int] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self._guard:
            self.asked.append(body)
            key = str(body.get("prompt", body.get("messages")))
            before = self._seen.get(key, 0)
            self._seen[key] = before + 1
        answer = self.answer(body, before)
        if isinstance(answer, str):
            answer = Misbehaviour("body", completion(answer))
        self._send(handler, answer)

    def _send(self, handler: BaseHTTPRequestHandler, answer: Misbehaviour) -> None:
        if answer.kind == "drop":
            handler.close_connection = True
            handler.connection.close()
            return
        if answer.kind == "delay":
            time.sleep(answer.value)
            answer = Misbehaviour("body", completion("late \\boxed{0}"))
        status, content = 200, answer.value
        if answer.kind == "status":
            status, content = answer.value
        raw = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(raw) + (50 if answer.kind == "cut_body" else 0)))
        handler.end_headers()
        handler.wfile.write(raw)
        if answer.kind == "cut_body":
            handler.close_connection = True


def completion(text: str, finish: str = "stop", tokens: int | None = None) -> dict[str, Any]:
    """What an honest server says."""
    count = len(text.split()) if tokens is None else tokens
    return {
        "choices": [{"index": 0, "text": text, "finish_reason": finish}],
        "usage": {"prompt_tokens": 5, "completion_tokens": count},
    }


@pytest.fixture
def fake_endpoint() -> Iterator[Callable[[Answer], FakeEndpoint]]:
    """Starts fake endpoints on free ports of the loopback interface."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> FakeEndpoint:
        endpoint = FakeEndpoint(answer)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                try:
                    endpoint.respond(self)
                except (BrokenPipeError, ConnectionResetError, ValueError):
                    self.close_connection = True  # the client gave up, as some tests want

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda request, address: None  # type: ignore[method-assign, assignment]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        endpoint.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        return endpoint

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def misbehaviour() -> type[Misbehaviour]:
    return Misbehaviour


@pytest.fixture
def honest() -> Callable[..., dict[str, Any]]:
    """Builds the body that an honest server sends; tests spoil it."""
    return completion

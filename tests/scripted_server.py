"""A server whose answers a table gives, over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Said:
    """One answer of the server: `body` as JSON (or as it is), under a status."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class ScriptedServer:
    """Answers `answer(body, how often this prompt was asked before)`, or always the same."""

    answer: Any
    asked: list[dict[str, Any]] = field(default_factory=list)
    base_url: str = ""
    closing: threading.Event = field(default_factory=threading.Event)
    _seen: dict[str, int] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self._guard:
            self.asked.append(body)
            key = str(body.get("prompt") or body.get("messages") or body.get("input"))
            before = self._seen.get(key, 0)
            self._seen[key] = before + 1
        said = self.answer(body, before) if callable(self.answer) else self.answer
        if said == "hang":
            self.closing.wait(20)
        if isinstance(said, str) and said != "cut":
            handler.close_connection = True
            handler.connection.close()
            return
        if said == "cut":
            send(handler, 200, '{"choices": [', {}, missing=50)
        else:
            send(handler, said.status, said.body, said.headers)


def send(handler: BaseHTTPRequestHandler, status: int, body: Any, headers: dict[str, str], missing: int = 0) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(raw) + missing))
    handler.end_headers()
    handler.wfile.write(raw)
    if missing:
        handler.close_connection = True


@contextmanager
def scripted_servers() -> Iterator[Callable[[Any], ScriptedServer]]:
    """Starts servers on free ports of the loopback interface; under /v1 they list no models, elsewhere there is nothing."""
    started: list[tuple[ThreadingHTTPServer, ScriptedServer]] = []

    def start(answer: Any) -> ScriptedServer:
        scripted = ScriptedServer(answer)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                try:
                    scripted.respond(self)
                except (BrokenPipeError, ConnectionResetError, ValueError):
                    self.close_connection = True  # the client gave up, as some behaviours make it

            def do_GET(self) -> None:
                send(self, 200 if self.path.startswith("/v1/") else 404, {"data": []}, {})

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda request, address: None  # type: ignore[method-assign, assignment]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        started.append((server, scripted))
        scripted.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        return scripted

    yield start
    for server, scripted in started:
        scripted.closing.set()
        server.shutdown()
        server.server_close()

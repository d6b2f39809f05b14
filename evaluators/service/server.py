"""The HTTP around the service: routes, who may ask, sizes, draining. aiohttp, on uvloop where that is installed.

Measured for this server (one request of 70 bytes, echoed; CPU of the server a request, two rounds): aiohttp 63 and 77 us,
aiohttp on uvloop 45 and 48, Starlette on uvicorn with httptools and uvloop 52 and 58, uvicorn alone without routing 28.
The base installation has aiohttp already (s3fs), client and server; it waits for what is at work when it stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import math
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web

from evaluators.service.errors import BadRequest, Draining, NotAllowed, NotFound, ServiceError, TooLarge
from evaluators.service.openapi import document
from evaluators.service.replies import Reply
from evaluators.service.service import Service
from evaluators.service.settings import ServiceSettings, is_loopback

JSON = "application/json"
PLAIN = {"Content-Type": JSON}
REPLAYED = {**PLAIN, "Idempotent-Replayed": "true"}
BODY_SECONDS = 30.0
"""For a request's bytes, after its head: a client that sends none holds a connection, but no worker."""
Work = Callable[[web.Request, bytes], Awaitable[Reply]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """A route that does work: its name in metrics, and what it does with a request's bytes."""

    method: str
    path: str
    name: str
    work: Work


class Server:
    """One listening server. `start`, then `drain`."""

    def __init__(self, settings: ServiceSettings) -> None:
        settings.check_exposure()
        self.settings = settings
        self.service = Service(settings)
        self.draining = False
        self._active = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._runner: web.AppRunner | None = None
        self._began = time.time()
        self.port = settings.port

    async def start(self) -> None:
        """Start the workers, then listen. Raises WorkerLost, and OSError where the address cannot be had."""
        listener = socket.create_server(
            (self.settings.host, self.settings.port),
            family=socket.AF_INET6 if ":" in self.settings.host else socket.AF_INET,
            backlog=1024,
        )
        try:
            self.port = listener.getsockname()[1]
            await self.service.start()
            self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
            await self._runner.setup()
            await web.SockSite(self._runner, listener).start()
        except BaseException:
            listener.close()
            raise

    async def drain(self) -> bool:
        """Refuse what is new, finish what is at work, and end. Returns whether all of it was finished in time."""
        self.draining = True
        finished = True
        try:
            await asyncio.wait_for(self._idle.wait(), self.settings.drain_seconds)
        except TimeoutError:
            finished = False
        if self._runner is not None:
            await self._runner.cleanup()
        await self.service.close()
        return finished

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=self.settings.request_bytes)
        for route in self._routes():
            application.router.add_route(route.method, route.path, self._handler(route))
        for path, answer in (("/healthz", self._health), ("/readyz", self._ready), ("/metrics", self._metrics)):
            application.router.add_get(path, answer)
        application.router.add_get("/v1/info", self._told(lambda: self.info()))
        application.router.add_get("/openapi.json", self._told(document))
        application.router.add_route("*", "/{path:.*}", self._unknown)
        return application

    def _routes(self) -> list[Route]:
        service = self.service

        def session(request: web.Request) -> str:
            return request.match_info["session"]

        return [
            Route("POST", "/v1/check", "check", lambda _, body: service.one("check", body)),
            Route("POST", "/v1/check/many", "check_many", lambda _, body: service.many("check_many", "pairs", body)),
            Route("POST", "/v1/judge", "judge", lambda _, body: service.one("judge", body)),
            Route("POST", "/v1/judge/many", "judge_many", lambda _, body: service.many("judge_many", "outputs", body)),
            Route("POST", "/v1/run", "run", lambda _, body: service.run(body)),
            Route("POST", "/v1/run/many", "run_many", lambda _, body: service.run_many(body)),
            Route("POST", "/v1/trajectories", "trajectories", lambda _, body: service.judge_trajectory(body)),
            Route(
                "POST", "/v1/execute-and-check", "execute_and_check", lambda _, body: service.execute_and_check(body)
            ),
            Route("POST", "/v1/sessions", "open_session", lambda _, body: service.open_session(body)),
            Route(
                "POST", "/v1/sessions/{session}/run", "run_block", lambda r, body: service.run_block(session(r), body)
            ),
            Route("DELETE", "/v1/sessions/{session}", "close_session", lambda r, _: service.close_session(session(r))),
        ]

    def _handler(self, route: Route) -> Handler:
        metrics = self.service.metrics
        seconds = metrics.seconds.labels(route.name)
        good = metrics.requests.labels(route.name, "200")

        async def handle(request: web.Request) -> web.StreamResponse:
            self._active += 1
            self._idle.clear()
            began = time.monotonic()
            try:
                reply = await self._reply(route, request)
            except ServiceError as error:
                metrics.requests.labels(route.name, str(error.status)).inc()
                return _refusal(error, close=self.draining)
            finally:
                seconds.observe(time.monotonic() - began)
                self._active -= 1
                if not self._active:
                    self._idle.set()
            (good if reply.status == 200 else metrics.requests.labels(route.name, str(reply.status))).inc()
            return web.Response(body=reply.body, status=reply.status, headers=REPLAYED if reply.replayed else PLAIN)

        return handle

    async def _reply(self, route: Route, request: web.Request) -> Reply:
        self._admit(request)
        if self.draining:
            raise Draining("the server is shutting down", remedy="Send it again to the next one.", retry_after=1.0)
        body = await self._body(request) if route.method == "POST" else b""
        key = request.headers.get("Idempotency-Key")
        asked = request.path.encode() + b"\n" + body if key is not None else b""
        reply = await self.service.replies.once(key, asked, lambda: route.work(request, body))
        if reply.replayed:
            self.service.metrics.replayed.inc()
        return reply

    def _admit(self, request: web.Request) -> None:
        """Raises NotAllowed for whoever has no token, and for web pages, which reach loopback from any browser."""
        token = self.settings.token
        if token is not None:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
                raise NotAllowed(
                    "Authorization",
                    expected="`Bearer TOKEN`, the server's own token",
                    found="another one" if given else "none",
                )
        elif not _names_this_machine(request.host):
            raise NotAllowed(
                "Host", expected="a name of this machine's loopback", found=repr(request.host[:80]),
                remedy="A server without a token answers to localhost and 127.0.0.1 only.",
            )  # fmt: skip
        if "Origin" in request.headers and token is None:
            raise NotAllowed("Origin", expected="no web page", found=repr(request.headers["Origin"][:80]))

    async def _body(self, request: web.Request) -> bytes:
        kind = request.headers.get("Content-Type", "none")
        if kind != JSON and kind.partition(";")[0].strip().lower() != JSON:  # aiohttp's own property parses it anew
            raise BadRequest("Content-Type", expected=JSON, found=repr(kind[:80]))
        most = self.settings.request_bytes
        if (request.content_length or 0) > most:
            raise _too_large(most, f"{request.content_length} bytes")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise _too_large(most, "more") from error
        except TimeoutError as error:
            raise BadRequest("the request", expected=f"all of it in {BODY_SECONDS:.0f} s", found="a part") from error

    async def _health(self, request: web.Request) -> web.Response:
        """Whether the process answers at all."""
        return web.Response(text="ok\n")

    async def _ready(self, request: web.Request) -> web.Response:
        """Whether to send it work."""
        service = self.service
        lacking = [pool.settings.name for pool in (service.checkers, service.runners) if not pool.is_ready]
        if self.draining:
            return web.Response(status=503, text="draining\n")
        if lacking:
            return web.Response(status=503, text=f"no {' and no '.join(lacking)} is up; being started again\n")
        return web.Response(text="ready\n")

    async def _metrics(self, request: web.Request) -> web.Response:
        try:
            self._admit(request)
        except ServiceError as error:
            return _refusal(error)
        return web.Response(body=self.service.metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    def _told(self, content: Callable[[], object]) -> Handler:
        async def tell(request: web.Request) -> web.Response:
            try:
                self._admit(request)
            except ServiceError as error:
                return _refusal(error)
            return web.Response(text=json.dumps(content()), content_type=JSON)

        return tell

    async def _unknown(self, request: web.Request) -> web.Response:
        return _refusal(NotFound(f"{request.method} {request.path[:80]}: no such route", remedy="See /openapi.json."))

    def info(self) -> dict[str, object]:
        """What a client may want to know of its server."""
        settings = self.settings
        return {
            "version": document()["info"]["version"],
            "started": self._began,
            "tier": self.service.tier,
            "checkers": settings.checkers,
            "request_bytes": settings.request_bytes,
            "limits": settings.sandbox.model_dump(mode="json"),
        }


def _too_large(most: int, found: str) -> TooLarge:
    return TooLarge(
        "the request", expected=f"at most {most} bytes", found=found,
        remedy="Send several requests, or start the server with a larger --request-bytes.",
    )  # fmt: skip


@lru_cache(maxsize=256)
def _names_this_machine(host: str) -> bool:
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name)


def _refusal(error: ServiceError, *, close: bool = False) -> web.Response:
    headers = {} if error.retry_after is None else {"Retry-After": str(math.ceil(error.retry_after))}
    response = web.Response(body=error.body(), status=error.status, content_type=JSON, headers=headers)
    if close:
        response.force_close()
    return response


async def serve(settings: ServiceSettings) -> int:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends it at once. Returns the exit status."""
    server = Server(settings)
    await server.start()
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(
        f"mathsieve serve: http://{host}:{server.port} (sandbox tier {server.service.tier}, {settings.checkers} checkers)",
        flush=True,
    )
    await asked.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)  # the next one ends the process
        signal.signal(number, signal.SIG_DFL)
    print("mathsieve serve: draining", file=sys.stderr, flush=True)
    if await server.drain():
        return 0
    print(f"mathsieve serve: some requests were not finished in {settings.drain_seconds:g} s", file=sys.stderr)
    return 1


def run(settings: ServiceSettings) -> int:
    """`serve` on uvloop, or on asyncio's own loop where uvloop is not installed."""
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.run(serve(settings))
    return asyncio.run(serve(settings))

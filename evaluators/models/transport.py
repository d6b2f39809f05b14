"""One request over HTTP: a body goes out, and comes back as Generations or as what went wrong.

Failed          the attempt failed in a way that another one may not
  Unreachable     nobody listens, or no such host
Overloaded      the server asks for patience
Refused         the server answered with a refusal
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from evaluators.models.bodies import PATHS
from evaluators.models.endpoint_settings import EndpointSettings
from evaluators.models.refusals import Refusal, read_refusal
from evaluators.models.replies import ErrorReply, UnusableReply, generations, read_reply
from evaluators.models.sampling import Generation, Request

LARGEST_REPLY = 64 << 20
"""Bytes; ours: 16 samples of 128,000 tokens are 8 MiB, and no endpoint may fill our memory."""
AS_JSON = json.JSONEncoder(ensure_ascii=False).encode


class Failed(Exception):
    def __init__(self, message: str, *, tokens: int = 0) -> None:
        super().__init__(message)
        self.tokens = tokens
        """Generated, and paid for, all the same."""


class Unreachable(Failed):
    pass


class Overloaded(Exception):
    def __init__(self, message: str, seconds: float | None) -> None:
        super().__init__(message)
        self.seconds = seconds
        """To wait, where the server tells."""


class Refused(Exception):
    def __init__(self, refusal: Refusal, body: Mapping[str, Any]) -> None:
        super().__init__(refusal.message)
        self.refusal, self.body = refusal, body


def open_session(settings: EndpointSettings, api_key: str | None) -> aiohttp.ClientSession:
    """Connections to one endpoint, without a proxy: one of the environment must not see 127.0.0.1."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    return aiohttp.ClientSession(
        headers=headers | {"Content-Type": "application/json"},
        timeout=aiohttp.ClientTimeout(total=settings.request_timeout, sock_connect=settings.connect_timeout),
        connector=aiohttp.TCPConnector(limit=0),  # the loop limits, not the client
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


async def post(
    session: aiohttp.ClientSession,
    base_url: str,
    body: Mapping[str, Any],
    request: Request,
    count: int,
    settings: EndpointSettings,
) -> list[Generation]:
    """At least one and at most `count` samples. `body`: the request as this server takes it. Raises Failed, Overloaded, Refused."""
    started = time.monotonic()
    raw = AS_JSON(body).encode("utf-8", "replace")
    try:
        async with session.post(base_url + PATHS[settings.kind], data=raw, allow_redirects=False) as response:
            content = await _read(response)
    except aiohttp.ClientConnectorError as error:
        raise Unreachable(f"nobody answers at {base_url}: {error.os_error.strerror or error}") from error
    except aiohttp.InvalidURL as error:
        raise Unreachable(f"nobody answers at {base_url}: {error}") from error
    except aiohttp.ConnectionTimeoutError as error:
        raise Unreachable(
            f"no connection to {base_url} within {settings.connect_timeout:g} s (endpoint.connect_timeout)"
        ) from error
    except TimeoutError as error:
        raise Failed(
            f"TimeoutError: no whole answer within {settings.request_timeout:g} s (endpoint.request_timeout)"
        ) from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise Failed(f"{type(error).__name__}: {error or 'the connection broke'}") from error
    try:
        if response.status >= 300:
            raise ErrorReply(response.status, content.decode("utf-8", "replace"))
        answer = read_reply(content, response.content_type)
        return generations(answer, request, settings.kind, count, time.monotonic() - started)
    except ErrorReply as error:
        refusal = read_refusal(error.status, error.text, body, response.headers.get("Retry-After"))
        raise _raised(refusal, body) from error
    except UnusableReply as complaint:
        raise Failed(f"{complaint}", tokens=complaint.tokens) from complaint


def _raised(refusal: Refusal, body: Mapping[str, Any]) -> Exception:
    if refusal.kind == "rate":
        return Overloaded(refusal.message, refusal.retry_after)
    return Failed(refusal.message) if refusal.kind == "again" else Refused(refusal, body)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body. Raises Failed where it is larger than any answer."""
    if response.content_length is not None and response.content_length <= LARGEST_REPLY:
        return await response.read()
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > LARGEST_REPLY:
            raise Failed(f"expected an answer of at most {LARGEST_REPLY >> 20} MiB; found more")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)

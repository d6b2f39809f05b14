"""Answers kept for clients that ask again: one key, one answer, whether the first request is done or still at work.

Kept in memory for a while: a restarted server knows none. What it answers then is the same for checks and for
programs in fresh sessions, and a session's block finds its session gone; so nothing is counted twice either way.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from evaluators.service.errors import BadRequest, Conflict

LONGEST_KEY = 200  # ours: a UUID has 36


@dataclass(frozen=True, slots=True)
class Reply:
    """A response as it is sent."""

    status: int
    body: bytes
    replayed: bool = False


@dataclass(slots=True)
class _Kept:
    digest: bytes
    reply: asyncio.Future[Reply]
    began: float


class Replies:
    """Replies by idempotency key."""

    def __init__(self, *, seconds: float, most_bytes: int) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def once(self, key: str | None, request: bytes, work: Callable[[], Awaitable[Reply]]) -> Reply:
        """The reply of `work`, which is done once for a key; errors are not kept. Raises Conflict, BadRequest."""
        if key is None:
            return await work()
        if not 0 < len(key) <= LONGEST_KEY:
            raise BadRequest("Idempotency-Key", expected=f"1 to {LONGEST_KEY} characters", found=str(len(key)))
        self._forget()
        digest = hashlib.sha256(request).digest()
        known = self._kept.get(key)
        if known is not None:
            if known.digest != digest:
                raise Conflict(
                    "Idempotency-Key",
                    expected="the request that it was used for before",
                    found="another one",
                    remedy="Give every request a key of its own.",
                )
            first = await asyncio.shield(known.reply)
            return Reply(first.status, first.body, replayed=True)
        return await self._first(key, _Kept(digest, asyncio.get_running_loop().create_future(), time.monotonic()), work)

    async def _first(self, key: str, kept: _Kept, work: Callable[[], Awaitable[Reply]]) -> Reply:
        self._kept[key] = kept
        try:
            reply = await work()
        except BaseException as error:
            self._kept.pop(key, None)
            if isinstance(error, Exception):
                kept.reply.set_exception(error)
                kept.reply.exception()  # nobody else may have waited for it
            else:
                kept.reply.cancel()
            raise
        kept.reply.set_result(reply)
        self._bytes += len(reply.body)
        if reply.status != 200:  # it may succeed later
            self._drop(key)
        return reply

    def _forget(self) -> None:
        """Drop what is too old, and the oldest while all together is too much."""
        oldest = time.monotonic() - self._seconds
        for key, kept in list(self._first_few()):
            if kept.reply.done() and (kept.began < oldest or self._bytes > self._most_bytes):
                self._drop(key)

    def _first_few(self) -> list[tuple[str, _Kept]]:
        few = []
        for key, kept in self._kept.items():
            few.append((key, kept))
            if len(few) == 8:  # more than come in with one request: what is to go goes in time
                break
        return few

    def _drop(self, key: str) -> None:
        kept = self._kept.pop(key)
        if not kept.reply.cancelled() and kept.reply.exception() is None:
            self._bytes -= len(kept.reply.result().body)

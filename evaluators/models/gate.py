"""How many requests a server has before it at once: as many as are asked, until it says that it is too many."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from types import TracebackType

SETTLING = 1.0
"""Seconds after a halving in which further complaints are of requests that were sent before it."""


class Gate:
    """An asynchronous context manager around each request. Halved when the server is overloaded; then a request more for
    every round that it serves, as TCP finds a path's capacity."""

    def __init__(self) -> None:
        self.limit = math.inf
        self.active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._lowered = -math.inf

    async def __aenter__(self) -> Gate:
        while self.active >= self.limit:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            finally:
                if turn in self._waiting:
                    self._waiting.remove(turn)
        self.active += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.active -= 1
        self._admit()

    def overloaded(self) -> None:
        """The server asked for less."""
        now = asyncio.get_running_loop().time()
        if now - self._lowered < SETTLING:
            return
        self._lowered = now
        self.limit = max(1, min(self.limit, self.active) // 2)

    def served(self) -> None:
        """A request was answered."""
        if self.limit != math.inf:
            self.limit += 1 / self.limit
            self._admit()

    def _admit(self) -> None:
        free = self.limit - self.active
        while self._waiting and free >= 1:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1

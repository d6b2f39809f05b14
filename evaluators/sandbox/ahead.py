"""Sessions forked before anybody asks for them, so that a program waits for no fork and no wall."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from evaluators.sandbox.records import SandboxError
from evaluators.sandbox.session import SessionProcess

PAUSE_SECONDS = 1.0
"""After a session that could not be opened: whoever asks next is told why."""


class Ahead:
    """A stock of ready sessions, filled up on a thread of its own from the first request on. Thread-safe."""

    def __init__(
        self, count: int, open_session: Callable[[], SessionProcess], close_session: Callable[[SessionProcess], None]
    ) -> None:
        self._count = count
        self._open_session, self._close_session = open_session, close_session
        self._ready: deque[SessionProcess] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._filling: threading.Thread | None = None

    def take(self) -> SessionProcess | None:
        """A session that waits for its first block; None where none is ready."""
        if self._count == 0:
            return None
        while True:
            with self._changed:
                if self._filling is None and not self._closed:
                    self._filling = threading.Thread(target=self._fill, name="sandbox forking ahead", daemon=True)
                    self._filling.start()
                session = self._ready.popleft() if self._ready else None
                self._changed.notify()
            if session is None or session.is_waiting():
                return session
            self._close_session(session)  # killed meanwhile, or its server was

    def close(self) -> None:
        """End the sessions that nobody took."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            filling = self._filling
        if filling is not None:
            filling.join()
        while self._ready:
            self._close_session(self._ready.popleft())

    def _fill(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or len(self._ready) < self._count)
                if self._closed:
                    return
            try:
                session = self._open_session()
            except SandboxError:
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, timeout=PAUSE_SECONDS)
                continue
            with self._changed:
                self._ready.append(session)

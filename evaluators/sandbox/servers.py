"""Which tier, and which server: the choice by self-test, replacement of a dead server, and recycling."""

from __future__ import annotations

import logging
import os
import threading

from evaluators.sandbox import canaries
from evaluators.sandbox.ahead import Ahead
from evaluators.sandbox.records import ExecutorFault, SandboxError, SandboxSettings, Tier, TierRefused
from evaluators.sandbox.server_process import ENVIRONMENT, ServerProcess, spawn_limits
from evaluators.sandbox.session import SessionProcess

_log = logging.getLogger(__name__)

AUTOMATIC: tuple[Tier, ...] = ("strict", "landlock")
"""Strongest first. `unsafe` is not among them."""
SELF_TEST_SECONDS = 30.0


class Servers:
    """Gives out sessions of a live, tested server of one tier. Thread-safe."""

    def __init__(self, settings: SandboxSettings, *, binary: str | None = None) -> None:
        """`binary`: the program of the interpreter tier, whose hosts are then what sessions are here."""
        self._settings = settings
        self._binary = binary
        self._lock = threading.Lock()
        self._tier: Tier | None = None
        self._current: ServerProcess | None = None
        self._retired: set[ServerProcess] = set()
        self._successor: threading.Thread | None = None
        self._closed = False
        self._owner = os.getpid()
        self._ahead = Ahead(settings.ahead, self._open_session, self.close_session)
        self.refused: dict[Tier, str] = {}

    @property
    def tier(self) -> Tier:
        if self._tier is None:
            raise SandboxError("expected an entered sandbox: `async with Sandbox(settings) as sandbox:`")
        return self._tier

    def start(self) -> None:
        """Start a server of the first tier that passes. Raises TierRefused, naming what failed in each."""
        self._owner, self._closed = os.getpid(), False
        self._ahead = Ahead(self._settings.ahead, self._open_session, self.close_session)
        wanted = AUTOMATIC if self._settings.tier == "auto" else (self._settings.tier,)
        for tier in wanted:
            try:
                self._current = _tested_server(self._settings, tier, self._binary)
            except TierRefused as refusal:
                self.refused[tier] = str(refusal)
                continue
            self._tier = tier
            if self.refused:
                _log.warning("sandbox tier %s; passed over: %s", tier, " | ".join(self.refused.values()))
            return
        raise TierRefused("no tier of the sandbox can be had here. " + " | ".join(self.refused.values()))

    def open_session(self, settings: SandboxSettings | None = None) -> SessionProcess:
        """A fresh session, with other limits where `settings` are given. Raises ExecutorFault."""
        self._must_be_open()
        if settings is None or spawn_limits(settings) == spawn_limits(self._settings):
            ready = self._ahead.take()
            if ready is not None:
                return ready
        return self._open_session(settings)

    def _open_session(self, settings: SandboxSettings | None = None) -> SessionProcess:
        server = self._take()
        try:
            return SessionProcess(server, settings or self._settings, hosts=self._binary is not None)
        except BaseException:
            self._give(server)
            raise

    def close_session(self, session: SessionProcess) -> None:
        session.close()
        self._give(session.server)

    def close(self) -> None:
        """End every server, and so every session."""
        with self._lock:
            self._closed = True
            successor = self._successor
        self._ahead.close()
        if successor is not None:
            successor.join()
        with self._lock:
            servers = [*self._retired, *([self._current] if self._current else [])]
            self._retired.clear()
            self._current = None
        for server in servers:
            server.close()

    def _must_be_open(self) -> None:
        if os.getpid() != self._owner:
            raise SandboxError("a sandbox belongs to the process that entered it; enter another one in this process")
        if self._closed or self._current is None:
            raise ExecutorFault("the sandbox is closed")

    def _take(self) -> ServerProcess:
        with self._lock:
            self._must_be_open()
            assert self._current is not None
            if self._current.dead:
                self._current.close()
                try:
                    self._current = _tested_server(self._settings, self.tier, self._binary)
                except TierRefused as refusal:
                    raise ExecutorFault(f"the sandbox server died and could not be replaced: {refusal}") from refusal
            elif self._current.spawned >= self._settings.recycle_sessions and self._successor is None:
                self._successor = threading.Thread(target=self._recycle, name="sandbox recycling")
                self._successor.start()
            self._current.open_sessions += 1
            return self._current

    def _give(self, server: ServerProcess) -> None:
        with self._lock:
            server.open_sessions -= 1
            done = server in self._retired and server.open_sessions == 0
            if done:
                self._retired.discard(server)
        if done:
            server.close()

    def _recycle(self) -> None:
        """Start a successor while the old server still serves; the old one ends with its last session."""
        try:
            successor = _tested_server(self._settings, self.tier, self._binary)
        except SandboxError as error:
            _log.warning("the sandbox server could not be recycled, the old one goes on: %s", error)
            with self._lock:
                if self._current is not None:
                    self._current.spawned = 0  # try again after as many sessions
                self._successor = None
            return
        with self._lock:
            old, self._current, self._successor = self._current, successor, None
            keep = old is not None and old.open_sessions > 0
            if keep and old is not None:
                self._retired.add(old)
        if old is not None and not keep:
            old.close()


def _tested_server(settings: SandboxSettings, tier: Tier, binary: str | None) -> ServerProcess:
    """A server that passed its self-test, in sessions for programs. Raises TierRefused."""
    server = ServerProcess(settings, tier, binary)
    if tier == "unsafe":
        return server
    roomy = SandboxSettings(tier=tier, seed=settings.seed, preload=settings.preload, threads=settings.threads)
    try:
        session = SessionProcess(server, roomy, hosts=False)  # the caller's limits may be too tight for the test itself
        try:
            result = session.run(
                canaries.program(tier, os.getpid(), __file__, os.environ.keys() - ENVIRONMENT), SELF_TEST_SECONDS
            )
        finally:
            session.close()
    except ExecutorFault as fault:
        server.close()
        raise TierRefused(f"{tier}: {fault}") from fault
    failed = canaries.judge(tier, result.output, result.error)
    if failed is not None:
        server.close()
        raise TierRefused(failed)
    return server

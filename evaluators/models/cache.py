"""What was generated is kept by content: a killed evaluation finds every finished call again, in whatever order.

One SQLite file (write-ahead log): a record is whole or absent after SIGKILL, and several processes may share it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from evaluators.errors import MathsieveError
from evaluators.models.sampling import Generation, Request
from evaluators.records import Completion, Program


class CacheError(MathsieveError):
    """The cache cannot be read or written; the message names the remedy."""


class GenerationCache:
    """Generations and finished trajectories by content; `None` as path keeps them in memory only."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.found = 0
        """Generations that were not made again."""
        try:
            self._database = sqlite3.connect(path or ":memory:", timeout=60.0, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")  # safe against SIGKILL; power loss may cost the tail
            self._database.execute("CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        except sqlite3.DatabaseError as error:
            raise CacheError(
                f"{path}: expected a cache of generations (SQLite); found: {error}. Remove the file to generate again."
            ) from error

    def generation(self, key: str) -> Generation | None:
        """The generation stored under a key, if any."""
        value = self._get(key)
        if value is None:
            return None
        self.found += 1
        return Generation(**value)

    def keep_generation(self, key: str, generation: Generation) -> None:
        self._put(key, asdict(generation))

    def completion(self, key: str, problem_id: str) -> Completion | None:
        """A finished trajectory, for whichever problem asks the same question."""
        value = self._get(key)
        if value is None:
            return None
        self.found += value.pop("calls")
        value["programs"] = tuple(Program(**program) for program in value["programs"])
        return Completion(**{**value, "problem_id": problem_id})

    def keep_completion(self, key: str, completion: Completion, calls: int) -> None:
        self._put(key, {**asdict(completion), "calls": calls})

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> GenerationCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, key: str) -> dict[str, Any] | None:
        row = self._database.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def _put(self, key: str, value: dict[str, Any]) -> None:
        try:
            self._database.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?)", (key, json.dumps(value, ensure_ascii=False))
            )
        except sqlite3.OperationalError as error:
            raise CacheError(
                f"{self.path}: could not keep a generation: {error}. Free some disk space and run again; what is kept is whole."
            ) from error


def request_key(identity: str, request: Request, sample: int, call: int) -> str:
    """The key of one generation call: the model, everything that was asked, which sample and which call of it."""
    return _digest(["generation", identity, asdict(request), sample, call])


def completion_key(first_request: str, conditions: dict[str, Any]) -> str:
    """The key of a whole trajectory: that of its first call, and what decides how it goes on."""
    return _digest(["completion", first_request, conditions])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

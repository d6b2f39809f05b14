"""What was generated is kept by content: a killed evaluation finds every finished call again, in whatever order.

One SQLite file (write-ahead log): a record is whole or absent after SIGKILL, and several processes may share it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from evaluators.errors import MathsieveError
from evaluators.models.prompting import Prompt
from evaluators.models.sampling import Generation, Request, ToolCall
from evaluators.records import Completion, Program


class CacheError(MathsieveError):
    """The cache cannot be read or written; the message names the remedy."""


class GenerationCache:
    """Generations and finished trajectories by content; `None` as path keeps them in memory only."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.found = 0
        """Generations that were not made again."""
        self._new: dict[str, str] = {}
        """What is not written yet: of the present turn of the event loop, no more."""
        self._broken: CacheError | None = None
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
        value["calls"] = tuple(ToolCall(**call) for call in value["calls"])
        value["token_ids"] = tuple(value.get("token_ids", ()))
        return Generation(**value)

    def keep_generation(self, key: str, generation: Generation) -> None:
        self._put(key, asdict(generation))

    def completion(self, key: str, problem_id: str, prompt: str) -> Completion | None:
        """A finished trajectory, for whichever problem asks the same question."""
        found = self.stored_completion(key, problem_id, prompt)
        self.found += 0 if found is None else found.calls
        return found

    def stored_completion(self, key: str, problem_id: str, prompt: str) -> Completion | None:
        """As `completion`, where it is read back and not found again."""
        value = self._get(key)
        if value is None:
            return None
        value["programs"] = tuple(Program(**program) for program in value["programs"])
        return Completion(**{**value, "problem_id": problem_id, "prompt": prompt})

    def keep_completion(self, key: str, completion: Completion) -> None:
        self._put(key, {**completion.columns(), "prompt": ""})  # the prompt is at hand wherever the key is

    def has(self, key: str) -> bool:
        """Whether something is stored under a key."""
        return key in self._new or self._database.execute(EXISTS, (key,)).fetchone() is not None

    def flush(self) -> None:
        """Write what was kept since the last write, in one transaction."""
        if not self._new:
            return
        rows, self._new = list(self._new.items()), {}
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?)", rows)
            self._database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise CacheError(
                f"{self.path}: could not keep a generation: {error}. Free some disk space and run again; what is kept is whole."
            ) from error

    def close(self) -> None:
        self.flush()
        self._database.close()

    def __enter__(self) -> GenerationCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, key: str) -> dict[str, Any] | None:
        text = self._new.get(key)
        if text is None:
            row = self._database.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
            text = None if row is None else row[0]
        return None if text is None else json.loads(text)

    def _put(self, key: str, value: dict[str, Any]) -> None:
        """Kept at once where no event loop runs; else with all that ends in the same turn of it, in one transaction."""
        if self._broken is not None:
            raise self._broken
        first = not self._new
        self._new[key] = _AS_STORED(value)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if first:
            loop.call_soon(self._flush_in_loop)

    def _flush_in_loop(self) -> None:
        try:
            self.flush()
        except CacheError as error:
            self._broken = error


_NAMES = tuple(one.name for one in fields(Request))
_AS_TEXT = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode
_AS_STORED = json.JSONEncoder(ensure_ascii=False).encode
EXISTS = "SELECT 1 FROM entries WHERE key = ?"


def request_key(identity: str, request: Request, sample: int, call: int) -> str:
    """The key of one generation call: the model, everything that was asked, which sample and which call of it."""
    values = {name: value for name, value in zip(_NAMES, request.values(), strict=True) if value is not None}
    values["turns"] = [asdict(turn) for turn in request.turns]
    return _digest(["generation", identity, values, sample, call])


class CompletionKeys:
    """Keys of whole trajectories that differ in prompt and sample only: what they share is hashed once."""

    def __init__(self, identity: str, asked: Request, conditions: dict[str, Any]) -> None:
        values = {name: value for name, value in zip(_NAMES, asked.values(), strict=True) if value is not None}
        self._shared = _digest(["completion", identity, values, conditions])

    def key(self, sample: int, prompt: Prompt) -> str:
        return _digest([self._shared, sample, prompt.text, prompt.system, prompt.stop, prompt.special_tokens])


def _digest(value: Any) -> str:
    return hashlib.sha256(_AS_TEXT(value).encode("utf-8", "replace")).hexdigest()

"""The calls of the service without their transport: what to send, how to read the answer, when to ask again."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from evaluators.answers import Verdict
from evaluators.service.errors import ServiceError, Unreachable, error_of
from evaluators.service.records import (
    Code,
    CodeWithReference,
    ExecutedAnswer,
    Output,
    Pair,
    ProgramRun,
    SessionBlock,
    SessionStart,
    Trajectory,
    TrajectoryVerdict,
    executed_of,
    run_of,
    trajectory_of,
    verdict_of,
)

Answer = TypeVar("Answer")
BATCH = 512
"""Pairs or outputs of one request: half of what the server takes, some 25 ms of its work."""
PROGRAMS = 64
"""Programs of one request: a second or so of its work."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """One request and how its answer is read."""

    method: str
    path: str
    body: bytes
    read: Callable[[Any], Answer]
    key: str | None = None
    """Sent as Idempotency-Key, where doing it twice would cost or change something; checks are the same every time."""

    def headers(self, token: str | None) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self.key is not None:
            headers["Idempotency-Key"] = self.key
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def answer(self, status: int, content: bytes) -> Answer:
        """What a response says. Raises ServiceError."""
        if status != 200:
            raise error_of(status, content)
        try:
            return self.read(json.loads(content))
        except (ValueError, KeyError, TypeError) as error:
            raise Unreachable(f"{self.path}: an answer that is none of a judge: {content[:200]!r}") from error


@dataclass(slots=True)
class Retries:
    """When to ask again: after what the server said, or after twice as long each time, until patience ends."""

    patience: float
    """Seconds of waiting in all."""
    waited: float = 0.0
    tries: int = 0
    _random: random.Random = field(default_factory=random.Random)

    def pause_after(self, error: ServiceError) -> float:
        """Seconds to wait before the next try. Raises the error where it would not help."""
        if not error.retryable or self.waited >= self.patience:
            raise error
        own = min(2.0, 0.05 * 2.0**self.tries)
        # Spread over half as much again, so that clients that were refused together do not come back together.
        pause: float = max(own, error.retry_after or 0.0) * (1 + self._random.random() / 2)
        self.tries += 1
        self.waited += pause
        return pause


def check(asked: Pair) -> Call[Verdict]:
    return Call("POST", "/v1/check", _bytes(asked), verdict_of)


def check_many(asked: Sequence[Pair]) -> Call[list[Verdict]]:
    return Call("POST", "/v1/check/many", _listed("pairs", asked), _verdicts)


def judge_outputs(asked: Sequence[Output]) -> Call[list[Verdict]]:
    return Call("POST", "/v1/judge/many", _listed("outputs", asked), _verdicts)


def run(asked: Code) -> Call[ProgramRun]:
    return Call("POST", "/v1/run", _bytes(asked), run_of, _key())


def run_many(asked: Sequence[Code]) -> Call[list[ProgramRun]]:
    return Call("POST", "/v1/run/many", _listed("programs", asked), _runs, _key())


def judge_trajectory(asked: Trajectory) -> Call[TrajectoryVerdict]:
    return Call("POST", "/v1/trajectories", _bytes(asked), trajectory_of, _key())


def execute_and_check(asked: CodeWithReference) -> Call[ExecutedAnswer]:
    return Call("POST", "/v1/execute-and-check", _bytes(asked), executed_of, _key())


def open_session(asked: SessionStart) -> Call[str]:
    return Call("POST", "/v1/sessions", _bytes(asked), lambda told: str(told["session"]), _key())


def run_block(session: str, asked: SessionBlock) -> Call[ProgramRun]:
    return Call("POST", f"/v1/sessions/{session}/run", _bytes(asked), run_of, _key())


def close_session(session: str) -> Call[bool]:
    return Call("DELETE", f"/v1/sessions/{session}", b"", lambda told: bool(told["closed"]))


def info() -> Call[dict[str, Any]]:
    return Call("GET", "/v1/info", b"", dict)


def batches(items: Sequence[Any], most: int) -> list[Sequence[Any]]:
    return [items[start : start + most] for start in range(0, len(items), most)]


def _key() -> str:
    return uuid.uuid4().hex


def _bytes(asked: BaseModel) -> bytes:
    return _written(asked.model_dump(exclude_defaults=True))


def _listed(name: str, asked: Sequence[BaseModel]) -> bytes:
    return _written({name: [one.model_dump(exclude_defaults=True) for one in asked]})


def _written(value: object) -> bytes:
    return json.dumps(value).encode()  # ASCII: lone surrogates of a model's output stay escapes


def _verdicts(told: Any) -> list[Verdict]:
    return [verdict_of(row) for row in told["verdicts"]]


def _runs(told: Any) -> list[ProgramRun]:
    for row in told["runs"]:
        if "error" in row:
            raise error_of(503, json.dumps(row).encode())
    return [run_of(row) for row in told["runs"]]

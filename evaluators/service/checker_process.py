"""A process that checks answers for the server, one task after the other.

It reads tasks from the socket that its only argument names, and ends when that closes, however the server ended.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from evaluators.answers import Verdict, check
from evaluators.service.errors import BadRequest, ServiceError
from evaluators.service.execution import judge_replayed, judge_run
from evaluators.service.frames import Frames, pack
from evaluators.service.judge import judge_output, judge_pair
from evaluators.service.records import (
    CodeWithReference,
    Output,
    Pair,
    ReplayedProgram,
    Trajectory,
    as_row,
    run_of,
)

ALIVE_EVERY = 1.0
"""Seconds of a long task after which the server is told that the worker goes on."""
TOGETHER = 0.001
"""Seconds for which an answer may wait for the next one, so that both are one write."""
Told = dict[str, int]
"""Verdicts of an answer by outcome, for the server's metrics."""
Asked = TypeVar("Asked", bound=BaseModel)
Checked = TypeVar("Checked")
_PAIRS, _OUTPUTS = TypeAdapter(list[Pair]), TypeAdapter(list[Output])


class Checker:
    """Answers tasks: (head, body) -> (head of the answer, its body)."""

    def __init__(self, still_alive: Callable[[], None]) -> None:
        self._still_alive = still_alive
        self._answers: dict[str, Callable[[dict[str, Any], bytes], tuple[bytes, Told]]] = {
            "check": lambda head, body: self._one(parsed(Pair, body), judge_pair),
            "judge": lambda head, body: self._one(parsed(Output, body), judge_output),
            "check_many": lambda head, body: self._many(_several(_PAIRS, head, body), judge_pair),
            "judge_many": lambda head, body: self._many(_several(_OUTPUTS, head, body), judge_output),
            "trajectory": self._trajectory,
            "executed": self._executed,
        }

    def answer(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            content, told = self._answers[head["op"]](head, body)
        except ServiceError as error:
            return {"status": error.status}, error.body()
        return {"status": 200, "told": told}, content

    def _one(self, asked: Any, judge: Callable[[Any], Verdict]) -> tuple[bytes, Told]:
        verdict = judge(asked)
        return _written(as_row(verdict)), {verdict.verdict: 1}

    def _many(self, asked: list[Any], judge: Callable[[Any], Verdict]) -> tuple[bytes, Told]:
        rows, told = [], Counter[str]()
        last = time.monotonic()
        for one in asked:
            verdict = judge(one)
            told[verdict.verdict] += 1
            rows.append(as_row(verdict))
            if time.monotonic() - last > ALIVE_EVERY:
                self._still_alive()
                last = time.monotonic()
        return _written(rows), dict(told)

    def _trajectory(self, head: dict[str, Any], body: bytes) -> tuple[bytes, Told]:
        """`body` is the request, then what the runner said of its programs."""
        asked = parsed(Trajectory, body[: head["request"]])
        replayed = json.loads(body[head["request"] :])
        programs = tuple(ReplayedProgram(**program) for program in replayed["programs"])
        judged = judge_replayed(asked, replayed["text"], programs)
        return _written(as_row(judged)), {judged.verdict.verdict: 1}

    def _executed(self, head: dict[str, Any], body: bytes) -> tuple[bytes, Told]:
        asked = parsed(CodeWithReference, body[: head["request"]])
        judged = judge_run(asked, run_of(json.loads(body[head["request"] :])))
        return _written(as_row(judged)), {judged.verdict.verdict: 1}


def _written(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()  # ASCII: lone surrogates stay escapes


def parsed(kind: type[Asked], body: bytes) -> Asked:
    """The request of a body. Raises BadRequest, which names what is wrong."""
    try:
        return _validated(kind.model_validate_json, kind.model_validate, body)
    except ValidationError as error:
        raise refusal(error, "") from error


def _several(kind: TypeAdapter[list[Any]], head: dict[str, Any], body: bytes) -> list[Any]:
    try:
        return _validated(kind.validate_json, kind.validate_python, body)
    except ValidationError as error:
        raise refusal(error, head["name"], head["first"]) from error


def _validated(of_json: Callable[[bytes], Checked], of_rows: Callable[[Any], Checked], body: bytes) -> Checked:
    """pydantic's JSON knows no lone surrogates, which json.dumps writes as escapes: then Python's own reads it."""
    try:
        return of_json(body)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] != "json_invalid":
            raise
        try:
            rows = json.loads(body)
        except (ValueError, RecursionError):
            raise error from None
        return of_rows(rows)


def refusal(error: ValidationError, where: str, first: int = 0) -> BadRequest:
    """A BadRequest that names the first thing that is wrong, and where; items are counted from `first`."""
    told = error.errors(include_url=False, include_context=False)[0]
    place = list(told["loc"])
    if where and place and isinstance(place[0], int):
        place = [f"{where}[{first + place[0]}]", *place[1:]]
    field = ".".join(str(part) for part in place) or "the request"
    found = repr(told["input"])[:120] if told["type"] != "missing" else "no such field"
    return BadRequest(field, expected=_expectation(told), found=found, remedy="See /openapi.json.")


def _expectation(told: Any) -> str:
    if told["type"] == "missing":
        return f"a field {told['loc'][-1]!r}"
    if told["type"] == "extra_forbidden":
        return "only known fields"
    message = str(told["msg"]).removeprefix("Input should be ")
    return message[:1].lower() + message[1:]


def serve(channel: socket.socket) -> None:
    """Answer tasks until the other end closes."""
    current = 0

    def still_alive() -> None:
        channel.sendall(pack(current, {"status": 102}))

    checker = Checker(still_alive)
    check(
        "\\frac{1}{2}", "x + 1"
    )  # the parser's tables, and the keeper of sympy, before the first request waits for them
    gc.freeze()
    channel.sendall(pack(0, {"status": 100}))
    frames = Frames()
    while data := channel.recv(1 << 20):
        answers, last = bytearray(), time.monotonic()
        for frame in frames.feed(data):
            current = frame.number
            answers += pack(frame.number, *checker.answer(frame.head, frame.body))
            if time.monotonic() - last > TOGETHER:
                channel.sendall(answers)
                answers, last = bytearray(), time.monotonic()
        channel.sendall(answers)


def begin_work() -> socket.socket:
    """The worker's end of the socket; signals for the server's process group are the server's to answer."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)
    return socket.socket(fileno=descriptor)


def main() -> None:
    with begin_work() as channel, contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the server is gone
        serve(channel)

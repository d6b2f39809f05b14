"""The server without its HTTP: what each route does with a request's bytes."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluators.service.errors import BadRequest, Busy, NotFound, WorkerLost, error_of
from evaluators.service.frames import Frame
from evaluators.service.metrics import Metrics
from evaluators.service.records import MOST_ITEMS
from evaluators.service.replies import Replies, Reply
from evaluators.service.settings import ServiceSettings
from evaluators.service.workers import Pool, PoolSettings, Worker, start_all

CHUNK = 64
"""Items of a long request that one worker gets: some milliseconds of checks, so that all cores share in it."""
CHECKER_DEPTH = 8
"""Tasks that a checker holds: it need not wait for the next one, and few wait behind a slow one."""


@dataclass(slots=True, eq=False)
class HeldSession:
    """A session that a caller holds."""

    worker: Worker
    ttl: float
    used: float
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Service:
    """Queues, workers, sessions and kept replies of one server."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.checkers = Pool(
            PoolSettings(
                name="checker",
                module="evaluators.service.checker_process",
                size=settings.checkers,
                depth=CHECKER_DEPTH,
                in_order=True,
                waiting=settings.waiting,
                patience=settings.checker_patience,
            )
        )
        self.runners = Pool(
            PoolSettings(
                name="runner",
                module="evaluators.service.runner_process",
                arguments=(settings.sandbox.model_dump_json(),),
                size=1,  # its threads only wait: the programs are processes of their own
                depth=max(1, settings.sandbox.sessions - settings.sessions),
                in_order=False,
                waiting=settings.waiting,
                patience=settings.runner_patience,
            )
        )
        self.sessions: dict[str, HeldSession] = {}
        self.replies = Replies(seconds=settings.replies_seconds, most_bytes=settings.replies_bytes)
        self.metrics = Metrics({"checker": self.checkers, "runner": self.runners}, lambda: len(self.sessions))
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the workers. Raises WorkerLost where they do not come up."""
        await start_all([self.checkers, self.runners])
        self._sweeping = asyncio.get_running_loop().create_task(self._sweep())

    async def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        await asyncio.gather(self.checkers.close(), self.runners.close())

    @property
    def tier(self) -> str | None:
        """The sandbox's tier, from the runner that is up."""
        return next((str(one.ready.result()["tier"]) for one in self.runners.workers if not one.ended), None)

    async def one(self, op: str, body: bytes) -> Reply:
        """Check a pair, or judge an output."""
        try:
            return self._replied(await self.checkers.submit({"op": op}, body))
        except WorkerLost as lost:
            self.metrics.verdicts["timeout"].inc()
            return Reply(200, _written(_undecided(lost)))

    async def many(self, op: str, name: str, body: bytes) -> Reply:
        """Check many pairs, or judge many outputs: in chunks, so that every core has its share."""
        items, profile = self._items(name, body)
        if profile is not None:
            items = [{"profile": profile, **item} if isinstance(item, dict) else item for item in items]
        starts = range(0, len(items), CHUNK)
        self.checkers.admit(len(starts))
        work = [self._chunk({"op": op, "name": name, "first": at}, items[at : at + CHUNK]) for at in starts]
        rows = await asyncio.gather(*work, return_exceptions=True)
        for row in rows:
            if isinstance(row, BaseException):
                raise row
        content = b",".join(row[1:-1] for row in rows if isinstance(row, bytes))
        return Reply(200, b'{"verdicts":[' + content + b"]}")

    async def run(self, body: bytes) -> Reply:
        return self._replied(await self.runners.submit({"op": "run"}, body))

    async def run_many(self, body: bytes) -> Reply:
        """Run many programs: each has its result, or the error of the sandbox in its place."""
        items, _ = self._items("programs", body)
        self.runners.admit(len(items))

        async def one(item: Any) -> bytes:
            return (await self.runners.submit({"op": "run"}, _written(item))).body

        return Reply(200, b'{"runs":[' + b",".join(await asyncio.gather(*[one(item) for item in items])) + b"]}")

    async def judge_trajectory(self, body: bytes) -> Reply:
        return await self._run_then_check("replay", "trajectory", body)

    async def execute_and_check(self, body: bytes) -> Reply:
        return await self._run_then_check("execute", "executed", body)

    async def open_session(self, body: bytes) -> Reply:
        if len(self.sessions) >= self.settings.sessions:
            raise Busy(
                f"{len(self.sessions)} sessions are open, as many as may be",
                remedy="Close one (DELETE /v1/sessions/ID), or wait until one runs out.",
                retry_after=1.0,
            )
        name = secrets.token_urlsafe(16)
        worker = next((one for one in self.runners.workers if not one.ended), None)
        if worker is None:
            raise Busy("the sandbox is being started again", retry_after=1.0)
        held = self.sessions[name] = HeldSession(worker, 60.0, time.monotonic())  # holds its place meanwhile
        try:
            frame = await self.runners.submit({"op": "open", "session": name}, body, pinned=worker)
        except BaseException:
            self.sessions.pop(name, None)
            raise
        if frame.head["status"] == 200:
            held.ttl, held.used = json.loads(frame.body)["ttl_seconds"], time.monotonic()
        else:
            self.sessions.pop(name, None)
        return self._replied(frame)

    async def run_block(self, name: str, body: bytes) -> Reply:
        held = self._held(name)
        async with held.turn:  # blocks of one session run in the order in which they came
            held.used = time.monotonic()
            try:
                frame = await self.runners.submit({"op": "block", "session": name}, body, pinned=held.worker)
            except NotFound:
                self.sessions.pop(name, None)
                raise
            finally:
                held.used = time.monotonic()
        if frame.head["status"] == WorkerLost.status:  # the sandbox lost it: nothing of it can be trusted
            await self._end(name)
        return self._replied(frame)

    async def close_session(self, name: str) -> Reply:
        self._held(name)
        await self._end(name)
        return Reply(200, b'{"closed":true}')

    def _held(self, name: str) -> HeldSession:
        held = self.sessions.get(name)
        if held is None:
            raise NotFound(
                f"session {name[:40]}: no such session; it was closed, ran out, or its process ended",
                remedy="Open another: POST /v1/sessions.",
            )
        return held

    async def _end(self, name: str) -> None:
        held = self.sessions.pop(name, None)
        if held is not None and not held.worker.ended:
            await self.runners.submit({"op": "close", "session": name}, b"", pinned=held.worker)

    async def _sweep(self) -> None:
        """End sessions that nobody used for their time to live, or whose process ended."""
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            for name, held in list(self.sessions.items()):
                if held.worker.ended or (not held.turn.locked() and now - held.used > held.ttl):
                    try:
                        await self._end(name)
                    except NotFound:
                        continue

    async def _run_then_check(self, first: str, second: str, body: bytes) -> Reply:
        ran = await self.runners.submit({"op": first}, body)
        if ran.head["status"] != 200:
            return self._replied(ran)
        return self._replied(await self.checkers.submit({"op": second, "request": len(body)}, body + ran.body))

    async def _chunk(self, head: dict[str, Any], items: list[Any]) -> bytes:
        """The verdicts of some items as a JSON list; an item that ends its process twice is undecided."""
        try:
            frame = await self.checkers.submit(head, _written(items))
        except WorkerLost as lost:
            if len(items) == 1:
                self.metrics.verdicts["timeout"].inc()
                return _written([_undecided(lost)])
            middle = len(items) // 2
            left = await self._chunk(head, items[:middle])
            right = await self._chunk({**head, "first": head["first"] + middle}, items[middle:])
            return left[:-1] + b"," + right[1:]
        if frame.head["status"] != 200:
            raise error_of(frame.head["status"], frame.body)
        return self._replied(frame).body

    def _items(self, name: str, body: bytes) -> tuple[list[Any], str | None]:
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadRequest("the request", expected="JSON", found=str(error)[:120]) from error
        items = asked.get(name) if isinstance(asked, dict) else None
        if not isinstance(items, list) or asked.keys() - {name, "profile"}:
            found = sorted(asked) if isinstance(asked, dict) else type(asked).__name__
            raise BadRequest("the request", expected=f"an object with a list {name!r}", found=str(found)[:120])
        if len(items) > MOST_ITEMS:
            raise BadRequest(
                name, expected=f"at most {MOST_ITEMS} items", found=str(len(items)), remedy="Send several requests."
            )
        return items, asked.get("profile")

    def _replied(self, frame: Frame) -> Reply:
        told: Mapping[str, int] = frame.head.get("told", {})
        for outcome, count in told.items():
            self.metrics.verdicts[outcome].inc(count)
        return Reply(frame.head["status"], frame.body)


def _written(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _undecided(lost: WorkerLost) -> dict[str, Any]:
    """The verdict on what ended the checker's process, twice: undecided, as where its time runs out."""
    empty = {"reference_form": "", "prediction_form": "", "prediction": None, "method": ""}
    return {"verdict": "timeout", "reason": f"undecided: {lost}", "stage": "worker", **empty}

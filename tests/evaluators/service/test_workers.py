"""Queues and worker processes: each request has one answer, whatever becomes of the process that works on it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from evaluators.service.errors import Busy, NotFound, ServiceError, WorkerLost
from evaluators.service.frames import Frame, Frames, pack
from evaluators.service.workers import Pool, PoolSettings


@pytest.fixture(autouse=True)
def odd_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def with_pool(work: Callable[[Pool], Awaitable[Any]], **changed: Any) -> Any:
    settings = {"size": 1, "depth": 4, "in_order": True, "waiting": 100, "patience": 30.0} | changed

    async def go() -> Any:
        pool = Pool(PoolSettings(name="worker", module="odd_worker", **settings))
        await pool.start()
        try:
            return await asyncio.wait_for(work(pool), 60)
        finally:
            await pool.close()

    return asyncio.run(go())


async def ask_all(pool: Pool, *bodies: bytes) -> list[Frame | ServiceError]:
    answers: list[Any] = await asyncio.gather(
        *[pool.submit({"op": "echo"}, body) for body in bodies], return_exceptions=True
    )
    return answers


def test_a_request_that_ends_its_worker_costs_no_other_its_answer() -> None:
    async def work(pool: Pool) -> tuple[list[Any], int]:
        return await ask_all(pool, b"a", b"die", b"b", b"c", b"d", b"e"), pool.restarts

    answers, restarts = with_pool(work)
    assert isinstance(answers[1], WorkerLost)
    assert [answer.body for index, answer in enumerate(answers) if index != 1] == [b"a", b"b", b"c", b"d", b"e"]
    assert restarts in (2, 3)  # the second try was alone; the answer before it may be lost with the first


def test_a_worker_killed_from_outside_is_replaced_and_its_request_answered_once() -> None:
    async def work(pool: Pool) -> tuple[Frame, int, int]:
        asked = asyncio.create_task(pool.submit({"op": "echo"}, b"wait0.5"))
        await asyncio.sleep(0.1)
        process = pool.workers[0].process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        return await asked, process.pid, pool.restarts

    answer, killed, restarts = with_pool(work)
    assert (answer.body, restarts) == (b"wait0.5", 1)
    assert answer.head["pid"] != killed


def test_a_silent_worker_is_replaced_and_those_behind_it_are_answered() -> None:
    async def work(pool: Pool) -> list[Any]:
        return await ask_all(pool, b"hang", b"a", b"b")

    hung, first, second = with_pool(work, patience=0.5)
    assert isinstance(hung, WorkerLost)
    assert (first.body, second.body) == (b"a", b"b")


def test_what_does_not_fit_the_queue_is_refused_and_told_when_to_come_back() -> None:
    async def work(pool: Pool) -> list[Any]:
        return await ask_all(pool, *[b"wait0.2"] * 10)

    answers = with_pool(work, depth=1, waiting=3)
    refused = [answer for answer in answers if isinstance(answer, Busy)]
    assert len(refused) == 6  # one at work, three waiting
    assert all(error.retry_after is not None and error.retry_after >= 1 for error in refused)
    assert sum(isinstance(answer, Frame) for answer in answers) == 4


def test_two_workers_share_the_work() -> None:
    async def work(pool: Pool) -> set[int]:
        answers = await ask_all(pool, *[b"wait0.1"] * 8)
        return {answer.head["pid"] for answer in answers if isinstance(answer, Frame)}

    assert len(with_pool(work, size=2, depth=1)) == 2


def test_a_pinned_request_is_not_given_to_another_worker() -> None:
    async def work(pool: Pool) -> Any:
        worker = pool.workers[0]
        assert worker.process is not None
        asked = asyncio.create_task(pool.submit({"op": "block", "session": "s"}, b"wait5", pinned=worker))
        await asyncio.sleep(0.1)
        worker.process.kill()
        return await asyncio.gather(asked, return_exceptions=True)

    assert isinstance(with_pool(work)[0], NotFound)


def test_a_worker_that_cannot_start_is_told() -> None:
    async def go() -> None:
        settings = PoolSettings(
            name="worker", module="no_such_module", size=1, depth=1, in_order=True, waiting=1, patience=1.0
        )
        await Pool(settings).start()

    with pytest.raises(WorkerLost, match="ended at its start"):
        asyncio.run(go())


@pytest.mark.parametrize("cut", [1, 7, 16, 17, 40])
def test_frames_are_the_same_however_the_stream_is_cut(cut: int) -> None:
    stream = pack(1, {"op": "check"}, b"{}") + pack(2**63, {"op": "\u00e9"}, b"") + pack(3, {}, bytes(range(256)))
    frames = Frames()
    told = [frame for start in range(0, len(stream), cut) for frame in frames.feed(stream[start : start + cut])]

    assert [(frame.number, frame.head, frame.body) for frame in told] == [
        (1, {"op": "check"}, b"{}"),
        (2**63, {"op": "\u00e9"}, b""),
        (3, {}, bytes(range(256))),
    ]

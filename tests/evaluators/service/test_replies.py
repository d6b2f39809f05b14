"""One key, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from evaluators.service.errors import Busy, Conflict
from evaluators.service.replies import Replies, Reply


class Work:
    """Counts how often it is done."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.done = 0

    async def __call__(self) -> Reply:
        self.done += 1
        await asyncio.sleep(0.01)
        return Reply(self.statuses.pop(0) if self.statuses else 200, b"answer %d" % self.done)


def run(script: Callable[[Replies], Awaitable[None]], *, seconds: float = 60, most_bytes: int = 1000) -> None:
    async def go() -> None:
        await script(Replies(seconds=seconds, most_bytes=most_bytes))

    asyncio.run(go())


def test_a_request_that_comes_again_is_done_once_whether_the_first_is_done_or_not() -> None:
    async def script(replies: Replies) -> None:
        work = Work()
        first, second = await asyncio.gather(*[replies.once("k", b"q", work) for _ in range(2)])
        third = await replies.once("k", b"q", work)
        assert {first.body, second.body, third.body} == {b"answer 1"}
        assert (first.replayed, second.replayed, third.replayed) == (False, True, True)
        assert work.done == 1

    run(script)


def test_a_key_used_for_another_request_is_a_conflict() -> None:
    async def script(replies: Replies) -> None:
        await replies.once("k", b"q", Work())
        with pytest.raises(Conflict, match="Idempotency-Key"):
            await replies.once("k", b"another", Work())

    run(script)


def test_failures_are_tried_anew() -> None:
    async def script(replies: Replies) -> None:
        work = Work(503, 200)
        assert (await replies.once("k", b"q", work)).status == 503
        assert (await replies.once("k", b"q", work)).status == 200

        async def busy() -> Reply:
            raise Busy("full")

        with pytest.raises(Busy):
            await replies.once("j", b"q", busy)
        assert (await replies.once("j", b"q", work)).status == 200

    run(script)


def test_without_a_key_nothing_is_kept() -> None:
    async def script(replies: Replies) -> None:
        work = Work()
        await replies.once(None, b"q", work)
        await replies.once(None, b"q", work)
        assert work.done == 2

    run(script)


def test_old_replies_make_room_for_new_ones() -> None:
    async def script(replies: Replies) -> None:
        work = Work()
        for number in range(100):
            await replies.once(f"k{number}", b"q", work)
        assert replies._bytes <= 20 + len("answer 100")
        before = work.done
        await replies.once("k99", b"q", work)
        assert work.done == before  # the newest is still there
        await replies.once("k0", b"q", work)
        assert work.done == before + 1

    run(script, most_bytes=20)

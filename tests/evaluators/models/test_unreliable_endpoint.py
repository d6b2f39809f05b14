"""An endpoint that drops, delays, truncates, repeats and lies: no hang, no lost item, fixed denominators."""

import asyncio
import re
import socket
import time
from contextlib import ExitStack
from typing import Any

import pytest

from evaluators.evaluate import EvaluationError, EvaluationSettings, evaluate
from evaluators.grading import grade_all
from evaluators.models.endpoint import Endpoint, EndpointSettings
from evaluators.models.sampling import Generation, Request, SamplingError
from evaluators.records import Problem

REQUEST = Request(prompt="p", max_tokens=20, temperature=0.0, top_p=1.0, seed=0)
PROBLEMS = [Problem(id=f"t/{n}", benchmark="t", question=f"What is {n}+1?", reference=str(n + 1)) for n in range(60)]


def settings(base_url: str, **changes: Any) -> EndpointSettings:
    quick = {"base_url": base_url, "attempts": 3, "first_delay": 0.01, "request_timeout": 1.5}
    return EndpointSettings.model_validate({**quick, **changes})


def generate(base_url: str, request: Request = REQUEST, **changes: Any) -> Generation:
    async def ask() -> Generation:
        async with Endpoint(settings(base_url, **changes), "fake") as endpoint:
            return await endpoint.generate(request)

    return asyncio.run(ask())


@pytest.mark.parametrize("kind", ["drop", "cut_body", "delay", "status", "not_json"])
def test_one_failure_is_tried_again(kind: str, fake_endpoint: Any, misbehaviour: Any) -> None:
    value = {"delay": 2.5, "status": (503, "overloaded"), "not_json": "<html>", "cut_body": '{"choices": ['}.get(kind)
    server = fake_endpoint(lambda body, before: "fine" if before else misbehaviour(kind, value))
    assert generate(server.base_url).text == "fine"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "expected one choice"),
        ({"choices": []}, "expected one choice"),
        ({"choices": [{"text": "a", "finish_reason": "stop"}] * 2}, "expected one choice"),
        ([1, 2], "expected one choice"),
        ({"choices": [{"text": None, "finish_reason": "stop"}]}, "expected text and a finish_reason"),
        ({"choices": [{"text": "a", "finish_reason": "dancing"}]}, "expected text and a finish_reason"),
        ({"choices": [{"text": "a", "finish_reason": "stop"}], "usage": {"completion_tokens": -1}}, "token counts"),
        ({"choices": [{"text": "a", "finish_reason": "stop"}], "usage": {"completion_tokens": 999}}, "at most 20"),
        ({"choices": [{"text": "abc", "finish_reason": "stop"}], "usage": {"completion_tokens": 0}}, "found none"),
    ],
)
def test_a_lie_is_refused_and_named(body: Any, complaint: str, fake_endpoint: Any, misbehaviour: Any) -> None:
    server = fake_endpoint(lambda *_: misbehaviour("body", body))
    with pytest.raises(SamplingError, match=re.escape(complaint)):
        generate(server.base_url)
    assert len(server.asked) == 3


def test_text_beyond_an_ignored_stop_string_is_cut(fake_endpoint: Any) -> None:
    server = fake_endpoint(lambda *_: "code\n```output\ninvented\n```")
    request = Request(prompt="p", max_tokens=20, temperature=0.0, top_p=1.0, seed=0, stop=("```output",))
    assert generate(server.base_url, request).text == "code\n"


def test_a_cut_short_answer_is_asked_for_again_and_believed_the_second_time(
    fake_endpoint: Any, misbehaviour: Any, honest: Any
) -> None:
    short = misbehaviour("body", honest("half an", "length", 2))
    dropped = fake_endpoint(lambda body, before: "half an answer" if before else short)
    assert generate(dropped.base_url).text == "half an answer"
    full_context = fake_endpoint(lambda *_: short)
    assert generate(full_context.base_url).finish == "length"
    assert len(full_context.asked) == 2


def test_lone_surrogates_become_storable_text(fake_endpoint: Any, misbehaviour: Any, honest: Any) -> None:
    server = fake_endpoint(lambda *_: misbehaviour("body", honest("half of a pair: \ud83d")))
    assert generate(server.base_url).text == "half of a pair: ?"


def test_a_wrong_key_ends_the_evaluation_at_once(fake_endpoint: Any, misbehaviour: Any) -> None:
    server = fake_endpoint(lambda *_: misbehaviour("status", (401, "bad key")))

    async def run() -> None:
        async with Endpoint(settings(server.base_url), "fake") as endpoint:
            await evaluate(PROBLEMS, endpoint, EvaluationSettings(concurrency=4))

    with pytest.raises(SamplingError, match="HTTP 401: bad key"):
        asyncio.run(run())
    assert len(server.asked) <= 4


def test_the_chat_kind_continues_the_assistants_turn(fake_endpoint: Any, misbehaviour: Any) -> None:
    body = {"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]}
    server = fake_endpoint(lambda *_: misbehaviour("body", body))
    request = Request(prompt="p", continues="so far", max_tokens=9, temperature=0.0, top_p=1.0, seed=0)
    assert generate(server.base_url, request, kind="chat").text == "ok"
    assert server.asked[0]["messages"] == [
        {"role": "user", "content": "p"},
        {"role": "assistant", "content": "so far"},
    ]


def test_every_problem_ends_in_one_completion_whatever_the_endpoint_does(fake_endpoint: Any, misbehaviour: Any) -> None:
    def answer(body: dict[str, Any], before: int) -> Any:
        number = int(re.search(r"What is (\d+)", body["prompt"]).group(1))  # type: ignore[union-attr]
        right = f"It is \\boxed{{{number + 1}}}."
        once = {1: "drop", 2: "cut_body", 3: "delay"}.get(number % 10)
        if once is not None and before == 0:
            return misbehaviour(once, {"cut_body": "{", "delay": 2.5}.get(once))
        if number % 10 == 4:
            return misbehaviour("status", (500, "for ever"))
        if number % 10 == 5:
            return "It is \\boxed{0}. " * 3  # repeats itself, and is wrong
        return right

    server = fake_endpoint(answer)

    async def run() -> Any:
        async with Endpoint(settings(server.base_url), "fake") as endpoint:
            return await evaluate(PROBLEMS, endpoint, EvaluationSettings(concurrency=32, samples=2))

    started = time.monotonic()
    completions = asyncio.run(run())
    assert time.monotonic() - started < 40
    assert [(c.problem_id, c.sample) for c in completions] == [(p.id, s) for p in PROBLEMS for s in (0, 1)]
    failed = {c.problem_id for c in completions if c.finish == "error"}
    assert failed == {f"t/{n}" for n in range(60) if n % 10 == 4}
    assert all("no usable answer in 3 attempts" in (c.error or "") for c in completions if c.finish == "error")
    grades = grade_all(PROBLEMS, completions, ["strict"])
    assert len(grades) == 120
    assert sum(g.correct for g in grades) == 2 * (60 - 6 - 6)
    assert sum(g.outcome == "error" and g.stage == "sampling" for g in grades) == 12


def test_an_endpoint_that_is_gone_is_given_up_with_what_was_said(fake_endpoint: Any, misbehaviour: Any) -> None:
    server = fake_endpoint(lambda *_: misbehaviour("drop"))

    async def run() -> None:
        async with Endpoint(settings(server.base_url, attempts=1), "fake") as endpoint:
            await evaluate(PROBLEMS, endpoint, EvaluationSettings(concurrency=4, give_up_after=10))

    with pytest.raises(EvaluationError, match="10 completions in a row failed"):
        asyncio.run(run())
    assert len(server.asked) < 20


def test_a_server_that_trickles_bytes_meets_the_limit_on_the_whole() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except (ConnectionError, asyncio.CancelledError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(trickle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        limits = settings(f"http://127.0.0.1:{port}/v1", attempts=2, request_timeout=0.3)
        async with server, Endpoint(limits, "fake") as endpoint:
            await endpoint.generate(REQUEST)

    started = time.monotonic()
    with pytest.raises(SamplingError, match="TimeoutError"):
        asyncio.run(run())
    assert time.monotonic() - started < 30  # the whole answer would take 50 s


def test_a_server_that_accepts_no_connection_is_told_apart_from_one_that_is_slow() -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # more than its queue holds: whoever comes next waits
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        with pytest.raises(SamplingError, match=rf"no connection to {url} within 0\.2 s \(endpoint\.connect_timeout\)"):
            generate(url, attempts=1, connect_timeout=0.2)


def test_an_address_where_nobody_was_ever_heard_is_told_after_one_more_try() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"

        async def run() -> None:
            async with Endpoint(settings(url, attempts=6), "none", probes=True) as endpoint:
                await endpoint.generate(REQUEST)

        with pytest.raises(SamplingError, match=r"no usable answer in 2 attempts; .*Is the server up") as told:
            asyncio.run(run())
    assert told.value.final

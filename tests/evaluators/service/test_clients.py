"""The clients and the judge without a server: the same answers, and one verdict for each question, whatever ends."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from evaluators.sandbox import SandboxSettings
from evaluators.service import Client, Judge, LocalJudge, Output, Pair
from evaluators.service.async_client import AsyncClient
from evaluators.service.calls import Retries
from evaluators.service.errors import BadRequest, Busy, NotAllowed, NotFound, Unreachable
from evaluators.service.records import Code, CodeWithReference, Limits, Trajectory

TRAJECTORY = "```python\nprint(6 * 7)\n```\n```output\n42\n```\nThe answer is $\\boxed{42}$."
PAIRS = [Pair(reference=str(n), prediction=str(n - n % 2)) for n in range(1200)]


@pytest.fixture(scope="module")
def local() -> Iterator[LocalJudge]:
    with LocalJudge(SandboxSettings(wall_seconds=30, preload=("sympy",))) as judge:
        yield judge


@pytest.fixture(params=["local", "server"])
def judge(request: pytest.FixtureRequest, served: Any, local: LocalJudge) -> Iterator[Judge]:
    if request.param == "local":
        yield local
    else:
        with Client(served.url) as client:
            yield client


def test_each_call_answers_the_same_with_a_server_and_without(judge: Any) -> None:
    assert judge.check("1/2", "0.5").correct
    assert [verdict.correct for verdict in judge.check_many(PAIRS)] == [n % 2 == 0 for n in range(1200)]
    outputs = [
        Output(reference="3", output="\\boxed{3}"),
        Output(reference="3", output="I do not know", profile="reward"),
    ]
    assert [verdict.verdict for verdict in judge.judge_outputs(outputs)] == ["correct", "no_answer"]
    assert judge.run("6 * 7").shown == "42"
    runs = judge.run_many([Code(code=f"print({n})") for n in range(70)])
    assert [run.result.stdout for run in runs] == [f"{n}\n" for n in range(70)]
    with judge.session(protocol="tora", limits=Limits(wall_seconds=5)) as session:
        session.run("x = 6")
        assert session.run(text="```python\nprint(x * 7)\n```").block == "\n```output\n42\n```\n"
    told = judge.judge_trajectories([Trajectory(text=TRAJECTORY, reference="42")] * 3)
    assert [(one.verdict.correct, one.honest) for one in told] == [(True, True)] * 3
    assert judge.execute_and_check(CodeWithReference(code="print(1/2)", reference="0.5")).verdict.correct


def test_a_request_that_cannot_be_used_raises_the_same_error(judge: Any) -> None:
    with pytest.raises(BadRequest, match=r"limits\.wall_seconds: expected at most 30\.0; found 99\.0"):
        judge.run("1", limits=Limits(wall_seconds=99))
    with judge.session() as session, pytest.raises(BadRequest, match="expected a closed program block"):
        session.run(text="nothing to run")


def test_what_a_model_cut_in_half_is_judged_all_the_same(judge: Any) -> None:
    """Half of an emoji says nothing; half of a mathematical letter, or a sign lost right behind a number, is part of it."""
    cut = ["1\ud835", "1\ufffd", "1 \ufffd", "1 \ud83d"]
    verdicts = judge.check_many([Pair(reference="1", prediction=one) for one in cut])
    assert [one.verdict == "correct" for one in verdicts] == [False, False, True, True]
    assert judge.run("print('\ud835')").result.stdout == "\ufffd\n"


def test_hundreds_of_coroutines_ask_at_once(served: Any) -> None:
    async def go() -> list[bool]:
        async with AsyncClient(served.url) as judge:
            verdicts = await asyncio.gather(*[judge.check(str(n), str(n - n % 2)) for n in range(600)])
            outputs = await asyncio.gather(
                *[judge.judge_output(Output(reference="1", output=f"\\boxed{{{n}}}")) for n in range(3)]
            )
            async with judge.session() as session:
                await session.run("x = 20")
                assert (await session.run("x + 1")).shown == "21"
            assert [verdict.correct for verdict in outputs] == [False, True, False]
            return [verdict.correct for verdict in verdicts]

    assert asyncio.run(go()) == [n % 2 == 0 for n in range(600)]


def test_a_server_that_is_not_there_is_told_after_the_patience() -> None:
    began = time.monotonic()
    with Client("http://127.0.0.1:9", patience=0.3) as judge, pytest.raises(Unreachable, match="mathsieve serve"):
        judge.check("1", "1")
    assert 0.3 <= time.monotonic() - began < 10
    with pytest.raises(ValueError, match="expected http://HOST:PORT"):
        Client("127.0.0.1:8517")


def test_retries_wait_as_long_as_the_server_says_and_end_with_the_patience() -> None:
    retries = Retries(patience=10.0)
    assert 3.0 <= retries.pause_after(Busy("full", retry_after=3.0)) <= 4.5
    with pytest.raises(BadRequest):
        retries.pause_after(BadRequest("wrong"))
    pauses = []
    with pytest.raises(Unreachable):
        for _ in range(100):
            pauses.append(retries.pause_after(Unreachable("gone")))
    assert pauses == sorted(pauses) or len(pauses) < 12  # they grow until two seconds
    assert sum(pauses) <= 10.0


def test_a_token_is_asked_for(start_server: Callable[..., Any]) -> None:
    token = "a token of this test"
    with start_server("--checkers", "1", MATHSIEVE_SERVE_TOKEN=token) as server:
        with Client(server.url, patience=0) as judge, pytest.raises(NotAllowed, match="Bearer TOKEN"):
            judge.check("1", "1")
        with Client(server.url, token=token) as judge:
            assert judge.check("1", "1").correct


def test_no_verdict_is_lost_or_given_twice_when_the_server_is_killed_and_started_again(
    start_server: Callable[..., Any],
) -> None:
    answers: dict[int, bool] = {}
    stop = threading.Event()

    def ask(client: Client, first: int) -> int:
        asked = 0
        for number in range(first, 1 << 30, 8):
            if stop.is_set():
                break
            if number % 64 == first:
                told = client.execute_and_check(CodeWithReference(code=f"print({number})", reference=str(number)))
                correct = told.verdict.correct
            else:
                correct = client.check(str(number), str(number - number % 3)).correct
            assert answers.setdefault(number, correct) is correct
            asked += 1
        return asked

    def wait_for_answers(count: int) -> None:
        """Load may slow the server down; no answer for a minute means that it hangs."""
        while (before := len(answers)) < count:
            for _ in range(600):
                time.sleep(0.1)
                if len(answers) > before:
                    break
            else:
                stop.set()
                pytest.fail(f"no answer for a minute, after {before} of {count}")

    with ThreadPoolExecutor(8) as pool, ExitStack() as stack:
        with start_server("--checkers", "1") as server:
            client = stack.enter_context(Client(server.url))
            counts = [pool.submit(ask, client, first) for first in range(8)]
            wait_for_answers(50)
            assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        with start_server("--checkers", "1", port=server.port):
            wait_for_answers(len(answers) + 50)
            stop.set()
            assert sum(count.result(60) for count in counts) == len(answers)
    wrong = [n for n, correct in answers.items() if correct is not (n % 64 < 8 or n % 3 == 0)]
    assert not wrong


def test_a_server_that_is_told_to_end_finishes_what_is_at_work(start_server: Callable[..., Any]) -> None:
    with start_server("--checkers", "1") as server, Client(server.url, patience=0) as client:
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(client.run, "import time\ntime.sleep(1.5)\nprint('done')")
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            with pytest.raises((Busy, Unreachable)):
                client.check("1", "1")
            assert running.result().result.stdout == "done\n"
        assert server.process.wait(30) == 0


def test_a_session_whose_server_ended_says_so(start_server: Callable[..., Any]) -> None:
    with start_server("--checkers", "1") as server, Client(server.url) as client, ExitStack() as stack:
        session = stack.enter_context(client.session())
        session.run("x = 1")
        server.stop(signal.SIGKILL)
        with start_server("--checkers", "1", port=server.port), pytest.raises(NotFound, match="Open another"):
            session.run("x")

"""A verdict is the program's own: neighbours, load and a session's odd doings change nothing in it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from evaluators.sandbox import ExecutorFault, Result, Sandbox, SandboxSettings
from evaluators.sandbox.own_time import OwnTime, cpu_seconds
from evaluators.sandbox.session import SessionProcess

SETTINGS = SandboxSettings(preload=(), wall_seconds=30)
SPIN = "import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass\nprint('done')"
HOSTILE = "import threading\ndef spin():\n    while True: pass\nfor _ in range(4): threading.Thread(target=spin, daemon=True).start()\n1"
NAMED = (
    "import ctypes, signal, time\nctypes.CDLL(None).prctl(15, {name!r}, 0, 0, 0)\n"
    "signal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SETTINGS.model_copy(update={"concurrency": 8})) as sandbox:
        yield sandbox


def opened(sandbox: Sandbox, **limits: object) -> SessionProcess:
    return sandbox._servers.open_session(SETTINGS.model_copy(update=limits))


@pytest.mark.parametrize("name", [b"\xff\xfe", b"\x80 VmPeak:\t1", b"a\nVmPeak: x", b"()) R 1", b""])
def test_a_program_of_any_name_is_judged(sandbox: Sandbox, name: bytes) -> None:
    result = asyncio.run(sandbox.run(NAMED.format(name=name), wall_seconds=0.3))
    assert (result.status, result.state_lost) == ("timeout", True)


def test_any_error_at_the_door_is_a_fault_of_that_session_alone(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, neighbour = opened(sandbox), opened(sandbox)
    monkeypatch.setattr(session, "_await", lambda *_: {}["what nobody foresaw"])
    with pytest.raises(ExecutorFault, match=r"could not be judged: KeyError: 'what nobody foresaw'"):
        session.run("1", 10)
    assert not session.alive
    assert neighbour.run("6 * 7", 10).value == "42"
    for one in (session, neighbour):
        sandbox._servers.close_session(one)


def test_a_session_rests_between_its_blocks_and_goes_on_with_the_next(sandbox: Sandbox) -> None:
    session = opened(sandbox)
    counting = "import threading\ncount = 0\ndef run():\n    global count\n    while True: count += 1\n"
    session.run(counting + "threading.Thread(target=run, daemon=True).start()", 10)
    before = cpu_seconds(session._pid)
    time.sleep(0.5)
    assert (cpu_seconds(session._pid) or 0) - (before or 0) < 0.05
    later = session.run("before = count\nimport time; time.sleep(0.1)\ncount > before", 10)
    sandbox._servers.close_session(session)
    assert later.value == "True"


def test_time_limits_are_met_beside_sessions_that_left_threads_running(sandbox: Sandbox) -> None:
    """Without rest, four spinning threads of each of six sessions leave an honest program a thirteenth of a core."""
    hostile = [opened(sandbox) for _ in range(6)]
    for session in hostile:
        assert session.run(HOSTILE, 10).value == "1"
    honest = [sandbox.submit(SPIN.format(seconds=0.3)) for _ in range(4)]
    results = [future.result(timeout=120) for future in honest]
    for session in hostile:
        sandbox._servers.close_session(session)
    assert [result.output for result in results] == ["done\n"] * 4
    assert max(result.seconds for result in results) < 10


def run_beside_spinners(session: SessionProcess, code: str, limit: float, spinners: int) -> Result:
    """Run a block while processes of ours hold the one core that it may use."""
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(session._pid, {core})
    pids = []
    for _ in range(spinners):
        pid = os.fork()
        if pid == 0:
            os.sched_setaffinity(0, {core})
            while True:
                pass
        pids.append(pid)
    try:
        return session.run(code, limit)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@pytest.mark.parametrize("threaded", [False, True])
def test_waiting_for_a_core_is_not_the_programs_time_and_is_reported(sandbox: Sandbox, threaded: bool) -> None:
    """Spinners on its core leave it half at most: 0.8 CPU seconds take longer than its limit of 1."""
    code = SPIN.format(seconds=0.8)
    if threaded:
        code = f"import threading\nt = threading.Thread(target=exec, args=({code!r},))\nt.start(); t.join()"
    session = opened(sandbox)
    result = run_beside_spinners(session, code, 1.0, spinners=8)
    sandbox._servers.close_session(session)
    assert (result.status, result.output) == ("ok", "done\n")
    assert result.seconds > 1.0
    assert result.waited_seconds > 0.5 * (result.seconds - result.cpu_seconds)  # the rest of its time is neither


def test_a_program_that_computes_too_long_is_told_so_beside_neighbours_too(sandbox: Sandbox) -> None:
    session = opened(sandbox)
    result = run_beside_spinners(session, "while True: pass", 0.5, spinners=3)
    sandbox._servers.close_session(session)
    assert result.status == "timeout"
    assert result.cpu_seconds >= 0.35


def test_sleeping_is_the_programs_own_time(sandbox: Sandbox) -> None:
    result = asyncio.run(sandbox.run("import time; time.sleep(600)", wall_seconds=0.5))
    assert result.status == "timeout"
    assert 0.45 < result.seconds - result.waited_seconds < 3


def test_starvation_beyond_the_far_bound_is_a_fault_and_no_verdict(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluators.sandbox.session.FAR_SECONDS", 1.0)
    monkeypatch.setattr("evaluators.sandbox.session.FAR_FACTOR", 1.0)
    session = opened(sandbox)
    with pytest.raises(ExecutorFault, match="the machine is overloaded"):
        run_beside_spinners(session, SPIN.format(seconds=5), 5.0, spinners=8)
    sandbox._servers.close_session(session)


def test_own_time_is_the_wall_clock_of_a_process_that_sleeps() -> None:
    process = os.fork()
    if process == 0:
        time.sleep(60)
        os._exit(0)
    clock = OwnTime(process)
    time.sleep(0.3)
    own = clock.own()
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert 0.25 < own <= clock.elapsed()


def test_a_server_that_hangs_is_replaced_within_seconds() -> None:
    with Sandbox(SETTINGS.model_copy(update={"tier": "landlock"})) as sandbox:
        server = sandbox._servers._current
        assert server is not None
        os.kill(server._inner_pid, signal.SIGSTOP)
        began = time.monotonic()
        assert sandbox.submit("6 * 7").result(timeout=60).value == "42"
        assert time.monotonic() - began < 20
        assert sandbox._servers._current is not server


def test_several_owners_threads_may_wait_on_one_server_that_hangs() -> None:
    with Sandbox(SETTINGS) as sandbox:
        server = sandbox._servers._current
        assert server is not None
        os.kill(server._inner_pid, signal.SIGSTOP)
        futures = [sandbox.submit(f"{n} + 1") for n in range(4)]
        assert [future.result(timeout=90).value for future in futures] == ["1", "2", "3", "4"]
    assert threading.active_count() < 20

"""What a caller gets: values, statuses, limits, sessions, any event loop, and faults that are never a wrong answer."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.sandbox import (
    ExecutorFault,
    Result,
    Sandbox,
    SandboxError,
    SandboxSettings,
    TierRefused,
    run_many,
    server_process,
)

SETTINGS = SandboxSettings(preload=("sympy", "numpy"), wall_seconds=30)
ONE_SERVER = SETTINGS.model_copy(update={"preload": (), "ahead": 0})
"""For tests that count processes: one server, and no session that nobody asked for."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SETTINGS) as sandbox:
        yield sandbox


def run(sandbox: Sandbox, code: str) -> Result:
    return sandbox.submit(code).result(timeout=120)


def blocks(sandbox: Sandbox, *codes: str, wall_seconds: float | None = None) -> list[Result]:
    async def trajectory() -> list[Result]:
        async with sandbox.session() as session:
            return [await session.run(code, wall_seconds=wall_seconds) for code in codes]

    return asyncio.run(trajectory())


def test_output_value_and_tier_are_told(sandbox: Sandbox) -> None:
    result = run(sandbox, "print('a')\nimport sys\nprint('b', file=sys.stderr)\nx = 6\nx * 7")

    assert (result.status, result.output, result.stdout, result.value) == ("ok", "a\nb\n", "a\n", "42")
    assert result.tier == sandbox.tier
    assert not result.state_lost
    assert 0 < result.seconds < 30


def test_variables_last_within_a_session_and_not_beyond(sandbox: Sandbox) -> None:
    first, second = blocks(sandbox, "x = 6", "x * 7")
    assert (first.value, second.value) == (None, "42")
    assert run(sandbox, "x").error.splitlines()[-1] == "NameError: name 'x' is not defined"


def test_an_error_keeps_the_session(sandbox: Sandbox) -> None:
    _, failed, after = blocks(sandbox, "x = 1", "1 / 0", "x")
    assert failed.status == "error"
    assert failed.error.endswith("ZeroDivisionError: division by zero\n")
    assert '  File "<block 2>", line 1, in <module>\n    1 / 0\n' in failed.error
    assert after.value == "1"


def test_what_a_block_sets_lasts_even_beyond_an_exit(sandbox: Sandbox) -> None:
    first = "import sys, decimal\nsys.setrecursionlimit(5000)\ndecimal.getcontext().prec = 5\nexit()"
    second = "def depth(n): return 0 if n == 0 else 1 + depth(n - 1)\n(depth(3000), decimal.Decimal(1) / 3)"
    left, after, asked = blocks(sandbox, first, second, "input()")
    assert (left.status, left.state_lost) == ("exit", False)
    assert after.value == "(3000, Decimal('0.33333'))"
    assert asked.error.endswith("EOFError: EOF when reading a line\n")


def test_a_timeout_keeps_the_variables_of_a_program_that_lets_itself_be_interrupted(sandbox: Sandbox) -> None:
    slow, after = blocks(sandbox, "x = 5\nimport time\ntime.sleep(600)", "x", wall_seconds=1.0)
    assert (slow.status, slow.state_lost) == ("timeout", False)
    assert after.value == "5"


def test_a_session_whose_process_is_lost_goes_on_from_nothing(sandbox: Sandbox) -> None:
    _, lost, after = blocks(sandbox, "x = 5", "import os; os._exit(0)", "'x' in globals()")
    assert (lost.status, lost.state_lost) == ("exit", True)
    assert after.value == "False"


def test_output_before_a_timeout_is_kept(sandbox: Sandbox) -> None:
    (result,) = blocks(sandbox, "print('so far')\nwhile True: pass", wall_seconds=1.0)
    assert (result.status, result.output) == ("timeout", "so far\n")


def test_a_session_may_have_limits_of_its_own(sandbox: Sandbox) -> None:
    async def both() -> tuple[Result, Result]:
        small = await sandbox.run("print('a' * 5000)", limits=SETTINGS.model_copy(update={"output_bytes": 1000}))
        return small, await sandbox.run("print('a' * 5000)")

    small, usual = asyncio.run(both())
    assert (small.status, usual.status) == ("output_limit", "ok")
    assert len(usual.output) == 5001


def test_cpu_time_is_the_kernels(sandbox: Sandbox) -> None:
    busy = run(sandbox, "import time\nwhile time.process_time() < 0.3: pass")
    idle = run(sandbox, "import time; time.sleep(0.3)")
    assert 0.25 < busy.cpu_seconds < 2
    assert idle.cpu_seconds < 0.2
    assert idle.seconds >= 0.3


def test_random_numbers_and_set_order_are_the_same_in_every_session(sandbox: Sandbox) -> None:
    code = "import random, numpy\nprint(random.random(), numpy.random.rand(), set('abcdefgh'))"
    assert run(sandbox, code).output == run(sandbox, code).output


def test_hundreds_of_sessions_at_once_each_get_their_own_answer(sandbox: Sandbox) -> None:
    async def everyone() -> list[Result]:
        return await asyncio.gather(*(sandbox.run(f"import sympy\nsympy.Integer({n}) ** 2") for n in range(200)))

    results = asyncio.run(everyone())
    assert [result.value for result in results] == [str(n * n) for n in range(200)]


def test_one_sandbox_serves_several_event_loops(sandbox: Sandbox) -> None:
    values: dict[int, str | None] = {}

    def loop(n: int) -> None:
        values[n] = asyncio.run(sandbox.run(f"{n} + 1")).value

    threads = [threading.Thread(target=loop, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == {n: str(n + 1) for n in range(8)}


def test_a_cancelled_block_ends_at_once(sandbox: Sandbox) -> None:
    async def cancelled() -> float:
        task = asyncio.create_task(sandbox.run("import time; time.sleep(600)"))
        await asyncio.sleep(0.5)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    assert asyncio.run(cancelled()) < 10
    assert run(sandbox, "1").value == "1"


def test_open_sessions_beyond_the_limit_wait() -> None:
    async def third_waits() -> list[bool]:
        async with Sandbox(SETTINGS.model_copy(update={"sessions": 2})) as sandbox:
            async with sandbox.session() as one, sandbox.session() as two:
                waiting = asyncio.create_task(sandbox.run("3"))
                await one.run("1")
                await two.run("2")
                before = waiting.done()
            return [before, (await waiting).value == "3"]

    assert asyncio.run(third_waits()) == [False, True]


def test_a_killed_server_is_replaced_and_the_answer_still_right() -> None:
    with Sandbox(ONE_SERVER) as sandbox:
        running = sandbox.submit("import time; time.sleep(1.5); print('right')")
        sessions(sandbox, 1)
        os.kill(server_pid(sandbox), signal.SIGKILL)
        assert running.result(timeout=120).output == "right\n"
        assert run(sandbox, "6 * 7").value == "42"


def test_a_killed_session_is_run_again_and_never_a_wrong_answer() -> None:
    with Sandbox(ONE_SERVER) as sandbox:
        running = sandbox.submit("import time; time.sleep(1.5); print('right')")
        os.kill(sessions(sandbox, 1)[0], signal.SIGKILL)
        result = running.result(timeout=120)
    assert (result.status, result.output) == ("ok", "right\n")


def test_a_killed_session_that_had_variables_is_a_fault() -> None:
    async def trajectory() -> None:
        async with Sandbox(ONE_SERVER) as sandbox, sandbox.session() as session:
            await session.run("x = 1")
            processes = [server_pid(sandbox), *descendants(server_pid(sandbox))]
            os.kill(processes[0], signal.SIGKILL)
            assert gone(processes)
            with pytest.raises(ExecutorFault):
                await session.run("x")
            with pytest.raises(ExecutorFault, match="failed earlier"):
                await session.run("x")

    asyncio.run(trajectory())


def test_a_server_recycles_itself_unseen() -> None:
    with Sandbox(ONE_SERVER.model_copy(update={"recycle_sessions": 10})) as sandbox:
        first = server_pid(sandbox)
        deadline = time.monotonic() + 60
        while server_pid(sandbox) == first and time.monotonic() < deadline:
            assert run(sandbox, "6 * 7").value == "42"
        assert server_pid(sandbox) != first
        assert gone([first])
        assert run(sandbox, "6 * 7").value == "42"


def test_hundreds_of_sessions_leak_nothing() -> None:
    with Sandbox(ONE_SERVER) as sandbox:

        def held() -> tuple[int, int, int]:
            server = descendants(server_pid(sandbox))
            inner = server[0] if server else server_pid(sandbox)
            status = Path(f"/proc/{inner}/status").read_text()
            memory = int(status.partition("VmRSS:")[2].split()[0])
            return len(os.listdir("/proc/self/fd")), len(os.listdir(f"/proc/{inner}/fd")), memory  # noqa: PTH208

        for future in [sandbox.submit("1") for _ in range(50)]:
            future.result(timeout=120)
        before = held()
        for future in [sandbox.submit("1") for _ in range(250)]:
            future.result(timeout=120)
        after = held()
        assert after[0] <= before[0]
        assert after[1] <= before[1]
        assert after[2] - before[2] < 256  # KiB, for a quarter of a thousand


def test_closing_leaves_no_process_behind() -> None:
    with Sandbox(ONE_SERVER) as sandbox:
        sandbox.submit("import time; time.sleep(600)")
        sessions(sandbox, 1)
        processes = [server_pid(sandbox), *descendants(server_pid(sandbox))]
    assert gone(processes)


@pytest.mark.parametrize("tier", ["strict", "landlock"])
@pytest.mark.parametrize("victim", ["owner", "server", "inner"])
def test_killing_any_process_leaves_nothing_behind(tier: str, victim: str, tmp_path: Path) -> None:
    """The owner is a process of its own here; after the kill no process, mount or temporary file of it remains."""
    mounts = private_mounts()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    owner = context.Process(target=_own_a_sandbox, args=(tier, str(tmp_path), theirs))
    owner.start()
    theirs.close()  # so that an owner that dies early ends the wait
    server = ours.recv()
    processes = [server, *descendants(server)]
    target = {"owner": owner.pid, "server": server, "inner": processes[1]}[victim]
    assert target is not None

    os.kill(target, signal.SIGKILL)

    if victim != "owner":
        assert gone(processes[:2] if tier == "strict" else [target])
        os.kill(owner.pid or 0, signal.SIGKILL)
    owner.join(60)
    assert gone(processes)
    assert private_mounts() == mounts
    assert list(tmp_path.iterdir()) == []


def private_mounts() -> list[str]:
    """Mounts of the kind that sessions have, as far as this process sees any."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if line.split()[1] in ("/tmp", "/sandbox") or "sandbox" in line.split()[1]]


def _own_a_sandbox(tier: str, folder: str, pipe: multiprocessing.connection.Connection) -> None:
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    settings = SandboxSettings(tier=tier, preload=(), ahead=0, retries=0)  # type: ignore[arg-type]
    with Sandbox(settings) as sandbox:
        running = [sandbox.submit("import time; time.sleep(600)") for _ in range(2)]
        sessions(sandbox, 2)
        pipe.send(server_pid(sandbox))
        for future in running:
            future.exception()
        time.sleep(600)


def test_a_forked_child_may_not_use_its_parents_sandbox(sandbox: Sandbox) -> None:
    servers = sandbox._servers
    servers._owner, kept = -1, servers._owner
    try:
        with pytest.raises(SandboxError, match="belongs to the process"):
            servers.open_session()
    finally:
        servers._owner = kept


def test_a_module_that_is_not_installed_is_refused_with_a_remedy() -> None:
    with (
        pytest.raises(TierRefused, match=r"preloaded modules: No module named 'nosuchmodule'.*Install them"),
        Sandbox(SandboxSettings(preload=("nosuchmodule",))),
    ):
        pass


def test_a_closed_sandbox_says_so() -> None:
    with pytest.raises(SandboxError, match="expected an entered sandbox"):
        Sandbox(SETTINGS).submit("1")


def test_run_many_keeps_the_order() -> None:
    results = run_many([f"import time; time.sleep({0.2 - n / 50}); print({n})" for n in range(8)], SETTINGS)
    assert [result.output for result in results] == [f"{n}\n" for n in range(8)]


def server_pid(sandbox: Sandbox) -> int:
    server = sandbox._servers._current
    assert server is not None
    return server._process.pid


def sessions(sandbox: Sandbox, count: int) -> list[int]:
    """Pids of the running sessions, as soon as `count` are up."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        below = descendants(server_pid(sandbox))
        found = below[1:] if sandbox.tier == "strict" else below
        if len(found) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError(f"expected {count} sessions; found {found}")


def descendants(pid: int) -> list[int]:
    """Pids below a process, parents before children, oldest first."""
    found: list[int] = []
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except FileNotFoundError:
        return []
    for child in children:
        found += [child, *descendants(child)]
    return found


def gone(pids: list[int]) -> bool:
    """Whether all of them end within some seconds (a zombie that waits for its parent has ended)."""

    def ended(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except (FileNotFoundError, ProcessLookupError):
            return True

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if all(ended(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_a_callers_variables_of_a_sessions_own_names_are_no_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(os.environ) - set(server_process.ENVIRONMENT):
        monkeypatch.delenv(name)
    for name in ("TMPDIR", "OMP_NUM_THREADS", "PYTHONHASHSEED", "MPLBACKEND"):
        monkeypatch.setenv(name, "7")
    with Sandbox(SandboxSettings(tier="landlock")) as sandbox:
        assert sandbox.tier == "landlock"


def test_a_tier_that_lets_the_callers_environment_in_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "secret")
    monkeypatch.setattr(server_process, "ENVIRONMENT", server_process.ENVIRONMENT | {"A_TOKEN": "secret"})
    with pytest.raises(TierRefused, match="clean environment"), Sandbox(SandboxSettings(tier="landlock")):
        pass


def test_a_killed_session_that_waited_for_its_program_is_passed_over() -> None:
    with Sandbox(ONE_SERVER.model_copy(update={"ahead": 2, "retries": 0})) as sandbox:
        assert run(sandbox, "1").value == "1"
        for pid in sessions(sandbox, 2):
            os.kill(pid, signal.SIGKILL)
        assert gone(sessions(sandbox, 0))
        assert [run(sandbox, str(n)).value for n in range(4)] == ["0", "1", "2", "3"]


def test_a_program_without_packages_runs_on_the_light_server_with_the_same_result(sandbox: Sandbox) -> None:
    loaded = "import sys\nprint(sorted({{'{}', '{}'}} & set(sys.modules)))"
    assert run(sandbox, loaded.format("sym' 'py", "num' 'py")).output == "[]\n"
    assert run(sandbox, loaded.format("sympy", "numpy")).output == "['numpy', 'sympy']\n"
    kept = blocks(sandbox, "import sys", "'sym' 'py' in sys.modules")
    assert kept[1].value == "True"


def test_threads_and_exit_functions_print_before_a_program_is_over(sandbox: Sandbox) -> None:
    late = "import threading, time, atexit\natexit.register(print, 'exit')\n"
    late += "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()\nprint('last line')"
    assert run(sandbox, late).output == "last line\nthread\nexit\n"
    assert blocks(sandbox, late)[0].output == "last line\nthread\n"


def test_a_pool_that_nobody_shuts_down_keeps_no_block_waiting(sandbox: Sandbox) -> None:
    code = "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(2)\nfuture = pool.submit(pow, 2, 5)\n"
    assert run(sandbox, code + "print(future.result())").output == "32\n"
    first, second = blocks(sandbox, code + "1", "pool.submit(pow, 2, 6).result()")
    assert (first.value, second.value) == ("1", "64")


def test_a_cache_of_one_tier_does_not_answer_for_another_and_what_ran_is_recorded() -> None:
    from evaluators.models.settings import EvaluationSettings

    asked = EvaluationSettings(form="tir", sandbox=ONE_SERVER)
    keys = []
    for tier in ("strict", "landlock"):
        with Sandbox(ONE_SERVER.model_copy(update={"tier": tier})) as sandbox:
            keys.append(asked.conditions(sandbox)["sandbox"])
            assert sandbox.conditions_line().startswith(f"tier {tier}, memory_mb 1024, python 3.")
    assert [key.pop("tier") for key in keys] == ["strict", "landlock"]
    assert keys[0] == keys[1]

"""A launched command is stopped whole: its orphans, its own sessions, and even when its caller is killed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from evaluators.launch import Launched, descendants

STUBBORN = "setsid sleep 300 & setsid bash -c 'trap \"\" TERM; sleep 300 & wait' & sleep 300"


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def wait_for_descendants(root: int, count: int) -> list[int]:
    deadline = time.monotonic() + 10
    while len(found := descendants(root)) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def wait_until_gone(pids: list[int]) -> list[int]:
    deadline = time.monotonic() + 10
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive(pids)


def test_leaving_the_block_ends_everything_even_what_left_its_session_and_ignores_sigterm() -> None:
    with Launched.start(["bash", "-c", STUBBORN], grace=0.3) as running:
        started = wait_for_descendants(running.pid, 5)
        assert len(started) == 5
    assert alive(started) == []


def test_everything_ends_when_the_caller_is_killed_with_sigkill() -> None:
    caller = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time\nfrom evaluators.launch import Launched\n"
            f"running = Launched.start(['bash', '-c', {STUBBORN!r}], grace=0.3)\n"
            "print(running.pid, flush=True)\ntime.sleep(300)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert caller.stdout is not None
    supervisor = int(caller.stdout.readline())
    started = wait_for_descendants(supervisor, 5)
    caller.kill()
    caller.wait()
    caller.stdout.close()
    assert len(started) == 5
    assert wait_until_gone([supervisor, *started]) == []


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", -9), ("kill -15 $$", -15)])
def test_the_exit_status_is_the_commands_own(script: str, status: int) -> None:
    with Launched.start(["bash", "-c", script]) as running:
        assert running.wait(10) == status


def test_output_and_errors_go_to_the_log_whose_tail_is_told(tmp_path: Path) -> None:
    with Launched.start(["bash", "-c", "echo one; echo two >&2; echo three"], log=tmp_path / "log") as running:
        running.wait(10)
        assert running.log_tail(2) == "two\nthree"


def test_the_environment_is_added_to() -> None:
    with Launched.start(["bash", "-c", '[ "$COLOUR" = blue ] && [ -n "$PATH" ]'], env={"COLOUR": "blue"}) as running:
        assert running.wait(10) == 0


def test_a_command_that_does_not_exist_is_an_error_at_once() -> None:
    with pytest.raises(FileNotFoundError, match="expected an executable 'no-such-command'"):
        Launched.start(["no-such-command"])

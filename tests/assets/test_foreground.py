"""A command that has workers takes all of them with it, however it ends; the terminal's signals reach it."""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assets import ui
from evaluators.launch import descendants

CHECKOUT = Path(__file__).resolve().parents[2]
PAIR = b'{"reference": "1", "prediction": "1"}\n'
CHECK = [sys.executable, "-m", "assets.command_line", "check", "--jsonl", "-", "--workers", "2"]
WORKERS = 5  # a supervisor, the command, its fork server with a resource tracker, and at least one worker


def started() -> tuple[subprocess.Popen[bytes], list[int]]:
    """`mathsieve check` with workers that wait for more input, and all processes below it."""
    process = subprocess.Popen(
        CHECK, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(PAIR * 20_000)
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while len(below := descendants(process.pid)) < WORKERS and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(below) >= WORKERS
    return process, below


def still_there(pids: list[int], within: float = 30) -> list[int]:
    deadline = time.monotonic() + within
    while (left := [pid for pid in pids if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def closed(process: subprocess.Popen[bytes]) -> str:
    assert process.stdin is not None and process.stderr is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    with process.stderr:
        return process.stderr.read().decode()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_no_worker_outlives_a_command_that_a_signal_ends(number: int, status: int) -> None:
    process, below = started()
    process.send_signal(number)
    assert process.wait(60) == status
    assert still_there(below) == []
    assert ("stopped" in closed(process)) == (number != signal.SIGKILL)


@pytest.mark.parametrize("victim", [0, 1])
def test_no_worker_outlives_its_supervisor_or_the_process_that_feeds_it(victim: int) -> None:
    process, below = started()
    supervisor = next(pid for pid in below if b"launch.py" in Path(f"/proc/{pid}/cmdline").read_bytes())
    pids = [supervisor, min(descendants(supervisor))]
    subprocess.run(["kill", "-KILL", str(pids[victim])], check=True)
    assert process.wait(60) == 137
    assert still_there(below) == []
    assert "ended by signal 9" in closed(process)


def test_input_output_and_status_are_the_commands_own() -> None:
    done = subprocess.run(CHECK, cwd=CHECKOUT, input=PAIR, capture_output=True, timeout=120, check=False)
    assert b'"correct"' in done.stdout
    assert done.returncode == 0
    missing = [*CHECK[:5], "no-such-file"]
    refused = subprocess.run(missing, cwd=CHECKOUT, capture_output=True, timeout=120, check=False)
    assert refused.returncode == 2
    assert b"no-such-file" in refused.stderr


def test_dagster_in_the_browser_runs_below_a_supervisor_too() -> None:
    """What a killed run of the UI leaves is ended by it (tests/evaluators/test_launch.py)."""
    assert ui.has_workers(argparse.Namespace())

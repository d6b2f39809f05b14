"""A launched command is stopped whole: its orphans, its own sessions, and even when its caller is killed."""

import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.launch import Launched, descendants, temporary_folder
from evaluators.ports import listens_below

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
        started = wait_for_descendants(running.pid, 6)
        assert len(started) == 6
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
    started = wait_for_descendants(supervisor, 6)
    caller.kill()
    caller.wait()
    caller.stdout.close()
    assert len(started) == 6
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


def test_workers_whose_owner_is_killed_are_ended_while_the_command_goes_on(tmp_path: Path) -> None:
    """As where a step of a run in the UI is killed: its workers, in groups of their own too, are nobody's."""
    (tmp_path / "step").write_text(f"echo $$ > {tmp_path}/owner; {STUBBORN}; true")
    with Launched.start(
        ["bash", "-c", f"bash {tmp_path}/step & sleep 300; true"], grace=0.3, orphans="ended"
    ) as running:
        assert len(wait_for_descendants(running.pid, 8)) == 8
        owner_pid = int((tmp_path / "owner").read_text())
        workers = descendants(owner_pid)
        assert len(workers) == 4
        os.kill(owner_pid, 9)
        assert wait_until_gone([owner_pid, *workers]) == []
        assert running.poll() is None
        assert len(descendants(running.pid)) == 3


def test_orphans_are_kept_unless_a_command_is_known_to_leave_none(tmp_path: Path) -> None:
    with Launched.start(["bash", "-c", "(sleep 300 &) ; sleep 300; true"]) as running:
        started = wait_for_descendants(running.pid, 4)
        time.sleep(1.5)  # longer than a look takes
        assert len(started) == 4 and alive(started) == started


FILLED = 'echo x > "$TMPDIR/kept"; mkdir "$TMPDIR/more"; echo "$TMPDIR"; sleep 300'


@pytest.fixture
def temporary_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's folder for temporary files, empty."""
    root = tmp_path / "tmp"
    root.mkdir()
    monkeypatch.setenv("TMPDIR", str(root))
    return root


@pytest.fixture
def caller(temporary_root: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that runs a command which fills its temporary folder, and that folder."""
    start = (
        f"from evaluators.launch import Launched\nLaunched.start(['bash', '-c', {FILLED!r}], grace=0.3).process.wait()"
    )
    process = subprocess.Popen([sys.executable, "-c", start], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.wait()
    process.stdout.close()


def gone(folder: Path) -> bool:
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not folder.exists()


def test_a_commands_temporary_files_go_with_it(temporary_root: Path) -> None:
    script = f'[ "$(dirname "$TMPDIR")" = {temporary_root} ] && mkdir "$TMPDIR/more" && touch "$TMPDIR/more/kept"'
    with Launched.start(["bash", "-c", script]) as running:
        assert running.wait(10) == 0
    assert list(temporary_root.iterdir()) == []


def test_a_commands_temporary_files_go_when_its_caller_is_killed(caller: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = caller
    assert (folder / "kept").exists()
    process.kill()
    assert gone(folder)


def test_what_a_killed_supervisor_left_is_removed_by_the_next_start_and_nothing_that_is_in_use(
    caller: tuple[subprocess.Popen[str], Path], temporary_root: Path
) -> None:
    process, folder = caller
    supervisor = next(
        pid for pid in descendants(os.getpid()) if b"launch.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    (temporary_root / "mathsieve-notes").mkdir()  # a person's own, by its name
    with temporary_folder() as ours:
        below = descendants(supervisor)
        with Launched.start(["true"]) as running:
            running.wait(10)
        assert (folder / "kept").exists() and ours.exists()
        for pid in (supervisor, *below):  # all at once: of the two that watch each other, one would clear up
            os.kill(pid, signal.SIGSTOP)
        for pid in (supervisor, *below):
            os.kill(pid, signal.SIGKILL)
        process.wait(10)
        assert (folder / "kept").exists()
        with Launched.start(["true"]) as running:
            running.wait(10)
        assert not folder.exists() and ours.exists()
    assert [path.name for path in temporary_root.iterdir()] == ["mathsieve-notes"]


def test_a_command_below_another_has_a_folder_beside_its_and_not_in_it(temporary_root: Path) -> None:
    """The paths of sockets are 107 bytes at most."""
    inner = "import os, subprocess, sys\nfrom evaluators.launch import Launched\n"
    inner += (
        "with Launched.start(['bash', '-c', 'echo $TMPDIR']) as running: running.wait(10)\nprint(os.environ['TMPDIR'])"
    )
    log = temporary_root.parent / "log"
    with Launched.start([sys.executable, "-c", inner], log=log) as running:
        assert running.wait(20) == 0
    first, second = (Path(line) for line in log.read_text().split())
    assert first != second and first.parent == second.parent == temporary_root


def test_a_command_runs_where_temporary_files_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/no/such/folder")
    with Launched.start(["bash", "-c", '[ "$TMPDIR" = /no/such/folder ]']) as running:
        assert running.wait(10) == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_tree_too_deep_for_pythons_own_removal_goes_as_well(temporary_root: Path) -> None:
    abandoned = temporary_root / "mathsieve-0123abcd"
    abandoned.mkdir()
    place = os.open(abandoned, os.O_RDONLY)
    for _ in range(1500):  # a path would be too long: one level at a time
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    with temporary_folder():
        assert not abandoned.exists()


def test_a_forked_child_that_drops_what_it_inherited_removes_no_folder() -> None:
    manager = temporary_folder()
    folder = manager.__enter__()
    child = os.fork()
    if child == 0:
        del manager
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert folder.is_dir()
    manager.__exit__(None, None, None)
    assert not folder.exists()


def supervisors(launched: Launched) -> list[int]:
    """The two that watch each other, as soon as both and a command below them run."""
    started = wait_for_descendants(launched.pid, 2)
    return [launched.pid, started[0]]


@pytest.mark.parametrize("victim", [0, 1], ids=["guard", "supervisor"])
def test_nothing_outlives_a_supervisor_that_alone_is_killed(victim: int) -> None:
    code = "import subprocess, sys, time; subprocess.Popen(['sleep', '600'], start_new_session=True); time.sleep(600)"
    launched = Launched.start([sys.executable, "-c", code], grace=1.0)
    both = supervisors(launched)
    everything = [launched.pid, *wait_for_descendants(launched.pid, 3)]

    os.kill(both[victim], signal.SIGKILL)

    assert wait_until_gone([pid for pid in everything if pid != launched.pid]) == []
    assert launched.wait(20) == -signal.SIGKILL
    launched.stop()


def test_who_listens_on_a_port_is_seen() -> None:
    code = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); time.sleep(600)"
    below = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert below.stdout is not None
    port = int(below.stdout.readline())
    with below.stdout, socket.create_server(("127.0.0.1", 0)) as ours:
        assert listens_below(below.pid, port) is True
        assert listens_below(os.getpid(), port) is True
        assert listens_below(below.pid, ours.getsockname()[1]) is False
    below.kill()
    below.wait()

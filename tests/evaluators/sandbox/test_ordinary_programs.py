"""Programs as models write them run in both tiers alike, or are told what they may not do."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evaluators.sandbox import Result, Sandbox, SandboxSettings, TierRefused, server_process
from evaluators.sandbox.server.single import ONE_PROCESS
from evaluators.sandbox.session import SessionProcess

SETTINGS = SandboxSettings(preload=("sympy",), ahead=0)
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.savefig('a.png')\nimport os; print(os.path.getsize('a.png') > 1000)"


@pytest.fixture(scope="module", params=["strict", "landlock"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(SETTINGS.model_copy(update={"tier": request.param})) as sandbox:
        yield sandbox


def run(sandbox: Sandbox, code: str) -> Result:
    return sandbox.submit(code).result(timeout=120)


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("open('a.txt', 'w').write('1'); print(open('a.txt').read())", "1\n"),
        ("import tempfile\nwith tempfile.TemporaryFile('w+') as f: f.write('b'); f.seek(0); print(f.read())", "b\n"),
        ("import os\nprint(os.path.samefile(os.path.expanduser('~'), os.getcwd()))", "True\n"),
        ("import getpass; print(getpass.getuser())", "sandbox\n"),
        ("import os; os.makedirs('a/b'); open('a/b/c', 'w').close(); os.rename('a/b/c', 'a/b/d'); print(os.listdir('a/b'))", "['d']\n"),
        ("import pickle; pickle.dump([1], open('p', 'wb')); print(pickle.load(open('p', 'rb')))", "[1]\n"),
    ],
)  # fmt: skip
def test_files_homes_and_names(sandbox: Sandbox, code: str, printed: str) -> None:
    result = run(sandbox, code)
    assert (result.status, result.output) == ("ok", printed), result


@pytest.mark.parametrize(
    "code",
    [
        "import multiprocessing\nmultiprocessing.Pool(2).map(abs, [1])",
        "from multiprocessing import Process\nProcess(target=print).start()",
        "from concurrent.futures import ProcessPoolExecutor\nlist(ProcessPoolExecutor(2).map(abs, [1]))",
        "import subprocess\nsubprocess.run(['ls'])",
        "import os\nos.fork()",
    ],
)
def test_a_second_process_is_refused_with_what_to_do(sandbox: Sandbox, code: str) -> None:
    assert run(sandbox, code).error.splitlines()[-1] == f"PermissionError: [Errno 1] {ONE_PROCESS}"


def test_nothing_of_a_session_is_left_on_the_disk(sandbox: Sandbox) -> None:
    before = set(_scratch(sandbox))
    deep = "import os\nfor _ in range(35): os.mkdir('d' * 100); os.chdir('d' * 100); open('f', 'w').close()"
    assert run(sandbox, deep).status == "ok"
    assert run(sandbox, "import os; os.mkdir('x', 0o000); open('y', 'w').write('z')").status == "ok"
    assert set(_scratch(sandbox)) == before


def _scratch(sandbox: Sandbox) -> list[Path]:
    found = []
    for servers in (sandbox._servers, sandbox._plain):
        server = servers._current if servers is not None else None
        if server is not None and server.scratch is not None and server.scratch.path is not None:
            found += list(server.scratch.path.iterdir())
    return [path for path in found if path.name != "warm"]


def test_sympys_own_generator_gives_the_same_in_every_session(sandbox: Sandbox) -> None:
    code = "from sympy.core.random import rng\nprint(rng.random())"
    assert run(sandbox, code).output == run(sandbox, code).output


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed")
@pytest.mark.parametrize("tier", ["strict", "landlock"])
def test_matplotlib_plots_preloaded_and_leaves_no_folder_behind(
    tier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_folder: Callable[[Path], Path]
) -> None:
    open_folder(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = set(Path("/tmp").glob("matplotlib-*"))
    settings = SETTINGS.model_copy(update={"tier": tier, "preload": ("matplotlib", "matplotlib.pyplot")})
    with Sandbox(settings) as sandbox:
        result = run(sandbox, PLOT)
    assert (result.status, result.output) == ("ok", "True\n"), result
    assert set(Path("/tmp").glob("matplotlib-*")) == before
    assert list(tmp_path.iterdir()) == []


def test_the_first_version_of_landlock_is_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, open_folder: Callable[[Path], Path]
) -> None:
    """As Ubuntu 22.04 has it: it judges neither truncation nor moves between folders, which others must refuse."""
    monkeypatch.setattr(server_process, "NEWEST_ABI", 1)
    outside = tmp_path / "outside"
    outside.write_text("kept")
    outside.chmod(0o666)
    open_folder(tmp_path)
    attempts = [f"os.truncate({str(outside)!r}, 0)", f"os.open({str(outside)!r}, os.O_RDONLY | os.O_TRUNC)"]
    attempts += [f"open({str(outside)!r}, 'w')", f"open({str(outside)!r})", f"os.rename({str(outside)!r}, 'mine')"]
    with Sandbox(SETTINGS.model_copy(update={"tier": "landlock", "preload": ()})) as sandbox:
        for attempt in attempts:
            assert (
                run(sandbox, f"import os\n{attempt}").error.splitlines()[-1].startswith(("PermissionError", "OSError"))
            )
        assert (
            run(
                sandbox, "open('a', 'w').write('xy')\nf = open('a', 'r+')\nf.truncate(1)\nprint(open('a').read())"
            ).output
            == "x\n"
        )
    assert outside.read_text() == "kept"


def test_no_landlock_at_all_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_process, "NEWEST_ABI", 0)
    with pytest.raises(TierRefused, match=r"Landlock: not in this kernel, or not switched on\. Use a kernel"):
        Sandbox(SETTINGS).__enter__()


@pytest.mark.parametrize("call", ["memfd_create", "pidfd_open"])
def test_a_call_that_the_kernel_lacks_is_named(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(server_process.os, call, lacks)
    with pytest.raises(TierRefused, match=rf"{call}: \[Errno 38\] Function not implemented\. Use a kernel"):
        Sandbox(SETTINGS).__enter__()


def test_a_hard_limit_that_is_too_low_is_named_with_what_is_needed() -> None:
    import resource
    import subprocess
    import sys

    code = "from evaluators.sandbox import *\ntry: Sandbox(SandboxSettings(preload=())).__enter__()\nexcept TierRefused as e: print(e)"
    assert resource.getrlimit(
        resource.RLIMIT_SIGPENDING if hasattr(resource, "RLIMIT_SIGPENDING") else resource.RLIMIT_CPU
    )
    command = ["bash", "-c", 'ulimit -t 30; exec "$@"', "bash", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    assert "hard limit CPU: found 30, need 61. Raise it for this user" in done.stdout, done.stderr


def test_a_session_that_was_killed_for_its_own_use_of_memory_is_told_so_and_an_innocent_one_is_a_fault() -> None:
    from evaluators.sandbox import ExecutorFault
    from evaluators.sandbox.server_process import Ended

    with Sandbox(SETTINGS.model_copy(update={"preload": ()})) as sandbox:
        session: SessionProcess = sandbox._servers.open_session()
        greedy = session._killed_from_outside(Ended(status=9, cpu=0.1, peak_kib=600 << 10))
        assert (greedy.status, greedy.signal) == ("memory", 9)
        assert "with 600 MiB of its own in use" in greedy.error
        with contextlib.suppress(ExecutorFault):
            session._killed_from_outside(Ended(status=9, cpu=0.1, peak_kib=20 << 10))
            raise AssertionError("expected a fault for a session that used 20 of its 1,024 MiB")
        sandbox._servers.close_session(session)

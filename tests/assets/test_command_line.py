"""What a person meets who mistypes: one clear line, a status that tells, nothing half-written."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assets.command_line import COMMANDS, main
from evaluators.launch import descendants

CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_RECIPE = CHECKOUT / "recipes" / "demo.yaml"
OUTPUT = '{"question": "What is 1+1?", "response": "\\\\boxed{2}", "gold": "2"}\n'

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, artifacts and history apart from those of the checkout; the commands set variables of their own."""
    monkeypatch.chdir(tmp_path)
    for name in ("MATHSIEVE_RECIPE", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setenv("MATHSIEVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "history"))
    return tmp_path


def test_without_words_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    told = capsys.readouterr().err
    assert all(f"  {name} " in told for name in COMMANDS)


def test_it_has_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("mathsieve 0.")


@pytest.mark.parametrize("selection", ["nothing", 'key:"nothing"', "group:("])
def test_a_selection_of_nothing_is_told_in_the_words_of_the_recipe(
    capsys: pytest.CaptureFixture[str], selection: str
) -> None:
    assert main(["run", str(DEFAULT_RECIPE), "--list", "--select", selection]) == 2
    assert capsys.readouterr().err == (
        f"--select {selection}: expected assets of this recipe, as 'key:\"math_corpus\"' or 'group:corpus'; found none. "
        "`--list` alone shows them all.\n"
    )


@pytest.mark.parametrize("words", [["run", str(DEFAULT_RECIPE)], ["ui", str(DEFAULT_RECIPE), "--port", "34817"]])
def test_a_history_that_cannot_be_kept_is_told_before_anything_runs(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    (elsewhere / "history").write_text("a file")
    assert main(words) == 2
    assert "history: expected a folder for Dagster's history, as DAGSTER_HOME says" in capsys.readouterr().err
    assert not (elsewhere / "home").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["grade", "none", "--benchmark", "gsm8k"], "none: expected a file of outputs; found: No such file"),
        (["grade", ".", "--benchmark", "gsm8k"], ".: expected the outputs of one evaluation"),
        (
            ["grade", "outputs", "--benchmark", "gsm8k", "--grades", "outputs"],
            "--grades outputs: expected a folder that can be written; found: File exists",
        ),
        (
            ["compare", "none", "outputs"],
            "none: expected a scores.json, a log, outputs or a folder of them; found: No such file",
        ),
        (["compare", ".", "outputs"], ".: expected a scores.json of an evaluation"),
        (["compare", "outputs", "outputs"], "outputs: expected a scores.json of an evaluation"),
    ],
)
def test_outputs_that_are_not_there_are_told(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    (elsewhere / "outputs").write_text(OUTPUT * 2, encoding="utf-8")
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(told) and said.count("\n") == 1
    assert [path.name for path in elsewhere.iterdir()] == ["outputs"]


PYTHON = [sys.executable, "-m", "assets.command_line"]


def test_ctrl_c_leaves_one_word_and_no_traceback(elsewhere: Path) -> None:
    (elsewhere / "sleep.py").write_text("import time\ntime.sleep(60)\n")
    words = [*PYTHON, "run-code", str(elsewhere / "sleep.py"), "--wall-seconds", "60"]
    running = subprocess.Popen(words, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(descendants(running.pid)) < 2 and time.monotonic() < deadline:  # its server, and the program's session
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    assert running.communicate(timeout=60)[1] == "\nstopped\n"
    assert running.returncode == 130


def test_a_reader_that_has_seen_enough_is_no_error(elsewhere: Path) -> None:
    (elsewhere / "outputs").write_text(OUTPUT * 3, encoding="utf-8")
    words = [*PYTHON, "grade", str(elsewhere / "outputs"), "--benchmark", "gsm8k"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(words, cwd=CHECKOUT, stdout=writer, stderr=subprocess.PIPE, timeout=120, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


def test_a_command_with_workers_reads_what_a_shell_opened_for_it(elsewhere: Path) -> None:
    (elsewhere / "outputs").write_text(OUTPUT, encoding="utf-8")
    shell = f"{shlex.join(PYTHON)} grade <(cat {elsewhere}/outputs) --benchmark gsm8k"
    done = subprocess.run(["bash", "-c", shell], cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)
    assert "| strict | 1 of 1 | 100.00 |" in done.stdout

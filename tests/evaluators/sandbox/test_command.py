"""`mathsieve run-code` as a person uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assets.command_line import main
from evaluators.sandbox import ExecutorFault, command


def write(folder: Path, code: str) -> str:
    path = folder / "program.py"
    path.write_text(code, encoding="utf-8")
    return str(path)


def test_everything_about_a_run_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run-code", write(tmp_path, "print('hello')\n6 * 7")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == ["status: ok", "output:", "    hello", "value:", "    42"]
    assert lines[5] in ("tier: strict", "tier: landlock")
    assert lines[6].startswith("seconds: ")


def test_json_carries_the_whole_result_and_an_error_exits_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run-code", write(tmp_path, "1/0"), "--json", "--tier", "landlock"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["tier"], told["value"]) == ("error", "landlock", None)
    assert told["error"].endswith("ZeroDivisionError: division by zero\n")


def test_json_has_the_same_keys_where_the_sandbox_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "1")
    assert main(["run-code", file, "--json"]) == 0
    usual = json.loads(capsys.readouterr().out)

    def fails(*_: object) -> None:
        raise ExecutorFault("no session")

    monkeypatch.setattr(command, "run_code", fails)
    assert main(["run-code", file, "--json"]) == 4
    told = capsys.readouterr()
    failed = json.loads(told.out)
    assert failed.keys() == usual.keys()
    assert (failed["status"], failed["error"], failed["tier"]) == ("executor_fault", "no session", None)
    assert told.err == "mathsieve run-code: ExecutorFault: no session\n"


def test_a_limit_exits_with_three(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run-code", write(tmp_path, "while True: pass"), "--wall-seconds", "0.5"]) == 3
    assert capsys.readouterr().out.startswith("status: timeout\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["no/such/file.py"], "no/such/file.py: cannot be read: No such file or directory"),
        (["{file}", "--memory-mb", "0"], "--memory-mb: Input should be greater than 0; found 0"),
        (["{file}", "--wall-seconds", "nan"], "--wall-seconds"),
    ],
)
def test_unusable_arguments_are_told_and_exit_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    file = write(tmp_path, "1")
    assert main(["run-code", *(word.replace("{file}", file) for word in arguments)]) == 2
    assert complaint in capsys.readouterr().err


def test_a_file_that_is_not_text_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "program.py"
    path.write_bytes(b"\xff\xfe\x00")
    assert main(["run-code", str(path)]) == 2
    assert "expected UTF-8" in capsys.readouterr().err


def test_control_characters_are_escaped_for_a_terminal() -> None:
    assert command.printable("a\x1b[2Jb\x07\tc\u202ed\r") == "a\\x1b[2Jb\\x07\tc\\u202ed\\r"


def test_a_terminal_that_is_not_utf8_shows_what_it_can(tmp_path: Path) -> None:
    file = write(tmp_path, "print('π é ✓')")
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    start = [sys.executable, "-m", "assets.command_line", "run-code", file]
    done = subprocess.run(start, env=environment, capture_output=True, check=False, cwd=Path(__file__).parents[3])
    assert (done.returncode, done.stdout.split(b"\n")[2]) == (0, b"    \\u03c0 \xe9 \\u2713")

"""The interpreter tier answers as CPython does or not at all, inside the walls, and what ran is recorded."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.sandbox import Result, Sandbox, SandboxSettings
from evaluators.sandbox.interpreter import Interpreter
from evaluators.sandbox.server.supported import unsupported

SETTINGS = SandboxSettings(preload=(), ahead=0)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pydantic_monty") is None, reason="pydantic-monty is not installed: [interpreter]"
)


@pytest.fixture(scope="module")
def interpreter() -> Iterator[Interpreter]:
    with Interpreter(SETTINGS) as interpreter:
        yield interpreter


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print(round(2.675, 2))", "round to digits"),
        ("print(pow(3, -1, 7))", "name pow"),
        ("print({3, 1, 2})", "Set"),
        ("print(f'{1.5:.2f}')", "format"),
        ("print('%.2f' % 1.5)", "format"),
        ("import sympy", "import"),
        ("from math import nextafter", "import"),
        ("import math\nmath.fsum([.1])", "math.fsum"),
        ("class A: pass", "ClassDef"),
        ("try: 1\nexcept Exception: pass", "Try"),
        ("print(open)", "name open"),
        ("print(().__class__)", "method __class__"),
        ("print = str", "name print"),
        ("def f(len): return len", "name len"),
        ("x = 'é'", "text that is not ASCII"),
        ("def f(:", "syntax"),
        ("print(1, file=None)", "keyword of print"),
        ("x = 1j", "constant of complex"),
        ("print(10**5 if True else b'')", "constant of bytes"),
        ("[].sort(key=len)", "keyword of a method"),
    ],
)
def test_what_is_not_known_to_be_the_same_is_left_to_a_process(code: str, reason: str) -> None:
    assert unsupported(code) == reason


@pytest.mark.parametrize(
    ("code", "output", "value"),
    [
        ("print(6 * 7)", "42\n", None),
        (
            "print(7 / 2, 7 // -2, -7 % 3, 2 ** 100)\n0.1 + 0.2",
            "3.5 -4 2 1267650600228229401496703205376\n",
            "0.30000000000000004",
        ),
        ("def f(n):\n    return 1 if n < 2 else n * f(n - 1)\nprint(f(20))", "2432902008176640000\n", None),
        ("import math\nprint(math.sqrt(2), math.comb(10, 3), round(2.5))", "1.4142135623730951 120 2\n", None),
        ("print(f'{3 * 4} eggs', sep='', end='!')\n[1, 'a', None]", "12 eggs!", "[1, 'a', None]"),
    ],
)
def test_arithmetic_runs_there(interpreter: Interpreter, code: str, output: str, value: str | None) -> None:
    answer = interpreter.answer(code)
    assert isinstance(answer, Result)
    assert (answer.status, answer.output, answer.value, answer.interpreter) == ("ok", output, value, "monty")


@pytest.mark.parametrize(
    "code",
    [
        "1 / 0",
        "print(undefined)",
        "while True: pass",
        "print('x' * 20000)",
        "x = 'a' * 10**9",
        "print(820899281892914.25)",
        "print((-2) ** 0.5)",
    ],
)
def test_errors_limits_and_floats_between_two_decimals_fall_through(interpreter: Interpreter, code: str) -> None:
    assert isinstance(interpreter.answer(code), str)
    assert isinstance(interpreter.answer("1"), Result)


def test_nothing_of_one_program_is_left_for_the_next(interpreter: Interpreter) -> None:
    assert isinstance(interpreter.answer("x = 5\nprint(x)"), Result)
    assert interpreter.answer("y = 1\nprint(x)") == "name x"


def test_a_killed_host_is_replaced(interpreter: Interpreter) -> None:
    assert isinstance(interpreter.answer("1"), Result)
    os.kill(interpreter._idle[0]._pid, signal.SIGKILL)
    answers = [interpreter.answer("print(1)") for _ in range(2)]
    assert isinstance(answers[1], Result)


def test_a_host_and_its_interpreter_stand_behind_walls(interpreter: Interpreter) -> None:
    interpreter.answer("1")
    host = interpreter._idle[0]._pid
    (worker,) = Path(f"/proc/{host}/task/{host}/children").read_text().split() or _children(host)
    for pid in (host, int(worker)):
        status = Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert (fields["Seccomp"], fields["NoNewPrivs"], int(fields["CapEff"], 16)) == ("2", "1", 0)
        for space in ("user", "mnt", "pid", "net", "ipc", "uts"):
            assert os.readlink(f"/proc/{pid}/ns/{space}") != os.readlink(f"/proc/self/ns/{space}")  # noqa: PTH115


def _children(pid: int) -> list[str]:
    return [
        child
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text(encoding="ascii").split()
    ]


def test_the_sandbox_uses_it_for_whole_programs_and_tells_which_one_ran() -> None:
    with Sandbox(SETTINGS.model_copy(update={"interpreter": "on"})) as sandbox:
        quick, full = sandbox.submit("print(6 * 7)").result(), sandbox.submit("print(round(2.675, 2))").result()
    assert (quick.output, quick.interpreter) == ("42\n", "monty")
    assert (full.output, full.interpreter) == ("2.67\n", "process")


def test_shadow_mode_gives_the_process_result_and_tells_of_every_difference(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with Sandbox(SETTINGS.model_copy(update={"interpreter": "shadow"})) as sandbox:
        assert sandbox.interpreter is not None
        result = sandbox.submit("print(6 * 7)").result()
        assert (result.output, result.interpreter) == ("42\n", "process")
        assert (sandbox.interpreter.compared, sandbox.interpreter.different) == (1, 0)
        wrong = sandbox.interpreter.answer("print(43)")
        monkeypatch.setattr(sandbox.interpreter, "answer", lambda _: wrong)
        with caplog.at_level(logging.WARNING):
            assert sandbox.submit("print(6 * 7)").result().output == "42\n"
        assert (sandbox.interpreter.compared, sandbox.interpreter.different) == (2, 1)
        assert "'43\\n'" in caplog.text


def test_it_is_off_by_default_and_where_the_walls_are_not_the_strict_ones(caplog: pytest.LogCaptureFixture) -> None:
    with Sandbox(SETTINGS) as sandbox:
        assert sandbox.interpreter is None
    with (
        caplog.at_level(logging.WARNING),
        Sandbox(SETTINGS.model_copy(update={"interpreter": "on", "tier": "landlock"})) as sandbox,
    ):
        assert sandbox.submit("print(1)").result().interpreter == "process"
    assert "expected the walls of the strict tier; found landlock" in caplog.text

"""The published formats, byte for byte."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from evaluators.sandbox import PROTOCOLS, Result, SandboxSettings, run_many
from evaluators.sandbox.records import ProtocolName

TORA, DEEPSEEK = PROTOCOLS["tora"], PROTOCOLS["deepseekmath"]


def result(status: str = "ok", stdout: str = "", error: str = "", value: str | None = None) -> Result:
    return Result(
        status=status,  # type: ignore[arg-type]
        state_lost=False,
        output=stdout,
        stdout=stdout,
        value=value,
        error=error,
        seconds=0.0,
        cpu_seconds=0.0,
        tier="strict",
    )


def test_the_calls_and_the_stop_string_are_the_papers() -> None:
    assert (DEEPSEEK.max_calls, TORA.max_calls) == (2, 4)
    assert DEEPSEEK.stop == TORA.stop == ("```output",)
    assert DEEPSEEK.wall_seconds == 10.0


def test_the_block_is_rendered_byte_for_byte() -> None:
    assert DEEPSEEK.render(result(stdout="18\n")) == "\n```output\n18\n```\n"
    assert TORA.render(result(stdout="a\nb\n\n")) == "\n```output\na\nb\n```\n"
    assert TORA.render(result()) == "\n```output\n\n```\n"


def test_a_value_is_not_shown_where_programs_run_under_exec() -> None:
    assert DEEPSEEK.output(result(value="42")) == ""
    assert PROTOCOLS["notebook"].output(result(stdout="a\n", value="42")) == "a\n42"


@pytest.mark.parametrize("length", [0, 99, 100])
def test_a_hundred_characters_stay_whole(length: int) -> None:
    assert DEEPSEEK.output(result(stdout="x" * length)) == "x" * length


def test_a_longer_result_keeps_fifty_characters_of_either_end() -> None:
    text = "".join(chr(0x4E00 + n) for n in range(101))
    assert DEEPSEEK.output(result(stdout=text)) == text[:50] + "..." + text[51:]


def test_an_error_is_its_last_line_and_what_was_printed_before_is_dropped() -> None:
    traceback = "Traceback (most recent call last):\n  File \"<block 1>\", line 1\nNameError: name 'x' is not defined\n"
    failed = result("error", stdout="before\n", error=traceback)
    assert TORA.output(failed) == "NameError: name 'x' is not defined"


def test_timeouts_have_the_words_of_each_harness() -> None:
    late = result("timeout", error="TimeoutError: the time limit of 10 s was reached")
    assert DEEPSEEK.output(late) == "Timeout Error"
    assert TORA.output(late) == "timeout_decorator.timeout_decorator.TimeoutError: 'Timed Out'"


def test_a_program_that_asks_for_input_is_refused_by_both_harnesses() -> None:
    asked = result("error", stdout="?", error="Traceback (most recent call last):\nEOFError: EOF when reading a line\n")
    assert TORA.output(asked) == DEEPSEEK.output(asked) == "RuntimeError"
    assert PROTOCOLS["notebook"].output(asked) == "EOFError: EOF when reading a line"
    assert TORA.output(result("error", error="  File ...\n    raise EOFError\nEOFError\n")) == "RuntimeError"  # getpass


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("So:\n```python\nprint(1)\n```", "print(1)\n"),
        ("So:\n```python\nprint(1)\n```\n", "print(1)\n"),
        ("```python\na\n```\n```output\n1\n```\nthen\n```python\nb\nc\n```\n", "b\nc\n"),
        ("```python\nprint(1)", None),  # not closed
        ("```python\nprint(1)\n```\nThe answer is 1.", None),  # does not end with the fence
        ("```python\nprint(1)\n```\n```output\n1\n```\n", None),  # ends with an output
        ("```\nprint(1)\n```", None),  # no python fence
        ("```latex\nx\n```", None),
        ("no code", None),
        ("```", None),
        ("", None),
        ("```python\n```", ""),
        ("```python\nprint('``` inside')\n```", "print('``` inside')\n"),
        ("```python\nprint(1)\n```python\n", None),
    ],
)
def test_code_runs_only_if_the_text_ends_with_a_closed_python_fence(text: str, program: str | None) -> None:
    assert DEEPSEEK.program(text) == program


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_program_that_opens_an_answer_runs_though_a_space_parts_it_from_the_prompt(name: ProtocolName) -> None:
    """A prompt ends in "Assistant:", and a model that was trained so begins its answer with a space."""
    assert PROTOCOLS[name].program(" ```python\nprint(8)\n```") == "print(8)\n"
    assert PROTOCOLS[name].program("\n\n ```python\nif x:\n    print(8)\n```\n") == "if x:\n    print(8)\n"


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("We compute: ```python\nprint(1)\n```", "print(1)\n"),
        ("Then\nso: ```python  \nprint(2)\n```\n", "print(2)\n"),
        ("Use `x` here: ```python\nprint(1)\n```", "print(1)\n"),
        ("A fence ```python is not one in a sentence.\nprint(1)\n```", None),
    ],
)
def test_a_fence_behind_words_opens_a_program_as_in_deepseekmaths_harness(text: str, program: str | None) -> None:
    assert DEEPSEEK.program(text) == program
    assert TORA.program(text) is None  # its harness reads the beginnings of lines


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("```py\nprint(1)\n```", "print(1)\n"),
        ("```Python\nprint(1)\n```", "print(1)\n"),
        ("``` python3\nprint(1)\n```", "print(1)\n"),
        ("1. So:\n   ```python\n   if x:\n       print(1)\n   ```", "if x:\n    print(1)\n"),
        ("- a\n\t```py\n\tprint(1)\n\n\tprint(2)\n\t```\n", "print(1)\n\nprint(2)\n"),
        ("```python\nprint(1)\n```", "print(1)\n"),
        ("```latex\nx\n```", None),
        ("```\nprint(1)\n```", None),
    ],
)
def test_fences_as_people_write_them_are_a_protocol_of_their_own(text: str, program: str | None) -> None:
    assert PROTOCOLS["markdown"].program(text) == program
    plain = text.startswith("```python\n")
    assert DEEPSEEK.program(text) == (program if plain else None)


@pytest.mark.real_data
def test_recorded_tora_outputs_are_reproduced() -> None:
    """A sample of every twelfth trace, with all recorded errors; bench/tora_replay.py runs them all."""
    root = os.environ.get("MATHSIEVE_REAL_DATA")
    if root is None:
        pytest.skip("MATHSIEVE_REAL_DATA is not set: ToRA's recorded outputs are not at hand")
    codes, blocks = [], []
    for path in sorted(Path(root, "model_outputs", "tora_gsm8k").glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            text = json.loads(line)["code"][0]
            before, fence, after = text.partition("\n```output\n")
            shown = after.partition("\n```\n")[0]
            if fence and "Timed Out" not in shown and (number % 12 == 0 or "Error" in shown):
                codes.append(TORA.program(before) or "")
                blocks.append(f"\n```output\n{shown}\n```\n")
    assert len(blocks) > 220

    results = run_many(codes, SandboxSettings(protocol="tora"))

    assert [TORA.render(result) for result in results] == blocks

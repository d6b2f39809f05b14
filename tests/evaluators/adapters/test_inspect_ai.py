"""Inspect's own evaluation, with the scorer and the sandbox found by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # the tool's own


@pytest.fixture
def adapter(tool: Callable[[str], Any]) -> Any:
    tool("inspect_ai")
    return tool("evaluators.adapters.inspect_ai")


def test_an_evaluation_is_scored_and_its_programs_run_in_the_sandbox(adapter: Any, tmp_path: Path) -> None:
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.solver import generate, use_tools
    from inspect_ai.tool import python

    outputs = [
        ModelOutput.for_tool_call("mockllm/model", "python", {"code": "print(6 * 7)"}),
        ModelOutput.from_content("mockllm/model", "It is \\boxed{42.0}."),
    ]
    for output in outputs:
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # or a tokenizer is fetched
    model = get_model("mockllm/model", custom_outputs=outputs)
    task = Task(
        dataset=[Sample(input="6 times 7?", target="42")],
        solver=[use_tools(python()), generate()],
        scorer=adapter.answer(),
        sandbox="mathsieve",
    )
    log = eval(task, model=model, log_dir=str(tmp_path), display="none")[0]
    assert log.status == "success", log.error
    sample = log.samples[0]
    assert [message.text.strip() for message in sample.messages if message.role == "tool"] == ["42"]
    score = sample.scores["answer"]
    assert (score.value, score.answer, score.metadata["verdict"]) == ("C", "42.0", "correct")
    assert log.results.scores[0].metrics["accuracy"].value == 1.0


def test_the_sandbox_runs_python_and_says_what_it_does_not(adapter: Any) -> None:
    async def go() -> None:
        sandbox = adapter.MathsieveSandbox()
        await sandbox.write_file("work/data.txt", "21")
        await sandbox.write_file("main.py", "print(2 * int(open('work/data.txt').read()))")
        assert await sandbox.read_file("work/data.txt") == "21"
        ran = await sandbox.exec(["python3", "main.py"])
        assert (ran.success, ran.stdout) == (True, "42\n")
        failed = await sandbox.exec(["python", "-c", "1/0"])
        assert (failed.success, failed.returncode, "ZeroDivisionError" in failed.stderr) == (False, 1, True)
        other = await sandbox.exec(["bash", "-c", "ls"])
        assert (other.returncode, "runs Python only" in other.stderr) == (127, True)
        with pytest.raises(TimeoutError):
            await sandbox.exec(["python3", "-c", "while True: pass"], timeout=1)
        with pytest.raises(FileNotFoundError):
            await sandbox.read_file("nothing")

    asyncio.run(go())

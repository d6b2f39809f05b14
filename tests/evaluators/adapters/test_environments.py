"""verifiers' taskset and OpenEnv's environment, through their own classes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from evaluators.templated import generate

pytestmark = pytest.mark.filterwarnings("ignore")  # the tools' own


def test_verifiers_scores_a_reply_by_its_answer(tool: Callable[[str], Any]) -> None:
    tool("verifiers")
    adapter = tool("evaluators.adapters.verifiers")
    import verifiers.v1 as vf

    taskset = adapter.MathTaskset(adapter.MathTasksetConfig(id="mathsieve", count=12, split="train"))
    tasks = list(taskset)
    assert [task.data.idx for task in tasks] == list(range(12))
    assert [task.data.reference for task in tasks] == [
        worked.problem.reference for worked in generate(12, split="train")
    ]

    def rewarded(task: Any, reply: str) -> float:
        message = vf.MessageNode(message=vf.AssistantMessage(content=reply), sampled=True)
        agent = vf.AgentInfo(config=vf.AgentConfig())
        trace = vf.Trace(agent=agent, task=vf.TraceTask(type="MathTask", data=task.data), nodes=[message])
        asyncio.run(task.score(trace))
        return float(trace.reward)

    right = f"It is \\boxed{{{tasks[0].data.reference}}}."
    assert [rewarded(tasks[0], right), rewarded(tasks[0], "\\boxed{no}")] == [1.0, 0.0]


def test_an_openenv_episode_runs_programs_and_ends_with_a_reward(tool: Callable[[str], Any]) -> None:
    tool("openenv")
    adapter = tool("evaluators.adapters.openenv")
    environment = adapter.MathEnvironment()
    reference = generate(1000, split="train")[7].problem.reference
    first = environment.reset(seed=7)
    assert (first.done, first.reward) == (False, None)
    ran = environment.step(adapter.MathAction(message="```python\nx = 6\nprint(x * 7)\n```"))
    assert (ran.output, ran.done) == ("42", False)
    again = environment.step(adapter.MathAction(message="```python\nprint(x + 1)\n```"))
    assert again.output == "7"
    last = environment.step(adapter.MathAction(message=f"So \\boxed{{{reference}}}."))
    assert (last.done, last.reward, last.verdict) == (True, 1.0, "correct")
    environment.reset(seed=7)
    assert environment.step(adapter.MathAction(message="\\boxed{nothing}")).reward == 0.0
    assert environment.state.step_count == 1


def test_openenvs_server_serves_it(tool: Callable[[str], Any]) -> None:
    tool("openenv")
    adapter = tool("evaluators.adapters.openenv")
    from fastapi.testclient import TestClient

    with TestClient(adapter.app()) as client:
        told = client.post("/reset", json={"seed": 3}).json()
        assert told["observation"]["problem"] == generate(1000, split="train")[3].problem.question
        assert "message" in client.get("/schema").json()["action"]["properties"]

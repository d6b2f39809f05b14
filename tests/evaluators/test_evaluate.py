"""The loop: forms, caching, resumption, and that no trajectory waits for another."""

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from evaluators.evaluate import EvaluationError, EvaluationSettings, evaluate, write_completions, write_grades
from evaluators.models.cache import CacheError, GenerationCache
from evaluators.models.endpoint import EndpointSettings
from evaluators.models.sampling import (
    SMALLEST_CALL,
    ContextOverflow,
    Generation,
    Request,
    SamplingError,
    ScriptedSampler,
)
from evaluators.records import Completion, Grade, Problem
from evaluators.sandbox import Sandbox, SandboxSettings
from evaluators.tables import read_table, write_table

PROBLEMS = [Problem(id=f"t/{n}", benchmark="t", question=f"What is {n}+1?", reference=str(n + 1)) for n in range(8)]
TIR = EvaluationSettings(form="tir", sandbox=SandboxSettings(protocol="deepseekmath"))
CODE = "We compute.\n```python\nprint({n}+1)\n```\n"


def number_of(request: Request) -> int:
    found = re.search(r"What is (\d+)", request.prompt)
    assert found is not None
    return int(found.group(1))


def tool_user(request: Request) -> str:
    """Writes a program first, and boxes its output when it sees it."""
    if "```output" not in request.continues:
        return CODE.format(n=number_of(request))
    output = request.continues.rpartition("```output\n")[2].partition("\n")[0]
    return f"The answer is $\\boxed{{{output}}}$."


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(TIR.sandbox) as opened:
        yield opened


def run_tir(sampler: ScriptedSampler, sandbox: Sandbox, cache: GenerationCache | None = None) -> list[Completion]:
    return asyncio.run(evaluate(PROBLEMS, sampler, TIR, sandbox, cache))


def test_a_chain_of_thought_is_one_call_with_the_papers_prompt() -> None:
    sampler = ScriptedSampler(lambda request: f" \\boxed{{{number_of(request) + 1}}}")
    completions = asyncio.run(evaluate(PROBLEMS, sampler, EvaluationSettings(max_new_tokens=77)))
    assert [c.text for c in completions] == [f" \\boxed{{{n + 1}}}" for n in range(8)]
    assert len(sampler.requests) == 8
    first = min(sampler.requests, key=number_of)
    assert first.prompt.startswith("User: What is 0+1?\nPlease reason step by step")
    assert (first.max_tokens, first.temperature, first.stop) == (77, 0.0, ())


def test_a_tool_integrated_answer_runs_its_program_and_goes_on_with_the_output(sandbox: Sandbox) -> None:
    sampler = ScriptedSampler(tool_user)
    first = run_tir(sampler, sandbox)[0]
    assert first.text == "We compute.\n```python\nprint(0+1)\n```\n\n```output\n1\n```\nThe answer is $\\boxed{1}$."
    assert [(p.code.strip(), p.status, p.output) for p in first.programs] == [("print(0+1)", "ok", "1")]
    assert first.finish == "stop"
    assert len(sampler.requests) == 16
    assert sampler.requests[0].stop == ("```output",)


def test_the_limit_of_calls_ends_a_trajectory_after_its_last_program(sandbox: Sandbox) -> None:
    sampler = ScriptedSampler(lambda request: CODE.format(n=number_of(request)))
    completions = run_tir(sampler, sandbox)
    assert {c.finish for c in completions} == {"calls"}
    assert [len(c.programs) for c in completions] == [2] * 8
    assert completions[3].text.endswith("```output\n4\n```\n")


def test_variables_last_from_program_to_program_of_one_trajectory(sandbox: Sandbox) -> None:
    def script(request: Request) -> str:
        return "```python\nprint(x)\n```" if "```output" in request.continues else "```python\nx = 5\nprint(x)\n```"

    outputs = [[p.output for p in c.programs] for c in run_tir(ScriptedSampler(script), sandbox)]
    assert outputs == [["5", "5"]] * 8


def test_an_open_fence_runs_nothing(sandbox: Sandbox) -> None:
    completions = run_tir(ScriptedSampler(lambda request: "```python\nprint(1)"), sandbox)
    assert [(c.finish, c.programs) for c in completions] == [("stop", ())] * 8


def test_a_truncated_call_runs_nothing_and_says_length(sandbox: Sandbox) -> None:
    cut = Generation(
        text="```python\nprint(1)\n```", finish="length", prompt_tokens=1, completion_tokens=9, seconds=0.0
    )
    completions = run_tir(ScriptedSampler(lambda request: cut), sandbox)
    assert [(c.finish, c.programs) for c in completions] == [("length", ())] * 8


@dataclass
class SlowFirst:
    """The first problem's first call ends when the seven others have made both of theirs, or never."""

    sampler: ScriptedSampler
    identity: str = "slow first"
    calls_of_others: int = 0
    waited: bool = False

    async def generate(self, request: Request) -> Generation:
        if number_of(request) > 0:
            self.calls_of_others += 1
        elif "```output" not in request.continues:
            async with asyncio.timeout(120):
                while self.calls_of_others < 14:
                    await asyncio.sleep(0.01)
            self.waited = True
        return await self.sampler.generate(request)


def test_no_trajectory_waits_for_the_slowest(sandbox: Sandbox) -> None:
    slow = SlowFirst(ScriptedSampler(tool_user))
    completions = asyncio.run(evaluate(PROBLEMS, slow, TIR, sandbox))
    assert slow.waited
    assert [c.text.rpartition("The answer is ")[2] for c in completions] == [f"$\\boxed{{{n + 1}}}$." for n in range(8)]


def test_without_a_sandbox_the_tool_integrated_form_is_refused() -> None:
    with pytest.raises(EvaluationError, match="expected a sandbox"):
        asyncio.run(evaluate(PROBLEMS, ScriptedSampler(tool_user), TIR))


def test_a_prompt_that_leaves_no_room_is_a_failure_and_no_empty_answer() -> None:
    def script(request: Request) -> Any:
        full = ContextOverflow("maximum context length", context=512, prompt_tokens=530)
        return "fits" if number_of(request) else full

    cache = GenerationCache()
    completions = asyncio.run(evaluate(PROBLEMS, ScriptedSampler(script), EvaluationSettings(), cache=cache))
    assert [c.finish for c in completions] == ["error"] + ["stop"] * 7
    assert "room for an answer in a context of 512; found 530 tokens. Raise server.max_model_len" in (
        completions[0].error or ""
    )
    longer = ScriptedSampler(lambda request: "fits now")
    assert asyncio.run(evaluate(PROBLEMS, longer, EvaluationSettings(), cache=cache))[0].text == "fits now"
    assert len(longer.requests) == 1  # the failure alone


def test_a_context_that_fills_after_a_program_cuts_the_answer(sandbox: Sandbox) -> None:
    def script(request: Request) -> Any:
        return ContextOverflow("full") if request.continues else tool_user(request)

    completions = run_tir(ScriptedSampler(script), sandbox)
    assert [(c.finish, len(c.programs)) for c in completions] == [("length", 1)] * 8


def test_samples_of_one_problem_have_seeds_of_their_own() -> None:
    sampler = ScriptedSampler(lambda request: str(request.seed))
    settings = EvaluationSettings(samples=4, temperature=1.0, seed=7)
    completions = asyncio.run(evaluate(PROBLEMS[:1], sampler, settings))
    assert len({c.text for c in completions}) == 4
    again = asyncio.run(evaluate(PROBLEMS[:1], ScriptedSampler(lambda request: str(request.seed)), settings))
    assert [c.text for c in again] == [c.text for c in completions]


def test_what_is_cached_is_not_generated_again_and_is_the_same(tmp_path: Path, sandbox: Sandbox) -> None:
    with GenerationCache(tmp_path / "cache") as cache:
        first = run_tir(ScriptedSampler(tool_user), sandbox, cache)
    silent = ScriptedSampler(lambda request: SamplingError("asked again"))
    with GenerationCache(tmp_path / "cache") as cache:
        assert run_tir(silent, sandbox, cache) == first
        assert cache.found == 16
    assert silent.requests == []


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0.5}, {"max_new_tokens": 9}, {"seed": 1}, {"top_p": 0.5}],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_the_text_generates_again(change: dict[str, Any]) -> None:
    cache = GenerationCache()
    for settings in (EvaluationSettings(), EvaluationSettings.model_validate(change)):
        sampler = ScriptedSampler(lambda request: "x")
        asyncio.run(evaluate(PROBLEMS, sampler, settings, cache=cache))
        assert len(sampler.requests) == 8


def test_another_model_generates_again() -> None:
    cache = GenerationCache()
    for identity in ("one", "two"):
        sampler = ScriptedSampler(lambda request: "x", identity=identity)
        asyncio.run(evaluate(PROBLEMS, sampler, EvaluationSettings(), cache=cache))
        assert len(sampler.requests) == 8


def test_failures_are_not_cached() -> None:
    cache = GenerationCache()
    failing = ScriptedSampler(lambda request: SamplingError("down"))
    assert {c.finish for c in asyncio.run(evaluate(PROBLEMS, failing, EvaluationSettings(), cache=cache))} == {"error"}
    well = ScriptedSampler(lambda request: "x")
    assert {c.finish for c in asyncio.run(evaluate(PROBLEMS, well, EvaluationSettings(), cache=cache))} == {"stop"}


def test_a_file_that_is_no_cache_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"something else entirely" * 100)
    with pytest.raises(CacheError, match="Remove the file"):
        GenerationCache(tmp_path / "cache")


def questions(server: Any) -> list[dict[str, Any]]:
    """What a server was asked, but for the small request before the first."""
    return [body for body in server.asked if body["max_tokens"] > SMALLEST_CALL]


SCRIPT = """
import sys
from pathlib import Path
from evaluators.evaluate import EvaluationSettings, write_completions
from evaluators.models.endpoint import EndpointSettings
folder, url = Path(sys.argv[1]), sys.argv[2]
print(write_completions(folder, EvaluationSettings(concurrency=4), model_dir=None,
      server_settings=EndpointSettings(base_url=url, first_delay=0.01),
      tasks=[("t", "cot", folder / "problems.parquet")], cache=folder / "cache"))
"""


def test_an_evaluation_killed_twice_ends_the_same_and_asks_for_nothing_twice(
    tmp_path: Path, fake_endpoint: Any
) -> None:
    problems = [replace(PROBLEMS[0], id=f"t/{n}", question=f"What is {n}+1?") for n in range(120)]

    def answer(body: dict[str, Any], before: int) -> str:
        time.sleep(0.02)
        return f"asked {before + 1} times: {body['prompt'][:20]}"

    server = fake_endpoint(answer)
    write_table(tmp_path / "problems.parquet", [asdict(p) for p in problems], Problem)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), server.base_url]
    for goal in (30, 70):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while len(server.asked) < goal and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "t.cot.parquet").exists()
    subprocess.run(command, check=True, capture_output=True)
    completions = read_table(tmp_path / "t.cot.parquet", Completion)
    assert [c.problem_id for c in completions] == [p.id for p in problems]
    # at most the four calls in flight at each kill were lost, and asked again
    assert 120 <= len(questions(server)) <= 128
    assert sum(c.text.startswith("asked 1 times") for c in completions) >= 109  # three were probed with before


def test_a_stage_with_failures_raises_and_the_next_run_asks_only_for_those(
    tmp_path: Path, fake_endpoint: Any, misbehaviour: Any
) -> None:
    broken = True

    def answer(body: dict[str, Any], before: int) -> Any:
        return misbehaviour("status", (500, "no")) if broken and "What is 3" in body["prompt"] else "\\boxed{1}"

    server = fake_endpoint(answer)
    write_table(tmp_path / "problems.parquet", [asdict(p) for p in PROBLEMS], Problem)
    arguments: dict[str, Any] = {
        "model_dir": None,
        "server_settings": EndpointSettings(base_url=server.base_url, attempts=2, first_delay=0.0),
        "tasks": [("t", "cot", tmp_path / "problems.parquet")],
    }
    with pytest.raises(EvaluationError, match="1 of 8 completions failed"):
        write_completions(tmp_path, EvaluationSettings(), **arguments)
    broken = False
    asked = len(questions(server))
    facts = write_completions(tmp_path, EvaluationSettings(), **arguments)
    assert len(questions(server)) == asked + 1
    assert facts["t.cot"]["completions"] == 8
    assert list(tmp_path.glob("*.tmp*")) == []


def test_changing_the_grader_generates_nothing(tmp_path: Path, fake_endpoint: Any) -> None:
    server = fake_endpoint(lambda *_: "So it is \\boxed{1}.")
    write_table(tmp_path / "problems.parquet", [asdict(p) for p in PROBLEMS], Problem)
    write_completions(
        tmp_path,
        EvaluationSettings(),
        model_dir=None,
        server_settings=EndpointSettings(base_url=server.base_url),
        tasks=[("t", "cot", tmp_path / "problems.parquet")],
    )
    asked = len(server.asked)
    for profiles in (("strict",), ("deepseek", "strict", "reward")):
        settings = EvaluationSettings.model_validate({"profiles": profiles})
        facts = write_grades(
            tmp_path, settings, completions=tmp_path / "t.cot.parquet", problems=tmp_path / "problems.parquet"
        )
        assert facts["correct"] == dict.fromkeys(profiles, 1)
        assert len(read_table(tmp_path / "grades.parquet", Grade)) == 8 * len(profiles)
    assert len(server.asked) == asked


def test_a_chat_endpoint_is_sent_messages_without_a_template(
    tmp_path: Path, fake_endpoint: Any, misbehaviour: Any
) -> None:
    said = {"choices": [{"message": {"content": "\\boxed{1}"}, "finish_reason": "stop"}]}
    server = fake_endpoint(lambda *_: misbehaviour("body", said))
    write_table(tmp_path / "problems.parquet", [asdict(PROBLEMS[0])], Problem)
    write_completions(
        tmp_path,
        EvaluationSettings(prompt="chat"),
        model_dir=None,
        server_settings=EndpointSettings(base_url=server.base_url, kind="chat"),
        tasks=[("t", "cot", tmp_path / "problems.parquet")],
    )
    (message,) = server.asked[0]["messages"]
    assert message["content"].startswith("What is 0+1?\nPlease reason step by step")

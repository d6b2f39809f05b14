"""What is kept, what is not and why: with a scripted executor, and once with the sandbox itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from evaluators import templated
from evaluators.records import Problem
from evaluators.sandbox import Sandbox, SandboxSettings
from evaluators.sandbox.records import ExecutorFault, Result, Status
from pipelines.mixtures.verification import Solution, Verdict, VerificationError, VerificationSettings, verified

PROGRAM = "```python\nprint(6 * 7)\n```"


def solution(response: str, form: str = "tir", reference: str = "42") -> Solution:
    problem = Problem(id="p", benchmark="b", question="6 times 7?", reference=reference)
    return Solution(problem=problem, form=form, response=response)  # type: ignore[arg-type]  # literals below


def result(stdout: str = "", *, status: Status = "ok", state_lost: bool = False, error: str = "") -> Result:
    return Result(
        status=status, state_lost=state_lost, output=stdout, stdout=stdout, value=None, error=error, seconds=0.1,
        cpu_seconds=0.1, tier="strict",
    )  # fmt: skip


@dataclass
class Scripted:
    """An executor that answers each program by a function; `ExecutorFault`s are raised."""

    answer: Callable[[str, int], Result | Exception]
    runs: list[str] = field(default_factory=list)
    open_sessions: int = 0
    most_sessions: int = 0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Scripted]:
        self.open_sessions += 1
        self.most_sessions = max(self.most_sessions, self.open_sessions)
        try:
            yield self
        finally:
            self.open_sessions -= 1

    async def run(self, code: str) -> Result:
        self.runs.append(code)
        await asyncio.sleep(0)
        answer = self.answer(code, len(self.runs))
        if isinstance(answer, Exception):
            raise answer
        return answer


def judge(
    *solutions: Solution, answer: Callable[[str, int], Result | Exception] | None = None, **settings: object
) -> list[Verdict]:
    executor = Scripted(answer or (lambda code, run: result("42\n")))
    return asyncio.run(verified(solutions, VerificationSettings(**settings), executor=executor))  # type: ignore[arg-type]


def test_a_chain_of_thought_is_kept_for_its_answer() -> None:
    right, wrong = solution("It is $\\boxed{42}$.", "cot"), solution("It is $\\boxed{41}$.", "cot")
    verdicts = judge(right, wrong, solution("", "cot"))
    assert [(one.kept, one.verified) for one in verdicts] == [(True, True), (False, False), (False, False)]
    assert verdicts[1].reason == "wrong_answer"
    assert verdicts[2].reason == "no_answer"


def test_a_program_is_kept_for_what_it_prints() -> None:
    assert judge(solution(PROGRAM, "pot"))[0] == Verdict(kept=True, reason="right", verified=True)
    assert judge(solution(PROGRAM, "pot", reference="41"))[0].reason == "wrong_answer"
    silent = judge(solution(PROGRAM, "pot"), answer=lambda code, run: result(""))[0]
    assert (silent.kept, silent.reason) == (False, "no_answer")


def test_a_program_without_a_reference_must_run_but_is_not_called_verified() -> None:
    assert judge(solution(PROGRAM, "pot", reference=""))[0] == Verdict(kept=True, reason="ran", verified=False)


def test_a_trajectory_needs_its_recorded_output_and_its_answer() -> None:
    text = PROGRAM + "\n```output\n{}\n```\nThe answer is $\\boxed{{{}}}$."
    verdicts = judge(solution(text.format(42, 42)), solution(text.format(43, 42)), solution(text.format(42, 43)))
    assert [one.reason for one in verdicts] == ["right", "output_differs", "wrong_answer"]
    assert "recorded '43', printed '42'" in verdicts[1].detail


def test_a_trajectory_may_correct_an_error_if_it_recorded_it() -> None:
    failing = "```python\nprnt(1)\n```\n```output\nNameError: name 'prnt' is not defined\n```\nA typo.\n"
    text = failing + PROGRAM + "\n```output\n42\n```\n$\\boxed{42}$"

    def answer(code: str, run: int) -> Result:
        trace = "Traceback (most recent call last):\nNameError: name 'prnt' is not defined"
        return result("42\n") if "print" in code else result(status="error", error=trace)

    assert judge(solution(text), answer=answer)[0].kept
    ends_in_error = judge(solution(failing + "$\\boxed{42}$"), answer=answer)[0]
    assert (ends_in_error.kept, ends_in_error.reason) == (False, "program_error")


def test_nothing_runs_after_a_session_has_ended() -> None:
    executor = Scripted(lambda code, run: result(status="timeout", state_lost=True))
    text = PROGRAM + "\n```output\n42\n```\n" + PROGRAM + "\n```output\n42\n```\n$\\boxed{42}$"
    verdicts = asyncio.run(verified([solution(text)], VerificationSettings(), executor=executor))
    assert verdicts[0].reason == "program_timeout"
    assert len(executor.runs) == 1


def test_a_trajectory_without_a_program_is_not_one() -> None:
    assert judge(solution("It is $\\boxed{42}$."))[0].reason == "no_program"


def test_an_executor_fault_is_tried_again_and_never_a_wrong_answer() -> None:
    def flaky(code: str, run: int) -> Result | Exception:
        return ExecutorFault("gone") if run < 3 else result("42\n")

    assert judge(solution(PROGRAM, "pot"), answer=flaky)[0].verified
    lost = judge(solution(PROGRAM, "pot"), answer=lambda code, run: ExecutorFault("gone"), tolerated_fault_share=1.0)[0]
    assert (lost.kept, lost.reason, lost.detail) == (False, "executor_fault", "gone")


def test_many_executor_faults_stop_the_stage_instead_of_losing_its_examples() -> None:
    with pytest.raises(VerificationError, match="the executor failed on 2 of 2 solutions, 3 times each"):
        judge(solution(PROGRAM, "pot"), solution(PROGRAM, "pot"), answer=lambda code, run: ExecutorFault("gone"))


def test_hundreds_run_at_once_and_come_back_in_order() -> None:
    wanted = [solution(f"```python\nprint({n})\n```", "pot", reference=str(n)) for n in range(300)]
    executor = Scripted(lambda code, run: result(code.removeprefix("print(").removesuffix(")")))
    verdicts = asyncio.run(verified(wanted, VerificationSettings(concurrency=200), executor=executor))
    assert all(verdict.verified for verdict in verdicts)
    assert 100 < executor.most_sessions <= 200
    assert executor.open_sessions == 0


def test_taken_unseen_nothing_runs_and_nothing_is_verified() -> None:
    executor = Scripted(lambda code, run: result("0"))
    settings = VerificationSettings(execute=False)
    assert asyncio.run(verified([solution(PROGRAM, "pot")], settings, executor=executor)) == [
        Verdict(kept=True, reason="unverified")
    ]
    assert executor.runs == []


def test_every_template_passes_in_the_real_sandbox() -> None:
    made = templated.generate(len(templated.template_names()), split="train", seed=4)
    made += templated.generate(len(templated.template_names()), split="train", seed=4, language="zh")
    solutions = [
        Solution(problem=one.problem, form=form, response=getattr(one, form))  # type: ignore[arg-type]
        for one in made
        for form in ("cot", "pot", "tir")
    ]

    async def run() -> list[Verdict]:
        async with Sandbox(SandboxSettings()) as sandbox:
            return await verified(solutions, VerificationSettings(), executor=sandbox)

    verdicts = asyncio.run(run())
    assert [(s.id, v.reason, v.detail) for s, v in zip(solutions, verdicts, strict=True) if not v.verified] == []

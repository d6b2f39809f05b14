"""What is kept, what is not and why: with a scripted executor, and once with the sandbox itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from pydantic import ValidationError

from evaluators import templated
from evaluators.records import Problem
from evaluators.sandbox import Sandbox, SandboxSettings
from evaluators.sandbox.records import ExecutorFault, Result, Status
from pipelines.mixtures.verification import Solution, Verdict, VerificationError, VerificationSettings, verified

PROGRAM = "```python\nprint(6 * 7)\n```"
STALE = "```python\nprint(6 * 7)\n```\n```output\n{}\n```\n"


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
    most_at_once: int = 0
    running: int = 0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Scripted]:
        self.open_sessions += 1
        try:
            yield self
        finally:
            self.open_sessions -= 1

    async def run(self, code: str) -> Result:
        self.runs.append(code)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        answer = self.answer(code, len(self.runs))
        if isinstance(answer, Exception):
            raise answer
        return answer


def judge(
    *solutions: Solution, answer: Callable[[str, int], Result | Exception] | None = None, **settings: object
) -> list[Verdict]:
    executor = Scripted(answer or (lambda code, run: result("42\n")))
    return asyncio.run(verified(solutions, VerificationSettings(**settings), executor=executor))  # type: ignore[arg-type]


def test_an_error_in_one_of_many_workers_says_what_it_was() -> None:
    with pytest.raises(MemoryError, match="no room for a program"):
        judge(*[solution(PROGRAM)] * 5, answer=lambda code, run: MemoryError("no room for a program"))


def test_a_chain_of_thought_is_kept_for_its_answer() -> None:
    right, wrong = solution("It is $\\boxed{42}$.", "cot"), solution("It is $\\boxed{41}$.", "cot")
    verdicts = judge(right, wrong, solution("It may be 41 or 42, who knows.", "cot"))
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


def test_a_stale_output_is_replaced_by_what_the_program_prints_where_the_recipe_says_so() -> None:
    stale = solution("First.\n" + STALE.format("NameError: x") + "So it is $\\boxed{42}$.")
    assert judge(stale)[0].reason == "output_differs"
    found = judge(stale, repair=True)[0]
    assert (found.kept, found.reason, found.verified) == (True, "repaired", True)
    assert found.repaired == "First.\n" + STALE.format("42") + "So it is $\\boxed{42}$."
    assert found.detail == "recorded 'NameError: x', printed '42'"


def test_an_output_that_was_not_recorded_is_added_by_a_repair() -> None:
    found = judge(solution(PROGRAM + "\nIt is $\\boxed{42}$."), repair=True)[0]
    assert found.repaired == STALE.format("42") + "It is $\\boxed{42}$."


def test_a_repair_never_leaves_a_text_that_quotes_what_is_gone() -> None:
    quoting = solution(STALE.format("43") + "The program gives 43, so 43 - 1 is $\\boxed{42}$.")
    found = judge(quoting, repair=True)[0]
    assert (found.kept, found.reason) == (False, "output_differs")
    assert found.detail.endswith("the text after it quotes 43")
    twice = solution(STALE.format("43") + STALE.format("43") + "It is $\\boxed{42}$.")
    assert judge(twice, repair=True)[0].repaired == STALE.format("42") * 2 + "It is $\\boxed{42}$."


def test_a_repair_does_not_make_a_wrong_answer_right() -> None:
    found = judge(solution(STALE.format("?") + "It is $\\boxed{41}$."), repair=True)[0]
    assert (found.kept, found.reason, found.repaired) == (False, "wrong_answer", None)


def test_what_printed_output_says_is_kept_as_it_is_where_it_was_right() -> None:
    found = judge(solution(STALE.format("42") + "It is $\\boxed{42}$."), repair=True)[0]
    assert (found.reason, found.repaired) == ("right", None)


def test_a_flawed_solution_goes_before_anything_runs() -> None:
    executor = Scripted(lambda code, run: result("42\n"))
    refused = solution("I'm sorry, but I cannot help. " + PROGRAM + "\n```output\n42\n```\n$\\boxed{42}$")
    (found,) = asyncio.run(verified([refused], VerificationSettings(), executor=executor))
    assert (found.kept, found.reason, executor.runs) == (False, "refusal", [])


def test_a_recipe_keeps_a_flaw_that_it_names_and_the_verdict_says_so() -> None:
    tagged = solution("<p>It is $\\boxed{42}$.</p>", "cot")
    assert judge(tagged)[0].reason == "markup"
    assert judge(tagged, flaws={"markup": "keep"})[0] == Verdict(
        kept=True, reason="right", verified=True, flaws=("markup",)
    )
    assert judge(tagged, flaws={"advert": "keep"})[0].reason == "markup"
    assert judge(tagged, flaws={"markup": "keep"}, execute=False)[0].flaws == ("markup",)


def test_a_flaw_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="Input should be 'empty', 'broken_text'"):
        VerificationSettings.model_validate({"flaws": {"htlm": "keep"}})


def test_hundreds_run_at_once_and_come_back_in_order() -> None:
    wanted = [solution(f"```python\nprint({n} + 0)\n```", "pot", reference=str(n)) for n in range(300)]
    executor = Scripted(lambda code, run: result(code.removeprefix("print(").removesuffix(" + 0)")))
    verdicts = asyncio.run(verified(wanted, VerificationSettings(concurrency=200), executor=executor))
    assert all(verdict.verified for verdict in verdicts)
    assert 100 < executor.most_at_once <= 200
    assert executor.running == 0


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

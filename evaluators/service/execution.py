"""Programs for the judge: one, a session's block, or all of a trajectory, run in one sandbox and shown by a protocol."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from dataclasses import dataclass

from evaluators.answers import Verdict, check, check_output
from evaluators.sandbox import PROTOCOLS, Protocol, Result, Sandbox, Session
from evaluators.service.records import (
    Code,
    CodeWithReference,
    ExecutedAnswer,
    ProgramRun,
    ReplayedProgram,
    SessionStart,
    Trajectory,
    TrajectoryVerdict,
)

MOST_PROGRAMS = 64
"""Programs of one trajectory that are run: the published harnesses allow four calls, agents a few dozen."""
_FENCE = re.compile(r"^(?:[ \t]*|.*[^\s`][ \t]*(?=```python[ \t]*$))```[ \t]*(\w*)[^\n`]*$", re.MULTILINE)
_RECORDED = re.compile(r"\s*?\n[ \t]*```output[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program in a trajectory, and the output written after it."""

    code: str
    recorded: str | None
    last: bool
    """Whether the text ends with it, so that its output is still to be appended."""


def shown_run(result: Result, protocol: Protocol) -> ProgramRun:
    return ProgramRun(result=result, shown=protocol.output(result), block=protocol.render(result))


async def run_program(sandbox: Sandbox, asked: Code | CodeWithReference) -> ProgramRun:
    """Run a program in a fresh session. Raises ExecutorFault, and ValueError for limits that are not allowed."""
    limits = asked.limits.within(sandbox.settings)
    return shown_run(await sandbox.run(asked.code, limits=limits), PROTOCOLS[asked.protocol])


class OpenSession:
    """A session that a caller holds: its protocol, and what is to be closed at its end."""

    def __init__(self, session: Session, protocol: Protocol, stack: AsyncExitStack) -> None:
        self._session = session
        self._stack = stack
        self.protocol = protocol

    @classmethod
    async def open(cls, sandbox: Sandbox, asked: SessionStart) -> OpenSession:
        limits = asked.limits.within(sandbox.settings)
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(sandbox.session(limits))
            return cls(session, PROTOCOLS[asked.protocol], stack.pop_all())
        raise AssertionError("unreachable: the stack swallows no error")

    async def run(self, code: str | None, text: str | None) -> ProgramRun:
        """Run a block, or the program at the end of a model's text. Raises ValueError where there is none."""
        if (code is None) == (text is None):
            raise ValueError("expected either `code` or `text`; found " + ("neither" if code is None else "both"))
        program = code if text is None else self.protocol.program(text)
        if program is None:
            raise ValueError("text: expected a closed program block at its end; found none. Nothing is to be run.")
        return shown_run(await self._session.run(program), self.protocol)

    async def close(self) -> None:
        await self._stack.aclose()


async def replay(sandbox: Sandbox, asked: Trajectory) -> tuple[str, tuple[ReplayedProgram, ...]]:
    """Run the programs of a trajectory in one session: its text, completed, and what each program gave."""
    protocol, limits = PROTOCOLS[asked.protocol], asked.limits.within(sandbox.settings)
    programs = programs_of(asked.text, protocol)
    if not programs:
        return asked.text, ()
    text, replayed = asked.text, []
    async with sandbox.session(limits) as session:
        for program in programs:
            run = shown_run(await session.run(program.code), protocol)
            recorded = program.recorded
            if program.last:
                text = text.rstrip() + run.block
            replayed.append(
                ReplayedProgram(
                    code=program.code,
                    status=run.result.status,
                    output=run.shown,
                    recorded=recorded,
                    reproduced=None if recorded is None else recorded.strip() == run.shown.strip(),
                )
            )
    return text, tuple(replayed)


def programs_of(text: str, protocol: Protocol) -> list[Program]:
    """The programs of a trajectory, in order, as the protocol finds them; at most MOST_PROGRAMS."""
    found: list[Program] = []
    opening: str | None = None
    end = len(text.rstrip())
    for fence in _FENCE.finditer(text):
        if opening is None or fence[1]:
            opening = fence[1]
            continue
        language, opening = opening, None
        if language == "output":
            continue
        code = protocol.program(text[: fence.end()])
        if code is None:
            continue
        after = _RECORDED.match(text, fence.end())
        found.append(Program(code=code, recorded=after and after[1], last=fence.end() >= end))
        if len(found) == MOST_PROGRAMS:
            break
    return found


def judge_replayed(asked: Trajectory, text: str, programs: tuple[ReplayedProgram, ...]) -> TrajectoryVerdict:
    """The verdict on a trajectory whose programs were run."""
    output = programs[-1].output if programs else None
    verdict = check_output(asked.reference, text, profile=asked.profile, problem=asked.problem, program_output=output)
    alone = None if output is None else _judge_last_line(output, asked)
    return TrajectoryVerdict(verdict=verdict, program_verdict=alone, programs=programs, text=text)


def judge_run(asked: CodeWithReference, run: ProgramRun) -> ExecutedAnswer:
    """The verdict on what a program answered: its last value, or the last line that it printed."""
    result = run.result
    if result.status != "ok":
        last = (result.error.strip().splitlines() or [""])[-1]
        reason = f"the program ended with status {result.status}: {last[:200]}"
        return ExecutedAnswer(run=run, verdict=Verdict(verdict="no_answer", reason=reason, stage="execution"))
    answer = result.value if result.value is not None else result.stdout
    return ExecutedAnswer(run=run, verdict=_judge_last_line(answer, asked))


def _judge_last_line(output: str, asked: Trajectory | CodeWithReference) -> Verdict:
    lines = output.strip().splitlines()
    if not lines:
        return Verdict(verdict="no_answer", reason="the program printed nothing", stage="execution")
    return check(asked.reference, lines[-1].strip(), profile=asked.profile, problem=asked.problem)

"""What adapters ask: `Judge`, and `LocalJudge`, which answers in this process. `Client` is the same with a server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, Self, TypeVar

from pydantic import ValidationError

from evaluators.answers import Verdict, check, check_output
from evaluators.sandbox import Sandbox, SandboxError, SandboxSettings
from evaluators.sandbox.records import ProtocolName
from evaluators.service.errors import BadRequest, NotFound, WorkerLost
from evaluators.service.execution import OpenSession, judge_replayed, judge_run, replay, run_program
from evaluators.service.records import (
    Code,
    CodeWithReference,
    ExecutedAnswer,
    Limits,
    Output,
    Pair,
    ProfileName,
    ProgramRun,
    SessionStart,
    Trajectory,
    TrajectoryVerdict,
)

T = TypeVar("T")


class JudgeSession(Protocol):
    """An open session: variables last from block to block."""

    def run(self, code: str | None = None, *, text: str | None = None) -> ProgramRun: ...


class Judge(Protocol):
    """The calls of the service. Each raises ServiceError; a wrong answer is a verdict, never an exception."""

    def check(
        self, reference: str, prediction: str, *, profile: ProfileName = "strict", problem: str | None = None
    ) -> Verdict: ...

    def check_many(self, pairs: Sequence[Pair]) -> list[Verdict]: ...

    def judge_outputs(self, outputs: Sequence[Output]) -> list[Verdict]: ...

    def run(self, code: str, *, protocol: ProtocolName = "notebook", limits: Limits | None = None) -> ProgramRun: ...

    def run_many(self, programs: Sequence[Code]) -> list[ProgramRun]: ...

    def judge_trajectories(self, trajectories: Sequence[Trajectory]) -> list[TrajectoryVerdict]: ...

    def execute_and_check(self, asked: CodeWithReference) -> ExecutedAnswer: ...


def judge_pair(asked: Pair) -> Verdict:
    return check(asked.reference, asked.prediction, profile=asked.profile, problem=asked.problem)


def judge_output(asked: Output) -> Verdict:
    return check_output(
        asked.reference,
        asked.output,
        profile=asked.profile,
        problem=asked.problem,
        program_output=asked.program_output,
    )


class LocalJudge:
    """The judge without a server: checks on the calling thread, programs in a sandbox that opens at first use.

    Made for scripts and tests of a few thousand calls. Thread-safe; a forked child needs one of its own.
    """

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self._settings = settings or SandboxSettings()
        self._opening = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._sandbox: Sandbox | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox, if one was opened."""
        with self._opening:
            loop, thread, sandbox = self._loop, self._thread, self._sandbox
            self._loop = self._thread = self._sandbox = None
        if sandbox is not None:
            sandbox.close()
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def check(
        self, reference: str, prediction: str, *, profile: ProfileName = "strict", problem: str | None = None
    ) -> Verdict:
        return check(reference, prediction, profile=profile, problem=problem)

    def check_many(self, pairs: Sequence[Pair]) -> list[Verdict]:
        return [judge_pair(pair) for pair in pairs]

    def judge_outputs(self, outputs: Sequence[Output]) -> list[Verdict]:
        return [judge_output(output) for output in outputs]

    def run(self, code: str, *, protocol: ProtocolName = "notebook", limits: Limits | None = None) -> ProgramRun:
        return self.run_many([Code(code=code, protocol=protocol, limits=limits or Limits())])[0]

    def run_many(self, programs: Sequence[Code]) -> list[ProgramRun]:
        async def all_of_them(sandbox: Sandbox) -> list[ProgramRun]:
            return await asyncio.gather(*[run_program(sandbox, program) for program in programs])

        return self._await(all_of_them(self._opened()))

    @contextmanager
    def session(self, *, protocol: ProtocolName = "notebook", limits: Limits | None = None) -> Iterator[LocalSession]:
        """A session; it ends with the block."""
        asked = SessionStart(protocol=protocol, limits=limits or Limits())
        opened = self._await(OpenSession.open(self._opened(), asked))
        try:
            yield LocalSession(self, opened)
        finally:
            self._await(opened.close())

    def judge_trajectories(self, trajectories: Sequence[Trajectory]) -> list[TrajectoryVerdict]:
        async def all_of_them(sandbox: Sandbox) -> list[Any]:
            return await asyncio.gather(*[replay(sandbox, asked) for asked in trajectories])

        replayed = self._await(all_of_them(self._opened()))
        return [judge_replayed(asked, *told) for asked, told in zip(trajectories, replayed, strict=True)]

    def execute_and_check(self, asked: CodeWithReference) -> ExecutedAnswer:
        return judge_run(asked, self._await(run_program(self._opened(), asked)))

    def _opened(self) -> Sandbox:
        with self._opening:
            if self._sandbox is None:
                try:
                    self._sandbox = Sandbox(self._settings).__enter__()
                except SandboxError as error:
                    raise WorkerLost(str(error)) from error
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="judge", daemon=True)
                self._thread.start()
            return self._sandbox

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        loop = self._loop
        if loop is None:
            work.close()
            raise NotFound("this judge is closed")
        try:
            return asyncio.run_coroutine_threadsafe(work, loop).result()
        except (ValidationError, ValueError) as error:
            raise BadRequest(str(error)) from error
        except SandboxError as error:
            raise WorkerLost(str(error)) from error


class LocalSession:
    """A session in this process's sandbox."""

    def __init__(self, judge: LocalJudge, opened: OpenSession) -> None:
        self._judge = judge
        self._opened = opened

    def run(self, code: str | None = None, *, text: str | None = None) -> ProgramRun:
        return self._judge._await(self._opened.run(code, text))

"""An OpenEnv environment: a templated problem, programs that run in the sandbox, and a final answer that is judged.

    uvicorn --factory evaluators.adapters.openenv:app --host 127.0.0.1

An episode: `reset` gives the problem; a `step` whose message ends with a ```python block runs it and shows its output;
one without a program is the answer, and ends the episode with its reward.
"""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from typing import Any

from openenv.core.env_server import create_fastapi_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, Observation, State
from pydantic import Field

from evaluators.adapters._judging import judge_from_environment
from evaluators.records import Problem
from evaluators.sandbox import PROTOCOLS
from evaluators.service import Client, LocalJudge, Output

PROBLEMS = 1000  # ours: made in some 50 ms; `reset(seed)` takes that one of them
MAX_PROGRAMS = 4  # as ToRA's harness: evaluators.sandbox.protocols


class MathAction(Action):
    """What the model says next."""

    message: str


class MathObservation(Observation):
    """The problem at first, then what a program gave."""

    problem: str = ""
    output: str = ""
    verdict: str | None = Field(default=None, description="the checker's verdict, once the episode is done")


class MathEnvironment(Environment[MathAction, MathObservation, State]):
    """One episode at a time; every session of a server has an environment of its own."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, judge: Client | LocalJudge | None = None) -> None:
        super().__init__()
        self._judge = judge or judge_from_environment()
        self._protocol = PROTOCOLS["tora"]
        self._problem: Problem | None = None
        self._open = ExitStack()
        self._session: Any = None
        self._text = ""
        self._state = State(episode_id=None, step_count=0)

    def reset(self, seed: int | None = None, episode_id: str | None = None, **_: Any) -> MathObservation:
        from evaluators.templated import generate

        self._end()
        self._problem = generate(PROBLEMS, split="train")[(seed or 0) % PROBLEMS].problem
        self._text = ""
        self._state = State(episode_id=episode_id or uuid.uuid4().hex, step_count=0)
        return MathObservation(problem=self._problem.question)

    def step(self, action: MathAction, timeout_s: float | None = None, **_: Any) -> MathObservation:
        if self._problem is None:
            raise ValueError("step: expected an episode that was begun; found none. Call reset first.")
        self._state.step_count += 1
        self._text += action.message
        if self._protocol.program(self._text) is not None and self._state.step_count <= MAX_PROGRAMS:
            if self._session is None:
                self._session = self._open.enter_context(self._judge.session(protocol="tora"))
            run = self._session.run(text=self._text)
            self._text += run.block
            return MathObservation(problem=self._problem.question, output=run.shown)
        return self._judged(self._problem)

    @property
    def state(self) -> State:
        return self._state

    def close(self) -> None:
        self._end()

    def _judged(self, problem: Problem) -> MathObservation:
        asked = Output(reference=problem.reference, output=self._text, problem=problem.question, profile="reward")
        verdict = self._judge.judge_outputs([asked])[0]
        self._end()
        return MathObservation(
            problem=problem.question, done=True, reward=float(verdict.correct), verdict=verdict.verdict
        )

    def _end(self) -> None:
        self._open.close()
        self._open, self._session, self._problem = ExitStack(), None, None


def app() -> Any:
    """The FastAPI application that OpenEnv's clients talk to."""
    return create_fastapi_app(MathEnvironment, MathAction, MathObservation, max_concurrent_envs=64)

"""One trajectory: generate, run the program it ends with, put the output back, go on, until there is nothing to run."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from pydantic import Field

from evaluators.errors import MathsieveError
from evaluators.models.cache import GenerationCache, completion_key, request_key
from evaluators.models.prompting import Prompt, Style
from evaluators.models.sampling import ContextOverflow, Generation, Request, Sampler, SamplingError
from evaluators.records import Completion, Form, Problem, Program, Settings
from evaluators.sandbox.records import ExecutorFault, SandboxSettings
from evaluators.stages.fields import HowItRuns

if TYPE_CHECKING:
    from evaluators.sandbox import Sandbox, Session
    from evaluators.sandbox.protocols import Protocol

SMALLEST_CALL = 16  # tokens; a context with less room than this is full


class EvaluationError(MathsieveError):
    """The evaluation cannot be finished as it stands; the message names the remedy."""


class EvaluationSettings(Settings):
    """How problems are put to a model, and how its answers are judged."""

    form: Form = "cot"
    prompt: Style = "deepseek"
    profiles: tuple[Literal["deepseek", "strict", "reward"], ...] = ("deepseek", "strict")
    """The published grader, for comparison with the paper's rows, and the right one beside it."""
    samples: int = Field(default=1, ge=1)
    temperature: float = Field(default=0.0, ge=0)  # §4: greedy
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_new_tokens: int = Field(default=1024, gt=0)  # §4: at most 1,024 new tokens a call
    max_calls: int = Field(default=2, ge=1)
    """Generation calls of a tool-integrated answer: 2 in DeepSeekMath's harness, 4 in ToRA's."""
    sandbox: SandboxSettings = SandboxSettings(protocol="deepseekmath")
    """Limits of the programs that the model writes, and how their results are shown to it."""
    seed: int = 0
    concurrency: HowItRuns[int] = Field(default=256, ge=1)  # ours: as many as vLLM decodes at once by default
    tolerated_error_share: float = Field(default=0.0, ge=0, le=1)
    """Share of completions that the endpoint may fail to give before the stage raises instead of scoring them wrong."""
    give_up_after: HowItRuns[int] = Field(default=64, ge=1)  # ours: by then it is the endpoint, not a request
    """Trajectories that fail in a row, none finishing between them, before the evaluation stops."""

    def without_judging(self) -> EvaluationSettings:
        """These settings with the default profiles: how answers are judged changes none of them."""
        return self.model_copy(update={"profiles": type(self).model_fields["profiles"].default})

    def conditions(self, sandbox: Sandbox | None = None) -> dict[str, Any]:
        """What decides how a trajectory goes on after its first call; part of its key in the cache.

        The tier is the one that this machine has, not the one asked for: programs may end otherwise in another.
        """
        if self.form == "cot":
            return {"form": "cot"}
        unseen = {"tier", "concurrency", "sessions", "ahead", "recycle_sessions", "retries"}  # by the program
        limits = self.sandbox.model_dump(mode="json", exclude=unseen)
        here = sandbox.conditions() if sandbox is not None else {}
        return {"form": "tir", "max_calls": self.max_calls, "sandbox": {**limits, **here}}


def completions_file(name: str, form: Form) -> str:
    """The file in an artifact of completions that holds one benchmark in one form."""
    return f"{name}.{form}.parquet"


@dataclass(slots=True)
class _Trajectory:
    """What one trajectory has come to so far."""

    text: str = ""
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    programs: list[Program] = field(default_factory=list)

    def add(self, generation: Generation) -> None:
        self.text += generation.text
        self.calls += 1
        self.prompt_tokens += generation.prompt_tokens
        self.completion_tokens += generation.completion_tokens
        self.seconds += generation.seconds


Finish = Literal["stop", "length", "calls", "error"]


class Trajectories:
    """What the trajectories of one evaluation share: sampler, sandbox, cache, protocol."""

    def __init__(
        self, sampler: Sampler, settings: EvaluationSettings, sandbox: Sandbox | None, cache: GenerationCache
    ) -> None:
        self._sampler = sampler
        self._settings = settings
        self._sandbox = sandbox
        self._cache = cache
        self._failures_in_a_row = 0
        self._protocol: Protocol | None = None
        self._conditions: str | None = None
        if settings.form == "tir":
            self._conditions = sandbox.conditions_line() if sandbox is not None else None
            from evaluators.sandbox.protocols import PROTOCOLS

            self._protocol = PROTOCOLS[settings.sandbox.protocol]

    async def complete(self, problem: Problem, sample: int, prompt: Prompt) -> Completion:
        """The one Completion of (problem, sample). Raises EvaluationError where the endpoint is plainly gone."""
        first = request_key(self._sampler.identity, self._request(prompt, "", sample, 0), sample, 0)
        key = completion_key(first, self._settings.conditions(self._sandbox))
        known = self._cache.completion(key, problem.id)
        if known is not None:
            return known
        trajectory = _Trajectory()
        finish: Finish
        try:
            finish, error = await self._advance(trajectory, prompt, sample), None
            self._failures_in_a_row = 0
        except (SamplingError, ExecutorFault) as failure:
            if isinstance(failure, SamplingError) and failure.final:
                raise
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= self._settings.give_up_after:
                self._give_up(failure)
            finish, error = "error", str(failure)
        completion = Completion(
            problem_id=problem.id,
            sample=sample,
            form=self._settings.form,
            text=trajectory.text,
            finish=finish,
            programs=tuple(trajectory.programs),
            prompt_tokens=trajectory.prompt_tokens,
            completion_tokens=trajectory.completion_tokens,
            seconds=trajectory.seconds,
            error=error,
            conditions=self._conditions,
        )
        if finish != "error":  # a failure is tried again by the next run
            self._cache.keep_completion(key, completion, trajectory.calls)
        return completion

    async def _advance(self, trajectory: _Trajectory, prompt: Prompt, sample: int) -> Finish:
        if self._protocol is None:
            return await self._call(trajectory, prompt, sample)
        assert self._sandbox is not None  # evaluate() refuses the form without one
        session: Session | None = None
        async with AsyncExitStack() as stack:
            for _ in range(self._settings.max_calls):
                finish = await self._call(trajectory, prompt, sample)
                code = self._protocol.program(trajectory.text) if finish == "stop" else None
                if code is None:
                    return finish
                if session is None:  # not before: hundreds of trajectories only generate
                    session = await stack.enter_async_context(self._sandbox.session())
                await self._run(trajectory, session, code)
        return "calls"

    async def _run(self, trajectory: _Trajectory, session: Session, code: str) -> None:
        assert self._protocol is not None
        result = await session.run(code)
        trajectory.text += self._protocol.render(result)
        output = self._protocol.output(result)
        trajectory.programs.append(
            Program(
                code=code,
                status=result.status,
                output=output,
                seconds=result.seconds,
                tier=result.tier,
                interpreter=result.interpreter,
            )
        )

    async def _call(self, trajectory: _Trajectory, prompt: Prompt, sample: int) -> Finish:
        """One generation call, from the cache or the sampler; less is asked for where the context has less room."""
        request = self._request(prompt, trajectory.text, sample, trajectory.calls)
        key = request_key(self._sampler.identity, request, sample, trajectory.calls)
        generation = self._cache.generation(key)
        while generation is None:
            try:
                generation = await self._sampler.generate(request)
            except ContextOverflow:
                if request.max_tokens // 2 < SMALLEST_CALL:
                    trajectory.calls += 1
                    return "length"
                request = replace(request, max_tokens=request.max_tokens // 2)
                continue
            self._cache.keep_generation(key, generation)
        trajectory.add(generation)
        return generation.finish

    def _request(self, prompt: Prompt, written: str, sample: int, call: int) -> Request:
        stop = prompt.stop if self._protocol is None else (*prompt.stop, *self._protocol.stop)
        return Request(
            prompt=prompt.text,
            continues=written,
            max_tokens=self._settings.max_new_tokens,
            temperature=self._settings.temperature,
            top_p=self._settings.top_p,
            seed=self._settings.seed + 1000 * sample + call,  # a stream of its own for each sample and call
            stop=stop,
            special_tokens=prompt.special_tokens,
        )

    def _give_up(self, failure: Exception) -> NoReturn:
        raise EvaluationError(
            f"{self._failures_in_a_row} completions in a row failed and none succeeded between them; the last: {failure}. "
            "Is the endpoint up? What was generated is kept: the same command goes on from there."
        ) from failure


def open_sandbox(settings: EvaluationSettings) -> Sandbox:
    """The sandbox under an evaluation's limits, not yet started."""
    from evaluators.sandbox import Sandbox

    return Sandbox(settings.sandbox)

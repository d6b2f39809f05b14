"""One trajectory: generate, run the program it ends with, put the output back, go on, until there is nothing to run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NoReturn

from evaluators.errors import MathsieveError
from evaluators.models.cache import CompletionKeys, GenerationCache, request_key
from evaluators.models.prompting import Prompt
from evaluators.models.sampling import (
    ContextOverflow,
    Generation,
    GroupSampler,
    Request,
    Sampler,
    SamplingError,
    Turn,
)
from evaluators.models.settings import EvaluationSettings
from evaluators.models.thinking import opens_thinking, split_thinking
from evaluators.models.tool_calls import code_of, no_such_tool, with_program
from evaluators.records import Completion, Finish, Form, Problem, Program
from evaluators.sandbox.records import ExecutorFault

if TYPE_CHECKING:
    from evaluators.sandbox import Sandbox, Session
    from evaluators.sandbox.protocols import Protocol

CALL_SEEDS = 1_000_003
"""Between the seeds of two calls; those of samples follow one another, as a server that draws several counts them."""


class EvaluationError(MathsieveError):
    """The evaluation cannot be finished as it stands; the message names the remedy."""


def completions_file(name: str, form: Form) -> str:
    """The file in an artifact of completions that holds one benchmark in one form."""
    return f"{name}.{form}.parquet"


@dataclass(slots=True)
class Failures:
    """Trajectories of a whole evaluation that failed one after the other, none finishing between them."""

    in_a_row: int = 0


@dataclass(slots=True)
class _Trajectory:
    """What one trajectory has come to so far."""

    prompt: Prompt
    sample: int
    key: str
    first: Generation | None = None
    """Its first call, where it came with those of other samples."""
    text: str = ""
    turns: list[Turn] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    said: str = ""
    made: list[Generation] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)

    def add(self, generation: Generation) -> None:
        self.text += generation.text
        self.said = generation.said
        if generation.reasoning:
            self.thoughts.append(generation.reasoning)
        self.made.append(generation)

    def total(self, name: str) -> int:
        return sum(getattr(one, name) for one in self.made)


class Trajectories:
    """What the trajectories of one benchmark in one form share: sampler, sandbox, cache, protocol."""

    def __init__(
        self,
        sampler: Sampler,
        settings: EvaluationSettings,
        sandbox: Sandbox | None,
        cache: GenerationCache,
        failures: Failures | None = None,
    ) -> None:
        self._sampler = sampler
        self._settings = settings
        self._sandbox = sandbox
        self._cache = cache
        self._failures = failures or Failures()
        self._protocol: Protocol | None = None
        self._conditions: str | None = None
        self._asked = _asked(settings)
        self._keys = CompletionKeys(sampler.identity, self._asked, settings.conditions(sandbox))
        if settings.form != "cot":
            self._conditions = sandbox.conditions_line() if sandbox is not None else None
            from evaluators.sandbox.protocols import PROTOCOLS

            self._protocol = PROTOCOLS[settings.sandbox.protocol]

    def key(self, sample: int, prompt: Prompt) -> str:
        """The key of a finished trajectory in the cache."""
        return self._keys.key(sample, prompt)

    async def complete(self, problem: Problem, sample: int, prompt: Prompt) -> Completion:
        """The one Completion of (problem, sample). Raises EvaluationError where the endpoint is plainly gone."""
        return await self._complete(problem, _Trajectory(prompt=prompt, sample=sample, key=self.key(sample, prompt)))

    async def _complete(self, problem: Problem, trajectory: _Trajectory) -> Completion:
        known = self._cache.completion(trajectory.key, problem.id, trajectory.prompt.text)
        return known if known is not None else await self._make(problem, trajectory)

    async def complete_samples(self, problem: Problem, samples: Sequence[int], prompt: Prompt) -> list[Completion]:
        """As `complete`, for samples that follow one another: they share a request where the server takes that."""
        if len(samples) == 1:
            return [await self.complete(problem, samples[0], prompt)]
        first = await self._draw_together(samples, prompt)
        trajectories = [
            _Trajectory(prompt=prompt, sample=sample, key=self.key(sample, prompt), first=first.get(sample))
            for sample in samples
        ]
        return await asyncio.gather(*[self._complete(problem, one) for one in trajectories])

    async def _draw_together(self, samples: Sequence[int], prompt: Prompt) -> Mapping[int, Generation]:
        """The first calls of those samples that are not known, as far as one request gives them."""
        sampler = self._sampler
        if not isinstance(sampler, GroupSampler) or sampler.group_size == 1 or self._settings.temperature == 0:
            return {}
        new = [sample for sample in samples if not self._is_known(sample, prompt)]
        drawn: dict[int, Generation] = {}
        while len(new) > 1 and sampler.group_size > 1:
            run = [sample for number, sample in enumerate(new) if sample == new[0] + number][: sampler.group_size]
            if len(run) == 1:
                new = new[1:]
                continue
            try:
                given = await sampler.generate_group(self._request(prompt, run[0], 0), len(run))
            except (SamplingError, ContextOverflow) as failure:
                if isinstance(failure, SamplingError) and failure.final:
                    raise
                return drawn  # asked for one by one, each fails or not by itself
            for sample, generation in zip(run, given, strict=False):
                drawn[sample] = generation
                self._keep(sample, prompt, generation)
            new = new[min(len(run), len(given)) :]
        return drawn

    def _is_known(self, sample: int, prompt: Prompt) -> bool:
        if self._cache.has(self.key(sample, prompt)):
            return True
        return self._protocol is not None and self._cache.has(self._call_key(sample, prompt))

    def _call_key(self, sample: int, prompt: Prompt) -> str:
        return request_key(self._sampler.identity, self._request(prompt, sample, 0), sample, 0)

    def _keep(self, sample: int, prompt: Prompt, generation: Generation) -> None:
        if self._protocol is not None and _is_answer(generation):
            self._cache.keep_generation(self._call_key(sample, prompt), generation)

    async def _make(self, problem: Problem, trajectory: _Trajectory) -> Completion:
        error: str | None = None
        finish: Finish
        try:
            finish = await self._advance(trajectory)
            error = trajectory.said or None
            self._failures.in_a_row = 0
        except ContextOverflow as overflow:
            finish, error = "error", _does_not_fit(overflow)
        except (SamplingError, ExecutorFault) as failure:
            if isinstance(failure, SamplingError) and failure.final:
                raise
            self._failures.in_a_row += 1
            if self._failures.in_a_row >= self._settings.give_up_after:
                self._give_up(failure)
            finish, error = "error", str(failure)
        completion = self._completion(problem, trajectory, finish, error)
        if completion.finish not in ("error", "content_filter"):  # what is no answer is asked again by the next run
            self._cache.keep_completion(trajectory.key, completion)
        return completion

    def _completion(self, problem: Problem, trajectory: _Trajectory, finish: Finish, error: str | None) -> Completion:
        thought = split_thinking(trajectory.text, opened=opens_thinking(trajectory.prompt.text))
        reasoning = "\n\n".join(part for part in (*trajectory.thoughts, thought.reasoning) if part)
        thinks = bool(reasoning or trajectory.total("reasoning_tokens"))
        if finish == "length" and thinks and (thought.unfinished or not thought.answer.strip()):
            finish = "length_in_thinking"
        return Completion(
            problem_id=problem.id,
            sample=trajectory.sample,
            form=self._settings.form,
            text=thought.answer,
            finish=finish,
            programs=tuple(trajectory.programs),
            prompt_tokens=trajectory.total("prompt_tokens"),
            completion_tokens=trajectory.total("completion_tokens"),
            seconds=sum(one.seconds for one in trajectory.made),
            error=error,
            conditions=self._conditions,
            reasoning=reasoning,
            reasoning_tokens=trajectory.total("reasoning_tokens"),
            cached_tokens=trajectory.total("cached_tokens"),
            discarded_tokens=trajectory.total("discarded_tokens"),
            calls=len(trajectory.made),
            prompt=trajectory.prompt.text,
        )

    async def _advance(self, trajectory: _Trajectory) -> Finish:
        if self._protocol is None:
            return (await self._call(trajectory)).finish
        assert self._sandbox is not None  # evaluate() refuses the form without one
        session: Session | None = None
        async with AsyncExitStack() as stack:
            for _ in range(self._settings.max_calls):
                try:
                    generation = await self._call(trajectory)
                except ContextOverflow:
                    if not trajectory.made:
                        raise
                    return "length"
                programs = self._programs(trajectory, generation)
                if not programs:
                    return generation.finish
                if session is None:  # not before: hundreds of trajectories only generate
                    session = await stack.enter_async_context(self._sandbox.session())
                await self._run(trajectory, session, generation, programs)
        return "calls"

    def _programs(self, trajectory: _Trajectory, generation: Generation) -> list[str | None]:
        """What is to be run now; None for a call of a tool that there is not."""
        assert self._protocol is not None
        if self._settings.form == "tools":
            return [code_of(call) for call in generation.calls]
        code = self._protocol.program(trajectory.text) if generation.finish == "stop" else None
        return [] if code is None else [code]

    async def _run(
        self, trajectory: _Trajectory, session: Session, generation: Generation, programs: Sequence[str | None]
    ) -> None:
        """Run each program, and show its output as the form does: in a fence, or as a tool's turn."""
        assert self._protocol is not None
        tools = self._settings.form == "tools"
        if tools:
            said = Turn(
                role="assistant", content=generation.text, reasoning=generation.reasoning, calls=generation.calls
            )
            trajectory.turns.append(said)
        for number, code in enumerate(programs):
            if code is None:
                output = no_such_tool(generation.calls[number])
            else:
                result = await session.run(code)
                output = self._protocol.output(result)
                shown = self._protocol.render(result)
                trajectory.text = with_program(trajectory.text, code) + shown if tools else trajectory.text + shown
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
            if tools:
                trajectory.turns.append(Turn(role="tool", content=output, answers=generation.calls[number].id))

    async def _call(self, trajectory: _Trajectory) -> Generation:
        """One generation call, from the cache or the sampler. Calls of a chain of thought are kept as completions only."""
        if trajectory.first is not None:
            generation, trajectory.first = trajectory.first, None
            trajectory.add(generation)
            return generation
        call = len(trajectory.made)
        request = self._request(trajectory.prompt, trajectory.sample, call, trajectory)
        known = key = None
        if self._protocol is not None:
            key = request_key(self._sampler.identity, request, trajectory.sample, call)
            known = self._cache.generation(key)
        generation = known if known is not None else await self._sampler.generate(request)
        if key is not None and known is None and _is_answer(generation):
            self._cache.keep_generation(key, generation)
        trajectory.add(generation)
        return generation

    def _request(self, prompt: Prompt, sample: int, call: int, trajectory: _Trajectory | None = None) -> Request:
        tools = self._settings.form == "tools"
        stop = prompt.stop if self._protocol is None or tools else (*prompt.stop, *self._protocol.stop)
        return replace(
            self._asked,
            prompt=prompt.text,
            system=prompt.system,
            continues="" if trajectory is None or tools else trajectory.text,
            turns=() if trajectory is None else tuple(trajectory.turns),
            seed=self._settings.seed + sample + CALL_SEEDS * call,
            stop=(*stop, *self._settings.stop),
            special_tokens=prompt.special_tokens,
        )

    def _give_up(self, failure: Exception) -> NoReturn:
        raise EvaluationError(
            f"{self._failures.in_a_row} completions in a row failed and none succeeded between them; the last: {failure}. "
            "Is the endpoint up? What was generated is kept: the same command goes on from there."
        ) from failure


def _asked(settings: EvaluationSettings) -> Request:
    """What is the same in every request under these settings."""
    return Request(
        prompt="",
        max_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p,
        seed=settings.seed,
        stop=settings.stop,
        tools=settings.form == "tools",
        top_k=settings.top_k,
        min_p=settings.min_p,
        repetition_penalty=settings.repetition_penalty,
        presence_penalty=settings.presence_penalty,
        frequency_penalty=settings.frequency_penalty,
        unset=settings.unset,
        thinking_budget=settings.thinking_budget,
        reasoning_effort=settings.reasoning_effort,
        chat_template_kwargs=settings.chat_template_kwargs,
        extra_body=settings.extra_body,
    )


def _is_answer(generation: Generation) -> bool:
    return generation.finish != "content_filter"


def _does_not_fit(overflow: ContextOverflow) -> str:
    prompt = f"{overflow.prompt_tokens:,} tokens" if overflow.prompt_tokens else "the prompt"
    context = f"a context of {overflow.context:,}" if overflow.context else "the model's context"
    return (
        f"expected a prompt that leaves room for an answer in {context}; found {prompt}. Raise server.max_model_len, or show "
        f"fewer exemplars. The server said: {overflow}"
    )


def open_sandbox(settings: EvaluationSettings) -> Sandbox:
    """The sandbox under an evaluation's limits, not yet started."""
    from evaluators.sandbox import Sandbox

    return Sandbox(settings.sandbox)

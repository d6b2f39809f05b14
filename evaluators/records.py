"""The records that evaluation passes from hand to hand, and the base of every settings record.

    Problem --prompt--> Completion (one trajectory: text, programs, outputs) --grade--> Grade

A failure is an outcome: every (problem, sample) pair ends in exactly one Grade, so denominators never move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from evaluators.stages.fields import paths_in

Language = Literal["en", "zh"]
Form = Literal["cot", "tir", "tools"]
"""Chain of thought, or tool-integrated reasoning (DeepSeekMath §3.1, §4), its programs in fences or in native tool calls."""
Finish = Literal["stop", "length", "length_in_thinking", "content_filter", "refusal", "tool_call", "calls", "error"]
"""Why a completion ended.

    stop                the model ended it
    length              the limit of tokens, or the context, cut the answer
    length_in_thinking  it cut the thinking: there is no answer
    content_filter      the server's filter held back the answer
    refusal             the model declined, in the field that APIs have for that
    tool_call           the model called a tool, and none was offered
    calls               the limit of generation calls was reached
    error               no answer came, after every retry: nothing is known of the model
"""


class Settings(BaseModel):
    """Base of the frozen settings record that each stage keeps beside its code; a recipe fills it from YAML."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def named_files(self, name: str) -> Sequence[Path] | None:
        """The files or folders that a field names and its stage reads, in order; None where its value names none.

        A record overrides it where a value may be something else (`hub:...`), or names a folder of which a part is read.
        """
        value = getattr(self, name)
        return None if value is None else paths_in(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One benchmark or training problem. The fields are the columns of stored problems, in this order."""

    id: str
    """Unique within its benchmark or source, stable between runs: `gsm8k/test/17`."""
    benchmark: str
    split: str = "test"
    language: Language = "en"
    question: str
    reference: str
    """The final answer as the source gives it, without the solution around it."""
    solution: str | None = None
    """The source's worked solution, where it gives one."""
    subject: str | None = None
    level: str | None = None
    """Difficulty as the source names it: MATH `3`, CMATH grade `5`."""
    steps: int | None = None
    """Reasoning steps of the source's solution, where it counts them or writes one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One code block that a model wrote, and what running it gave."""

    code: str
    status: str
    """A status of evaluators.sandbox: `ok`, `error`, `timeout`, `output_limit`, `memory`, `died`, `exit`."""
    output: str
    seconds: float
    tier: str | None = None
    """The walls that it ran in: `strict`, `landlock` or `unsafe`; None where it did not run here."""
    interpreter: str | None = None
    """What ran it: `process`, or `monty` (evaluators.sandbox)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model gave for one problem: the whole trajectory, with program outputs where they were injected."""

    problem_id: str
    sample: int
    """0-based index among the samples of one problem."""
    form: Form
    text: str
    """The answer: programs and their outputs in fences, thinking left out."""
    finish: Finish
    programs: tuple[Program, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    error: str | None = None
    """Why no answer came, or the words of a refusal or a filter."""
    conditions: str | None = None
    """Of the sandbox, where programs could run: tier, memory and Python, as one line."""
    reasoning: str = ""
    """What the model thought before and between: never judged."""
    reasoning_tokens: int = 0
    """Of completion_tokens, as the server counts them; 0 where it does not."""
    cached_tokens: int = 0
    """Of prompt_tokens, those that the server's prefix cache held."""
    discarded_tokens: int = 0
    """Generated in attempts that were thrown away: no part of completion_tokens, but paid for."""
    calls: int = 0
    """Generation calls."""
    prompt: str = ""
    """The first prompt, as it was sent."""

    def columns(self) -> dict[str, Any]:
        """As `asdict`, which would copy every text."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return values | {"programs": [asdict(program) for program in self.programs]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """The judgement of one completion under one profile of the answer checker."""

    problem_id: str
    sample: int
    profile: str
    outcome: Literal["correct", "incorrect", "no_answer", "unparsed", "timeout", "error"]
    prediction: str | None
    reason: str
    stage: str
    """The stage of the checker that decided, or `extraction`, or `sampling` where no completion came."""
    program_correct: bool | None = None
    """Whether the last program output alone is right (§4: program accuracy); None where no program ran."""
    conditions: str | None = None
    """Of the sandbox that the completion's programs, or a problem's tests, ran in."""

    @property
    def correct(self) -> bool:
        return self.outcome == "correct"

"""How problems are put to a model: what is sent, per benchmark and form where they differ, and what is tolerated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from evaluators.models.prompting import Style
from evaluators.records import Form, Settings
from evaluators.sandbox.records import SandboxSettings
from evaluators.stages.fields import HowItRuns

if TYPE_CHECKING:
    from evaluators.sandbox import Sandbox

COMMON = frozenset(
    {"form", "profiles", "sandbox", "concurrency", "give_up_after", "only", "unset", "tolerated_error_share"}
)
"""Settings that hold for a whole evaluation: `only` may not change them."""


class EvaluationSettings(Settings):
    """How problems are put to a model, and how its answers are judged."""

    form: Form = "cot"
    prompt: Style = "deepseek"
    profiles: tuple[Literal["deepseek", "strict", "reward"], ...] = ("deepseek", "strict")
    """The published grader, for comparison with the paper's rows, and the right one beside it."""
    samples: int = Field(default=1, ge=1)
    temperature: float | None = Field(default=0.0, ge=0)  # §4: greedy
    """None: nothing is sent, and the server samples as it always does."""
    top_p: float | None = Field(default=1.0, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, le=1)
    repetition_penalty: float | None = Field(default=None, gt=0)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    unset: Literal["neutral", "model"] = "neutral"
    """What becomes of a parameter that is None above: its neutral value is sent, so that greedy is greedy; or nothing,
    and the model's generation_config.json decides."""
    stop: tuple[str, ...] = ()
    """Strings at which an answer ends, beside those of the prompt and the form."""
    system: str | None = None
    """The system prompt, for models that are asked in turns."""
    thinking_budget: int | None = Field(default=None, ge=0)
    """Tokens of thinking, where vLLM serves the model; elsewhere under the server's own name in `extra_body`."""
    reasoning_effort: str | None = None
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Handed to the chat template: `{enable_thinking: false}`."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of each request, as the server names them."""
    max_new_tokens: int = Field(default=1024, gt=0)  # §4: at most 1,024 new tokens a call
    max_calls: int = Field(default=2, ge=1)
    """Generation calls of an answer with programs: 2 in DeepSeekMath's harness, 4 in ToRA's."""
    only: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Changes for some answers: a benchmark, a form, or `benchmark|form` -> settings. The most exact one has the last word."""
    sandbox: SandboxSettings = SandboxSettings(protocol="deepseekmath")
    """Limits of the programs that the model writes, and how their results are shown to it."""
    seed: int = 0
    concurrency: HowItRuns[int] = Field(default=256, ge=1)  # ours: as many as vLLM decodes at once by default
    """Answers under way at once, of all benchmarks and forms together; times the number of replicas."""
    tolerated_error_share: float = Field(default=0.0, ge=0, le=1)
    """Share of completions that the endpoint may fail to give before the stage raises instead of scoring them wrong."""
    tolerated_empty_share: float = Field(default=0.5, ge=0, le=1)  # ours: of so few answers no score says anything
    """Share of completions without a word, refused or filtered before the stage raises instead of scoring them wrong."""
    give_up_after: HowItRuns[int] = Field(default=64, ge=1)  # ours: by then it is the endpoint, not a request
    """Trajectories that fail in a row, none finishing between them, before the evaluation stops."""

    @model_validator(mode="after")
    def _changes_are_settings(self) -> EvaluationSettings:
        for place, changes in self.only.items():
            wrong = sorted(name for name in changes if name not in type(self).model_fields or name in COMMON)
            if wrong:
                raise ValueError(
                    f"only.{place}: expected settings of sampling that may differ; found {', '.join(wrong)}. "
                    "Set them for all, or correct their names."
                )
            type(self).model_validate({**self.model_dump(exclude={"only"}), **changes})
        return self

    def for_task(self, benchmark: str, form: Form) -> EvaluationSettings:
        """These settings as they hold for one benchmark in one form."""
        changes: dict[str, Any] = {}
        for place in (form, benchmark, f"{benchmark}|{form}"):
            changes |= self.only.get(place, {})
        return type(self).model_validate({**self.model_dump(exclude={"only"}), **changes, "form": form})

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
        return {"form": self.form, "max_calls": self.max_calls, "sandbox": {**limits, **here}}

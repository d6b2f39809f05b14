"""How the completions of one benchmark ended, and whether a score of them would mean anything."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from evaluators.models.settings import EvaluationSettings
from evaluators.records import Completion, Finish

UNKEPT: tuple[Finish, ...] = ("error", "content_filter")
"""What is no answer of the model's: asked again by the next run."""
EXAMPLES = 3
REMEDIES: dict[Finish, str] = {
    "length_in_thinking": "Raise sampling.max_new_tokens, set a thinking_budget, or turn thinking off (chat_template_kwargs).",
    "length": "Raise sampling.max_new_tokens.",
    "content_filter": "The server's filter holds answers back: another server may not.",
    "refusal": "The model declines: see its words, and the prompt that it was given.",
    "tool_call": "The model calls tools: use the form tools, or a prompt that asks for text.",
    "stop": "The model ends at once: does the prompt style fit it (sampling.prompt), and the endpoint's kind?",
}
"""What to do about answers without a word, by how most of them ended."""
ALL_THOUGHT = (
    "The server takes whole answers for thinking: turn thinking off in the template (chat_template_kwargs: "
    "{enable_thinking: false}), or serve the model with the reasoning parser that fits it."
)


@dataclass(slots=True)
class Tally:
    """Counted as completions come."""

    finishes: Counter[Finish] = field(default_factory=Counter)
    empty: Counter[Finish] = field(default_factory=Counter)
    """Those without a word of an answer, by how they ended; failures are no answers at all, and not among them."""
    thought: int = 0
    """Of the empty ones, those that the model ended itself, with all that it wrote in its thinking."""
    failures: list[str] = field(default_factory=list)
    silences: list[str] = field(default_factory=list)
    """The first few, as examples."""

    def add(self, completion: Completion) -> None:
        self.finishes[completion.finish] += 1
        if completion.finish == "error":
            if len(self.failures) < EXAMPLES:
                self.failures.append(completion.error or "")
        elif not completion.text.strip():
            self.empty[completion.finish] += 1
            self.thought += completion.finish == "stop" and bool(completion.reasoning)
            if len(self.silences) < EXAMPLES:
                said = f": {completion.error[:160]}" if completion.error else ""
                self.silences.append(f"{completion.problem_id} ({completion.finish}{said})")

    def complaint(self, where: str, settings: EvaluationSettings) -> str:
        """Why no score may be made of these completions; empty where one may."""
        total, failed, empty = self.finishes.total(), self.finishes["error"], self.empty.total()
        if failed > settings.tolerated_error_share * total:
            return (
                f"{where}: {failed} of {total} completions failed after every retry, for example: {self.failures[0].rstrip('.')}. "
                "Run again: only those are asked for again. To score them as wrong, raise sampling.tolerated_error_share."
            )
        if empty > settings.tolerated_empty_share * total:
            (most, _), *_ = self.empty.most_common(1)
            remedy = ALL_THOUGHT if 2 * self.thought > empty else REMEDIES.get(most, "")
            return (
                f"{where}: expected answers; {empty} of {total} completions say nothing, for example: "
                f"{', '.join(self.silences)}. {remedy} To score them as wrong, raise "
                "sampling.tolerated_empty_share: nothing is asked again."
            )
        return ""

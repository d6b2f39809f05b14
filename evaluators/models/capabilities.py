"""What one server takes: learned from its refusals, once, and kept to from then on.

A parameter that nobody asked for is left out where the server does not know it, and that is told. One that the recipe
sets is never left out in silence: the evaluation stops, before its first real request, and says which one it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluators.models.bodies import is_neutral
from evaluators.models.refusals import LIMITS, Refusal
from evaluators.models.sampling import SamplingError


@dataclass(slots=True)
class Capabilities:
    """Starts by trusting that the server takes everything."""

    context: int | None = None
    """Tokens of prompt and answer together."""
    longest_answer: int | None = None
    """Tokens at which the server ends any answer."""
    stream: bool = False
    unfinished: bool = True
    """Whether the assistant's unfinished turn may be sent."""
    dropped: dict[str, str] = field(default_factory=dict)
    """Field of the request -> what the server said about it."""
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def groups(self) -> bool:
        """Whether several samples may be asked for in one request."""
        return "n" not in self.dropped

    def fit(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body as this server takes it."""
        for name in self.dropped:
            body.pop(name, None)
        for old, new in self.renamed.items():
            if old in body:
                body[new] = body.pop(old)
        if self.stream:
            body["stream"] = True
            if "stream_options" not in self.dropped and "input" not in body:
                body["stream_options"] = {"include_usage": True}
        return body

    def learn(self, refusal: Refusal, body: Mapping[str, Any], where: str) -> bool:
        """Whether something was learned, so that the request can be made again. Raises SamplingError where the server
        does not take what the recipe asks for."""
        if refusal.kind == "stream":
            learned, self.stream = not self.stream, True
            return learned or not body.get("stream")
        if refusal.kind == "continue":
            learned, self.unfinished = self.unfinished, False
            return learned
        for name in refusal.parameters:
            if name in LIMITS:
                self._rename(name, refusal, where)
                return True
        asked = [name for name in refusal.parameters if not is_neutral(name, body.get(name))]
        if asked:
            told = ", ".join(f"{name}={body[name]!r}" for name in asked)
            raise SamplingError(
                f"{where}: expected a server that takes {told}; it says: {refusal.message.rstrip('.')}. {_remedy(asked[0])}",
                final=True,
            )
        for name in refusal.parameters:
            self.dropped[name] = refusal.message
        return bool(refusal.parameters)

    def notes(self) -> list[str]:
        """One sentence for each thing in which the server is asked otherwise than the recipe would."""
        told = [f"{name} is not sent: the server does not take it" for name in self.dropped]
        told += [f"{new} is sent for {old}" for old, new in self.renamed.items()]
        told += ["answers are streamed: the server gives no others"] if self.stream else []
        if not self.unfinished:
            told.append("an answer goes on after a turn of the user's: the server takes no unfinished turn")
        return told

    def _rename(self, name: str, refusal: Refusal, where: str) -> None:
        instead = refusal.instead if refusal.instead in LIMITS else None
        other = instead or ("max_completion_tokens" if name == "max_tokens" else "max_tokens")
        if self.renamed.get(other) == name or other == name:  # it takes neither
            raise SamplingError(
                f"{where}: expected a server that takes max_tokens or max_completion_tokens; it says: {refusal.message.rstrip('.')}. "
                "Put the name that it takes into sampling.extra_body.",
                final=True,
            )
        self.renamed = {"max_tokens": other} if name != other else {}


def _remedy(name: str) -> str:
    if name in ("temperature", "top_p"):
        return f"Set {name} to null: the server then samples as it always does, and the report says so."
    if name == "thinking_token_budget":
        return "Serve the model with a reasoning parser (vLLM: --reasoning-parser NAME), or remove thinking_budget."
    if name == "add_special_tokens":
        return "Set endpoint.vllm_extensions to false."
    if name in ("tools", "tool_choice"):
        return "Use the form tir, whose programs stand in the text."
    return f"Remove {name} from sampling, or serve the model with something that takes it."

"""Answers that end before their limit: which of them are believed, and what they teach about the server.

A server that says `length` below the limit of the request has met its context, has a limit of its own, or broke off. The
first time such an answer is asked for again; the second time it is believed, and from then on the limit is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from evaluators.models.capabilities import Capabilities
from evaluators.models.sampling import ContextOverflow, Generation, Request


@dataclass(slots=True)
class EarlyEnds:
    """Of one server, whose capabilities it completes."""

    capabilities: Capabilities
    _seen: set[tuple[int, int]] = field(default_factory=set)
    """(tokens of the prompt, of the answer) of answers that ended early, to be known again."""

    def is_doubtful(self, found: Sequence[Generation], request: Request, *, again: bool) -> bool:
        """Whether to ask once more: an answer ends before its limit for no reason that is known. `again`: one of this
        request was doubtful before, so that this one is believed. Raises ContextOverflow where the prompt left no room
        for a word."""
        context = self.capabilities.context
        if len(found) == 1 and _says_nothing(found[0]):
            raise ContextOverflow("cut before its first token", context=context, prompt_tokens=found[0].prompt_tokens)
        if len(found) > 1 or found[0].finish != "length" or not 0 < found[0].completion_tokens < request.max_tokens:
            return False
        prompt, answer = found[0].prompt_tokens, found[0].completion_tokens
        at_the_end = context is not None and prompt + answer >= context - 1
        if at_the_end or answer == self.capabilities.longest_answer or again:
            if not at_the_end and (prompt, answer) in self._seen and prompt:
                self._learn(prompt, answer)
            return False
        self._seen.add((prompt, answer))
        return True

    def _learn(self, prompt: int, answer: int) -> None:
        """Two prompts tell whether it is the context that ends answers, or a limit on answers."""
        others = {one for one in self._seen if one[0] != prompt}
        if any(one[0] + one[1] == prompt + answer for one in others):
            self.capabilities.context = prompt + answer
        elif any(one[1] == answer for one in others):
            self.capabilities.longest_answer = answer


def _says_nothing(found: Generation) -> bool:
    """Whether an answer was cut before it began: with a prompt that was counted, and without a token."""
    nothing = not (found.completion_tokens or found.text or found.reasoning)
    return nothing and found.finish == "length" and found.prompt_tokens > 0

"""Sentences that say yes or no to the question: 221 is not prime, it isn't, true of what is asked to be true."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern

_ASKS = lazy_pattern(
    r"(?:^|[,.:;)]\s*|\b(?:then|so)\s+)\s*(?:is|are|was|were|does|do|did|can|could|must|will|would|has|have)\b|\bwhether\b|是否|吗",
    re.IGNORECASE,
)
_EITHER = lazy_pattern(r"\bor\b|还是", re.IGNORECASE)
_NOT = frozenset(
    {"not", "isn't", "aren't", "doesn't", "don't", "can't", "cannot", "wasn't", "didn't", "won't", "never"}
)
_SMALL = frozenset(
    {"it", "is", "are", "does", "do", "can", "they", "the", "a", "an", "was", "be", "has", "have", "did", "will"}
)
_WORD = lazy_pattern(r"[a-z]+(?:'[a-z]+)?|-?\d+(?:\.\d+)?")


def answers_alike(answer: str, said: tuple[str, ...], question: str) -> bool:
    """Whether the words say the yes or no that the reference is; only to a question that asks for one of them."""
    if not _ASKS.search(question) or _EITHER.search(question):
        return False
    if said in (("true",), ("false",)):
        return answer == ("yes" if said == ("true",) else "no")
    denials = [word for word in said if word in _NOT]
    asked = set(_WORD.findall(question.lower()))
    rest = [word for word in said if word not in _NOT]
    if len(denials) > 1 or asked & _NOT or not set(rest) <= asked | _SMALL:
        return False
    if denials:
        return answer == "no" and len(said) >= 2
    return answer == "yes" and any(word not in _SMALL and len(word) > 3 and word.isalpha() for word in rest)

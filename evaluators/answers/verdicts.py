"""What the checker says: a verdict on a pair, and an answer found in a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["correct", "incorrect", "unparsed", "timeout", "no_answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One judgement. `no_answer` comes only from `check_output`, where the text holds no answer."""

    verdict: Outcome
    reason: str
    stage: str
    """The stage that decided: `text`, `exact`, `structure`, `balls`, `points`, `symbolic`, `parse`, `type`, ..."""
    reference_form: str = ""
    """How the reference was read, for `--explain`; empty where no parse was needed."""
    prediction_form: str = ""
    prediction: str | None = None
    """The answer that was judged; for whole outputs, the one that was extracted."""
    method: str = ""
    """How the answer was found in an output: `boxed`, `cue`, ...; empty for a bare answer."""

    @property
    def correct(self) -> bool:
        return self.verdict == "correct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """An answer found in a text: `text[start:end]` is the span it came from."""

    answer: str
    start: int
    end: int
    method: str
    confidence: float
    """How surely this is meant as the final answer: 1.0 for a box, 0.3 for the last number of a text."""
    distinct: int = 1
    """How many different answers the same method found: more than one is a hedge."""

"""How strong a match with a benchmark has to be, by name."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evaluators.records import Settings

GRAM = 10
"""Words: DeepSeekMath §2.1, "any text segment containing a 10-gram string that matches exactly"."""
SHORTEST = 3
"""§2.1: "benchmark texts that are shorter than 10 grams but have at least 3 grams": matched whole."""
SPELLED = ("gram", "whole", "same", "contained")
"""Matches of texts that differ in their spelling alone: always looked for."""
Rewording = Literal["numerals", "renamed", "extended", "reworded", "last_sentence", "translated"]
"""What a copy may have changed beyond its spelling:

numerals        numbers are words (`twelve`, 十二) or amounts (`$20.00`)
renamed         the same text with other names, each in place of one of the original's
extended        with a number that the original does not have, its own numbers all there
reworded        three quarters of its words in their order, the same numbers
last_sentence   its last sentence alone, where no other problem asks the same
translated      its numbers and most of what it is about, in another language
"""


class RewordingSettings(Settings):
    """How far a reworded copy may be from a question."""

    words: float = Field(default=0.75, gt=0, le=1)
    """Share of the question's words that must stand in their order. Ours, the first value tried: none of GSM8K's 7,473 train
    questions is taken for one of test (docs/leaks.md)."""
    names: float = Field(default=0.2, ge=0, le=1)  # of the words: so many different names and things may change
    numbers: int = Field(default=2, ge=0)  # a question of fewer is its wording: 0.9 of its words are asked
    shortest: int = Field(default=12, ge=5)  # words; of a shorter question only the exact text counts
    sentence: int = Field(default=9, ge=SHORTEST)  # words of a last sentence that stands alone
    signature: float = Field(default=5.0, gt=0)  # bits of a translated question's numbers: 3 and 7 have five
    concepts: float = Field(default=0.6, gt=0, le=1)
    """Share of the things a question is about that its translation must name. Ours: finds 164 of MGSM-zh's 250 questions by
    GSM8K's, and takes 1 of TAL-SCQ5K's 3,000 questions for one; chosen on these."""

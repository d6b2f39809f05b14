"""The checker's front: which grading a profile names, and the three questions that each answers.

A grading is a module with `check_pair`, `check_text` and `find_answer`: judging.py's, or the published one of DeepSeekMath.
Modules are imported when they are first needed, so that one pair of plain numbers starts fast.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Protocol, cast

from evaluators.answers.profiles import Profile, profile_named
from evaluators.answers.verdicts import Extraction, Verdict


class Grading(Protocol):
    """What a module of a grading offers."""

    def check_pair(self, reference: str, prediction: str, rules: Profile, problem: str | None) -> Verdict:
        """Whether an answer is the reference."""

    def check_text(
        self, reference: str, text: str, rules: Profile, problem: str | None, program_output: str | None
    ) -> Verdict:
        """Whether a whole output gives the reference."""

    def find_answer(
        self, text: str, rules: Profile, expect_list: bool, program_output: str | None
    ) -> Extraction | None:
        """The final answer of a whole output."""


@cache
def _grading(module: str) -> Grading:
    return cast("Grading", import_module(f"evaluators.answers.{module}"))


def check(reference: str, prediction: str, *, profile: str = "strict", problem: str | None = None) -> Verdict:
    """Whether `prediction` is the answer `reference`; both are answers, not whole outputs.

    Never raises on any pair of strings, and never runs anything that they hold. Raises ValueError for an unknown
    profile.
    """
    rules = profile_named(profile)
    return _grading(rules.grading).check_pair(reference, prediction, rules, problem)


def check_output(
    reference: str,
    output_text: str,
    *,
    profile: str = "strict",
    problem: str | None = None,
    program_output: str | None = None,
) -> Verdict:
    """Extract, then check; `no_answer` where the text gives none."""
    rules = profile_named(profile)
    return _grading(rules.grading).check_text(reference, output_text, rules, problem, program_output)


def extract(
    text: str, *, profile: str = "strict", expect_list: bool = False, program_output: str | None = None
) -> Extraction | None:
    """The final answer of `text`, or None where it gives none.

    `program_output` is what a program printed last, where it was kept apart from the text. Under `reward` only an
    announced answer counts: a box, a tag, `####`, a field or a cue. Under `deepseek` the published order is followed.
    """
    rules = profile_named(profile)
    return _grading(rules.grading).find_answer(text, rules, expect_list, program_output)


def same_answer(a: str, b: str, *, profile: str = "strict") -> bool:
    """Whether two predictions are the same answer, as maj@k groups them: neither is the reference."""
    return check(a, b, profile=profile).correct or check(b, a, profile=profile).correct

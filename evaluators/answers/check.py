"""The checker's front: a reference and a prediction in, a verdict out."""

from __future__ import annotations

from evaluators.answers.extract import extract
from evaluators.answers.profiles import profile_named
from evaluators.answers.verdicts import Verdict


def check(reference: str, prediction: str, *, profile: str = "strict", problem: str | None = None) -> Verdict:
    """Whether `prediction` is the answer `reference`; both are answers, not whole outputs."""
    profile_named(profile)
    same = reference.strip() == prediction.strip()
    return Verdict(
        verdict="correct" if same else "incorrect", reason="same text" if same else "different text", stage="text"
    )


def check_output(
    reference: str,
    output_text: str,
    *,
    profile: str = "strict",
    problem: str | None = None,
    program_output: str | None = None,
) -> Verdict:
    """Extract, then check; `no_answer` where the text gives none."""
    found = extract(output_text, profile=profile, program_output=program_output)
    if found is None:
        return Verdict(verdict="no_answer", reason="the output gives no answer", stage="extraction")
    return check(reference, found.answer, profile=profile, problem=problem)


def same_answer(a: str, b: str, *, profile: str = "strict") -> bool:
    """Whether two predictions are the same answer, as maj@k groups them: neither is the reference."""
    return check(a, b, profile=profile).correct or check(b, a, profile=profile).correct

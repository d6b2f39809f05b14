"""References from solutions: where a source gives no answer, the one that its own solution boxes or announces.

Such a reference says that a solution has an answer, and holds other solutions to the same problem against it; it does not say
that the solution is right. Its rows are marked `reference_from: solution`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from evaluators.records import Problem
from pipelines.mixtures.flaws import FlawName
from pipelines.mixtures.verification import Solution, Verdict

ANNOUNCED = 0.8
"""Confidence of the answer finder in a box, `####` or "the answer is"; a conclusion guessed from its words has less."""
FLAWS = get_args(FlawName)
LONGEST = 200
"""Characters of an answer; what is longer is a sentence of the solution."""


def with_references(solutions: Sequence[Solution], problems: Sequence[Problem]) -> tuple[list[Solution], list[Problem]]:
    """The same, with what the solutions in words say of their answers; of several to one problem the first decides."""
    found: dict[str, str] = {}
    for solution in solutions:
        problem = solution.problem
        if not problem.reference and problem.id not in found and solution.form in ("cot", "tir"):
            found[problem.id] = stated_answer(solution.response)
    marked = [_marked(one, found.get(one.problem.id, "")) for one in solutions]
    return marked, [replace(one, reference=one.reference or found.get(one.id, "")) for one in problems]


def stated_answer(response: str) -> str:
    """What a solution boxes or announces as its answer, once; empty where it does neither, or says several things."""
    from evaluators.answers import extract

    found = extract(response)
    if found is None or found.confidence < ANNOUNCED or found.distinct > 1 or len(found.answer) > LONGEST:
        return ""
    return found.answer.strip()


def without_false_alarms(solutions: Sequence[Solution], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """A solution in words is never wrong by its own answer: what could not be read again is unverified."""
    return [
        Verdict(kept=True, reason="unverified", detail=verdict.detail)
        if not verdict.kept and verdict.reason not in FLAWS and solution.form == "cot" and _is_own(solution)
        else verdict
        for solution, verdict in zip(solutions, verdicts, strict=True)
    ]


def _marked(solution: Solution, answer: str) -> Solution:
    if solution.problem.reference or not answer:
        return solution
    return replace(solution, problem=replace(solution.problem, reference=answer), reference_from="solution")


def _is_own(solution: Solution) -> bool:
    return solution.reference_from == "solution" and stated_answer(solution.response) == solution.problem.reference

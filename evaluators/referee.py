"""The harness's own verdicts beside ours: what each makes of the same outputs, which of them differ, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.outputs import Origin, Outputs
from evaluators.records import Grade, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A completion that the harness and we judge differently."""

    problem_id: str
    sample: int
    place: str
    """Where it stands in the file."""
    harness: float
    """0 to 1."""
    ours: bool
    reference: str
    extracted: str | None
    """What the harness took for the answer, where the file says so."""
    prediction: str | None
    """What we took."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refereed:
    """One score of the harness against ours, on the completions that it judged. Percent."""

    score: str
    """The harness's name for it: `exact_match (strict-match)`."""
    judged: int
    harness: float
    ours: float
    differences: tuple[Difference, ...]


def referee(outputs: Outputs, grades: Sequence[Grade], profile: str) -> list[Refereed]:
    """Every score that the file carries, in its order. Nothing where it carries none."""
    own = {(grade.problem_id, grade.sample): grade for grade in grades if grade.profile == profile}
    problems = {problem.id: problem for problem in outputs.problems}
    names = dict.fromkeys(name for origin in outputs.origins.values() for name in origin.verdicts)
    found = []
    for name in names:
        judged = {key: origin for key, origin in outputs.origins.items() if name in origin.verdicts}
        verdicts = {key: origin.verdicts[name] for key, origin in judged.items()}
        differences = [
            _difference(name, problems[key[0]], own[key], origin)
            for key, origin in judged.items()
            if (verdicts[key] >= 0.5) != own[key].correct
        ]
        found.append(
            Refereed(
                score=name,
                judged=len(judged),
                harness=round(100 * sum(verdicts.values()) / len(judged), 4),
                ours=round(100 * sum(own[key].correct for key in judged) / len(judged), 4),
                differences=tuple(differences),
            )
        )
    return found


def _difference(score: str, problem: Problem, grade: Grade, origin: Origin) -> Difference:
    extracted = origin.extracted.get(score)
    return Difference(
        problem_id=problem.id,
        sample=grade.sample,
        place=origin.place,
        harness=origin.verdicts[score],
        ours=grade.correct,
        reference=problem.reference,
        extracted=extracted,
        prediction=grade.prediction,
        why=_why(grade, extracted),
    )


def _why(grade: Grade, extracted: str | None) -> str:
    """What the two disagree about: whether there is an answer, which it is, or whether it is the reference."""
    if grade.outcome == "error":
        return f"there is no response: {grade.reason}"
    if grade.prediction is None:
        return f"we find no answer in the output: {grade.reason}"
    if extracted is None:
        return grade.reason
    if _bare(extracted) == _bare(grade.prediction):
        return f"the same answer, judged differently: {grade.reason}"
    if not extracted.strip() or extracted.strip().lower() in ("[invalid]", "none", "[no_answer]"):
        return f"the harness found no answer where we found {grade.prediction!r}: {grade.reason}"
    return f"another answer was taken from the output, {extracted!r} there and {grade.prediction!r} here"


def _bare(text: str) -> str:
    return "".join(text.split()).strip("$")

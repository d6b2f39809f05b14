"""What makes a score doubtful once it is there: nothing or everything right, no answers, a harness that says otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evaluators.answers import check
from evaluators.outputs import Outputs
from evaluators.records import Grade
from evaluators.referee import Refereed

FEWEST = 5
"""Completions below which 0 % or 100 % is no surprise."""
NO_ANSWER_SHARE = 0.5
APART = 10.0
"""Points between the harness's score and ours that are an alarm, where it is judged on JUDGED completions or more."""
JUDGED = 20
SHIFT_SAMPLE = 200
"""Problems in which a shift by one row is sought."""
SHOWN = 3


def result_alarms(
    outputs: Outputs, grades: Sequence[Grade], profile: str, refereed: Sequence[Refereed]
) -> Iterator[str]:
    """Sentences, each with rows to look at."""
    own = [grade for grade in grades if grade.profile == profile]
    right = sum(grade.correct for grade in own)
    if len(own) >= FEWEST and right in (0, len(own)):
        share = "None" if right == 0 else "Every one"
        yield f"{share} of {len(own)} responses is right: look at some before you believe it. {_shown(outputs, own)}"
    if (moved := _moved(outputs, own, profile)) is not None:
        yield moved
    unanswered = [grade for grade in own if grade.outcome == "no_answer"]
    if right > 0 and len(unanswered) > NO_ANSWER_SHARE * len(own):
        yield f"{len(unanswered)} of {len(own)} responses hold no answer that we find. {_shown(outputs, unanswered)}"
    for one in refereed:
        if one.judged >= JUDGED and abs(one.harness - one.ours) >= APART:
            yield (
                f"The file's own {one.score} is {one.harness:.1f} where we say {one.ours:.1f}: "
                f"{len(one.differences)} rows differ, see below."
            )


def _moved(outputs: Outputs, grades: Sequence[Grade], profile: str) -> str | None:
    """Whether the responses answer their neighbours' problems: a file whose columns are shifted by a row."""
    answers = {grade.problem_id: grade.prediction for grade in grades if grade.sample == 0}
    problems = outputs.problems[:SHIFT_SAMPLE]
    right = sum(grade.correct for grade in grades) / max(1, len(grades))
    if len(problems) < 2 * FEWEST or right >= 0.5:
        return None
    for step, neighbour in ((1, "after"), (-1, "before")):
        pairs = list(
            zip(problems, problems[step:], strict=False) if step > 0 else zip(problems[1:], problems, strict=False)
        )
        theirs = sum(check(other.reference, answers.get(own.id) or "", profile=profile).correct for own, other in pairs)
        if theirs >= max(0.5, 2 * right) * len(pairs):
            return (
                f"{theirs} of the first {len(pairs)} responses answer the problem {neighbour} theirs, {right:.0%} their own: "
                f"are responses or references shifted by a row?"
            )
    return None


def _shown(outputs: Outputs, grades: Sequence[Grade]) -> str:
    references = {problem.id: problem.reference for problem in outputs.problems}
    shown = []
    for grade in grades[:SHOWN]:
        origin = outputs.origins.get((grade.problem_id, grade.sample))
        place = grade.problem_id if origin is None else origin.place
        prediction = "no answer" if grade.prediction is None else f"the answer {_short(grade.prediction)}"
        shown.append(f"{place}: {prediction} to the reference {_short(references[grade.problem_id])} ({grade.reason})")
    return "; ".join(shown) + "."


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else f"{line[:57]}...")

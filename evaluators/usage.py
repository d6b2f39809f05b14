"""What answers took: tokens and cost by outcome, and whether longer answers are right more often.

Shares are 0 to 1; what scores.json keeps of them is percent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from evaluators.intervals import Interval, share_interval
from evaluators.records import Completion, Grade

BINS = 5  # ours: of 100 problems each still holds 20
Prices = tuple[float, float]
"""Of a million prompt tokens, and of a million new tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What some completions took together."""

    completions: int
    prompt_tokens: int
    completion_tokens: int
    discarded_tokens: int
    """Of attempts that were thrown away: paid for as well."""
    cost: float | None
    """In the currency of the prices; None without prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthBin:
    """Answers of about one length."""

    low: int
    high: int
    """Both inclusive."""
    completions: int
    accuracy: float
    interval: Interval
    truncated: int
    """Those that a limit cut: they are as long as the limit lets them, and seldom right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameProblem:
    """Right against wrong answers of one problem, which takes the problems' difficulty out of the comparison."""

    problems: int
    """Those with right and wrong answers."""
    right: float
    """Mean length of their right answers, each problem counting once."""
    wrong: float


def spent(completions: Iterable[Completion], prices: Prices | None) -> Spent:
    """The tokens and cost of some completions."""
    own = list(completions)
    prompt, new = sum(one.prompt_tokens for one in own), sum(one.completion_tokens for one in own)
    discarded = sum(one.discarded_tokens for one in own)
    cost = None if prices is None else round((prompt * prices[0] + (new + discarded) * prices[1]) / 1e6, 6)
    return Spent(
        completions=len(own), prompt_tokens=prompt, completion_tokens=new, discarded_tokens=discarded, cost=cost
    )


def spent_by(
    completions: Sequence[Completion], names: Mapping[tuple[str, int], str], prices: Prices | None
) -> dict[str, Spent]:
    """The same for each outcome that `names` gives a completion of (problem, sample), by name."""
    groups: dict[str, list[Completion]] = defaultdict(list)
    for one in completions:
        groups[names[one.problem_id, one.sample]].append(one)
    return {name: spent(own, prices) for name, own in sorted(groups.items())}


def lengths_of(completions: Sequence[Completion]) -> tuple[str, list[int]]:
    """What is measured, and each answer's length in it: thinking, where a model's is told apart, or else all new tokens."""
    if any(one.reasoning_tokens for one in completions):
        return "tokens of thinking", [one.reasoning_tokens for one in completions]
    if any(one.reasoning for one in completions):
        return "characters of thinking", [len(one.reasoning) for one in completions]
    return "new tokens", [one.completion_tokens for one in completions]


def length_bins(
    completions: Sequence[Completion], lengths: Sequence[int], right: Sequence[bool], bins: int = BINS
) -> list[LengthBin]:
    """Accuracy by length, in at most `bins` bins of at least an equal share of the answers; equal lengths share a bin.

    Samples of one problem are not independent, so the interval of a bin counts its problems, not its answers.
    """
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    found: list[list[int]] = []
    for index in order:
        if not found or (len(found[-1]) * bins >= len(order) and lengths[index] != lengths[found[-1][-1]]):
            found.append([])
        found[-1].append(index)
    return [_bin(completions, lengths, right, own) for own in found]


def _bin(
    completions: Sequence[Completion], lengths: Sequence[int], right: Sequence[bool], own: Sequence[int]
) -> LengthBin:
    accuracy = sum(right[index] for index in own) / len(own)
    problems = len({completions[index].problem_id for index in own})
    return LengthBin(
        low=lengths[own[0]],
        high=lengths[own[-1]],
        completions=len(own),
        accuracy=accuracy,
        interval=share_interval(accuracy * problems, problems),
        truncated=sum(completions[index].finish.startswith("length") for index in own),
    )


def same_problem(
    completions: Sequence[Completion], lengths: Sequence[int], right: Sequence[bool]
) -> SameProblem | None:
    """Lengths of right and of wrong answers to the same problems; None where no problem has both."""
    by_problem: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for one, length, correct in zip(completions, lengths, right, strict=True):
        by_problem[one.problem_id][0 if correct else 1].append(length)
    both = [(fmean(well), fmean(ill)) for well, ill in by_problem.values() if well and ill]
    if not both:
        return None
    return SameProblem(problems=len(both), right=fmean(well for well, _ in both), wrong=fmean(ill for _, ill in both))


def right_of(completions: Sequence[Completion], grades: Sequence[Grade]) -> list[bool]:
    """Whether each completion is right under the profile whose grades are given."""
    correct = {(grade.problem_id, grade.sample): grade.correct for grade in grades}
    return [correct[one.problem_id, one.sample] for one in completions]

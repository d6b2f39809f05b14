"""Figures of one evaluation: pure functions over Problems, Completions and Grades."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaluators.errors import MathsieveError
from evaluators.records import Completion, Grade, Problem

Equivalent = Callable[[str, str], bool]
"""Whether two predictions are the same answer."""


STRETCH_WORDS = 8  # ours: a sentence's worth; table rows and "x = 3" lines are shorter
STRETCH_CHARACTERS = 20
REPETITIONS = 4


class DenominatorError(MathsieveError):
    """Grades are not one for every (problem, sample); nothing may be divided by such a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """The grades of one problem under one profile, ordered by sample."""

    problem: Problem
    grades: tuple[Grade, ...]

    @property
    def score(self) -> float:
        """The share of its samples that are right."""
        return sum(grade.correct for grade in self.grades) / len(self.grades)


def graded_problems(problems: Sequence[Problem], grades: Iterable[Grade], profile: str, samples: int) -> list[Graded]:
    """Grades by problem, in the order of `problems`. Raises DenominatorError unless each has exactly `samples`."""
    by_problem: dict[str, dict[int, Grade]] = defaultdict(dict)
    for grade in grades:
        if grade.profile != profile:
            continue
        if grade.sample in by_problem[grade.problem_id]:
            raise DenominatorError(f"{grade.problem_id}, sample {grade.sample}: expected one grade; found two")
        by_problem[grade.problem_id][grade.sample] = grade
    known = {problem.id for problem in problems}
    foreign = sorted(by_problem.keys() - known)
    if foreign:
        raise DenominatorError(f"expected grades of {len(known)} known problems; found one of {foreign[0]}")
    result = []
    for problem in problems:
        own = by_problem.get(problem.id, {})
        if sorted(own) != list(range(samples)):
            raise DenominatorError(f"{problem.id}: expected samples 0 to {samples - 1}; found {sorted(own)}")
        result.append(Graded(problem=problem, grades=tuple(own[sample] for sample in range(samples))))
    return result


def accuracy(graded: Sequence[Graded]) -> float:
    """Mean over problems of the share of right samples; 0 where there are no problems."""
    return sum(one.score for one in graded) / len(graded) if graded else 0.0


def pass_at_k(n: int, correct: int, k: int) -> float:
    """The unbiased chance that one of `k` samples drawn from `n` is right (Chen et al. 2021, §2.1)."""
    if not 0 <= correct <= n or not 1 <= k <= n:
        raise ValueError(f"expected 0 <= correct <= n and 1 <= k <= n; found n={n}, correct={correct}, k={k}")
    if n - correct < k:
        return 1.0
    return 1.0 - math.prod((n - correct - i) / (n - i) for i in range(k))


def pass_scores(graded: Sequence[Graded], k: int) -> list[float]:
    """Pass@k of every problem; their mean is pass@k."""
    return [pass_at_k(len(one.grades), sum(grade.correct for grade in one.grades), k) for one in graded]


def groups_of(predictions: Sequence[str | None], equivalent: Equivalent) -> list[list[int]]:
    """Indices of predictions that are the same answer, groups in order of first appearance; None joins no group.

    Each is compared with the first of every group, since equivalence of answers should be transitive.
    """
    groups: list[list[int]] = []
    texts: dict[str, int] = {}
    for index, prediction in enumerate(predictions):
        if prediction is None:
            continue
        key = prediction.strip()
        if key not in texts:
            representative = (
                number for number, group in enumerate(groups) if equivalent(_text(predictions, group), key)
            )
            texts[key] = next(representative, len(groups))
        if texts[key] == len(groups):
            groups.append([])
        groups[texts[key]].append(index)
    return groups


def _text(predictions: Sequence[str | None], group: Sequence[int]) -> str:
    text = predictions[group[0]]
    assert text is not None  # groups_of leaves None out
    return text


def majority_score(grades: Sequence[Grade], equivalent: Equivalent) -> float:
    """Whether the most frequent answer is right: 1 or 0, and between them the share of right groups among ties.

    A vote for a group counts whatever its members' verdicts; the group is right if its first member is. Samples
    without an answer do not vote.
    """
    groups = groups_of([grade.prediction for grade in grades], equivalent)
    if not groups:
        return 0.0
    most = max(len(group) for group in groups)
    tied = [group for group in groups if len(group) == most]
    return sum(grades[group[0]].correct for group in tied) / len(tied)


def majority_scores(graded: Sequence[Graded], k: int, equivalent: Equivalent) -> list[float]:
    """maj@k of every problem, over its first `k` samples; their mean is maj@k."""
    return [majority_score(one.grades[:k], equivalent) for one in graded]


def powers_up_to(n: int) -> list[int]:
    """1, 2, 4, ... up to n, and n itself: the k for which pass@k and maj@k are told."""
    return sorted({2**power for power in range(n.bit_length()) if 2**power <= n} | {n})


def breakdown(graded: Sequence[Graded], key: Callable[[Problem], str | None]) -> dict[str, list[Graded]]:
    """The problems by a property, sorted by its value (numbers by size); those without one are left out."""
    parts: dict[str, list[Graded]] = defaultdict(list)
    for one in graded:
        value = key(one.problem)
        if value is not None:
            parts[value].append(one)
    return dict(sorted(parts.items(), key=lambda item: _natural(item[0])))


def _natural(text: str) -> tuple[str, float, str]:
    head = text.rstrip("0123456789")
    tail = text[len(head) :]
    return head, float(tail) if tail else -1.0, text


BREAKDOWNS: Mapping[str, Callable[[Problem], str | None]] = {
    "subject": lambda problem: problem.subject,
    "level": lambda problem: problem.level,
    "language": lambda problem: problem.language,
    "steps": lambda problem: None if problem.steps is None else str(problem.steps),
}


def repeats(text: str) -> bool:
    """Whether a text goes round in circles: some stretch of it occurs REPETITIONS times without overlap.

    DeepSeek LLM §5 reports the share of such answers at temperature 0 and gives no definition; this one is ours.
    """
    words = text.split()
    size = STRETCH_WORDS
    if len(text) > 12 * max(1, len(words)):  # longer "words" than any alphabet's: Chinese, written without spaces
        words, size = list(text), STRETCH_CHARACTERS
    seen: dict[tuple[str, ...], tuple[int, int]] = {}
    for start in range(len(words) - size + 1):
        stretch = tuple(words[start : start + size])
        count, last = seen.get(stretch, (0, -size))
        if start - last >= size:
            seen[stretch] = (count + 1, start)
            if count + 1 >= REPETITIONS:
                return True
    return False


def sampling_figures(completions: Sequence[Completion], grades: Sequence[Grade]) -> dict[str, float | int]:
    """What went wrong, and what it took: counts over completions, tokens and seconds in all."""
    programs = [program for completion in completions for program in completion.programs]
    return {
        "completions": len(completions),
        "no_answer": sum(grade.outcome == "no_answer" for grade in grades),
        "unparsed": sum(grade.outcome == "unparsed" for grade in grades),
        "checker_timeouts": sum(grade.outcome == "timeout" for grade in grades),
        "failed": sum(completion.finish == "error" for completion in completions),
        "truncated": sum(completion.finish in ("length", "length_in_thinking") for completion in completions),
        "cut_in_thinking": sum(completion.finish == "length_in_thinking" for completion in completions),
        "refused": sum(completion.finish == "refusal" for completion in completions),
        "filtered": sum(completion.finish == "content_filter" for completion in completions),
        "called_no_tool": sum(completion.finish == "tool_call" for completion in completions),
        "empty": sum(completion.finish != "error" and not completion.text.strip() for completion in completions),
        "calls_exhausted": sum(completion.finish == "calls" for completion in completions),
        "repeating": sum(repeats(completion.text) for completion in completions),
        "with_program": sum(bool(completion.programs) for completion in completions),
        "programs": len(programs),
        "program_errors": sum(program.status not in ("ok", "timeout") for program in programs),
        "program_timeouts": sum(program.status == "timeout" for program in programs),
        "prompt_tokens": sum(completion.prompt_tokens for completion in completions),
        "completion_tokens": sum(completion.completion_tokens for completion in completions),
        "reasoning_tokens": sum(completion.reasoning_tokens for completion in completions),
        "cached_tokens": sum(completion.cached_tokens for completion in completions),
        "discarded_tokens": sum(completion.discarded_tokens for completion in completions),
        "generation_seconds": round(sum(completion.seconds for completion in completions), 3),
        "program_seconds": round(sum(program.seconds for program in programs), 3),
    }


def program_accuracy(graded: Sequence[Graded]) -> float | None:
    """The share of answers whose last program output alone is right (§4); None where no program ran."""
    grades = [grade for one in graded for grade in one.grades]
    if all(grade.program_correct is None for grade in grades):
        return None
    return sum(bool(grade.program_correct) for grade in grades) / len(grades)

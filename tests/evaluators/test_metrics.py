"""Metrics against values worked out by hand."""

import pytest

from evaluators.metrics import (
    BREAKDOWNS,
    DenominatorError,
    Graded,
    accuracy,
    breakdown,
    graded_problems,
    groups_of,
    majority_score,
    majority_scores,
    pass_at_k,
    powers_up_to,
    program_accuracy,
    repeats,
    sampling_figures,
)
from evaluators.records import Completion, Grade, Problem, Program


def problem(number: int, **more: str) -> Problem:
    return Problem(id=f"t/{number}", benchmark="t", question="?", reference="1", **more)  # type: ignore[arg-type]  # texts only


def grade(number: int, sample: int, right: bool, prediction: str | None = "1", program: bool | None = None) -> Grade:
    return Grade(
        problem_id=f"t/{number}",
        sample=sample,
        profile="strict",
        outcome="correct" if right else "incorrect" if prediction is not None else "no_answer",
        prediction=prediction,
        reason="",
        stage="text",
        program_correct=program,
    )


def equal(a: str, b: str) -> bool:
    return float(a) == float(b)


@pytest.mark.parametrize(
    ("n", "correct", "k", "expected"),
    [
        (8, 0, 8, 0.0),
        (8, 1, 1, 1 / 8),
        (8, 1, 8, 1.0),
        (4, 2, 2, 1 - 1 / 6),  # of six pairs of samples one holds two wrong ones
        (5, 3, 3, 1.0),  # only two are wrong: any three hold a right one
        (10, 3, 2, 1 - (7 * 6) / (10 * 9)),
    ],
)
def test_pass_at_k_is_unbiased(n: int, correct: int, k: int, expected: float) -> None:
    assert pass_at_k(n, correct, k) == pytest.approx(expected)


def test_pass_at_more_than_was_sampled_is_refused() -> None:
    with pytest.raises(ValueError, match="k=9"):
        pass_at_k(8, 1, 9)


def test_equivalent_predictions_are_one_group_and_missing_ones_none() -> None:
    assert groups_of(["0.5", None, "2", "0.50", " 2 ", None, "2.0"], equal) == [[0, 3], [2, 4, 6]]


def test_the_majority_is_of_equivalent_answers_not_of_texts() -> None:
    # as texts "3" leads with two; as answers one half leads with three
    texts = ["3", "3", "0.5", "0.50", ".5"]
    grades = [grade(0, i, float(text) == 0.5, text) for i, text in enumerate(texts)]
    assert majority_score(grades, equal) == 1.0


def test_a_tie_is_shared_and_no_answer_does_not_vote() -> None:
    tied = [grade(0, 0, True, "1"), grade(0, 1, False, "2"), grade(0, 2, False, None), grade(0, 3, False, None)]
    assert majority_score(tied, equal) == 0.5
    assert majority_score([grade(0, 0, False, None)], equal) == 0.0


def test_majority_at_k_uses_the_first_k_samples() -> None:
    grades = tuple(grade(0, i, text == "1", text) for i, text in enumerate(["2", "1", "1", "1"]))
    one = [Graded(problem=problem(0), grades=grades)]
    assert [majority_scores(one, k, equal) for k in (1, 2, 4)] == [[0.0], [0.5], [1.0]]


def test_powers_up_to_name_the_last_too() -> None:
    assert (powers_up_to(8), powers_up_to(6), powers_up_to(1)) == ([1, 2, 4, 8], [1, 2, 4, 6], [1])


def test_accuracy_is_the_mean_over_problems_of_the_share_of_right_samples() -> None:
    grades = [grade(0, 0, True), grade(0, 1, True), grade(1, 0, True), grade(1, 1, False)]
    graded = graded_problems([problem(0), problem(1)], grades, "strict", 2)
    assert accuracy(graded) == 0.75


@pytest.mark.parametrize(
    ("grades", "complaint"),
    [
        ([grade(0, 0, True)], "t/1: expected samples 0 to 0; found \\[\\]"),
        ([grade(0, 0, True), grade(0, 0, True), grade(1, 0, True)], "expected one grade; found two"),
        ([grade(0, 0, True), grade(1, 0, True), grade(9, 0, True)], "found one of t/9"),
        ([grade(0, 0, True), grade(1, 1, True)], "t/1: expected samples 0 to 0; found \\[1\\]"),
    ],
)
def test_a_denominator_that_moved_is_an_error(grades: list[Grade], complaint: str) -> None:
    with pytest.raises(DenominatorError, match=complaint):
        graded_problems([problem(0), problem(1)], grades, "strict", 1)


def test_breakdowns_are_sorted_as_people_count() -> None:
    graded = [Graded(problem=problem(n, level=f"grade {n}"), grades=(grade(n, 0, True),)) for n in (10, 2, 1)]
    assert list(breakdown(graded, BREAKDOWNS["level"])) == ["grade 1", "grade 2", "grade 10"]
    assert breakdown(graded, BREAKDOWNS["subject"]) == {}


def test_program_accuracy_counts_answers_without_a_program_as_wrong() -> None:
    own = (grade(0, 0, True, program=True), grade(0, 1, True, program=None), grade(0, 2, False, program=False))
    assert program_accuracy([Graded(problem=problem(0), grades=own)]) == pytest.approx(1 / 3)
    assert program_accuracy([Graded(problem=problem(0), grades=(grade(0, 0, True),))]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She then sells the other half of them again. " * 4, True),
        ("She then sells the other half of them again. " * 3, False),
        ("x = 1\nx = 2\nx = 3\nx = 4\nx = 5\nx = 6\nx = 7\nx = 8", False),
        ("所以她每天一共可以卖出十六个鸡蛋和两个鸭蛋。" * 4, True),
        ("所以她每天一共可以卖出十六个鸡蛋和两个鸭蛋。" * 2, False),
        ("", False),
    ],
)
def test_going_round_in_circles_is_seen(text: str, expected: bool) -> None:
    assert repeats(text) is expected


def test_sampling_figures_count_what_went_wrong() -> None:
    late = Program(code="", status="timeout", output="", seconds=10.0)
    bad = Program(code="", status="error", output="", seconds=0.5)
    completions = [
        Completion(
            problem_id="t/0", sample=0, form="tir", text="a", finish="calls", programs=(late, bad), completion_tokens=7
        ),
        Completion(problem_id="t/1", sample=0, form="tir", text="b", finish="length", prompt_tokens=3, seconds=1.25),
        Completion(problem_id="t/2", sample=0, form="tir", text="", finish="error", error="down"),
    ]
    figures = sampling_figures(completions, [grade(0, 0, False, None)])
    expected = {
        "completions": 3, "no_answer": 1, "failed": 1, "truncated": 1, "calls_exhausted": 1, "with_program": 1, "programs": 2,
        "program_errors": 1, "program_timeouts": 1, "prompt_tokens": 3, "completion_tokens": 7, "generation_seconds": 1.25,
        "program_seconds": 10.5,
    }  # fmt: skip
    assert {name: figures[name] for name in expected} == expected

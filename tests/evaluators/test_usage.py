"""Tokens by outcome, and length against correctness, against values worked out by hand."""

from __future__ import annotations

from evaluators.records import Completion, Grade, Problem
from evaluators.scores import ScoreSettings, scores_of
from evaluators.usage import length_bins, same_problem, spent_by


def completion(number: int, sample: int, tokens: int, finish: str = "stop", text: str = "\\boxed{1}") -> Completion:
    return Completion(
        problem_id=f"t/{number}",
        sample=sample,
        form="cot",
        text=text,
        finish=finish,  # type: ignore[arg-type]
        prompt_tokens=10,
        completion_tokens=tokens,
    )


def grade(number: int, sample: int, right: bool) -> Grade:
    outcome = "correct" if right else "incorrect"
    return Grade(
        problem_id=f"t/{number}",
        sample=sample,
        profile="strict",
        outcome=outcome,  # type: ignore[arg-type]
        prediction="1",
        reason="",
        stage="text",
    )


def test_wrong_answers_are_paid_for_too() -> None:
    completions = [completion(0, 0, 100), completion(1, 0, 300), completion(2, 0, 500)]
    names = {("t/0", 0): "correct", ("t/1", 0): "incorrect", ("t/2", 0): "incorrect"}
    found = spent_by(completions, names, (1.0, 10.0))
    assert (found["incorrect"].completions, found["incorrect"].completion_tokens) == (2, 800)
    assert found["incorrect"].cost == (20 * 1.0 + 800 * 10.0) / 1e6
    assert found["correct"].cost == (10 * 1.0 + 100 * 10.0) / 1e6
    assert spent_by(completions, names, None)["correct"].cost is None


def test_bins_hold_about_as_many_answers_each_and_equal_lengths_stay_together() -> None:
    lengths = [1, 2, 2, 2, 2, 2, 3, 4, 5, 6]
    completions = [completion(n, 0, length) for n, length in enumerate(lengths)]
    bins = length_bins(completions, lengths, [True] * 5 + [False] * 5, bins=5)
    assert [(one.low, one.high, one.completions) for one in bins] == [(1, 2, 6), (3, 4, 2), (5, 6, 2)]
    assert [one.accuracy for one in bins] == [5 / 6, 0.0, 0.0]
    assert sum(one.completions for one in bins) == 10


def test_samples_of_one_problem_are_one_piece_of_evidence_in_a_bins_interval() -> None:
    one_problem = [completion(0, sample, 5) for sample in range(100)]
    many = [completion(n, 0, 5) for n in range(100)]
    narrow, wide = (length_bins(own, [5] * 100, [True] * 100)[0].interval for own in (many, one_problem))
    assert wide.low < 0.1 < 0.9 < narrow.low


def test_right_and_wrong_answers_are_compared_within_a_problem() -> None:
    # an easy problem, short and mostly right; a hard one, long and mostly wrong: in each the right answers are shorter by 10
    lengths = [20, 20, 30, 200, 210, 210]
    right = [True, True, False, True, False, False]
    completions = [completion(n // 3, n % 3, length) for n, length in enumerate(lengths)]
    found = same_problem(completions, lengths, right)
    assert found is not None
    assert (found.problems, found.right, found.wrong) == (2, 110, 120)
    assert same_problem(completions[:2], lengths[:2], right[:2]) is None


def test_only_what_a_model_was_trained_on_is_charged_to_it() -> None:
    problems = [Problem(id=f"t/{n}", benchmark="t", question="?", reference="1") for n in range(2)]
    completions = [completion(n, 0, 5) for n in range(2)]
    grades = [grade(0, 0, True), grade(1, 0, False)]
    contained = {"corpus": {"t/0": 1.0, "t/1": 1.0}, "mixture": {"t/0": 1.0}}

    def scores(seen: list[str] | None) -> dict[str, object]:
        found = scores_of(problems, completions, grades, contained, ScoreSettings(), seen=seen)
        return {"clean": found["profiles"]["strict"]["clean"], **{k: found[k] for k in ("contaminated", "not_seen")}}

    assert scores([]) == {"clean": None, "contaminated": {}, "not_seen": {"corpus": 2, "mixture": 1}}
    trained = scores(["mixture"])
    assert (trained["contaminated"], trained["not_seen"]) == ({"mixture": ["t/0"]}, {"corpus": 2})
    assert trained["clean"]["problems"] == 1  # type: ignore[index]
    assert scores(None)["clean"]["problems"] == 0  # type: ignore[index]


def test_empty_answers_and_what_each_ending_took_are_counted() -> None:
    problems = [Problem(id=f"t/{n}", benchmark="t", question="?", reference="1") for n in range(3)]
    completions = [completion(0, 0, 7), completion(1, 0, 64, "length", ""), completion(2, 0, 3, "stop", " \n")]
    grades = [grade(n, 0, n == 0) for n in range(3)]
    sampling = scores_of(problems, completions, grades, {}, ScoreSettings())["sampling"]
    assert (sampling["empty"], sampling["truncated"]) == (2, 1)
    assert {name: one["completion_tokens"] for name, one in sampling["spent_by_finish"].items()} == {
        "stop": 10,
        "length": 64,
    }

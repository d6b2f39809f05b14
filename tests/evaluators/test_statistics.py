"""Statistics against values worked out by hand or taken from the cited papers."""

import math

import pytest

from evaluators.statistics import (
    compare_paired,
    detectable_difference,
    holm,
    mcnemar_exact,
    one_sample,
    sign_flip_test,
)


@pytest.mark.parametrize(
    ("only_a", "only_b", "expected"),
    [
        (0, 0, 1.0),
        (5, 0, 2 / 32),  # five coins, one way: 0.0625, not significant whatever the size of the benchmark
        (6, 0, 2 / 64),  # six: 0.03125, the fewest that can be
        (3, 1, 2 * (1 + 4) / 16),
        (2, 2, 1.0),
        (1, 9, 2 * (1 + 10) / 1024),
    ],
)
def test_exact_mcnemar(only_a: int, only_b: int, expected: float) -> None:
    assert mcnemar_exact(only_a, only_b) == pytest.approx(expected)
    assert mcnemar_exact(only_b, only_a) == mcnemar_exact(only_a, only_b)


def test_exact_mcnemar_of_thousands_of_pairs_does_not_overflow() -> None:
    assert 0 < mcnemar_exact(2000, 2200) < 0.01


def test_sign_flips_agree_with_the_exact_test_for_single_samples() -> None:
    differences = [1.0] * 9 + [-1.0] + [0.0] * 90
    assert sign_flip_test(differences) == pytest.approx(mcnemar_exact(9, 1), abs=0.006)
    assert sign_flip_test([0.0] * 10) == 1.0


def test_a_paired_comparison_counts_what_only_one_side_solves() -> None:
    a = {str(i): float(i < 70) for i in range(100)}
    b = {str(i): float(i >= 8 and i < 72) for i in range(100)}
    found = compare_paired(a, b)
    assert (found.only_a, found.only_b) == (8, 2)
    assert found.difference == pytest.approx(0.06)
    assert found.p_value == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert not found.significant


def test_problems_of_one_template_are_one_piece_of_evidence() -> None:
    # forty problems made from four templates, which a solves and b does not: four coins, one way, 2/16
    a = {f"{template}/{n}": float(template < 4) for template in range(8) for n in range(10)}
    b = dict.fromkeys(a, 0.0)
    alone = compare_paired(a, b)
    found = compare_paired(a, b, clusters={key: key.split("/")[0] for key in a})
    assert alone.p_value < 1e-11 and alone.clusters is None
    assert found.test == "sign-flip permutation of clusters"
    assert found.p_value == pytest.approx(2 / 16, abs=0.01)
    assert found.clusters == 8
    # as wide as for a sample of eight: the four of eight that Tango would have had
    assert found.interval.low < 0.15 < alone.interval.low
    assert found.detectable > 2 * alone.detectable


def test_clusters_of_one_problem_each_change_nothing() -> None:
    a, b = {str(i): float(i % 3 == 0) for i in range(30)}, {str(i): float(i % 2 == 0) for i in range(30)}
    assert compare_paired(a, b, clusters={key: key for key in a}).p_value == compare_paired(a, b).p_value


def test_comparing_different_problems_is_refused() -> None:
    with pytest.raises(ValueError, match="2 are on one only"):
        compare_paired({"a": 1.0, "b": 0.0}, {"a": 1.0, "c": 0.0})


def test_the_detectable_difference_meets_connors_formula() -> None:
    n, discordance = 1319, 0.13
    found = detectable_difference(n, discordance)
    needed = (1.959964 * math.sqrt(discordance) + 0.841621 * math.sqrt(discordance - found**2)) ** 2 / found**2
    assert needed == pytest.approx(n, rel=1e-3)
    assert 0.02 < found < 0.04


def test_more_problems_show_smaller_differences() -> None:
    assert detectable_difference(5000, 0.2) < detectable_difference(250, 0.2) < detectable_difference(30, 0.2)
    assert detectable_difference(0, 0.2) == 1.0


def test_one_sample_against_a_published_figure() -> None:
    # 9 of 10 against 0.5: outcomes as unlikely are 0, 1, 9, 10: 22/1024
    assert one_sample(9, 10, 0.5) == pytest.approx(22 / 1024)
    assert one_sample(5, 10, 0.5) == pytest.approx(1.0)
    assert one_sample(0, 10, 0.0) == 1.0
    assert one_sample(1, 10, 0.0) == 0.0


def test_holm_steps_down_and_never_decreases() -> None:
    # Holm 1979: 0.01*4, 0.02*3, then the running maximum
    adjusted = holm({"a": 0.04, "b": 0.01, "c": 0.03, "d": 0.02})
    assert adjusted == pytest.approx({"a": 0.06, "b": 0.04, "c": 0.06, "d": 0.06})
    assert list(adjusted) == ["a", "b", "c", "d"]
    assert holm({}) == {}

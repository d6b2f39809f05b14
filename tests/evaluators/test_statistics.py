"""Statistics against values worked out by hand or taken from the cited papers."""

import math

import pytest

from evaluators.statistics import (
    accuracy_interval,
    compare_paired,
    detectable_difference,
    holm,
    mcnemar_exact,
    one_sample,
    paired_bootstrap,
    sign_flip_test,
    wilson,
)


def test_wilson_of_eight_in_ten() -> None:
    # by hand, z = 1.959964: centre (0.8 + z2/20) / (1 + z2/10) = 0.71673, half width 0.22659
    interval = wilson(8, 10)
    assert interval.low == pytest.approx(0.4902, abs=1e-4)
    assert interval.high == pytest.approx(0.9433, abs=1e-4)


@pytest.mark.parametrize(("correct", "n"), [(0, 20), (20, 20)])
def test_wilson_at_the_ends_stays_open_on_one_side_only(correct: int, n: int) -> None:
    # the open bound is z2/(n + z2) = 3.8415/23.8415
    interval = wilson(correct, n)
    width = 3.841459 / 23.841459
    expected = (0.0, width) if correct == 0 else (1 - width, 1.0)
    assert (interval.low, interval.high) == pytest.approx(expected)


def test_nothing_observed_excludes_nothing() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)


def test_wilson_refuses_more_right_than_there_are() -> None:
    with pytest.raises(ValueError, match="found 3 of 2"):
        wilson(3, 2)


def test_the_paper_sized_half_widths() -> None:
    # published half widths at the RL model's accuracies: GSM8K +-2.0 at 1,319, MATH +-1.4 at 5,000
    gsm8k, math_ = wilson(0.829 * 1319, 1319), wilson(0.468 * 5000, 5000)
    assert 100 * (gsm8k.high - gsm8k.low) / 2 == pytest.approx(2.0, abs=0.05)
    assert 100 * (math_.high - math_.low) / 2 == pytest.approx(1.4, abs=0.05)


def test_repeated_samples_of_a_problem_do_not_narrow_the_interval() -> None:
    # ten problems whose eight samples all agree carry the information of ten, not of eighty
    assert accuracy_interval([1.0] * 8 + [0.0] * 2) == wilson(8, 10)


def test_samples_that_vary_within_problems_do_narrow_it() -> None:
    half = accuracy_interval([0.5] * 50 + [0.25] * 25 + [0.75] * 25)
    assert half.high - half.low < wilson(50, 100).high - wilson(50, 100).low


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


def test_the_bootstrap_is_deterministic_and_centred_on_the_difference() -> None:
    a, b = [1.0] * 60 + [0.0] * 40, [1.0] * 40 + [0.0] * 60
    interval = paired_bootstrap(a, b, seed=3)
    assert interval == paired_bootstrap(a, b, seed=3)
    # 20 of 100 discordant, all one way: 0.2 +- 1.96 sqrt(0.16/100)
    assert (interval.low, interval.high) == pytest.approx((0.2 - 0.0784, 0.2 + 0.0784), abs=0.012)


def test_the_bootstrap_of_equal_evaluations_has_no_width() -> None:
    assert (paired_bootstrap([1.0, 0.0], [1.0, 0.0]).low, paired_bootstrap([1.0, 0.0], [1.0, 0.0]).high) == (0.0, 0.0)


def test_a_paired_comparison_counts_what_only_one_side_solves() -> None:
    a = {str(i): float(i < 70) for i in range(100)}
    b = {str(i): float(i >= 8 and i < 72) for i in range(100)}
    found = compare_paired(a, b)
    assert (found.only_a, found.only_b) == (8, 2)
    assert found.difference == pytest.approx(0.06)
    assert found.p_value == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert not found.significant


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

"""Intervals against values worked out by hand or published, and their coverage by simulation."""

import numpy as np
import pytest

from evaluators.intervals import (
    accuracy_interval,
    design_effect,
    exact,
    paired_interval,
    share_interval,
    tango,
    wilson,
)

Z = 1.959964


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
    # a hundred problems whose eight samples all agree carry the information of a hundred, not of eight hundred
    assert accuracy_interval([1.0] * 80 + [0.0] * 20) == wilson(80, 100)


def test_samples_that_vary_within_problems_do_narrow_it() -> None:
    half = accuracy_interval([0.5] * 50 + [0.25] * 25 + [0.75] * 25)
    assert half.high - half.low < wilson(50, 100).high - wilson(50, 100).low


def test_wilson_meets_newcombes_table() -> None:
    found = wilson(15, 148)  # Newcombe 1998, table I
    assert (round(found.low, 4), round(found.high, 4)) == (0.0624, 0.1605)


def test_the_exact_interval_meets_newcombes_table() -> None:
    found = exact(15, 148)  # Newcombe 1998, table I, method 5
    assert (round(found.low, 4), round(found.high, 4)) == (0.0578, 0.1617)
    # all of 30: the bound at which thirty of thirty has the chance 0.025
    assert exact(30, 30).low == pytest.approx(0.025 ** (1 / 30))


def test_few_problems_have_an_exact_interval_and_many_wilsons() -> None:
    assert share_interval(28, 30) == exact(28, 30)
    assert share_interval(280, 300) == wilson(280, 300)


def test_tangos_interval_meets_the_published_one() -> None:
    # airway hyper-responsiveness: of 21 children 1 before only, 7 after only (Fagerland, Lydersen and Laake 2014)
    found = tango(1, 7, 21, Z)
    assert (round(found.low, 3), round(found.high, 3)) == (-0.517, -0.026)


def test_two_models_that_agree_on_everything_still_leave_room() -> None:
    found = paired_interval([0.0] * 30)
    assert (found.low, found.high) == pytest.approx((-(Z**2) / (30 + Z**2), Z**2 / (30 + Z**2)), abs=1e-6)


def test_a_model_that_wins_everywhere_may_win_on_fewer() -> None:
    # with b's count 0 the score is n (1 - d) / (1 + d), so the bound is (n - z^2) / (n + z^2)
    found, mirrored = paired_interval([1.0] * 20), paired_interval([-1.0] * 20)
    assert (found.low, found.high) == pytest.approx(((20 - Z**2) / (20 + Z**2), 1.0), abs=1e-6)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_several_samples_give_a_narrower_interval_than_one_of_the_same_mean() -> None:
    several = paired_interval([0.25, 0.0, 0.5, 0.25] * 10)
    single = paired_interval([1.0, 0.0, 0.0, 0.0] * 10)
    assert several.low > single.low and several.high < single.high
    assert several.low < 0.25 < several.high


def test_copies_of_a_problem_add_nothing() -> None:
    # twenty problems, five times each: the design effect is five, but for the 20/19 of an estimated variance
    differences = [1.0] * 5 + [0.0] * 95
    assert design_effect(differences, [n // 5 for n in range(100)]) == pytest.approx(5 * 20 / 19)
    with pytest.raises(ValueError, match="at least two clusters"):
        paired_interval(differences, clusters=["all"] * 100)


@pytest.mark.parametrize("n", [20, 30, 40])
@pytest.mark.parametrize("shares", [(0.02, 0.0), (0.05, 0.05), (0.1, 0.02), (0.3, 0.05), (0.25, 0.25), (0.8, 0.1)])
def test_a_paired_interval_covers_the_truth_on_few_problems(n: int, shares: tuple[float, float]) -> None:
    """Exactly, over every outcome: the chance that the interval holds the true difference."""
    from scipy.stats import multinomial

    a, b = shares
    outcomes = [(i, j) for i in range(n + 1) for j in range(n + 1 - i)]
    chances = multinomial.pmf([(i, j, n - i - j) for i, j in outcomes], n, (a, b, 1 - a - b))
    covered = 0.0
    for (i, j), chance in zip(outcomes, chances, strict=True):
        if chance > 1e-6:
            found = tango(i, j, n, Z)
            covered += chance * (found.low - 1e-9 <= a - b <= found.high + 1e-9)
    assert covered >= 0.94


@pytest.mark.parametrize(("n", "samples"), [(20, 4), (30, 16), (40, 4)])
def test_intervals_of_several_samples_cover_the_truth(n: int, samples: int) -> None:
    """600 evaluations of two models whose chances differ from problem to problem: three standard errors are 0.027."""
    generator = np.random.default_rng(7)
    easy, hard = generator.beta(0.5, 0.5, size=(600, n)), generator.beta(1, 2, size=(600, n))
    scores = generator.binomial(samples, easy) / samples
    differences = scores - generator.binomial(samples, hard) / samples
    single = [accuracy_interval(list(row)) for row in scores]
    paired = [paired_interval(list(row)) for row in differences]
    assert np.mean([one.low <= 0.5 <= one.high for one in single]) >= 0.94
    assert np.mean([one.low <= 0.5 - 1 / 3 <= one.high for one in paired]) >= 0.94


def test_intervals_of_clusters_cover_the_truth_where_those_without_do_not() -> None:
    generator = np.random.default_rng(8)
    common = generator.normal(size=(400, 12, 1))
    right = (common + generator.normal(size=(400, 12, 4)) > 0).reshape(400, 48).astype(float)
    clusters = [n // 4 for n in range(48)]
    aware = [paired_interval(list(row - 0.5), clusters=clusters) for row in right]
    naive = [paired_interval(list(row - 0.5)) for row in right]
    assert np.mean([one.low <= 0.0 <= one.high for one in aware]) >= 0.94
    assert np.mean([one.low <= 0.0 <= one.high for one in naive]) < 0.9
